// SPDX-License-Identifier: GPL-3.0-or-later
//
// Virtual addresses and the kernel's symbols: as a user writes them, and as they are shown.
#ifndef GG_ADDRESS_H
#define GG_ADDRESS_H

#include "guest.h"

#include <gdb-guest/examine.h>
#include <gdb-guest/symbols.h>

struct gg_named_address {
	gg_gva_t address;
	char *name;              // the symbol that the user named, owned; or NULL
	struct gg_symbol symbol; // its address and size, where NAME is not NULL
};

// Evaluates TEXT. GG_INVALID where the text is not an address; where it is a symbol, errors and
// NOTICES are those of gg_guest_find_symbol().
struct gg_error *gg_guest_evaluate(struct gg_guest *guest, const struct gg_address_text *text,
				   const struct gg_notices *notices, struct gg_named_address *ret);

void gg_named_address_deinit(struct gg_named_address *address);

// Makes "NAME+0xOFFSET" of an ADDRESS in the guest's kernel, to be freed by the caller; NULL for
// another address. Of several symbols at one address NAMED, which may be NULL, takes precedence.
// NOTICES get a line where the kernel's symbols are damaged.
struct gg_error *gg_guest_symbol_text(struct gg_guest *guest, gg_gva_t address,
				      const struct gg_named_address *named,
				      const struct gg_notices *notices, char **ret);

#endif
