// SPDX-License-Identifier: GPL-3.0-or-later
//
// A flattened file is a 4096-byte block with the signature, then pieces {int64 offset, int64 size,
// bytes}, big-endian, to be written at that offset; a piece of offset -1 is the last. Of two pieces
// for one offset the later one counts.
#include "kdump-bytes.h"
#include "base/cleanup.h"
#include "base/cursor.h"
#include "pread.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { HEADER = 4096, PIECE_HEADER = 16 };

const char gg_kdump_signature[GG_KDUMP_SIGNATURE] = { 'K', 'D', 'U', 'M', 'P', ' ', ' ', ' ' };

bool gg_kdump_is_flattened(const uint8_t *bytes, size_t size)
{
	static const char signature[] = "makedumpfile";
	return size >= sizeof(signature) && !memcmp(bytes, signature, sizeof(signature));
}

// ---- The pieces of a flattened file ----

static struct gg_error *read_piece(int fd, uint64_t position, struct gg_kdump_piece *ret)
{
	uint8_t bytes[PIECE_HEADER];
	struct gg_error *err = gg_vmcore_pread(fd, bytes, sizeof(bytes), position);
	struct gg_cursor cursor = gg_cursor(bytes, sizeof(bytes), true, "a piece's header");
	if (!err)
		err = gg_cursor_uint(&cursor, 8, &ret->offset);
	if (!err)
		err = gg_cursor_uint(&cursor, 8, &ret->size);
	if (err)
		return err;
	ret->position = position + PIECE_HEADER;
	const bool is_last = ret->offset > INT64_MAX;
	if (!is_last && (ret->size > INT64_MAX || ret->offset + ret->size > INT64_MAX))
		return gg_error_create(GG_BAD_DATA,
				       "the piece at offset %" PRIu64 " has %" PRIu64
				       " bytes for offset %" PRIu64,
				       position, ret->size, ret->offset);
	return NULL;
}

static struct gg_error *append(struct gg_kdump_bytes *bytes, const struct gg_kdump_piece *piece)
{
	struct gg_kdump_piece *last = bytes->count ? &bytes->pieces[bytes->count - 1] : NULL;
	if (!piece->size)
		return NULL;
	if (last && last->offset + last->size == piece->offset &&
	    last->position + last->size == piece->position) {
		last->size += piece->size;
		return NULL;
	}
	struct gg_error *err = gg_vector_grow(&bytes->pieces, bytes->count, sizeof(*bytes->pieces));
	if (!err)
		bytes->pieces[bytes->count++] = *piece;
	return err;
}

// Reads the headers of all pieces, in the file's order. A file that ends early has the pieces
// before its end.
static struct gg_error *read_pieces(struct gg_kdump_bytes *bytes, uint64_t file_size)
{
	struct gg_kdump_piece piece = { .position = HEADER };
	for (uint64_t position = HEADER;; position = piece.position + piece.size) {
		struct gg_error *err = gg_interrupt_check();
		bytes->cut_off = position > file_size || file_size - position < PIECE_HEADER;
		if (err || bytes->cut_off)
			return err;
		err = read_piece(bytes->fd, position, &piece);
		if (err || piece.offset > INT64_MAX)
			return err;
		const uint64_t left = file_size - piece.position;
		struct gg_kdump_piece held = piece;
		if (held.size > left)
			held.size = left;
		err = append(bytes, &held);
		if (err)
			return err;
	}
}

static int compare_pieces(const void *left, const void *right)
{
	const struct gg_kdump_piece *a = left, *b = right;
	if (a->offset != b->offset)
		return a->offset > b->offset ? 1 : -1;
	return (a->position > b->position) - (a->position < b->position);
}

// A heap of pieces that begin before a place, the latest in the file at the top.
struct heap {
	struct gg_kdump_piece *pieces;
	size_t count;
};

static void swap(struct heap *heap, size_t i, size_t j)
{
	const struct gg_kdump_piece piece = heap->pieces[i];
	heap->pieces[i] = heap->pieces[j];
	heap->pieces[j] = piece;
}

static void push(struct heap *heap, const struct gg_kdump_piece *piece)
{
	size_t i = heap->count++;
	heap->pieces[i] = *piece;
	for (; i && heap->pieces[(i - 1) / 2].position < heap->pieces[i].position; i = (i - 1) / 2)
		swap(heap, i, (i - 1) / 2);
}

static void pop(struct heap *heap)
{
	heap->pieces[0] = heap->pieces[--heap->count];
	for (size_t i = 0;;) {
		size_t latest = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++)
			if (heap->pieces[child].position > heap->pieces[latest].position)
				latest = child;
		if (latest == i)
			return;
		swap(heap, i, latest);
		i = latest;
	}
}

