// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-tasks.h"

#include "arch/arch.h"

#include <stdlib.h>
#include <string.h>

#define BASE FAKE_TASKS_BASE

enum {
	WORD = 8,
	INT = 4,
	PER_CPU = 0x100,
	SIGNAL_SIZE = 0x40,
	DENTRY_SIZE = 0x40,
	KTHREAD = 0x200000
};

enum { WORKER = 0x20 };

static const struct fake_variable variables[] = {
	{ "init_task", FAKE_TASKS_AT, FAKE_TASK_SIZE },
	{ "runqueues", FAKE_RUN_QUEUES - PER_CPU, PER_CPU },
	{ "current_task", FAKE_RUN_QUEUES - PER_CPU + 16, WORD },
	{ "nr_cpu_ids", FAKE_CPU_IDS_AT, INT },
	{ "__per_cpu_offset", FAKE_OFFSETS_AT, FAKE_TASKS_CPUS *WORD },
	{ "__cpu_present_mask", FAKE_PRESENT_AT, WORD },
	{ "_totalram_pages", FAKE_TOTALRAM_AT, WORD },
};

static const struct fake_member members[] = {
	{ "task_struct", "tasks", FAKE_TASK_LIST, 16 },
	{ "task_struct", "thread_node", FAKE_TASK_NODE, 16 },
	{ "task_struct", "pid", FAKE_TASK_PID, INT },
	{ "task_struct", "tgid", FAKE_TASK_TGID, INT },
	{ "task_struct", "__state", FAKE_TASK_STATE, INT },
	{ "task_struct", "exit_state", 44, INT },
	{ "task_struct", "comm", FAKE_TASK_COMM_AT, 16 },
	{ "task_struct", "flags", FAKE_TASK_FLAGS, INT },
	{ "task_struct", "thread_info.cpu", 68, INT },
	{ "task_struct", "mm", FAKE_TASK_MM, WORD },
	{ "task_struct", "stack", 80, WORD },
	{ "task_struct", "real_parent", FAKE_TASK_PARENT, WORD },
	{ "task_struct", "signal", FAKE_TASK_SIGNAL, WORD },
	{ "task_struct", "fs", 104, WORD },
	{ "task_struct", "worker_private", 112, WORD },
	{ "task_struct", "sched_info.last_arrival", 120, WORD },
	{ "task_struct", "se.sum_exec_runtime", FAKE_TASK_RUNTIME, WORD },
	{ "signal_struct", "thread_head", FAKE_THREAD_HEAD, 16 },
	{ "signal_struct", "sum_sched_runtime", 16, WORD },
	{ "rq", "idle", 0, WORD },
	{ "rq", "clock", 8, WORD },
	{ "mm_struct", "total_vm", 0, WORD },
	{ "mm_struct", "pgd", 8, WORD },
	{ "mm_struct", "arg_start", 16, WORD },
	{ "mm_struct", "arg_end", 24, WORD },
	{ "mm_struct", "env_start", 32, WORD },
	{ "mm_struct", "env_end", 40, WORD },
	{ "mm_struct", "exe_file", 48, WORD },
	{ "mm_struct", "rss_stat[0].count", 56, WORD },
	{ "mm_struct", "rss_stat[1].count", 64, WORD },
	{ "mm_struct", "rss_stat[2].count", 72, WORD },
	{ "mm_struct", "rss_stat[3].count", 80, WORD },
	{ "mm_struct", "rss_stat[0].counters", 88, WORD },
	{ "mm_struct", "rss_stat[1].counters", 96, WORD },
	{ "mm_struct", "rss_stat[2].counters", 104, WORD },
	{ "mm_struct", "rss_stat[3].counters", 112, WORD },
	{ "dentry", "d_parent", FAKE_DENTRY_PARENT, WORD },
	{ "dentry", "d_hash.pprev", FAKE_DENTRY_HASH, WORD },
	{ "dentry", "d_name.len", FAKE_DENTRY_LENGTH, INT },
	{ "dentry", "d_name.name", FAKE_DENTRY_NAME, WORD },
	{ "mount", "mnt_parent", 0, WORD },
	{ "mount", "mnt_mountpoint", 8, WORD },
	{ "mount", "mnt", 16, 16 },
	{ "vfsmount", "mnt_root", 0, WORD },
	{ "file", "f_path.mnt", 0, WORD },
	{ "file", "f_path.dentry", 8, WORD },
	{ "fs_struct", "pwd.mnt", 0, WORD },
	{ "fs_struct", "pwd.dentry", 8, WORD },
	{ "worker", "desc", 0, 24 },
	{ "worker", "current_work", 24, WORD },
	{ "worker", "pool", 32, WORD },
	{ "worker", "task", 40, WORD },
};

