// SPDX-License-Identifier: GPL-3.0-or-later
//
// A stack as text: a line that names the task, as crash's users know it, and a line for each frame.
#include "stack-text.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct gg_error *gg_frame_symbol(const struct gg_answerers *kernel, const struct gg_frame *frame,
				 struct gg_symbol *ret)
{
	*ret = (struct gg_symbol){ 0 };
	struct gg_error *err = gg_symbols_at(kernel->symbols, frame->pc - !frame->is_exact, ret);
	if (err)
		*ret = (struct gg_symbol){ 0 };
	if (err && frame->pc < kernel->arch->kernel->prefix_area)
		*ret = (struct gg_symbol){ .name = "prefix area",
					   .size = kernel->arch->kernel->prefix_area };
	return gg_error_unless_final(err);
}

const char *gg_entry_kind_name(enum gg_entry_kind kind)
{
	static const char *const kinds[] = {
		[GG_NO_ENTRY] = "none",
		[GG_ENTRY_IRQ] = "IRQ",
		[GG_ENTRY_NMI] = "NMI",
		[GG_ENTRY_EXCEPTION] = "exception",
		[GG_ENTRY_SYSCALL] = "system call",
		[GG_ENTRY_OTHER] = "entry",
	};
	return kinds[kind];
}

// ---- Frames ----

// Appends the entry. The programs' registers of a group differ.
static void append_entry(struct gg_buffer *text, const struct gg_stack_entry *entry, bool is_group)
{
	gg_buffer_format(text, "    <%s", gg_entry_kind_name(entry->kind));
	if (entry->number >= 0)
		gg_buffer_format(text, " %" PRId64, entry->number);
	gg_buffer_format(text, "%s%s>", entry->name[0] ? " " : "", entry->name);
	if (entry->is_user && is_group)
		gg_buffer_format(text, "  from user mode");
	else if (entry->is_user)
		gg_buffer_format(text, "  from user mode, pc 0x%" PRIx64 " sp 0x%" PRIx64,
				 entry->pc, entry->sp);
	gg_buffer_format(text, "\n");
}

// Appends the words of FRAME, two in a line.
static struct gg_error *append_words(struct gg_buffer *text, const struct gg_answerers *kernel,
				     const struct gg_frame *frame)
{
	enum { PER_LINE = 2 };
	const unsigned int word = kernel->arch->word;
	for (gg_gva_t at = frame->sp; at < frame->end; at += word) {
		uint64_t value;
		const bool is_first = (at - frame->sp) / word % PER_LINE == 0;
		struct gg_error *err = gg_host_read_uint(&kernel->typed, at, word, &value);
		if (gg_error_is_final(err))
			return err;
		if (is_first)
			gg_buffer_format(text, "    0x%0*" PRIx64 ":", 2 * (int)word, at);
		if (err)
			gg_buffer_format(text, "  absent");
		else
			gg_buffer_format(text, "  0x%0*" PRIx64, 2 * (int)word, value);
		gg_error_destroy(err);
		if (!is_first || at + word >= frame->end)
			gg_buffer_format(text, "\n");
	}
	return NULL;
}

// Appends the frame INDEX of SHOWN, with the number NUMBER.
static struct gg_error *append_frame(struct gg_buffer *text, const struct gg_shown_stack *shown,
				     size_t index, size_t number)
{
	const struct gg_frame *frame = &shown->stack.stack.frames[index];
	struct gg_symbol symbol;
	struct gg_error *err = gg_frame_symbol(shown->kernel, frame, &symbol);
	if (err)
		return err;
	gg_buffer_format(text, "#%-2zu 0x%0*" PRIx64 " ", number,
			 2 * (int)shown->kernel->arch->word, frame->pc);
	gg_buffer_format(text, "%s%s", frame->is_guess ? "? " : "",
			 symbol.name ? symbol.name : "(no symbol)");
	if (symbol.name)
		gg_buffer_format(text, "+0x%" PRIx64 "/0x%" PRIx64, frame->pc - symbol.address,
				 symbol.size);
	if (symbol.module)
		gg_buffer_format(text, " [%s]", symbol.module);
	gg_buffer_format(text, "\n");
	if (shown->raw)
		err = append_words(text, shown->kernel, frame);
	if (frame->entry.kind)
		append_entry(text, &frame->entry, shown->tasks);
	return err;
}

// ---- Titles ----

bool gg_shown_age(const struct gg_shown_stack *shown, uint64_t *ret)
{
	const struct gg_task *task = shown->stack.task;
	*ret = task ? shown->clock - task->last_arrival : 0;
	return task && task->last_arrival && shown->clock >= task->last_arrival;
}

static void append_task(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	const struct gg_guest_stack *stack = &shown->stack;
	const struct gg_task *task = stack->task;
	uint64_t age;
	char words[64], since[GG_AGE_SIZE + 16] = "", cpu[32] = "";
	int columns = snprintf(words, sizeof(words),
			       "PID: %" PRId32 "  TASK: %016" PRIx64 "  CPU: %" PRIu32, task->pid,
			       task->address, task->cpu);
	gg_buffer_format(text, "%s  COMMAND: \"", words);
	columns += (int)strlen("  COMMAND: \"\"") + gg_append_name(text, task->name);
	if (gg_shown_age(shown, &age)) {
		char text_of_age[GG_AGE_SIZE];
		gg_age_text(age, text_of_age);
		snprintf(since, sizeof(since), "  SINCE: %s", text_of_age);
	}
	if (stack->cpu && stack->cpu->index != task->cpu)
		snprintf(cpu, sizeof(cpu), "  QEMU'S CPU: %" PRIu32, stack->cpu->index);
	columns += (int)(strlen("  STATE: S") + strlen(since) + strlen(cpu));
	// crash's line is whole.
	gg_buffer_format(text, "\"%sSTATE: %c%s%s\n", columns > GG_COLUMNS ? "\n    " : "  ",
			 task->state, since, cpu);
}

