// SPDX-License-Identifier: GPL-3.0-or-later
//
// The names of an enumeration (QEMU include/qapi/util.h, struct QEnumLookup).
//
// In:  the address of such a table.
// Out: the places in it of the array of names, and of their number: so many of the array's words
//      point to names.
#include "internal.h"

enum { WORD = 8, HALF = 4, LOOKUP_SIZE = 24, LEAST = 3, MAX_NAMES = 256, NAME_SIZE = 64 };

static bool are_names(const struct gg_finder *finder, uint64_t array, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t name;
		char text[NAME_SIZE];
		if (!gg_peek_word(finder->peek, array + i * WORD, &name) ||
		    !gg_peek_text(finder->peek, name, text, sizeof(text)))
			return false;
	}
	return true;
}

struct gg_error *gg_find_enum_lookup(const struct gg_finder *finder, uint64_t address,
				     struct gg_answers *answers)
{
	static const char type[] = "QEnumLookup";
	struct gg_glimpse glimpse;
	gg_peek_glimpse(finder->peek, address, LOOKUP_SIZE, &glimpse);
	for (size_t at = 0; at + WORD <= glimpse.size; at += WORD)
		for (size_t size_at = 0; size_at + HALF <= glimpse.size; size_at += HALF) {
			const uint32_t count = gg_glimpse_half(&glimpse, size_at);
			if (size_at / WORD == at / WORD || count < LEAST || count > MAX_NAMES ||
			    !are_names(finder, gg_glimpse_word(&glimpse, at), count))
				continue;
			struct gg_error *err = gg_answers_add(answers, type, "array", at, WORD,
							      "leads to pointers to names");
			return err ? err
				   : gg_answers_add(answers, type, "size", size_at, HALF,
						    "that many names are in the array");
		}
	struct gg_error *serious = gg_peek_error(finder->peek);
	return serious ? serious
		       : gg_error_create(GG_NOT_FOUND, "no names are where RunState_lookup leads");
}
