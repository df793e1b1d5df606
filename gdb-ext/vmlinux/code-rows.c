// SPDX-License-Identifier: GPL-3.0-or-later
#include "code-rows.h"
#include "dwarf-tables.h"

#include <dwarf.h>

static void append_block(struct gg_buffer *out, const struct gg_buffer *block)
{
	gg_dwarf_append_uleb(out, block->size);
	gg_buffer_append(out, block->bytes, block->size);
	out->failed |= block->failed;
}

static void append_register(struct gg_buffer *out, unsigned int instruction, unsigned int number)
{
	gg_buffer_uint(out, 1, instruction);
	gg_dwarf_append_uleb(out, number);
}

static void append_constant(struct gg_buffer *out, int64_t value)
{
	gg_buffer_uint(out, 1, DW_OP_consts);
	gg_dwarf_append_sleb(out, value);
}

static int8_t data_alignment(const struct gg_code_rows *rows)
{
	return (int8_t)(0 - rows->cfi->word);
}

// Appends the rule that the register NUMBER is in memory at the CFA and OFFSET.
static void append_saved(struct gg_code_rows *rows, unsigned int number, int64_t offset)
{
	append_register(&rows->cfi->bytes, DW_CFA_offset_extended_sf, number);
	gg_dwarf_append_sleb(&rows->cfi->bytes, offset / data_alignment(rows));
}

// ---- Common entries ----

// Appends that the caller's registers are unknown but for those that rows have rules for.
static void append_unknown(struct gg_buffer *out, const struct gg_code_rules *rules, bool is_end)
{
	for (unsigned int number = 0; number < rules->count; number++) {
		const bool has_rule =
			number == rules->sp || number == rules->fp || number == rules->ra;
		if (!has_rule || is_end)
			append_register(out, DW_CFA_undefined, number);
	}
	if (is_end && rules->ra >= rules->count)
		append_register(out, DW_CFA_undefined, rules->ra);
}

static uint32_t add_common(struct gg_code_rows *rows, enum gg_code_kind kind)
{
	const struct gg_code_rules *rules = rows->rules;
	struct gg_buffer *out = &rows->cfi->bytes;
	const bool has_registers = kind == GG_CODE_REGISTERS || kind == GG_CODE_ENTRY;
	const uint32_t place = gg_cfi_begin_common(
		rows->cfi,
		&(struct gg_cfi_common){ .is_signal = has_registers || kind == GG_CODE_SWITCH,
					 .return_register = has_registers ? rules->pc : rules->ra,
					 .data_alignment = data_alignment(rows) });
	// The stack pointer of the outermost frame may be unknown.
	const bool by_fp = kind == GG_CODE_OUTERMOST && rules->fp != GG_NO_COLUMN && !rules->chain;
	append_register(out, DW_CFA_def_cfa, by_fp ? rules->fp : rules->sp);
	gg_dwarf_append_uleb(out, rules->bias);
	if (!has_registers) {
		append_unknown(out, rules, kind == GG_CODE_OUTERMOST);
		if (kind != GG_CODE_OUTERMOST) {
			append_register(out, DW_CFA_val_offset, rules->sp);
			gg_dwarf_append_uleb(out, rules->bias / rows->cfi->word);
		}
	}
	gg_cfi_end(rows->cfi);
	return place;
}

// Finds the members of struct pt_regs. Without them entries are the outermost frames.
static struct gg_error *find_members(struct gg_code_rows *rows, const struct gg_host *host)
{
	const struct gg_code_rules *rules = rows->rules;
	const struct {
		const char *name;
		struct gg_member *ret;
	} members[] = { { "", &rows->regs },
			{ rules->saved, &rows->saved },
			{ rules->saved_pc, &rows->saved_pc },
			{ rules->saved_ra, &rows->saved_ra } };
	if (rules->places) {
		rows->regs.size = rules->places_size;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		if (!members[i].name)
			continue;
		struct gg_error *err =
			host->ops->member(host->data, "pt_regs", members[i].name, members[i].ret);
		if (err) {
			rows->regs.size = 0;
			return gg_error_unless_final(err);
		}
	}
	return NULL;
}

