// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions of RISC-V as text, where libcapstone decodes them.
#include "machine/disassemble.h"
#include "riscv.h"

#if CS_API_MAJOR >= 5

static void find_target(csh handle, const cs_insn *instruction, struct gg_instruction *ret)
{
	const cs_riscv *riscv = &instruction->detail->riscv;
	const bool is_branch = cs_insn_group(handle, instruction, CS_GRP_BRANCH_RELATIVE) ||
			       instruction->id == RISCV_INS_JAL || instruction->id == RISCV_INS_C_J;
	for (unsigned int i = 0; is_branch && i < riscv->op_count; i++)
		if (riscv->operands[i].type == RISCV_OP_IMM) {
			ret->has_target = ret->is_branch = true;
			ret->target = ret->address + (uint64_t)riscv->operands[i].imm;
		}
}

struct gg_error *riscv_disassemble(const struct gg_code *code, struct gg_instruction *ret)
{
	enum { SMALLEST = 2 };
	return gg_disassemble(CS_ARCH_RISCV, CS_MODE_RISCV64 | CS_MODE_RISCVC,
			      CS_OPT_SYNTAX_DEFAULT, SMALLEST, find_target, code, ret);
}

#else

struct gg_error *riscv_disassemble(const struct gg_code *code, struct gg_instruction *ret)
{
	(void)code;
	(void)ret;
	return gg_error_create(GG_UNSUPPORTED,
			       "libcapstone %d knows no instructions of RISC-V: "
			       "version 5 does",
			       CS_API_MAJOR);
}

#endif
