// SPDX-License-Identifier: GPL-3.0-or-later
//
// The lines by which a kernel reports that something went wrong (Linux v3.0 to v7.2):
//
//     Kernel panic - not syncing: ...                         kernel/panic.c
//     BUG: kernel NULL pointer dereference ...                an architecture's mm/fault.c
//     BUG: unable to handle ...
//     kernel BUG at FILE:LINE!                                lib/bug.c
//     Oops: 0002 [#1] ..., invalid opcode: 0000 [#1] ...      an architecture's die()
//     watchdog: Watchdog detected hard LOCKUP on cpu 0        kernel/watchdog.c; "NMI watchdog: "
//     watchdog: BUG: soft lockup - CPU#1 stuck for 22s! ...       or nothing before v4.19
//     rcu: INFO: rcu_sched self-detected stall on CPU         kernel/rcu/tree_stall.h
//     INFO: task COMM:PID blocked for more than 120 seconds.  kernel/hung_task.c
//     Out of memory: Killed process 1 (COMM) ...              mm/oom_kill.c
//     Memory cgroup out of memory: Killed process ...
//     WARNING: CPU: 0 PID: 1 at FILE:LINE ...                 kernel/panic.c
//
// In:  the records of a log.
// Out: for each kind of trouble the number of its lines, and the last line.
// Never: a line that a program wrote. A line that a program writes into /dev/kmsg has another
//        facility than the kernel's (devkmsg_write()). Some lines of the kernel's start with a name
//        of 15 characters that a program chose, "COMM[PID]: segfault at ...", "COMM: page
//        allocation failure: ...": the patterns are longer, or demand an end.
#include "trouble.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 512 }; // of a line that is looked at and shown

struct pattern {
	enum gg_trouble_kind kind;
	const char *start;
	const char *inside; // behind START, or NULL
	char end;           // the line's last character, or 0 for any
};

static const struct pattern patterns[] = {
	{ GG_PANIC, "Kernel panic - not syncing", NULL, 0 },
	{ GG_OOPS, "BUG: kernel NULL pointer dereference", NULL, 0 },
	{ GG_OOPS, "BUG: unable to handle ", NULL, 0 },
	{ GG_OOPS, "kernel BUG at ", NULL, '!' },
	{ GG_HARD_LOCKUP, "Watchdog detected hard LOCKUP on cpu ", NULL, 0 },
	{ GG_HARD_LOCKUP, "CPU", ": Watchdog detected hard LOCKUP on cpu ", 0 },
	{ GG_SOFT_LOCKUP, "BUG: soft lockup - CPU#", NULL, 0 },
	{ GG_RCU_STALL, "INFO: rcu_", "detected stall", 0 },
	{ GG_RCU_STALL, "INFO: rcu_", "detected expedited stall", 0 },
	{ GG_HUNG_TASK, "INFO: task ", " blocked for more than ", 0 },
	{ GG_HUNG_TASK, "INFO: task ", " blocked in I/O wait for more than ", 0 },
	{ GG_OOM_KILL, "Out of memory", ": Kill", 0 },
	{ GG_OOM_KILL, "Memory cgroup out of memory: Kill", NULL, 0 },
	{ GG_WARNING, "WARNING: ", " at ", 0 },
};

// Returns what is behind PREFIX in TEXT, or NULL.
static const char *skip(const char *text, const char *prefix)
{
	const size_t size = strlen(prefix);
	return strncmp(text, prefix, size) ? NULL : text + size;
}

// Returns TEXT without the prefix of the file that logs it.
static const char *skip_file(const char *text)
{
	static const char *const prefixes[] = { "watchdog: ", "NMI watchdog: ", "rcu: " };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		const char *behind = skip(text, prefixes[i]);
		if (behind)
			return behind;
	}
	return text;
}

// Tests whether TEXT is the header of an oops: a reason, an error code in hexadecimal, "[#N]", and
// words without a colon.
static bool is_oops_header(const char *text)
{
	enum { CODE_MIN = 4 };
	const char *number = strstr(text, " [#");
	if (!number || number[3] < '1' || number[3] > '9')
		return false;
	if (strchr(number, ':'))
		return false;
	const char *code = number;
	while (code > text && strchr("0123456789abcdef", code[-1]))
		code--;
	return number - code >= CODE_MIN && code - text > 2 && code[-1] == ' ' && code[-2] == ':';
}

