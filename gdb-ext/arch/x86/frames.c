// SPDX-License-Identifier: GPL-3.0-or-later
//
// A made vmlinux on x86-64: ORC as .debug_frame, and the places of arguments.
//
// In:  ORC entries, decoded by orc.c.
// Out: an entry of .debug_frame for each run of ORC entries of a kind.
// Trusts nothing it reads: entries that are not ascending end what they are behind.
#include "orc.h"
#include "vmlinux/dwarf-tables.h"
#include "vmlinux/vmlinux-ops.h"
#include "x86.h"

#include <dwarf.h>
#include <string.h>

// DWARF's numbers (System V ABI, AMD64 supplement, figure 3.36).
enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R10 = 10, R13 = 13, RIP = 16 };

enum {
	MOST_ROWS = 32, // of an entry: a debugger executes all before its pc
	DATA_ALIGNMENT = -8,
};

// The place of each register in struct pt_regs (Linux arch/x86/include/asm/ptrace.h).
static const struct {
	uint8_t number, offset;
} saved[] = { { 15, 0 },   { 14, 8 },    { 13, 16 },   { 12, 24 },   { RBP, 32 }, { RBX, 40 },
	      { 11, 48 },  { 10, 56 },   { 9, 64 },    { 8, 72 },    { RAX, 80 }, { RCX, 88 },
	      { RDX, 96 }, { RSI, 104 }, { RDI, 112 }, { RIP, 128 }, { RSP, 152 } };
enum { SAVED_SIZE = 168, SAVED_IP = 128, SAVED_SP = 152 };

// The kinds of rows: rows of a kind can be in one entry of .debug_frame.
enum row_kind {
	ROW_END,
	ROW_CALL,
	ROW_SWITCH,       // the caller is on another stack
	ROW_ENTRY_SWITCH, // as above, and the caller is the entry of an interrupt
	ROW_REGISTERS,
	ROW_PARTIAL,
};

struct frames {
	const struct gg_answerers *kernel;
	struct gg_cfi *cfi;
	uint64_t displacement;
	uint32_t common, common_signal, common_end;
	enum row_kind kind;       // of the last row
	gg_gva_t start, last;     // of the entry of .debug_frame that has begun, of the last row
	unsigned int rows;        // of the same; 0: none has begun
	struct gg_buffer pending; // its instructions
};

// ---- Expressions ----

static int base_register(enum x86_orc_base base)
{
	static const int8_t numbers[] = {
		[X86_ORC_UNDEFINED] = -1,    [X86_ORC_PREV_SP] = -1,      [X86_ORC_AX] = RAX,
		[X86_ORC_DX] = RDX,          [X86_ORC_DI] = RDI,          [X86_ORC_BP] = RBP,
		[X86_ORC_SP] = RSP,          [X86_ORC_R10] = R10,         [X86_ORC_R13] = R13,
		[X86_ORC_BP_INDIRECT] = RBP, [X86_ORC_SP_INDIRECT] = RSP, [X86_ORC_BAD] = -1,
	};
	return numbers[base];
}

static bool is_indirect(enum x86_orc_base base)
{
	return base == X86_ORC_BP_INDIRECT || base == X86_ORC_SP_INDIRECT;
}

static void append_register(struct gg_buffer *out, int number, int64_t offset)
{
	gg_buffer_uint(out, 1, (uint64_t)(DW_OP_breg0 + number));
	gg_dwarf_append_sleb(out, offset);
}

static void append_plus(struct gg_buffer *out, int64_t value)
{
	gg_buffer_uint(out, 1, DW_OP_consts);
	gg_dwarf_append_sleb(out, value);
	gg_buffer_uint(out, 1, DW_OP_plus);
}

