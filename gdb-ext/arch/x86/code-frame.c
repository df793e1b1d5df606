// SPDX-License-Identifier: GPL-3.0-or-later
//
// The instructions of 32 bits that make and end a function's frame.
//
// In:  an instruction.
// Out: the change of the frame, the flow of control.
#include "decoder.h"
#include "unwind.h"

enum { STACK_SLOT = 4 };

static bool is_register(const cs_x86_op *operand, x86_reg id)
{
	return operand->type == X86_OP_REG && operand->reg == id;
}

static void pop(struct gg_code_frame *frame, bool is_bp)
{
	frame->depth -= STACK_SLOT;
	if (is_bp)
		frame->flags &= ~(uint64_t)(GG_FRAME_FP_SAVED | GG_FRAME_BY_FP);
}

// Moves the stack pointer to DEPTH bytes below the caller's, behind the aligned part of the stack.
static void take_apart(int64_t depth, struct gg_code_frame *frame)
{
	// The call has pushed the return address.
	*frame = (struct gg_code_frame){ .depth = depth,
					 .ra = -STACK_SLOT,
					 .flags = GG_FRAME_RA_SAVED };
}

// Changes FRAME as an instruction does that writes the stack pointer to its first operand. A function that aligns its stack before
// it has a frame pointer keeps the caller's stack pointer in another register, by which it takes the frame apart.
static void set_sp(const cs_insn *instruction, struct gg_code_frame *frame)
{
	const cs_x86_op *from = &instruction->detail->x86.operands[1];
	const bool by_register =
		instruction->id == X86_INS_LEA && from->mem.index == X86_REG_INVALID;
	const bool by_bp = by_register && from->mem.base == X86_REG_EBP;
	if (instruction->id == X86_INS_SUB && from->type == X86_OP_IMM)
		frame->depth += from->imm;
	else if (instruction->id == X86_INS_ADD && from->type == X86_OP_IMM)
		frame->depth -= from->imm;
	else if (frame->flags & GG_FRAME_BY_FP && by_bp)
		frame->depth = frame->fp_depth - from->mem.disp;
	else if (frame->flags & GG_FRAME_BY_FP && instruction->id == X86_INS_MOV &&
		 is_register(from, X86_REG_EBP))
		frame->depth = frame->fp_depth;
	else if (frame->flags & GG_FRAME_NO_SP && by_register && from->mem.disp < 0)
		take_apart(-from->mem.disp, frame);
	else if (!(frame->flags & GG_FRAME_BY_FP))
		frame->flags |= GG_FRAME_NO_SP;
}

// Makes the frame that ebp leads to. In an aligned stack a copy of the return address is behind the caller's ebp.
static void set_bp(struct gg_code_frame *frame)
{
	if (frame->flags & GG_FRAME_NO_SP) {
		frame->ra = -STACK_SLOT;
		frame->fp = -2 * STACK_SLOT;
		frame->depth = 2 * STACK_SLOT;
	}
	frame->fp_depth = frame->depth;
	frame->flags |= GG_FRAME_BY_FP;
}

// Changes FRAME as INSTRUCTION does.
static void execute(const cs_insn *instruction, struct gg_code_frame *frame)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	const bool is_bp = x86->op_count && is_register(&x86->operands[0], X86_REG_EBP);
	switch (instruction->id) {
	case X86_INS_PUSH:
	case X86_INS_PUSHFD:
		frame->depth += STACK_SLOT;
		if (is_bp)
			gg_code_save_fp(frame, 0);
		return;
	case X86_INS_POP:
	case X86_INS_POPFD:
		pop(frame, is_bp);
		return;
	case X86_INS_LEAVE:
		frame->depth = -frame->fp;
		pop(frame, true);
		return;
	}
	if (x86->op_count < 2)
		return;
	if (is_register(&x86->operands[0], X86_REG_ESP) && instruction->id != X86_INS_CMP &&
	    instruction->id != X86_INS_TEST) {
		set_sp(instruction, frame);
	} else if (is_bp && instruction->id == X86_INS_MOV &&
		   is_register(&x86->operands[1], X86_REG_ESP) &&
		   frame->flags & GG_FRAME_FP_SAVED) {
		set_bp(frame);
	}
}

static struct gg_code_step flow_of(csh handle, const cs_insn *instruction)
{
	struct gg_code_step step = { .size = instruction->size,
				     .is_call = cs_insn_group(handle, instruction, CS_GRP_CALL) };
	const cs_x86 *x86 = &instruction->detail->x86;
	const bool is_jump = cs_insn_group(handle, instruction, CS_GRP_JUMP);
	if (is_jump && x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM) {
		step.flow = instruction->id == X86_INS_JMP ? GG_FLOW_JUMP : GG_FLOW_BRANCH;
		step.target = (int32_t)(x86->operands[0].imm - (int64_t)instruction->address);
	} else if (is_jump || instruction->id == X86_INS_UD2 ||
		   cs_insn_group(handle, instruction, CS_GRP_RET) ||
		   cs_insn_group(handle, instruction, CS_GRP_IRET)) {
		step.flow = GG_FLOW_END;
	}
	return step;
}

void x86_code_close(void *data)
{
	struct x86_decoder *decoder = data;
	if (decoder->instruction)
		cs_free(decoder->instruction, 1);
	if (decoder->handle)
		cs_close(&decoder->handle);
	free(decoder);
}

struct gg_error *x86_code_open(void **ret)
{
	struct x86_decoder *decoder = calloc(1, sizeof(*decoder));
	if (!decoder)
		return gg_enomem;
	if (cs_open(CS_ARCH_X86, CS_MODE_32, &decoder->handle) == CS_ERR_OK) {
		cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON);
		decoder->instruction = cs_malloc(decoder->handle);
	}
	if (!decoder->instruction) {
		x86_code_close(decoder);
		return gg_enomem;
	}
	*ret = decoder;
	return NULL;
}

struct gg_code_step x86_code_step(void *data, const uint8_t *code, size_t size,
				  struct gg_code_frame *frame)
{
	const struct x86_decoder *decoder = data;
	uint64_t address = 0;
	if (!cs_disasm_iter(decoder->handle, &code, &size, &address, decoder->instruction))
		return (struct gg_code_step){ 0 };
	execute(decoder->instruction, frame);
	return flow_of(decoder->handle, decoder->instruction);
}