// Appends the parts of the heap's pieces that count from *PLACE to before END; what lies behind END
// stays in the heap.
static struct gg_error *append_visible(struct gg_kdump_bytes *bytes, struct heap *heap,
				       uint64_t *place, uint64_t end)
{
	while (heap->count && *place < end) {
		struct gg_kdump_piece piece = heap->pieces[0];
		const uint64_t piece_end = piece.offset + piece.size;
		if (piece_end <= *place) {
			pop(heap);
			continue;
		}
		const uint64_t skipped = *place - piece.offset;
		piece.offset += skipped;
		piece.position += skipped;
		piece.size = (piece_end < end ? piece_end : end) - piece.offset;
		struct gg_error *err = append(bytes, &piece);
		if (err)
			return err;
		*place += piece.size;
	}
	return NULL;
}

// Makes the pieces disjoint: of two for one offset the later one in the file counts.
static struct gg_error *make_disjoint(struct gg_kdump_bytes *bytes)
{
	const size_t count = bytes->count;
	_cleanup_free_ struct gg_kdump_piece *all = bytes->pieces;
	_cleanup_free_ struct gg_kdump_piece *room = calloc(count + 1, sizeof(*room));
	struct heap heap = { .pieces = room };
	struct gg_error *err = room ? NULL : gg_enomem;
	bytes->pieces = NULL;
	bytes->count = 0;
	if (!err && count)
		qsort(all, count, sizeof(*all), compare_pieces);
	for (size_t i = 0; !err && i < count;) {
		uint64_t place = all[i].offset;
		for (; i < count && all[i].offset == place; i++)
			push(&heap, &all[i]);
		err = append_visible(bytes, &heap, &place, i < count ? all[i].offset : UINT64_MAX);
	}
	return err;
}

// ---- Both forms ----

static struct gg_error *init_flattened(struct gg_kdump_bytes *bytes, uint64_t file_size)
{
	struct gg_error *err = read_pieces(bytes, file_size);
	if (!err)
		err = make_disjoint(bytes);
	const struct gg_kdump_piece *last =
		!err && bytes->count ? &bytes->pieces[bytes->count - 1] : NULL;
	bytes->size = last ? last->offset + last->size : 0;
	return err;
}

struct gg_error *gg_kdump_bytes_init(struct gg_kdump_bytes *bytes, int fd)
{
	enum { SIGNATURE = 16 };
	uint8_t start[SIGNATURE];
	struct stat status;
	*bytes = (struct gg_kdump_bytes){ .fd = fd };
	if (fstat(fd, &status))
		return gg_error_system(errno, "fstat");
	bytes->size = (uint64_t)status.st_size;
	struct gg_error *err = gg_vmcore_pread(fd, start, sizeof(start), 0);
	bytes->flattened = !err && gg_kdump_is_flattened(start, sizeof(start));
	return bytes->flattened ? init_flattened(bytes, bytes->size) : err;
}

void gg_kdump_bytes_deinit(struct gg_kdump_bytes *bytes)
{
	free(bytes->pieces);
	bytes->pieces = NULL;
}

// Finds the first piece that ends behind OFFSET, or the count.
static size_t find_piece(const struct gg_kdump_bytes *bytes, uint64_t offset)
{
	size_t low = 0, high = bytes->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (bytes->pieces[middle].offset + bytes->pieces[middle].size > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool gg_kdump_bytes_holds(const struct gg_kdump_bytes *bytes, uint64_t offset, uint64_t size)
{
	if (offset > bytes->size || size > bytes->size - offset)
		return false;
	if (!bytes->cut_off)
		return true;
	for (size_t i = find_piece(bytes, offset); size; i++) {
		const struct gg_kdump_piece *piece = &bytes->pieces[i];
		if (i == bytes->count || piece->offset > offset)
			return false;
		const uint64_t held = piece->offset + piece->size - offset;
		offset += held < size ? held : size;
		size -= held < size ? held : size;
	}
	return true;
}

static struct gg_error *read_flattened(const struct gg_kdump_bytes *bytes, uint8_t *buffer,
				       size_t size, uint64_t offset)
{
	struct gg_error *err = NULL;
	memset(buffer, 0, size);
	for (size_t i = find_piece(bytes, offset); !err && i < bytes->count; i++) {
		const struct gg_kdump_piece *piece = &bytes->pieces[i];
		const uint64_t start = piece->offset > offset ? piece->offset : offset;
		const uint64_t piece_end = piece->offset + piece->size, end = offset + size;
		const uint64_t last = piece_end < end ? piece_end : end;
		if (start >= last)
			break;
		err = gg_vmcore_pread(bytes->fd, buffer + (start - offset), (size_t)(last - start),
				      piece->position + (start - piece->offset));
	}
	return err;
}

struct gg_error *gg_kdump_bytes_read(const struct gg_kdump_bytes *bytes, void *buffer, size_t size,
				     uint64_t offset)
{
	if (!gg_kdump_bytes_holds(bytes, offset, size))
		return gg_error_create(GG_BAD_DATA,
				       "the file ends before offset %" PRIu64
				       "%s: it is cut off, or damaged",
				       offset + size < offset ? offset : offset + size,
				       bytes->flattened ? " of its plain form" : "");
	return bytes->flattened ? read_flattened(bytes, buffer, size, offset)
				: gg_vmcore_pread(bytes->fd, buffer, size, offset);
}
