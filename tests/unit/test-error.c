// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void test_context(void **state)
{
	(void)state;
	struct gg_error *err = gg_error_create(GG_BAD_DATA, "nr is %d", 7);
	err = gg_error_context(err, "FlatView at 0x%x", 0x10);
	err = gg_error_context(err, "reading");
	assert_string_equal(gg_error_message(err), "reading: FlatView at 0x10: nr is 7");
	assert_int_equal(gg_error_kind(err), GG_BAD_DATA);
	gg_error_destroy(err);
}

static void test_no_memory(void **state)
{
	(void)state;
	struct gg_error *err = gg_error_system(ENOMEM, "anything");
	assert_ptr_equal(err, gg_enomem);
	assert_ptr_equal(gg_error_context(err, "anywhere"), gg_enomem);
	gg_error_destroy(err);
	assert_string_equal(gg_error_message(gg_enomem), "out of memory");
}

static void test_fault(void **state)
{
	(void)state;
	struct gg_error *err = gg_error_fault(0xffffffff81000000, "unmapped");
	assert_int_equal(gg_error_address(err), 0xffffffff81000000);
	gg_error_destroy(err);
}

static volatile int outer_signals;

static void count_signal(int signal_number)
{
	(void)signal_number;
	outer_signals++;
}

static void test_interrupt(void **state)
{
	(void)state;
	signal(SIGINT, count_signal);
	gg_interrupt_begin();
	gg_interrupt_begin();
	assert_success(gg_interrupt_check());
	raise(SIGINT);
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
	gg_interrupt_end();
	assert_true(gg_interrupt_pending());
	gg_interrupt_end();
	assert_int_equal(outer_signals, 0);

	assert_success(gg_interrupt_check());
	raise(SIGINT);
	assert_int_equal(outer_signals, 1);
	gg_interrupt_begin();
	assert_success(gg_interrupt_check());
	gg_interrupt_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("each level puts its context before the message", test_context),
		UNIT_TEST("an error without memory needs none", test_no_memory),
		UNIT_TEST("a fault keeps its address", test_fault),
		UNIT_TEST("Ctrl-C reaches the loops, and then the old handler again",
			  test_interrupt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
