// SPDX-License-Identifier: GPL-3.0-or-later
//
// Threads: where they start, and where they may run.
#include "unit.h"

#include "memory/threads.h"

#include <dlfcn.h>
#include <sched.h>
#include <signal.h>

// The functions below stand for the C library's: which CPU a thread starts on is the scheduler's decision else.
static int here;             // the caller's CPU
static unsigned int set;     // starts with CPUs of their own
static cpu_set_t first_cpus; // of the last one

int sched_getcpu(void)
{
	return here;
}

int pthread_attr_setaffinity_np(pthread_attr_t *attributes, size_t size, const cpu_set_t *cpus)
{
	int (*next)(pthread_attr_t * attributes, size_t size, const cpu_set_t *cpus);
	*(void **)&next = dlsym(RTLD_NEXT, "pthread_attr_setaffinity_np");
	assert_int_equal(size, sizeof(*cpus));
	first_cpus = *cpus;
	set++;
	return next(attributes, size, cpus);
}

struct seen {
	cpu_set_t cpus;
	sigset_t blocked;
	pthread_barrier_t started;
};

static void *see(void *data)
{
	struct seen *seen = data;
	pthread_sigmask(SIG_BLOCK, NULL, &seen->blocked);
	// The caller widens the thread's CPUs when it has started the thread.
	pthread_barrier_wait(&seen->started);
	sched_getaffinity(0, sizeof(seen->cpus), &seen->cpus);
	return NULL;
}

static void start(struct seen *seen)
{
	pthread_t thread;
	pthread_barrier_init(&seen->started, NULL, 2);
	assert_true(gg_thread_start(&thread, see, seen));
	pthread_barrier_wait(&seen->started);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&seen->started);
}

// Lets the calling thread run on the CPU alone.
static void run_on(int cpu)
{
	cpu_set_t only;
	CPU_ZERO(&only);
	CPU_SET((size_t)cpu, &only);
	assert_int_equal(sched_setaffinity(0, sizeof(only), &only), 0);
}

static void test_elsewhere(void **state)
{
	(void)state;
	struct seen seen;
	cpu_set_t cpus;
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	set = 0;
	for (here = 0; here < CPU_SETSIZE; here++) {
		if (!CPU_ISSET((size_t)here, &cpus) || CPU_COUNT(&cpus) == 1)
			continue;
		const unsigned int before = set;
		start(&seen);
		assert_true(CPU_EQUAL(&seen.cpus, &cpus));
		assert_int_equal(set, before + 1);
		assert_false(CPU_ISSET((size_t)here, &first_cpus));
		CPU_SET((size_t)here, &first_cpus);
		assert_true(CPU_EQUAL(&first_cpus, &cpus));
	}
}

static void test_one_cpu(void **state)
{
	(void)state;
	struct seen seen;
	cpu_set_t cpus;
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	for (here = 0; !CPU_ISSET((size_t)here, &cpus);)
		here++;
	set = 0;
	run_on(here);
	start(&seen);
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	assert_int_equal(set, 0);
	assert_int_equal(CPU_COUNT(&seen.cpus), 1);
}

static void test_signals(void **state)
{
	(void)state;
	struct seen seen;
	sigset_t before, after;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	start(&seen);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int number = 1; number < NSIG; number++)
		assert_int_equal(sigismember(&before, number), sigismember(&after, number));
	assert_true(sigismember(&seen.blocked, SIGINT) && sigismember(&seen.blocked, SIGCHLD));
}

static void add(void *data, unsigned int number)
{
	__atomic_fetch_or((uint64_t *)data, UINT64_C(1) << number, __ATOMIC_RELAXED);
}

static void test_numbers(void **state)
{
	(void)state;
	uint64_t done = 0;
	gg_threads_run(5, add, &done);
	assert_int_equal(done, 31);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(
			"a thread starts on another CPU than its creator's, and may run on all of "
			"its creator's",
			test_elsewhere),
		UNIT_TEST("a process that may use one CPU alone has its threads there",
			  test_one_cpu),
		UNIT_TEST("a thread has no signals, and its creator keeps its own", test_signals),
		UNIT_TEST("work that is parted is done once for each number", test_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
