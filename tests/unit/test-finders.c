// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "linux/answerers/answerers.h"
#include "linux/vmcoreinfo-finders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- A finder of its own ----

// A finder of one symbol or member, and the number of its calls. A test's are static: the list
// outlives the test's function.
struct fake {
	const char *name;
	gg_gva_t address;
	bool of_modules;
	bool has_none_at;             // find_at finds nothing
	enum gg_error_kind open_kind; // of the error at its opening, where OPEN_FAILS
	bool open_fails;
	unsigned int opened, asked, destroyed;
};

static struct gg_error *fake_open(void *data)
{
	struct fake *fake = data;
	fake->opened++;
	return fake->open_fails ? gg_error_create(fake->open_kind, "%s is damaged", fake->name)
				: NULL;
}

static struct gg_error *fake_find(void *data, const char *name, struct gg_symbol *ret)
{
	struct fake *fake = data;
	fake->asked++;
	if (strcmp(name, fake->name))
		return gg_error_create(GG_NOT_FOUND, "it has only %s", fake->name);
	*ret = (struct gg_symbol){ .name = fake->name, .type = 'T', .address = fake->address };
	return NULL;
}

static struct gg_error *fake_find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	struct fake *fake = data;
	if (fake->has_none_at)
		return gg_error_create(GG_NOT_FOUND, "%s has nothing at 0x%x", fake->name,
				       (unsigned int)address);
	return fake_find(data, fake->name, ret);
}

static struct gg_error *fake_visit(void *data, gg_visit_symbol_fn *visit, void *visit_data)
{
	const struct fake *fake = data;
	return visit(visit_data, &(struct gg_symbol){ .name = fake->name });
}

static void fake_destroy(void *data)
{
	struct fake *fake = data;
	fake->destroyed++;
}

static const struct gg_symbol_finder_ops fake_ops = {
	.open = fake_open,
	.find = fake_find,
	.find_at = fake_find_at,
	.visit = fake_visit,
	.destroy = fake_destroy,
};

static struct gg_error *fake_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	const struct fake *fake = data;
	(void)path;
	if (strcmp(type, fake->name))
		return gg_error_create(GG_NOT_FOUND, "only %s is known", fake->name);
	*ret = (struct gg_member){ .offset = fake->address, .size = 4 };
	return NULL;
}

static const struct gg_member_finder_ops fake_member_ops = { .find = fake_member,
							     .destroy = fake_destroy };

// ---- The lists ----

static char lines[4096];
static struct gg_answerers answerers;

static void append(void *data, const char *line)
{
	(void)data;
	strcat(lines, line);
	strcat(lines, "\n");
}

static const struct gg_debug debug = { append, NULL };

static int begin(void **state)
{
	(void)state;
	const struct gg_kernel_memory memory = gg_kernel_memory(NULL, true, 4);
	lines[0] = 0;
	assert_success(gg_answerers_init(&answerers, NULL, &memory, &debug));
	return 0;
}

static int end(void **state)
{
	(void)state;
	gg_answerers_deinit(&answerers);
	return 0;
}

static void add(struct fake *fake, int order)
{
	assert_success(gg_symbols_add(
		answerers.symbols, &(struct gg_symbol_finder){ .name = fake->name,
							       .order = order,
							       .ops = &fake_ops,
							       .data = fake,
							       .start = fake->address,
							       .size = 0x1000,
							       .of_modules = fake->of_modules }));
}

static uint64_t address_of(const char *name)
{
	uint64_t address = 0;
	assert_success(gg_host_symbol(&answerers.host, name, &address));
	return address;
}

static void test_order(void **state)
{
	(void)state;
	static struct fake first = { .name = "prb", .address = 0x1000 };
	static struct fake second = { .name = "prb", .address = 0x2000 };
	static struct fake third = { .name = "module_symbol", .address = 0x3000 };
	add(&third, 30);
	add(&second, 20);
	add(&first, 10);
	assert_int_equal(address_of("prb"), 0x1000);
	assert_int_equal(second.asked + second.opened + third.opened, 0);
	assert_int_equal(address_of("module_symbol"), 0x3000);
	assert_int_equal(second.asked, 1);
	end(NULL);
	assert_int_equal(first.destroyed + second.destroyed + third.destroyed, 3);
}

