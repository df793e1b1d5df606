// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the code and the symbols of functions.
// Out: an entry of .debug_frame for each function, with a row for each change of the frame.
// Trusts nothing it reads: an instruction leads forward in its own function, or to a part of it elsewhere;
//      a function has a limit.
#include "base/vector.h"
#include "code-rows.h"
#include "maker.h"
#include "vmlinux-ops.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FUNCTION = 1 << 20, MAX_FRAMES = 255, MAX_LANDINGS = 1 << 20 };

// A frame where a branch leads to, in another function.
struct landing {
	gg_gva_t address;
	struct gg_code_frame frame;
};

struct walk {
	struct gg_vmlinux_maker *maker;
	struct gg_code_rows rows;
	void *decoder; // of the rules
	// Different frames that branches in the function lead to their targets with, and for each byte of
	// code the frame's number; 0 for none.
	struct gg_code_frame frames[MAX_FRAMES + 1];
	unsigned int frame_count;
	uint8_t at[MAX_FUNCTION];
	struct landing *landings; // sorted before the parts are walked through
	size_t landing_count;
};

static int compare_landings(const void *a, const void *b)
{
	const struct landing *x = a, *y = b;
	return x->address < y->address ? -1 : x->address > y->address;
}

// ---- A function ----

static bool is_equal(const struct gg_code_frame *a, const struct gg_code_frame *b)
{
	return !memcmp(a, b, sizeof(*a));
}

// Keeps FRAME for the code at OFFSET of the function.
static void add_target(struct walk *walk, uint64_t offset, const struct gg_code_frame *frame)
{
	unsigned int number = 1;
	while (number <= walk->frame_count && !is_equal(&walk->frames[number], frame))
		number++;
	if (number > MAX_FRAMES)
		return;
	walk->frames[number] = *frame;
	if (number > walk->frame_count)
		walk->frame_count = number;
	walk->at[offset] = (uint8_t)number;
}

// Keeps FRAME for the code at ADDRESS, which is another function's, or a part of the same.
static struct gg_error *add_landing(struct walk *walk, gg_gva_t address,
				    const struct gg_code_frame *frame)
{
	if (is_equal(frame, &walk->rows.rules->start) || walk->landing_count == MAX_LANDINGS)
		return NULL;
	struct gg_error *err =
		gg_vector_grow(&walk->landings, walk->landing_count, sizeof(*walk->landings));
	if (!err)
		walk->landings[walk->landing_count++] = (struct landing){ address, *frame };
	return err;
}

// Keeps FRAME for the code that STEP, at OFFSET of FUNCTION, leads to.
static struct gg_error *follow(struct walk *walk, const struct gg_symtab_name *function,
			       uint64_t offset, const struct gg_code_step *step,
			       const struct gg_code_frame *frame)
{
	const uint64_t target = offset + (uint64_t)step->target;
	if (step->flow != GG_FLOW_BRANCH && step->flow != GG_FLOW_JUMP)
		return NULL;
	if (target >= function->size)
		return add_landing(walk, function->address + target, frame);
	if (target > offset)
		add_target(walk, target, frame);
	return NULL;
}

static void append_row(struct walk *walk, uint64_t advance, const struct gg_code_frame *frame)
{
	if (advance)
		gg_cfi_advance(walk->rows.cfi, advance);
	gg_code_rows_append(&walk->rows, frame);
}

// Appends the rows of FUNCTION, whose bytes are CODE, from its first FRAME on. Code that only a register or
// a branch backwards leads to has the last frame that was made.
static struct gg_error *append_rows(struct walk *walk, const struct gg_symtab_name *function,
				    const uint8_t *code, struct gg_code_frame frame)
{
	const uint64_t is_made = (GG_FRAME_BY_FP | GG_FRAME_CHAINED | GG_FRAME_RA_SAVED) &
				 ~walk->rows.rules->start.flags;
	struct gg_error *err = NULL;
	struct gg_code_frame made = frame, written = frame;
	struct gg_code_step step = { .size = 1 };
	uint64_t written_at = 0;
	memset(walk->at, 0, function->size);
	walk->frame_count = 0;
	append_row(walk, 0, &frame);
	for (uint64_t place = 0; !err && step.size && place < function->size; place += step.size) {
		if (walk->at[place])
			frame = walk->frames[walk->at[place]];
		else if (step.flow == GG_FLOW_JUMP || step.flow == GG_FLOW_END)
			frame = made;
		if (!is_equal(&frame, &written)) {
			append_row(walk, place - written_at, &frame);
			written = frame;
			written_at = place;
		}
		step = walk->rows.rules->step(walk->decoder, code + place, function->size - place,
					      &frame);
		err = follow(walk, function, place, &step, &frame);
		// The end of a function takes its frame apart.
		if (frame.flags & is_made && !(made.flags & is_made & ~frame.flags))
			made = frame;
	}
	return err;
}

