// SPDX-License-Identifier: GPL-3.0-or-later
//
// The verdict on the guest's kernel, the end of guest-info's output.
//
// In:  the verdict. Texts of the guest are escaped where they are read.
// Out: lines for people; an object of JSON, whose keys are described in info-json.c.
#include "verdict.h"
#include "base/json.h"
#include "lines.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECOND = 1000000000, LOAD_ONE = 2048, HUNDRED = 100 };

// ---- Troubles ----

static const struct {
	const char *name; // at the start of the line
	const char *kind; // before all else, or NULL
} labels[] = {
	[GG_PANIC] = { "PANIC", NULL },          [GG_OOPS] = { "OOPS", NULL },
	[GG_HARD_LOCKUP] = { "LOCKUP", "hard" }, [GG_SOFT_LOCKUP] = { "LOCKUP", "soft" },
	[GG_RCU_STALL] = { "RCU STALL", NULL },  [GG_HUNG_TASK] = { "HUNG TASK", NULL },
	[GG_OOM_KILL] = { "OOM KILL", NULL },    [GG_WARNING] = { "warning", NULL },
};

// Appends PART behind a comma, unless it is the first.
static void append_part(struct gg_buffer *line, const char *part)
{
	gg_buffer_format(line, "%s%s", line->size ? ", " : "", part);
}

// Appends the time of the log's line, and the time since, as far as the kernel's clock has gone on.
static void append_time(struct gg_buffer *line, const struct gg_verdict *verdict,
			const struct gg_trouble *trouble, bool is_last)
{
	const uint64_t now = (uint64_t)verdict->now.value;
	const bool is_past = verdict->now.is_known && now >= trouble->time + SECOND;
	append_part(line, is_last ? "the last at " : "at ");
	gg_append_kernel_time(line, trouble->time, 0);
	gg_buffer_format(line, " s");
	if (!is_past)
		return;
	append_part(line, "");
	gg_append_duration(line, (now - trouble->time) / SECOND);
	gg_buffer_format(line, " ago");
}

static void append_count(struct gg_buffer *line, const struct gg_verdict *verdict,
			 const struct gg_trouble *trouble)
{
	char text[64];
	const uint64_t count =
		trouble->count.is_known ? (uint64_t)trouble->count.value : trouble->lines;
	const bool is_least = !trouble->count.is_known && !verdict->has_whole_log;
	snprintf(text, sizeof(text), "%s%" PRIu64 " times", is_least ? "at least " : "", count);
	if (count > 1)
		append_part(line, text);
	if (trouble->has_time)
		append_time(line, verdict, trouble, count > 1);
	else if (!trouble->line && count < 2)
		append_part(line, "once");
	if (!trouble->line)
		append_part(line, "not in what is left of the log");
}

// The kernel's own clock may have stood still since.
static void append_panic(struct gg_buffer *line, const struct gg_verdict *verdict)
{
	const struct gg_trouble *trouble = &verdict->troubles[GG_PANIC];
	if (verdict->panic_cpu.is_known && verdict->panic_cpu.value >= 0)
		gg_buffer_format(line, "on CPU %" PRId64, verdict->panic_cpu.value);
	if (verdict->panic_comm)
		gg_buffer_format(line, ", in %s (pid %" PRId32 ")", verdict->panic_comm,
				 verdict->panic_pid);
	if (trouble->has_time)
		append_time(line, verdict, trouble, false);
	if (verdict->crash_time) {
		append_part(line, "");
		gg_append_utc(line, verdict->crash_time);
	}
	if (!trouble->line)
		append_part(line, "its message is not in the log");
}

static void append_trouble(struct gg_buffer *out, const struct gg_verdict *verdict,
			   enum gg_trouble_kind kind)
{
	const struct gg_trouble *trouble = &verdict->troubles[kind];
	struct gg_buffer line = { 0 };
	if (!trouble->happened)
		return;
	if (labels[kind].kind)
		append_part(&line, labels[kind].kind);
	if (kind == GG_PANIC)
		append_panic(&line, verdict);
	else
		append_count(&line, verdict, trouble);
	gg_append_collected(out, labels[kind].name, &line);
	if (trouble->line)
		gg_append_cut(out, "", trouble->line);
}