struct gg_error *gg_code_rows_init(struct gg_code_rows *rows, const struct gg_code_rules *rules,
				   const struct gg_host *host, struct gg_cfi *cfi)
{
	*rows = (struct gg_code_rows){ .rules = rules, .cfi = cfi };
	for (enum gg_code_kind kind = 0; kind <= GG_CODE_OUTERMOST; kind++)
		rows->common[kind] = add_common(rows, kind);
	return find_members(rows, host);
}

void gg_code_rows_begin(struct gg_code_rows *rows, enum gg_code_kind kind, gg_gva_t start,
			gg_gva_t end)
{
	const bool is_signal =
		kind == GG_CODE_SWITCH || kind == GG_CODE_REGISTERS || kind == GG_CODE_ENTRY;
	gg_cfi_begin(rows->cfi, rows->common[kind], is_signal, start, end);
}

// ---- Functions ----

// Appends the word that the back chain has behind the stack pointer.
static void append_chain(struct gg_buffer *block, const struct gg_code_rules *rules)
{
	gg_buffer_uint(block, 1, (uint64_t)(DW_OP_breg0 + rules->sp));
	gg_dwarf_append_sleb(block, rules->chain);
	gg_buffer_uint(block, 1, DW_OP_deref);
}

static void append_cfa(struct gg_buffer *out, const struct gg_code_rules *rules,
		       const struct gg_code_frame *frame)
{
	struct gg_buffer block = { 0 };
	const bool by_fp = frame->flags & GG_FRAME_BY_FP;
	const bool is_chained = frame->flags & GG_FRAME_CHAINED;
	const bool is_switched = frame->flags & GG_FRAME_SWITCHED;
	const int64_t offset = (by_fp ? frame->fp_depth : frame->depth) + rules->bias;
	if (!is_chained && !is_switched && offset >= 0) {
		append_register(out, DW_CFA_def_cfa, by_fp ? rules->fp : rules->sp);
		gg_dwarf_append_uleb(out, (uint64_t)offset);
		return;
	}
	if (is_chained || is_switched) {
		append_chain(&block, rules);
		if (is_chained && is_switched)
			gg_buffer_uint(&block, 1, DW_OP_deref);
		append_constant(&block, is_chained ? rules->bias : offset);
		gg_buffer_uint(&block, 1, DW_OP_plus);
	} else {
		gg_buffer_uint(&block, 1,
			       (uint64_t)(DW_OP_breg0 + (by_fp ? rules->fp : rules->sp)));
		gg_dwarf_append_sleb(&block, offset);
	}
	gg_buffer_uint(out, 1, DW_CFA_def_cfa_expression);
	append_block(out, &block);
	gg_buffer_deinit(&block);
}

// Appends the return address without the signature, in place of which the kernel's addresses have ones.
static void append_signed(struct gg_buffer *out, const struct gg_code_rules *rules,
			  const struct gg_code_frame *frame)
{
	enum { ADDRESS_BITS = 48 };
	struct gg_buffer block = { 0 };
	if (frame->flags & GG_FRAME_RA_SAVED) {
		append_constant(&block, frame->ra - rules->bias);
		gg_buffer_uint(&block, 1, DW_OP_plus);
		gg_buffer_uint(&block, 1, DW_OP_deref);
	} else {
		gg_buffer_uint(&block, 1, (uint64_t)(DW_OP_breg0 + rules->ra));
		gg_dwarf_append_sleb(&block, 0);
	}
	append_constant(&block, -(INT64_C(1) << ADDRESS_BITS));
	gg_buffer_uint(&block, 1, DW_OP_or);
	append_register(out, DW_CFA_val_expression, rules->ra);
	append_block(out, &block);
	gg_buffer_deinit(&block);
}

