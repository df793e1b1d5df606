// SPDX-License-Identifier: GPL-3.0-or-later
//
// The condition of a trace; the entry of a function; numbers of a parameter's type.
#include "unit.h"
#include "arch/arm64/arm64.h"
#include "arch/ppc64/ppc64.h"
#include "arch/riscv/riscv.h"
#include "arch/s390/s390.h"
#include "arch/x86/x86.h"
#include "guest/trace-condition.h"
#include "guest/trace-functions.h"

#include <string.h>

// "openat(int dfd, const char *path, unsigned int flags, struct big s)": the last is not in a register.
static struct gg_trace_function function = {
	.name = "openat",
	.parameters = { { .name = "dfd",
			  .is_placed = true,
			  .has_type = true,
			  .type = { .kind = GG_TYPE_INT, .size = 4, .is_signed = true } },
			{ .name = "path",
			  .is_placed = true,
			  .has_type = true,
			  .is_text = true,
			  .type = { .kind = GG_TYPE_POINTER, .size = 8 } },
			{ .name = "flags",
			  .is_placed = true,
			  .has_type = true,
			  .type = { .kind = GG_TYPE_INT, .size = 4 } },
			{ .name = "s", .has_type = true, .type = { .kind = GG_TYPE_STRUCT } } },
	.parameter_count = 4,
};

static const uint64_t registers[GG_STUB_REGISTERS] = { 0xffffff9c, 0x1000, 0x8041, 7 };

static struct gg_trace_event event(void)
{
	struct gg_trace_event event = {
		.function = &function,
		.pid = 312,
		.cpu = 1,
		.comm = "sh -c",
		.values = { { .number = (uint64_t)-100 },
			    { .number = 0x1000, .has_text = true, .size = 4, .text = "/etc" },
			    { .number = 0x8041 } },
	};
	return event;
}

static struct gg_error *create(const char *text, struct gg_trace_condition **ret)
{
	*ret = NULL;
	struct gg_error *err = gg_trace_condition_create(text, ret);
	if (!err)
		err = gg_trace_condition_check(*ret, &function, &x86_calls_64);
	return err;
}

static bool holds(const char *text, const struct gg_trace_event *event)
{
	struct gg_trace_condition *condition;
	assert_null(create(text, &condition));
	const bool result = gg_trace_condition_holds(condition, event, &x86_calls_64, registers);
	gg_trace_condition_destroy(condition);
	return result;
}

static bool lacks_text(const char *text, const struct gg_trace_event *event)
{
	struct gg_trace_condition *condition;
	assert_null(create(text, &condition));
	const bool result = gg_trace_condition_lacks_text(condition, event);
	gg_trace_condition_destroy(condition);
	return result;
}

static void test_numbers(void **state)
{
	struct gg_trace_event call = event();
	(void)state;
	assert_true(holds("dfd == -100", &call));
	assert_true(holds("dfd<0", &call));
	assert_false(holds("dfd >= 0", &call));
	assert_true(holds("dfd<=-100&&dfd>-101", &call));
	assert_true(holds("flags & 0x40", &call));
	assert_false(holds("flags & 0x20", &call));
	assert_true(holds("flags & 0x40 != 0 && flags & 3 == 1", &call));
	assert_true(holds("flags > 0x8040", &call));
	assert_true(holds("$rdi == 0xffffff9c", &call));
	assert_true(holds("$rcx < 8", &call));
	assert_true(holds("pid == 312 && cpu != 0", &call));
	assert_true(holds("path == 0x1000", &call));
	assert_false(holds("pid != 312", &call));
	assert_true(gg_trace_condition_holds(NULL, &call, &x86_calls_64, registers));
}

static void test_texts(void **state)
{
	struct gg_trace_event call = event();
	(void)state;
	assert_true(holds("path == \"/etc\"", &call));
	assert_true(holds("path=='/etc'", &call));
	assert_true(holds("path == /etc", &call));
	assert_false(holds("path == /et", &call));
	assert_true(holds("path != /etc/passwd", &call));
	assert_true(holds("comm == \"sh -c\" && path == /etc", &call));
	assert_false(holds("comm == sh", &call));
	assert_false(lacks_text("path == /etc", &call));
	call.values[1].is_cut = true;
	assert_false(holds("path == /etc", &call));
	assert_true(lacks_text("path == /etc", &call));
	call.values[1].size = GG_TRACE_TEXT;
	assert_false(lacks_text("path == /etc", &call));
	call.values[1] = (struct gg_trace_value){ .number = 0x1000 };
	assert_false(holds("path == /etc", &call));
	assert_true(holds("path != /etc", &call));
	assert_true(lacks_text("pid == 312 && path != /etc", &call));
	assert_false(lacks_text("path == 0x1000 && comm == sh", &call));
	call.values[1].number = 0;
	assert_false(lacks_text("path == /etc", &call));
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"dfd",
		"dfd ==",
		"dfd = 1",
		"== 1",
		"dfd == 1 &&",
		"dfd == 1 2",
		"dfd == one",
		"fd == 1",
		"$rax == 1",
		"comm < \"a\"",
		"path < /etc",
		"comm & 1",
		"s == 1",
		"flags & x",
		"path == \"/etc",
		"dfd == 0x10000000000000000",
		"dfd == 1 || dfd == 2",
		"pid==1&&pid==1&&pid==1&&pid==1&&pid==1&&pid==1&&pid==1&&pid==1&&pid==1",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct gg_trace_condition *condition;
		struct gg_error *err = create(texts[i], &condition);
		if (!err)
			fail_msg("\"%s\" is accepted", texts[i]);
		assert_int_equal(gg_error_kind(err), GG_INVALID);
		gg_error_destroy(err);
		gg_trace_condition_destroy(condition);
	}
}