static const struct fake_parts parts = {
	.base = BASE,
	.size = FAKE_TASKS_SIZE,
	.variables = variables,
	.variable_count = sizeof(variables) / sizeof(*variables),
	.members = members,
	.member_count = sizeof(members) / sizeof(*members),
};

static void put(const struct fake_tasks *tasks, unsigned int offset, unsigned int size,
		uint64_t value)
{
	fake_put(&tasks->fake, offset, size, value);
}

gg_gva_t fake_task_address(unsigned int pid)
{
	return BASE + FAKE_TASKS_AT + (gg_gva_t)FAKE_TASK_SIZE * pid;
}

uint8_t *fake_task_bytes(const struct fake_tasks *tasks, unsigned int pid, unsigned int member)
{
	return tasks->memory + (fake_task_address(pid) - BASE) + member;
}

void fake_tasks_link(const struct fake_tasks *tasks, const gg_gva_t *nodes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		put(tasks, (unsigned int)(nodes[i] - BASE), WORD, nodes[(i + 1) % count]);
		put(tasks, (unsigned int)(nodes[i] - BASE) + WORD, WORD,
		    nodes[(i + count - 1) % count]);
	}
}

static void write_task(const struct fake_tasks *tasks, unsigned int pid, unsigned int tgid,
		       unsigned int parent, const char *comm)
{
	const unsigned int at = (unsigned int)(fake_task_address(pid) - BASE);
	const unsigned int signal = FAKE_SIGNALS + SIGNAL_SIZE * tgid;
	put(tasks, at + FAKE_TASK_PID, INT, pid);
	put(tasks, at + FAKE_TASK_TGID, INT, tgid);
	put(tasks, at + FAKE_TASK_STATE, INT, pid != 0);
	put(tasks, at + FAKE_TASK_PARENT, WORD, fake_task_address(parent));
	put(tasks, at + FAKE_TASK_SIGNAL, WORD, BASE + signal);
	put(tasks, at + FAKE_TASK_RUNTIME, WORD, 1000 * (uint64_t)pid);
	strncpy((char *)tasks->memory + at + FAKE_TASK_COMM_AT, comm, 16);
	const gg_gva_t nodes[] = { BASE + signal, fake_task_address(pid) + FAKE_TASK_NODE };
	if (pid == tgid)
		fake_tasks_link(tasks, nodes, 2);
}

static void write_tasks(const struct fake_tasks *tasks)
{
	write_task(tasks, 0, 0, 0, "swapper/0");
	write_task(tasks, 1, 1, 0, "sh");
	write_task(tasks, 2, 2, 0, "kworker/0:1");
	write_task(tasks, 3, 3, 1, "server");
	write_task(tasks, 4, 3, 1, "thread-4");
	write_task(tasks, 5, 3, 1, "thread-5");
	gg_gva_t processes[4];
	for (unsigned int i = 0; i < 4; i++)
		processes[i] = fake_task_address(i) + FAKE_TASK_LIST;
	fake_tasks_link(tasks, processes, 4);
	const gg_gva_t threads[] = { BASE + FAKE_SIGNALS + SIGNAL_SIZE * 3,
				     fake_task_address(3) + FAKE_TASK_NODE,
				     fake_task_address(4) + FAKE_TASK_NODE,
				     fake_task_address(5) + FAKE_TASK_NODE };
	fake_tasks_link(tasks, threads, 4);
	put(tasks, FAKE_CPU_IDS_AT, INT, FAKE_TASKS_CPUS);
	put(tasks, FAKE_PRESENT_AT, WORD, 1);
	put(tasks, FAKE_TOTALRAM_AT, WORD, 1000);
	for (unsigned int i = 0; i < FAKE_TASKS_CPUS; i++) {
		const unsigned int queue = FAKE_RUN_QUEUES + PER_CPU * i;
		put(tasks, FAKE_OFFSETS_AT + WORD * i, WORD, PER_CPU * (i + 1));
		put(tasks, queue, WORD, fake_task_address(0));
		put(tasks, queue + 8, WORD, 1000000);
		put(tasks, queue + 16, WORD, fake_task_address(3));
	}
}