static void test_failing_finder(void **state)
{
	(void)state;
	uint64_t address;
	static struct fake damaged = { .name = "kallsyms",
				       .open_fails = true,
				       .open_kind = GG_BAD_DATA };
	static struct fake sound = { .name = "module_symbol", .address = 0x3000 };
	add(&damaged, 10);
	add(&sound, 20);
	assert_int_equal(address_of("module_symbol"), 0x3000);
	assert_error(gg_host_symbol(&answerers.host, "other", &address), GG_NOT_FOUND,
		     "kallsyms is damaged; it has only module_symbol");
	assert_int_equal(damaged.opened, 1);
	assert_int_equal(damaged.asked, 0);
}

static void test_final_error(void **state)
{
	(void)state;
	uint64_t address;
	static struct fake interrupted = { .name = "a",
					   .open_fails = true,
					   .open_kind = GG_INTERRUPTED };
	static struct fake sound = { .name = "b", .address = 0x3000 };
	add(&interrupted, 10);
	add(&sound, 20);
	assert_error(gg_host_symbol(&answerers.host, "b", &address), GG_INTERRUPTED, "damaged");
	// Asked again after Ctrl-C, the finder may work.
	interrupted.open_fails = false;
	assert_int_equal(address_of("b"), 0x3000);
}

static void test_no_symbol(void **state)
{
	(void)state;
	uint64_t address;
	static struct fake sound = { .name = "b", .address = 0x3000 };
	add(&sound, 20);
	assert_error(gg_host_symbol(&answerers.host, "c", &address), GG_NOT_FOUND,
		     "the kernel has no symbol c");
}

static void test_by_address(void **state)
{
	(void)state;
	struct gg_symbol symbol;
	static struct fake kernel = { .name = "kernel", .address = 0x10000 };
	static struct fake module = { .name = "module", .address = 0x20000 };
	add(&kernel, 10);
	add(&module, 20);
	assert_success(gg_symbols_at(answerers.symbols, 0x20fff, &symbol));
	assert_string_equal(symbol.name, "module");
	assert_int_equal(kernel.opened, 0);
	assert_error(gg_symbols_at(answerers.symbols, 0x21000, &symbol), GG_NOT_FOUND,
		     "0x21000 is not in the kernel's image");
}

static void test_falls_through(void **state)
{
	(void)state;
	struct gg_symbol symbol;
	static struct fake kernel = { .name = "kernel", .address = 0x10000, .has_none_at = true };
	static struct fake damaged = {
		.name = "damaged", .address = 0x10000, .open_fails = true, .open_kind = GG_BAD_DATA
	};
	static struct fake module = { .name = "module", .address = 0x10800 };
	add(&kernel, 10);
	add(&damaged, 20);
	add(&module, 30);
	assert_success(gg_symbols_at(answerers.symbols, 0x10800, &symbol));
	assert_string_equal(symbol.name, "module");
	assert_error(gg_symbols_at(answerers.symbols, 0x107ff, &symbol), GG_NOT_FOUND,
		     "kernel has nothing at 0x107ff");
}

static void test_modules(void **state)
{
	(void)state;
	uint64_t address;
	struct gg_symbol symbol;
	static struct fake kernel = { .name = "prb", .address = 0x1000 };
	static struct fake module = { .name = "tun_do_read",
				      .address = 0x2000,
				      .of_modules = true };
	static struct fake damaged = {
		.name = "btf", .of_modules = true, .open_fails = true, .open_kind = GG_BAD_DATA
	};
	add(&kernel, 10);
	add(&module, 20);
	assert_error(gg_host_symbol(&answerers.host, "tun_do_read", &address), GG_NOT_FOUND,
		     "the kernel has no symbol tun_do_read");
	assert_success(gg_symbols_find_everywhere(answerers.symbols, "prb", &symbol));
	assert_int_equal(module.opened, 0);
	assert_success(gg_symbols_find_everywhere(answerers.symbols, "tun_do_read", &symbol));
	assert_int_equal(symbol.address, 0x2000);
	add(&damaged, 30);
	assert_error(gg_symbols_find_everywhere(answerers.symbols, "fuse_read", &symbol),
		     GG_NOT_FOUND,
		     "the kernel has no symbol fuse_read, and its modules' are not known: btf is");
}

static struct gg_error *append_name(void *data, const char *name)
{
	strcat(data, name);
	strcat(data, " ");
	return NULL;
}

static void test_completion(void **state)
{
	(void)state;
	char names[64] = "";
	static struct fake fakes[] = { { .name = "tun_do_read" },
				       { .name = "tty_open" },
				       { .name = "tun_do_read" },
				       { .name = "schedule" } };
	for (size_t i = 0; i < sizeof(fakes) / sizeof(*fakes); i++)
		add(&fakes[i], (int)i);
	assert_success(gg_symbols_complete(answerers.symbols, "t", 9, append_name, names));
	assert_string_equal(names, "tty_open tun_do_read ");
}

