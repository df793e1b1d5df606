// SPDX-License-Identifier: GPL-3.0-or-later
//
// Return addresses that a tracer of Linux's has replaced, and the copies of code that ftrace makes.
//
// In:  the kernel's symbols, types and memory; a return address and its place.
// Out: the address that the tracer keeps.
// Trusts nothing it reads: lists and arrays are bounded, and an entry must name the place of the return address.
#include "unwind.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	MAX_TRACERS = 4,          // of one call
	MAX_NODES = 1024,         // of a list
	MAX_RETURNS = 4096,       // words or entries in a task's array
	FRAME_MASK = 0x3ff,       // FGRAPH_FRAME_MASK of kernel/trace/fgraph.c
	SAVES_REGISTERS = 1 << 2, // FTRACE_OPS_FL_SAVE_REGS
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, ret_stack, "task_struct", "ret_stack"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, curr_ret_stack, "task_struct", "curr_ret_stack"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, entry, "ftrace_ret_stack", ""),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, entry_ret, "ftrace_ret_stack", "ret"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, entry_retp, "ftrace_ret_stack", "retp"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, rethooks, "task_struct", "rethooks.first"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, rethook_list, "rethook_node", "llist"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, rethook_ret, "rethook_node", "ret_addr"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, rethook_frame, "rethook_node", "frame"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, kretprobes, "task_struct",
			       "kretprobe_instances.first"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, kretprobe_list, "kretprobe_instance", "llist"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, kretprobe_ret, "kretprobe_instance", "ret_addr"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, kretprobe_frame, "kretprobe_instance", "fp"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, ops_next, "ftrace_ops", "next"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, ops_flags, "ftrace_ops", "flags"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, ops_trampoline, "ftrace_ops", "trampoline"),
	GG_LAYOUT_ROW_OPTIONAL(struct x86_returns, ops_size, "ftrace_ops", "trampoline_size"),
};

struct gg_error *x86_returns_init(struct x86_returns *returns, const struct gg_answerers *kernel)
{
	const struct gg_host *host = &kernel->typed;
	struct gg_member idx;
	const struct {
		const char *name;
		gg_gva_t *address;
	} symbols[] = {
		{ "return_to_handler", &returns->return_to_handler },
		{ "arch_rethook_trampoline", &returns->rethook_trampoline },
		{ "__kretprobe_trampoline", &returns->kretprobe_trampoline },
		{ "ftrace_ops_list", &returns->ftrace_ops_list },
		{ "ftrace_caller", &returns->ftrace_caller },
		{ "ftrace_regs_caller", &returns->ftrace_regs_caller },
	};
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), returns);
	for (size_t i = 0; !err && i < sizeof(symbols) / sizeof(*symbols); i++) {
		err = gg_error_unless_final(
			gg_host_symbol(host, symbols[i].name, symbols[i].address));
	}
	if (err)
		return err;
	// Linux commit 42675b723b48 (v6.11) came with fgraph_ops.idx.
	err = host->ops->member(host->data, "fgraph_ops", "idx", &idx);
	returns->packed = !err;
	return gg_error_unless_final(err);
}

// ---- The function graph tracer ----

// Reads the entry at ADDRESS. *FOUND: the entry has the return address of PLACE.
static struct gg_error *read_entry(const struct x86_returns *returns, const struct gg_host *host,
				   gg_gva_t address, gg_gva_t place, gg_gva_t *pc, bool *found)
{
	uint64_t retp, ret;
	struct gg_error *err = gg_host_read_member(host, address, &returns->entry_retp, &retp);
	if (!err)
		err = gg_host_read_member(host, address, &returns->entry_ret, &ret);
	*found = !err && retp == place && ret != returns->return_to_handler;
	if (*found)
		*pc = ret;
	return err;
}

// Finds the entry that ends before the word *INDEX of ARRAY: its last word has the distance to its first
// word. Sets *INDEX to the first word. *FOUND: there is an entry.
static struct gg_error *previous_packed(const struct gg_host *host, gg_gva_t array, uint64_t *index,
					bool *found)
{
	uint64_t word = 0;
	*found = false;
	if (!*index)
		return NULL;
	struct gg_error *err =
		gg_host_read_uint(host, array + (*index - 1) * X86_WORD, X86_WORD, &word);
	const uint64_t distance = word & FRAME_MASK;
	*found = !err && distance && distance < *index;
	if (*found)
		*index -= 1 + distance;
	return err;
}

static struct gg_error *search_packed(const struct x86_returns *returns, const struct gg_host *host,
				      gg_gva_t array, uint64_t index, gg_gva_t place, gg_gva_t *pc,
				      bool *found)
{
	bool has_entry;
	struct gg_error *err = previous_packed(host, array, &index, &has_entry);
	while (!err && has_entry && !*found) {
		err = read_entry(returns, host, array + index * X86_WORD, place, pc, found);
		if (!err)
			err = previous_packed(host, array, &index, &has_entry);
	}
	return err;
}

