// SPDX-License-Identifier: GPL-3.0-or-later
//
// kallsyms_seqs_of_names has the numbers of all symbols, ordered by their names, three bytes each, the
// highest first (Linux commit 60443c88f3a8 "kallsyms: Improve the performance of kallsyms_lookup_name()",
// in v6.2, and in Debian's 6.1). The markers lead to a symbol's name. Since v6.4 they are directly before the tokens, and the
// addresses and the numbers behind; until v6.3 the numbers are between the markers and the tokens.
//
// In:  guest memory by virtual address; what VMCOREINFO says.
// Out: the address of a name, the symbol at an address.
// Trusts nothing it reads: the markers must ascend, numbers have limits, _stext must be where VMCOREINFO
// has it, and the search ends after as many steps as the count has bits.
#include "kallsyms-far.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "kallsyms-format.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	INTERVAL = 256, // names from a marker to the next
	MARKER_SIZE = 4,
	SEQUENCE_SIZE = 3,
	MAX_BLOCK = INTERVAL * (2 + GG_KALLSYMS_MAX_NAME),
	PIECE = 128,     // of names, that is read beyond an estimate
	MAX_EQUAL = 256, // symbols at one address
	MAX_NEAR = 64,   // sequences near the middle of a range
};

struct gg_kallsyms_far {
	const struct gg_host *kernel;
	const struct gg_kallsyms_hints *hints; // borrowed while it is made
	gg_gva_t names, end;                   // of the image
	size_t count;
	uint32_t *markers;  // and the end of the names
	gg_gva_t sequences; // 0: not found yet
	struct gg_kallsyms_place place;
	struct gg_kallsyms_tokens tokens;
	struct gg_symbol *known; // by address, with names of its own
	size_t known_count;
};

void gg_kallsyms_far_destroy(struct gg_kallsyms_far *far)
{
	if (!far)
		return;
	for (size_t i = 0; i < far->known_count; i++)
		free((char *)far->known[i].name);
	free(far->known);
	free(far->markers);
	free(far);
}

static void cleanup_far(struct gg_kallsyms_far **far)
{
	gg_kallsyms_far_destroy(*far);
}

// ---- Markers and names ----

static size_t marker_count(const struct gg_kallsyms_far *far)
{
	return (far->count + INTERVAL - 1) / INTERVAL;
}

// Decodes the markers at MARKERS, the names' end among them.
static struct gg_error *decode_markers(struct gg_kallsyms_far *far, gg_gva_t markers)
{
	const size_t count = marker_count(far), size = count * MARKER_SIZE;
	_cleanup_free_ uint8_t *bytes = malloc(size);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = gg_host_read(far->kernel, markers, bytes, size);
	struct gg_cursor cursor =
		gg_cursor(bytes, size, far->kernel->big_endian, "kallsyms_markers");
	for (size_t i = 0; !err && i <= count; i++) {
		uint64_t value = markers - far->names;
		if (i < count)
			err = gg_cursor_uint(&cursor, MARKER_SIZE, &value);
		if (err)
			return err;
		if (i ? value <= far->markers[i - 1] || value - far->markers[i - 1] > MAX_BLOCK
		      : value)
			return gg_error_create(GG_NOT_FOUND,
					       "no kallsyms_markers are in front of the tokens");
		far->markers[i] = (uint32_t)value;
	}
	return err;
}

// Tries the markers that end at END, or up to a gap in front of it.
static struct gg_error *try_markers(struct gg_kallsyms_far *far, gg_gva_t end)
{
	const gg_gva_t markers = end - marker_count(far) * MARKER_SIZE;
	struct gg_error *err = decode_markers(far, markers);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	gg_error_destroy(err);
	return decode_markers(far, markers - MARKER_SIZE);
}

// Finds the markers, and the sequences where these are behind the markers.
static struct gg_error *find_markers(struct gg_kallsyms_far *far, gg_gva_t token_table)
{
	far->markers = calloc(marker_count(far) + 1, sizeof(*far->markers));
	if (!far->markers)
		return gg_enomem;
	struct gg_error *err = try_markers(far, token_table);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	gg_error_destroy(err);
	far->sequences =
		token_table - gg_kallsyms_align(far->count * SEQUENCE_SIZE, far->hints->word);
	return try_markers(far, far->sequences);
}

