// SPDX-License-Identifier: GPL-3.0-or-later
//
// SIGINT, with a handler of "GDB's" that puts itself in place whenever it is called, as GDB's does.
#include "unit.h"

#include <gdb-guest.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

// Waits as GDB does for its target.
static void wait_until(bool (*condition)(void))
{
	for (int i = 0; i < 100 && !condition(); i++)
		poll(NULL, 0, -1);
	assert_true(condition());
}

static bool gdb_was_called(void)
{
	return gdbs;
}

static bool is_blocked(void)
{
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	return sigismember(&mask, SIGINT);
}

static bool is_open(void)
{
	return !is_blocked();
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
	assert_success(gg_interrupt_run_begin(SHORT, 0));
	wait_until(gdb_was_called);
	// GDB would ask about the user's next Ctrl-C.
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
	assert_success(gg_interrupt_run_begin(LONG, 0));
	wait_until(is_open);
	raise(SIGINT);
	wait_until(gdb_was_called);
	raise(SIGINT);
	assert_int_equal(gdbs, 1);
	assert_false(gg_interrupt_run_end());
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
	assert_false(is_blocked());
}

static void test_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		gdbs = 0;
		assert_success(gg_interrupt_run_begin(1, 0));
		wait_until(gdb_was_called);
		assert_true(gg_interrupt_run_end());
		assert_int_equal(gdbs, 1);
	}
	assert_success(gg_interrupt_check());
}

// Until GDB waits, its target may not run; and it has taken SIGINT.
static void test_early(void **state)
{
	const bool is_user = *state;
	const struct timespec moment = { .tv_nsec = 20000000 };
	assert_success(gg_interrupt_run_begin(is_user ? LONG : 1, 0));
	signal(SIGINT, handle_as_gdb);
	if (is_user)
		raise(SIGINT);
	nanosleep(&moment, NULL);
	assert_int_equal(gdbs, 0);
	wait_until(gdb_was_called);
	assert_int_equal(gg_interrupt_run_end(), !is_user);
	assert_int_equal(gdbs, 1);
	assert_int_equal(gg_interrupt_pending(), is_user);
}

// GDB takes SIGINT also after its target has stopped.
static void test_late(void **state)
{
	(void)state;
	assert_success(gg_interrupt_run_begin(1, 0));
	wait_until(gdb_was_called);
	signal(SIGINT, handle_as_gdb);
	raise(SIGINT);
	assert_int_equal(gdbs, 1);
	assert_true(gg_interrupt_run_end());
	assert_int_equal(gdbs, 1);
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
}

static bool was_called_again(void)
{
	return gdbs == 2;
}

static void test_insists(void **state)
{
	(void)state;
	assert_success(gg_interrupt_run_begin(1, 0));
	wait_until(gdb_was_called);
	raise(SIGINT);
	wait_until(is_open);
	assert_int_equal(gdbs, 1);
	raise(SIGINT);
	wait_until(was_called_again);
	assert_true(is_blocked());
	assert_true(gg_interrupt_run_end());
	assert_false(is_blocked());
	assert_error(gg_interrupt_check(), GG_INTERRUPTED, "interrupted");
}

static void *wait_for_end(void *unused)
{
	(void)unused;
	while (!gg_interrupt_pending())
		poll(NULL, 0, 1);
	return NULL;
}

// A thread of Python's, which does not block SIGINT.
static void test_thread(void **state)
{
	(void)state;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, wait_for_end, NULL), 0);
	assert_success(gg_interrupt_run_begin(LONG, 0));
	kill(getpid(), SIGINT);
	pthread_join(thread, NULL);
	assert_true(gg_interrupt_pending());
	assert_int_equal(gdbs, 0);
	wait_until(gdb_was_called);
	assert_false(gg_interrupt_run_end());
	gg_interrupt_forget();
}

// A target that counts the SIGINTs that it gets, in memory that both have.
static volatile sig_atomic_t *process_gets;

static void count_interrupt(int signal_number)
{
	(void)signal_number;
	(*process_gets)++;
}

static pid_t start_process(void)
{
	process_gets = mmap(NULL, sizeof(*process_gets), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(process_gets != MAP_FAILED);
	const pid_t process = fork();
	if (process)
		return process;
	signal(SIGINT, count_interrupt);
	for (;;)
		pause();
}

static void end_process(pid_t process)
{
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
	munmap((void *)process_gets, sizeof(*process_gets));
}

static bool process_was_called(void)
{
	return *process_gets;
}

static bool process_was_called_again(void)
{
	return *process_gets >= 2;
}

static void test_process(void **state)
{
	const bool is_user = *state;
	const pid_t process = start_process();
	assert_success(gg_interrupt_run_begin(is_user ? LONG : 1, process));
	if (is_user) {
		wait_until(is_open);
		raise(SIGINT);
	}
	wait_until(process_was_called);
	wait_until(process_was_called_again);
	assert_int_equal(gg_interrupt_run_end(), !is_user);
	assert_int_equal(gg_interrupt_pending(), is_user);
	assert_int_equal(gdbs, 0);
	end_process(process);
}

static void test_pending(void **state)
{
	(void)state;
	const pid_t process = start_process();
	assert_false(gg_process_is_stopped(process));
	kill(process, SIGSTOP);
	assert_int_equal(waitpid(process, NULL, WUNTRACED), process);
	assert_true(gg_process_is_stopped(process));
	assert_false(gg_process_has_pending(process, SIGINT));
	kill(process, SIGINT);
	assert_true(gg_process_has_pending(process, SIGINT));
	assert_false(gg_process_has_ended(process));
	kill(process, SIGKILL);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT), 0);
	// A zombie.
	assert_true(gg_process_has_ended(process));
	assert_false(gg_process_is_stopped(process));
	end_process(process);
	assert_true(gg_process_has_ended(process));
	assert_false(gg_process_has_pending(process, SIGINT));
}

static void test_refused(void **state)
{
	(void)state;
	assert_error(gg_interrupt_run_begin(0, 0), GG_INVALID, "no time");
	raise(SIGINT);
	assert_error(gg_interrupt_run_begin(SHORT, 0), GG_INTERRUPTED, "interrupted");
	gg_interrupt_end();
	assert_error(gg_interrupt_run_begin(SHORT, 0), GG_INVALID, "own handler");
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
		TEST("not before GDB waits for its target", test_early),
		{ .name = "nor at the user's",
		  .test_func = test_early,
		  .setup_func = begin_test,
		  .teardown_func = end_test,
		  .initial_state = "by the user" },
		TEST("what comes when GDB has taken SIGINT again is not lost", test_late),
		TEST("it reaches GDB when the target has not stopped for seconds", test_insists),
		TEST("what comes in another thread is not lost", test_thread),
		TEST("a process gets SIGINT itself, again each second until the end", test_process),
		{ .name = "so it does at the user's",
		  .test_func = test_process,
		  .setup_func = begin_test,
		  .teardown_func = end_test,
		  .initial_state = "by the user" },
		TEST("a SIGINT that a stopped process has still to get is seen", test_pending),
		TEST("not for no time, not after a Ctrl-C, not outside", test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
