// SPDX-License-Identifier: GPL-3.0-or-later
#include "entry-code.h"

#include <string.h>

struct gg_error *gg_entry_code_read(struct gg_unwind *unwind, struct gg_entry_code *ret)
{
	ret->size = 0;
	ret->symbol = (struct gg_symbol){ .name = "" };
	if (!unwind->is_exact || unwind->callee)
		return NULL;
	struct gg_symbol symbol;
	struct gg_error *err = gg_symbols_at(unwind->kernel->symbols, unwind->pc, &symbol);
	if (err)
		return gg_error_unless_final(err);
	const uint64_t size = unwind->pc - symbol.address;
	if (size > sizeof(ret->bytes))
		return NULL;
	err = size ? gg_host_read(&unwind->kernel->typed, symbol.address, ret->bytes, (size_t)size)
		   : NULL;
	if (err)
		return gg_error_unless_final(err);
	ret->symbol = symbol;
	ret->size = (size_t)size;
	return NULL;
}

bool gg_entry_code_is(const struct gg_entry_code *code, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (!strncmp(code->symbol.name, *prefixes, strlen(*prefixes)))
			return true;
	return false;
}

struct gg_error *gg_entry_code_lost(const struct gg_entry_code *code)
{
	return gg_error_create(GG_NOT_FOUND,
			       "%s, an entry into the kernel, has changed the stack pointer of the "
			       "code that it interrupts",
			       code->symbol.name);
}