// Decodes the name INDEX of the names that CURSOR is at the start of. *FOUND is false where they are too
// few.
static struct gg_error *decode_nth(const struct gg_kallsyms_far *far, struct gg_cursor cursor,
				   size_t index, char text[GG_KALLSYMS_TEXT_SIZE], bool *found)
{
	size_t length;
	struct gg_error *err = NULL;
	*found = false;
	for (size_t i = 0; !err && i < index; i++) {
		uint64_t size;
		err = gg_kallsyms_read_length(&cursor, true, &size);
		if (!err)
			err = gg_cursor_seek(&cursor, cursor.position + size);
		if (err) {
			gg_error_destroy(err);
			return NULL;
		}
	}
	struct gg_cursor behind = cursor;
	uint64_t size;
	err = gg_kallsyms_read_length(&behind, true, &size);
	if (err || size > behind.size - behind.position) {
		gg_error_destroy(err);
		return NULL;
	}
	*found = true;
	return gg_kallsyms_decode_name(&cursor, &far->tokens, true, text, &length);
}

// Reads the name of the symbol NUMBER, its type first, and no more of the names than needed: at first as much
// as leads there if all names between two markers have the same length.
static struct gg_error *read_name(const struct gg_kallsyms_far *far, size_t number,
				  char text[GG_KALLSYMS_TEXT_SIZE])
{
	const uint32_t *marker = &far->markers[number / INTERVAL];
	const size_t size = marker[1] - marker[0], index = number % INTERVAL;
	size_t piece = size * (index + 1) / INTERVAL + PIECE;
	_cleanup_free_ uint8_t *bytes = malloc(size);
	if (!bytes)
		return gg_enomem;
	for (size_t held = 0; held < size; piece = PIECE) {
		bool found;
		piece = size - held < piece ? size - held : piece;
		struct gg_error *err = gg_host_read(far->kernel, far->names + marker[0] + held,
						    bytes + held, piece);
		held += piece;
		if (!err)
			err = decode_nth(
				far,
				gg_cursor(bytes, held, far->kernel->big_endian, "kallsyms_names"),
				index, text, &found);
		if (err || found)
			return err;
	}
	return gg_error_create(GG_BAD_DATA, "kallsyms_names ends in front of the name %zu", number);
}

// ---- By name ----

// Reads, of the sequences from LOW up to HIGH, one near their middle: the one whose symbol is nearest behind a
// marker, so that little of the names leads there.
static struct gg_error *read_sequence(const struct gg_kallsyms_far *far, size_t low, size_t high,
				      size_t *index, size_t *number)
{
	enum { PART = 8 }; // of the range, from which the sequence is taken
	uint8_t bytes[MAX_NEAR * SEQUENCE_SIZE];
	size_t count = (high - low) / PART;
	count = count < 1 ? 1 : count < MAX_NEAR ? count : MAX_NEAR;
	const size_t first = low + (high - low - count) / 2;
	struct gg_error *err = gg_host_read(far->kernel, far->sequences + first * SEQUENCE_SIZE,
					    bytes, count * SEQUENCE_SIZE);
	for (size_t i = 0; !err && i < count; i++) {
		const uint8_t *at = bytes + i * SEQUENCE_SIZE;
		const size_t own = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
		if (own >= far->count)
			return gg_error_create(
				GG_BAD_DATA,
				"kallsyms_seqs_of_names has %zu for one of %zu symbols", own,
				far->count);
		if (i && own % INTERVAL >= *number % INTERVAL)
			continue;
		*index = first + i;
		*number = own;
	}
	return err;
}

