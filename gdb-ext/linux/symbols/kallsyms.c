// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tables, in v6.1's words: kallsyms_names has for each symbol a length and as many bytes, each
// of which stands for a text in kallsyms_token_table; the first character is nm's type of the
// symbol. kallsyms_token_index has where each of the 256 texts begins. kallsyms_markers has where
// every 256th name begins. What differs:
//
// - A length of two bytes where the first has bit 7 set: since v6.1.
// - kallsyms_markers of unsigned longs until v4.19, of 32 bits since v4.20.
// - Addresses: kallsyms_addresses of unsigned longs, or kallsyms_offsets of 32 bits and
//   kallsyms_relative_base (v4.6), which are to be added, or, until v6.14 on some architectures,
//   of which those not negative are addresses themselves and the others count down from the base.
//   In v7.0 an offset counts from its own place; in v7.2 the tables are aligned to 4 bytes only.
// - Their order in memory: offsets, base, num_syms, names, markers, [seqs_of_names,] tokens, token
//   index until v6.3; since v6.4 num_syms, names, markers, tokens, token index, offsets, base.
//
// In:  guest memory by virtual address; what VMCOREINFO says.
// Out: all symbols, indexed by address and by name.
// Trusts nothing it reads: counts and lengths have limits, names must be printable, addresses must
// ascend, and _stext must be where VMCOREINFO has it.
#include "kallsyms.h"
#include "kallsyms-format.h"
#include "kallsyms-search.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/debug.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_NAMES_SIZE = 32 << 20, // of kallsyms_names; kernels have 1 to 4 MiB
	MAX_TEXT = 128 << 20,      // of all names
	MAX_PROBES = 1024,         // in the index of names
};

struct gg_kallsyms {
	size_t count;
	gg_gva_t *addresses; // ascending
	uint32_t *names;     // where each begins in TEXT: its type, then the name
	struct gg_buffer text;
	uint32_t *index; // by name: a symbol's number plus 1, or 0; open addressing
	size_t index_size;
	gg_gva_t end; // of the image
};

void gg_kallsyms_destroy(struct gg_kallsyms *kallsyms)
{
	if (!kallsyms)
		return;
	free(kallsyms->addresses);
	free(kallsyms->names);
	gg_buffer_deinit(&kallsyms->text);
	free(kallsyms->index);
	free(kallsyms);
}

static void cleanup_kallsyms(struct gg_kallsyms **kallsyms)
{
	gg_kallsyms_destroy(*kallsyms);
}

// ---- Names ----

static struct gg_error *append_name(struct gg_kallsyms *kallsyms, size_t index, const char *name,
				    size_t length)
{
	struct gg_buffer *text = &kallsyms->text;
	if (text->size + length + 1 > MAX_TEXT)
		return gg_error_create(GG_BAD_DATA,
				       "the names of %zu symbols have more than %d bytes",
				       kallsyms->count, MAX_TEXT);
	kallsyms->names[index] = (uint32_t)text->size;
	gg_buffer_append(text, name, length + 1);
	return gg_buffer_check(text);
}

// Decodes all names. *HAS_LONG gets whether a length has bit 7 set.
static struct gg_error *decode_names(struct gg_kallsyms *kallsyms, struct gg_cursor names,
				     const struct gg_kallsyms_tokens *tokens, bool long_lengths,
				     bool *has_long)
{
	enum { INTERVAL = 4096, LONG = 0x80 };
	char name[GG_KALLSYMS_TEXT_SIZE];
	size_t length = 0;
	struct gg_error *err = NULL;
	kallsyms->text.size = 0;
	*has_long = false;
	for (size_t i = 0; !err && i < kallsyms->count; i++) {
		if (i % INTERVAL == 0)
			err = gg_interrupt_check();
		if (names.position < names.size && names.bytes[names.position] & LONG)
			*has_long = true;
		if (!err)
			err = gg_kallsyms_decode_name(&names, tokens, long_lengths, name, &length);
		if (!err)
			err = append_name(kallsyms, i, name, length);
	}
	return err;
}

