// SPDX-License-Identifier: GPL-3.0-or-later
#include "code.h"

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