static void append_silent(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	enum { SHOWN = 8 };
	for (size_t i = 0; i < verdict->silent_count && i < SHOWN; i++) {
		const struct gg_silent_cpu *cpu = &verdict->silent[i];
		char name[16];
		snprintf(name, sizeof(name), "CPU %" PRIu32, cpu->number);
		gg_append_line(out, name, "no %s for %" PRIu64 " s",
			       cpu->ticks ? "switch of tasks" : "timer tick", cpu->seconds);
	}
	if (verdict->silent_count > SHOWN)
		gg_append_line(out, "", "... and %zu more", verdict->silent_count - SHOWN);
}

static void append_blocked(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	struct gg_buffer line = { 0 };
	if (verdict->deadlocks == 1 && verdict->deadlocked == 1)
		gg_append_line(out, "DEADLOCK", "a task waits for itself: see guest-blocked");
	else if (verdict->deadlocks == 1)
		gg_append_line(out, "DEADLOCK", "%zu tasks wait for each other: see guest-blocked",
			       verdict->deadlocked);
	else if (verdict->deadlocks)
		gg_append_line(out, "DEADLOCK", "%zu circles of %zu tasks: see guest-blocked",
			       verdict->deadlocks, verdict->deadlocked);
	if (!verdict->blocked)
		return;
	gg_buffer_format(&line, "%zu task%s in the state D%s for ", verdict->blocked,
			 gg_plural(verdict->blocked), verdict->blocked > 1 ? ", the longest" : "");
	gg_append_duration(&line, verdict->blocked_longest);
	gg_buffer_format(&line, ": see guest-blocked");
	gg_append_collected(out, "BLOCKED", &line);
}

// ---- The state ----

static void append_state(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	const char *const where = verdict->has_whole_log ? "" : " in what is left of its log";
	struct gg_buffer line = { 0 };
	if (verdict->troubles[GG_PANIC].happened)
		return;
	if (verdict->phase)
		append_part(&line, verdict->phase);
	if (verdict->saves_crashed)
		append_part(&line, "to save the memory of a kernel that has crashed: see "
				   "guest-kernel");
	if (!gg_verdict_is_bad(verdict) && verdict->has_log) {
		gg_buffer_format(&line, "%sno panic, oops, lockup, hung task or OOM kill%s",
				 line.size ? "; " : "", where);
	} else if (!verdict->has_log) {
		append_part(&line, "its log cannot be read");
	}
	if (line.size)
		gg_append_collected(out, "state", &line);
}

static void append_uptime(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	struct gg_buffer line = { 0 };
	if (!verdict->uptime.is_known)
		return;
	gg_append_duration(&line, (uint64_t)verdict->uptime.value);
	append_part(&line, "its clock at ");
	gg_append_utc(&line, (uint64_t)verdict->clock.value);
	gg_append_collected(out, "uptime", &line);
}

// The kernel's clock starts later than QEMU's, after the firmware: a short silence is none.
static void append_silence(struct gg_buffer *out, const struct gg_verdict *verdict,
			   const struct gg_source_facts *facts)
{
	enum { SHORTEST = 60 };
	const uint64_t now = (uint64_t)verdict->now.value;
	struct gg_buffer line = { 0 };
	if (!verdict->now.is_known || !facts->has_virtual_clock || facts->virtual_clock < now ||
	    (facts->virtual_clock - now) / SECOND < SHORTEST)
		return;
	gg_buffer_format(&line, "the kernel's last sign of life at ");
	gg_append_kernel_time(&line, now, 0);
	gg_buffer_format(&line, " s, at most ");
	gg_append_duration(&line, (facts->virtual_clock - now) / SECOND);
	gg_buffer_format(&line, " before the machine stopped");
	gg_append_collected(out, "", &line);
}