static void assert_entry(const char *code, size_t size, size_t offset, size_t skip)
{
	const struct gg_function_entry entry = x86_calls_64.find_entry((const uint8_t *)code, size);
	assert_int_equal(entry.offset, offset);
	assert_int_equal(entry.skip, skip);
}

static void test_entries(void **state)
{
	(void)state;
	assert_entry("\x0f\x1f\x44\x00\x00\x41\x54", 7, 0, 5);
	assert_entry("\xf3\x0f\x1e\xfa\x0f\x1f\x44\x00\x00", 9, 4, 5);
	assert_entry("\x0f\x1f\x40\xd6\x0f\x1f\x44\x00\x00", 9, 4, 5);
	// Tracing is on; the function is not to be traced; the bytes end.
	assert_entry("\xe8\x12\x34\x56\x78\x41\x54", 7, 0, 0);
	assert_entry("\xf3\x0f\x1e\xfa\x55", 5, 4, 0);
	assert_entry("\x0f\x1f\x44\x00", 4, 0, 0);
	assert_entry("\x0f\x1f\x44\x00\x08", 5, 0, 0);
	assert_entry("", 0, 0, 0);
}

// The first bytes of functions in Debian's kernels; the kernel's tracing replaces the nop by a call, or the code has no nop.
static void test_further_entries(void **state)
{
	static const struct {
		const struct gg_stub_calls *calls;
		const char *code;
		size_t size, offset, skip;
	} cases[] = {
		{ &arm64_calls, "\xe9\x03\x1e\xaa\x1f\x20\x03\xd5\x3f\x23\x03\xd5", 12, 4, 4 },
		{ &arm64_calls, "\x5f\x24\x03\xd5\xe9\x03\x1e\xaa\x1f\x20\x03\xd5", 12, 8, 4 },
		{ &arm64_calls, "\xe9\x03\x1e\xaa\x12\x34\x56\x97\x3f\x23\x03\xd5", 12, 0, 0 },
		{ &arm64_calls, "\xe9\x03\x1e\xaa\x1f\x20", 6, 0, 0 },
		{ &riscv_calls, "\x97\x92\xec\xff\x13\x00\x00\x00\x59\x71", 10, 4, 4 },
		{ &riscv_calls, "\x13\x00\x00\x00\x13\x00\x00\x00\x59\x71", 10, 0, 4 },
		{ &riscv_calls, "\x97\x92\xec\xff\xe7\x82\x42\x12\x59\x71", 10, 0, 0 },
		{ &s390_calls, "\xc0\x04\x00\x5f\x5d\x78\xeb\x6f", 8, 0, 6 },
		{ &s390_calls, "\xc0\xf4\x00\x5f\x5d\x78\xeb\x6f", 8, 0, 0 },
		{ &s390_calls, "\xc0\x04\x00\x5f", 4, 0, 0 },
		{ &ppc64_calls, "\xae\x01\x4c\x3c\x40\xb9\x42\x38\x00\x00\x00\x60", 12, 8, 4 },
		{ &ppc64_calls, "\xa6\x02\x08\x7c\x00\x00\x00\x60\xf8\xff\xe1\xfb", 12, 4, 4 },
		{ &ppc64_calls, "\xae\x01\x4c\x3c\x40\xb9\x42\x38\xf8\xff\xe1\xfb", 12, 8, 0 },
		{ &ppc64_calls, "", 0, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct gg_function_entry entry =
			cases[i].calls->find_entry((const uint8_t *)cases[i].code, cases[i].size);
		assert_int_equal(entry.offset, cases[i].offset);
		assert_int_equal(entry.skip, cases[i].skip);
	}
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal((int64_t)gg_trace_number(&function.parameters[0], 0x1ffffff9cULL), -100);
	assert_int_equal(gg_trace_number(&function.parameters[2], 0xffffffff00000001ULL), 1);
	assert_true(gg_trace_number(&function.parameters[1], UINT64_MAX) == UINT64_MAX);
	const struct gg_trace_parameter raw = { .is_placed = true };
	assert_true(gg_trace_number(&raw, UINT64_MAX - 1) == UINT64_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "numbers, registers, the PID and the CPU are compared by their signs, and masked",
		  test_numbers, NULL, NULL, NULL },
		{ "texts are equal or not, and a text that was not read equals none", test_texts,
		  NULL, NULL, NULL },
		{ "a condition that cannot be asked of a function is refused", test_refused, NULL,
		  NULL, NULL },
		{ "a breakpoint stands at the nop for tracing, behind the mark of indirect calls",
		  test_entries, NULL, NULL, NULL },
		{ "on aarch64, riscv64, s390x and ppc64le a breakpoint stands at the nop for "
		  "tracing, where all arguments are in place",
		  test_further_entries, NULL, NULL, NULL },
		{ "a register's number is as long as the parameter's type", test_sizes, NULL, NULL,
		  NULL },
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
