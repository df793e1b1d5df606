// SPDX-License-Identifier: GPL-3.0-or-later
//
// guest-x' and guest-vtop's text and JSON, and the addresses that they take.
#include "named-guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DATA = NAMED_TEXT + 0x20000 }; // in RAM

static void put_data(const void *bytes, size_t size)
{
	memcpy(named.ram + DATA, bytes, size);
}

static const struct gg_front_end alone = { .evaluate = gg_number_evaluate };

static struct gg_error *examine(const struct gg_examine_options *options)
{
	named_guest_clear();
	return gg_print_examine(named.guest, options, &named.writer, &named.notices);
}

static struct gg_examine_options at(const char *address, const char *format)
{
	return (struct gg_examine_options){
		.address = { .text = address, .cpu = GG_KERNEL_TABLES, .front = &alone },
		.format = format
	};
}

// DATA's address without a symbol would be the last symbol's.
static void expect_values(const char *format, const char *values)
{
	const struct gg_examine_options options = at("0xffff888040420000", format);
	char expected[1024];
	snprintf(expected, sizeof(expected), "0xffff888040420000:\t%s\n", values);
	assert_success(examine(&options));
	assert_string_equal(named.printed, expected);
}

static void refuse(const char *address, const char *format, enum gg_error_kind kind,
		   const char *why)
{
	const struct gg_examine_options options = at(address, format);
	assert_error(examine(&options), kind, why);
}

// ---- Formats ----

