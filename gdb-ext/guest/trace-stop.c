// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a guest at a gdbstub that stands still at a breakpoint.
// Out: the CPU's function, task, arguments and stack.
// Most stops take one round trip: the task and the function of the last stop are asked for before the stop's are known.
// Trusts nothing it reads: texts are bounded, and a text that cannot be read is no text.
#include "trace-stop.h"
#include "base/cleanup.h"
#include "trace-functions.h"

#include <inttypes.h>
#include <string.h>

enum {
	PAGE = 4096,
	PIECE = 2032, // bytes of a read: QEMU's packets have room for 4096 digits
	PIECES = 3,   // of a stack
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct gg_trace_layout, pid, "task_struct", "pid"),
	GG_LAYOUT_ROW(struct gg_trace_layout, comm, "task_struct", "comm"),
	GG_LAYOUT_ROW(struct gg_trace_layout, stack, "task_struct", "stack"),
};

struct gg_error *gg_trace_stop_init(struct gg_trace_stop *stop, const struct gg_answerers *kernel,
				    bool with_stacks)
{
	stop->kernel = kernel;
	struct gg_error *err = gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows),
						 &stop->layout);
	if (err || !with_stacks)
		return err;
	stop->registers = malloc(sizeof(*stop->registers));
	return stop->registers ? gg_unwinder_create(kernel, &stop->unwinder) : gg_enomem;
}

void gg_trace_stop_deinit(struct gg_trace_stop *stop)
{
	gg_unwinder_destroy(stop->unwinder);
	gg_stack_deinit(&stop->stack);
	free(stop->registers);
}

// ---- Packets ----

static void ask_memory(struct gg_trace_stop *stop, gg_gva_t address, uint64_t size)
{
	gg_wire_add(&stop->run->wire, "m%" PRIx64 ",%" PRIx64, address, size);
}

static void ask_register(struct gg_trace_stop *stop, unsigned int number)
{
	gg_wire_add(&stop->run->wire, "p%x", number);
}

static unsigned int word_size(const struct gg_trace_stop *stop)
{
	return stop->kernel->host.address_size;
}

static void ask_task(struct gg_trace_stop *stop, gg_gva_t task)
{
	gg_stub_ask_identity(stop->run, task + stop->layout.pid.offset,
			     task + stop->layout.comm.offset);
	if (stop->unwinder)
		ask_memory(stop, task + stop->layout.stack.offset, word_size(stop));
}

// The page tables of a CPU in a program may lack the kernel's memory.
static struct gg_error *note_fault(struct gg_trace_stop *stop, struct gg_error *err)
{
	if (!err || gg_error_kind(err) != GG_FAULT)
		return err;
	gg_error_destroy(err);
	stop->is_blind = true;
	return NULL;
}

static struct gg_error *receive_word(struct gg_trace_stop *stop, size_t size, uint64_t *ret)
{
	return note_fault(stop, gg_stub_receive_word(stop->run, size, ret));
}

static struct gg_error *receive_bytes(struct gg_trace_stop *stop, void *ret, size_t size)
{
	return note_fault(stop, gg_stub_receive_bytes(stop->run, ret, size));
}

static struct gg_error *receive_task(struct gg_trace_stop *stop, gg_gva_t task)
{
	struct gg_error *err =
		note_fault(stop, gg_stub_receive_identity(stop->run, task + stop->layout.pid.offset,
							  task + stop->layout.comm.offset,
							  &stop->pid, stop->comm));
	return err || !stop->unwinder ? err
				      : receive_word(stop, word_size(stop), &stop->task_stack);
}

// ---- The first round trip ----

static void ask_registers(struct gg_trace_stop *stop)
{
	const struct gg_stub_set *set = stop->kernel->arch->stub;
	const struct gg_stub_calls *calls = stop->kernel->arch->calls;
	const size_t count = stop->unwinder ? set->count : 2;
	for (size_t i = 0; i < count; i++)
		ask_register(stop, set->registers[i].number);
	for (size_t i = 0; stop->with_arguments && i < calls->count; i++)
		ask_register(stop, calls->arguments[i].number);
	if (stop->with_results)
		ask_register(stop, calls->result);
	if (stop->with_results && calls->has_link)
		ask_register(stop, calls->link);
}

static struct gg_error *receive_registers(struct gg_trace_stop *stop)
{
	const struct gg_stub_set *set = stop->kernel->arch->stub;
	const struct gg_stub_calls *calls = stop->kernel->arch->calls;
	const size_t count = stop->unwinder ? set->count : 2;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = gg_stub_receive_register(stop->run, &stop->others[i]);
	for (size_t i = 0; !err && stop->with_arguments && i < calls->count; i++)
		err = gg_stub_receive_register(stop->run, &stop->arguments[i]);
	if (!err && stop->with_results)
		err = gg_stub_receive_register(stop->run, &stop->result);
	if (!err && stop->with_results && calls->has_link)
		err = gg_stub_receive_register(stop->run, &stop->return_address);
	stop->pc = stop->others[0];
	stop->sp = stop->others[1];
	return err;
}

