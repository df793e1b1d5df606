// SPDX-License-Identifier: GPL-3.0-or-later
//
// A stack as JSON, an object on a line.
#include "base/json.h"
#include "stack-text.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *entry_key(enum gg_entry_kind kind)
{
	static const char *const keys[] = {
		[GG_ENTRY_IRQ] = "irq",
		[GG_ENTRY_NMI] = "nmi",
		[GG_ENTRY_EXCEPTION] = "exception",
		[GG_ENTRY_SYSCALL] = "syscall",
		[GG_ENTRY_OTHER] = "other",
	};
	return keys[kind];
}

static void append_entry(struct gg_buffer *text, const struct gg_stack_entry *entry)
{
	if (!entry->kind) {
		gg_json_null(text, "entry");
		return;
	}
	gg_json_open_object(text, "entry");
	gg_json_string(text, "kind", entry_key(entry->kind));
	gg_json_string(text, "name", entry->name[0] ? entry->name : NULL);
	if (entry->number >= 0)
		gg_json_uint(text, "number", (uint64_t)entry->number);
	else
		gg_json_null(text, "number");
	gg_json_bool(text, "user", entry->is_user);
	if (entry->registers)
		gg_json_address(text, "registers", entry->registers);
	else
		gg_json_null(text, "registers");
	gg_json_address(text, "pc", entry->pc);
	gg_json_address(text, "sp", entry->sp);
	gg_json_close_object(text);
}

static struct gg_error *append_words(struct gg_buffer *text, const struct gg_answerers *kernel,
				     const struct gg_frame *frame)
{
	const unsigned int word = kernel->arch->word;
	struct gg_error *err = NULL;
	gg_json_open_array(text, "words");
	for (gg_gva_t at = frame->sp; !err && at < frame->end; at += word) {
		uint64_t value;
		err = gg_host_read_uint(&kernel->typed, at, word, &value);
		if (!err)
			gg_json_address(text, NULL, value);
		else
			gg_json_null(text, NULL);
		err = gg_error_unless_final(err);
	}
	gg_json_close_array(text);
	return err;
}

static struct gg_error *append_frame(struct gg_buffer *text, const struct gg_shown_stack *shown,
				     const struct gg_frame *frame)
{
	struct gg_symbol symbol;
	struct gg_error *err = gg_frame_symbol(shown->kernel, frame, &symbol);
	if (err)
		return err;
	gg_json_open_object(text, NULL);
	gg_json_address(text, "pc", frame->pc);
	gg_json_address(text, "sp", frame->sp);
	gg_json_string(text, "symbol", symbol.name);
	if (symbol.name) {
		gg_json_uint(text, "offset", frame->pc - symbol.address);
		gg_json_uint(text, "size", symbol.size);
	} else {
		gg_json_null(text, "offset");
		gg_json_null(text, "size");
	}
	gg_json_string(text, "module", symbol.module);
	gg_json_bool(text, "exact", frame->is_exact);
	gg_json_bool(text, "guess", frame->is_guess);
	append_entry(text, &frame->entry);
	if (shown->raw)
		err = append_words(text, shown->kernel, frame);
	gg_json_close_object(text);
	return err;
}

// Appends the members of TASK, which are null for NULL.
static void append_task(struct gg_buffer *text, const struct gg_task *task)
{
	if (!task) {
		for (const char *const *key = (const char *const[]){ "pid", "tgid", "comm", "state",
								     "cpu", "task", NULL };
		     *key; key++)
			gg_json_null(text, *key);
		return;
	}
	gg_json_format(text, "pid", "%" PRId32, task->pid);
	gg_json_format(text, "tgid", "%" PRId32, task->tgid);
	gg_json_string(text, "comm", task->comm);
	gg_json_string(text, "state", (const char[]){ task->state, 0 });
	gg_json_uint(text, "cpu", task->cpu);
	gg_json_address(text, "task", task->address);
}