// Appends the caller's stack pointer, as ORC has it, and MORE.
static void append_stack_pointer(struct gg_buffer *out, const struct x86_orc_entry *entry,
				 int64_t more)
{
	const int number = base_register(entry->sp_base);
	switch (entry->sp_base) {
	case X86_ORC_SP_INDIRECT:
		append_register(out, number, 0);
		gg_buffer_uint(out, 1, DW_OP_deref);
		append_plus(out, entry->sp_offset + more);
		break;
	case X86_ORC_BP_INDIRECT:
		append_register(out, number, entry->sp_offset);
		gg_buffer_uint(out, 1, DW_OP_deref);
		append_plus(out, more);
		break;
	default:
		append_register(out, number, entry->sp_offset + more);
	}
}

static void append_block(struct gg_buffer *out, const struct gg_buffer *block)
{
	gg_dwarf_append_uleb(out, block->size);
	gg_buffer_append(out, block->bytes, block->size);
	out->failed |= block->failed;
}

// Appends the rule that the register NUMBER is in memory at the caller's stack pointer and OFFSET.
static void append_saved(struct gg_buffer *out, const struct x86_orc_entry *entry,
			 unsigned int number, int64_t offset)
{
	struct gg_buffer block = { 0 };
	append_stack_pointer(&block, entry, offset);
	gg_buffer_uint(out, 1, DW_CFA_expression);
	gg_dwarf_append_uleb(out, number);
	append_block(out, &block);
	gg_buffer_deinit(&block);
}

static void append_cfa(struct gg_buffer *out, const struct x86_orc_entry *entry, int64_t more)
{
	const int64_t offset = entry->sp_offset + more;
	if (!is_indirect(entry->sp_base) && offset >= 0) {
		gg_buffer_uint(out, 1, DW_CFA_def_cfa);
		gg_dwarf_append_uleb(out, (uint64_t)base_register(entry->sp_base));
		gg_dwarf_append_uleb(out, (uint64_t)offset);
		return;
	}
	struct gg_buffer block = { 0 };
	append_stack_pointer(&block, entry, more);
	gg_buffer_uint(out, 1, DW_CFA_def_cfa_expression);
	append_block(out, &block);
	gg_buffer_deinit(&block);
}

// ---- Rows ----

static void append_frame_pointer(struct gg_buffer *out, const struct x86_orc_entry *entry)
{
	struct gg_buffer block = { 0 };
	switch (entry->bp_base) {
	case X86_ORC_PREV_SP:
		gg_buffer_uint(out, 1, DW_CFA_offset_extended_sf);
		gg_dwarf_append_uleb(out, RBP);
		gg_dwarf_append_sleb(out, entry->bp_offset / DATA_ALIGNMENT);
		break;
	case X86_ORC_BP:
		append_register(&block, RBP, entry->bp_offset);
		gg_buffer_uint(out, 1, DW_CFA_expression);
		gg_dwarf_append_uleb(out, RBP);
		append_block(out, &block);
		break;
	default:
		gg_buffer_uint(out, 1, DW_CFA_same_value);
		gg_dwarf_append_uleb(out, RBP);
	}
	gg_buffer_deinit(&block);
}

static void append_call(struct gg_buffer *out, const struct x86_orc_entry *entry)
{
	append_cfa(out, entry, 0);
	append_frame_pointer(out, entry);
}

static void append_registers(struct gg_buffer *out, const struct x86_orc_entry *entry)
{
	append_cfa(out, entry, SAVED_SIZE);
	for (size_t i = 0; i < sizeof(saved) / sizeof(*saved); i++)
		append_saved(out, entry, saved[i].number, saved[i].offset);
}

// The five words that the CPU pushes: ip, cs, flags, sp, ss.
static void append_partial(struct gg_buffer *out, const struct x86_orc_entry *entry)
{
	append_cfa(out, entry, SAVED_SIZE - SAVED_IP);
	append_saved(out, entry, RIP, 0);
	append_saved(out, entry, RSP, SAVED_SP - SAVED_IP);
}