static bool matches(const struct pattern *pattern, const char *text)
{
	const char *behind = skip(text, pattern->start);
	return behind && (!pattern->inside || strstr(behind, pattern->inside)) &&
	       (!pattern->end || (*behind && behind[strlen(behind) - 1] == pattern->end));
}

// Tests whether LINE starts with the name of a program: "COMM[PID]: ".
static bool starts_with_program(const char *line)
{
	enum { LONGEST_NAME = 15 }; // TASK_COMM_LEN - 1
	for (size_t i = 1; i <= LONGEST_NAME && line[i - 1] && line[i]; i++) {
		const size_t digits = line[i] == '[' ? strspn(line + i + 1, "0123456789") : 0;
		if (digits && skip(line + i + 1 + digits, "]: "))
			return true;
	}
	return false;
}

static enum gg_trouble_kind kind_of(const char *line)
{
	if (starts_with_program(line))
		return GG_TROUBLES;
	const char *text = skip_file(line);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (matches(&patterns[i], text))
			return patterns[i].kind;
	return is_oops_header(line) ? GG_OOPS : GG_TROUBLES;
}

// Copies the first line of TEXT.
static void copy_line(const char *text, size_t size, char ret[LONGEST])
{
	const char *end = memchr(text, '\n', size);
	size_t length = end ? (size_t)(end - text) : size;
	if (length > LONGEST - 1)
		length = LONGEST - 1;
	memcpy(ret, text, length);
	ret[length] = 0;
}

enum gg_trouble_kind gg_log_trouble_kind(const char *text, size_t size)
{
	char line[LONGEST];
	copy_line(text, size, line);
	return kind_of(line);
}

// Tests whether the line is the header of the oops whose reason was the last line: both are one
// oops, and the reason says more.
static bool belongs_to_last(const struct gg_trouble *trouble, const struct gg_log_record *record,
			    const char *line)
{
	enum { MOST = 1000000000 }; // ns, on a slow console
	return is_oops_header(line) && trouble->line && !is_oops_header(trouble->line) &&
	       trouble->has_time && record->time >= trouble->time &&
	       record->time - trouble->time < MOST;
}

static struct gg_error *look_at_record(void *data, const struct gg_log_record *record)
{
	struct gg_log_troubles *troubles = data;
	char line[LONGEST];
	if (!troubles->records++)
		troubles->is_whole = record->flags & GG_LOG_SEQ;
	troubles->is_whole = troubles->is_whole && !record->lost;
	if (record->flags & GG_LOG_TIME) {
		troubles->has_time = true;
		troubles->time = record->time;
	}
	if (record->facility)
		return NULL;
	copy_line(record->text, record->text_size, line);
	const enum gg_trouble_kind kind = kind_of(line);
	if (kind == GG_TROUBLES)
		return NULL;
	struct gg_trouble *trouble = &troubles->kinds[kind];
	if (kind == GG_OOPS && belongs_to_last(trouble, record, line))
		return NULL;
	char *escaped = gg_text_escape(line);
	if (!escaped)
		return gg_enomem;
	free(trouble->line);
	trouble->line = escaped;
	trouble->lines++;
	trouble->has_time = record->flags & GG_LOG_TIME;
	trouble->time = record->time;
	return NULL;
}

struct gg_error *gg_log_troubles_read(const struct gg_host *kernel, struct gg_log_troubles *ret)
{
	struct gg_log_sink sink = { .record = look_at_record, .data = ret };
	*ret = (struct gg_log_troubles){ 0 };
	struct gg_error *err = gg_log_read(kernel, &sink);
	gg_log_sink_deinit(&sink);
	if (err)
		gg_log_troubles_deinit(ret);
	return err;
}

void gg_log_troubles_deinit(struct gg_log_troubles *troubles)
{
	for (size_t i = 0; i < GG_TROUBLES; i++)
		free(troubles->kinds[i].line);
	*troubles = (struct gg_log_troubles){ 0 };
}