static void test_units(void **state)
{
	static const uint8_t bytes[] = { 0x41, 0xff, 0x27, 0x5c, 0x00, 0x0a, 0x80, 0x7f,
					 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	(void)state;
	put_data(bytes, sizeof(bytes));
	expect_values(NULL, "0x5c27ff41");
	expect_values("2", "0x5c27ff41\t0x7f800a00");
	expect_values("2gx", "0x7f800a005c27ff41\t0xfffffffffffffffe");
	expect_values("2xg", "0x7f800a005c27ff41\t0xfffffffffffffffe");
	expect_values("3xh", "0xff41\t0x5c27\t0x0a00");
	expect_values("bx", "0x41");
	expect_values("2dg", "9187354236498214721\t-2");
	expect_values("2db", "65\t-1");
	expect_values("2ub", "65\t255");
	expect_values("2ug", "9187354236498214721\t18446744073709551614");
	expect_values("5ob", "0101\t0377\t047\t0134\t0");
	expect_values("2tb", "01000001\t11111111");
	expect_values("7c", "65 'A'\t-1 '\\377'\t39 '\\''\t92 '\\\\'\t0 '\\000'\t10 '\\012'\t"
			    "-128 '\\200'");
	expect_values("2cg", "65 'A'\t-2 '\\376'");
	expect_values("2a", "0x7f800a005c27ff41\t0xfffffffffffffffe");
}

static void test_lines(void **state)
{
	(void)state;
	// Units of a line, by format.
	static const struct {
		const char *format;
		unsigned int units;
	} rows[] = { { "30xb", 8 }, { "30xh", 8 }, { "30xw", 4 }, { "30xg", 2 }, { "30tb", 8 },
		     { "30c", 8 },  { "30cg", 8 }, { "30a", 2 },  { "30ab", 2 } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct gg_examine_options options = at("0xffff888040420000", rows[i].format);
		unsigned int lines = 0, units = 0;
		assert_success(examine(&options));
		for (const char *text = named.printed; *text; text++) {
			lines += *text == '\n';
			units += *text == '\t';
		}
		assert_int_equal(units, 30);
		assert_int_equal(lines, (30 + rows[i].units - 1) / rows[i].units);
	}
	const struct gg_examine_options options = at("function.part.2+0x38", "3xg");
	assert_success(examine(&options));
	assert_string_equal(
		named.printed,
		"0xffffffff812000b8 <function.part.2+0x38>:\t0x0000000000000000\t"
		"0x0000000000000000\n0xffffffff812000c8 <sys_call_3+0x8>:\t0x0000000000000000\n");
}

static void test_formats(void **state)
{
	(void)state;
	static const struct {
		const char *format, *why;
	} wrong[] = {
		{ "4q", "\"q\" is not [COUNT][FORMAT]: a number, a letter of xduotacsi and a size "
			"of b, h, w, g" },
		{ "xx", "\"xx\" is not" },
		{ "gg", "\"gg\" is not" },
		{ "x4", "\"x4\" is not [COUNT][FORMAT]" },
		{ "X", "\"X\" is not [COUNT][FORMAT]" },
		{ "-x", "\"-x\" is not [COUNT][FORMAT]" },
		{ "4 x", "\"4 x\" is not [COUNT][FORMAT]" },
		{ "0x", "COUNT of \"0x\" is 0, not 1 to 262144" },
		{ "000", "COUNT of \"000\" is 0, not 1 to 262144" },
		{ "-0g", "COUNT of \"-0g\" is 0, not 1 to 131072" },
		{ "-4xg", "COUNT of \"-4xg\" is -4, not 1 to 131072" },
		{ "262145", "COUNT of \"262145\" is 262145, not 1 to 262144" },
		{ "1048577xb", "is 1048577, not 1 to 1048576" },
		{ "131073a", "is 131073, not 1 to 131072" },
		{ "65537i", "is 65537, not 1 to 65536" },
		{ "99999999999999999999999s", "is 99999999999999999999999, not 1 to 1048576" },
		{ "2ws", "\"2ws\": a string has characters of size b" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		refuse("_stext", wrong[i].format, GG_INVALID, wrong[i].why);
	const struct gg_examine_options options = at("_stext", "0002xb");
	assert_success(examine(&options));
}

static void test_strings(void **state)
{
	static const char text[] = "one \"two\" \\ \n\377\0\0four";
	char long_text[5000];
	(void)state;
	put_data(text, sizeof(text));
	const struct gg_examine_options options = at("0xffff888040420000", "3s");
	assert_success(examine(&options));
	assert_string_equal(named.printed,
			    "0xffff888040420000:\t\"one \\\"two\\\" \\\\ \\012\\377\"\n"
			    "0xffff88804042000f:\t\"\"\n0xffff888040420010:\t\"four\"\n");
	struct gg_examine_options json = options;
	json.json = true;
	assert_success(examine(&json));
	assert_non_null(strstr(named.printed,
			       "\n{\"address\":\"0xffff88804042000f\",\"symbol\":null,"
			       "\"bytes\":\"\",\"text\":\"\",\"whole\":true}\n"));
	assert_non_null(strstr(named.printed, "\"text\":\"one \\\"two\\\" \\\\ \\u000a\\udcff\""));

	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	put_data(long_text, sizeof(long_text));
	const struct gg_examine_options two = at("0xffff888040420000", "2s");
	assert_success(examine(&two));
	assert_memory_equal(named.printed + 21 + 4096, "\"...\n0xffff888040421000:\t\"x", 26);
	assert_string_equal(named.printed + strlen(named.printed) - 3, "x\"\n");
}

// ---- Memory that is not there ----

static void test_not_mapped(void **state)
{
	(void)state;
	// The end of the direct map: the first line is, the second is not.
	refuse("0xffff888040fffff0", "8xg", GG_FAULT, "is not");
	assert_string_equal(named.printed,
			    "0xffff888040fffff0:\t0x0000000000000000\t0x0000000000000000\n");
	// A line of which one unit is not there is no line.
	refuse("0xffff888040fffff8", "2xg", GG_FAULT, "is not");
	assert_string_equal(named.printed, "");
	// A string that ends in front of it is there, one that does not is not.
	memcpy(named.ram + FAKE_KERNEL_RAM - 4, "abc", 4);
	const struct gg_examine_options last = at("0xffff888040fffffc", "s");
	assert_success(examine(&last));
	refuse("0xffff888040fffffc", "2s", GG_FAULT, "is not");
	assert_string_equal(named.printed, "0xffff888040fffffc:\t\"abc\"\n");
	named.ram[FAKE_KERNEL_RAM - 1] = 'd';
	refuse("0xffff888040fffffc", "s", GG_FAULT, "is not");
	assert_string_equal(named.printed, "");
}

static void test_last_address(void **state)
{
	(void)state;
	refuse("0xfffffffffffffff8", "4x", GG_INVALID,
	       "16 bytes from 0xfffffffffffffff8 on go beyond the last address, "
	       "0xffffffffffffffff");
	refuse("-16", "4xg", GG_INVALID, "32 bytes from 0xfffffffffffffff0 on go");
	refuse("-1", "2xb", GG_INVALID, "2 bytes from 0xffffffffffffffff on");
	refuse("-1", "xb", GG_FAULT, "0xffffffffffffffff is not mapped");
}

static void test_physical(void **state)
{
	static const uint8_t bytes[] = { 0x40, 0x00, 0x20, 0x81, 0xff, 0xff, 0xff, 0xff, 'o', 'k' };
	(void)state;
	put_data(bytes, sizeof(bytes));
	struct gg_examine_options options = at("0x420000", "1a");
	options.is_physical = true;
	assert_success(examine(&options));
	assert_string_equal(named.printed, "0x420000:\t0xffffffff81200040 <sys_call_1>\n");
	options.format = "xw";
	options.json = true;
	assert_success(examine(&options));
	assert_string_equal(named.printed, "{\"address\":\"0x0000000000420000\",\"symbol\":null,"
					   "\"bytes\":\"40002081\",\"values\":[\"0x81200040\"]}\n");
	options = at("0x420008", "s");
	options.is_physical = true;
	assert_success(examine(&options));
	assert_string_equal(named.printed, "0x420008:\t\"ok\"\n");
	options.format = "i";
	assert_error(examine(&options), GG_INVALID, "-physical: instructions are shown by virtual");
	options = at("_stext", "x");
	options.is_physical = true;
	assert_error(examine(&options), GG_INVALID, "-physical: _stext is a virtual address");
	options.address.text = "0x1000000";
	assert_error(examine(&options), GG_FAULT, "guest-physical 0x1000000 is not RAM");
}

// ---- JSON ----

static void test_json(void **state)
{
	static const uint8_t bytes[] = { 0x41, 0xff, 0x27, 0x5c, 0x40, 0x00,
					 0x20, 0x81, 0xff, 0xff, 0xff, 0xff };
	static const struct {
		const char *format, *json;
	} rows[] = {
		{ "xw", "\"bytes\":\"41ff275c\",\"values\":[\"0x5c27ff41\"]}\n" },
		{ "2dh", "\"bytes\":\"41ff275c\",\"values\":[-191,23591]}\n" },
		{ "2uh", "\"values\":[65345,23591]}\n" },
		{ "2c", "\"bytes\":\"41ff\",\"values\":[65,-1]}\n" },
		{ "2ob", "\"values\":[\"0101\",\"0377\"]}\n" },
		{ "tb", "\"values\":[\"01000001\"]}\n" },
	};
	(void)state;
	put_data(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gg_examine_options options = at("0xffff888040420000", rows[i].format);
		options.json = true;
		assert_success(examine(&options));
		static const char start[] = "{\"address\":\"0xffff888040420000\",\"symbol\":null,";
		assert_memory_equal(named.printed, start, strlen(start));
		assert_non_null(strstr(named.printed, rows[i].json));
	}
	struct gg_examine_options addresses = at("0xffff888040420004", "1a");
	addresses.json = true;
	assert_success(examine(&addresses));
	assert_non_null(strstr(named.printed, "\"values\":[\"0xffffffff81200040\"],"
					      "\"symbols\":[\"sys_call_1\"]}\n"));
}

// ---- Code ----

static void test_code(void **state)
{
	// call sys_call_1; lea function.part.2(%rip),%rax; ret (Intel SDM, volume 2)
	static const uint8_t code[] = {
		0xe8, 0x3b, 0, 0, 0, 0x48, 0x8d, 0x05, 0x74, 0, 0, 0, 0xc3
	};
	(void)state;
	memcpy(named.ram + NAMED_TEXT, code, sizeof(code));
	put_uint(named.cpus[1] + FAKE_CPU_EIP, 8, NAMED_SYMBOL(0) + 5);
	put_uint(named.cpus[0] + FAKE_CPU_EIP, 8, NAMED_SYMBOL(0) + 5);
	named_guest_reopen();
	struct gg_examine_options options = at("_stext", "3i");
	assert_success(examine(&options));
	assert_string_equal(named.printed,
			    "   0xffffffff81200000 <_stext>:\tcallq 0xffffffff81200040 "
			    "<sys_call_1>\n"
			    "=> 0xffffffff81200005 <_stext+0x5>:\tleaq 0x74(%rip), %rax  # "
			    "0xffffffff81200080 <function.part.2>  # CPU 0,1\n"
			    "   0xffffffff8120000c <_stext+0xc>:\tretq\n");
	options.json = true;
	options.intel = true;
	assert_success(examine(&options));
	assert_string_equal(
		named.printed,
		"{\"address\":\"0xffffffff81200000\",\"symbol\":\"_stext\","
		"\"bytes\":\"e83b000000\",\"text\":\"call 0xffffffff81200040\","
		"\"target\":\"0xffffffff81200040\",\"target_symbol\":\"sys_call_1\","
		"\"branch\":true,\"cpus\":[]}\n"
		"{\"address\":\"0xffffffff81200005\",\"symbol\":\"_stext+0x5\","
		"\"bytes\":\"488d0574000000\",\"text\":\"lea rax, [rip + 0x74]\","
		"\"target\":\"0xffffffff81200080\",\"target_symbol\":\"function.part.2\","
		"\"branch\":false,\"cpus\":[0,1]}\n"
		"{\"address\":\"0xffffffff8120000c\",\"symbol\":\"_stext+0xc\",\"bytes\":\"c3\","
		"\"text\":\"ret\",\"target\":null,\"target_symbol\":null,\"branch\":false,"
		"\"cpus\":[]}\n");
	// A CPU whose registers are not those of now is nowhere.
	named_guest_execute(1);
	options = at("_stext", "3i");
	assert_success(examine(&options));
	assert_non_null(strstr(named.printed, "  # CPU 0\n"));
}

// ---- Addresses ----

static void expect_address(const char *text, int64_t cpu, uint64_t address)
{
	char expected[32];
	const struct gg_translation_options options = {
		.address = { .text = text, .cpu = cpu, .front = &alone }, .json = true
	};
	named_guest_clear();
	struct gg_error *err = gg_print_translation(named.guest, &options, &named.writer, NULL);
	if (err && gg_error_kind(err) == GG_FAULT)
		gg_error_destroy(err);
	else
		assert_success(err);
	snprintf(expected, sizeof(expected), "\"0x%016" PRIx64 "\"", address);
	if (strncmp(named.printed + strlen("{\"address\":"), expected, strlen(expected)))
		fail_msg("%s is not %s: %s", text, expected, named.printed);
}

static void refuse_address(const char *text, int64_t cpu, const char *why)
{
	const struct gg_translation_options options = {
		.address = { .text = text, .cpu = cpu, .front = &alone }
	};
	struct gg_error *err = gg_print_translation(named.guest, &options, &named.writer, NULL);
	assert_non_null(err);
	if (strcmp(gg_error_message(err), why))
		fail_msg("%s, not %s", gg_error_message(err), why);
	gg_error_destroy(err);
}

static void test_symbols(void **state)
{
	(void)state;
	expect_address("_stext", GG_KERNEL_TABLES, NAMED_SYMBOL(0));
	expect_address("_stext+16", GG_KERNEL_TABLES, NAMED_SYMBOL(0) + 16);
	expect_address("_stext+010", GG_KERNEL_TABLES, NAMED_SYMBOL(0) + 10);
	expect_address("function.part.2-0x1F", GG_KERNEL_TABLES, NAMED_SYMBOL(2) - 0x1f);
	refuse_address("_stext+0x100000000", GG_KERNEL_TABLES,
		       "_stext+0x100000000 is not an address: it is 0x10000000081200000, not 0 to "
		       "2^64 - 1");
	refuse_address("_stext-0xffffffffffffffff", GG_KERNEL_TABLES,
		       "_stext-0xffffffffffffffff is not an address: it is -0x7edfffff, not 0 to "
		       "2^64 - 1");
	refuse_address(
		"no_such", GG_KERNEL_TABLES,
		"\"no_such\" is not a symbol of the guest's kernel (the kernel has no symbol "
		"no_such, and its modules' are not known: the kernel has no symbol modules), nor a "
		"number: without GDB that is a number, or numbers with + "
		"and - between them");
}

static void test_alone(void **state)
{
	static const uint64_t last = UINT64_MAX;
	(void)state;
	expect_address("4096", GG_KERNEL_TABLES, 4096);
	expect_address("0x1000", GG_KERNEL_TABLES, 4096);
	expect_address("1 + 1", GG_KERNEL_TABLES, 2);
	expect_address("-1", GG_KERNEL_TABLES, last);
	expect_address("0xffffffffffffffff", GG_KERNEL_TABLES, last);
	expect_address("0x1000+0x10", GG_KERNEL_TABLES, 4096 + 16);
	expect_address("0x1000-16", GG_KERNEL_TABLES, 4096 - 16);
	expect_address("$rip", 1, NAMED_SYMBOL(2) + 1);
	expect_address("$guest_rip", 0, NAMED_SYMBOL(1));
	expect_address("$pc", 1, NAMED_SYMBOL(2) + 1);
	expect_address("$rip-0x10", 0, NAMED_SYMBOL(1) - 0x10);
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "18446744073709551616", "18446744073709551616 is not an address: it is "
					  "18446744073709551616, not 0 to 2^64 - 1" },
		{ "-0x8000000000000001", "-0x8000000000000001 is not an address: it is "
					 "-9223372036854775809, not 0 to 2^64 - 1" },
		{ "09", "\"09\" is not a number: without GDB that is a number, or numbers with + "
			"and - between them" },
		{ "$rip+0xffffffffffffffff", "$rip+0xffffffffffffffff is not an address: it is "
					     "0x1ffffffff8120003f, not 0 to 2^64 - 1" },
		{ "$nothing",
		  "CPU 0 has no register $nothing for an address; guest-regs -all shows "
		  "its registers" },
		{ "$zmm0", "CPU 0 has no register $zmm0 for an address; guest-regs -all shows its "
			   "registers" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		refuse_address(wrong[i].text, 0, wrong[i].why);
	refuse_address("$rip", GG_KERNEL_TABLES,
		       "$rip is a CPU's register: -cpu N has that of CPU N");
	refuse_address("$rip", 7, "there is no CPU 7");
	named_guest_execute(0);
	refuse_address("$rflags", 0, "$rflags of CPU 0 is not known");
}

static struct gg_error *evaluate(void *data, const char *text, const char *expected, char **ret)
{
	(void)data;
	if (strcmp(text, "$rip") && strcmp(text, "0x1000"))
		return gg_error_create(GG_INVALID, "\"%s\" is not %s: the debugger's reason", text,
				       expected);
	return asprintf(ret, "%" PRIu64, NAMED_SYMBOL(2)) < 0 ? gg_enomem : NULL;
}

static void test_debugger(void **state)
{
	const struct gg_front_end front = { .evaluate = evaluate, .is_debugger = true };
	static const char *const texts[] = { "$rip", "0x1000" };
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct gg_examine_options options = at(texts[i], NULL);
		options.address.front = &front;
		assert_success(examine(&options));
		assert_string_equal(named.printed,
				    "0xffffffff81200080 <function.part.2>:\t0x00000000\n");
	}
	struct gg_examine_options options = at("_stext", NULL);
	options.address.front = &front;
	assert_success(examine(&options));
	options.address.text = "no_such";
	assert_error(examine(&options), GG_INVALID,
		     "\"no_such\" is not a symbol of the guest's kernel (the kernel has no symbol "
		     "no_such, and its modules' are not known: the kernel has no symbol modules), "
		     "nor a number: the debugger's reason");
	options.address.text = "1 +";
	assert_error(examine(&options), GG_INVALID, "\"1 +\" is not a number: the debugger's");
}

// Two symbols are at one address.
static void test_alias(void **state)
{
	(void)state;
	struct gg_examine_options options = at("function.part.40", NULL);
	assert_success(examine(&options));
	assert_string_equal(named.printed, "0xffffffff812009c0 <function.part.40>:\t0x00000000\n");
	options.address.text = "0xffffffff812009c4";
	assert_success(examine(&options));
	assert_string_equal(named.printed, "0xffffffff812009c4 <sys_call_39+0x4>:\t0x00000000\n");
}

// ---- Translations ----

static struct gg_error *translate(const char *address, int64_t cpu, bool json)
{
	const struct gg_translation_options options = {
		.address = { .text = address, .cpu = cpu, .front = &alone }, .json = json
	};
	named_guest_clear();
	return gg_print_translation(named.guest, &options, &named.writer, &named.notices);
}

static void test_translation(void **state)
{
	(void)state;
	assert_success(translate("_stext+0x1234", GG_KERNEL_TABLES, false));
	assert_string_equal(named.printed,
			    "PML4E at 0x0000000000010ff8  0x0000000000012001  P\n"
			    "PDPTE at 0x0000000000012ff0  0x0000000000013001  P\n"
			    "PDE   at 0x0000000000013048  0x0000000000400081  P PS\n"
			    "guest-physical 0x401234 in a page of 2 MiB, block.0 + 0x401234\n");
	assert_success(translate("_stext+0x1234", GG_KERNEL_TABLES, true));
	assert_string_equal(
		named.printed,
		"{\"address\":\"0xffffffff81201234\",\"entries\":["
		"{\"level\":\"PML4E\",\"gpa\":\"0x0000000000010ff8\","
		"\"value\":\"0x0000000000012001\",\"flags\":\"P\"},"
		"{\"level\":\"PDPTE\",\"gpa\":\"0x0000000000012ff0\","
		"\"value\":\"0x0000000000013001\",\"flags\":\"P\"},"
		"{\"level\":\"PDE\",\"gpa\":\"0x0000000000013048\","
		"\"value\":\"0x0000000000400081\",\"flags\":\"P PS\"}],"
		"\"mapped\":true,\"gpa\":\"0x0000000000401234\",\"page_size\":2097152,"
		"\"block\":\"block.0\",\"offset\":\"0x0000000000401234\",\"absent\":false}\n");
	assert_string_equal(named.told, "");
}

static void test_no_translation(void **state)
{
	static const char why[] = "0xffffffff81400000 is not mapped: its PDE at guest-physical "
				  "0x13050 is 0x0, not present";
	(void)state;
	assert_error(translate("0xffffffff81400000", GG_KERNEL_TABLES, false), GG_FAULT, why);
	assert_non_null(strstr(named.printed, "PDE   at 0x0000000000013050  0x0000000000000000  "
					      "not present\n"));
	assert_error(translate("0xffffffff81400000", GG_KERNEL_TABLES, true), GG_FAULT, why);
	assert_non_null(strstr(named.printed, "\"flags\":\"not present\"}],\"mapped\":false,"
					      "\"gpa\":null,\"page_size\":null,\"block\":null,"
					      "\"offset\":null,\"absent\":false}\n"));
}

static void test_not_ram(void **state)
{
	(void)state;
	// The direct map's page of 1 GiB has more than the guest.
	assert_success(translate("0xffff888041000000", GG_KERNEL_TABLES, false));
	assert_non_null(
		strstr(named.printed, "\nguest-physical 0x1000000 in a page of 1 GiB, not RAM\n"));
}

static void test_no_paging(void **state)
{
	(void)state;
	put_uint(named.cpus[1] + FAKE_CPU_CR, 8, 1);
	put_uint(named.cpus[1] + FAKE_CPU_HFLAGS, 4, 1 << 7);
	named_guest_reopen();
	assert_success(translate("0x1234", 1, false));
	assert_string_equal(named.printed,
			    "guest-physical 0x1234, paging is off, block.0 + 0x1234\n");
	assert_success(translate("0x1234", 1, true));
	assert_non_null(strstr(named.printed, "\"entries\":[],\"mapped\":true,\"gpa\":"
					      "\"0x0000000000001234\",\"page_size\":null,"));
}

#define TEST(sentence, function)                                                                   \
	UNIT_TEST_WITH(named_guest_begin, named_guest_end, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("guest-x shows units of each size in each of GDB's formats", test_units),
		TEST("guest-x shows as many units in a line as GDB's x, with the line's symbol",
		     test_lines),
		TEST("guest-x refuses other formats and counts out of range", test_formats),
		TEST("guest-x shows strings, escaped, and says where one goes on", test_strings),
		TEST("guest-x shows what is mapped, and no line in part", test_not_mapped),
		TEST("guest-x goes up to the last address", test_last_address),
		TEST("guest-x -physical shows guest-physical memory, without symbols of its "
		     "addresses",
		     test_physical),
		TEST("guest-x -json has bytes in the order of memory, and values by the format",
		     test_json),
		TEST("guest-x/i shows symbols of targets, and the CPUs that are there", test_code),
		TEST("an address may be a symbol with an offset", test_symbols),
		TEST("without a debugger an address may be a number or a CPU's register",
		     test_alone),
		TEST("with a debugger what is not a symbol is the debugger's to evaluate",
		     test_debugger),
		TEST("an address that has two symbols is called as the user called it", test_alias),
		TEST("guest-vtop shows each entry, the page, and its place in RAM",
		     test_translation),
		TEST("guest-vtop shows the entry that is not present, and ends with an error",
		     test_no_translation),
		TEST("guest-vtop says where there is no RAM", test_not_ram),
		TEST("guest-vtop says that paging is off", test_no_paging),
	};
	return cmocka_run_group_tests_name("examine", tests, NULL, NULL);
}
