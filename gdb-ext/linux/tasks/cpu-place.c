// SPDX-License-Identifier: GPL-3.0-or-later
#include "cpu-place.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "linux/arch-ops.h"
#include "run-queues.h"

// Finds the CPU whose current task is one of TASKS; RET stays as it is without such a CPU.
static struct gg_error *find_by_task(const struct gg_answerers *kernel, const uint64_t *tasks,
				     size_t task_count, struct gg_per_cpu *ret)
{
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count;
	struct gg_error *err = gg_per_cpu_offsets(kernel->symbols, &offsets, &count);
	for (size_t i = 0; !err && i < count; i++) {
		gg_gva_t current = 0;
		if (offsets[i])
			err = gg_tasks_current(kernel, offsets[i], &current);
		for (size_t j = 0; !err && current && j < task_count; j++)
			if (tasks[j] == current) {
				*ret = (struct gg_per_cpu){ .offset = offsets[i],
							    .number = (uint32_t)i,
							    .is_confirmed = true };
				return NULL;
			}
	}
	return gg_error_unless_final(err);
}

struct gg_error *gg_tasks_place_cpu(const struct gg_answerers *kernel,
				    const struct gg_registers *own, uint32_t index,
				    struct gg_per_cpu *ret)
{
	const struct gg_linux_ops *ops = kernel->arch->kernel;
	uint64_t bases[GG_PER_CPU_BASES], tasks[GG_CURRENT_TASKS];
	struct gg_per_cpu_hints hints = { .index = index, .bases = bases };
	if (own && ops->per_cpu_bases)
		hints.base_count = ops->per_cpu_bases(own, bases);
	struct gg_error *err = gg_per_cpu_find(kernel->symbols, &hints, ret);
	if (err || ret->is_confirmed || !own || !ops->current_tasks)
		return err;
	return find_by_task(kernel, tasks, ops->current_tasks(own, tasks), ret);
}
