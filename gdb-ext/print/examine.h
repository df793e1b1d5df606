// SPDX-License-Identifier: GPL-3.0-or-later
//
// The state of a guest-x at work.
#ifndef GG_EXAMINE_H
#define GG_EXAMINE_H

#include "base/buffer.h"
#include "examine-format.h"
#include "guest/address.h"

struct gg_examine {
	struct gg_guest *guest;
	const struct gg_examine_options *options;
	const struct gg_writer *writer;
	const struct gg_notices *notices;
	struct gg_examine_format format;
	struct gg_named_address named; // the address, with the symbol that the user named
	struct gg_buffer text;         // a line that is not written yet
};

// Appends ADDRESS with its symbol: "0xffffffff81000000 <_stext>".
struct gg_error *gg_examine_append_address(struct gg_examine *examine, gg_gva_t address,
					   const struct gg_named_address *named);

// Opens a line's JSON object with the members that all have: the address and its symbol, SIZE bytes.
struct gg_error *gg_examine_open_object(struct gg_examine *examine, gg_gva_t address,
					const uint8_t *bytes, size_t size);

// Appends a JSON member: the symbol of ADDRESS, or null.
struct gg_error *gg_examine_append_symbol(struct gg_examine *examine, const char *key,
					  gg_gva_t address, const struct gg_named_address *named);

// Closes the line's JSON object.
void gg_examine_close_object(struct gg_examine *examine);

// Writes instructions.
struct gg_error *gg_examine_code(struct gg_examine *examine);

#endif
