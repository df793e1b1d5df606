// SPDX-License-Identifier: GPL-3.0-or-later
//
// A compressed kdump (makedumpfile IMPLEMENTATION, diskdump_mod.h, struct disk_dump_header and
// kdump_sub_header; QEMU include/sysemu/dump.h): headers in blocks of a page's size, a bitmap of the
// pages that are memory, a bitmap of the pages that the file has, a descriptor for each of these,
// their data.
//
// libkdumpfile reads such files too, but shows zeros in the place of what lies behind the file's
// end, and refuses flattened files (0.5.1).
#include "base/cleanup.h"
#include "base/cursor.h"
#include "kdump-bytes.h"
#include "kdump-page.h"
#include "vmcore-file.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

enum {
	DESCRIPTOR = 24,
	DESCRIPTORS = 4096,       // read at once
	PAGES_PER_RANK = 1 << 12, // bits between two counts of the bits before
	CACHE = 64,               // pages
};

struct cached_page {
	uint64_t number; // of the page; UINT64_MAX for none
	uint8_t *bytes;
};

struct kdump_state {
	struct gg_kdump_bytes bytes;
	uint64_t block_size, pages;
	uint64_t version, sub_blocks, bitmap_blocks;
	uint8_t *memory, *described; // bit N: page N is memory, has a descriptor
	uint8_t *lost;               // bit N: page N's data are not in the file; NULL: no such page
	uint64_t *ranks;             // descriptors before each PAGES_PER_RANK pages
	uint64_t descriptors;        // their offset
	pthread_mutex_t lock;        // of the cache
	struct cached_page cache[CACHE];
};

// ---- Headers ----

// The members of struct disk_dump_header behind the timestamp, and of kdump_sub_header, with longs
// of 64 and of 32 bits. The sub-header of 32 bits is packed, as on i386.
struct layout {
	unsigned int address_size;
	struct gg_member status, block_size, sub_blocks, bitmap_blocks, pages;
	struct gg_member dump_level, split, offset_note, size_note, pages_64;
};

static const struct layout layouts[] = {
	{ 8,
	  { 424, 4 },
	  { 428, 4 },
	  { 432, 4 },
	  { 436, 4 },
	  { 440, 4 },
	  { 8, 4 },
	  { 12, 4 },
	  { 48, 8 },
	  { 56, 8 },
	  { 96, 8 } },
	{ 4,
	  { 412, 4 },
	  { 416, 4 },
	  { 420, 4 },
	  { 424, 4 },
	  { 428, 4 },
	  { 4, 4 },
	  { 8, 4 },
	  { 32, 8 },
	  { 40, 4 },
	  { 72, 8 } },
};

enum { HEADER = 464, SUB_HEADER = 104 };

// A member, and the place that its value goes to.
struct reading {
	const struct gg_member *member;
	uint64_t *value;
};

// Reads READINGS, up to an element without a member.
static struct gg_error *read_members(struct gg_cursor *cursor, const struct reading *readings)
{
	struct gg_error *err = NULL;
	for (; !err && readings->member; readings++)
		err = gg_cursor_member(cursor, readings->member, readings->value);
	return err;
}

// Returns the blocks that a bitmap of all pages takes.
static uint64_t bitmap_blocks(const struct kdump_state *state)
{
	const uint64_t bits = 8 * state->block_size;
	return state->pages / bits + (state->pages % bits != 0);
}

// Tests whether the header makes sense by LAYOUT in a byte order, and takes its members to STATE.
static bool fits(struct gg_vmcore_file *file, const uint8_t header[HEADER],
		 const struct layout *layout, bool big_endian)
{
	static const struct gg_member version = { 8, 4 };
	enum { INCOMPLETE = 8 };
	struct kdump_state *state = file->state;
	uint64_t status;
	struct gg_cursor cursor = gg_cursor(header, HEADER, big_endian, "the kdump's header");
	const struct reading readings[] = { { &version, &state->version },
					    { &layout->status, &status },
					    { &layout->block_size, &state->block_size },
					    { &layout->sub_blocks, &state->sub_blocks },
					    { &layout->bitmap_blocks, &state->bitmap_blocks },
					    { &layout->pages, &state->pages },
					    { NULL, NULL } };
	struct gg_error *err = read_members(&cursor, readings);
	const bool failed = err;
	gg_error_destroy(err);
	file->big_endian = big_endian;
	file->address_size = layout->address_size;
	file->incomplete = !failed && status & INCOMPLETE;
	const uint64_t block = failed ? 0 : state->block_size;
	return block >= GG_KDUMP_MIN_PAGE && block <= GG_KDUMP_MAX_PAGE && !(block & (block - 1)) &&
	       state->sub_blocks && state->bitmap_blocks >= bitmap_blocks(state);
}

