// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions of AArch64 as text.
#include "machine/disassemble.h"
#include "arm64.h"

// Tests whether an immediate of the instruction is an address.
static bool is_relative(csh handle, const cs_insn *instruction)
{
	return cs_insn_group(handle, instruction, CS_GRP_JUMP) ||
	       cs_insn_group(handle, instruction, CS_GRP_CALL) ||
	       instruction->id == ARM64_INS_ADR || instruction->id == ARM64_INS_ADRP;
}

static void find_target(csh handle, const cs_insn *instruction, struct gg_instruction *ret)
{
	const cs_arm64 *arm64 = &instruction->detail->arm64;
	for (unsigned int i = 0; i < arm64->op_count; i++)
		if (arm64->operands[i].type == ARM64_OP_IMM && is_relative(handle, instruction)) {
			ret->has_target = true;
			ret->is_branch = instruction->id != ARM64_INS_ADR &&
					 instruction->id != ARM64_INS_ADRP;
			ret->target = (uint64_t)arm64->operands[i].imm;
		}
}

struct gg_error *arm64_disassemble(const struct gg_code *code, struct gg_instruction *ret)
{
	return gg_disassemble(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, CS_OPT_SYNTAX_DEFAULT, 4,
			      find_target, code, ret);
}
