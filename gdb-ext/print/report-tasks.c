// SPDX-License-Identifier: GPL-3.0-or-later
//
// The report's parts about tasks, modules and the use of memory.
#include "report.h"
#include "base/notices.h"
#include "guest/meminfo.h"
#include "modules.h"
#include "tasks.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIB = 1024 };

// Appends a cell with what TEXT holds, and empties TEXT.
static void append_buffer(struct gg_report *report, struct gg_buffer *text, const char *class)
{
	report->html.out.failed |= text->failed;
	gg_html_open(&report->html, "td", "class", class, NULL);
	if (!text->failed)
		gg_html_bytes(&report->html, (const char *)text->bytes, text->size);
	gg_html_close(&report->html);
	gg_buffer_deinit(text);
}

// Appends a cell with NUMBER in decimal; "-" where it is not known.
static void append_number(struct gg_report *report, uint64_t number, bool is_known)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	if (is_known)
		gg_report_cell(report, text, &number);
	else
		gg_html_element(&report->html, "td", "n", "-");
}

// ---- Tasks ----

// Appends the cells behind the name.
static void append_task_cells(struct gg_report *report, const struct gg_task_row *row)
{
	const struct gg_task *task = row->task;
	char text[GG_CPU_TIME_SIZE];
	gg_report_cell(report, (const char[]){ task->state, task->on_cpu ? '>' : 0, 0 }, NULL);
	append_number(report, task->cpu, true);
	append_number(report, row->mm.rss / KIB, row->has_mm);
	gg_cpu_time_text(row, text);
	gg_report_cell(report, text, row->has_time ? &row->time : NULL);
	strcpy(text, "-");
	if (row->has_since)
		gg_age_text(row->since, text);
	gg_report_cell(report, text, row->has_since ? &row->since : NULL);
	append_number(report, (uint64_t)task->ppid, true);
}

// Appends the name and the arguments. The arguments of a report that is redacted are not read.
static struct gg_error *append_task(struct gg_report *report, struct gg_task_list *list,
				    const struct gg_task_row *row)
{
	const struct gg_task *task = row->task;
	struct gg_buffer name = { 0 }, args = { 0 };
	struct gg_task_details details = { 0 };
	struct gg_error *err = report->options->redact || !task->mm
				       ? NULL
				       : gg_task_details_read(list, row, &details);
	if (err)
		return err;
	gg_append_task_name(&name, row, task->is_kernel || task->is_idle);
	if (!report->options->redact && task->mm)
		gg_append_task_args(&args, row, &details);
	gg_html_open(&report->html, "tr", "class", task->on_cpu ? "on" : NULL, NULL);
	append_number(report, (uint64_t)task->pid, true);
	append_buffer(report, &name, "name");
	append_task_cells(report, row);
	if (!report->options->redact)
		append_buffer(report, &args, "long");
	gg_html_close(&report->html);
	gg_html_markup(&report->html, "\n");
	gg_task_details_deinit(&details);
	return gg_buffer_check(&report->html.out);
}

struct gg_error *gg_report_tasks(struct gg_report *report)
{
	static const char *const heads[] = { "PID",  "Command", "State", "CPU",       "RSS (KiB)",
					     "Time", "Since",   "PPID",  "Arguments", NULL };
	static const char *const redacted_heads[] = { "PID",   "Command",   "State",
						      "CPU",   "RSS (KiB)", "Time",
						      "Since", "PPID",      NULL };
	const struct gg_task_query query = { 0 };
	struct gg_task_list list = { 0 };
	struct gg_error *err = gg_guest_task_list(report->guest, &query, &report->notices, &list);
	if (!err) {
		gg_html_open(&report->html, "p", NULL);
		gg_html_format(&report->html, "%zu processes; > marks a task that is on a CPU.",
			       list.count);
		gg_html_close(&report->html);
		gg_html_open(&report->html, "p", "class", "filter", "data-filter", "task-lines",
			     NULL);
		gg_html_close(&report->html);
		gg_report_begin_table(report, "sort", "task-lines",
				      report->options->redact ? redacted_heads : heads);
	}
	for (size_t i = 0; !err && i < list.count; i++)
		err = append_task(report, &list, &list.rows[i]);
	gg_html_close_to(&report->html, 0);
	gg_task_list_deinit(&list);
	return err;
}

struct gg_error *gg_report_tasks_text(struct gg_report *report)
{
	const struct gg_tasks_options options = { .args = !report->options->redact };
	return gg_print_tasks(report->guest, &options, &report->writer, &report->notices);
}

// ---- Modules ----

static struct gg_error *append_module(struct gg_report *report, const struct gg_module *module)
{
	struct gg_module_facts facts;
	struct gg_buffer users = { 0 };
	char address[32];
	struct gg_error *err =
		gg_guest_module_facts(report->guest, module, &report->notices, &facts);
	if (err)
		return err;
	for (size_t i = 0; i < facts.user_count; i++)
		gg_buffer_format(&users, "%s%s", i ? ", " : "", facts.users[i]);
	snprintf(address, sizeof(address), "0x%016" PRIx64, module->ranges[0].start);
	gg_html_open(&report->html, "tr", NULL);
	gg_report_cell(report, module->name, NULL);
	gg_report_cell(report, facts.taints, NULL);
	gg_report_cell(report, gg_module_state_word(module), NULL);
	append_number(report, module->size, true);
	append_number(report, (uint64_t)module->references, module->references >= 0);
	append_buffer(report, &users, "long");
	gg_report_cell(report, address, NULL);
	gg_html_close(&report->html);
	gg_html_markup(&report->html, "\n");
	gg_module_facts_deinit(&facts);
	return gg_buffer_check(&report->html.out);
}