// Reads the first header. A header of 32 bits has zeros where a header of 64 bits has the sizes.
static struct gg_error *read_header(struct gg_vmcore_file *file, const struct layout **ret)
{
	enum {
		UTSNAME = 12,
		NAME = 65,
		RELEASE = UTSNAME + 2 * NAME,
		MACHINE = UTSNAME + 4 * NAME
	};
	const struct kdump_state *state = file->state;
	uint8_t header[HEADER];
	struct gg_error *err = gg_kdump_bytes_read(&state->bytes, header, sizeof(header), 0);
	if (err)
		return err;
	if (memcmp(header, gg_kdump_signature, sizeof(gg_kdump_signature)) != 0)
		return gg_error_create(GG_BAD_DATA, "its plain form does not start as a kdump");
	_Static_assert(sizeof(file->machine_name) == NAME, "a name of utsname");
	memcpy(file->machine_name, header + MACHINE, NAME - 1);
	file->names_release = header[RELEASE];
	for (unsigned int big_endian = 0; big_endian < 2; big_endian++)
		for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
			*ret = &layouts[i];
			if (fits(file, header, *ret, big_endian))
				return NULL;
		}
	return gg_error_create(GG_BAD_DATA,
			       "the kdump's header makes no sense: no block size and bitmaps that "
			       "fit each other");
}

// Reads what the sub-header has in the header's version.
static struct gg_error *read_sub_header(struct gg_vmcore_file *file, const struct layout *layout,
					uint64_t *note, uint64_t *note_size)
{
	enum { WITH_LEVEL = 1, WITH_SPLIT = 2, WITH_NOTES = 4, WITH_PAGES = 6 };
	struct kdump_state *state = file->state;
	uint8_t bytes[SUB_HEADER];
	uint64_t level, split, pages;
	struct gg_error *err =
		gg_kdump_bytes_read(&state->bytes, bytes, sizeof(bytes), state->block_size);
	struct gg_cursor cursor =
		gg_cursor(bytes, sizeof(bytes), file->big_endian, "the kdump's sub-header");
	const struct reading readings[] = {
		{ &layout->dump_level, &level }, { &layout->split, &split },
		{ &layout->offset_note, note },  { &layout->size_note, note_size },
		{ &layout->pages_64, &pages },   { NULL, NULL }
	};
	if (!err)
		err = read_members(&cursor, readings);
	if (err)
		return err;
	if (state->version >= WITH_LEVEL && level <= INT32_MAX)
		file->dump_level = (int)level;
	if (state->version >= WITH_SPLIT && split)
		return gg_error_create(GG_UNSUPPORTED,
				       "it is a part that makedumpfile --split wrote: makedumpfile "
				       "--reassemble makes a vmcore of all parts");
	if (state->version < WITH_NOTES)
		*note_size = 0;
	if (state->version >= WITH_PAGES)
		state->pages = pages;
	return NULL;
}

static struct gg_error *read_notes(struct gg_vmcore_file *file, uint64_t offset, uint64_t size)
{
	const struct kdump_state *state = file->state;
	if (!size)
		return NULL;
	if (size > GG_VMCORE_MAX_NOTES)
		return gg_error_create(GG_BAD_DATA,
				       "its notes have %" PRIu64 " bytes, more than %d", size,
				       GG_VMCORE_MAX_NOTES);
	_cleanup_free_ uint8_t *bytes = malloc((size_t)size);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = gg_kdump_bytes_read(&state->bytes, bytes, (size_t)size, offset);
	if (err)
		return gg_error_context(err, "its notes");
	gg_buffer_append(&file->notes, bytes, (size_t)size);
	return gg_buffer_check(&file->notes);
}

static struct gg_error *read_headers(struct gg_vmcore_file *file)
{
	struct kdump_state *state = file->state;
	const struct layout *layout;
	uint64_t note, note_size;
	struct gg_error *err = read_header(file, &layout);
	if (!err)
		err = read_sub_header(file, layout, &note, &note_size);
	if (!err && (state->bitmap_blocks < bitmap_blocks(state) ||
		     state->pages > UINT64_MAX / state->block_size))
		err = gg_error_create(GG_BAD_DATA,
				      "%" PRIu64 " pages have no room in %" PRIu64
				      " blocks of bitmaps",
				      state->pages, state->bitmap_blocks);
	return err ? err : read_notes(file, note, note_size);
}

// ---- Bitmaps ----

