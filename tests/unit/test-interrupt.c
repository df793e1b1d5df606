// SPDX-License-Identifier: GPL-3.0-or-later
//
// SIGINT, with a handler of "GDB's" that puts itself in place whenever it is called, as GDB's does.
#include "unit.h"

#include "../../gdb-ext/gdb-guest.h"

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t gdbs;

static void handle_as_gdb(int signal_number)
{
	signal(signal_number, handle_as_gdb);
	gdbs++;
}

static int begin_test(void **state)
{
	(void)state;
	gdbs = 0;
	signal(SIGINT, handle_as_gdb);
	gg_interrupt_begin();
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	gg_interrupt_end();
	struct sigaction now;
	sigaction(SIGINT, NULL, &now);
	const bool is_back = now.sa_handler == handle_as_gdb;
	signal(SIGINT, SIG_DFL);
	return is_back ? 0 : -1;
}

enum { LONG = 60000, SHORT = 20 }; // milliseconds

static void wait_for_gdb(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	for (int i = 0; i < LONG && !gdbs; i++)
		nanosleep(&moment, NULL);
	assert_true(gdbs);
}

static void test_ours(void **state)
{
	(void)state;
	assert_success(gg_interrupt_check());
	raise(SIGINT);
	assert_int_equal(gdbs, 0);
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
	gg_interrupt_forget();
	assert_success(gg_interrupt_check());
}

static void test_time(void **state)
{
	(void)state;
	assert_success(gg_interrupt_run_begin(SHORT));
	wait_for_gdb();
	// What the user does now GDB would ask about.
	assert_success(gg_interrupt_check());
	raise(SIGINT);
	raise(SIGINT);
	assert_int_equal(gdbs, 1);
	assert_true(gg_interrupt_run_end());
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
	raise(SIGINT);
	assert_int_equal(gdbs, 1);
}

static void test_user(void **state)
{
	(void)state;
	assert_success(gg_interrupt_run_begin(LONG));
	assert_int_equal(gdbs, 0);
	raise(SIGINT);
	raise(SIGINT);
	assert_int_equal(gdbs, 1);
	assert_false(gg_interrupt_run_end());
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
}

static void test_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		gdbs = 0;
		assert_success(gg_interrupt_run_begin(1));
		wait_for_gdb();
		assert_true(gg_interrupt_run_end());
		assert_int_equal(gdbs, 1);
	}
	assert_success(gg_interrupt_check());
}

// GDB takes SIGINT while it executes a command for its Python, and while it prints why its target
// has stopped.
static void test_displaced(void **state)
{
	(void)state;
	assert_success(gg_interrupt_run_begin(1));
	signal(SIGINT, handle_as_gdb);
	wait_for_gdb();
	signal(SIGINT, handle_as_gdb);
	assert_success(gg_interrupt_check());
	raise(SIGINT);
	assert_int_equal(gdbs, 1);
	assert_true(gg_interrupt_run_end());
	assert_int_equal(gdbs, 1);
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
}

static bool is_blocked(void)
{
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, SIGINT);
}

static void test_insists(void **state)
{
	(void)state;
	const struct timespec moment = { .tv_nsec = 1000000 };
	assert_success(gg_interrupt_run_begin(1));
	wait_for_gdb();
	raise(SIGINT);
	for (int i = 0; i < LONG && is_blocked(); i++)
		nanosleep(&moment, NULL);
	assert_int_equal(gdbs, 1);
	raise(SIGINT);
	assert_int_equal(gdbs, 2);
	assert_true(is_blocked());
	assert_true(gg_interrupt_run_end());
	assert_false(is_blocked());
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
}

static volatile sig_atomic_t deaf, times_asked;

static int is_deaf(void)
{
	times_asked++;
	return deaf;
}

static void wait_until_asked(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	for (int i = 0; i < LONG && !times_asked; i++)
		nanosleep(&moment, NULL);
	assert_true(times_asked);
}

// With a debugger that tells when its target runs: it takes SIGINT before, and is deaf when it
// tells.
static void test_held(void **state)
{
	const bool is_user = *state;
	deaf = 1;
	times_asked = 0;
	gg_interrupt_run_expect(is_deaf);
	assert_success(gg_interrupt_run_begin(is_user ? LONG : 1));
	signal(SIGINT, handle_as_gdb);
	if (is_user)
		raise(SIGINT);
	const struct timespec moment = { .tv_nsec = 20000000 };
	nanosleep(&moment, NULL);
	assert_int_equal(gdbs, 0);
	gg_interrupt_run_resumed();
	wait_until_asked();
	assert_int_equal(gdbs, 0);
	deaf = 0;
	wait_for_gdb();
	assert_int_equal(gg_interrupt_run_end(), !is_user);
	assert_int_equal(gdbs, 1);
	assert_int_equal(gg_interrupt_pending(), is_user);
	gg_interrupt_forget();
	gg_interrupt_run_expect(NULL);
	// Without a run it does nothing.
	gg_interrupt_run_resumed();
	assert_false(is_blocked());
}

static void test_refused(void **state)
{
	(void)state;
	assert_error(gg_interrupt_run_begin(0), GG_INVALID, "no time");
	raise(SIGINT);
	assert_error(gg_interrupt_run_begin(SHORT), GG_INTERRUPTED, "interrupted");
	gg_interrupt_end();
	assert_error(gg_interrupt_run_begin(SHORT), GG_INVALID, "own handler");
	gg_interrupt_begin();
}

#define TEST(sentence, function) UNIT_TEST_WITH(begin_test, end_test, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("SIGINT is the library's, and can be forgotten", test_ours),
		TEST("when the time is over the debugger gets one SIGINT, and no more", test_time),
		TEST("so it does at the user's, which is told from the time's", test_user),
		TEST("a target can be let run again and again", test_again),
		TEST("what the user does then is not lost where GDB has taken our place",
		     test_displaced),
		TEST("it reaches GDB when the target has not stopped for seconds", test_insists),
		TEST("the time waits for a debugger that tells when its target runs", test_held),
		{ .name = "so does the user",
		  .test_func = test_held,
		  .setup_func = begin_test,
		  .teardown_func = end_test,
		  .initial_state = "by the user" },
		TEST("not for no time, not after a Ctrl-C, not outside", test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