static void write_dentry(const struct fake_tasks *tasks, unsigned int index, unsigned int parent,
			 const char *name)
{
	const unsigned int at = FAKE_DENTRIES + DENTRY_SIZE * index, text = FAKE_NAMES + 16 * index;
	put(tasks, at + FAKE_DENTRY_PARENT, WORD, BASE + FAKE_DENTRIES + DENTRY_SIZE * parent);
	put(tasks, at + FAKE_DENTRY_HASH, WORD, index);
	put(tasks, at + FAKE_DENTRY_LENGTH, INT, strlen(name));
	put(tasks, at + FAKE_DENTRY_NAME, WORD, BASE + text);
	memcpy(tasks->memory + text, name, strlen(name));
}

static void write_details(const struct fake_tasks *tasks)
{
	const unsigned int init = (unsigned int)(fake_task_address(1) - BASE);
	const unsigned int worker = (unsigned int)(fake_task_address(2) - BASE);
	put(tasks, init + FAKE_TASK_MM, WORD, BASE + FAKE_MM);
	put(tasks, init + 104, WORD, BASE + FAKE_FS);
	put(tasks, FAKE_MM, WORD, 100);
	put(tasks, FAKE_MM + 8, WORD, FAKE_TASKS_ARGS + 0x3000);
	put(tasks, FAKE_MM + 16, WORD, FAKE_TASKS_ARGS);
	put(tasks, FAKE_MM + 24, WORD, FAKE_TASKS_ARGS + 6);
	put(tasks, FAKE_MM + 48, WORD, BASE + FAKE_FILE);
	for (unsigned int i = 0; i < 4; i++)
		put(tasks, FAKE_MM + 56 + WORD * i, WORD, i == 3 ? UINT64_MAX : 10);
	put(tasks, FAKE_FILE, WORD, BASE + FAKE_MOUNT + 16);
	put(tasks, FAKE_FILE + 8, WORD, BASE + FAKE_DENTRIES + DENTRY_SIZE * 2);
	put(tasks, FAKE_FS, WORD, BASE + FAKE_MOUNT + 16);
	put(tasks, FAKE_FS + 8, WORD, BASE + FAKE_DENTRIES);
	put(tasks, FAKE_MOUNT, WORD, BASE + FAKE_MOUNT);
	put(tasks, FAKE_MOUNT + 16, WORD, BASE + FAKE_DENTRIES);
	write_dentry(tasks, 0, 0, "/");
	write_dentry(tasks, 1, 0, "bin");
	write_dentry(tasks, 2, 1, "sh");
	put(tasks, worker + FAKE_TASK_FLAGS, INT, KTHREAD | WORKER);
	put(tasks, worker + 112, WORD, BASE + FAKE_KTHREAD);
	// A word that leads to memory that is no worker, and a word that leads nowhere.
	put(tasks, FAKE_KTHREAD, WORD, BASE + FAKE_MM);
	put(tasks, FAKE_KTHREAD + 16, WORD, 8);
	put(tasks, FAKE_KTHREAD + 24, WORD, BASE + FAKE_WORKER);
	put(tasks, FAKE_KTHREAD + 104, WORD, BASE + FAKE_FULL_NAME);
	memcpy(tasks->memory + FAKE_WORKER, "events", 6);
	put(tasks, FAKE_WORKER + 24, WORD, 1);
	put(tasks, FAKE_WORKER + 32, WORD, 1);
	put(tasks, FAKE_WORKER + 40, WORD, fake_task_address(2));
	memcpy(tasks->memory + FAKE_FULL_NAME, "kworker/R-a_long_name", 21);
}

// The page tables: the arguments at FAKE_TASKS_ARGS are at 0x5000, and three pages further the root.
static void add_pages(struct fake_tasks *tasks)
{
	static const char *const lines[] = { "format x86-64 root=0x1000",  "ram 0 0x8000",
					     "word 0x1000 0x2067",         "word 0x2000 0x3067",
					     "word 0x3010 0x4067",         "word 0x4000 0x5067",
					     "word 0x5000 0x00632d006873", "word 0x4018 0x1067" };
	tasks->pages = page_image_create();
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (!tasks->pages || !page_image_line(tasks->pages, lines[i]))
			abort();
	if (page_image_table(tasks->pages, &tasks->answerers.memory.table))
		abort();
}

void fake_tasks_init(struct fake_tasks *tasks)
{
	*tasks = (struct fake_tasks){ 0 };
	fake_answerers_init(&tasks->fake, &parts, &tasks->answerers);
	tasks->memory = tasks->fake.memory;
	tasks->answerers.arch = gg_archs[0];
	write_tasks(tasks);
	write_details(tasks);
	add_pages(tasks);
}

void fake_tasks_deinit(struct fake_tasks *tasks)
{
	page_image_destroy(tasks->pages);
	fake_answerers_deinit(&tasks->fake, &tasks->answerers);
	*tasks = (struct fake_tasks){ 0 };
}