static struct gg_error *read_first(struct gg_trace_stop *stop)
{
	struct gg_trace_cpu *cpu = stop->cpu;
	gg_wire_add(&stop->run->wire, "Hg%" PRIx32, cpu->index + 1);
	ask_registers(stop);
	ask_memory(stop, cpu->current, word_size(stop));
	if (cpu->task)
		ask_task(stop, cpu->task);
	ask_memory(stop, stop->expected->entry, GG_TRACE_CODE);
	struct gg_error *err = gg_wire_send(&stop->run->wire);
	if (!err)
		err = gg_stub_receive_ok(stop->run);
	if (!err)
		err = receive_registers(stop);
	if (!err)
		err = receive_word(stop, word_size(stop), &stop->task);
	if (!err && cpu->task)
		err = receive_task(stop, cpu->task);
	return err ? err : receive_bytes(stop, stop->code, GG_TRACE_CODE);
}

// ---- The second round trip ----

// Counts the arguments that are on the stack.
static size_t count_more(const struct gg_trace_stop *stop)
{
	const size_t in_registers = stop->kernel->arch->calls->count;
	const size_t count = stop->with_arguments && stop->function && !stop->function->is_syscall
				     ? stop->function->parameter_count
				     : 0;
	return count > in_registers ? count - in_registers : 0;
}

// Counts the arguments in struct pt_regs.
static size_t count_syscall(const struct gg_trace_stop *stop)
{
	return stop->with_arguments && stop->function && stop->function->is_syscall
		       ? stop->function->parameter_count
		       : 0;
}

static struct gg_error *read_second(struct gg_trace_stop *stop)
{
	const struct gg_stub_calls *calls = stop->kernel->arch->calls;
	const bool has_task = stop->task == stop->cpu->task;
	const bool has_code = !stop->function || stop->function == stop->expected;
	const bool is_link_missing = stop->function && stop->with_results && !calls->has_link;
	const size_t more = count_more(stop), in_syscall = count_syscall(stop);
	if (!has_task)
		ask_task(stop, stop->task);
	if (!has_code)
		ask_memory(stop, stop->pc, GG_TRACE_CODE);
	if (is_link_missing)
		ask_memory(stop, stop->sp, word_size(stop));
	for (size_t i = 0; i < more; i++)
		ask_memory(stop, stop->sp + calls->more + i * word_size(stop), word_size(stop));
	for (size_t i = 0; i < in_syscall; i++)
		ask_memory(stop, stop->arguments[0] + stop->function->syscall_offsets[i],
			   word_size(stop));
	if (!stop->run->wire.out.size)
		return NULL;
	struct gg_error *err = gg_wire_send(&stop->run->wire);
	if (!err && !has_task)
		err = receive_task(stop, stop->task);
	if (!err && !has_code)
		err = receive_bytes(stop, stop->code, GG_TRACE_CODE);
	if (!err && is_link_missing)
		err = receive_word(stop, word_size(stop), &stop->return_address);
	for (size_t i = 0; !err && i < more; i++)
		err = receive_word(stop, word_size(stop), &stop->more[i]);
	for (size_t i = 0; !err && i < in_syscall; i++)
		err = receive_word(stop, word_size(stop), &stop->syscall[i]);
	return err;
}

struct gg_error *gg_trace_stop_read(struct gg_trace_stop *stop, struct gg_trace_cpu *cpu)
{
	struct gg_trace *trace = stop->trace;
	stop->cpu = cpu;
	stop->function = NULL;
	stop->is_blind = false;
	gg_stack_deinit(&stop->stack);
	if (!stop->expected)
		stop->expected = trace->functions;
	struct gg_error *err = read_first(stop);
	for (size_t i = 0; !err && i < trace->function_count; i++)
		if (trace->functions[i].entry == stop->pc)
			stop->function = &trace->functions[i];
	if (!err && !stop->is_blind)
		err = read_second(stop);
	if (!err && stop->is_blind && stop->function)
		err = gg_error_create(GG_BAD_DATA,
				      "CPU %" PRIu32
				      " is in %s, and does not see the kernel's memory",
				      cpu->index, stop->function->name);
	cpu->task = err || stop->is_blind ? 0 : stop->task;
	if (stop->function)
		stop->expected = stop->function;
	return err;
}

// ---- Values ----

// Reads a piece of each text that has not ended: none has bytes of two pages.
static struct gg_error *read_pieces(struct gg_trace_stop *stop,
				    const struct gg_trace_function *function,
				    struct gg_trace_value *values, bool *is_open)
{
	uint64_t sizes[GG_TRACE_PARAMETERS] = { 0 };
	struct gg_error *err = NULL;
	for (size_t i = 0; i < function->parameter_count; i++) {
		if (!is_open[i])
			continue;
		const gg_gva_t at = values[i].number + values[i].size;
		const uint64_t left = PAGE - at % PAGE, room = GG_TRACE_TEXT - values[i].size;
		sizes[i] = left < room ? left : room;
		ask_memory(stop, at, sizes[i]);
	}
	err = gg_wire_send(&stop->run->wire);
	for (size_t i = 0; !err && i < function->parameter_count; i++) {
		struct gg_trace_value *value = &values[i];
		if (!is_open[i])
			continue;
		char *piece = value->text + value->size;
		err = gg_stub_receive_bytes(stop->run, piece, sizes[i]);
		const size_t size = err ? 0 : strnlen(piece, sizes[i]);
		is_open[i] = !err && size == sizes[i] && value->size + size < GG_TRACE_TEXT;
		value->has_text |= !err;
		value->is_cut = size == sizes[i] || (err && value->size);
		value->size += size;
		if (err && gg_error_kind(err) == GG_FAULT) {
			gg_error_destroy(err);
			err = NULL;
		}
	}
	return err;
}

