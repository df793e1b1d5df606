// SPDX-License-Identifier: GPL-3.0-or-later
//
// The report's parts about what executes and what waits: CPUs, blocked tasks, stacks.
#include "report.h"
#include "words.h"

#include <gdb-guest/blocked.h>
#include <gdb-guest/cpus.h>
#include <gdb-guest/stacks.h>
#include <gdb-guest/text.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// ---- CPUs ----

static void append_task(struct gg_report *report, const struct gg_cpu_task *task)
{
	char text[5 * GG_CPU_TASK_NAME] = "-";
	char *name = task ? gg_text_escape(task->comm) : NULL;
	if (task)
		snprintf(text, sizeof(text), "%" PRId32 " %s%s", task->pid, name ? name : "?",
			 task->confirmed ? "" : " (as memory has it)");
	gg_report_cell(report, text, NULL);
	free(name);
}

// Appends a CPU's row. An unknown register is a question mark.
static struct gg_error *append_row(void *data, const struct gg_cpu *cpu)
{
	struct gg_report *report = data;
	const uint64_t index = cpu->index;
	const bool is_known = !cpu->unknown[0];
	char text[256];
	gg_html_open(&report->html, "tr", NULL);
	snprintf(text, sizeof(text), "%" PRIu32, cpu->index);
	gg_report_cell(report, text, &index);
	gg_report_cell(report, cpu->activity, NULL);
	snprintf(text, sizeof(text), "%u-bit %s", cpu->bits, cpu->privilege);
	gg_report_cell(report, is_known && cpu->bits ? text : "?", NULL);
	append_task(report, cpu->task);
	snprintf(text, sizeof(text), "0x%016" PRIx64, cpu->pc);
	gg_report_cell(report, is_known && !cpu->no_pc ? text : "?", NULL);
	gg_report_cell(report, cpu->symbol ? cpu->symbol : is_known ? cpu->place : "", NULL);
	gg_report_cell(report, gg_freshness_name(cpu->freshness), NULL);
	gg_html_close(&report->html);
	gg_html_markup(&report->html, "\n");
	return gg_buffer_check(&report->html.out);
}

// Appends text that is this program's own: a register's "RAX=" is no variable of an environment.
static void append_own_text(struct gg_report *report, const char *text)
{
	const struct gg_redact *redact = report->html.redact;
	report->html.redact = NULL;
	gg_html_open(&report->html, "pre", "tabindex", "0", NULL);
	gg_html_text(&report->html, text);
	gg_html_close(&report->html);
	report->html.redact = redact;
}

static struct gg_error *append_registers(void *data, const struct gg_cpu *cpu)
{
	struct gg_report *report = data;
	char summary[64];
	snprintf(summary, sizeof(summary), "Registers of CPU %" PRIu32, cpu->index);
	gg_report_begin_details(report, summary, false);
	if (cpu->freshness != GG_CURRENT) {
		gg_html_open(&report->html, "p", "class", "note", NULL);
		gg_html_format(&report->html, "%s: %s", gg_freshness_name(cpu->freshness),
			       cpu->why);
		gg_html_close(&report->html);
	}
	if (cpu->unknown[0])
		gg_html_element(&report->html, "p", "error", cpu->unknown);
	else
		append_own_text(report, cpu->text);
	if (cpu->nesting == GG_MAYBE_NESTED)
		gg_html_element(&report->html, "p", "note",
				"perhaps in a nested guest, whose registers these are then");
	if (cpu->nested) {
		gg_html_element(&report->html, "p", NULL,
				"In a nested guest; the nested guest's registers:");
		append_own_text(report, cpu->nested->text);
	}
	gg_html_close(&report->html);
	gg_html_markup(&report->html, "\n");
	return gg_buffer_check(&report->html.out);
}

struct gg_error *gg_report_cpus(struct gg_report *report)
{
	static const char *const heads[] = { "CPU",     "Activity", "Mode",      "Task",
					     "Address", "Function", "Registers", NULL };
	const struct gg_stacks_options stacks = { 0 };
	gg_report_begin_table(report, NULL, NULL, heads);
	struct gg_error *err = gg_guest_cpus_with_symbols(report->guest, NULL, 0, true, append_row,
							  report, &report->notices);
	gg_html_close_to(&report->html, 0);
	if (!err)
		err = gg_guest_cpus(report->guest, append_registers, report);
	gg_html_close_to(&report->html, 0);
	if (err)
		return err;
	err = gg_print_stacks(report->guest, &stacks, &report->writer, &report->notices);
	if (report->text.size)
		gg_html_element(&report->html, "h3", NULL, "Stacks");
	gg_report_append_paragraphs(report, report->info->cpu_count <= 8);
	return err;
}

struct gg_error *gg_report_cpus_text(struct gg_report *report)
{
	const struct gg_registers_options registers = { .task = true };
	const struct gg_stacks_options stacks = { 0 };
	struct gg_error *err =
		gg_print_registers(report->guest, &registers, &report->writer, &report->notices);
	gg_buffer_format(&report->text, "\n");
	return err ? err
		   : gg_print_stacks(report->guest, &stacks, &report->writer, &report->notices);
}

// ---- Blocked tasks ----

struct gg_error *gg_report_blocked_text(struct gg_report *report)
{
	const struct gg_blocked_options options = { 0 };
	return gg_print_blocked(report->guest, &options, &report->writer, &report->notices);
}

struct gg_error *gg_report_blocked(struct gg_report *report)
{
	struct gg_error *err = gg_report_blocked_text(report);
	gg_report_append_text(report, NULL);
	return err;
}

// ---- Stacks ----

struct gg_error *gg_report_stacks_text(struct gg_report *report)
{
	const struct gg_stacks_options options = { .all = true, .group = true };
	return gg_print_stacks(report->guest, &options, &report->writer, &report->notices);
}

struct gg_error *gg_report_stacks(struct gg_report *report)
{
	struct gg_error *err = gg_report_stacks_text(report);
	gg_report_append_paragraphs(report, false);
	return err;
}