// ---- The index of names ----

static const char *name_of(const struct gg_kallsyms *kallsyms, size_t symbol)
{
	return (const char *)kallsyms->text.bytes + kallsyms->names[symbol] + 1;
}

// FNV-1a, of Glenn Fowler, Landon Curt Noll and Kiem-Phong Vo, of 32 bits.
static uint32_t hash(const char *name)
{
	uint32_t value = 2166136261u;
	for (; *name; name++)
		value = (value ^ (uint8_t)*name) * 16777619u;
	return value;
}

// The place of NAME in the index, or the free one where it belongs; NULL where too many other
// names are in its way.
static uint32_t *index_slot(const struct gg_kallsyms *kallsyms, const char *name)
{
	uint32_t at = hash(name);
	for (unsigned int probes = 0; probes < MAX_PROBES; probes++, at++) {
		uint32_t *slot = &kallsyms->index[at & (kallsyms->index_size - 1)];
		if (!*slot || !strcmp(name_of(kallsyms, *slot - 1), name))
			return slot;
	}
	return NULL;
}

static struct gg_error *index_names(struct gg_kallsyms *kallsyms)
{
	kallsyms->index_size = 1024;
	while (kallsyms->index_size < 2 * kallsyms->count)
		kallsyms->index_size *= 2;
	free(kallsyms->index);
	kallsyms->index = calloc(kallsyms->index_size, sizeof(*kallsyms->index));
	if (!kallsyms->index)
		return gg_enomem;
	for (size_t i = 0; i < kallsyms->count; i++) {
		uint32_t *slot = index_slot(kallsyms, name_of(kallsyms, i));
		if (!slot)
			return gg_error_create(
				GG_BAD_DATA, "more than %d names of symbols are alike", MAX_PROBES);
		if (!*slot)
			*slot = (uint32_t)i + 1;
	}
	return NULL;
}

// ---- Addresses ----

static struct gg_error *decode_addresses(struct gg_kallsyms *kallsyms,
					 const struct gg_kallsyms_place *place,
					 struct gg_cursor values)
{
	for (size_t i = 0; i < kallsyms->count; i++) {
		gg_gva_t *address = &kallsyms->addresses[i];
		struct gg_error *err = gg_kallsyms_decode_address(place, &values, i, address);
		if (err)
			return err;
		if (i && *address < address[-1])
			return gg_error_create(GG_BAD_DATA,
					       "the symbol %zu is at 0x%" PRIx64
					       ", below the one before it",
					       i, *address);
	}
	return NULL;
}

struct reader {
	const struct gg_host *kernel;
	const struct gg_kallsyms_hints *hints;
	struct gg_kallsyms *kallsyms;
	size_t stext; // the number of the symbol _stext
};

// Decodes the addresses, by one encoding at one place, if _stext is where it must be.
static struct gg_error *try_place(const struct reader *reader,
				  const struct gg_kallsyms_place *place, bool *found)
{
	uint8_t bytes[8];
	gg_gva_t address;
	const size_t size = reader->kallsyms->count * place->width;
	struct gg_error *err = gg_host_read(
		reader->kernel, place->values + reader->stext * place->width, bytes, place->width);
	if (err)
		return err;
	struct gg_cursor value =
		gg_cursor(bytes, place->width, reader->kernel->big_endian, "_stext");
	err = gg_kallsyms_decode_address(place, &value, reader->stext, &address);
	if (err || address != reader->hints->text)
		return err;
	_cleanup_free_ uint8_t *values = malloc(size);
	if (!values)
		return gg_enomem;
	err = gg_host_read(reader->kernel, place->values, values, size);
	if (!err)
		err = decode_addresses(
			reader->kallsyms, place,
			gg_cursor(values, size, reader->kernel->big_endian, "the addresses"));
	*found = !err;
	static const char *const names[] = { [GG_KALLSYMS_ABSOLUTE] = "absolute",
					     [GG_KALLSYMS_BASE_RELATIVE] = "relative to a base",
					     [GG_KALLSYMS_BASE_RELATIVE_DOWN] =
						     "relative to a base or absolute",
					     [GG_KALLSYMS_PLACE_RELATIVE] =
						     "relative to their place" };
	gg_debug(reader->hints->debug, "kallsyms: addresses at 0x%" PRIx64 ", %s: %s",
		 place->values, names[place->encoding], gg_debug_outcome(err));
	return err;
}