static struct gg_error *read_texts(struct gg_trace_stop *stop,
				   const struct gg_trace_function *function,
				   struct gg_trace_value *values)
{
	enum { MOST = 2 }; // pages of a text
	bool is_open[GG_TRACE_PARAMETERS] = { 0 };
	bool any = false;
	struct gg_error *err = NULL;
	for (size_t i = 0; i < function->parameter_count; i++) {
		is_open[i] = function->parameters[i].is_text && function->parameters[i].is_placed &&
			     values[i].number;
		any |= is_open[i];
	}
	for (size_t page = 0; !err && any && page < MOST; page++) {
		err = read_pieces(stop, function, values, is_open);
		any = false;
		for (size_t i = 0; i < function->parameter_count; i++)
			any |= is_open[i];
	}
	return err;
}

struct gg_error *gg_trace_read_arguments(struct gg_trace_stop *stop,
					 struct gg_trace_value values[GG_TRACE_PARAMETERS])
{
	const struct gg_trace_function *function = stop->function;
	const size_t count = stop->kernel->arch->calls->count;
	for (size_t i = 0; i < function->parameter_count; i++) {
		uint64_t number = i < count ? stop->arguments[i] : stop->more[i - count];
		if (function->is_syscall)
			number = stop->syscall[i];
		values[i] = (struct gg_trace_value){ .number = gg_trace_number(
							     &function->parameters[i], number) };
	}
	return read_texts(stop, function, values);
}

struct gg_error *gg_trace_read_result(struct gg_trace_stop *stop,
				      const struct gg_trace_function *function,
				      struct gg_trace_value *ret)
{
	const struct gg_trace_function only = { .parameters = { function->result },
						.parameter_count = 1 };
	*ret = (struct gg_trace_value){ .number =
						gg_trace_number(&function->result, stop->result) };
	return read_texts(stop, &only, ret);
}

// ---- Stacks ----

// Reads the bytes from the stack pointer on, as far as they are mapped, for the walk.
static struct gg_error *read_bytes(struct gg_trace_stop *stop, uint8_t *bytes, size_t *ret)
{
	const gg_gva_t start = stop->sp / word_size(stop) * word_size(stop);
	uint64_t sizes[PIECES];
	gg_gva_t at = start;
	bool is_whole = true;
	for (size_t i = 0; i < PIECES; i++) {
		const uint64_t left = PAGE - at % PAGE;
		sizes[i] = left < PIECE ? left : PIECE;
		ask_memory(stop, at, sizes[i]);
		at += sizes[i];
	}
	struct gg_error *err = gg_wire_send(&stop->run->wire);
	for (size_t i = 0; !err && i < PIECES; i++) {
		err = gg_wire_receive(&stop->run->wire);
		if (!err && is_whole)
			err = gg_wire_bytes(&stop->run->wire, bytes + *ret, sizes[i]);
		if (err && gg_error_kind(err) == GG_FAULT) {
			gg_error_destroy(err);
			err = NULL;
			is_whole = false;
		}
		*ret += is_whole ? sizes[i] : 0;
	}
	return err;
}

static struct gg_error *set_physical(struct gg_trace_stop *stop, bool is_physical)
{
	gg_wire_add(&stop->run->wire, "Qqemu.PhyMemMode:%d", is_physical);
	struct gg_error *err = gg_wire_send(&stop->run->wire);
	return err ? err : gg_stub_receive_ok(stop->run);
}

struct gg_error *gg_trace_read_stack(struct gg_trace_stop *stop)
{
	const struct gg_stub_set *set = stop->kernel->arch->stub;
	const struct gg_task task = { .address = stop->task, .stack = stop->task_stack };
	uint8_t bytes[PIECES * PIECE];
	size_t size = 0;
	struct gg_error *err = read_bytes(stop, bytes, &size);
	// The walk reads by way of the debugger, in the physical mode.
	if (!err)
		err = set_physical(stop, true);
	if (err)
		return err;
	gg_registers_init(stop->registers, stop->kernel->arch->registers, stop->kernel->arch->word);
	for (size_t i = 0; i < set->count; i++)
		gg_register_set(stop->registers, set->registers[i].id, stop->others[i]);
	gg_unwinder_give(stop->unwinder, stop->sp / word_size(stop) * word_size(stop), bytes, size);
	err = gg_stack_of_registers(stop->unwinder, stop->registers, &task, &stop->stack);
	return err ? err : set_physical(stop, false);
}
