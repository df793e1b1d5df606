// SPDX-License-Identifier: GPL-3.0-or-later
//
// A made vmlinux on POWER: the instructions that make and end a frame (Power ISA, version 3.0B, book I),
// and the places of arguments (64-bit ELF V2 ABI Specification, section 2.2).
#include "ppc64.h"
#include "arch/instruction.h"
#include "vmlinux/vmlinux-ops.h"

#include <dwarf.h>
#include <elf.h>

enum { SP = 1, LR = 65, NO_REGISTER = 120, SAVED_LR = 16 };

enum {
	NOP = 0x60000000,
	MFLR_R0 = 0x7c0802a6,
	ADDIS_R2_R12 = 0x3c4c0000,
	LIS_R2 = 0x3c400000,
	ADDI_R2_R2 = 0x38420000,
};

static void move_stack_pointer(struct gg_code_frame *frame, int64_t bytes)
{
	frame->depth -= bytes;
	if (frame->depth <= 0)
		frame->flags &= ~(uint64_t)GG_FRAME_CHAINED;
}

// Changes FRAME as an instruction does that sets r1 to BYTES above r31, a copy of an earlier r1: in a function that takes a number
// of bytes in a register from the stack.
static void leave_by_copy(struct gg_code_frame *frame, int64_t bytes)
{
	if (frame->fp_depth)
		move_stack_pointer(frame, frame->depth - frame->fp_depth + bytes);
}

static void change(uint32_t word, struct gg_code_frame *frame)
{
	const int64_t large = INT64_C(1) << 40; // a frame whose size is in a register
	const int64_t immediate = (int16_t)word, scaled = (int16_t)(word & 0xfffc);
	if ((word & 0xffff0003) == 0xf8210001) { // STDU r1, (r1)
		frame->depth -= scaled;
		frame->flags |= GG_FRAME_CHAINED;
	} else if ((word & 0xffff07ff) == 0x7c21016a) { // STDUX r1, r1
		frame->depth += large;
		frame->flags |= GG_FRAME_CHAINED;
	} else if ((word & 0xffff0000) == 0x38210000) { // ADDI r1, r1
		move_stack_pointer(frame, immediate);
	} else if (word == 0x7c3f0b78) { // MR r31, r1
		frame->fp_depth = frame->depth;
	} else if ((word & 0xffff0000) == 0x383f0000) { // ADDI r1, r31
		leave_by_copy(frame, immediate);
	} else if ((word & 0xfc1f07ff) == 0x7c010378) { // MR r1, behind STDU r1 to that stack
		frame->flags |= GG_FRAME_SWITCHED;
	} else if (word == 0xe8210000 && frame->flags & GG_FRAME_SWITCHED) { // LD r1, 0(r1)
		frame->flags &= ~(uint64_t)GG_FRAME_SWITCHED;
	} else if (word == 0xe8210000) {
		move_stack_pointer(frame, frame->depth);
	} else if ((word & 0xffff0003) == 0xf8010000) { // STD r0, (r1)
		if (scaled - frame->depth == SAVED_LR)
			gg_code_save_ra(frame, scaled);
	} else if ((word & 0xfc1fffff) == 0x7c0803a6) { // MTLR
		frame->flags &= ~(uint64_t)GG_FRAME_RA_SAVED;
	}
}

