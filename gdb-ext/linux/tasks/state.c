// SPDX-License-Identifier: GPL-3.0-or-later
//
// The states of tasks (Linux include/linux/sched.h, v4.14 to v6.12: TASK_..., EXIT_...,
// __task_state_index()).
#include "tasks.h"

enum {
	REPORTED = 0x7f, // TASK_REPORT
	UNINTERRUPTIBLE = 0x2,
	IDLE = 0x402, // TASK_NOLOAD, TASK_UNINTERRUPTIBLE
	RTLOCK_WAIT = 0x1000,
};

char gg_task_state_letter(uint64_t state, uint64_t exit_state)
{
	static const char letters[] = "RSDTtXZP";
	const uint64_t all = state | exit_state;
	uint64_t reported = all & REPORTED;
	if ((all & IDLE) == IDLE)
		return 'I';
	if (all & RTLOCK_WAIT)
		reported = UNINTERRUPTIBLE;
	return letters[reported ? 64 - __builtin_clzll(reported) : 0];
}
