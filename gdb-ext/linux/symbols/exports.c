// SPDX-License-Identifier: GPL-3.0-or-later
//
// The exported symbols are an array in the image (Linux include/linux/export.h, struct kernel_symbol): the
// value, the name, and since v5.4 the namespace, each as a pointer or, since Linux commit 7290d5809571
// (v4.19) on most architectures, as an offset of 32 bits from its own place. The linker sorts the names,
// which lie behind the array; the BTF comes soon behind (include/asm-generic/vmlinux.lds.h, RO_DATA).
//
// In:  the kernel's image, and the place of its kallsyms, which the array lies behind.
// Out: names and addresses; the place of the BTF.
// Trusts nothing it reads: a name must be an identifier soon behind the array, the first entry that is found must have
// sound entries on both sides, and counts and bytes have limits.
#include "exports.h"
#include "base/cleanup.h"
#include "base/debug.h"
#include "base/vector.h"
#include "image.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEP = 1 << 20,
	MAX_SEARCHED = 64 << 20, // of the image
	MAX_NAMES = 2 << 20,     // from an entry to the last name
	MAX_GAP = 8 << 20,       // from the array to the BTF
	MAX_EXPORTS = 1 << 18,
	MAX_NAME = 512,
	MAX_HITS = 64, // places with the name that is looked for, in all
	BTF_MAGIC = 0xeb9f,
	BTF_VERSION = 1,
	BTF_HEADER = 24,
	MAX_BTF_HEADER = 256,
	MIN_BTF = 64 << 10, // a program's in the image is smaller
	MAX_BTF = 64 << 20,
};

struct export
{
	gg_gva_t address;
	const char *name; // in the bytes of the search
};

struct gg_exports {
	struct export *list; // by name
	size_t count;
	uint8_t *bytes;
	gg_gva_t btf; // 0: none was found
	uint64_t btf_size;
};

// A layout of the array.
struct format {
	unsigned int pointer; // bytes of the value and of the name
	unsigned int stride;
	bool is_relative; // to the pointer's own place
};

// The part of the image that was read.
struct search {
	const struct gg_host *memory;
	gg_gva_t start;
	uint64_t size; // of the image from START on
	uint8_t *bytes;
	size_t held;
	struct format format;
	size_t entry; // an entry of the array, with the format
	bool has_entry;
	unsigned int hits; // places with the name
};

void gg_exports_destroy(struct gg_exports *exports)
{
	if (!exports)
		return;
	free(exports->list);
	free(exports->bytes);
	free(exports);
}

size_t gg_exports_count(const struct gg_exports *exports)
{
	return exports->count;
}

// ---- The bytes ----

// Returns the integer of SIZE bytes at OFFSET, which must be held.
static uint64_t get(const struct search *search, size_t offset, unsigned int size)
{
	uint64_t value = 0;
	for (unsigned int i = 0; i < size; i++) {
		const unsigned int at = search->memory->big_endian ? i : size - 1 - i;
		value = value << 8 | search->bytes[offset + at];
	}
	return value;
}

// Returns the address that the pointer at OFFSET has.
static gg_gva_t follow(const struct search *search, const struct format *format, size_t offset)
{
	const uint64_t value = get(search, offset, format->pointer);
	if (!format->is_relative)
		return value;
	return search->start + offset + (uint64_t)(int64_t)(int32_t)value;
}

static struct gg_error *read_on(struct search *search, size_t size)
{
	const uint64_t left = search->size - search->held;
	const size_t more = left < size ? (size_t)left : size;
	uint8_t *bytes = realloc(search->bytes, search->held + more + 1);
	if (!bytes)
		return gg_enomem;
	search->bytes = bytes;
	struct gg_error *err = gg_image_read(search->memory, search->start + search->held,
					     bytes + search->held, more);
	if (!err)
		search->held += more;
	return err;
}

// ---- The array ----

static bool is_name_character(uint8_t character)
{
	return isalnum(character) || character == '_' || character == '.';
}

