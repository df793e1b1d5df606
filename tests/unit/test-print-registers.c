// SPDX-License-Identifier: GPL-3.0-or-later
//
// guest-regs' text and JSON.
#include "named-guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HF_GUEST = 1 << 21, HF_PE = 1 << 7 };

static void print(const struct gg_registers_options *options)
{
	named_guest_clear();
	assert_success(gg_print_registers(named.guest, options, &named.writer, &named.notices));
}

static void assert_has(const char *text)
{
	if (!strstr(named.printed, text))
		fail_msg("%s is not in: %s", text, named.printed);
}

static void refuse(const char *cpus, const char *why)
{
	const struct gg_registers_options options = { .cpus = cpus };
	named_guest_clear();
	assert_error(gg_print_registers(named.guest, &options, &named.writer, &named.notices),
		     strstr(why, "there is no") ? GG_NOT_FOUND : GG_INVALID, why);
	assert_string_equal(named.printed, "");
}

static void test_short(void **state)
{
	(void)state;
	put_uint(named.cpus[0] + FAKE_CPU_REGS + 4 * 8, 8, 0xffffc90000000ff8);
	print(&(struct gg_registers_options){ 0 });
	assert_string_equal(named.printed,
			    "CPU 0   running  64-bit kernel  0xffffffff81200040  sys_call_1\n"
			    "        rsp 0xffffc90000000ff8  cr3 0x0000000000010000  current\n"
			    "CPU 1   running  64-bit kernel  0xffffffff81200081  "
			    "function.part.2+0x1\n"
			    "        rsp 0x0000000000000000  cr3 0x0000000000010000  current\n");
	assert_string_equal(named.told, "");
}

static void test_no_symbol(void **state)
{
	(void)state;
	put_uint(named.cpus[0] + FAKE_CPU_EIP, 8, 0x401000);
	print(&(struct gg_registers_options){ .cpus = "0" });
	assert_has("  0x0000000000401000\n        rsp ");
}

static void test_state(void **state)
{
	(void)state;
	named_guest_execute(1);
	print(&(struct gg_registers_options){ 0 });
	assert_has("  current\nCPU 1 ");
	assert_has("  unknown: TCG was executing");
	print(&(struct gg_registers_options){ .all = true, .cpus = "1" });
	assert_has("\nCPU#1 unknown: TCG was executing");
	print(&(struct gg_registers_options){ .json = true, .cpus = "1" });
	assert_has("{\"cpu\":1,\"state\":\"unknown\",\"why\":\"TCG was executing");
}

static void test_list(void **state)
{
	static const struct {
		const char *cpus, *order;
	} lists[] = { { "0", "0" },    { "1", "1" },   { "1,0", "10" },
		      { "0-1", "01" }, { "00", "0" },  { "1,0-1", "10" },
		      { "0001", "1" }, { "1,1", "1" }, { NULL, "01" } };
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		char order[4] = "";
		print(&(struct gg_registers_options){ .cpus = lists[i].cpus });
		for (const char *at = named.printed; (at = strstr(at, "CPU ")); at += 4)
			strncat(order, at + 4, 1);
		assert_string_equal(order, lists[i].order);
	}
}

static void test_wrong_list(void **state)
{
	static const char *const texts[] = { "",  "-1",  "1-",  "1-0",   "0,",  ",0", "0,,1",
					     "a", "0 1", "0x1", "0-1-2", "0/1", "+1" };
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char why[80];
		snprintf(why, sizeof(why), "-cpu: \"%s\" is not N, N-M or a list of these",
			 texts[i]);
		refuse(texts[i], why);
	}
	refuse("2", "-cpu: there is no CPU 2; there are 0-1");
	refuse("0-99", "-cpu: there is no CPU 99; there are 0-1");
	refuse("0,007", "-cpu: there is no CPU 7; there are 0-1");
	refuse("18446744073709551616", "-cpu: there is no CPU 18446744073709551616; there are 0-1");
	// A CPU was unplugged.
	put_uint(named.cpus[1] + FAKE_CPU_INDEX, 4, 5);
	named_guest_reopen();
	refuse("1", "-cpu: there is no CPU 1; there are 0,5");
	refuse("4294967301", "-cpu: there is no CPU 4294967301; there are 0,5");
	print(&(struct gg_registers_options){ .cpus = "0-5" });
	assert_has("CPU 5 ");
}

static void test_all(void **state)
{
	(void)state;
	print(&(struct gg_registers_options){ .all = true });
	assert_memory_equal(named.printed, "\nCPU#0\nRAX=0000000000000000 RBX=", 31);
	assert_has("\n\nCPU#1\nRAX=");
	assert_has("RIP=ffffffff81200081 ");
}

static void test_json(void **state)
{
	(void)state;
	put_uint(named.cpus[0] + FAKE_CPU_REGS, 8, 0x1234);
	named_guest_execute(1);
	print(&(struct gg_registers_options){ .json = true });
	assert_has("{\"cpu\":0,\"state\":\"current\",\"why\":\"\",\"activity\":\"running\","
		   "\"bits\":64,\"privilege\":\"kernel\",\"pc\":\"0xffffffff81200040\","
		   "\"sp\":\"0x0000000000000000\",\"symbol\":\"sys_call_1\",\"registers\":{"
		   "\"rax\":\"0x0000000000001234\",\"rcx\":\"0x");
	assert_has("\"rflags\":\"0x0000000000000???\"");
	assert_has(",\"cs\":\"0x0000\",");
	assert_has("},\"task\":null,\"nested\":null}\n{\"cpu\":1,");
	assert_int_equal(named.printed[strlen(named.printed) - 1], '\n');
}