static void append_load(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	struct gg_buffer line = { 0 };
	for (size_t i = 0; i < sizeof(verdict->load) / sizeof(*verdict->load); i++) {
		const uint64_t load = (uint64_t)verdict->load[i].value;
		if (verdict->load[i].is_known)
			gg_buffer_format(&line, "%s%" PRIu64 ".%02" PRIu64, i ? " " : "",
					 load / LOAD_ONE, load % LOAD_ONE * HUNDRED / LOAD_ONE);
	}
	if (line.size)
		gg_buffer_format(&line, " over 1, 5 and 15 min");
	if (verdict->online.is_known)
		gg_buffer_format(&line, "%s%" PRId64 " CPU%s online", line.size ? "; " : "",
				 verdict->online.value, gg_plural((uint64_t)verdict->online.value));
	if (line.size)
		gg_append_collected(out, "load", &line);
}

static void append_tasks(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	struct gg_buffer line = { 0 };
	if (!verdict->has_tasks)
		return;
	gg_buffer_format(&line, "%zu", verdict->task_count);
	for (size_t i = 0; i < verdict->state_count; i++)
		gg_buffer_format(&line, "%s%zu %c", i ? ", " : ": ", verdict->states[i].count,
				 verdict->states[i].letter);
	gg_append_collected(out, "tasks", &line);
}

// Linux Documentation/admin-guide/tainted-kernels.rst.
static const char *taint_text(char letter)
{
	static const struct {
		char letter;
		const char *text;
	} texts[] = {
		{ 'P', "a proprietary module" },
		{ 'F', "a module by force" },
		{ 'S', "a CPU out of its specification" },
		{ 'R', "a module removed by force" },
		{ 'M', "a machine check" },
		{ 'B', "a bad page" },
		{ 'U', "a program asked for it" },
		{ 'D', "an oops" },
		{ 'A', "an ACPI table overridden" },
		{ 'W', "a warning" },
		{ 'C', "a staging driver" },
		{ 'I', "a bug of the firmware" },
		{ 'O', "a module from out of tree" },
		{ 'E', "a module without signature" },
		{ 'L', "a soft lockup" },
		{ 'K', "a live patch" },
		{ 'X', "set by the distribution" },
		{ 'T', "randomized structures" },
		{ 'N', "a test" },
		{ 'J', "fwctl" },
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].letter == letter)
			return texts[i].text;
	return NULL;
}

static void append_taint(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	struct gg_buffer line = { 0 };
	if (!verdict->taint.is_known)
		return;
	for (size_t i = 0; i < verdict->taint_count; i++) {
		const struct gg_taint_flag *flag = &verdict->taints[i];
		const char *text = taint_text(flag->letter);
		append_part(&line, (const char[]){ flag->letter, 0 });
		if (text)
			gg_buffer_format(&line, " %s", text);
		else
			gg_buffer_format(&line, " bit %u", flag->bit);
	}
	if (!line.size)
		gg_buffer_format(&line, "none");
	gg_append_collected(out, "taint", &line);
}

void gg_append_verdict(struct gg_buffer *out, const struct gg_verdict *verdict,
		       const struct gg_source_facts *facts)
{
	for (size_t i = 0; i < GG_TROUBLES; i++)
		append_trouble(out, verdict, i);
	append_silent(out, verdict);
	append_blocked(out, verdict);
	append_state(out, verdict);
	append_uptime(out, verdict);
	append_silence(out, verdict, facts);
	append_load(out, verdict);
	append_tasks(out, verdict);
	append_taint(out, verdict);
	if (verdict->is_log_alone)
		gg_append_line(out, "", "the rest takes some MB over the wire: guest-info -all");
}

// ---- JSON ----

static void append_known(struct gg_buffer *out, const char *key, const struct gg_known *known)
{
	if (known->is_known)
		gg_json_format(out, key, "%" PRId64, known->value);
	else
		gg_json_null(out, key);
}

static void append_trouble_json(struct gg_buffer *out, const struct gg_verdict *verdict,
				enum gg_trouble_kind kind)
{
	const struct gg_trouble *trouble = &verdict->troubles[kind];
	if (!trouble->happened)
		return;
	gg_json_open_object(out, NULL);
	gg_json_string(out, "kind", gg_trouble_name(kind));
	append_known(out, "count", &trouble->count);
	gg_json_uint(out, "lines", trouble->lines);
	gg_json_string(out, "line", trouble->line);
	if (trouble->has_time)
		gg_json_uint(out, "time_ns", trouble->time);
	else
		gg_json_null(out, "time_ns");
	gg_json_close_object(out);
}