static bool is_set(const uint8_t *bitmap, uint64_t page)
{
	return bitmap[page / 8] >> page % 8 & 1;
}

// Finds the first page from PAGE to before END that is not as PAGE is, or END.
static uint64_t find_change(const uint8_t *bitmap, uint64_t page, uint64_t end)
{
	const bool set = is_set(bitmap, page);
	const uint8_t alike = set ? 0xff : 0;
	while (page < end) {
		if (page % 8 == 0 && end - page >= 8 && bitmap[page / 8] == alike)
			page += 8;
		else if (is_set(bitmap, page) == set)
			page++;
		else
			break;
	}
	return page;
}

static struct gg_error *read_bitmap(const struct kdump_state *state, uint64_t block, uint8_t **ret)
{
	const size_t size = (size_t)(state->pages / 8 + 1);
	const uint64_t held = state->pages / 8 + (state->pages % 8 != 0);
	if (!gg_kdump_bytes_holds(&state->bytes, block * state->block_size, held))
		return gg_error_create(
			GG_BAD_DATA, "the file ends within its bitmaps, so that none of its pages "
				     "can be found: it is cut off, or damaged");
	*ret = calloc(1, size);
	if (!*ret)
		return gg_enomem;
	return gg_kdump_bytes_read(&state->bytes, *ret, (size_t)held, block * state->block_size);
}

// Reads both bitmaps; an old file has one bitmap for both.
static struct gg_error *read_bitmaps(struct kdump_state *state)
{
	const uint64_t first = 1 + state->sub_blocks;
	const bool has_two = state->bitmap_blocks >= 2 * bitmap_blocks(state);
	struct gg_error *err = read_bitmap(state, first, &state->memory);
	if (!err)
		err = read_bitmap(state, first + (has_two ? state->bitmap_blocks / 2 : 0),
				  &state->described);
	return err;
}

// Counts the descriptors before every PAGES_PER_RANK pages.
static struct gg_error *count_descriptors(struct kdump_state *state, uint64_t *ret)
{
	const uint64_t bytes = state->pages / 8 + 1;
	state->ranks = calloc((size_t)(state->pages / PAGES_PER_RANK + 1), sizeof(*state->ranks));
	if (!state->ranks)
		return gg_enomem;
	*ret = 0;
	// The bits behind the last page say nothing.
	state->described[state->pages / 8] &= (uint8_t)((1 << state->pages % 8) - 1);
	for (uint64_t i = 0; i < bytes; i++) {
		if (i % (PAGES_PER_RANK / 8) == 0)
			state->ranks[i / (PAGES_PER_RANK / 8)] = *ret;
		*ret += (unsigned int)__builtin_popcount(state->described[i]);
	}
	return NULL;
}

// Counts the descriptors before PAGE's.
static uint64_t rank_of(const struct kdump_state *state, uint64_t page)
{
	uint64_t rank = state->ranks[page / PAGES_PER_RANK];
	for (uint64_t i = page / PAGES_PER_RANK * (PAGES_PER_RANK / 8); i < page / 8; i++)
		rank += (unsigned int)__builtin_popcount(state->described[i]);
	const unsigned int before = state->described[page / 8] & ((1U << page % 8) - 1);
	return rank + (unsigned int)__builtin_popcount(before);
}

// ---- Descriptors ----

struct descriptor {
	uint64_t offset, size, flags;
};

static struct gg_error *decode(const struct gg_vmcore_file *file, const uint8_t *bytes,
			       struct descriptor *ret)
{
	static const struct gg_member offset = { 0, 8 }, size = { 8, 4 }, flags = { 12, 4 };
	struct gg_cursor cursor =
		gg_cursor(bytes, DESCRIPTOR, file->big_endian, "a page's descriptor");
	return read_members(&cursor, (const struct reading[]){ { &offset, &ret->offset },
							       { &size, &ret->size },
							       { &flags, &ret->flags },
							       { NULL, NULL } });
}

static uint64_t descriptor_offset(const struct kdump_state *state, uint64_t rank)
{
	return state->descriptors + rank * DESCRIPTOR;
}

// Tests whether the file has the page's data. The offset is 0 where the writer had no room.
static bool has_data(const struct kdump_state *state, const struct descriptor *descriptor)
{
	return descriptor->offset &&
	       gg_kdump_bytes_holds(&state->bytes, descriptor->offset, descriptor->size);
}

static void mark_lost(struct gg_vmcore_file *file, uint64_t page)
{
	const struct kdump_state *state = file->state;
	state->lost[page / 8] |= (uint8_t)(1 << page % 8);
	file->cut_off |= !file->incomplete;
}

