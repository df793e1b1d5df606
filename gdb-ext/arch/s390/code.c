// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions of s390x as text.
#include "machine/disassemble.h"
#include "s390.h"

static void find_target(csh handle, const cs_insn *instruction, struct gg_instruction *ret)
{
	const cs_sysz *sysz = &instruction->detail->sysz;
	(void)handle;
	for (unsigned int i = 0; i < sysz->op_count; i++)
		// An immediate that is near is an address.
		if (sysz->operands[i].type == SYSZ_OP_IMM &&
		    (uint64_t)sysz->operands[i].imm - ret->address + (UINT64_C(1) << 32) <
			    UINT64_C(1) << 33 &&
		    ret->address >> 32) {
			ret->has_target = true;
			ret->is_branch =
				instruction->mnemonic[0] == 'b' || instruction->mnemonic[0] == 'j';
			ret->target = (uint64_t)sysz->operands[i].imm;
		}
}

struct gg_error *s390_disassemble(const struct gg_code *code, struct gg_instruction *ret)
{
	enum { SMALLEST = 2 };
	return gg_disassemble(CS_ARCH_SYSZ, CS_MODE_BIG_ENDIAN, CS_OPT_SYNTAX_DEFAULT, SMALLEST,
			      find_target, code, ret);
}
