// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions of POWER as text.
#include "machine/disassemble.h"
#include "ppc64.h"

static void find_target(csh handle, const cs_insn *instruction, struct gg_instruction *ret)
{
	const cs_ppc *ppc = &instruction->detail->ppc;
	(void)handle;
	if (instruction->mnemonic[0] != 'b')
		return;
	for (unsigned int i = 0; i < ppc->op_count; i++)
		if (ppc->operands[i].type == PPC_OP_IMM) {
			ret->has_target = ret->is_branch = true;
			ret->target = (uint64_t)ppc->operands[i].imm;
		}
}

struct gg_error *ppc64_disassemble(const struct gg_code *code, struct gg_instruction *ret)
{
	enum { SMALLEST = 4 };
	return gg_disassemble(CS_ARCH_PPC, CS_MODE_64 | CS_MODE_LITTLE_ENDIAN,
			      CS_OPT_SYNTAX_DEFAULT, SMALLEST, find_target, code, ret);
}
