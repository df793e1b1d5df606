// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's kernel at a glance: its troubles, and its state now.
#ifndef GDB_GUEST_VERDICT_H
#define GDB_GUEST_VERDICT_H

#include "types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// A number that may be unknown.
struct gg_known {
	bool is_known;
	int64_t value;
};

// The troubles of a kernel, the worst first.
enum gg_trouble_kind {
	GG_PANIC,
	GG_OOPS,
	GG_HARD_LOCKUP,
	GG_SOFT_LOCKUP,
	GG_RCU_STALL,
	GG_HUNG_TASK,
	GG_OOM_KILL,
	GG_WARNING, // less than a trouble
	GG_TROUBLES,
};

// The name of KIND in data: "panic", "soft-lockup" ...
const char *gg_trouble_name(enum gg_trouble_kind kind);

struct gg_trouble {
	bool happened;
	struct gg_known count; // since boot, by the kernel's own variables
	uint64_t lines;        // of the log that report it
	char *line;            // the last of them, escaped; NULL without
	bool has_time;
	uint64_t time; // of LINE, in nanoseconds of the log's clock
};

// A CPU that has been silent for longer than the kernel's watchdog allows.
struct gg_silent_cpu {
	uint32_t number; // the kernel's
	uint64_t seconds;
	bool ticks; // its timer ticks, but its watchdog's task does not run
};

struct gg_state_count {
	char letter; // ps's
	size_t count;
};

enum { GG_STATES_MAX = 16, GG_TAINTS_MAX = 64 };

struct gg_taint_flag {
	unsigned int bit;
	char letter; // by the kernel's own table; '?' where the table lacks it
};

// All is of one kernel; what is not known is zeros.
struct gg_verdict {
	bool has_log;        // the log was read
	bool has_whole_log;  // from the boot on
	bool is_log_alone;   // the rest was left out, since it is far away
	bool has_crashed;    // a kernel for crashes was booted
	bool saves_crashed;  // this is a kernel for crashes, and RAM has the crashed one
	uint64_t crash_time; // in seconds since 1970; 0 if unknown
	struct gg_trouble troubles[GG_TROUBLES];
	struct gg_known panic_cpu; // -1 without a panic
	char *panic_comm;          // the task that panicked, escaped; NULL if unknown
	int32_t panic_pid;
	const char *phase; // "booting", "running", "halted" ...; NULL if unknown
	struct gg_silent_cpu *silent;
	size_t silent_count;
	bool has_blocked;  // the waits of the tasks in the state D are known, if there are any
	size_t deadlocks;  // circles of tasks that certainly wait for each other
	size_t deadlocked; // the tasks in these circles
	size_t blocked;    // tasks in the state D for half of hung_task_timeout_secs and longer
	uint64_t blocked_longest; // the longest time of such a task, in seconds
	struct gg_known now;     // nanoseconds of the log's clock at the kernel's last sign of life
	struct gg_known uptime;  // in seconds, with the time that the guest was suspended
	struct gg_known clock;   // the wall clock, in seconds since 1970
	struct gg_known load[3]; // averages over 1, 5 and 15 minutes, in 2048ths
	struct gg_known online;  // CPUs
	struct gg_known taint;   // the mask
	struct gg_taint_flag taints[GG_TAINTS_MAX];
	size_t taint_count;
	bool has_tasks;
	size_t task_count; // without the idle tasks
	struct gg_state_count states[GG_STATES_MAX];
	size_t state_count;
};

// Tests whether the kernel has a trouble, or the observations are those of a kernel that hangs.
bool gg_verdict_is_bad(const struct gg_verdict *verdict);

// Returns the verdict in a word: the name of the worst trouble or observation ("deadlock", "silent-cpu",
// "blocked"), "kdump" for a kernel that saves another's memory, the phase, or "unknown".
const char *gg_verdict_word(const struct gg_verdict *verdict);

#pragma GCC visibility pop

#endif
