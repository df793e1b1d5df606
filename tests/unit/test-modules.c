// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "fake-modules.h"

#include <stdlib.h>
#include <string.h>

static struct fake_modules fake;

static int begin(void **state)
{
	(void)state;
	fake_modules_write(&fake);
	fake_modules_init(&fake);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_modules_deinit(&fake);
	return 0;
}

static const struct gg_module_list *list_of_modules(void)
{
	const struct gg_module_list *list = NULL;
	assert_success(gg_modules_list(&fake.kernel, &list));
	return list;
}

static void put(unsigned int module, size_t offset, unsigned int size, uint64_t value)
{
	put_uint(fake.bytes + fake_module(module) + offset, size, value);
}

static void assert_damage(size_t count, const char *text)
{
	const struct gg_module_list *list = list_of_modules();
	assert_int_equal(list->count, count);
	assert_non_null(list->damage);
	if (!strstr(gg_error_message(list->damage), text))
		fail_msg("%s", gg_error_message(list->damage));
}

// ---- The list ----

static void test_list(void **state)
{
	(void)state;
	gg_gva_t *users;
	size_t count;
	uint8_t id[GG_BUILD_ID_MAX];
	const struct gg_module_list *list = list_of_modules();
	assert_int_equal(list->count, FAKE_MODULE_COUNT);
	assert_null(list->damage);
	const struct gg_module *first = &list->modules[0];
	assert_string_equal(first->name, "first");
	assert_int_equal(first->size, 0xe00);
	assert_int_equal(first->references, 1);
	assert_int_equal(first->taints, 1 << 12);
	assert_ptr_equal(gg_modules_named(list, "sec-ond"), &list->modules[1]);
	assert_null(gg_modules_named(list, "sec"));
	assert_success(gg_module_users(&fake.kernel, first, &users, &count));
	assert_int_equal(count, 2);
	assert_int_equal(users[1], list->modules[2].address);
	free(users);
	assert_success(gg_module_build_id(&fake.kernel, first, id, &count));
	assert_int_equal(count, 4);
	assert_memory_equal(id, "\xab\xcd\xef\x01", 4);
	assert_error(gg_module_build_id(&fake.kernel, &list->modules[1], id, &count), GG_NOT_FOUND,
		     "the module sec_ond has no build ID");
}

static void test_loop(void **state)
{
	(void)state;
	put(2, FAKE_LIST, 8, FAKE_MODULES + fake_module(1) + FAKE_LIST);
	assert_damage(3, "the list loops at the module at 0xffffffffc0002000");
}

static void test_unmapped(void **state)
{
	(void)state;
	put(1, FAKE_LIST, 8, 0x10);
	assert_damage(2, "the module at 0x8: nothing is mapped");
}

static void test_unformed(void **state)
{
	(void)state;
	put(1, FAKE_STATE, 4, GG_MODULE_UNFORMED);
	put(2, FAKE_STATE, 4, GG_MODULE_GOING);
	const struct gg_module_list *list = list_of_modules();
	assert_int_equal(list->count, 2);
	assert_string_equal(list->modules[1].name, "third");
	assert_int_equal(list->modules[1].state, GG_MODULE_GOING);
}

static void test_name(void **state)
{
	(void)state;
	memset(fake.bytes + fake_module(0) + FAKE_NAME, '\033', 56);
	const struct gg_module_list *list = list_of_modules();
	assert_int_equal(strlen(list->modules[0].name), 4 * 56);
	assert_memory_equal(list->modules[0].name, "\\x1b\\x1b", 8);
}

static void test_users(void **state)
{
	(void)state;
	gg_gva_t *users;
	size_t count;
	const struct gg_module_list *list = list_of_modules();
	put(2, FAKE_USE, 8, FAKE_MODULES + fake_module(1) + FAKE_USE);
	assert_error(gg_module_users(&fake.kernel, &list->modules[0], &users, &count), GG_BAD_DATA,
		     "the users of the module first: the list of its users loops");
	assert_null(users);
}

static void test_notes(void **state)
{
	(void)state;
	uint8_t id[GG_BUILD_ID_MAX];
	size_t size;
	const struct gg_module *first = list_of_modules()->modules;
	put(0, FAKE_NOTE + 4, 4, 0xfffffff0);
	assert_error(gg_module_build_id(&fake.kernel, first, id, &size), GG_BAD_DATA,
		     "the build ID of the module first: the notes: 4294967280 bytes");
	put(0, FAKE_NOTE_ATTRS + 32, 8, UINT64_MAX);
	assert_error(gg_module_build_id(&fake.kernel, first, id, &size), GG_BAD_DATA,
		     "a note of 18446744073709551615 bytes");
}

// ---- Symbols ----

static void test_symbols(void **state)
{
	(void)state;
	struct gg_symbol symbol;
	struct gg_symbols *symbols = fake.kernel.symbols;
	const uint64_t text = FAKE_MODULES + fake_module(1);
	assert_success(gg_symbols_at(symbols, text + 0x501, &symbol));
	assert_string_equal(symbol.name, "read");
	assert_string_equal(symbol.module, "sec_ond");
	assert_int_equal(symbol.size, 0x900);
	assert_success(gg_symbols_at(symbols, text + 0x4ff, &symbol));
	assert_string_equal(symbol.name, "open");
	assert_int_equal(symbol.size, 0x200);
	assert_int_equal(symbol.type, 'd');
	assert_error(gg_symbols_at(symbols, text + 0x2ff, &symbol), GG_NOT_FOUND,
		     "the module sec_ond has no symbol before");
	assert_error(gg_symbols_at(symbols, text + 0xe00, &symbol), GG_NOT_FOUND,
		     "is in no module");
	assert_success(gg_symbols_find_everywhere(symbols, "write", &symbol));
	assert_int_equal(symbol.address, FAKE_MODULES + fake_module(0) + 0x500);
	assert_int_equal(symbol.type, 'T');
	assert_success(gg_symbols_find_everywhere(symbols, "sec-ond:write", &symbol));
	assert_int_equal(symbol.address, text + 0x500);
	assert_error(gg_symbols_find_everywhere(symbols, "third:write", &symbol), GG_NOT_FOUND,
		     "no symbol third:write");
}

