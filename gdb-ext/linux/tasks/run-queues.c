// SPDX-License-Identifier: GPL-3.0-or-later
//
// The per-CPU variables of the scheduler: runqueues (Linux kernel/sched/sched.h, struct rq) and the
// current task.
//
// In:  the kernel's symbols, members and memory.
// Out: run queues.
// Trusts nothing it reads: linux/per-cpu.c bounds the CPUs; no pointer is followed.
#include "run-queues.h"
#include "base/cleanup.h"
#include "linux/per-cpu.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>

struct layout {
	struct gg_member idle, clock;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW_OPTIONAL(struct layout, idle, "rq", "idle"),
	GG_LAYOUT_ROW_OPTIONAL(struct layout, clock, "rq", "clock"),
};

void gg_run_queues_deinit(struct gg_run_queues *queues)
{
	free(queues->queues);
	*queues = (struct gg_run_queues){ 0 };
}

// ---- The CPUs ----

// Reads the bits of __cpu_present_mask for COUNT CPUs: a possible CPU that was never plugged in has
// per-CPU memory too. RET is NULL where the mask is not known.
static struct gg_error *read_present(const struct gg_answerers *kernel, size_t count, uint8_t **ret)
{
	gg_gva_t mask;
	*ret = NULL;
	struct gg_error *err = gg_host_symbol(&kernel->typed, "__cpu_present_mask", &mask);
	if (err)
		return gg_error_unless_final(err);
	const size_t word = kernel->host.address_size, size = (count / 8 / word + 1) * word;
	_cleanup_free_ uint8_t *bits = malloc(size);
	if (!bits)
		return gg_enomem;
	err = gg_host_read(&kernel->typed, mask, bits, size);
	if (!err)
		*ret = no_cleanup_ptr(bits);
	return gg_error_unless_final(err);
}

// Lists the per-CPU offsets; a kernel of one CPU has its variables at their symbols.
static struct gg_error *list_offsets(const struct gg_answerers *kernel, uint64_t **ret,
				     size_t *count)
{
	struct gg_error *err = gg_per_cpu_offsets(kernel->symbols, ret, count);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	gg_error_destroy(err);
	*ret = calloc(1, sizeof(**ret));
	*count = 1;
	return *ret ? NULL : gg_enomem;
}

// Tests whether PRESENT, a bitmap of the kernel's words or NULL, has CPU.
static bool is_present(const struct gg_host *host, const uint8_t *present, size_t cpu)
{
	const size_t swap = host->big_endian ? host->address_size - 1 : 0;
	return !present || present[cpu / 8 ^ swap] >> cpu % 8 & 1;
}

// Lists the present CPUs, for which RET has room. A kernel of several CPUs has an offset for each,
// 0 for a CPU without memory of its own.
static void choose(const struct gg_host *host, const uint64_t *offsets, size_t count,
		   const uint8_t *present, struct gg_run_queues *ret)
{
	for (size_t i = 0; i < count; i++)
		if ((offsets[i] || count == 1) && is_present(host, present, i))
			ret->queues[ret->count++] =
				(struct gg_run_queue){ .cpu = (uint32_t)i, .offset = offsets[i] };
}

// ---- A CPU ----

// Finds the per-CPU variable that has the current task: on x86 a variable of its own, in pcpu_hot from
// Linux commit e57ef2ed97c1 (v6.2) to v6.15; elsewhere only the run queue has the task.
static struct gg_error *find_current(const struct gg_host *host, gg_gva_t *symbol,
				     struct gg_member *member)
{
	static const char *const places[][3] = { { "pcpu_hot", "pcpu_hot", "current_task" },
						 { "runqueues", "rq", "curr" } };
	struct gg_error *err = gg_host_symbol(host, "current_task", symbol);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (!err || gg_error_is_final(err))
			break;
		gg_error_destroy(err);
		err = gg_host_symbol(host, places[i][0], symbol);
		if (!err)
			err = host->ops->member(host->data, places[i][1], places[i][2], member);
	}
	return err;
}

struct gg_error *gg_tasks_current_at(const struct gg_answerers *kernel, uint64_t offset,
				     gg_gva_t *ret)
{
	struct gg_member member = { 0 };
	gg_gva_t symbol = 0;
	struct gg_error *err = find_current(&kernel->typed, &symbol, &member);
	*ret = symbol + offset + member.offset;
	return err;
}

struct gg_error *gg_tasks_current(const struct gg_answerers *kernel, uint64_t offset, gg_gva_t *ret)
{
	const struct gg_host *host = &kernel->typed;
	struct gg_member member = { 0, host->address_size };
	gg_gva_t symbol;
	struct gg_error *err = find_current(host, &symbol, &member);
	return err ? err : gg_host_read_member(host, symbol + offset, &member, ret);
}

static struct gg_error *read_queue(const struct gg_answerers *kernel, const struct layout *layout,
				   gg_gva_t address, struct gg_run_queue *ret)
{
	struct gg_error *err = NULL;
	if (layout->idle.size)
		err = gg_host_read_member(&kernel->typed, address + ret->offset, &layout->idle,
					  &ret->idle);
	if (!err && layout->clock.size)
		err = gg_host_read_member(&kernel->typed, address + ret->offset, &layout->clock,
					  &ret->clock);
	return err ? err : gg_tasks_current(kernel, ret->offset, &ret->current);
}

static struct gg_error *read_queues(const struct gg_answerers *kernel,
				    const struct gg_notices *notices, struct gg_run_queues *queues)
{
	struct layout layout;
	gg_gva_t address;
	struct gg_error *err =
		gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows), &layout);
	if (!err)
		err = gg_host_symbol(&kernel->typed, "runqueues", &address);
	for (size_t i = 0; !err && i < queues->count; i++) {
		struct gg_run_queue *queue = &queues->queues[i];
		err = gg_interrupt_check();
		if (!err)
			err = read_queue(kernel, &layout, address, queue);
		if (err && !gg_error_is_final(err)) {
			struct gg_error *told =
				gg_tell(notices,
					"the task of the kernel's CPU %" PRIu32 " is not known: %s",
					queue->cpu, gg_error_message(err));
			gg_error_destroy(err);
			err = told;
		}
		if (queue->clock > queues->clock)
			queues->clock = queue->clock;
	}
	return err;
}

struct gg_error *gg_run_queues_read(const struct gg_answerers *kernel,
				    const struct gg_notices *notices, struct gg_run_queues *ret)
{
	_cleanup_free_ uint64_t *offsets = NULL;
	_cleanup_free_ uint8_t *present = NULL;
	size_t count = 0;
	*ret = (struct gg_run_queues){ 0 };
	struct gg_error *err = list_offsets(kernel, &offsets, &count);
	if (!err)
		err = read_present(kernel, count, &present);
	if (err)
		return err;
	ret->queues = calloc(count + 1, sizeof(*ret->queues));
	if (!ret->queues)
		return gg_enomem;
	choose(&kernel->typed, offsets, count, present, ret);
	err = read_queues(kernel, notices, ret);
	if (err)
		gg_run_queues_deinit(ret);
	return err;
}
