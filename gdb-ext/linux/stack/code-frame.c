// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the instructions from the function's start on, by the architecture's rules; registers.
// Out: the places of the return address and of the caller's frame pointer.
// Trusts nothing it reads: at most MAX_CODE bytes are looked at.
#include "code-frame.h"
#include "arch/arch.h"
#include "base/cleanup.h"
#include "code.h"
#include "linux/symbols/symbols.h"
#include "start.h"
#include "vmlinux/vmlinux-ops.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CODE = 16 << 10, TARGETS = 64 };

// The frames at the targets of branches, in a ring: a target is mostly soon behind.
struct targets {
	struct target {
		uint64_t address;
		struct gg_code_frame frame;
	} ring[TARGETS];
	unsigned int next;
};

static void add_target(uint64_t address, const struct gg_code_frame *frame, struct targets *targets)
{
	targets->ring[targets->next++ % TARGETS] = (struct target){ address, *frame };
}

// Returns the frame at the target ADDRESS; NULL where no branch leads.
static const struct gg_code_frame *find_target(const struct targets *targets, uint64_t address)
{
	for (unsigned int i = 0; i < TARGETS; i++)
		if (targets->ring[i].address == address)
			return &targets->ring[i].frame;
	return NULL;
}

struct flow {
	struct targets targets;
	struct gg_code_frame most; // when most was in the frame
	bool is_lost;              // behind a return or a jump
};

static bool is_more(const struct gg_code_frame *a, const struct gg_code_frame *b)
{
	const uint64_t by_fp = GG_FRAME_BY_FP;
	return (a->flags & by_fp) != (b->flags & by_fp) ? a->flags & by_fp : a->depth > b->depth;
}

// Moves FRAME to the code at ADDRESS. Behind a return or a jump that is the code that a branch leads to, or code
// of the function's largest frame.
static void enter(struct flow *flow, uint64_t address, struct gg_code_frame *frame)
{
	if (!flow->is_lost)
		return;
	const struct gg_code_frame *target = find_target(&flow->targets, address);
	*frame = target ? *target : flow->most;
	flow->is_lost = !target;
}

// Executes the SIZE bytes of CODE, at START.
static struct gg_error *follow(const struct gg_code_rules *rules, void *decoder,
			       const uint8_t *code, size_t size, gg_gva_t start,
			       struct gg_code_frame *ret)
{
	struct gg_code_step step = { .size = 1 };
	size_t place = 0;
	_cleanup_free_ struct flow *flow = calloc(1, sizeof(*flow));
	if (!flow)
		return gg_enomem;
	*ret = rules->start;
	for (; step.size && place < size; place += step.size) {
		step = rules->step(decoder, code + place, size - place, ret);
		if (is_more(ret, &flow->most))
			flow->most = *ret;
		if (step.flow == GG_FLOW_BRANCH || step.flow == GG_FLOW_JUMP)
			add_target(start + place + (uint64_t)step.target, ret, &flow->targets);
		flow->is_lost |= step.flow == GG_FLOW_JUMP || step.flow == GG_FLOW_END;
		enter(flow, start + place + step.size, ret);
	}
	if (place != size)
		ret->flags |= GG_FRAME_NO_SP;
	return NULL;
}

static struct gg_error *find_frame(const struct gg_unwind *unwind,
				   const struct gg_code_rules *rules, gg_gva_t start,
				   struct gg_code_frame *ret)
{
	void *decoder = NULL;
	const size_t size = (size_t)(unwind->pc - start);
	_cleanup_free_ uint8_t *code = malloc(size + 1);
	if (!code)
		return gg_enomem;
	struct gg_error *err = gg_host_read(&unwind->kernel->typed, start, code, size);
	if (err)
		return gg_error_unless_final(err);
	if (rules->open)
		err = rules->open(&decoder);
	if (!err)
		err = follow(rules, decoder, code, size, start, ret);
	if (decoder)
		rules->close(decoder);
	return err;
}