// Finds the return address of PLACE in the task's array. Since v6.11 the array has words, and
// curr_ret_stack is the number of used words; before, it has entries, and curr_ret_stack is the last
// used entry.
static struct gg_error *from_graph(const struct x86_returns *returns,
				   const struct gg_unwind *unwind, gg_gva_t place, gg_gva_t *pc,
				   bool *found)
{
	const struct gg_host *host = &unwind->kernel->typed;
	uint64_t array, current;
	if (!returns->ret_stack.size || !returns->curr_ret_stack.size || !returns->entry_retp.size)
		return NULL;
	struct gg_error *err = gg_host_read_member(host, unwind->task, &returns->ret_stack, &array);
	if (!err)
		err = gg_host_read_member(host, unwind->task, &returns->curr_ret_stack, &current);
	if (err)
		return err;
	// An int, -1 without an entry.
	const int64_t last = (int32_t)current;
	if (last < 0 || last > MAX_RETURNS)
		return NULL;
	if (returns->packed)
		return search_packed(returns, host, array, (uint64_t)last, place, pc, found);
	for (int64_t i = last; !err && !*found && i >= 0; i--)
		err = read_entry(returns, host, array + (uint64_t)i * returns->entry.size, place,
				 pc, found);
	return err;
}

// ---- Return probes ----

struct probe_list {
	const struct gg_member *first, *node, *ret, *frame;
};

static struct gg_error *from_list(const struct probe_list *list, const struct gg_unwind *unwind,
				  gg_gva_t place, gg_gva_t trampoline, gg_gva_t *pc, bool *found)
{
	const struct gg_host *host = &unwind->kernel->typed;
	uint64_t node, ret, frame;
	if (!list->first->size || !list->node->size || !list->ret->size || !list->frame->size)
		return NULL;
	struct gg_error *err = gg_host_read_member(host, unwind->task, list->first, &node);
	for (unsigned int i = 0; !err && !*found && node && i < MAX_NODES; i++) {
		const gg_gva_t address = node - list->node->offset;
		err = gg_host_read_member(host, address, list->ret, &ret);
		if (!err)
			err = gg_host_read_member(host, address, list->frame, &frame);
		if (!err)
			err = gg_host_read_uint(host, node, X86_WORD, &node);
		*found = !err && frame == place && ret != trampoline;
		if (*found)
			*pc = ret;
	}
	return err;
}

// Tests whether PC is a tracer's trampoline.
static bool is_replaced(const struct x86_returns *returns, gg_gva_t pc)
{
	return pc && (pc == returns->return_to_handler || pc == returns->rethook_trampoline ||
		      pc == returns->kretprobe_trampoline);
}

// Recovers the address that the tracer with the trampoline *PC has replaced at ADDRESS.
static struct gg_error *recover_one(const struct x86_returns *returns,
				    const struct gg_unwind *unwind, gg_gva_t address, gg_gva_t *pc)
{
	const gg_gva_t from = *pc;
	const struct probe_list rethooks = { &returns->rethooks, &returns->rethook_list,
					     &returns->rethook_ret, &returns->rethook_frame };
	const struct probe_list kretprobes = { &returns->kretprobes, &returns->kretprobe_list,
					       &returns->kretprobe_ret, &returns->kretprobe_frame };
	struct gg_error *err;
	bool found = false;
	if (from == returns->return_to_handler)
		err = from_graph(returns, unwind, address, pc, &found);
	else if (from == returns->rethook_trampoline)
		err = from_list(&rethooks, unwind, address, from, pc, &found);
	else
		err = from_list(&kretprobes, unwind, address, from, pc, &found);
	if (err || found)
		return err;
	return gg_error_create(GG_NOT_FOUND,
			       "a tracer has replaced the return address of the call at 0x%" PRIx64
			       ", and the task's list does not have it",
			       unwind->pc);
}

struct gg_error *x86_returns_recover(const struct x86_returns *returns, struct gg_unwind *unwind,
				     gg_gva_t address, gg_gva_t *pc)
{
	struct gg_error *err = NULL;
	if (!is_replaced(returns, *pc))
		return NULL;
	if (!unwind->task)
		return gg_error_create(GG_NOT_FOUND,
				       "a tracer has the return address of the call at 0x%" PRIx64
				       ", and the task is not known",
				       unwind->pc);
	// The address may be another tracer's trampoline.
	for (unsigned int i = 0; !err && is_replaced(returns, *pc); i++)
		err = i < MAX_TRACERS
			      ? recover_one(returns, unwind, address, pc)
			      : gg_error_create(GG_BAD_DATA,
						"the tracers of the call at 0x%" PRIx64 " loop",
						unwind->pc);
	return err;
}

// ---- Trampolines ----

struct gg_error *x86_returns_original(const struct x86_returns *returns,
				      const struct gg_unwind *unwind, gg_gva_t pc, gg_gva_t *ret)
{
	const struct gg_host *host = &unwind->kernel->typed;
	uint64_t ops, flags, trampoline, size;
	*ret = 0;
	if (!returns->ftrace_ops_list || !returns->ops_next.size || !returns->ops_flags.size ||
	    !returns->ops_trampoline.size || !returns->ops_size.size)
		return NULL;
	struct gg_error *err = gg_host_read_uint(host, returns->ftrace_ops_list, X86_WORD, &ops);
	for (unsigned int i = 0; !err && ops && i < MAX_NODES; i++) {
		err = gg_host_read_member(host, ops, &returns->ops_trampoline, &trampoline);
		if (!err)
			err = gg_host_read_member(host, ops, &returns->ops_size, &size);
		if (!err)
			err = gg_host_read_member(host, ops, &returns->ops_flags, &flags);
		if (!err && trampoline && pc - trampoline < size) {
			const gg_gva_t original = flags & SAVES_REGISTERS
							  ? returns->ftrace_regs_caller
							  : returns->ftrace_caller;
			*ret = original ? original + (pc - trampoline) : 0;
			return NULL;
		}
		if (!err)
			err = gg_host_read_member(host, ops, &returns->ops_next, &ops);
	}
	return gg_error_unless_final(err);
}
