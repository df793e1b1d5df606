// SPDX-License-Identifier: GPL-3.0-or-later
//
// A made vmlinux on s390x: the instructions that make and end a frame (z/Architecture Principles of
// Operation, chapter 7), and the places of arguments. Linux has all code keep a back chain, at the end of
// the frame (the compiler's -mbackchain and -mpacked-stack).
#include "s390.h"
#include "vmlinux/vmlinux-ops.h"

#include <dwarf.h>

// DWARF's numbers (s390x ELF ABI Supplement, table 1.17).
enum { FP = 11, RA = 14, SP = 15, PSW_ADDRESS = 65, WORD = 8, BIAS = 160, CHAIN = 152 };

static int64_t half_at(const uint8_t *code)
{
	return (int16_t)(code[0] << 8 | code[1]);
}

static int64_t word_at(const uint8_t *code)
{
	return (int32_t)((uint32_t)code[0] << 24 | (uint32_t)code[1] << 16 |
			 (uint32_t)code[2] << 8 | code[3]);
}

// Returns the displacement of 20 bits.
static int64_t displacement(const uint8_t *code)
{
	return (int64_t)(int8_t)code[4] * 4096 + ((code[2] & 0xf) << 8 | code[3]);
}

static void move_stack_pointer(struct gg_code_frame *frame, int64_t bytes)
{
	frame->depth -= bytes;
	if (frame->depth <= 0)
		frame->flags &= ~(uint64_t)GG_FRAME_CHAINED;
}

// Changes FRAME as an instruction that saves the registers FIRST to LAST at PLACE, from the stack
// pointer, does.
static void save(struct gg_code_frame *frame, unsigned int first, unsigned int last, int64_t place)
{
	if (place == CHAIN && first == last && frame->depth) {
		frame->flags |= GG_FRAME_CHAINED;
		return;
	}
	if (first <= RA && RA <= last)
		gg_code_save_ra(frame, place + WORD * (int64_t)(RA - first));
	if (first <= FP && FP <= last)
		gg_code_save_fp(frame, place + WORD * (int64_t)(FP - first));
}

// Changes FRAME as an instruction that restores the registers FIRST to LAST does.
static void restore(struct gg_code_frame *frame, unsigned int first, unsigned int last,
		    int64_t place)
{
	if (first <= RA && RA <= last)
		gg_code_restore_ra(frame, place + WORD * (int64_t)(RA - first));
	if (first <= FP && FP <= last)
		gg_code_restore_fp(frame, place + WORD * (int64_t)(FP - first));
}

// Changes FRAME as an instruction does that takes a number of bytes in a register from the stack. The back chain is
// written behind, and r11 is the frame pointer of such a function.
static void take_more(struct gg_code_frame *frame)
{
	if (!frame->fp_depth)
		return;
	frame->flags &= ~(uint64_t)GG_FRAME_CHAINED;
	frame->flags |= GG_FRAME_BY_FP;
}

// Changes FRAME as the instruction of six bytes with the base register r15 does.
static void change_long(const uint8_t *code, struct gg_code_frame *frame)
{
	enum { STMG = 0xeb24, LMG = 0xeb04, STG = 0xe324, LG = 0xe304, LAY = 0xe371 };
	const unsigned int first = code[1] >> 4, last = code[1] & 0xf;
	switch (code[0] << 8 | code[5]) {
	case STMG:
		save(frame, first, last, displacement(code));
		break;
	case LMG:
		restore(frame, first, last, displacement(code));
		break;
	case STG:
		if (!last)
			save(frame, first, first, displacement(code));
		break;
	case LG:
		if (!last)
			restore(frame, first, first, displacement(code));
		break;
	case LAY:
		if (first == SP && !last)
			move_stack_pointer(frame, displacement(code));
		break;
	}
}

// Tests for LMG of the caller's registers, up to r15: a function's end.
static bool loads_sp(const uint8_t *code)
{
	const unsigned int first = code[1] >> 4, last = code[1] & 0xf;
	return code[0] == 0xeb && code[5] == 0x04 && last == SP && first != SP;
}

static void change(const uint8_t *code, unsigned int size, struct gg_code_frame *frame)
{
	enum { AGHI = 0xa7fb, AGFI = 0xc2f8, LA = 0x41f0, LGR = 0xb904, FP_SP = FP << 4 | SP };
	const unsigned int opcode = (unsigned int)code[0] << 8 | code[1];
	// SGR, SLGR.
	const bool subtracts = opcode == 0xb909 || opcode == 0xb90b;
	if (size == 4 && opcode == AGHI)
		move_stack_pointer(frame, half_at(code + 2));
	else if (size == 4 && opcode == LA && code[2] >> 4 == SP)
		move_stack_pointer(frame, (code[2] & 0xf) << 8 | code[3]);
	else if (size == 6 && opcode == AGFI)
		move_stack_pointer(frame, word_at(code + 2));
	else if (size == 4 && opcode == LGR && code[3] == FP_SP)
		frame->fp_depth = frame->depth;
	else if (size == 4 && subtracts && code[3] >> 4 == SP)
		take_more(frame);
	else if (size == 6 && loads_sp(code))
		*frame = (struct gg_code_frame){ 0 };
	else if (size == 6 && code[2] >> 4 == SP)
		change_long(code, frame);
}

