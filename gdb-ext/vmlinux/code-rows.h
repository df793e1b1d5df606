// SPDX-License-Identifier: GPL-3.0-or-later
//
// .debug_frame by the rules of an architecture.
#ifndef GG_CODE_ROWS_H
#define GG_CODE_ROWS_H

#include "cfi.h"
#include "code-rules.h"
#include "host/host.h"

struct gg_code_rows {
	const struct gg_code_rules *rules;
	struct gg_cfi *cfi;
	uint32_t common[GG_CODE_OUTERMOST + 1];           // by kind
	struct gg_member regs, saved, saved_pc, saved_ra; // of struct pt_regs; size 0 without
};

// Begins the rows, with the common entries. HOST has the kernel's types.
struct gg_error *gg_code_rows_init(struct gg_code_rows *rows, const struct gg_code_rules *rules,
				   const struct gg_host *host, struct gg_cfi *cfi);

// Begins the entry for the code from START to END, of KIND.
void gg_code_rows_begin(struct gg_code_rows *rows, enum gg_code_kind kind, gg_gva_t start,
			gg_gva_t end);

// Appends the row of FRAME to the entry that has begun.
void gg_code_rows_append(struct gg_code_rows *rows, const struct gg_code_frame *frame);

// Appends the row of an entry that has not saved all registers.
void gg_code_rows_append_end(struct gg_code_rows *rows);

// Appends the row of code that has struct pt_regs.
void gg_code_rows_append_registers(struct gg_code_rows *rows);

#endif
