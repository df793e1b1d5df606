// SPDX-License-Identifier: GPL-3.0-or-later
#include "threads.h"
#include "workers.h"

#include <pthread.h>
#include <signal.h>

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
	struct call calls[GG_MAX_WORKERS];
	pthread_t threads[GG_MAX_WORKERS];
	unsigned int started = 1;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (; started < count && started < GG_MAX_WORKERS; started++) {
		calls[started] = (struct call){ work, data, started };
		if (pthread_create(&threads[started], NULL, run, &calls[started]))
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	work(data, 0);
	for (unsigned int i = started; i < count; i++)
		work(data, i);
	for (unsigned int i = 1; i < started; i++)
		pthread_join(threads[i], NULL);
}