// All encodings of offsets at VALUES; BASE is the address of kallsyms_relative_base, or 0.
static struct gg_error *try_offsets(const struct reader *reader, gg_gva_t values, gg_gva_t base,
				    bool *found)
{
	struct gg_kallsyms_place place = { .values = values, .width = GG_KALLSYMS_OFFSET_SIZE };
	struct gg_error *err = NULL;
	if (base) {
		err = gg_host_read_uint(reader->kernel, base, reader->hints->word, &place.base);
		if (err)
			return gg_error_unless_final(err);
	}
	const enum gg_kallsyms_encoding first =
		base ? GG_KALLSYMS_BASE_RELATIVE : GG_KALLSYMS_PLACE_RELATIVE;
	const enum gg_kallsyms_encoding last =
		base ? GG_KALLSYMS_BASE_RELATIVE_DOWN : GG_KALLSYMS_PLACE_RELATIVE;
	for (enum gg_kallsyms_encoding encoding = first; !*found && encoding <= last; encoding++) {
		place.encoding = encoding;
		err = gg_error_unless_final(try_place(reader, &place, found));
		if (err)
			return err;
	}
	return NULL;
}

static struct gg_error *try_absolute(const struct reader *reader, gg_gva_t values, bool *found)
{
	const struct gg_kallsyms_place place = { .values = values,
						 .encoding = GG_KALLSYMS_ABSOLUTE,
						 .width = reader->hints->word };
	return gg_error_unless_final(try_place(reader, &place, found));
}

// Finds the addresses where VMCOREINFO has them, or else around the other tables.
static struct gg_error *find_addresses(const struct reader *reader, gg_gva_t num_syms,
				       gg_gva_t token_index)
{
	enum { INDEX_SIZE = GG_KALLSYMS_TOKENS * 2 };
	const struct gg_kallsyms_hints *hints = reader->hints;
	const uint64_t word = hints->word;
	const uint64_t size =
		gg_kallsyms_align(reader->kallsyms->count * GG_KALLSYMS_OFFSET_SIZE, word);
	const gg_gva_t behind = gg_kallsyms_align(token_index + INDEX_SIZE, word);
	const struct {
		gg_gva_t values, base;
	} places[] = {
		{ hints->offsets, hints->relative_base },
		{ behind, behind + size },                   // since v6.4
		{ num_syms - word - size, num_syms - word }, // v4.6 to v6.3
		{ behind, 0 },                               // v7.0
		{ token_index + INDEX_SIZE, 0 },             // v7.2
	};
	bool found = false;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && !found && i < sizeof(places) / sizeof(*places); i++)
		if (places[i].values)
			err = try_offsets(reader, places[i].values, places[i].base, &found);
	if (!err && !found && hints->addresses)
		err = try_absolute(reader, hints->addresses, &found);
	if (!err && !found)
		err = try_absolute(reader, num_syms - reader->kallsyms->count * word, &found);
	if (!err && !found)
		err = gg_error_create(GG_BAD_DATA,
				      "by none of the known encodings _stext is at 0x%" PRIx64
				      ", with all symbols in order",
				      hints->text);
	return err;
}

// ---- One set of tables ----

