// SPDX-License-Identifier: GPL-3.0-or-later
//
// The stacks of nested guests, as the CPUs have them that execute the nested guests: each lies before the CPU's own stack.
#ifndef GG_GUEST_INNER_STACK_H
#define GG_GUEST_INNER_STACK_H

#include "inside.h"
#include "stacks.h"

// A reader of such stacks, which keeps the nested guest that was read last. Zeros but for FINDER's guest at first.
struct gg_inner_stacks {
	struct gg_inside_finder finder;
	gg_gva_t address; // of the struct kvm of GUEST; 0: none was read
	struct gg_guest *guest;
	char why[GG_STACK_WHY]; // STACKS are not known; else ""
	struct gg_guest_stacks stacks;
};

struct gg_inner_stack {
	struct gg_inside_vcpu vcpu; // its number is 0 where it is not known
	bool has_place;             // PC and SP are known
	gg_gva_t pc, sp;
	char why[GG_STACK_WHY]; // the stack is not walked; else ""
	const struct gg_answerers
		*kernel; // of the nested guest; valid as long as the reader's guest
	struct gg_guest_stack guest_stack; // without WHY
};

// Finds the stack of the nested guest that CPU, one of the outer guest's CPUs, executes; *RET is false where CPU
// executes none. The caller calls gg_inner_stack_deinit(), also after an error.
struct gg_error *gg_inner_stack_read(struct gg_inner_stacks *inner, const struct gg_qemu_cpu *cpu,
				     bool *is_nested, struct gg_inner_stack *ret);

// STACK may be zeros.
void gg_inner_stack_deinit(struct gg_inner_stack *stack);
void gg_inner_stacks_deinit(struct gg_inner_stacks *inner);

#endif
