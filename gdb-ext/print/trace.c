// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls as text and as JSON, as they happen; the summary.
#include "guest/trace.h"
#include "base/json.h"
#include "base/notices.h"
#include "profile.h"
#include "rows.h"
#include "run.h"
#include "trace-values.h"
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const double NANOSECONDS = 1e9;

struct printer {
	struct gg_guest *guest;
	const struct gg_trace_options *options;
	const struct gg_writer *writer;
	bool has_head; // the line above the first call is written
};

// ---- Text of a call ----

static void append_arguments(struct gg_buffer *out, const struct gg_trace_event *event)
{
	const struct gg_trace_function *function = event->function;
	gg_buffer_format(out, "(");
	for (size_t i = 0; i < function->parameter_count; i++) {
		gg_buffer_format(out, "%s%s=", i ? ", " : "", function->parameters[i].name);
		gg_trace_append_value(out, &function->parameters[i], &event->values[i]);
	}
	gg_buffer_format(out, ")");
}

static void append_result(struct gg_buffer *out, const struct gg_trace_event *event)
{
	const struct gg_trace_parameter *result = &event->function->result;
	const char *error = gg_trace_errno(result, &event->values[0]);
	if (event->function->is_void) {
		gg_buffer_format(out, " returns");
	} else {
		gg_buffer_format(out, " = ");
		if (error)
			gg_buffer_format(out, "%" PRId64 " (%s)", (int64_t)event->values[0].number,
					 error);
		else
			gg_trace_append_value(out, result, &event->values[0]);
	}
	gg_buffer_format(out, "  within %.6f s", (double)event->took / NANOSECONDS);
}

static struct gg_error *append_stack(struct gg_buffer *out, const struct printer *printer,
				     const struct gg_trace_event *event)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < event->frame_count; i++) {
		char name[GG_PLACE_NAME];
		struct gg_symbol symbol;
		err = gg_place_name(printer->guest, event->frames[i].pc, event->frames[i].is_exact,
				    &symbol, name);
		gg_buffer_format(out, "%*s%s%s\n", GG_TASK_COMM, "",
				 event->frames[i].is_guess ? "? " : "", name);
	}
	return err;
}

static struct gg_error *append_event(struct gg_buffer *out, struct printer *printer,
				     const struct gg_trace_event *event)
{
	const struct gg_trace_function *function = event->function;
	if (!printer->has_head)
		gg_buffer_format(out, "      TIME CPU     PID COMM             CALL\n");
	printer->has_head = true;
	gg_buffer_format(out, "%10.6f %3" PRIu32 " %7" PRId32 " ",
			 (double)event->time / NANOSECONDS, event->cpu, event->pid);
	const int width = gg_append_name(out, event->comm);
	gg_buffer_format(out, "%*s %s", width < GG_TASK_COMM ? GG_TASK_COMM - width : 0, "",
			 function->name);
	if (function->module)
		gg_buffer_format(out, " [%s]", function->module);
	if (event->is_return)
		append_result(out, event);
	else if (printer->options->arguments)
		append_arguments(out, event);
	gg_buffer_format(out, "\n");
	return append_stack(out, printer, event);
}

// ---- JSON of a call ----