static void test_members(void **state)
{
	(void)state;
	static struct gg_vmcoreinfo info;
	struct gg_member member;
	static const char text[] = "OSRELEASE=6\nOFFSET(list_head.next)=8\nSIZE(list_head)=x\n";
	static struct fake types = { .name = "task_struct", .address = 24 };
	const struct gg_host *host = &answerers.host;
	assert_success(gg_vmcoreinfo_init(&info, text, strlen(text)));
	assert_success(gg_members_add(
		answerers.members,
		&(struct gg_member_finder){
			.name = "types", .order = 50, .ops = &fake_member_ops, .data = &types }));
	assert_success(gg_vmcoreinfo_add_member_finder(answerers.members, GG_BY_VMCOREINFO, &info));
	assert_success(host->ops->member(host->data, "task_struct", "comm", &member));
	assert_int_equal(member.offset, 24);
	assert_success(host->ops->member(host->data, "list_head", "next", &member));
	assert_int_equal(member.offset, 8);
	assert_int_equal(member.size, 0);
	assert_error(host->ops->member(host->data, "list_head", "prev", &member), GG_NOT_FOUND,
		     "VMCOREINFO has no OFFSET(list_head.prev)");
	// Nobody makes up for a damaged answer.
	static struct fake later = { .name = "list_head", .address = 1 };
	assert_success(gg_members_add(
		answerers.members,
		&(struct gg_member_finder){
			.name = "later", .order = 60, .ops = &fake_member_ops, .data = &later }));
	assert_error(host->ops->member(host->data, "list_head", "", &member), GG_BAD_DATA,
		     "not a number");
	gg_vmcoreinfo_deinit(&info);
}

static void test_debug(void **state)
{
	(void)state;
	uint64_t address;
	struct gg_member member;
	static struct fake damaged = { .name = "one",
				       .open_fails = true,
				       .open_kind = GG_BAD_DATA };
	static struct fake sound = { .name = "two", .address = 0x3000 };
	const struct gg_host *host = &answerers.host;
	add(&damaged, 10);
	add(&sound, 20);
	assert_success(gg_host_symbol(host, "two", &address));
	assert_success(gg_members_add(
		answerers.members,
		&(struct gg_member_finder){
			.name = "types", .order = 50, .ops = &fake_member_ops, .data = &sound }));
	assert_success(host->ops->member(host->data, "two", "x", &member));
	assert_string_equal(lines, "debug: symbols of one: one is damaged\n"
				   "debug: symbols of two: found\n"
				   "debug: symbol two: two has it at 0x3000\n"
				   "debug: member two.x: types has it, offset 12288, size 4\n");
}

static void test_memory(void **state)
{
	(void)state;
	struct gg_member member;
	uint64_t address;
	const struct gg_host *memory = &answerers.memory.host;
	assert_true(memory->big_endian && answerers.host.big_endian);
	assert_int_equal(memory->address_size, 4);
	assert_error(gg_host_symbol(memory, "prb", &address), GG_NOT_FOUND, "memory alone");
	assert_error(memory->ops->member(memory->data, "a", "b", &member), GG_NOT_FOUND,
		     "memory alone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_WITH(begin, NULL,
			       "finders answer in their order, whatever order they registered in",
			       test_order),
		UNIT_TEST_WITH(begin, end,
			       "a finder that cannot be read leaves the answer to the others",
			       test_failing_finder),
		UNIT_TEST_WITH(begin, end,
			       "Ctrl-C while a finder reads is an error, not the finder's end",
			       test_final_error),
		UNIT_TEST_WITH(begin, end, "a symbol that no finder has is named", test_no_symbol),
		UNIT_TEST_WITH(begin, end,
			       "an address is for the finder of its range, and no other is read",
			       test_by_address),
		UNIT_TEST_WITH(begin, end,
			       "an address that the finder of its range lacks is for the next",
			       test_falls_through),
		UNIT_TEST_WITH(
			begin, end,
			"readers of the kernel never get a module's symbol, users do, and no "
			"module is read for the kernel's",
			test_modules),
		UNIT_TEST_WITH(begin, end, "names complete from all finders, each once",
			       test_completion),
		UNIT_TEST_WITH(begin, end,
			       "members come from the first finder that has them; damage is told",
			       test_members),
		UNIT_TEST_WITH(begin, end,
			       "the debug log has who answered, and the reason the others did not",
			       test_debug),
		UNIT_TEST_WITH(begin, end,
			       "finders get memory alone, in the kernel's byte order and word",
			       test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