// Appends the time since the task was last put on a CPU.
static void append_age(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	uint64_t age;
	if (gg_shown_age(shown, &age))
		gg_json_uint(text, "since_ns", age);
	else
		gg_json_null(text, "since_ns");
}

static void append_tasks(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	if (!shown->tasks) {
		append_task(text, shown->stack.task);
		append_age(text, shown);
		return;
	}
	gg_json_uint(text, "count", shown->count);
	gg_json_open_array(text, "tasks");
	for (size_t i = 0; i < shown->count; i++) {
		gg_json_open_object(text, NULL);
		append_task(text, shown->tasks[i]);
		gg_json_close_object(text);
	}
	gg_json_close_array(text);
}

static void append_facts(struct gg_buffer *text, const struct gg_guest_stack *stack)
{
	static const char *const starts[] = { [GG_FROM_SLEEP] = "sleep",
					      [GG_FROM_REGISTERS] = "registers",
					      [GG_FROM_CRASH] = "crash",
					      [GG_FROM_MEMORY] = "memory" };
	static const char *const ends[] = { [GG_STACK_AT_USER] = "user",
					    [GG_STACK_AT_END] = "end",
					    [GG_STACK_BROKEN] = "broken",
					    [GG_STACK_GONE] = "gone" };
	if (stack->cpu)
		gg_json_uint(text, "on_cpu", stack->cpu->index);
	else
		gg_json_null(text, "on_cpu");
	gg_json_string(text, "start", starts[stack->start]);
	gg_json_string(text, "why", stack->why);
	gg_json_string(text, "no_task", stack->no_task && *stack->no_task ? stack->no_task : NULL);
	gg_json_string(text, "end", ends[stack->stack.end]);
	gg_json_string(text, "broken", stack->stack.why);
	if (stack->stack.end == GG_STACK_AT_USER) {
		gg_json_address(text, "user_pc", stack->stack.user_pc);
		gg_json_address(text, "user_sp", stack->stack.user_sp);
	} else {
		gg_json_null(text, "user_pc");
		gg_json_null(text, "user_sp");
	}
}

static struct gg_error *append_frames(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	const struct gg_stack *stack = &shown->stack.stack;
	struct gg_error *err = NULL;
	gg_json_open_array(text, "frames");
	for (size_t i = 0; !err && i < stack->count; i++)
		err = append_frame(text, shown, &stack->frames[i]);
	gg_json_close_array(text);
	return err;
}

// Appends the stack of the nested guest; null for NULL.
static struct gg_error *append_inner(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	const struct gg_inner_stack *inner = shown->inner;
	if (!inner) {
		gg_json_null(text, "nested");
		return NULL;
	}
	const struct gg_shown_stack inside = { .stack = inner->guest_stack,
					       .kernel = inner->kernel,
					       .raw = shown->raw };
	gg_json_open_object(text, "nested");
	if (inner->vcpu.number) {
		gg_json_uint(text, "number", inner->vcpu.number);
		gg_json_uint(text, "vcpu", inner->vcpu.vcpu);
	} else {
		gg_json_null(text, "number");
		gg_json_null(text, "vcpu");
	}
	if (inner->has_place) {
		gg_json_address(text, "pc", inner->pc);
		gg_json_address(text, "sp", inner->sp);
	} else {
		gg_json_null(text, "pc");
		gg_json_null(text, "sp");
	}
	gg_json_string(text, "why", inner->why[0] ? inner->why : inner->guest_stack.why);
	struct gg_error *err = append_frames(text, &inside);
	gg_json_close_object(text);
	return err;
}

struct gg_error *gg_append_stack_json(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	gg_json_open_object(text, NULL);
	append_tasks(text, shown);
	append_facts(text, &shown->stack);
	struct gg_error *err = append_inner(text, shown);
	if (!err)
		err = append_frames(text, shown);
	gg_json_close_object(text);
	gg_json_end_line(text);
	return err;
}