static void append_arguments_json(struct gg_buffer *out, const struct gg_trace_event *event)
{
	const struct gg_trace_function *function = event->function;
	gg_json_open_array(out, "arguments");
	for (size_t i = 0; i < function->parameter_count; i++) {
		gg_json_open_object(out, NULL);
		gg_json_string(out, "name", function->parameters[i].name);
		gg_trace_append_json(out, &function->parameters[i], &event->values[i]);
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
}

static struct gg_error *append_stack_json(struct gg_buffer *out, const struct printer *printer,
					  const struct gg_trace_event *event)
{
	struct gg_error *err = NULL;
	gg_json_open_array(out, "stack");
	for (size_t i = 0; !err && i < event->frame_count; i++) {
		char name[GG_PLACE_NAME];
		struct gg_symbol symbol;
		err = gg_place_name(printer->guest, event->frames[i].pc, event->frames[i].is_exact,
				    &symbol, name);
		gg_json_open_object(out, NULL);
		gg_json_address(out, "address", event->frames[i].pc);
		gg_json_string(out, "symbol", symbol.name);
		gg_json_string(out, "module", symbol.module);
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
	return err;
}

static void append_result_json(struct gg_buffer *out, const struct gg_trace_event *event)
{
	const struct gg_trace_parameter *result = &event->function->result;
	gg_json_format(out, "took", "%.6f", (double)event->took / NANOSECONDS);
	if (event->function->is_void)
		return;
	gg_trace_append_json(out, result, &event->values[0]);
	gg_json_string(out, "error", gg_trace_errno(result, &event->values[0]));
}

static struct gg_error *append_event_json(struct gg_buffer *out, const struct printer *printer,
					  const struct gg_trace_event *event)
{
	struct gg_error *err = NULL;
	gg_json_open_object(out, NULL);
	gg_json_string(out, "event", event->is_return ? "return" : "call");
	gg_json_uint(out, "call", event->call);
	gg_json_format(out, "time", "%.6f", (double)event->time / NANOSECONDS);
	gg_json_uint(out, "cpu", event->cpu);
	gg_json_format(out, "pid", "%" PRId32, event->pid);
	gg_json_string(out, "comm", event->comm);
	gg_json_string(out, "function", event->function->name);
	gg_json_string(out, "module", event->function->module);
	if (event->is_return)
		append_result_json(out, event);
	else if (printer->options->arguments)
		append_arguments_json(out, event);
	if (!event->is_return && printer->options->stacks)
		err = append_stack_json(out, printer, event);
	gg_json_close_object(out);
	gg_json_end_line(out);
	return err;
}

static struct gg_error *print_event(void *data, const struct gg_trace_event *event)
{
	struct printer *printer = data;
	struct gg_buffer out = { 0 };
	struct gg_error *err = printer->options->json ? append_event_json(&out, printer, event)
						      : append_event(&out, printer, event);
	if (!err)
		err = gg_write_out(&out, printer->writer);
	gg_buffer_deinit(&out);
	return err;
}

// ---- The summary ----

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static double rate(const struct gg_trace *trace)
{
	return share(trace->calls, trace->elapsed) * NANOSECONDS;
}

static void append_function(struct gg_buffer *out, const struct gg_trace_function *function)
{
	gg_buffer_format(out, "%10" PRIu64 " %s", function->calls, function->name);
	if (function->module)
		gg_buffer_format(out, " [%s]", function->module);
	gg_buffer_format(out, "\n");
}

static void append_summary(struct gg_buffer *out, const struct gg_trace_options *options,
			   const struct gg_trace *trace)
{
	enum { PERCENT = 100 };
	gg_buffer_format(out, "%" PRIu64 " call%s", trace->calls, gg_plural(trace->calls));
	if (options->condition)
		gg_buffer_format(out, ", %" PRIu64 " of which meet the condition", trace->matched);
	gg_buffer_format(
		out, ", in %.1f s: %.1f a second; the guest stood still for %.1f %% of the time\n",
		(double)trace->elapsed / NANOSECONDS, rate(trace),
		PERCENT * share(trace->stopped, trace->elapsed));
	for (size_t i = 0; trace->function_count > 1 && i < trace->function_count; i++)
		append_function(out, &trace->functions[i]);
}

static void append_summary_json(struct gg_buffer *out, const struct gg_trace *trace)
{
	for (size_t i = 0; i < trace->function_count; i++) {
		const struct gg_trace_function *function = &trace->functions[i];
		gg_json_open_object(out, NULL);
		gg_json_string(out, "function", function->name);
		gg_json_string(out, "module", function->module);
		gg_json_address(out, "address", function->address);
		gg_json_uint(out, "calls", function->calls);
		gg_json_close_object(out);
		gg_json_end_line(out);
	}
	gg_json_open_object(out, NULL);
	gg_json_uint(out, "calls", trace->calls);
	gg_json_uint(out, "matched", trace->matched);
	gg_json_format(out, "seconds", "%.3f", (double)trace->elapsed / NANOSECONDS);
	gg_json_format(out, "rate", "%.3f", rate(trace));
	gg_json_uint(out, "stops", trace->stops);
	gg_json_format(out, "stopped", "%.6f", share(trace->stopped, trace->elapsed));
	gg_json_uint(out, "stop_ns", trace->stop_time);
	gg_json_uint(out, "pending", trace->pending);
	gg_json_uint(out, "unread", trace->unread);
	gg_json_string(out, "ended", trace->ended[0] ? trace->ended : NULL);
	gg_json_bool(out, "limited", trace->rate > 0 || trace->still > 0);
	gg_json_bool(out, "interrupted", trace->is_interrupted);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

static struct gg_error *print_summary(const struct printer *printer, const struct gg_trace *trace)
{
	struct gg_buffer out = { 0 };
	if (printer->options->json)
		append_summary_json(&out, trace);
	else
		append_summary(&out, printer->options, trace);
	struct gg_error *err = gg_write_out(&out, printer->writer);
	gg_buffer_deinit(&out);
	return err;
}

static struct gg_error *tell_limits(const struct gg_trace_options *options,
				    const struct gg_trace *trace, const struct gg_notices *notices)
{
	enum { PERCENT = 100 };
	struct gg_error *err = NULL;
	if (trace->rate > 0)
		err = gg_tell(
			notices,
			"the trace has ended early: it would stop the guest %.0f times a second, "
			"and the "
			"limit is %u (-limit N sets another; guest-profile shows what runs often)",
			trace->rate, options->limit);
	else if (trace->still > 0)
		err = gg_tell(notices,
			      "the trace has ended early: the last %u stops took %.0f %% of the "
			      "guest's time "
			      "(-limit N looks at N stops; guest-profile shows what runs often)",
			      options->limit, PERCENT * trace->still);
	if (!err && trace->pending)
		err = gg_tell(notices, "%zu call%s had not returned at the end", trace->pending,
			      gg_plural(trace->pending));
	if (!err && trace->unread)
		err = gg_tell(notices,
			      "of %" PRIu64 " call%s a text of the condition could not be read: it "
			      "counted as another text",
			      trace->unread, gg_plural(trace->unread));
	if (!err && trace->is_full)
		err = gg_tell(notices, "not all returns are shown: %d calls at a time are watched",
			      GG_TRACE_PENDING);
	if (!err && trace->ended[0])
		err = gg_tell(notices, "the guest stopped by itself %s", trace->ended);
	return err;
}

struct gg_error *gg_print_trace(struct gg_guest *guest, const struct gg_trace_options *options,
				const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct printer printer = { .guest = guest, .options = options, .writer = writer };
	const struct gg_trace_request request = { .options = options,
						  .event = options->summary ? NULL : print_event,
						  .data = &printer };
	struct gg_trace trace;
	if (!options->address)
		return gg_error_create(GG_UNSUPPORTED,
				       "calls are traced at QEMU's gdbstub, in GDB (target remote "
				       "ADDRESS): a core cannot run");
	struct gg_error *err = gg_guest_trace(guest, &request, notices, &trace);
	if (!err)
		err = print_summary(&printer, &trace);
	if (!err)
		err = tell_limits(options, &trace, notices);
	gg_trace_deinit(&trace);
	return err;
}

// ---- The row of the table of commands ----

enum { LONGEST_TRACE = 86400, HIGHEST_LIMIT = 1000000 };

static const struct gg_option trace_options[] = {
	{ .name = "args",
	  .kind = GG_VALUE_FLAG,
	  .help = "The arguments, by the types of the kernel's BTF; texts are followed." },
	{ .name = "return",
	  .kind = GG_VALUE_FLAG,
	  .help = "A line for each return too, with the result and the time." },
	{ .name = "stack", .kind = GG_VALUE_FLAG, .help = "The kernel's stack at each call." },
	{ .name = "if",
	  .kind = GG_VALUE_TEXT,
	  .help = "Only calls that meet the condition TEXT: an argument's name, $REGISTER,\n"
		  "    pid, comm or cpu, then ==, !=, <, <=, >, >= or & and a value; && joins\n"
		  "    more: -if 'flags & 0x40 && comm == \"sshd\"'" },
	{ .name = "count",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = UINT64_MAX,
	  .help = "End after N calls." },
	{ .name = "seconds",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = LONGEST_TRACE,
	  .help = "End after N seconds (10), or at Ctrl-C." },
	{ .name = "limit",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = HIGHEST_LIMIT,
	  .help = "End when the guest would stop more than N times (200) in a second of\n"
		  "    its own time." },
	{ .name = "summary", .kind = GG_VALUE_FLAG, .help = "No line for each call." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each call, for each function and for the trace." },
	{ 0 }
};

static const struct gg_option trace_arguments[] = {
	{ .name = "functions", .kind = GG_VALUE_SYMBOLS, .label = "FUNCTION[,...]" }, { 0 }
};

const struct gg_command gg_command_trace = {
	.name = "trace",
	.gdb_name = "guest-trace",
	.summary = "Show the calls of functions of the kernel while the guest runs.",
	.targets = "It works at QEMU's gdbstub.",
	.help = "The guest runs, stops for a moment at each call, and is stopped at the\n"
		"end, without a breakpoint left in it.  FUNCTION is a function of the\n"
		"kernel or of a module, MODULE:FUNCTION or 0xADDRESS.  A line has the\n"
		"seconds that the guest has run, the CPU, the current thread and the\n"
		"call; the last line has the number of calls, and how long the guest\n"
		"stood still.\n\n"
		"A trace is for functions that are called rarely: it ends by itself at\n"
		"the limit, and where the guest stands still for a quarter of the time.",
	.debugger_help = "The packets go over GDB's own connection, and GDB's session goes on\n"
			 "afterwards.  GDB's breakpoints are not in the guest meanwhile.  If GDB\n"
			 "dies, a process of its own takes the breakpoints out; it lets the guest\n"
			 "run, unless the guest was paused before GDB connected.",
	.alone_help = "A core cannot run: guest-trace is of use in GDB alone.",
	.arguments = trace_arguments,
	.options = trace_options,
	.run = gg_run_trace,
};
