// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_THREADS_H
#define GG_THREADS_H

// Calls WORK with DATA and each number below COUNT (at least 1), at the same time as far as threads can be started:
// number 0, and what finds no thread, in the caller's. Signals stay with the caller's threads. Returns when all
// have returned.
void gg_threads_run(unsigned int count, void (*work)(void *data, unsigned int number), void *data);

#endif