static void append_cpu(struct gg_buffer *text, const struct gg_guest_stack *stack)
{
	gg_buffer_format(text, "CPU: %" PRIu32 "\n", stack->cpu->index);
	if (stack->no_task && *stack->no_task)
		gg_buffer_format(text, "    note: its task is not known: %s\n", stack->no_task);
}

// Appends the tasks of a group, each with its command, in lines of 80 columns.
static void append_group(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	enum { INDENT = 4 };
	int column = 0;
	gg_buffer_format(text, "%zu TASK%s:\n", shown->count, shown->count == 1 ? "" : "S");
	for (size_t i = 0; i < shown->count; i++) {
		const struct gg_task *task = shown->tasks[i];
		struct gg_buffer name = { 0 };
		char words[32];
		int size =
			snprintf(words, sizeof(words), "%" PRId32 " %c \"", task->pid, task->state);
		size += gg_append_name(&name, task->name) + 1 + (i + 1 < shown->count);
		if (column && column + 1 + size > GG_COLUMNS) {
			gg_buffer_format(text, "\n");
			column = 0;
		}
		gg_buffer_format(text, "%*s%s%.*s\"%s", column ? 1 : INDENT, "", words,
				 (int)name.size, name.bytes ? (const char *)name.bytes : "",
				 i + 1 < shown->count ? "," : "");
		text->failed |= name.failed;
		gg_buffer_deinit(&name);
		column += size + (column ? 1 : INDENT);
	}
	gg_buffer_format(text, "\n");
}

static void append_title(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	const struct gg_guest_stack *stack = &shown->stack;
	if (shown->tasks)
		append_group(text, shown);
	else if (stack->task)
		append_task(text, shown);
	else
		append_cpu(text, stack);
	if (stack->why[0])
		gg_buffer_format(text, "    note: %s\n", stack->why);
	if (stack->start == GG_FROM_CRASH)
		gg_buffer_format(text, "    note: from the registers that the kernel saved when it "
				       "crashed\n");
	if (stack->task && stack->start == GG_FROM_MEMORY)
		gg_buffer_format(
			text, "    note: its stack in memory was searched; what is found may be of "
			      "earlier calls\n");
}

static void append_break(struct gg_buffer *text, const struct gg_stack *stack)
{
	gg_buffer_format(text, "    broken off: %s%s\n", stack->why,
			 stack->sound ? "; found by a search:" : "");
}

// Appends the frames and the end of the stack; the first frame has the number FIRST.
static struct gg_error *append_frames(struct gg_buffer *text, const struct gg_shown_stack *shown,
				      size_t first)
{
	const struct gg_guest_stack *guest_stack = &shown->stack;
	const struct gg_stack *stack = &guest_stack->stack;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < stack->count; i++) {
		if (i && i == stack->sound)
			append_break(text, stack);
		err = append_frame(text, shown, i, first + i);
	}
	if (!stack->count && guest_stack->start != GG_FROM_MEMORY && stack->end == GG_STACK_AT_USER)
		gg_buffer_format(text,
				 "    in user mode, pc 0x%" PRIx64 " sp 0x%" PRIx64
				 "; the kernel's stack is empty\n",
				 stack->user_pc, stack->user_sp);
	if (stack->end == GG_STACK_BROKEN && !stack->sound)
		append_break(text, stack);
	if (stack->end == GG_STACK_GONE)
		gg_buffer_format(text, "    no stack: the task is dead\n");
	return err;
}

// Appends the stack of the nested guest, up to its entry.
static struct gg_error *append_inner(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	const struct gg_inner_stack *inner = shown->inner;
	const char *why = inner->why[0] ? inner->why : inner->guest_stack.why;
	const struct gg_shown_stack inside = { .stack = inner->guest_stack,
					       .kernel = inner->kernel,
					       .raw = shown->raw };
	struct gg_error *err = NULL;
	if (inner->vcpu.number)
		gg_buffer_format(text, "    in nested guest %zu, vCPU %" PRIu32, inner->vcpu.number,
				 inner->vcpu.vcpu);
	else
		gg_buffer_format(text, "    in a nested guest");
	if (inner->has_place)
		gg_buffer_format(text, ", pc 0x%" PRIx64 " sp 0x%" PRIx64, inner->pc, inner->sp);
	gg_buffer_format(text, "\n");
	if (*why)
		gg_buffer_format(text, "    note: %s\n", why);
	if (!inner->why[0])
		err = append_frames(text, &inside, 0);
	gg_buffer_format(text, "    <VM entry>\n");
	return err;
}

struct gg_error *gg_append_stack_text(struct gg_buffer *text, const struct gg_shown_stack *shown)
{
	const struct gg_inner_stack *inner = shown->inner;
	struct gg_error *err = NULL;
	append_title(text, shown);
	if (inner)
		err = append_inner(text, shown);
	if (!err)
		err = append_frames(text, shown, inner ? inner->guest_stack.stack.count : 0);
	gg_buffer_format(text, "\n");
	return err;
}