// Appends the rows of an entry, whose bytes are CODE: all registers are saved when it calls its handler.
static void append_entry(struct walk *walk, const struct gg_symtab_name *function,
			 const uint8_t *code)
{
	struct gg_code_frame frame = walk->rows.rules->start;
	struct gg_code_step step = { .size = 1 };
	uint64_t place = 0;
	for (; code && place < function->size; place += step.size) {
		step = walk->rows.rules->step(walk->decoder, code + place, function->size - place,
					      &frame);
		if (!step.size || step.is_call)
			break;
	}
	if (place)
		gg_code_rows_append_end(&walk->rows);
	if (place >= function->size || !step.size)
		return;
	if (place)
		gg_cfi_advance(walk->rows.cfi, place);
	gg_code_rows_append_registers(&walk->rows);
}

// ---- All functions ----

// Finds the frame with which the code at ADDRESS is jumped to as a part of another function; NULL
// without.
static const struct gg_code_frame *find_landing(const struct walk *walk, gg_gva_t address)
{
	const struct landing key = { .address = address };
	const struct landing *found = walk->landings
					      ? bsearch(&key, walk->landings, walk->landing_count,
							sizeof(key), compare_landings)
					      : NULL;
	return found ? &found->frame : NULL;
}

static struct gg_error *append_function(struct walk *walk, const struct gg_symtab_name *function,
					enum gg_code_kind kind, bool part)
{
	struct gg_error *err = NULL;
	const uint8_t *code = gg_vmlinux_code(walk->maker, function->address, function->size);
	const struct gg_code_frame *first =
		part ? find_landing(walk, function->address) : &walk->rows.rules->start;
	if ((kind == GG_CODE_REGISTERS || kind == GG_CODE_ENTRY) && !walk->rows.regs.size)
		kind = GG_CODE_OUTERMOST;
	gg_code_rows_begin(&walk->rows, kind, function->address,
			   function->address + function->size);
	if (kind == GG_CODE_REGISTERS)
		gg_code_rows_append_registers(&walk->rows);
	else if (kind == GG_CODE_ENTRY)
		append_entry(walk, function, code);
	else if (kind != GG_CODE_OUTERMOST && code && first)
		err = append_rows(walk, function, code, *first);
	else if (kind != GG_CODE_OUTERMOST)
		append_row(walk, 0, &walk->rows.rules->made);
	gg_cfi_end(walk->rows.cfi);
	return err;
}

static int compare_functions(const void *a, const void *b)
{
	const struct gg_symtab_name *x = a, *y = b;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->size > y->size ? -1 : x->size < y->size;
}

// Copies the symbols of code to RET, by address; the largest of an address comes first.
static struct gg_error *list_functions(const struct gg_symtab *symtab, struct gg_symtab_name **ret,
				       size_t *count)
{
	struct gg_symtab_name *list = calloc(symtab->count + 1, sizeof(*list));
	*count = 0;
	if (!list)
		return gg_enomem;
	for (size_t i = 0; i < symtab->count; i++)
		if (symtab->names[i].is_code && symtab->names[i].size &&
		    symtab->names[i].size < MAX_FUNCTION)
			list[(*count)++] = symtab->names[i];
	qsort(list, *count, sizeof(*list), compare_functions);
	*ret = list;
	return NULL;
}

// Appends the entries of functions, or of their parts that stand elsewhere. Several names may be of one
// function.
static struct gg_error *append_all(struct walk *walk, const struct gg_symtab_name *list,
				   size_t count, bool parts)
{
	struct gg_error *err = NULL;
	gg_gva_t end = 0;
	const char *strings = (const char *)walk->maker->symtab.strings.bytes;
	for (size_t i = 0, next; !err && i < count; i = next) {
		enum gg_code_kind kind = GG_CODE_FUNCTION;
		bool part = false;
		for (next = i; next < count && list[next].address == list[i].address; next++) {
			const char *name = strings + list[next].name;
			part |= gg_code_is_part(name);
			if (kind == GG_CODE_FUNCTION)
				kind = gg_code_kind_of(walk->rows.rules, name);
		}
		if (list[i].address < end)
			continue;
		end = list[i].address + list[i].size;
		if (part == parts)
			err = append_function(walk, &list[i], kind, part);
	}
	return err;
}

struct gg_error *gg_vmlinux_add_code_frames(struct gg_vmlinux_maker *maker)
{
	const struct gg_code_rules *rules = maker->kernel->arch->vmlinux->code;
	struct gg_symtab_name *list = NULL;
	size_t count = 0;
	struct walk *walk = malloc(sizeof(*walk));
	if (!walk)
		return gg_enomem;
	*walk = (struct walk){ .maker = maker };
	struct gg_error *err =
		gg_code_rows_init(&walk->rows, rules, &maker->kernel->typed, &maker->cfi);
	if (!err && rules->open)
		err = rules->open(&walk->decoder);
	if (!err)
		err = list_functions(&maker->symtab, &list, &count);
	if (!err)
		err = append_all(walk, list, count, false);
	if (walk->landings)
		qsort(walk->landings, walk->landing_count, sizeof(*walk->landings),
		      compare_landings);
	if (!err)
		err = append_all(walk, list, count, true);
	if (!err) {
		gg_code_rows_begin(&walk->rows, GG_CODE_OUTERMOST, rules->user_start,
				   rules->user_end);
		gg_cfi_end(&maker->cfi);
	}
	free(list);
	if (walk->decoder)
		rules->close(walk->decoder);
	free(walk->landings);
	free(walk);
	return err ? err : gg_buffer_check(&maker->cfi.bytes);
}