static struct gg_code_step flow_of(uint32_t word)
{
	enum { LINK = 1, ABSOLUTE = 2, ALWAYS = 0x14 << 21 };
	struct gg_code_step step = { .size = 4 };
	const bool is_always = (word & ALWAYS) == ALWAYS;
	step.is_call = word & LINK &&
		       (word >> 26 == 18 || word >> 26 == 16 || (word & 0xfc0003fe) == 0x4c000020);
	if (word >> 26 == 18 && !(word & (LINK | ABSOLUTE))) { // B
		step.flow = GG_FLOW_JUMP;
		step.target = (int32_t)(word << 6) >> 6 & ~3;
	} else if (word >> 26 == 16 && !(word & (LINK | ABSOLUTE))) { // BC
		step.flow = is_always ? GG_FLOW_JUMP : GG_FLOW_BRANCH;
		step.target = (int16_t)(word & 0xfffc);
	} else if ((word & 0xfc0003ff) == 0x4c000020 && is_always) { // BCLR, BCCTR
		step.flow = GG_FLOW_END;
	} else if (word == 0x4c000024 || word == 0x4c000224 || word == 0x4c0000a4) {
		step.flow = GG_FLOW_END; // RFID, HRFID, RFSCV
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
	change(word, frame);
	return flow_of(word);
}

// Tests whether the function sets r2 first: callers of the same kernel enter behind.
static bool sets_r2(const uint8_t *code, size_t size)
{
	if (size < 8)
		return false;
	const uint32_t first = gg_code_word(code) & 0xffff0000;
	return (first == ADDIS_R2_R12 || first == LIS_R2) &&
	       (gg_code_word(code + 4) & 0xffff0000) == ADDI_R2_R2;
}

static uint8_t symbol_other(const uint8_t *code, size_t size)
{
	enum { TWO_INSTRUCTIONS = 3 };
	return sets_r2(code, size) ? TWO_INSTRUCTIONS << STO_PPC64_LOCAL_BIT : 0;
}

// The setting of r2, the instructions that tracing replaces, and the copy of LR.
static uint32_t entry_size(const uint8_t *code, size_t size)
{
	uint32_t entry = sets_r2(code, size) ? 8 : 0;
	while (size - entry >= 4 &&
	       (gg_code_word(code + entry) == NOP || gg_code_word(code + entry) == MFLR_R0))
		entry += 4;
	return entry;
}

// Linux arch/powerpc/kernel/exceptions-64s.S, interrupt_64.S, entry_64.S, head_64.S, and C that changes
// stacks (irq.c).
static const struct gg_code_name names[] = {
	{ "exc_real_*", GG_CODE_OUTERMOST },
	{ "exc_virt_*", GG_CODE_OUTERMOST },
	{ "system_call_common*", GG_CODE_ENTRY },
	{ "system_call_vectored_*", GG_CODE_ENTRY },
	{ "syscall_vectored_*_restart", GG_CODE_REGISTERS },
	{ "syscall_restart", GG_CODE_REGISTERS },
	{ "interrupt_return_*", GG_CODE_REGISTERS },
	{ "fast_interrupt_return_*", GG_CODE_REGISTERS },
	{ "ret_from_fork", GG_CODE_OUTERMOST },
	{ "ret_from_fork_scv", GG_CODE_OUTERMOST },
	{ "ret_from_kernel_*thread", GG_CODE_OUTERMOST },
	{ "start_kernel_thread", GG_CODE_OUTERMOST },
	{ "start_here_common", GG_CODE_OUTERMOST },
	{ "start_secondary_prolog", GG_CODE_OUTERMOST },
	{ "data_access*_common*", GG_CODE_ENTRY },
	{ "instruction_*_common*", GG_CODE_ENTRY },
	{ "hardware_interrupt_common*", GG_CODE_ENTRY },
	{ "alignment_common*", GG_CODE_ENTRY },
	{ "program_check_common*", GG_CODE_ENTRY },
	{ "*decrementer_common*", GG_CODE_ENTRY },
	{ "*doorbell*_common*", GG_CODE_ENTRY },
	{ "single_step_common*", GG_CODE_ENTRY },
	{ "h_*_common*", GG_CODE_ENTRY },
	{ "*_unavailable_common*", GG_CODE_ENTRY },
	{ "emulation_assist_common*", GG_CODE_ENTRY },
	{ "performance_monitor_common*", GG_CODE_ENTRY },
	{ "system_reset_common*", GG_CODE_ENTRY },
	{ "machine_check_*common*", GG_CODE_ENTRY },
	{ "soft_nmi_common*", GG_CODE_ENTRY },
	{ "__do_IRQ", GG_CODE_SWITCH },
	{ "do_softirq_own_stack", GG_CODE_SWITCH },
	{ "call_do_*irq", GG_CODE_SWITCH },
	{ 0 },
};

// Behind the smallest frame of ELF's ABI version 2 where that has a mark (STACK_INT_FRAME_MARKER, since
// v6.2), else of version 1, which is longer by 64 bytes.
static const uint8_t registers[] = { DW_OP_breg1,   48,         DW_OP_breg1, 32,        DW_OP_deref,
				     DW_OP_const4u, 0x52,       0x45,        0x47,      0x53,
				     DW_OP_ne,      DW_OP_lit6, DW_OP_shl,   DW_OP_plus };

static const struct gg_code_rules rules = {
	.count = 32,
	.sp = SP,
	.fp = GG_NO_COLUMN,
	.ra = LR,
	.pc = NO_REGISTER,
	.step = step,
	.made = { .ra = SAVED_LR, .flags = GG_FRAME_CHAINED | GG_FRAME_RA_SAVED },
	.names = names,
	.saved = "gpr",
	.saved_pc = "nip",
	.saved_ra = "link",
	.registers = registers,
	.registers_size = sizeof(registers),
	.user_start = 0x1000,
	.user_end = UINT64_C(1) << 62,
};

static const uint8_t argument_registers[] = { 3, 4, 5, 6, 7, 8, 9, 10 };

const struct gg_vmlinux_ops ppc64_vmlinux = {
	.argument_registers = argument_registers,
	.argument_register_count = sizeof(argument_registers),
	.entry_size = entry_size,
	.elf_flags = 2, // the ABI's version
	.symbol_other = symbol_other,
	.code = &rules,
};