struct gg_error *gg_stack_code_frame(const struct gg_unwind *unwind, struct gg_code_frame *ret)
{
	const struct gg_code_rules *rules = unwind->kernel->arch->vmlinux->code;
	struct gg_symbol symbol;
	*ret = (struct gg_code_frame){ .flags = GG_FRAME_NO_SP };
	struct gg_error *err = gg_symbols_at(unwind->kernel->symbols, unwind->pc, &symbol);
	if (err)
		return gg_error_unless_final(err);
	const enum gg_code_kind kind = gg_code_kind_of(rules, symbol.name);
	if (unwind->pc - symbol.address > MAX_CODE || gg_code_is_part(symbol.name) ||
	    kind == GG_CODE_REGISTERS || kind == GG_CODE_ENTRY || kind == GG_CODE_OUTERMOST)
		return NULL;
	return find_frame(unwind, rules, symbol.address, ret);
}

// ---- The caller ----

// Tests whether the chain of frames has FRAME: the chain of back chains, or the chain of frame pointers.
static bool is_made(const struct gg_code_rules *rules, const struct gg_code_frame *frame)
{
	const uint64_t by_fp = GG_FRAME_BY_FP | GG_FRAME_RA_SAVED;
	return rules->made.flags & GG_FRAME_CHAINED
		       ? (frame->flags & (GG_FRAME_CHAINED | GG_FRAME_SWITCHED)) == GG_FRAME_CHAINED
		       : (frame->flags & by_fp) == by_fp;
}

// Finds the caller's stack pointer from another stack than FRAME's.
static struct gg_error *leave_switched(struct gg_unwind *unwind, const struct gg_code_rules *rules,
				       const struct gg_code_frame *frame, gg_gva_t *ret)
{
	uint64_t sp = 0;
	struct gg_error *err = gg_stack_word(&unwind->memory, unwind->sp + rules->chain, &sp);
	*ret = sp + (uint64_t)frame->depth;
	if (!err && frame->flags & GG_FRAME_CHAINED)
		err = gg_stack_word(&unwind->memory, sp + rules->chain, ret);
	return err;
}

struct gg_error *gg_stack_find_caller(struct gg_unwind *unwind, unsigned int link, unsigned int fp,
				      struct gg_stack_caller *ret)
{
	const struct gg_registers *registers = &unwind->registers;
	const struct gg_code_rules *rules = unwind->kernel->arch->vmlinux->code;
	struct gg_code_frame frame;
	*ret = (struct gg_stack_caller){ .is_found = false };
	if (!unwind->is_exact)
		return NULL;
	struct gg_error *err = gg_stack_code_frame(unwind, &frame);
	const bool by_fp = frame.flags & GG_FRAME_BY_FP;
	if (err || frame.flags & GG_FRAME_NO_SP || is_made(rules, &frame) ||
	    (by_fp && !gg_register_known(registers, fp)) ||
	    (!(frame.flags & GG_FRAME_RA_SAVED) && !gg_register_known(registers, link)))
		return err;
	ret->fp = gg_register(registers, fp);
	ret->pc = gg_register(registers, link);
	ret->sp = by_fp ? ret->fp + (uint64_t)frame.fp_depth : unwind->sp + (uint64_t)frame.depth;
	if (frame.flags & GG_FRAME_SWITCHED)
		err = leave_switched(unwind, rules, &frame, &ret->sp);
	if (!err && frame.flags & GG_FRAME_RA_SAVED)
		err = gg_stack_word(&unwind->memory, ret->sp + (uint64_t)frame.ra, &ret->pc);
	if (!err && frame.flags & GG_FRAME_FP_SAVED)
		err = gg_stack_word(&unwind->memory, ret->sp + (uint64_t)frame.fp, &ret->fp);
	ret->is_found = !err;
	return gg_error_unless_final(err);
}

bool gg_stack_return(struct gg_unwind *unwind, unsigned int link,
		     const struct gg_stack_caller *caller)
{
	if (!caller->is_found || !gg_stack_is_code(unwind, caller->pc - 1))
		return false;
	gg_register_forget(&unwind->registers, link, UINT64_MAX);
	unwind->has_no_frame = caller->sp == unwind->sp;
	gg_stack_place(unwind, caller->pc, caller->sp);
	unwind->is_exact = false;
	return true;
}