struct gg_error *gg_report_modules(struct gg_report *report)
{
	static const char *const heads[] = { "Module", "Taints",  "State",   "Size",
					     "Uses",   "Used by", "Address", NULL };
	const struct gg_module_list *list;
	struct gg_error *err = gg_guest_modules(report->guest, &report->notices, &list);
	if (err || !list->count)
		return err ? err : gg_tell(&report->notices, "the kernel has loaded no module");
	gg_report_begin_table(report, "sort", NULL, heads);
	for (size_t i = 0; !err && i < list->count; i++)
		err = append_module(report, &list->modules[i]);
	gg_html_close_to(&report->html, 0);
	return err;
}

struct gg_error *gg_report_modules_text(struct gg_report *report)
{
	const struct gg_modules_options options = { 0 };
	return gg_print_modules(report->guest, &options, &report->writer, &report->notices);
}

// ---- Memory ----

// Appends a row with a bar for a value that is a part of all memory.
static void append_item(struct gg_report *report, const struct gg_meminfo *info, const char *key,
			enum gg_memory_item item)
{
	const uint64_t total = info->bytes[GG_MEMORY_TOTAL];
	const bool is_part = info->is_known[item] && info->is_known[GG_MEMORY_TOTAL] && total &&
			     item < GG_MEMORY_SWAP_TOTAL && info->bytes[item] <= total;
	char label[32], text[32], part[32];
	snprintf(label, sizeof(label), "%s", key);
	for (char *c = label; *c; c++)
		*c = *c == '_' ? ' ' : *c;
	snprintf(text, sizeof(text), "%" PRIu64, info->bytes[item] / KIB);
	snprintf(part, sizeof(part), "%.4f",
		 is_part ? (double)info->bytes[item] / (double)total : 0);
	gg_html_open(&report->html, "tr", NULL);
	gg_html_open(&report->html, "th", "scope", "row", NULL);
	gg_html_text(&report->html, label);
	gg_html_close(&report->html);
	gg_report_cell(report, info->is_known[item] ? text : "?", &info->bytes[item]);
	gg_html_open(&report->html, "td", NULL);
	if (is_part) {
		gg_html_open(&report->html, "meter", "value", part, "aria-label", label, NULL);
		gg_html_close(&report->html);
		gg_html_format(&report->html, " %.0f%%",
			       100 * (double)info->bytes[item] / (double)total);
	}
	gg_html_close(&report->html);
	gg_html_close(&report->html);
	gg_html_markup(&report->html, "\n");
}

static struct gg_error *append_whole(struct gg_report *report)
{
	static const char *const keys[] = {
#define X(item, key) [GG_MEMORY_##item] = (key),
		GG_MEMORY_ITEMS(X)
#undef X
	};
	static const char *const heads[] = { "Memory", "KiB", "of all", NULL };
	struct gg_meminfo info;
	struct gg_error *err = gg_guest_meminfo(report->guest, &report->notices, &info);
	if (err)
		return err;
	gg_report_begin_table(report, NULL, NULL, heads);
	for (unsigned int i = 0; i < GG_MEMORY_COUNT; i++)
		append_item(report, &info, keys[i], (enum gg_memory_item)i);
	gg_report_end_table(report);
	return NULL;
}

// The further views of memory, each as the text of guest-mem.
static const struct {
	const char *title;
	struct gg_meminfo_options options;
} views[] = {
	{ "Zones", { .zones = true } },
	{ "The biggest slab caches", { .slabs = true, .top = 20 } },
	{ "The tasks with the most memory", { .tasks = true, .top = 20 } },
};

struct gg_error *gg_report_memory(struct gg_report *report)
{
	struct gg_error *err = append_whole(report);
	for (size_t i = 0; !err && i < sizeof(views) / sizeof(*views); i++) {
		err = gg_print_meminfo(report->guest, &views[i].options, &report->writer,
				       &report->notices);
		if (err)
			return err;
		gg_report_begin_details(report, views[i].title, false);
		gg_report_append_text(report, NULL);
		gg_html_close(&report->html);
		gg_html_markup(&report->html, "\n");
	}
	return err;
}

struct gg_error *gg_report_memory_text(struct gg_report *report)
{
	const struct gg_meminfo_options whole = { 0 };
	struct gg_error *err =
		gg_print_meminfo(report->guest, &whole, &report->writer, &report->notices);
	for (size_t i = 0; !err && i < sizeof(views) / sizeof(*views); i++) {
		gg_buffer_format(&report->text, "\n%s\n", views[i].title);
		err = gg_print_meminfo(report->guest, &views[i].options, &report->writer,
				       &report->notices);
	}
	return err;
}