// Marks those of COUNT pages from PAGE on as lost whose descriptors, at BYTES, point nowhere. BYTES
// is NULL where the file has no descriptors for the pages.
static struct gg_error *look_at_descriptors(struct gg_vmcore_file *file, const uint8_t *bytes,
					    uint64_t *page, size_t count)
{
	const struct kdump_state *state = file->state;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count && *page < state->pages; ++*page) {
		struct descriptor descriptor = { 0 };
		if (!is_set(state->described, *page))
			continue;
		if (bytes)
			err = decode(file, bytes + i * DESCRIPTOR, &descriptor);
		if (!err && !has_data(state, &descriptor))
			mark_lost(file, *page);
		i++;
	}
	return err;
}

// Finds the pages whose data are not in the file, of the descriptors from FIRST on.
static struct gg_error *find_lost(struct gg_vmcore_file *file, uint64_t first, uint64_t page,
				  uint64_t count)
{
	const struct kdump_state *state = file->state;
	_cleanup_free_ uint8_t *bytes = malloc(DESCRIPTORS * DESCRIPTOR);
	if (!bytes)
		return gg_enomem;
	for (uint64_t rank = first; rank < count; rank += DESCRIPTORS) {
		const size_t now =
			count - rank < DESCRIPTORS ? (size_t)(count - rank) : DESCRIPTORS;
		const uint64_t offset = descriptor_offset(state, rank);
		const bool held = gg_kdump_bytes_holds(&state->bytes, offset, now * DESCRIPTOR);
		struct gg_error *err = gg_interrupt_check();
		if (!err && held)
			err = gg_kdump_bytes_read(&state->bytes, bytes, now * DESCRIPTOR, offset);
		if (!err)
			err = look_at_descriptors(file, held ? bytes : NULL, &page, now);
		if (err)
			return err;
	}
	return NULL;
}

// Finds the page of the descriptor number RANK.
static uint64_t page_of(const struct kdump_state *state, uint64_t rank)
{
	uint64_t low = 0, high = state->pages;
	while (high - low > 1) {
		const uint64_t middle = low + (high - low) / 2;
		if (rank_of(state, middle) <= rank)
			low = middle;
		else
			high = middle;
	}
	return low;
}

// Looks at the last descriptors, and at all where the last ones point behind the file's end or the
// writer says that there was no room.
static struct gg_error *find_all_lost(struct gg_vmcore_file *file, uint64_t count)
{
	struct kdump_state *state = file->state;
	const uint64_t last = count > DESCRIPTORS ? count - DESCRIPTORS : 0;
	state->lost = calloc(1, (size_t)(state->pages / 8 + 1));
	if (!state->lost)
		return gg_enomem;
	struct gg_error *err = find_lost(file, last, count ? page_of(state, last) : 0, count);
	if (!err && (file->cut_off || file->incomplete || state->bytes.cut_off))
		err = find_lost(file, 0, 0, count);
	file->cut_off |= state->bytes.cut_off;
	if (!err && !file->cut_off && !file->incomplete) {
		free(state->lost);
		state->lost = NULL;
	}
	return err;
}

// ---- Memory ----

static struct gg_error *kdump_extent(struct gg_vmcore_file *file, gg_gpa_t gpa, uint64_t size,
				     struct gg_vmcore_extent *ret)
{
	const struct kdump_state *state = file->state;
	const uint64_t page = gpa / state->block_size;
	*ret = (struct gg_vmcore_extent){ .kind = GG_VMCORE_NO_MEMORY, .size = size, .offset = -1 };
	if (page >= state->pages)
		return NULL;
	const uint64_t last =
		(gpa + (size - 1) < gpa ? UINT64_MAX : gpa + (size - 1)) / state->block_size;
	uint64_t end = last < state->pages ? last + 1 : state->pages;
	end = find_change(state->described, page, end);
	if (is_set(state->described, page)) {
		ret->kind = GG_VMCORE_HELD;
		if (state->lost)
			end = find_change(state->lost, page, end);
		if (state->lost && is_set(state->lost, page))
			ret->kind = GG_VMCORE_CUT_OFF;
	} else {
		end = find_change(state->memory, page, end);
		if (is_set(state->memory, page))
			ret->kind = GG_VMCORE_EXCLUDED;
	}
	if (end * state->block_size - gpa < size)
		ret->size = end * state->block_size - gpa;
	return NULL;
}