// Appends that the caller has no pc, and no other register either: some debuggers go on as long as there
// is one.
static void append_end(struct gg_buffer *out)
{
	static const uint8_t kept[] = { RIP, RSP, RBP, RBX, 12, 13, 14, 15 };
	for (size_t i = 0; i < sizeof(kept); i++) {
		gg_buffer_uint(out, 1, DW_CFA_undefined);
		gg_dwarf_append_uleb(out, kept[i]);
	}
}

// Tests whether the code at PC is a C function that the entry of an interrupt calls (Linux
// arch/x86/include/asm/idtentry.h).
static bool is_interrupt(const struct frames *frames, gg_gva_t pc)
{
	static const char *const beginnings[] = { "sysvec_", "common_interrupt",
						  "spurious_interrupt", "fred_" };
	struct gg_symbol symbol;
	bool found = false;
	struct gg_error *err = gg_symbols_at(frames->kernel->symbols, pc, &symbol);
	for (size_t i = 0; !err && i < sizeof(beginnings) / sizeof(*beginnings); i++)
		found |= !strncmp(symbol.name, beginnings[i], strlen(beginnings[i]));
	gg_error_destroy(err);
	return found;
}

static enum row_kind kind_of(const struct frames *frames, gg_gva_t pc,
			     const struct x86_orc_entry *entry)
{
	if (base_register(entry->sp_base) < 0)
		return ROW_END;
	switch (entry->type) {
	case X86_ORC_CALL:
		if (entry->sp_base != X86_ORC_SP_INDIRECT)
			return ROW_CALL;
		return is_interrupt(frames, pc) ? ROW_ENTRY_SWITCH : ROW_SWITCH;
	case X86_ORC_REGS:
		return ROW_REGISTERS;
	case X86_ORC_PARTIAL:
		return ROW_PARTIAL;
	default:
		return ROW_END;
	}
}

// A debugger takes a caller whose CFA is below its callee's for a damaged stack, but for the callers
// and callees of entries with is_signal, whose names it hides. A function that an interrupt's entry
// calls keeps its CFA on its own stack, and so its name, since its caller has is_signal.
static void append_entry_switch(struct gg_buffer *out, const struct x86_orc_entry *entry)
{
	struct gg_buffer block = { 0 };
	gg_buffer_uint(out, 1, DW_CFA_def_cfa);
	gg_dwarf_append_uleb(out, RSP);
	gg_dwarf_append_uleb(out, 8);
	append_saved(out, entry, RIP, -8);
	append_stack_pointer(&block, entry, 0);
	gg_buffer_uint(out, 1, DW_CFA_val_expression);
	gg_dwarf_append_uleb(out, RSP);
	append_block(out, &block);
	gg_buffer_deinit(&block);
	if (entry->bp_base == X86_ORC_PREV_SP)
		append_saved(out, entry, RBP, entry->bp_offset);
	else
		append_frame_pointer(out, entry);
}

static void append_row(struct gg_buffer *out, enum row_kind kind, const struct x86_orc_entry *entry)
{
	switch (kind) {
	case ROW_CALL:
	case ROW_SWITCH:
		return append_call(out, entry);
	case ROW_ENTRY_SWITCH:
		return append_entry_switch(out, entry);
	case ROW_REGISTERS:
		return append_registers(out, entry);
	case ROW_PARTIAL:
		return append_partial(out, entry);
	case ROW_END:
		return; // COMMON_END says it
	}
}

// ---- Entries of .debug_frame ----

static void flush(struct frames *frames, gg_gva_t end)
{
	const bool is_signal = frames->kind == ROW_REGISTERS || frames->kind == ROW_PARTIAL ||
			       frames->kind == ROW_SWITCH;
	const uint32_t common = is_signal                 ? frames->common_signal
				: frames->kind == ROW_END ? frames->common_end
							  : frames->common;
	if (frames->rows && end > frames->start) {
		gg_cfi_begin(frames->cfi, common, is_signal, frames->start - frames->displacement,
			     end - frames->displacement);
		gg_buffer_append(&frames->cfi->bytes, frames->pending.bytes, frames->pending.size);
		gg_cfi_end(frames->cfi);
	}
	frames->cfi->bytes.failed |= frames->pending.failed;
	frames->pending.size = 0;
	frames->rows = 0;
}

