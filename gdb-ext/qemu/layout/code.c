// SPDX-License-Identifier: GPL-3.0-or-later
//
// What a function's own code says of a structure: some members (a flag that is 0 in all objects at
// hand, say) leave no other trace.
//
// In:  the name of a function that QEMU exports (with modules it exports all), of a few
//      instructions.
// Out: an offset, or an address. Whoever asked holds the data against it.
// Trusts nothing it reads: the instructions are decoded by libcapstone, a bounded number of them,
// up to the first call or return.
#include "internal.h"
#include "base/cleanup.h"

#include <capstone/capstone.h>
#include <elf.h>
#include <inttypes.h>

enum { MAX_CODE = 256, MAX_INSTRUCTIONS = 48, BYTE_SIZE = 1, HALF_SIZE = 4, WORD_SIZE = 8 };

// The whole register that REGISTER is a part of, for those that an argument comes in, or is kept
// in.
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
	x86_reg argument; // where the first argument is, rdi or where it was copied to
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

// Is it the access that is looked for, but for the place?
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

// A place relative to the argument; where the argument is what is compared, or leads to what is
// loaded, relative to any other register, or a variable.
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

static bool decode(struct decoder *decoder, const uint8_t *code, size_t size, uint64_t address,
		   uint64_t *ret)
{
	csh handle;
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return false;
	cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
	cs_insn *instruction = cs_malloc(handle);
	bool found = false, loaded = false, stop = !instruction;
	for (unsigned int i = 0; !found && !stop && i < MAX_INSTRUCTIONS; i++) {
		stop = !cs_disasm_iter(handle, &code, &size, &address, instruction);
		if (stop)
			break;
		// Of what is returned, the last load before the return counts.
		const bool last = decoder->access == GG_CODE_RETURNS_WORD;
		const bool matches = match(decoder, instruction, ret);
		loaded |= matches;
		found = last ? loaded && instruction->id == X86_INS_RET : matches;
		if (is_copy(decoder, instruction))
			decoder->argument = whole(instruction->detail->x86.operands[0].reg);
		// A loop's end comes before its body is left by a return.
		stop = instruction->id == X86_INS_CALL ||
		       (ends(instruction) && decoder->access != GG_CODE_COMPARES_WORD);
	}
	if (instruction)
		cs_free(instruction, 1);
	cs_close(&handle);
	return found;
}

struct gg_error *gg_code_place(const struct gg_finder *finder, const char *function,
			       enum gg_code_access access, uint64_t *ret)
{
	uint8_t code[MAX_CODE];
	struct gg_image_symbol symbol;
	struct gg_error *err = gg_finder_symbol(finder, function, &symbol);
	if (err)
		return err;
	// Without a program the machine is not known; code that is none of x86-64's gives no sense.
	if (symbol.machine != EM_X86_64 && symbol.machine != EM_NONE)
		return gg_error_create(GG_NOT_FOUND, "%s is not x86-64's code", function);
	size_t size = symbol.size && symbol.size < MAX_CODE ? symbol.size : MAX_CODE;
	size = gg_peek_some(finder->peek, symbol.address, code, size);
	struct decoder decoder = { .access = access, .argument = X86_REG_RDI };
	if (!decode(&decoder, code, size, symbol.address, ret))
		return gg_error_create(GG_NOT_FOUND, "%s does not tell by its code", function);
	return NULL;
}
