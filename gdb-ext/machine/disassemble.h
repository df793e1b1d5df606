// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions as text, by libcapstone.
#ifndef GG_DISASSEMBLE_H
#define GG_DISASSEMBLE_H

#include "cpu-ops.h"

#include <capstone/capstone.h>

// Finds the address that INSTRUCTION, of RET, branches to, or the memory that it names by distance.
typedef void gg_find_target_fn(csh handle, const cs_insn *instruction, struct gg_instruction *ret);

// Shows the first instruction of CODE, which may be any bytes. Bytes that start no instruction are
// "(bad)", as in GDB, SMALLEST of them. SYNTAX is CS_OPT_SYNTAX_DEFAULT or another.
struct gg_error *gg_disassemble(cs_arch arch, cs_mode mode, size_t syntax, unsigned int smallest,
				gg_find_target_fn *find_target, const struct gg_code *code,
				struct gg_instruction *ret);

#endif
