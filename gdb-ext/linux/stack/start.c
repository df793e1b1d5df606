// SPDX-License-Identifier: GPL-3.0-or-later
#include "start.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct gg_error *gg_stack_open(const struct gg_answerers *kernel, const struct gg_layout_row *rows,
			       size_t count, size_t size, const void *without_types, void **ret)
{
	void *walk = calloc(1, size);
	if (!walk)
		return gg_enomem;
	struct gg_error *err = gg_layout_resolve(&kernel->typed, rows, count, walk);
	if (err && without_types && gg_error_kind(err) == GG_NOT_FOUND) {
		memcpy(walk, without_types, size);
		gg_error_destroy(err);
		err = NULL;
	}
	if (err)
		free(walk);
	else
		*ret = walk;
	return err;
}

struct gg_error *gg_stack_begin(struct gg_unwind *unwind, gg_gva_t sp, uint64_t size)
{
	if (sp - unwind->stack >= size)
		return gg_error_create(GG_BAD_DATA,
				       "the stack pointer 0x%" PRIx64 " is not in the task's stack "
				       "at 0x%" PRIx64,
				       sp, unwind->stack);
	return gg_stack_memory_ahead(&unwind->memory, sp, unwind->stack + size);
}

void gg_stack_place(struct gg_unwind *unwind, gg_gva_t pc, gg_gva_t sp)
{
	const struct gg_register_set *set = unwind->registers.set;
	unwind->pc = pc;
	unwind->sp = sp;
	gg_register_set(&unwind->registers, set->pc, pc);
	gg_register_set(&unwind->registers, set->sp, sp);
}

void gg_stack_enter(struct gg_unwind *unwind, gg_gva_t start, gg_gva_t end, bool is_user)
{
	unwind->entry = (struct gg_stack_entry){
		.kind = GG_ENTRY_OTHER,
		.number = -1,
		.is_user = is_user,
		.registers = start,
		.registers_end = end,
	};
	unwind->is_exact = true;
}
