// SPDX-License-Identifier: GPL-3.0-or-later
#include "threads.h"

#include <sched.h>
#include <signal.h>

// Lets the thread of ATTRIBUTES start on another CPU than the caller's, of those in CPUS. Linux leaves a thread of a
// process that is a few ms old where its creator is, and takes 5 to 10 ms to move one of them (6.18).
static void start_elsewhere(pthread_attr_t *attributes, const cpu_set_t *cpus)
{
	cpu_set_t others = *cpus;
	const int here = sched_getcpu();
	if (here >= 0 && here < CPU_SETSIZE)
		CPU_CLR((size_t)here, &others);
	if (CPU_COUNT(&others))
		pthread_attr_setaffinity_np(attributes, sizeof(others), &others);
}

// Creates a thread that may run wherever the caller may.
static bool create_thread(pthread_t *thread, void *(*work)(void *data), void *data)
{
	pthread_attr_t attributes;
	cpu_set_t cpus;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) || pthread_attr_init(&attributes))
		return !pthread_create(thread, NULL, work, data);
	start_elsewhere(&attributes, &cpus);
	const bool started = !pthread_create(thread, &attributes, work, data);
	// The caller's own CPUs are set, to what they are, where the thread has ended by now.
	if (started)
		pthread_setaffinity_np(*thread, sizeof(cpus), &cpus);
	pthread_attr_destroy(&attributes);
	return started || !pthread_create(thread, NULL, work, data);
}

bool gg_thread_start(pthread_t *thread, void *(*work)(void *data), void *data)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const bool started = create_thread(thread, work, data);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct call {
	void (*work)(void *data, unsigned int number);
	void *data;
	unsigned int number;
};

static void *run(void *data)
{
	const struct call *call = data;
	call->work(call->data, call->number);
	return NULL;
}

void gg_threads_run(unsigned int count, void (*work)(void *data, unsigned int number), void *data)
{
	struct call calls[GG_MAX_THREADS];
	pthread_t threads[GG_MAX_THREADS];
	unsigned int started = 1;
	for (; started < count; started++) {
		calls[started] = (struct call){ work, data, started };
		if (!gg_thread_start(&threads[started], run, &calls[started]))
			break;
	}
	work(data, 0);
	for (unsigned int i = started; i < count; i++)
		work(data, i);
	for (unsigned int i = 1; i < started; i++)
		pthread_join(threads[i], NULL);
}
