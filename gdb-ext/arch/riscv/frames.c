// SPDX-License-Identifier: GPL-3.0-or-later
//
// A made vmlinux on RISC-V: the instructions that make and end a frame (The RISC-V Instruction Set Manual,
// volume I, RV64I and C), and the places of arguments. Linux has all code keep a frame pointer in s0.
#include "riscv.h"
#include "arch/instruction.h"
#include "vmlinux/vmlinux-ops.h"

#include <dwarf.h>
#include <elf.h>

enum { RA = 1, SP = 2, FP = 8, PC = 64 }; // RISC-V DWARF Specification; the alternate return column

enum {
	ADDI_SP_SP = 0x10113,
	ADDI_S0_SP = 0x10413,
	ADDI_SP_S0 = 0x40113,
	SD_RA = 0x113023,
	SD_S0 = 0x813023,
	LD_RA = 0x13083,
	LD_S0 = 0x13403,
};

// Returns the COUNT bits at FROM of VALUE, at TO.
static uint32_t bits(uint32_t value, unsigned int from, unsigned int count, unsigned int to)
{
	return (value >> from & ((1U << count) - 1)) << to;
}

// Returns VALUE, of which bit TOP is the sign.
static int64_t with_sign(uint32_t value, unsigned int top)
{
	return (int64_t)value - ((int64_t)(value >> top & 1) << (top + 1));
}

static void save(struct gg_code_frame *frame, unsigned int number, int64_t place)
{
	if (number == RA)
		gg_code_save_ra(frame, place);
	else if (number == FP)
		gg_code_save_fp(frame, place);
}

static void restore(struct gg_code_frame *frame, unsigned int number, int64_t place)
{
	if (number == RA)
		gg_code_restore_ra(frame, place);
	else if (number == FP)
		gg_code_restore_fp(frame, place);
}

static void set_fp(struct gg_code_frame *frame, int64_t offset)
{
	frame->fp_depth = frame->depth - offset;
	frame->flags |= GG_FRAME_BY_FP;
}

static void change_long(uint32_t word, struct gg_code_frame *frame)
{
	const int64_t immediate = with_sign(word >> 20, 11);
	const int64_t place = with_sign(bits(word, 25, 7, 5) | bits(word, 7, 5, 0), 11);
	switch (word & 0xfffff) {
	case ADDI_SP_SP:
		frame->depth -= immediate;
		break;
	case ADDI_S0_SP:
		set_fp(frame, immediate);
		break;
	case ADDI_SP_S0:
		frame->depth = frame->fp_depth - immediate;
		break;
	case LD_RA:
		restore(frame, RA, immediate);
		break;
	case LD_S0:
		restore(frame, FP, immediate);
		break;
	}
	switch (word & 0x1fff07f) {
	case SD_RA:
		save(frame, RA, place);
		break;
	case SD_S0:
		save(frame, FP, place);
		break;
	}
}

static void change_short(uint32_t half, struct gg_code_frame *frame)
{
	if ((half & 0xef83) == 0x6101) // C.ADDI16SP
		frame->depth -=
			with_sign(bits(half, 12, 1, 9) | bits(half, 6, 1, 4) | bits(half, 5, 1, 6) |
					  bits(half, 3, 2, 7) | bits(half, 2, 1, 5),
				  9);
	else if ((half & 0xef83) == 0x101) // C.ADDI sp
		frame->depth -= with_sign(bits(half, 12, 1, 5) | bits(half, 2, 5, 0), 5);
	else if (half && !(half & 0xe01f)) // C.ADDI4SPN s0
		set_fp(frame, bits(half, 11, 2, 4) | bits(half, 7, 4, 6) | bits(half, 6, 1, 2) |
				      bits(half, 5, 1, 3));
	else if ((half & 0xe003) == 0xe002) // C.SDSP
		save(frame, half >> 2 & 0x1f, bits(half, 10, 3, 3) | bits(half, 7, 3, 6));
	else if ((half & 0xe003) == 0x6002) // C.LDSP
		restore(frame, half >> 7 & 0x1f,
			bits(half, 12, 1, 5) | bits(half, 5, 2, 3) | bits(half, 2, 3, 6));
}

