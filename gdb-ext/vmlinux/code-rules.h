// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of an architecture whose kernel has no tables of frames: .debug_frame follows from the
// instructions that make and end a function's frame.
#ifndef GG_CODE_RULES_H
#define GG_CODE_RULES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GG_FRAME_BY_FP = 1 << 0,    // the frame pointer leads to the caller's stack pointer
	GG_FRAME_CHAINED = 1 << 1,  // the stack pointer leads to the back chain
	GG_FRAME_RA_SAVED = 1 << 2, // the return address is in the frame too
	GG_FRAME_FP_SAVED = 1 << 3, // the caller's frame pointer is in the frame too
	GG_FRAME_SIGNED = 1 << 4,   // the return address has a signature
	// The caller's stack pointer is not known, nor without GG_FRAME_BY_FP the return address.
	GG_FRAME_NO_SP = 1 << 5,
	// The stack pointer is another stack's, whose back chain is the stack pointer that DEPTH is from.
	GG_FRAME_SWITCHED = 1 << 6,
};

// A function's frame before an instruction.
struct gg_code_frame {
	int64_t depth;    // bytes from the stack pointer up to the caller's
	int64_t fp_depth; // bytes from the frame pointer up to the caller's stack pointer
	int64_t ra, fp;   // their places, from the caller's stack pointer
	uint64_t flags;   // GG_FRAME_...
};

// Change FRAME as an instruction does that saves or restores the return address or the frame pointer at
// PLACE, from the stack pointer.
void gg_code_save_ra(struct gg_code_frame *frame, int64_t place);
void gg_code_save_fp(struct gg_code_frame *frame, int64_t place);
void gg_code_restore_ra(struct gg_code_frame *frame, int64_t place);
void gg_code_restore_fp(struct gg_code_frame *frame, int64_t place);

enum gg_code_flow {
	GG_FLOW_NEXT,
	GG_FLOW_BRANCH, // to the next instruction or the target
	GG_FLOW_JUMP,   // to the target
	GG_FLOW_END,    // to the caller, or to an address in a register
};

struct gg_code_step {
	unsigned int size; // of the instruction; 0 for none
	enum gg_code_flow flow;
	int64_t target; // from the instruction
	bool is_call;   // or the first instruction of several that are one
};

enum gg_code_kind {
	GG_CODE_FUNCTION,
	GG_CODE_SWITCH,    // a function whose callee is on another stack
	GG_CODE_REGISTERS, // the interrupted code's registers are in struct pt_regs
	GG_CODE_ENTRY,     // the same from the first call on; before, the caller is not known
	GG_CODE_OUTERMOST,
};

// Code whose frame does not follow from its instructions alone.
struct gg_code_name {
	const char *pattern; // of the symbol, for fnmatch()
	enum gg_code_kind kind;
};

enum { GG_NO_COLUMN = 0xff };

// The place of a register in struct pt_regs.
struct gg_code_saved {
	uint8_t number; // DWARF's
	uint8_t offset;
};

struct gg_code_rules {
	// DWARF's numbers of registers. The general registers are those below COUNT.
	uint8_t count, sp, fp, ra;
	uint8_t pc; // the column of the interrupted code's pc, which may have no register

	unsigned int bias;  // bytes from the caller's stack pointer to DWARF's CFA
	unsigned int chain; // the back chain's offset from the stack pointer

	// Open and close the decoder that step() needs; NULL where step() needs none.
	struct gg_error *(*open)(void **decoder);
	void (*close)(void *decoder);

	// Decodes the instruction in the SIZE bytes of CODE, and changes FRAME as the instruction does.
	struct gg_code_step (*step)(void *decoder, const uint8_t *code, size_t size,
				    struct gg_code_frame *frame);

	struct gg_code_frame start; // at a function's beginning
	// The frame of a function that has called another, where the code is not there.
	struct gg_code_frame made;

	const struct gg_code_name *names; // up to a row without a pattern

	// The members of struct pt_regs: the array that begins with the register FIRST, the pc, and the
	// return address if it is not in the array (NULL).
	const char *saved, *saved_pc, *saved_ra;
	uint8_t first;
	// In their place, where struct pt_regs never changed: PLACE_COUNT places, the size of all, and DWARF's expression for the
	// interrupted code's stack pointer.
	const struct gg_code_saved *places;
	size_t place_count;
	uint64_t places_size;
	const uint8_t *saved_sp;
	size_t saved_sp_size;
	// DWARF's expression (at most 32 bytes) for the address of struct pt_regs.
	const uint8_t *registers;
	size_t registers_size;
	// DWARF's expression on the saved pc; or NULL.
	const uint8_t *filter;
	size_t filter_size;

	uint64_t user_start, user_end; // the area of programs' pcs, not from 0 on
};

// Returns the kind of the code whose symbol is NAME.
enum gg_code_kind gg_code_kind_of(const struct gg_code_rules *rules, const char *name);

// Tests whether NAME is of a part of a function that stands elsewhere, and has the function's frame at its beginning.
bool gg_code_is_part(const char *name);

#endif