// The registers that the CPU saved are not to be found: nothing of the guest's own is known.
static void test_nested(void **state)
{
	(void)state;
	put_uint(named.cpus[0] + FAKE_CPU_HFLAGS, 4, HF_GUEST | HF_PE);
	put_uint(named.cpus[0] + FAKE_CPU_EIP, 8, 0x1234);
	named_guest_reopen();
	print(&(struct gg_registers_options){ .cpus = "0" });
	assert_has("CPU 0   nested\n        rip, rsp, cr3 unknown: ");
	assert_has("  current\n        in a nested guest:\n        running  16-bit kernel  "
		   "0x0000000000001234\n        rsp 0x");
	print(&(struct gg_registers_options){ .cpus = "0", .all = true });
	assert_has("\nCPU#0 in a nested guest; the guest's own registers:\nunknown: ");
	assert_has("\nCPU#0 in a nested guest; the nested guest's registers:\nEAX=");
	print(&(struct gg_registers_options){ .cpus = "0", .json = true });
	assert_has("\"activity\":\"nested\",\"bits\":null,\"privilege\":null,\"pc\":null,"
		   "\"sp\":null,\"symbol\":null,\"registers\":{\"rax\":null,");
	assert_has("},\"task\":null,\"nested\":{\"number\":null,\"vcpu\":null,"
		   "\"activity\":\"running\",\"bits\":16,");
	assert_has("\"pc\":\"0x0000000000001234\"");
	assert_has("}},\"unknown\":\"");
}

static void test_damaged_symbols(void **state)
{
	(void)state;
	// The table of tokens, as a name with a digit needs it, is cut.
	for (size_t i = 0; i < 0x20000; i++)
		if (!memcmp(named.ram + NAMED_TEXT + 0x100000 + i, "0\0001\0002\0", 6))
			memset(named.ram + NAMED_TEXT + 0x100000 + i, 0, 6);
	named_guest_reopen();
	print(&(struct gg_registers_options){ 0 });
	assert_has("  0xffffffff81200040\n");
	assert_has("  0xffffffff81200081\n");
}

// ---- A debugger's variables ----

struct variables {
	char text[16384];
	unsigned int count;
	bool fails;
};

static struct gg_error *set_variable(void *data, const char *name, const uint64_t *value)
{
	struct variables *variables = data;
	char line[128];
	if (variables->fails)
		return gg_error_create(GG_SYSTEM, "no variables");
	snprintf(line, sizeof(line), value ? "%s=%" PRIx64 "\n" : "%s\n", name, value ? *value : 0);
	strcat(variables->text, line);
	variables->count++;
	return NULL;
}

static void test_variables(void **state)
{
	struct variables *variables = calloc(1, sizeof(*variables));
	struct gg_registers_options options = { .set_variable = set_variable, .data = variables };
	(void)state;
	named_guest_execute(1);
	// The variables are of one CPU only.
	static const char *const several[] = { NULL, "0-1", "1,0" };
	for (size_t i = 0; i < sizeof(several) / sizeof(*several); i++) {
		options.cpus = several[i];
		print(&options);
		assert_int_equal(variables->count, 0);
	}
	options.cpus = "1,1";
	print(&options);
	assert_memory_equal(variables->text,
			    "guest_cpu=1\nguest_current=0\nguest_pc=ffffffff81200081\n"
			    "guest_sp=0\nguest_rax=0\n",
			    77);
	assert_non_null(strstr(variables->text, "\nguest_rip=ffffffff81200081\n"));
	assert_non_null(strstr(variables->text, "\nguest_rflags\n"));
	assert_null(strstr(variables->text, "guest_zmm"));
	variables->fails = true;
	named_guest_clear();
	assert_error(gg_print_registers(named.guest, &options, &named.writer, &named.notices),
		     GG_SYSTEM, "no variables");
	assert_has("CPU 1 ");
	free(variables);
}

static struct gg_error *refuse_text(void *data, const char *text, size_t size)
{
	(void)data;
	(void)text;
	(void)size;
	return gg_error_create(GG_INTERRUPTED, "q");
}

static void test_writer(void **state)
{
	const struct gg_writer writer = { .write = refuse_text };
	const struct gg_registers_options options = { 0 };
	(void)state;
	assert_error(gg_print_registers(named.guest, &options, &writer, NULL), GG_INTERRUPTED, "q");
}

#define TEST(sentence, function)                                                                   \
	UNIT_TEST_WITH(named_guest_begin, named_guest_end, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("guest-regs shows mode, pc with symbol, stack pointer, page tables, freshness",
		     test_short),
		TEST("guest-regs shows no symbol for a pc outside the kernel", test_no_symbol),
		TEST("guest-regs shows in each layout that a CPU is not current, and the reason",
		     test_state),
		TEST("guest-regs -cpu shows the CPUs of a list, in its order, each once",
		     test_list),
		TEST("guest-regs -cpu refuses other texts and CPUs that the guest has not",
		     test_wrong_list),
		TEST("guest-regs -all shows a block for each CPU", test_all),
		TEST("guest-regs -json shows an object a CPU, and ? for digits that are not known",
		     test_json),
		TEST("guest-regs shows the guest's own registers as unknown, not as the nested "
		     "guest's",
		     test_nested),
		TEST("guest-regs shows no symbols where the kernel's are damaged",
		     test_damaged_symbols),
		TEST("guest-regs sets a debugger's variables for a single CPU, to no value where a "
		     "bit is not known",
		     test_variables),
		TEST("guest-regs ends where its text is refused", test_writer),
	};
	return cmocka_run_group_tests_name("print-registers", tests, NULL, NULL);
}
