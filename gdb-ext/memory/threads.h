// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_THREADS_H
#define GG_THREADS_H

#include <pthread.h>
#include <stdbool.h>

enum { GG_MAX_THREADS = 64 };

// Starts a thread that runs WORK with DATA, on another CPU than the caller's where the caller may use several. The
// thread gets no signals: a debugger's are for its own threads. False where no thread can be started.
bool gg_thread_start(pthread_t *thread, void *(*work)(void *data), void *data);

// Calls WORK with DATA and each number below COUNT (1 to GG_MAX_THREADS), at the same time as far as threads can
// be started: number 0, and what finds no thread, in the caller's. Returns when all have returned.
void gg_threads_run(unsigned int count, void (*work)(void *data, unsigned int number), void *data);

#endif