static void append_panic_json(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	if (verdict->panic_cpu.is_known && verdict->panic_cpu.value >= 0)
		gg_json_format(out, "panic_cpu", "%" PRId64, verdict->panic_cpu.value);
	else
		gg_json_null(out, "panic_cpu");
	gg_json_string(out, "panic_comm", verdict->panic_comm);
	if (verdict->panic_comm)
		gg_json_format(out, "panic_pid", "%" PRId32, verdict->panic_pid);
	else
		gg_json_null(out, "panic_pid");
	if (verdict->crash_time)
		gg_json_uint(out, "crash_time", verdict->crash_time);
	else
		gg_json_null(out, "crash_time");
}

static void append_silent_json(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	gg_json_open_array(out, "silent_cpus");
	for (size_t i = 0; i < verdict->silent_count; i++) {
		const struct gg_silent_cpu *cpu = &verdict->silent[i];
		gg_json_open_object(out, NULL);
		gg_json_uint(out, "cpu", cpu->number);
		gg_json_uint(out, "seconds", cpu->seconds);
		gg_json_bool(out, "ticks", cpu->ticks);
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
}

static void append_blocked_json(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	if (!verdict->has_blocked) {
		gg_json_null(out, "blocked");
		return;
	}
	gg_json_open_object(out, "blocked");
	gg_json_uint(out, "tasks", verdict->blocked);
	gg_json_uint(out, "longest", verdict->blocked_longest);
	gg_json_uint(out, "deadlocks", verdict->deadlocks);
	gg_json_uint(out, "deadlocked", verdict->deadlocked);
	gg_json_close_object(out);
}

static void append_taint_json(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	char letters[GG_TAINTS_MAX + 1] = "";
	for (size_t i = 0; i < verdict->taint_count; i++)
		letters[i] = verdict->taints[i].letter;
	append_known(out, "taint", &verdict->taint);
	gg_json_string(out, "taint_letters", verdict->taint.is_known ? letters : NULL);
}

static void append_load_json(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	gg_json_open_array(out, "load");
	for (size_t i = 0; i < sizeof(verdict->load) / sizeof(*verdict->load); i++) {
		const uint64_t load = (uint64_t)verdict->load[i].value;
		if (verdict->load[i].is_known)
			gg_json_format(out, NULL, "%" PRIu64 ".%02" PRIu64, load / LOAD_ONE,
				       load % LOAD_ONE * HUNDRED / LOAD_ONE);
		else
			gg_json_null(out, NULL);
	}
	gg_json_close_array(out);
}

static void append_tasks_json(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	if (!verdict->has_tasks) {
		gg_json_null(out, "tasks");
		gg_json_null(out, "states");
		return;
	}
	gg_json_uint(out, "tasks", verdict->task_count);
	gg_json_open_object(out, "states");
	for (size_t i = 0; i < verdict->state_count; i++)
		gg_json_uint(out, (const char[]){ verdict->states[i].letter, 0 },
			     verdict->states[i].count);
	gg_json_close_object(out);
}

void gg_append_verdict_json(struct gg_buffer *out, const struct gg_verdict *verdict)
{
	gg_json_open_object(out, "guest");
	gg_json_string(out, "verdict", gg_verdict_word(verdict));
	gg_json_string(out, "phase", verdict->phase);
	append_panic_json(out, verdict);
	gg_json_open_array(out, "troubles");
	for (size_t i = 0; i < GG_TROUBLES; i++)
		append_trouble_json(out, verdict, i);
	gg_json_close_array(out);
	append_silent_json(out, verdict);
	append_blocked_json(out, verdict);
	gg_json_bool(out, "whole_log", verdict->has_whole_log);
	gg_json_bool(out, "log_alone", verdict->is_log_alone);
	append_known(out, "now_ns", &verdict->now);
	append_known(out, "uptime", &verdict->uptime);
	append_known(out, "clock", &verdict->clock);
	append_load_json(out, verdict);
	append_known(out, "cpus_online", &verdict->online);
	append_tasks_json(out, verdict);
	append_taint_json(out, verdict);
	gg_json_close_object(out);
}
