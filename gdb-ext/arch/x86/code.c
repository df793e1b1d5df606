// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions of x86 as text.
//
// In:  bytes of code, which may be any.
// Out: the first instruction. A byte that starts no instruction is "(bad)", as in GDB.
#include "machine/disassemble.h"
#include "x86.h"

// Finds the address that the instruction branches to, or the memory that it names by distance.
static void find_target(csh handle, const cs_insn *instruction, struct gg_instruction *ret)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	const bool is_branch = cs_insn_group(handle, instruction, CS_GRP_JUMP) ||
			       cs_insn_group(handle, instruction, CS_GRP_CALL);
	for (unsigned int i = 0; i < x86->op_count && !ret->has_target; i++) {
		const cs_x86_op *operand = &x86->operands[i];
		if (is_branch && operand->type == X86_OP_IMM) {
			ret->has_target = ret->is_branch = true;
			ret->target = (uint64_t)operand->imm;
		} else if (operand->type == X86_OP_MEM && operand->mem.base == X86_REG_RIP) {
			ret->has_target = true;
			ret->target = ret->address + ret->size + (uint64_t)operand->mem.disp;
		}
	}
}

struct gg_error *x86_disassemble(const struct gg_code *code, struct gg_instruction *ret)
{
	const cs_mode mode = code->bits == 16   ? CS_MODE_16
			     : code->bits == 32 ? CS_MODE_32
						: CS_MODE_64;
	return gg_disassemble(CS_ARCH_X86, mode,
			      code->intel ? CS_OPT_SYNTAX_INTEL : CS_OPT_SYNTAX_ATT, 1, find_target,
			      code, ret);
}