void gg_code_rows_append(struct gg_code_rows *rows, const struct gg_code_frame *frame)
{
	const struct gg_code_rules *rules = rows->rules;
	struct gg_buffer *out = &rows->cfi->bytes;
	append_cfa(out, rules, frame);
	if (frame->flags & GG_FRAME_NO_SP)
		append_register(out, DW_CFA_undefined, rules->sp);
	if (frame->flags & GG_FRAME_NO_SP && !(frame->flags & GG_FRAME_BY_FP))
		append_register(out, DW_CFA_undefined, rules->ra);
	else if (frame->flags & GG_FRAME_SIGNED)
		append_signed(out, rules, frame);
	else if (frame->flags & GG_FRAME_RA_SAVED)
		append_saved(rows, rules->ra, frame->ra - rules->bias);
	else
		append_register(out, DW_CFA_same_value, rules->ra);
	if (rules->fp == GG_NO_COLUMN)
		return;
	if (frame->flags & GG_FRAME_FP_SAVED)
		append_saved(rows, rules->fp, frame->fp - rules->bias);
	else
		append_register(out, DW_CFA_same_value, rules->fp);
}

// ---- Entries into the kernel ----

static void append_saved_pc(struct gg_code_rows *rows, int64_t offset)
{
	const struct gg_code_rules *rules = rows->rules;
	struct gg_buffer *out = &rows->cfi->bytes, block = { 0 };
	if (!rules->filter)
		return append_saved(rows, rules->pc, offset);
	append_constant(&block, offset);
	gg_buffer_uint(&block, 1, DW_OP_plus);
	gg_buffer_append(&block, rules->filter, rules->filter_size);
	append_register(out, DW_CFA_val_expression, rules->pc);
	append_block(out, &block);
	gg_buffer_deinit(&block);
}

static void append_places(struct gg_code_rows *rows)
{
	const struct gg_code_rules *rules = rows->rules;
	struct gg_buffer *out = &rows->cfi->bytes;
	const struct gg_buffer sp = { .bytes = (uint8_t *)rules->saved_sp,
				      .size = rules->saved_sp_size };
	for (size_t i = 0; i < rules->place_count; i++)
		append_saved(rows, rules->places[i].number,
			     rules->places[i].offset - (int64_t)rules->places_size);
	append_register(out, DW_CFA_val_expression, rules->sp);
	append_block(out, &sp);
}

static void append_members(struct gg_code_rows *rows)
{
	const struct gg_code_rules *rules = rows->rules;
	const int64_t size = (int64_t)rows->regs.size;
	const int64_t saved = (int64_t)rows->saved.offset - size, word = rows->cfi->word;
	for (unsigned int number = rules->first; number < rules->count; number++)
		append_saved(rows, number, saved + word * (int64_t)(number - rules->first));
	if (rows->saved_ra.size)
		append_saved(rows, rules->ra, (int64_t)rows->saved_ra.offset - size);
	append_saved_pc(rows, (int64_t)rows->saved_pc.offset - size);
}

void gg_code_rows_append_end(struct gg_code_rows *rows)
{
	append_register(&rows->cfi->bytes, DW_CFA_undefined, rows->rules->pc);
}

void gg_code_rows_append_registers(struct gg_code_rows *rows)
{
	const struct gg_code_rules *rules = rows->rules;
	struct gg_buffer *out = &rows->cfi->bytes;
	struct gg_buffer block = { 0 };
	// The CFA is the end of the registers.
	const int64_t size = (int64_t)rows->regs.size;
	gg_buffer_append(&block, rules->registers, rules->registers_size);
	append_constant(&block, size);
	gg_buffer_uint(&block, 1, DW_OP_plus);
	gg_buffer_uint(out, 1, DW_CFA_def_cfa_expression);
	append_block(out, &block);
	gg_buffer_deinit(&block);
	if (rules->places)
		append_places(rows);
	else
		append_members(rows);
}
