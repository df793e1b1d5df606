// SPDX-License-Identifier: GPL-3.0-or-later
#include "threads.h"

#include <signal.h>

bool gg_thread_start(pthread_t *thread, void *(*work)(void *data), void *data)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const bool started = !pthread_create(thread, NULL, work, data);
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
