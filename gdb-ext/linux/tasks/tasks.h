// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tasks of a guest's kernel: processes and threads, and each CPU's idle task.
#ifndef GG_TASKS_H
#define GG_TASKS_H

#include "base/notices.h"
#include "linux/answerers/answerers.h"
#include "run-queues.h"

enum {
	GG_TASK_COMM = 16, // TASK_COMM_LEN
	GG_TASK_COMM_ESCAPED = 4 * GG_TASK_COMM + 1,
};

struct gg_task {
	gg_gva_t address; // of its struct task_struct
	int32_t pid, tgid;
	int32_t ppid;                    // of the process that is its parent; 0 without
	char name[GG_TASK_COMM + 1];     // its comm, any bytes at all
	char comm[GG_TASK_COMM_ESCAPED]; // the same, escaped
	char state;                      // ps's letter, '?' for a state that is not known
	uint32_t cpu;                    // on which it is or was last, the kernel's number
	bool on_cpu;                     // it is a CPU's current task
	bool is_idle;                    // a CPU's idle task, with the pid 0
	bool is_kernel;                  // a kernel thread
	bool is_worker;                  // a worker of a workqueue
	gg_gva_t mm;                     // its struct mm_struct, 0 without
	gg_gva_t stack;                  // the lowest address of its kernel stack
	gg_gva_t parent;                 // the parent's struct task_struct
	gg_gva_t signal;                 // its struct signal_struct
	gg_gva_t fs;                     // its struct fs_struct, 0 without
	gg_gva_t kthread;                // a kernel thread's struct kthread, 0 if not known
	uint64_t last_arrival;           // on a CPU, by the scheduler's clock in ns; 0 if not known
	uint64_t runtime;                // on CPUs so far, in ns
	uint64_t dead_runtime; // the same of a process's threads that are gone; a leader's
	uint64_t start;        // ns from boot, the time in suspend included; 0 if not known
};

// All tasks: a process's leader before its threads, the idle tasks first.
struct gg_tasks {
	struct gg_task *tasks;
	size_t count;
	bool has_runtime; // the kernel has the tasks' RUNTIME, else all are 0
	uint64_t clock;   // the scheduler's clock in ns, the latest of all CPUs; 0 if not known
	uint32_t *slots;  // a hash table by address: index + 1
	size_t slot_count;
};

// Reads all tasks. NOTICES get a line where the lists are damaged, and RET has the tasks before the
// damage then. GG_NOT_FOUND where the kernel's types are not known.
struct gg_error *gg_tasks_read(const struct gg_answerers *kernel, const struct gg_notices *notices,
			       struct gg_tasks *ret);

// Reads the task whose struct task_struct is at ADDRESS, without its parent's PID.
struct gg_error *gg_tasks_read_one(const struct gg_answerers *kernel, gg_gva_t address,
				   struct gg_task *ret);

// Adds a copy of TASK.
struct gg_error *gg_tasks_add(struct gg_tasks *tasks, const struct gg_task *task);

// TASKS may be zeros.
void gg_tasks_deinit(struct gg_tasks *tasks);

// Tests whether TASK stands for a process: it is the leader of its threads, or a CPU's idle task.
static inline bool gg_task_is_process(const struct gg_task *task)
{
	return task->is_idle || task->pid == task->tgid;
}

// Finds the task at ADDRESS, and the first task with PID (a thread's own); NULL without.
const struct gg_task *gg_tasks_at(const struct gg_tasks *tasks, gg_gva_t address);
const struct gg_task *gg_tasks_of_pid(const struct gg_tasks *tasks, int32_t pid);

// The letters of states.
#define GG_TASK_STATES "RSDTtXZPI"

// Returns ps's letter for a task's state and exit state (state.c).
char gg_task_state_letter(uint64_t state, uint64_t exit_state);

#endif
