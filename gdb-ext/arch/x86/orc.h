// SPDX-License-Identifier: GPL-3.0-or-later
//
// ORC, the tables by which Linux walks its own stacks on x86-64 (Documentation/arch/x86/orc-unwinder.rst):
// for each range of code the place of the caller's frame.
#ifndef GG_X86_ORC_H
#define GG_X86_ORC_H

#include "linux/stack/stack-ops.h"

// The bases of an offset, in all versions.
enum x86_orc_base {
	X86_ORC_UNDEFINED,
	X86_ORC_PREV_SP, // the caller's stack pointer
	X86_ORC_AX,
	X86_ORC_DX,
	X86_ORC_DI,
	X86_ORC_BP,
	X86_ORC_SP,
	X86_ORC_R10,
	X86_ORC_R13,
	X86_ORC_BP_INDIRECT, // the word at BP + offset
	X86_ORC_SP_INDIRECT, // the word at SP, + offset
	X86_ORC_BAD,         // no known register
};

enum x86_orc_type {
	X86_ORC_NONE, // code that is not walked through
	X86_ORC_END,  // the outermost function
	X86_ORC_CALL,
	X86_ORC_REGS,    // struct pt_regs is at the caller's frame
	X86_ORC_PARTIAL, // the five words that an interrupt pushes are there
	X86_ORC_BAD_TYPE,
};

struct x86_orc_entry {
	int16_t sp_offset, bp_offset;
	enum x86_orc_base sp_base, bp_base;
	enum x86_orc_type type;
	bool is_signal; // the caller's pc is the next instruction; not known in version 1
};

// The formats of struct orc_entry.
enum x86_orc_version {
	X86_ORC_V1, // v4.14: type and end
	X86_ORC_V2, // v6.3, Linux commit ffb1b4a41016: signal
	X86_ORC_V3, // v6.4, Linux commit fb799447ae29: end is a type
	X86_ORC_V4, // v7.1: other numbers of registers
};

enum { X86_ORC_ENTRY_SIZE = 6, X86_ORC_IP_SIZE = 4 };

// Decodes the entry at BYTES.
struct x86_orc_entry x86_orc_decode(enum x86_orc_version version,
				    const uint8_t bytes[X86_ORC_ENTRY_SIZE]);

struct x86_orc;

// Finds the tables of KERNEL, which must outlive RET; each page of a table is read at its first use.
// GG_NOT_FOUND for a kernel without ORC.
struct gg_error *x86_orc_create(const struct gg_answerers *kernel, struct x86_orc **ret);

// Destroys ORC, which may be NULL.
void x86_orc_destroy(struct x86_orc *orc);

// Finds the entry of the code at PC. GG_NOT_FOUND for code without ORC.
struct gg_error *x86_orc_find(struct x86_orc *orc, gg_gva_t pc, struct x86_orc_entry *ret);

typedef struct gg_error *x86_orc_visit_fn(void *data, gg_gva_t pc,
					  const struct x86_orc_entry *entry);

// Calls VISIT with each entry of the kernel and its modules, END behind the last of each table. An
// error of theirs ends the visit.
struct gg_error *x86_orc_visit(struct x86_orc *orc, x86_orc_visit_fn *visit,
			       struct gg_error *(*end)(void *data), void *data);

#endif
