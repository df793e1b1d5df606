// SPDX-License-Identifier: GPL-3.0-or-later
//
// Instructions of x86 as text.
//
// In:  bytes of code, which may be any.
// Out: the first instruction. A byte that starts no instruction is "(bad)", as in GDB.
#include "x86.h"

#include <capstone/capstone.h>
#include <stdio.h>

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
	csh handle;
	if (cs_open(CS_ARCH_X86, mode, &handle) != CS_ERR_OK)
		return gg_enomem;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	cs_option(handle, CS_OPT_SYNTAX, code->intel ? CS_OPT_SYNTAX_INTEL : CS_OPT_SYNTAX_ATT);
	const uint8_t *bytes = code->bytes;
	size_t size = code->size;
	uint64_t address = code->address;
	*ret = (struct gg_instruction){ .address = address, .size = 1, .text = "(bad)" };
	cs_insn *instruction = cs_malloc(handle);
	if (instruction && cs_disasm_iter(handle, &bytes, &size, &address, instruction)) {
		ret->is_whole = true;
		ret->size = instruction->size;
		snprintf(ret->text, sizeof(ret->text), "%s%s%s", instruction->mnemonic,
			 *instruction->op_str ? " " : "", instruction->op_str);
		find_target(handle, instruction, ret);
	}
	struct gg_error *err = instruction ? NULL : gg_enomem;
	if (instruction)
		cs_free(instruction, 1);
	cs_close(&handle);
	return err;
}
