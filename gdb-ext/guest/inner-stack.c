// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the outer guest's CPUs, KVM's lists.
// Out: the stacks of the kernels of nested guests.
#include "inner-stack.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void close_guest(struct gg_inner_stacks *inner)
{
	gg_guest_stacks_deinit(&inner->stacks);
	gg_guest_destroy(inner->guest);
	inner->guest = NULL;
	inner->address = 0;
}

// Reads what all stacks of the nested guest at ADDRESS need. GG_NOT_FOUND where the page tables of its vCPUs lead to no
// Linux: a look at all of its memory may take long.
static struct gg_error *read_guest(struct gg_inner_stacks *inner, gg_gva_t address)
{
	const struct gg_kernel *kernel;
	if (gg_guest_is_over_wire(inner->finder.guest))
		return gg_error_create(GG_UNSUPPORTED,
				       "its stack is not walked over the gdbstub: guest-select "
				       "-nested and guest-bt do so");
	struct gg_error *err = gg_guest_create_inside(inner->finder.guest, address, &inner->guest);
	if (!err)
		err = gg_guest_foresee_kernel(inner->guest, &kernel);
	if (!err && !kernel)
		err = gg_error_create(GG_NOT_FOUND, "the page tables lead to no kernel of Linux");
	return err ? err
		   : gg_guest_stacks_init(inner->guest, GG_STACKS_OF_CPUS, NULL, &inner->stacks);
}

// Opens the nested guest at ADDRESS, unless it is open. Only a final error is returned; INNER->why has any other.
static struct gg_error *open_guest(struct gg_inner_stacks *inner, gg_gva_t address)
{
	if (inner->address == address)
		return NULL;
	close_guest(inner);
	inner->address = address;
	inner->why[0] = 0;
	struct gg_error *err = read_guest(inner, address);
	if (err && !gg_error_is_final(err))
		snprintf(inner->why, sizeof(inner->why), "%s", gg_error_message(err));
	return gg_error_unless_final(err);
}

static struct gg_error *walk(struct gg_inner_stacks *inner, struct gg_inner_stack *ret)
{
	const struct gg_guest_stacks *stacks = &inner->stacks;
	struct gg_error *err = open_guest(inner, ret->vcpu.address);
	snprintf(ret->why, sizeof(ret->why), "%s", inner->why);
	if (err || ret->why[0])
		return err;
	ret->kernel = stacks->kernel;
	for (size_t i = 0; i < stacks->cpu_count; i++)
		if (stacks->cpus[i].cpu->index == ret->vcpu.vcpu)
			return gg_guest_stack_of_cpu(&inner->stacks, &stacks->cpus[i],
						     &ret->guest_stack);
	return gg_error_create(GG_NOT_FOUND, "there is no vCPU %" PRIu32, ret->vcpu.vcpu);
}

// Finds the place in the nested guest by its registers, which CPU has.
static void find_place(const struct gg_arch *arch, const struct gg_registers *registers,
		       struct gg_inner_stack *ret)
{
	struct gg_cpu_summary summary;
	arch->cpu->summarize(registers, &summary);
	ret->has_place = !summary.no_pc && !summary.no_sp;
	ret->pc = summary.pc;
	ret->sp = summary.sp;
}

struct gg_error *gg_inner_stack_read(struct gg_inner_stacks *inner, const struct gg_qemu_cpu *cpu,
				     bool *is_nested, struct gg_inner_stack *ret)
{
	const struct gg_arch *arch;
	_cleanup_free_ struct gg_cpu_state *state = malloc(sizeof(*state));
	*ret = (struct gg_inner_stack){ 0 };
	*is_nested = false;
	if (!state)
		return gg_enomem;
	struct gg_error *err = gg_guest_cpu_state(inner->finder.guest, cpu, state);
	if (!err)
		err = gg_guest_cpu_arch(inner->finder.guest, &arch);
	if (err || state->nesting != GG_NESTED)
		return gg_error_unless_final(err);
	*is_nested = true;
	find_place(arch, &state->nested, ret);
	err = gg_inside_find(&inner->finder, cpu, &ret->vcpu, ret->why);
	if (!err && ret->vcpu.number)
		err = walk(inner, ret);
	if (err && !gg_error_is_final(err))
		snprintf(ret->why, sizeof(ret->why), "%s", gg_error_message(err));
	return gg_error_unless_final(err);
}

void gg_inner_stack_deinit(struct gg_inner_stack *stack)
{
	gg_stack_deinit(&stack->guest_stack.stack);
}

void gg_inner_stacks_deinit(struct gg_inner_stacks *inner)
{
	close_guest(inner);
	gg_inside_finder_deinit(&inner->finder);
}