// Returns the name of the entry at OFFSET; NULL where no entry can be there.
static const char *name_at(const struct search *search, const struct format *format, size_t offset)
{
	if (offset > search->held || search->held - offset < format->stride)
		return NULL;
	const uint64_t place = follow(search, format, offset + format->pointer) - search->start;
	if (place <= offset || place >= search->held || place - offset > MAX_NAMES)
		return NULL;
	for (size_t i = place; i < search->held && i - place < MAX_NAME; i++)
		if (!is_name_character(search->bytes[i]))
			return i > place && !search->bytes[i] ? (const char *)search->bytes + place
							      : NULL;
	return NULL;
}

// Tests whether the pointer to the name at NAME is at OFFSET, and belongs to an entry with neighbours.
static bool is_entry(struct search *search, const struct format *format, size_t offset, size_t name)
{
	if (offset < format->stride + format->pointer || offset > search->held - format->stride ||
	    follow(search, format, offset) != search->start + name)
		return false;
	const size_t entry = offset - format->pointer;
	if (!name_at(search, format, entry) || !name_at(search, format, entry - format->stride) ||
	    !name_at(search, format, entry + format->stride))
		return false;
	search->format = *format;
	search->entry = entry;
	return true;
}

// Finds an entry of the name at NAME.
static bool find_entry(struct search *search, size_t name)
{
	enum { SMALL = 4 };
	const unsigned int word = search->memory->address_size;
	// With a namespace, and without.
	const struct format formats[] = {
		{ SMALL, 3 * SMALL, true },
		{ SMALL, 2 * SMALL, true },
		{ word, 3 * word, false },
		{ word, 2 * word, false },
	};
	const size_t first = name > MAX_NAMES ? (name - MAX_NAMES) & ~(size_t)(SMALL - 1) : 0;
	for (size_t offset = first; offset < name; offset += SMALL)
		for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
			if (is_entry(search, &formats[i], offset, name))
				return true;
	return false;
}

// Looks for the array, by a name that all kernels export, in the bytes from the offset FROM on.
static void find_array(struct search *search, size_t from)
{
	static const char name[] = "init_task";
	const uint8_t *at = search->bytes + from, *end = search->bytes + search->held;
	for (; !search->has_entry && search->hits < MAX_HITS; search->hits++) {
		at = memmem(at, (size_t)(end - at), name, sizeof(name));
		if (!at)
			return;
		search->has_entry = find_entry(search, (size_t)(at - search->bytes));
		at++;
	}
}

static int compare_exports(const void *a, const void *b)
{
	const struct export *x = a, *y = b;
	const int order = strcmp(x->name, y->name);
	return order ? order : (x->address > y->address) - (x->address < y->address);
}

// Lists the entries around the found entry.
static struct gg_error *list_array(const struct search *search, struct gg_exports *ret)
{
	const struct format *format = &search->format;
	size_t first = search->entry;
	const char *name;
	while (first >= format->stride && name_at(search, format, first - format->stride))
		first -= format->stride;
	for (size_t at = first; (name = name_at(search, format, at)); at += format->stride) {
		if (ret->count == MAX_EXPORTS)
			return gg_error_create(GG_BAD_DATA, "more than %d symbols", MAX_EXPORTS);
		struct gg_error *err = gg_vector_grow(&ret->list, ret->count, sizeof(*ret->list));
		if (err)
			return err;
		ret->list[ret->count++] = (struct export){ follow(search, format, at), name };
	}
	if (ret->count)
		qsort(ret->list, ret->count, sizeof(*ret->list), compare_exports);
	return NULL;
}

// ---- The BTF ----

