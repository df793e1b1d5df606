// SPDX-License-Identifier: GPL-3.0-or-later
#include "code.h"

#include <string.h>

bool gg_stack_same_function(const struct gg_unwind *unwind, gg_gva_t a, gg_gva_t b)
{
	struct gg_symbol first, second;
	struct gg_error *err = gg_symbols_at(unwind->kernel->symbols, a, &first);
	const gg_gva_t address = err ? 0 : first.address;
	if (!err)
		err = gg_symbols_at(unwind->kernel->symbols, b, &second);
	const bool is_same = !err && second.address == address;
	gg_error_destroy(err);
	return is_same;
}

bool gg_stack_is_code(const struct gg_unwind *unwind, gg_gva_t pc)
{
	struct gg_symbol symbol;
	struct gg_error *err = gg_symbols_at(unwind->kernel->symbols, pc, &symbol);
	// Weak functions are of type W.
	const bool found = !err && symbol.type && strchr("tTwW", symbol.type);
	gg_error_destroy(err);
	return found;
}

bool gg_stack_step_by_link(struct gg_unwind *unwind, unsigned int link, gg_gva_t pc, gg_gva_t saved)
{
	if (!unwind->is_exact || !gg_register_known(&unwind->registers, link) || pc == saved ||
	    gg_stack_same_function(unwind, pc - 1, unwind->pc))
		return false;
	unwind->pc = pc;
	gg_register_forget(&unwind->registers, link, UINT64_MAX);
	unwind->has_no_frame = true;
	unwind->is_exact = false;
	return true;
}