// Tests whether the instruction of six bytes compares, or counts, and branches to an address relative
// to its own.
static bool is_compare_and_branch(const uint8_t *code)
{
	switch (code[5]) {
	case 0x44:
	case 0x45:
	case 0x64:
	case 0x65:
	case 0x76:
	case 0x77:
	case 0x7c:
	case 0x7d:
	case 0x7e:
	case 0x7f:
		return code[0] == 0xec;
	}
	return false;
}

static void set_branch(struct gg_code_step *step, unsigned int mask, int64_t halves)
{
	enum { ALWAYS = 15 };
	step->flow = mask == ALWAYS ? GG_FLOW_JUMP : mask ? GG_FLOW_BRANCH : GG_FLOW_NEXT;
	step->target = 2 * halves;
}

static struct gg_code_step flow_of(const uint8_t *code, unsigned int size)
{
	struct gg_code_step step = { .size = size };
	const unsigned int opcode = (unsigned int)code[0] << 4 | (code[1] & 0xf);
	const unsigned int first = code[1] >> 4;
	// BRASL, BASR, BRAS.
	step.is_call = opcode == 0xc05 || code[0] == 0x0d || opcode == 0xa75;
	if (size == 2 && code[0] == 0x07 && first == 0xf && code[1] & 0xf) // BCR
		step.flow = GG_FLOW_END;
	else if (size == 4 && opcode == 0xa74) // BRC
		set_branch(&step, first, half_at(code + 2));
	else if (size == 4 && (opcode == 0xa76 || opcode == 0xa77)) // BRCT, BRCTG
		set_branch(&step, 1, half_at(code + 2));
	else if (size == 4 && code[0] == 0xb2 && code[1] == 0xb2) // LPSWE
		step.flow = GG_FLOW_END;
	else if (size == 6 && opcode == 0xc04) // BRCL
		set_branch(&step, first, word_at(code + 2));
	else if (size == 6 && is_compare_and_branch(code))
		set_branch(&step, 1, half_at(code + 2));
	return step;
}

static struct gg_code_step step(void *decoder, const uint8_t *code, size_t size,
				struct gg_code_frame *frame)
{
	(void)decoder;
	static const uint8_t sizes[] = { 2, 4, 4, 6 };
	const unsigned int length = size ? sizes[code[0] >> 6] : 0;
	if (!length || length > size)
		return (struct gg_code_step){ 0 };
	change(code, length, frame);
	return flow_of(code, length);
}

// The branch that tracing replaces: BRCL 0.
static uint32_t entry_size(const uint8_t *code, size_t size)
{
	return size >= 6 && code[0] == 0xc0 && code[1] == 0x04 ? 6 : 0;
}

// Linux arch/s390/kernel/entry.S, head64.S, and C with CALL_ON_STACK (asm/stacktrace.h).
static const struct gg_code_name names[] = {
	{ "system_call", GG_CODE_ENTRY },          { "pgm_check_handler", GG_CODE_ENTRY },
	{ "ext_int_handler", GG_CODE_ENTRY },      { "io_int_handler", GG_CODE_ENTRY },
	{ "mcck_int_handler", GG_CODE_ENTRY },     { "do_irq_async", GG_CODE_SWITCH },
	{ "do_softirq*", GG_CODE_SWITCH },         { "irq_exit*", GG_CODE_SWITCH },
	{ "__irq_exit_rcu", GG_CODE_SWITCH },      { "ret_from_fork", GG_CODE_OUTERMOST },
	{ "startup_continue", GG_CODE_OUTERMOST }, { "restart_int_handler", GG_CODE_OUTERMOST },
	{ "smp_start_secondary", GG_CODE_SWITCH }, { 0 },
};

static const uint8_t registers[] = { DW_OP_breg15, 0xa0, 0x01 }; // STACK_FRAME_OVERHEAD

// Programs and the kernel have the same addresses: a program's pc gets the highest bit. The PSW's problem
// state is bit 48 of the word below the address.
static const uint8_t filter[] = { DW_OP_dup, DW_OP_lit8, DW_OP_minus, DW_OP_deref, DW_OP_const1u,
				  48,        DW_OP_shr,  DW_OP_lit1,  DW_OP_and,   DW_OP_const1u,
				  63,        DW_OP_shl,  DW_OP_swap,  DW_OP_deref, DW_OP_or };

static const struct gg_code_rules rules = {
	.count = 16,
	.sp = SP,
	.fp = FP,
	.ra = RA,
	.pc = PSW_ADDRESS,
	.bias = BIAS,
	.chain = CHAIN,
	.step = step,
	// r14 is the third word below the back chain's end.
	.made = { .ra = BIAS - 3 * WORD, .flags = GG_FRAME_CHAINED | GG_FRAME_RA_SAVED },
	.names = names,
	.saved = "gprs",
	.saved_pc = "psw.addr",
	.registers = registers,
	.registers_size = sizeof(registers),
	.filter = filter,
	.filter_size = sizeof(filter),
	.user_start = UINT64_C(1) << 63,
	.user_end = UINT64_MAX,
};

static const uint8_t argument_registers[] = { 2, 3, 4, 5, 6 };

const struct gg_vmlinux_ops s390_vmlinux = {
	.argument_registers = argument_registers,
	.argument_register_count = sizeof(argument_registers),
	.entry_size = entry_size,
	.code = &rules,
};