static struct gg_error *read_page(const struct gg_vmcore_file *file, uint64_t number, uint8_t *page)
{
	const struct kdump_state *state = file->state;
	const size_t page_size = (size_t)state->block_size;
	uint8_t bytes[DESCRIPTOR];
	struct descriptor descriptor;
	struct gg_error *err =
		gg_kdump_bytes_read(&state->bytes, bytes, sizeof(bytes),
				    descriptor_offset(state, rank_of(state, number)));
	if (!err)
		err = decode(file, bytes, &descriptor);
	if (err)
		return err;
	if (!descriptor.size || descriptor.size > page_size)
		return gg_error_create(GG_BAD_DATA,
				       "it has %" PRIu64 " bytes in the file, not 1 to %zu",
				       descriptor.size, page_size);
	_cleanup_free_ uint8_t *data = malloc((size_t)descriptor.size);
	if (!data)
		return gg_enomem;
	err = gg_kdump_bytes_read(&state->bytes, data, (size_t)descriptor.size, descriptor.offset);
	return err ? err
		   : gg_kdump_page_decompress((uint32_t)descriptor.flags, data,
					      (size_t)descriptor.size, page, page_size);
}

// Reads SIZE bytes from OFFSET on of a page, by way of the cache.
static struct gg_error *read_cached(struct gg_vmcore_file *file, uint64_t number, uint64_t offset,
				    uint8_t *buffer, size_t size)
{
	struct kdump_state *state = file->state;
	struct cached_page *cached = &state->cache[number % CACHE];
	struct gg_error *err = NULL;
	pthread_mutex_lock(&state->lock);
	if (!cached->bytes || cached->number != number) {
		cached->number = UINT64_MAX;
		if (!cached->bytes)
			cached->bytes = malloc((size_t)state->block_size);
		err = cached->bytes ? read_page(file, number, cached->bytes) : gg_enomem;
	}
	if (!err) {
		cached->number = number;
		memcpy(buffer, cached->bytes + offset, size);
	}
	pthread_mutex_unlock(&state->lock);
	return err;
}

// Makes the error of a damaged page GG_ABSENT.
static struct gg_error *explain(const struct gg_vmcore_file *file, uint64_t number,
				struct gg_error *err)
{
	const struct kdump_state *state = file->state;
	if (gg_error_kind(err) != GG_BAD_DATA)
		return gg_error_context(err, "vmcore %s", file->path);
	struct gg_error *absent =
		gg_error_create(GG_ABSENT, "the vmcore's page at 0x%" PRIx64 " is damaged: %s",
				number * state->block_size, gg_error_message(err));
	gg_error_destroy(err);
	return absent;
}

static struct gg_error *kdump_read(struct gg_vmcore_file *file, gg_gpa_t gpa, void *buffer,
				   size_t size)
{
	const struct kdump_state *state = file->state;
	uint8_t *bytes = buffer;
	while (size) {
		const uint64_t number = gpa / state->block_size, offset = gpa % state->block_size;
		const uint64_t left = state->block_size - offset;
		const size_t now = size < left ? size : (size_t)left;
		struct gg_error *err = now == state->block_size
					       ? read_page(file, number, bytes)
					       : read_cached(file, number, offset, bytes, now);
		if (err)
			return explain(file, number, err);
		bytes += now;
		gpa += now;
		size -= now;
	}
	return NULL;
}

static void kdump_destroy(struct gg_vmcore_file *file)
{
	struct kdump_state *state = file->state;
	gg_kdump_bytes_deinit(&state->bytes);
	for (size_t i = 0; i < CACHE; i++)
		free(state->cache[i].bytes);
	pthread_mutex_destroy(&state->lock);
	free(state->memory);
	free(state->described);
	free(state->lost);
	free(state->ranks);
	free(state);
}

static const struct gg_vmcore_file_ops kdump_ops = {
	.extent = kdump_extent,
	.read = kdump_read,
	.destroy = kdump_destroy,
};

struct gg_error *gg_vmcore_kdump_init(struct gg_vmcore_file *file)
{
	uint64_t count = 0;
	struct kdump_state *state = calloc(1, sizeof(*state));
	if (!state)
		return gg_enomem;
	pthread_mutex_init(&state->lock, NULL);
	file->ops = &kdump_ops;
	file->state = state;
	struct gg_error *err = gg_kdump_bytes_init(&state->bytes, file->fd);
	file->format = state->bytes.flattened ? "flattened kdump" : "compressed kdump";
	if (!err)
		err = read_headers(file);
	if (!err)
		err = read_bitmaps(state);
	if (!err)
		err = count_descriptors(state, &count);
	state->descriptors = (1 + state->sub_blocks + state->bitmap_blocks) * state->block_size;
	return err ? err : find_all_lost(file, count);
}
