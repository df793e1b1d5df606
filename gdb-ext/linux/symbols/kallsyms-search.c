// SPDX-License-Identifier: GPL-3.0-or-later
//
// The search for kallsyms in the image of a kernel whose VMCOREINFO does not have the place.
//
// The digits are characters of names, so each stands for itself: the tokens of 0 to 9 are the texts
// of one digit, one behind the other. Around them are the token table's ends; behind it is the
// index, which must agree; in front of it, as far as their own numbers tell, are the names.
//
// In:  the kernel's image.
// Out: candidates.
// Trusts nothing it reads: what reaches beyond the image is no candidate, and there is a limit to
// how many are looked at.
#include "kallsyms-search.h"
#include "base/cleanup.h"
#include "image.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_IMAGE = 256 << 20,
	MAX_NAMES_SIZE = 32 << 20,
	MAX_SYMBOLS = 1 << 22,
	MAX_HITS = 64,          // places with the digits that are looked at
	MAX_TABLES = 4,         // of these that are token tables
	MAX_CANDIDATES = 2,     // of these that have names in front of them
	MAX_COUNTED = 64 << 20, // names that are counted, in all
	TOKENS = 256,
	INDEX_SIZE = TOKENS * 2,
	MARKER_INTERVAL = 256,
	SEQUENCE_SIZE = 3, // of kallsyms_seqs_of_names, in v6.2 and v6.3 behind the markers
};

struct image {
	const struct gg_kallsyms_hints *hints;
	uint8_t *bytes;
	size_t size;
	bool big_endian;
	unsigned int alignment; // of the tables: a word, or 4 bytes
	unsigned int tables;    // of tokens that were found, so far
	uint64_t counted;       // names, so far
};

// ---- The image ----

static struct gg_error *read_image(struct image *image, const struct gg_host *kernel)
{
	image->size = image->hints->image_size < MAX_IMAGE ? image->hints->image_size : MAX_IMAGE;
	image->bytes = malloc(image->size ? image->size : 1);
	if (!image->bytes)
		return gg_enomem;
	return gg_image_read(kernel, image->hints->image, image->bytes, image->size);
}

// The integer of SIZE bytes at OFFSET, or all ones where that is not in the image.
static uint64_t get(const struct image *image, size_t offset, unsigned int size)
{
	struct gg_cursor cursor =
		gg_cursor(image->bytes, image->size, image->big_endian, "the image");
	uint64_t value = UINT64_MAX;
	struct gg_error *err = gg_cursor_seek(&cursor, offset);
	if (!err)
		err = gg_cursor_uint(&cursor, size, &value);
	gg_error_destroy(err);
	return value;
}

static size_t align(size_t value, size_t to)
{
	return (value + to - 1) & ~(to - 1);
}

// ---- The token table ----

// Tests whether the index of the table from TABLE to END is at INDEX.
static bool is_index(const struct image *image, size_t table, size_t end, size_t index)
{
	if (index > image->size || image->size - index < INDEX_SIZE)
		return false;
	if (get(image, index, 2))
		return false;
	uint64_t before = 0;
	for (unsigned int i = 1; i < TOKENS; i++) {
		const uint64_t start = get(image, index + 2 * i, 2);
		if (start <= before || start >= end - table || image->bytes[table + start - 1])
			return false;
		before = start;
	}
	return true;
}

// The end of the COUNT texts from OFFSET on, or 0.
static size_t skip_texts(const struct image *image, size_t offset, unsigned int count)
{
	for (; count > 0; count--) {
		const size_t left = image->size - offset;
		const size_t most = left < UINT8_MAX ? left : UINT8_MAX;
		const uint8_t *end = memchr(image->bytes + offset, 0, most);
		if (!end)
			return 0;
		offset = (size_t)(end - image->bytes) + 1;
	}
	return offset;
}

// DIGITS is where the token of "0" is.
static bool find_table(const struct image *image, size_t digits, size_t *table, size_t *index)
{
	const size_t end = skip_texts(image, digits, TOKENS - '0');
	if (!end)
		return false;
	for (size_t to = 4; to <= 8; to += 4) {
		*index = align(end, to);
		const uint64_t before = get(image, *index + 2 * '0', 2);
		*table = digits - before;
		if (before <= digits && is_index(image, *table, end, *index))
			return true;
	}
	return false;
}

// ---- The names ----

// The place of the names, as counting through them shows it.
struct names {
	size_t start, end;
	size_t second_marker; // the offset of name 256, if there is one
};

