// SPDX-License-Identifier: GPL-3.0-or-later
//
// The code of a QEMU that runs on x86-64, with the System V ABI's registers.
//
// In:  the start of a function's code.
// Out: the place of a member or of a variable that the code accesses.
// Trusts nothing it reads: the instructions are decoded by libcapstone, a bounded number of them,
// up to the first call or return.
#include "qemu/layout/host-code.h"

#include <capstone/capstone.h>
#include <elf.h>

enum { MAX_INSTRUCTIONS = 48, BYTE_SIZE = 1, HALF_SIZE = 4, WORD_SIZE = 8 };

extern const struct gg_host_code gg_host_code_x86_64;

// Returns the whole register that REG is a part of, for the registers that an argument comes in, or
// is kept in.
static x86_reg whole(unsigned int reg)
{
	switch (reg) {
	case X86_REG_EDI:
		return X86_REG_RDI;
	case X86_REG_EBX:
		return X86_REG_RBX;
	case X86_REG_EBP:
		return X86_REG_RBP;
	case X86_REG_EAX:
		return X86_REG_RAX;
	default:
		return (x86_reg)reg;
	}
}

struct decoder {
	enum gg_code_access access;
	x86_reg argument; // the register with the first argument: rdi, or the register it was copied to
};

static bool is_copy(const struct decoder *decoder, const cs_insn *instruction)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	return instruction->id == X86_INS_MOV && x86->op_count == 2 &&
	       x86->operands[0].type == X86_OP_REG && x86->operands[1].type == X86_OP_REG &&
	       whole(x86->operands[1].reg) == decoder->argument;
}

static bool is_immediate(const cs_x86_op *operand, int64_t value)
{
	return operand->type == X86_OP_IMM && operand->imm == value;
}

static bool is_argument(const struct decoder *decoder, const cs_x86_op *operand)
{
	return operand->type == X86_OP_REG && whole(operand->reg) == decoder->argument;
}

// Tests whether the instruction is the access that is looked for, but for the place.
static bool is_wanted(const struct decoder *decoder, const cs_insn *instruction,
		      const cs_x86_op *memory, const cs_x86_op *other)
{
	switch (decoder->access) {
	case GG_CODE_RETURNS_WORD:
		return instruction->id == X86_INS_MOV && memory->size == WORD_SIZE &&
		       other->type == X86_OP_REG && other->reg == X86_REG_RAX;
	case GG_CODE_LOADS_WORD:
		return instruction->id == X86_INS_MOV && memory->size == WORD_SIZE &&
		       other->type == X86_OP_REG;
	case GG_CODE_LOADS_BYTE:
		return instruction->id == X86_INS_MOVZX && memory->size == BYTE_SIZE;
	case GG_CODE_LOADS_HALF:
	case GG_CODE_LOADS_VARIABLE:
		return instruction->id == X86_INS_MOV && memory->size == HALF_SIZE &&
		       other->type == X86_OP_REG;
	case GG_CODE_TESTS_BYTE:
		return (instruction->id == X86_INS_CMP && memory->size == BYTE_SIZE &&
			is_immediate(other, 0)) ||
		       (instruction->id == X86_INS_MOVZX && memory->size == BYTE_SIZE);
	case GG_CODE_SETS_BYTE:
		return instruction->id == X86_INS_MOV && memory->size == BYTE_SIZE &&
		       is_immediate(other, 1);
	case GG_CODE_COMPARES_WORD:
	case GG_CODE_COMPARES_VARIABLE:
		return instruction->id == X86_INS_CMP && memory->size == HALF_SIZE &&
		       is_argument(decoder, other);
	}
	return false;
}

// Tests whether PLACE is relative to the argument; where the argument is the operand of a comparison,
// or leads to the member, relative to any other register, or a variable.
static bool is_relative(const struct decoder *decoder, const x86_op_mem *place)
{
	if (place->index != X86_REG_INVALID)
		return false;
	if (decoder->access == GG_CODE_COMPARES_VARIABLE ||
	    decoder->access == GG_CODE_LOADS_VARIABLE)
		return place->base == X86_REG_RIP;
	if (place->disp < 0 || place->base == X86_REG_RIP || place->base == X86_REG_INVALID)
		return false;
	return decoder->access == GG_CODE_COMPARES_WORD || decoder->access == GG_CODE_LOADS_HALF ||
	       whole(place->base) == decoder->argument;
}

static bool match(const struct decoder *decoder, const cs_insn *instruction, uint64_t *ret)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	if (x86->op_count != 2)
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		const cs_x86_op *memory = &x86->operands[i], *other = &x86->operands[1 - i];
		if (memory->type == X86_OP_MEM && is_relative(decoder, &memory->mem) &&
		    is_wanted(decoder, instruction, memory, other)) {
			const bool variable = memory->mem.base == X86_REG_RIP;
			*ret = (variable ? instruction->address + instruction->size : 0) +
			       (uint64_t)memory->mem.disp;
			return true;
		}
	}
	return false;
}

static bool ends(const cs_insn *instruction)
{
	return instruction->id == X86_INS_RET || instruction->id == X86_INS_INT3 ||
	       instruction->id == X86_INS_INVALID;
}

static bool find_place(const struct gg_function_code *code, enum gg_code_access access,
		       uint64_t *ret)
{
	struct decoder decoder = { .access = access, .argument = X86_REG_RDI };
	const uint8_t *bytes = code->bytes;
	size_t size = code->size;
	uint64_t address = code->address;
	csh handle;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return false;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	cs_insn *instruction = cs_malloc(handle);
	bool found = false, loaded = false, stop = !instruction;
	for (unsigned int i = 0; !found && !stop && i < MAX_INSTRUCTIONS; i++) {
		stop = !cs_disasm_iter(handle, &bytes, &size, &address, instruction);
		if (stop)
			break;
		// The last load before the return loads the returned value.
		const bool last = decoder.access == GG_CODE_RETURNS_WORD;
		const bool matches = match(&decoder, instruction, ret);
		loaded |= matches;
		found = last ? loaded && instruction->id == X86_INS_RET : matches;
		if (is_copy(&decoder, instruction))
			decoder.argument = whole(instruction->detail->x86.operands[0].reg);
		// A loop's end comes before its body is left by a return.
		stop = instruction->id == X86_INS_CALL ||
		       (ends(instruction) && decoder.access != GG_CODE_COMPARES_WORD);
	}
	if (instruction)
		cs_free(instruction, 1);
	cs_close(&handle);
	return found;
}

const struct gg_host_code gg_host_code_x86_64 = {
	.elf_machine = EM_X86_64,
	.find_place = find_place,
};
