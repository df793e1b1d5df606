// SPDX-License-Identifier: GPL-3.0-or-later
//
// A QEMU that exports nothing (it was linked without modules): its variables, by what they lead to.
//
// In:  the data of the programs that are mapped.
// Out: the places of address_space_memory, the list of CPUs and the machine, if there is one of
//      each.
// Trusts nothing it reads: the data is bounded, and a result is only a place to look at.
#include "internal.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

enum { WORD = 8, PIECE = 65536, MAX_DATA = 64 << 20 };

struct search {
	const struct gg_finder *finder;
	struct gg_variables found;
	unsigned int address_spaces, lists, machines;
	uint64_t machine; // the last one found
};

// Tests a word that points to the name: the structure is taken to begin here, which makes no
// difference to members behind the name.
static bool is_address_space(const struct search *search, uint64_t address, uint64_t word)
{
	char name[16];
	if (!gg_peek_text(search->finder->peek, word, name, sizeof(name)) ||
	    strcmp(name, "memory") != 0)
		return false;
	struct gg_answers answers = { 0 };
	struct gg_discard_manager manager;
	struct gg_error *err = gg_find_ram(search->finder, address, 0, &answers, &manager);
	gg_answers_deinit(&answers);
	gg_error_destroy(err);
	return !err;
}

static void look_at(struct search *search, uint64_t address, uint64_t word)
{
	const struct gg_finder *finder = search->finder;
	if (!word)
		return;
	if (is_address_space(search, address, word)) {
		search->found.address_space_memory = address;
		search->address_spaces++;
	}
	if (word % WORD)
		return;
	if (gg_finder_is_object(finder, word, "-cpu") && gg_is_cpus_head(finder, address)) {
		search->found.cpus = address;
		search->lists++;
	}
	// Several variables may have the machine; which one is all the same.
	if (word != search->machine && gg_finder_is_object(finder, word, "-machine")) {
		search->found.current_machine = address;
		search->machine = word;
		search->machines++;
	}
}

static struct gg_error *look_through(struct search *search, const struct gg_image_data *data,
				     uint8_t *piece)
{
	const bool big_endian = search->finder->host->big_endian;
	const uint64_t first = (data->start + WORD - 1) / WORD * WORD;
	const uint64_t end = data->start + data->size;
	for (uint64_t address = first; address < end; address += PIECE) {
		const size_t size = end - address < PIECE ? end - address : PIECE;
		const size_t got = gg_peek_some(search->finder->peek, address, piece, size);
		for (size_t at = 0; at + WORD <= got; at += WORD) {
			struct gg_cursor cursor = gg_cursor(piece + at, WORD, big_endian, "data");
			uint64_t word = 0;
			gg_error_destroy(gg_cursor_uint(&cursor, WORD, &word));
			look_at(search, address + at, word);
		}
		struct gg_error *err = gg_peek_error(search->finder->peek);
		if (!err)
			err = gg_interrupt_check();
		if (err)
			return err;
	}
	return NULL;
}

struct gg_error *gg_find_variables(const struct gg_finder *finder, struct gg_variables *ret)
{
	size_t count;
	const struct gg_image_data *data = gg_images_data(finder->images, &count);
	struct search search = { .finder = finder };
	_cleanup_free_ uint8_t *piece = malloc(PIECE);
	if (!piece)
		return gg_enomem;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++) {
		struct gg_image_data part = data[i];
		if (!part.writable)
			continue;
		if (part.size > MAX_DATA)
			part.size = MAX_DATA;
		err = look_through(&search, &part, piece);
	}
	*ret = search.found;
	if (search.address_spaces != 1)
		ret->address_space_memory = 0;
	if (search.lists != 1)
		ret->cpus = 0;
	if (search.machines != 1)
		ret->current_machine = 0;
	return err;
}