static void test_damaged_table(void **state)
{
	(void)state;
	struct gg_symbol symbol;
	struct gg_symbols *symbols = fake.kernel.symbols;
	put(0, FAKE_MOD_KALLSYMS + 8, 4, 0x7fffffff);
	assert_error(gg_symbols_at(symbols, FAKE_MODULES + fake_module(0) + 0x500, &symbol),
		     GG_BAD_DATA, "the symbols of the module first: 2147483647 symbols, more than");
	// Another module's symbols are not the worse for that.
	assert_success(gg_symbols_find_everywhere(symbols, "write", &symbol));
	assert_string_equal(symbol.module, "sec_ond");
}

static void test_names_elsewhere(void **state)
{
	(void)state;
	struct gg_symbol symbol;
	put(0, FAKE_SYMTAB + 24, 4, 0x10000);
	assert_error(
		gg_symbols_at(fake.kernel.symbols, FAKE_MODULES + fake_module(0) + 0x500, &symbol),
		GG_BAD_DATA, "up to offset 65536, are not in the module");
}

static void test_odd_names(void **state)
{
	(void)state;
	struct gg_symbol symbol;
	memcpy(fake.bytes + fake_module(0) + FAKE_STRTAB + 1, "\033[2J", 4);
	assert_success(
		gg_symbols_at(fake.kernel.symbols, FAKE_MODULES + fake_module(0) + 0x500, &symbol));
	assert_string_equal(symbol.name, "?[2J");
}

// ---- BPF ----

static void assert_bpf(size_t offset, const char *name)
{
	struct gg_symbol symbol;
	struct gg_error *err =
		gg_symbols_at(fake.kernel.symbols, FAKE_MODULES + FAKE_BPF_CODE + offset, &symbol);
	if (!name) {
		assert_error(err, GG_NOT_FOUND, "is in no module");
		return;
	}
	assert_success(err);
	assert_string_equal(symbol.name, name);
	assert_string_equal(symbol.module, "bpf");
	assert_int_equal(symbol.size, 0x30);
}

static void test_bpf(void **state)
{
	static const char *const names[] = { "bpf_trampoline_7", "bpf:bpf_trampoline_7" };
	struct gg_symbol symbol;
	(void)state;
	assert_bpf(0, "bpf_prog_0123456789abcdef_p");
	assert_bpf(0x2f, "bpf_prog_0123456789abcdef_p");
	assert_bpf(0x30, NULL);
	assert_bpf(0x40, "bpf_trampoline_7");
	for (size_t i = 0; i < 2; i++) {
		assert_success(gg_symbols_find_everywhere(fake.kernel.symbols, names[i], &symbol));
		assert_int_equal(symbol.address, FAKE_MODULES + FAKE_BPF_CODE + 0x40);
	}
	assert_error(
		gg_symbols_find_everywhere(fake.kernel.symbols, "first:bpf_trampoline_7", &symbol),
		GG_NOT_FOUND, "the kernel has no symbol first:bpf_trampoline_7");
	assert_error(gg_symbols_find(fake.kernel.symbols, "bpf_trampoline_7", &symbol),
		     GG_NOT_FOUND, "the kernel has no symbol");
}

static void test_damaged_bpf(void **state)
{
	(void)state;
	// The second leads to itself; a name is of control characters.
	put_uint(fake.bytes + FAKE_BPF + FAKE_BPF_SIZE + 48, 8,
		 FAKE_MODULES + FAKE_BPF + FAKE_BPF_SIZE + 48);
	memcpy(fake.bytes + FAKE_BPF + 16, "\033[2J", 5);
	assert_bpf(0, "bpf_prog_0123456789abcdef_p");
	assert_bpf(0x40, "?[2J");
	assert_bpf(0x80, NULL);
}

static void test_backward_bpf(void **state)
{
	(void)state;
	// Code that ends before it begins ends the list, and what was before is there.
	put_uint(fake.bytes + FAKE_BPF + FAKE_BPF_SIZE + 8, 8, 1);
	assert_bpf(0x40, "bpf_trampoline_7");
	assert_bpf(0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(sentence, function) UNIT_TEST_WITH(begin, end, sentence, function)
		TEST("modules have names, sizes, uses, taints, users and build IDs", test_list),
		TEST("a list that loops has each module once, and says that it is damaged",
		     test_loop),
		TEST("a list that leads to nowhere has what is before, and the address",
		     test_unmapped),
		TEST("a module that is not formed yet is none; that goes is there", test_unformed),
		TEST("a name without an end ends, and is escaped", test_name),
		TEST("a list of users that loops is an error", test_users),
		TEST("notes with sizes that lie are an error", test_notes),
		TEST("an address has the last symbol before it, a name the lowest address",
		     test_symbols),
		TEST("the damaged symbols of a module are an error, and no other module's",
		     test_damaged_table),
		TEST("names outside of the module are an error", test_names_elsewhere),
		TEST("a control character in a name is a question mark", test_odd_names),
		TEST("the code that BPF has made has names, of no module and no kernel", test_bpf),
		TEST("a list of BPF's code that loops ends, and its names are printable",
		     test_damaged_bpf),
		TEST("code of BPF's without bytes is none", test_backward_bpf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
