// SPDX-License-Identifier: GPL-3.0-or-later
//
// The states of tasks (Linux include/linux/sched.h, v4.14 to v7.2: TASK_..., EXIT_...,
// __task_state_index()).
#include "tasks.h"

enum {
	REPORTED = 0x7f, // TASK_REPORT
	UNINTERRUPTIBLE = 0x2,
	IDLE = 0x402, // TASK_NOLOAD, TASK_UNINTERRUPTIBLE
	RTLOCK_WAIT = 0x1000,
	// A frozen task is UNINTERRUPTIBLE until v6.0. Since Linux commit f5d39b020809 (v6.1) it has a state of
	// its own, which v6.1's /proc shows as R, and newer ones as D.
	FROZEN = 0x8000,
};

char gg_task_state_letter(uint64_t state, uint64_t exit_state)
{
	static const char letters[] = GG_TASK_STATES; // by the highest bit
	const uint64_t all = state | exit_state;
	uint64_t reported = all & REPORTED;
	if ((state & IDLE) == IDLE)
		return 'I';
	if (state & (RTLOCK_WAIT | FROZEN))
		reported = UNINTERRUPTIBLE;
	return letters[reported ? 64 - __builtin_clzll(reported) : 0];
}
