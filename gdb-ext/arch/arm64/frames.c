// SPDX-License-Identifier: GPL-3.0-or-later
//
// A made vmlinux on AArch64: the instructions that make and end a frame (Arm Architecture Reference
// Manual, C6.2), and the places of arguments. Linux has all code keep a frame record in x29.
#include "arm64.h"
#include "arch/instruction.h"
#include "vmlinux/vmlinux-ops.h"

#include <dwarf.h>
#include <string.h>

enum { FP = 29, RA = 30, SP = 31, PC = 32 }; // DWARF for the Arm 64-bit Architecture, section 4.1

// Returns the signed field of BITS bits at SHIFT.
static int64_t field(uint32_t word, unsigned int shift, unsigned int bits)
{
	return (int32_t)(word << (32 - shift - bits)) >> (32 - bits);
}

// Returns the immediate of ADD and SUB.
static int64_t immediate(uint32_t word)
{
	return (int64_t)(word >> 10 & 0xfff) << (word >> 22 & 1 ? 12 : 0);
}

static void save_pair(struct gg_code_frame *frame, bool is_pair, int64_t place)
{
	if (!is_pair)
		return;
	gg_code_save_fp(frame, place);
	gg_code_save_ra(frame, place + 8);
}

static void restore_pair(struct gg_code_frame *frame, bool is_pair, int64_t place)
{
	if (!is_pair)
		return;
	gg_code_restore_fp(frame, place);
	gg_code_restore_ra(frame, place + 8);
}

// Changes FRAME as an instruction that saves or restores registers on the stack does. An index is added
// to the stack pointer before registers are saved, and after they are restored.
static void move_registers(uint32_t word, struct gg_code_frame *frame)
{
	enum { FP_AND_RA = 0x7bfd, REGISTERS = 0x7fff, REGISTER = 0x1f };
	const int64_t pair = field(word, 15, 7) * 8, index = field(word, 12, 9);
	const int64_t offset = (int64_t)(word >> 10 & 0xfff) * 8;
	const bool is_pair = (word & REGISTERS) == FP_AND_RA, is_ra = (word & REGISTER) == RA;
	if ((word & 0xffc003e0) == 0xa98003e0) { // STP, pre-index
		frame->depth -= pair;
		save_pair(frame, is_pair, 0);
	} else if ((word & 0xffc003e0) == 0xa90003e0) { // STP
		save_pair(frame, is_pair, pair);
	} else if ((word & 0xffe00fe0) == 0xf8000fe0) { // STR, pre-index
		frame->depth -= index;
		if (is_ra)
			gg_code_save_ra(frame, 0);
	} else if ((word & 0xffc003e0) == 0xf90003e0) { // STR
		if (is_ra)
			gg_code_save_ra(frame, offset);
	} else if ((word & 0xffc003e0) == 0xa8c003e0) { // LDP, post-index
		restore_pair(frame, is_pair, 0);
		frame->depth -= pair;
	} else if ((word & 0xffc003e0) == 0xa94003e0) { // LDP
		restore_pair(frame, is_pair, pair);
	} else if ((word & 0xffe00fe0) == 0xf84007e0) { // LDR, post-index
		if (is_ra)
			gg_code_restore_ra(frame, 0);
		frame->depth -= index;
	} else if ((word & 0xffc003e0) == 0xf94003e0) { // LDR
		if (is_ra)
			gg_code_restore_ra(frame, offset);
	}
}

static void move_pointers(uint32_t word, struct gg_code_frame *frame)
{
	switch (word & 0xff8003ff) {
	case 0xd10003ff: // SUB SP, SP
		frame->depth += immediate(word);
		break;
	case 0x910003ff: // ADD SP, SP
		frame->depth -= immediate(word);
		break;
	case 0x910003fd: // ADD X29, SP; MOV
		frame->fp_depth = frame->depth - immediate(word);
		frame->flags |= GG_FRAME_BY_FP;
		break;
	case 0x910003bf: // ADD SP, X29; MOV
		frame->depth = frame->fp_depth - immediate(word);
		break;
	case 0xd10003bf: // SUB SP, X29
		frame->depth = frame->fp_depth + immediate(word);
		break;
	}
	if ((word & 0xffffffbf) == 0xd503233f) // PACIASP, PACIBSP
		frame->flags |= GG_FRAME_SIGNED;
	else if ((word & 0xffffffbf) == 0xd50323bf) // AUTIASP, AUTIBSP
		frame->flags &= ~(uint64_t)GG_FRAME_SIGNED;
}