// The names are in front of the tokens, with the markers in between.
static struct gg_error *read_names(const struct reader *reader,
				   const struct gg_kallsyms_tables *tables, uint8_t **ret,
				   size_t *size)
{
	const uint64_t distance = tables->token_table - tables->names;
	if (!distance || distance > MAX_NAMES_SIZE)
		return gg_error_create(GG_BAD_DATA,
				       "kallsyms_names is at 0x%" PRIx64
				       ", kallsyms_token_table at 0x%" PRIx64
				       ", not at most 0x%x bytes behind it",
				       tables->names, tables->token_table, MAX_NAMES_SIZE);
	_cleanup_free_ uint8_t *bytes = malloc(distance);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = gg_host_read(reader->kernel, tables->names, bytes, distance);
	if (err)
		return gg_error_context(err, "kallsyms_names");
	*size = distance;
	*ret = no_cleanup_ptr(bytes);
	return NULL;
}

static struct gg_error *allocate(struct gg_kallsyms *kallsyms, uint64_t count)
{
	if (count < 1 || count > GG_KALLSYMS_MAX_SYMBOLS)
		return gg_error_create(GG_BAD_DATA, "kallsyms_num_syms is %" PRIu64 ", not 1 to %d",
				       count, GG_KALLSYMS_MAX_SYMBOLS);
	free(kallsyms->addresses);
	free(kallsyms->names);
	kallsyms->count = count;
	kallsyms->addresses = calloc(count, sizeof(*kallsyms->addresses));
	kallsyms->names = calloc(count, sizeof(*kallsyms->names));
	return kallsyms->addresses && kallsyms->names ? NULL : gg_enomem;
}

static struct gg_error *find_stext(struct reader *reader)
{
	struct gg_error *err = index_names(reader->kallsyms);
	if (err)
		return err;
	const uint32_t *slot = index_slot(reader->kallsyms, "_stext");
	if (!slot || !*slot)
		return gg_error_create(GG_BAD_DATA, "kallsyms has no _stext");
	reader->stext = *slot - 1;
	return NULL;
}

// The names' bytes, and what they are made of.
struct names {
	const struct gg_kallsyms_tables *tables;
	struct gg_kallsyms_tokens tokens;
	uint8_t *bytes;
	size_t size;
};

static struct gg_error *try_lengths(struct reader *reader, const struct names *names,
				    bool long_lengths, bool *has_long)
{
	struct gg_cursor cursor =
		gg_cursor(names->bytes, names->size, reader->kernel->big_endian, "kallsyms_names");
	struct gg_error *err =
		decode_names(reader->kallsyms, cursor, &names->tokens, long_lengths, has_long);
	if (!err)
		err = find_stext(reader);
	return err ? err
		   : find_addresses(reader, names->tables->num_syms, names->tables->token_index);
}

// A length above 127 is of two bytes in v6.1 and later; before that hardly any was so long.
static struct gg_error *try_both_lengths(struct reader *reader, const struct names *names)
{
	bool has_long;
	struct gg_error *err = try_lengths(reader, names, true, &has_long);
	if (!err || !has_long || gg_error_is_final(err))
		return err;
	struct gg_error *other = try_lengths(reader, names, false, &has_long);
	if (!other) {
		gg_error_destroy(err);
		return NULL;
	}
	other = gg_error_unless_final(other);
	if (!other)
		return err;
	gg_error_destroy(err);
	return other;
}

static void log_tables(const struct reader *reader, const struct gg_kallsyms_tables *tables,
		       const struct gg_error *err)
{
	const struct gg_debug *debug = reader->hints->debug;
	if (err)
		gg_debug(debug, "kallsyms: tables with the names at 0x%" PRIx64 ": rejected: %s",
			 tables->names, gg_error_message(err));
	else
		gg_debug(debug,
			 "kallsyms: %zu symbols, names at 0x%" PRIx64 ", tokens at 0x%" PRIx64,
			 reader->kallsyms->count, tables->names, tables->token_table);
}