// Returns the size of the BTF whose header is at OFFSET; 0 without such a header.
static uint64_t btf_size_at(const struct search *search, size_t offset)
{
	enum {
		FLAGS = 3,
		HEADER_SIZE = 4,
		TYPES = 8,
		TYPES_SIZE = 12,
		NAMES = 16,
		NAMES_SIZE = 20
	};
	if (search->held - offset < BTF_HEADER || get(search, offset, 2) != BTF_MAGIC ||
	    search->bytes[offset + 2] != BTF_VERSION || search->bytes[offset + FLAGS])
		return 0;
	const uint64_t header = get(search, offset + HEADER_SIZE, 4);
	const uint64_t types = get(search, offset + TYPES, 4);
	const uint64_t types_end = types + get(search, offset + TYPES_SIZE, 4);
	const uint64_t names = get(search, offset + NAMES, 4);
	const uint64_t size = header + names + get(search, offset + NAMES_SIZE, 4);
	if (header < BTF_HEADER || header > MAX_BTF_HEADER || types_end > names || size < MIN_BTF ||
	    size > MAX_BTF || size > search->size - offset)
		return 0;
	uint64_t first = 1, last = 1;
	const gg_gva_t start = search->start + offset;
	struct gg_error *err = gg_host_read_uint(search->memory, start + header + names, 1, &first);
	if (!err)
		err = gg_host_read_uint(search->memory, start + size - 1, 1, &last);
	gg_error_destroy(err);
	return err || first || last ? 0 : size;
}

// Looks for the BTF from the offset FROM on.
static void find_btf(const struct search *search, size_t from, struct gg_exports *ret)
{
	enum { ALIGNMENT = 4 };
	for (size_t at = from; !ret->btf && at + BTF_HEADER <= search->held; at += ALIGNMENT) {
		ret->btf_size = btf_size_at(search, at);
		if (ret->btf_size)
			ret->btf = search->start + at;
	}
}

// ---- The search ----

// Searches from the offset START of the image on.
static struct gg_error *search_from(const struct gg_kallsyms_hints *hints, uint64_t start,
				    struct search *search, struct gg_exports *ret)
{
	search->start = hints->image + start;
	search->size = hints->image_size - start;
	search->held = 0;
	struct gg_error *err = NULL;
	while (!err && !search->has_entry && search->held < search->size &&
	       search->held < MAX_SEARCHED) {
		const size_t from = search->held > MAX_NAME ? search->held - MAX_NAME : 0;
		err = read_on(search, STEP);
		if (!err)
			find_array(search, from);
	}
	if (err || !search->has_entry)
		return err;
	err = read_on(search, MAX_NAMES);
	find_btf(search, search->entry, ret);
	while (!err && !ret->btf && search->held < search->size &&
	       search->held - search->entry < MAX_GAP) {
		const size_t from = search->held - BTF_HEADER;
		err = read_on(search, STEP);
		if (!err)
			find_btf(search, from, ret);
	}
	return err ? err : list_array(search, ret);
}

struct gg_error *gg_exports_create(const struct gg_host *memory,
				   const struct gg_kallsyms_hints *hints, struct gg_exports **ret)
{
	struct search search = { .memory = memory };
	struct gg_exports *exports = calloc(1, sizeof(*exports));
	if (!exports)
		return gg_enomem;
	// The array lies behind kallsyms, where that is in the constants.
	const uint64_t offset =
		(hints->token_index - hints->image) & ~(uint64_t)(sizeof(uint64_t) - 1);
	struct gg_error *err = NULL;
	if (hints->token_index && offset < hints->image_size)
		err = search_from(hints, offset, &search, exports);
	if (!err && !search.has_entry)
		err = search_from(hints, 0, &search, exports);
	exports->bytes = search.bytes;
	gg_debug(hints->debug,
		 "the image's tables: %zu exported symbols, BTF of %" PRIu64 " bytes at 0x%" PRIx64
		 ", of %zu bytes from 0x%" PRIx64 " on: %s",
		 exports->count, exports->btf_size, exports->btf, search.held, search.start,
		 gg_debug_outcome(err));
	if (err)
		gg_exports_destroy(exports);
	else
		*ret = exports;
	return err;
}

// ---- Answers ----

static int compare_name(const void *key, const void *element)
{
	const struct export *export = element;
	return strcmp(key, export->name);
}

bool gg_exports_find(const struct gg_exports *exports, const char *name, gg_gva_t *ret)
{
	const bool is_start = !strcmp(name, "__start_BTF");
	if (exports->btf && (is_start || !strcmp(name, "__stop_BTF"))) {
		*ret = exports->btf + (is_start ? 0 : exports->btf_size);
		return true;
	}
	if (!exports->count)
		return false;
	const struct export *found =
		bsearch(name, exports->list, exports->count, sizeof(*exports->list), compare_name);
	if (found)
		*ret = found->address;
	return found;
}