static struct gg_error *add_entry(void *data, gg_gva_t pc, const struct x86_orc_entry *entry)
{
	struct frames *frames = data;
	const enum row_kind kind = kind_of(frames, pc, entry);
	if (frames->rows &&
	    (pc < frames->last || kind != frames->kind || frames->rows == MOST_ROWS))
		flush(frames, pc);
	if (!frames->rows) {
		frames->start = frames->last = pc;
	} else {
		struct gg_cfi advance = { .bytes = frames->pending };
		gg_cfi_advance(&advance, pc - frames->last);
		frames->pending = advance.bytes;
		frames->last = pc;
	}
	append_row(&frames->pending, kind, entry);
	frames->kind = kind;
	frames->rows++;
	return NULL;
}

static struct gg_error *end_table(void *data)
{
	struct frames *frames = data;
	flush(frames, frames->last + 1);
	return NULL;
}

static uint32_t add_common(struct gg_cfi *cfi, bool is_signal, bool is_end)
{
	const uint32_t place = gg_cfi_begin_common(
		cfi, &(struct gg_cfi_common){ .is_signal = is_signal,
					      .return_register = RIP,
					      .data_alignment = DATA_ALIGNMENT });
	const uint8_t initial[] = { DW_CFA_def_cfa,    RSP, 8, DW_CFA_offset | RIP, 1,
				    DW_CFA_val_offset, RSP, 0 };
	gg_buffer_append(&cfi->bytes, initial, sizeof(initial));
	if (is_end)
		append_end(&cfi->bytes);
	gg_cfi_end(cfi);
	return place;
}

// Appends the entry that ends each stack in a program, whose code has no entry.
static void add_programs(struct frames *frames)
{
	static const gg_gva_t start = 0x1000, end = UINT64_C(0x7fffffffe000);
	gg_cfi_begin(frames->cfi, frames->common_end, false, start, end);
	gg_cfi_end(frames->cfi);
}

static struct gg_error *append_frames(const struct gg_answerers *kernel, uint64_t displacement,
				      struct gg_cfi *cfi)
{
	struct x86_orc *orc;
	struct frames frames = { .kernel = kernel, .cfi = cfi, .displacement = displacement };
	struct gg_error *err = x86_orc_create(kernel, &orc);
	if (err)
		return err;
	frames.common = add_common(cfi, false, false);
	frames.common_signal = add_common(cfi, true, false);
	frames.common_end = add_common(cfi, false, true);
	err = x86_orc_visit(orc, add_entry, end_table, &frames);
	add_programs(&frames);
	gg_buffer_deinit(&frames.pending);
	x86_orc_destroy(orc);
	return err ? err : gg_buffer_check(&cfi->bytes);
}

// ---- Arguments ----

static const uint8_t argument_registers[] = { RDI, RSI, RDX, RCX, 8, 9 };

// endbr64, where the kernel has CET, and the nop that tracing replaces by a call.
static uint32_t entry_size(const uint8_t *code, size_t size)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	uint32_t entry = 0;
	if (size >= sizeof(endbr) && !memcmp(code, endbr, sizeof(endbr)))
		entry += sizeof(endbr);
	if (size - entry >= sizeof(nop) && !memcmp(code + entry, nop, sizeof(nop)))
		entry += sizeof(nop);
	return entry;
}

const struct gg_vmlinux_ops x86_vmlinux_64 = {
	.argument_registers = argument_registers,
	.argument_register_count = sizeof(argument_registers),
	.entry_size = entry_size,
	.append_frames = append_frames,
};