static struct gg_code_step flow_of_long(uint32_t word)
{
	enum {
		OPCODE = 0x7f,
		RD = 0x1f << 7,
		JAL = 0x6f,
		JALR = 0x67,
		BRANCH = 0x63,
		AUIPC = 0x17
	};
	struct gg_code_step step = { .size = 4 };
	const uint32_t operation = word & OPCODE;
	step.is_call = bits(word, 7, 5, 0) == RA &&
		       (operation == JAL || operation == JALR || operation == AUIPC);
	if ((word & (OPCODE | RD)) == JAL) {
		step.flow = GG_FLOW_JUMP;
		step.target = with_sign(bits(word, 31, 1, 20) | bits(word, 12, 8, 12) |
						bits(word, 20, 1, 11) | bits(word, 21, 10, 1),
					20);
	} else if ((word & OPCODE) == BRANCH) {
		step.flow = GG_FLOW_BRANCH;
		step.target = with_sign(bits(word, 31, 1, 12) | bits(word, 7, 1, 11) |
						bits(word, 25, 6, 5) | bits(word, 8, 4, 1),
					12);
	} else if ((word & (OPCODE | RD)) == JALR || word == 0x10200073) { // SRET
		step.flow = GG_FLOW_END;
	}
	return step;
}

static struct gg_code_step flow_of_short(uint32_t half)
{
	struct gg_code_step step = { .size = 2 };
	if ((half & 0xe003) == 0xa001) { // C.J
		step.flow = GG_FLOW_JUMP;
		step.target = with_sign(bits(half, 12, 1, 11) | bits(half, 11, 1, 4) |
						bits(half, 9, 2, 8) | bits(half, 8, 1, 10) |
						bits(half, 7, 1, 6) | bits(half, 6, 1, 7) |
						bits(half, 3, 3, 1) | bits(half, 2, 1, 5),
					11);
	} else if ((half & 0xc003) == 0xc001) { // C.BEQZ, C.BNEZ
		step.flow = GG_FLOW_BRANCH;
		step.target = with_sign(bits(half, 12, 1, 8) | bits(half, 10, 2, 3) |
						bits(half, 5, 2, 6) | bits(half, 3, 2, 1) |
						bits(half, 2, 1, 5),
					8);
	} else if ((half & 0xf07f) == 0x9002) { // C.JALR
		step.is_call = true;
	} else if ((half & 0xf07f) == 0x8002) { // C.JR
		step.flow = GG_FLOW_END;
	}
	return step;
}

static struct gg_code_step step(void *decoder, const uint8_t *code, size_t size,
				struct gg_code_frame *frame)
{
	(void)decoder;
	if (size < 2)
		return (struct gg_code_step){ 0 };
	const uint32_t half = gg_code_half(code);
	if ((half & 3) != 3) {
		change_short(half, frame);
		return flow_of_short(half);
	}
	if (size < 4)
		return (struct gg_code_step){ 0 };
	const uint32_t word = gg_code_word(code);
	change_long(word, frame);
	return flow_of_long(word);
}

// The instructions that tracing replaces: NOP, C.NOP, AUIPC t0.
static uint32_t entry_size(const uint8_t *code, size_t size)
{
	uint32_t entry = 0;
	while (size - entry >= 4) {
		const uint32_t half = gg_code_half(code + entry);
		const uint32_t word = gg_code_word(code + entry);
		if (half == 1)
			entry += 2;
		else if (word == 0x13 || (word & 0xfff) == 0x297)
			entry += 4;
		else
			break;
	}
	return entry;
}

// Linux arch/riscv/kernel/entry.S, head.S.
static const struct gg_code_name names[] = {
	{ "handle_exception", GG_CODE_ENTRY },
	{ "ret_from_exception", GG_CODE_REGISTERS },
	{ "ret_from_syscall*", GG_CODE_REGISTERS },
	{ "call_on_irq_stack", GG_CODE_SWITCH },
	{ "ret_from_fork", GG_CODE_OUTERMOST },
	{ "ret_from_fork_*_asm", GG_CODE_OUTERMOST },
	{ "ret_from_kernel_thread", GG_CODE_OUTERMOST },
	{ "_start_kernel", GG_CODE_OUTERMOST },
	{ "secondary_start_*", GG_CODE_OUTERMOST },
	{ 0 },
};

static const uint8_t registers[] = { DW_OP_breg0 + SP, 0 };

static const struct gg_code_rules rules = {
	.count = 32,
	.sp = SP,
	.fp = FP,
	.ra = RA,
	.pc = PC,
	.step = step,
	.made = { .fp = -16,
		  .ra = -8,
		  .flags = GG_FRAME_BY_FP | GG_FRAME_FP_SAVED | GG_FRAME_RA_SAVED },
	.names = names,
	.first = 1,
	.saved = "ra",
	.saved_pc = "epc",
	.registers = registers,
	.registers_size = sizeof(registers),
	.user_start = 0x1000,
	.user_end = UINT64_C(1) << 62,
};

static const uint8_t argument_registers[] = { 10, 11, 12, 13, 14, 15, 16, 17 };

const struct gg_vmlinux_ops riscv_vmlinux = {
	.argument_registers = argument_registers,
	.argument_register_count = sizeof(argument_registers),
	.entry_size = entry_size,
	.elf_flags = EF_RISCV_RVC,
	.code = &rules,
};