static struct gg_error *read_tables(struct reader *reader, const struct gg_kallsyms_tables *tables)
{
	struct names names = { .tables = tables };
	uint64_t count;
	struct gg_error *err = gg_host_read_uint(reader->kernel, tables->num_syms, 4, &count);
	if (!err)
		err = allocate(reader->kallsyms, count);
	if (!err)
		err = gg_kallsyms_read_tokens(reader->kernel, tables, &names.tokens);
	if (!err)
		err = read_names(reader, tables, &names.bytes, &names.size);
	if (!err)
		err = try_both_lengths(reader, &names);
	free(names.bytes);
	log_tables(reader, tables, err);
	return err;
}

// ---- All of it ----

static struct gg_error *try_tables(void *data, const struct gg_kallsyms_tables *tables)
{
	return read_tables(data, tables);
}

static struct gg_error *read_all(struct reader *reader)
{
	const struct gg_kallsyms_hints *hints = reader->hints;
	const struct gg_kallsyms_tables tables = { .num_syms = hints->num_syms,
						   .names = hints->names,
						   .token_table = hints->token_table,
						   .token_index = hints->token_index };
	if (hints->word != 4 && hints->word != 8)
		return gg_error_create(GG_INVALID, "a word of %u bytes", hints->word);
	if (tables.num_syms && tables.names && tables.token_table && tables.token_index)
		return read_tables(reader, &tables);
	gg_debug(hints->debug, "kallsyms: VMCOREINFO has no place, searching the image");
	return gg_kallsyms_search(hints->image_memory ? hints->image_memory : reader->kernel, hints,
				  try_tables, reader);
}

struct gg_error *gg_kallsyms_create(const struct gg_host *kernel,
				    const struct gg_kallsyms_hints *hints, struct gg_kallsyms **ret)
{
	_cleanup_(cleanup_kallsyms) struct gg_kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));
	if (!kallsyms)
		return gg_enomem;
	kallsyms->end = hints->image + hints->image_size;
	struct reader reader = { .kernel = kernel, .hints = hints, .kallsyms = kallsyms };
	struct gg_error *err = read_all(&reader);
	if (err)
		return gg_error_context(err, "the kernel's kallsyms");
	*ret = no_cleanup_ptr(kallsyms);
	return NULL;
}

// ---- Look-ups ----

size_t gg_kallsyms_count(const struct gg_kallsyms *kallsyms)
{
	return kallsyms->count;
}

// The first symbol behind ADDRESS.
static size_t find_behind(const struct gg_kallsyms *kallsyms, gg_gva_t address)
{
	size_t low = 0, high = kallsyms->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (kallsyms->addresses[middle] <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void gg_kallsyms_get(const struct gg_kallsyms *kallsyms, size_t index, struct gg_symbol *ret)
{
	const gg_gva_t address = kallsyms->addresses[index];
	const size_t behind = find_behind(kallsyms, address);
	const gg_gva_t end = behind < kallsyms->count ? kallsyms->addresses[behind] : kallsyms->end;
	*ret = (struct gg_symbol){
		.name = name_of(kallsyms, index),
		.type = (char)kallsyms->text.bytes[kallsyms->names[index]],
		.address = address,
		.size = end > address ? end - address : 0,
	};
}

bool gg_kallsyms_at(const struct gg_kallsyms *kallsyms, gg_gva_t address, struct gg_symbol *ret)
{
	size_t index = find_behind(kallsyms, address);
	if (!index)
		return false;
	const gg_gva_t start = kallsyms->addresses[index - 1];
	index = start ? find_behind(kallsyms, start - 1) : 0;
	gg_kallsyms_get(kallsyms, index, ret);
	return true;
}

bool gg_kallsyms_find(const struct gg_kallsyms *kallsyms, const char *name, struct gg_symbol *ret)
{
	const uint32_t *slot = index_slot(kallsyms, name);
	if (!slot || !*slot)
		return false;
	gg_kallsyms_get(kallsyms, *slot - 1, ret);
	return true;
}