// Counts through COUNT names by their lengths; false where they do not end before LIMIT.
static bool count_names(struct image *image, struct names *names, uint64_t count, size_t limit,
			bool long_lengths)
{
	size_t at = names->start;
	for (uint64_t i = 0; i < count; i++) {
		if (at >= limit || !image->bytes[at] || image->counted++ >= MAX_COUNTED)
			return false;
		if (i == MARKER_INTERVAL)
			names->second_marker = at - names->start;
		size_t length = image->bytes[at++];
		if (long_lengths && length & 0x80 && at < limit)
			length = (length & 0x7f) | (size_t)image->bytes[at++] << 7;
		if (length >= limit - at)
			return false;
		at += length;
	}
	names->end = at;
	return true;
}

// Tests whether the markers of COUNT names, of WIDTH bytes each, lie between the names' end and the
// token table.
static bool has_markers(const struct image *image, const struct names *names, uint64_t count,
			size_t table, unsigned int width)
{
	const size_t alignment = image->alignment;
	const size_t markers = align(names->end, alignment);
	const size_t end =
		align(markers + (count + MARKER_INTERVAL - 1) / MARKER_INTERVAL * width, alignment);
	if (end != table && align(end + count * SEQUENCE_SIZE, alignment) != table)
		return false;
	return get(image, markers, width) == 0 &&
	       (count <= MARKER_INTERVAL ||
		get(image, markers + width, width) == names->second_marker);
}

// Tests whether kallsyms_num_syms is at OFFSET, and the names behind it.
static bool is_count(struct image *image, size_t offset, size_t table)
{
	const uint64_t count = get(image, offset, 4);
	if (count < 1 || count > MAX_SYMBOLS ||
	    (image->alignment == 8 && get(image, offset + 4, 4)) || count >= table - offset)
		return false;
	struct names names = { .start = offset + image->alignment };
	// The first names are of a few tokens each.
	if (!count_names(image, &names, count < 16 ? count : 16, table, true))
		return false;
	for (int long_lengths = 1; long_lengths >= 0; long_lengths--)
		if (count_names(image, &names, count, table, long_lengths) &&
		    (has_markers(image, &names, count, table, 4) ||
		     has_markers(image, &names, count, table, image->hints->word)))
			return true;
	return false;
}

static bool find_count(struct image *image, size_t table, size_t *ret)
{
	const size_t lowest = table > MAX_NAMES_SIZE ? table - MAX_NAMES_SIZE : 0;
	// The image starts at a page, and the token table is aligned.
	for (size_t offset = table; offset >= lowest + image->alignment;) {
		offset -= image->alignment;
		if (is_count(image, offset, table)) {
			*ret = offset;
			return true;
		}
	}
	return false;
}

// ---- The search ----

static bool find_tables(struct image *image, size_t digits, struct gg_kallsyms_tables *ret)
{
	const gg_gva_t start = image->hints->image;
	size_t table, index, count;
	if (!find_table(image, digits, &table, &index) || image->tables++ >= MAX_TABLES)
		return false;
	// To a word, or, as in v7.2, to 4 bytes.
	static const unsigned int alignments[] = { 8, 4 };
	for (size_t i = 0; i < sizeof(alignments) / sizeof(*alignments); i++) {
		image->alignment = alignments[i];
		if (image->alignment > image->hints->word || table % image->alignment ||
		    !find_count(image, table, &count))
			continue;
		*ret = (struct gg_kallsyms_tables){ .num_syms = start + count,
						    .names = start + count + image->alignment,
						    .token_table = start + table,
						    .token_index = start + index };
		return true;
	}
	return false;
}

static struct gg_error *search_image(struct image *image, gg_kallsyms_try_fn *try, void *data)
{
	static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
	struct gg_error *last = NULL;
	size_t at = 0;
	unsigned int candidates = 0;
	for (unsigned int hits = 0; hits < MAX_HITS && candidates < MAX_CANDIDATES; hits++) {
		struct gg_kallsyms_tables found;
		const uint8_t *hit =
			memmem(image->bytes + at, image->size - at, digits, sizeof(digits));
		if (!hit)
			break;
		at = (size_t)(hit - image->bytes) + 1;
		if (!find_tables(image, at - 1, &found))
			continue;
		candidates++;
		gg_error_destroy(last);
		last = try(data, &found);
		if (!last || gg_error_is_final(last))
			return last;
	}
	return last ? last
		    : gg_error_create(GG_NOT_FOUND,
				      "it is not in the kernel's image (CONFIG_KALLSYMS)");
}

struct gg_error *gg_kallsyms_search(const struct gg_host *kernel,
				    const struct gg_kallsyms_hints *hints, gg_kallsyms_try_fn *try,
				    void *data)
{
	struct image image = { .hints = hints, .big_endian = kernel->big_endian };
	struct gg_error *err = read_image(&image, kernel);
	if (!err)
		err = search_image(&image, try, data);
	free(image.bytes);
	return err;
}