// Finds the number of the first symbol NAME, and its type.
static struct gg_error *find_number(const struct gg_kallsyms_far *far, const char *name,
				    size_t *ret, char *type)
{
	char text[GG_KALLSYMS_TEXT_SIZE];
	bool found = false;
	for (size_t low = 0, high = far->count; low < high;) {
		size_t middle = 0, number = 0;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = read_sequence(far, low, high, &middle, &number);
		if (!err)
			err = read_name(far, number, text);
		if (err)
			return err;
		const int order = strcmp(text + 1, name);
		if (!order) {
			found = true;
			*ret = number;
			*type = text[0];
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return found ? NULL : gg_error_create(GG_NOT_FOUND, "kallsyms has no %s", name);
}

static struct gg_error *read_address(const struct gg_kallsyms_far *far,
				     const struct gg_kallsyms_place *place, size_t number,
				     gg_gva_t *ret)
{
	uint8_t bytes[8];
	struct gg_error *err = gg_host_read(far->kernel, place->values + number * place->width,
					    bytes, place->width);
	struct gg_cursor cursor =
		gg_cursor(bytes, place->width, far->kernel->big_endian, "kallsyms_offsets");
	return err ? err : gg_kallsyms_decode_address(place, &cursor, number, ret);
}

// Finds the first address behind the address of the symbol NUMBER, or the image's end.
static struct gg_error *find_end(const struct gg_kallsyms_far *far, size_t number, gg_gva_t address,
				 gg_gva_t *ret)
{
	*ret = far->end;
	for (size_t i = number + 1; i < far->count; i++) {
		struct gg_error *err = read_address(far, &far->place, i, ret);
		if (err)
			return err;
		if (*ret < address || i - number > MAX_EQUAL)
			return gg_error_create(GG_BAD_DATA,
					       "the symbol %zu is at 0x%" PRIx64
					       ", and the symbol %zu at 0x%" PRIx64,
					       number, address, i, *ret);
		if (*ret > address)
			break;
	}
	return NULL;
}

struct gg_error *gg_kallsyms_far_find(const struct gg_kallsyms_far *far, const char *name,
				      struct gg_symbol *ret)
{
	size_t number = 0;
	gg_gva_t end = 0;
	struct gg_error *err = find_number(far, name, &number, &ret->type);
	if (!err)
		err = read_address(far, &far->place, number, &ret->address);
	if (!err)
		err = find_end(far, number, ret->address, &end);
	if (!err)
		ret->size = end > ret->address ? end - ret->address : 0;
	return err;
}

// ---- By address ----

// Finds the first symbol behind ADDRESS, or the count.
static struct gg_error *find_behind(const struct gg_kallsyms_far *far, gg_gva_t address,
				    size_t *ret)
{
	size_t low = 0, high = far->count;
	while (low < high) {
		gg_gva_t own;
		const size_t middle = low + (high - low) / 2;
		struct gg_error *err = read_address(far, &far->place, middle, &own);
		if (err)
			return err;
		if (own <= address)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low;
	return NULL;
}

// Finds the number and the place of the first of the symbols at the highest address up to ADDRESS.
static struct gg_error *find_first(const struct gg_kallsyms_far *far, gg_gva_t address, size_t *ret,
				   struct gg_symbol *symbol)
{
	struct gg_error *err = find_behind(far, address, ret);
	if (!err && !*ret)
		err = gg_error_create(GG_NOT_FOUND, "0x%" PRIx64 " is before the first symbol",
				      address);
	if (!err)
		err = read_address(far, &far->place, *ret - 1, &symbol->address);
	if (!err && symbol->address)
		err = find_behind(far, symbol->address - 1, ret);
	else if (!err)
		*ret = 0;
	gg_gva_t first = 0, end = 0;
	if (!err)
		err = read_address(far, &far->place, *ret, &first);
	if (!err && first != symbol->address)
		err = gg_error_create(GG_BAD_DATA,
				      "the symbol %zu is at 0x%" PRIx64 ", not at 0x%" PRIx64, *ret,
				      first, symbol->address);
	if (!err)
		err = find_end(far, *ret, symbol->address, &end);
	symbol->size = !err && end > symbol->address ? end - symbol->address : 0;
	return err;
}

static struct gg_error *add_known(struct gg_kallsyms_far *far, const struct gg_symbol *symbol)
{
	struct gg_symbol copy = *symbol;
	struct gg_error *err = gg_vector_grow(&far->known, far->known_count, sizeof(*far->known));
	if (err)
		return err;
	copy.name = strdup(symbol->name);
	if (!copy.name)
		return gg_enomem;
	far->known[far->known_count++] = copy;
	return NULL;
}

struct gg_error *gg_kallsyms_far_at(struct gg_kallsyms_far *far, gg_gva_t address,
				    struct gg_symbol *ret)
{
	char text[GG_KALLSYMS_TEXT_SIZE];
	for (size_t i = 0; i < far->known_count; i++)
		if (address - far->known[i].address < far->known[i].size) {
			*ret = far->known[i];
			return NULL;
		}
	size_t number = 0;
	struct gg_symbol symbol = { 0 };
	struct gg_error *err = find_first(far, address, &number, &symbol);
	if (!err)
		err = read_name(far, number, text);
	if (err)
		return err;
	symbol.type = text[0];
	symbol.name = text + 1;
	err = add_known(far, &symbol);
	if (!err)
		*ret = far->known[far->known_count - 1];
	return err;
}

size_t gg_kallsyms_far_known(const struct gg_kallsyms_far *far)
{
	return far->known_count;
}

// ---- The addresses ----

// Tests whether by PLACE and the sequences at SEQUENCES _stext is where it must be.
static struct gg_error *try_place(struct gg_kallsyms_far *far,
				  const struct gg_kallsyms_place *place, gg_gva_t sequences,
				  bool *found)
{
	size_t number = 0;
	gg_gva_t address = 0;
	char type;
	far->sequences = sequences;
	far->place = *place;
	struct gg_error *err = find_number(far, "_stext", &number, &type);
	if (!err)
		err = read_address(far, place, number, &address);
	*found = !err && address == far->hints->text;
	return gg_error_unless_final(err);
}

// A candidate for the places of the addresses and of the sequences.
struct candidate {
	gg_gva_t values;
	gg_gva_t base; // 0: there is none
	gg_gva_t sequences;
};

static struct gg_error *try_candidate(struct gg_kallsyms_far *far,
				      const struct candidate *candidate, bool *found)
{
	struct gg_kallsyms_place place = { .values = candidate->values,
					   .encoding = GG_KALLSYMS_PLACE_RELATIVE,
					   .width = GG_KALLSYMS_OFFSET_SIZE };
	if (!candidate->base)
		return try_place(far, &place, candidate->sequences, found);
	struct gg_error *err =
		gg_host_read_uint(far->kernel, candidate->base, far->hints->word, &place.base);
	for (place.encoding = GG_KALLSYMS_BASE_RELATIVE;
	     !err && !*found && place.encoding <= GG_KALLSYMS_BASE_RELATIVE_DOWN; place.encoding++)
		err = try_place(far, &place, candidate->sequences, found);
	return gg_error_unless_final(err);
}

// Returns the candidate behind the tokens, of tables that are aligned to ALIGNMENT.
static struct candidate behind_tokens(const struct gg_kallsyms_far *far, bool has_base,
				      uint64_t alignment)
{
	const gg_gva_t values =
		gg_kallsyms_align(far->hints->token_index + GG_KALLSYMS_TOKENS * 2, alignment);
	const gg_gva_t end =
		gg_kallsyms_align(values + far->count * GG_KALLSYMS_OFFSET_SIZE, alignment);
	return (struct candidate){ .values = values,
				   .base = has_base ? end : 0,
				   .sequences = has_base ? end + far->hints->word : end };
}

// Returns the candidate in front of the number of symbols.
static struct candidate before_count(const struct gg_kallsyms_far *far)
{
	const uint64_t word = far->hints->word;
	const gg_gva_t base = far->hints->num_syms - word;
	const uint64_t size = gg_kallsyms_align(far->count * GG_KALLSYMS_OFFSET_SIZE, word);
	return (struct candidate){ .values = base - size,
				   .base = base,
				   .sequences = far->sequences };
}

// Finds the addresses, and the sequences.
static struct gg_error *find_addresses(struct gg_kallsyms_far *far)
{
	const uint64_t word = far->hints->word;
	const struct candidate in_front[] = { before_count(far) }; // v6.2 and v6.3
	const struct candidate behind[] = {
		behind_tokens(far, true, word),                     // since v6.4
		behind_tokens(far, false, word),                    // v7.0
		behind_tokens(far, false, GG_KALLSYMS_OFFSET_SIZE), // v7.2
	};
	const struct candidate *candidates = far->sequences ? in_front : behind;
	const size_t count = far->sequences ? 1 : sizeof(behind) / sizeof(*behind);
	bool found = false;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && !found && i < count; i++)
		err = try_candidate(far, &candidates[i], &found);
	if (!err && !found)
		err = gg_error_create(GG_NOT_FOUND,
				      "by no kallsyms_seqs_of_names _stext is at 0x%" PRIx64,
				      far->hints->text);
	return err;
}

static struct gg_error *read_tables(struct gg_kallsyms_far *far)
{
	const struct gg_kallsyms_hints *hints = far->hints;
	const struct gg_kallsyms_tables tables = { .num_syms = hints->num_syms,
						   .names = hints->names,
						   .token_table = hints->token_table,
						   .token_index = hints->token_index };
	uint64_t count = 0;
	if (!tables.num_syms || !tables.names || !tables.token_table || !tables.token_index)
		return gg_error_create(GG_NOT_FOUND, "VMCOREINFO has no place of kallsyms");
	struct gg_error *err = gg_host_read_uint(far->kernel, tables.num_syms, 4, &count);
	if (!err && (count < 1 || count > GG_KALLSYMS_MAX_SYMBOLS))
		err = gg_error_create(GG_BAD_DATA, "kallsyms_num_syms is %" PRIu64 ", not 1 to %d",
				      count, GG_KALLSYMS_MAX_SYMBOLS);
	far->count = count;
	if (!err)
		err = gg_kallsyms_read_tokens(far->kernel, &tables, &far->tokens);
	if (!err)
		err = find_markers(far, tables.token_table);
	return err ? err : find_addresses(far);
}

struct gg_error *gg_kallsyms_far_create(const struct gg_host *kernel,
					const struct gg_kallsyms_hints *hints,
					struct gg_kallsyms_far **ret)
{
	_cleanup_(cleanup_far) struct gg_kallsyms_far *far = calloc(1, sizeof(*far));
	if (!far)
		return gg_enomem;
	far->kernel = kernel;
	far->hints = hints;
	far->names = hints->names;
	far->end = hints->image + hints->image_size;
	struct gg_error *err = read_tables(far);
	far->hints = NULL;
	if (!err)
		*ret = no_cleanup_ptr(far);
	return err;
}