static struct gg_code_step flow_of(uint32_t word)
{
	struct gg_code_step step = { .size = 4, .flow = GG_FLOW_NEXT };
	if (word >> 26 == 5) { // B
		step.flow = GG_FLOW_JUMP;
		step.target = field(word, 0, 26) * 4;
	} else if (word >> 26 == 0x25) { // BL
		step.is_call = true;
	} else if (word >> 24 == 0x54 || (word & 0x7e000000) == 0x34000000) { // B.cond, CBZ, CBNZ
		step.flow = GG_FLOW_BRANCH;
		step.target = field(word, 5, 19) * 4;
	} else if ((word & 0x7e000000) == 0x36000000) { // TBZ, TBNZ
		step.flow = GG_FLOW_BRANCH;
		step.target = field(word, 5, 14) * 4;
	} else if ((word & 0xff9ff000) == 0xd61f0000 || (word & 0xfffff000) == 0xd71f0000) {
		// BR, RET, and their forms with a signature; not BLR.
		step.is_call = word >> 21 & 1 && !(word >> 22 & 1);
		step.flow = step.is_call ? GG_FLOW_NEXT : GG_FLOW_END;
	}
	return step;
}

static struct gg_code_step step(void *decoder, const uint8_t *code, size_t size,
				struct gg_code_frame *frame)
{
	(void)decoder;
	if (size < 4)
		return (struct gg_code_step){ 0 };
	const uint32_t word = gg_code_word(code);
	move_registers(word, frame);
	move_pointers(word, frame);
	return flow_of(word);
}

// BTI, the instructions that tracing replaces, and the signature.
static uint32_t entry_size(const uint8_t *code, size_t size)
{
	uint32_t entry = 0;
	for (; size - entry >= 4; entry += 4) {
		const uint32_t word = gg_code_word(code + entry);
		if (word != 0xd503201f && word != 0xaa1e03e9 && word != 0xd503233f &&
		    (word & 0xffffff3f) != 0xd503241f)
			break;
	}
	return entry;
}

// Linux arch/arm64/kernel/entry.S, head.S.
static const struct gg_code_name names[] = {
	{ "vectors", GG_CODE_OUTERMOST },
	{ "el1[ht]_64_sync", GG_CODE_ENTRY },
	{ "el1[ht]_64_irq", GG_CODE_ENTRY },
	{ "el1[ht]_64_fiq", GG_CODE_ENTRY },
	{ "el1[ht]_64_error", GG_CODE_ENTRY },
	{ "ret_to_kernel", GG_CODE_REGISTERS },
	// PAN keeps the gdbstub from programs' memory, and GDB guesses a caller of code that it cannot read.
	{ "el0t_[36][24]_sync", GG_CODE_OUTERMOST },
	{ "el0t_[36][24]_irq", GG_CODE_OUTERMOST },
	{ "el0t_[36][24]_fiq", GG_CODE_OUTERMOST },
	{ "el0t_[36][24]_error", GG_CODE_OUTERMOST },
	{ "ret_to_user", GG_CODE_OUTERMOST },
	{ "call_on_irq_stack", GG_CODE_SWITCH },
	{ "ret_from_fork", GG_CODE_OUTERMOST },
	{ "__primary_switched", GG_CODE_OUTERMOST },
	{ "__secondary_switched", GG_CODE_OUTERMOST },
	{ 0 },
};

static const uint8_t registers[] = { DW_OP_breg31, 0 };

static const struct gg_code_rules rules = {
	.count = 32,
	.sp = SP,
	.fp = FP,
	.ra = RA,
	.pc = PC,
	.step = step,
	// A frame record.
	.made = { .fp_depth = 16,
		  .fp = -16,
		  .ra = -8,
		  .flags = GG_FRAME_BY_FP | GG_FRAME_FP_SAVED | GG_FRAME_RA_SAVED |
			   GG_FRAME_SIGNED | GG_FRAME_NO_SP },
	.names = names,
	.saved = "regs",
	.saved_pc = "pc",
	.registers = registers,
	.registers_size = sizeof(registers),
	.user_start = 0x1000,
	.user_end = UINT64_C(1) << 55,
};

static const uint8_t argument_registers[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

const struct gg_vmlinux_ops arm64_vmlinux = {
	.argument_registers = argument_registers,
	.argument_register_count = sizeof(argument_registers),
	.entry_size = entry_size,
	.code = &rules,
};
