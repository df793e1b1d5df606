// SPDX-License-Identifier: GPL-3.0-or-later
//
// The frame of a function of 32 bits in the middle of its code: a compiler makes the frame pointer some
// instructions behind the function's start, and a function may return before it has one.
//
// In:  the instructions from the function's start on.
// Out: the places of the return address and of the caller's frame pointer.
// Trusts nothing it reads: at most MAX_CODE bytes are looked at.
#include "unwind.h"

#include <capstone/capstone.h>

enum { MAX_CODE = 16 << 10, STACK_SLOT = 4, TARGETS = 64 };

static bool is_register(const cs_x86_op *operand, x86_reg id)
{
	return operand->type == X86_OP_REG && operand->reg == id;
}

static void pop(struct x86_code_frame *frame, bool is_bp)
{
	frame->depth -= STACK_SLOT;
	if (is_bp)
		frame->has_bp = frame->is_by_bp = false;
}

// Changes FRAME as an instruction does that writes the stack pointer to its first operand.
static void set_sp(const cs_insn *instruction, struct x86_code_frame *frame)
{
	const cs_x86_op *from = &instruction->detail->x86.operands[1];
	const bool by_bp = instruction->id == X86_INS_LEA && from->mem.base == X86_REG_EBP &&
			   from->mem.index == X86_REG_INVALID;
	if (instruction->id == X86_INS_SUB && from->type == X86_OP_IMM)
		frame->depth += from->imm;
	else if (instruction->id == X86_INS_ADD && from->type == X86_OP_IMM)
		frame->depth -= from->imm;
	else if (frame->is_by_bp && by_bp)
		frame->depth = frame->bp_depth - from->mem.disp;
	else if (frame->is_by_bp && instruction->id == X86_INS_MOV &&
		 is_register(from, X86_REG_EBP))
		frame->depth = frame->bp_depth;
	else
		frame->is_unknown = true;
}

// Changes FRAME as INSTRUCTION does.
static void execute(const cs_insn *instruction, struct x86_code_frame *frame)
{
	const cs_x86 *x86 = &instruction->detail->x86;
	const bool is_bp = x86->op_count && is_register(&x86->operands[0], X86_REG_EBP);
	switch (instruction->id) {
	case X86_INS_PUSH:
	case X86_INS_PUSHFD:
		frame->depth += STACK_SLOT;
		if (is_bp && !frame->has_bp) {
			frame->has_bp = true;
			frame->bp_depth = frame->depth;
		}
		return;
	case X86_INS_POP:
	case X86_INS_POPFD:
		pop(frame, is_bp);
		return;
	case X86_INS_LEAVE:
		frame->depth = frame->bp_depth;
		pop(frame, true);
		return;
	}
	if (x86->op_count < 2)
		return;
	if (is_register(&x86->operands[0], X86_REG_ESP) && instruction->id != X86_INS_CMP &&
	    instruction->id != X86_INS_TEST)
		set_sp(instruction, frame);
	else if (is_bp && instruction->id == X86_INS_MOV &&
		 is_register(&x86->operands[1], X86_REG_ESP) && frame->has_bp)
		frame->is_by_bp = true;
}

// The frames at the targets of branches, in a ring: a target is mostly soon behind.
struct targets {
	struct target {
		uint64_t address;
		struct x86_code_frame frame;
	} ring[TARGETS];
	unsigned int next;
};

static void add_target(const cs_insn *instruction, const struct x86_code_frame *frame,
		       struct targets *targets)
{
	const cs_x86_op *to = &instruction->detail->x86.operands[0];
	if (instruction->detail->x86.op_count == 1 && to->type == X86_OP_IMM)
		targets->ring[targets->next++ % TARGETS] =
			(struct target){ (uint64_t)to->imm, *frame };
}

// Returns the frame at the target ADDRESS; NULL where no branch leads.
static const struct x86_code_frame *find_target(const struct targets *targets, uint64_t address)
{
	for (unsigned int i = 0; i < TARGETS; i++)
		if (targets->ring[i].address == address)
			return &targets->ring[i].frame;
	return NULL;
}

struct flow {
	struct targets targets;
	struct x86_code_frame most; // when most was in the frame
	bool is_lost;               // behind a return or a jump
};

static bool is_more(const struct x86_code_frame *a, const struct x86_code_frame *b)
{
	return a->is_by_bp != b->is_by_bp ? a->is_by_bp : a->depth > b->depth;
}

// Moves FRAME behind INSTRUCTION.
static void advance(csh handle, const cs_insn *instruction, struct flow *flow,
		    struct x86_code_frame *frame)
{
	execute(instruction, frame);
	if (is_more(frame, &flow->most))
		flow->most = *frame;
	if (cs_insn_group(handle, instruction, CS_GRP_JUMP))
		add_target(instruction, frame, &flow->targets);
	flow->is_lost |= instruction->id == X86_INS_RET || instruction->id == X86_INS_JMP;
}

// Moves FRAME to the code at ADDRESS. Behind a return or a jump that is the code that a branch leads to, or code
// of the function's largest frame.
static void enter(struct flow *flow, uint64_t address, struct x86_code_frame *frame)
{
	if (!flow->is_lost)
		return;
	const struct x86_code_frame *target = find_target(&flow->targets, address);
	*frame = target ? *target : flow->most;
	flow->is_lost = !target;
}

// Executes the SIZE bytes of CODE, at START.
static struct gg_error *follow(csh handle, const uint8_t *code, size_t size, gg_gva_t start,
			       struct x86_code_frame *ret)
{
	struct flow *flow = calloc(1, sizeof(*flow));
	cs_insn *instruction = cs_malloc(handle);
	uint64_t address = start;
	*ret = (struct x86_code_frame){ 0 };
	while (flow && instruction && cs_disasm_iter(handle, &code, &size, &address, instruction)) {
		advance(handle, instruction, flow, ret);
		enter(flow, address, ret);
	}
	const bool failed = !flow || !instruction;
	free(flow);
	if (instruction)
		cs_free(instruction, 1);
	return failed ? gg_enomem : NULL;
}

struct gg_error *x86_code_frame(const struct gg_host *kernel, gg_gva_t start, gg_gva_t pc,
				struct x86_code_frame *ret)
{
	csh handle;
	const size_t size = (size_t)(pc - start);
	*ret = (struct x86_code_frame){ .is_unknown = true };
	if (size > MAX_CODE)
		return NULL;
	uint8_t *code = malloc(size + 1);
	if (!code)
		return gg_enomem;
	struct gg_error *err = gg_host_read(kernel, start, code, size);
	const bool failed = err;
	err = gg_error_unless_final(err);
	if (!failed && cs_open(CS_ARCH_X86, CS_MODE_32, &handle) == CS_ERR_OK) {
		cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
		err = follow(handle, code, size, start, ret);
		cs_close(&handle);
	}
	free(code);
	return err;
}
