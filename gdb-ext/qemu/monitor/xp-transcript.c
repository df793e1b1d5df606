// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a text with lines as QEMU's monitor/hmp-cmds-target.c (memory_dump, v7.2) prints them:
//
//          ffffffff818d8ca0: 'L' 'i' 'n' 'u' 'x' ' ' '\x00' '\n'
//          00000000018d8ca0: 0x4c 0x69
//          00000000018d8ca0: 0x78756e694c
//
// Out: the bytes, as a RAM map: ranges by the address.
// Trusts nothing it reads: a line is taken as a whole or not at all.
#include "xp-transcript.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct piece {
	uint64_t address;
	size_t offset, size; // in the bytes
};

struct gg_transcript {
	struct gg_backing backing;
	struct gg_ram_map map;
	struct gg_buffer bytes; // of all pieces
	struct piece *pieces;   // then one for each of the map's ranges
	size_t count;
};

// ---- One line ----

enum { MAX_LINE_BYTES = 64 }; // the monitor has 16 of them on a line

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Parses MIN to MAX hexadecimal digits. Returns their number, or 0.
static size_t parse_hex(const char *text, size_t min, size_t max, uint64_t *ret)
{
	size_t count = 0;
	*ret = 0;
	for (; count <= max && digit(text[count]) >= 0; count++)
		*ret = *ret << 4 | (uint64_t)digit(text[count]);
	return count >= min && count <= max ? count : 0;
}

// Parses 0x... of 1, 2, 4 or 8 bytes, as a little-endian guest has them in memory. Returns the
// length of the text, or 0.
static size_t parse_number(const char *text, uint8_t *bytes, size_t *size)
{
	uint64_t value;
	if (text[0] != '0' || text[1] != 'x')
		return 0;
	const size_t digits = parse_hex(text + 2, 2, 16, &value);
	if (digits != 2 && digits != 4 && digits != 8 && digits != 16)
		return 0;
	for (size_t i = 0; i < digits / 2; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	*size = digits / 2;
	return 2 + digits;
}

static size_t parse_escape(const char *text, uint8_t *ret)
{
	uint64_t value;
	switch (text[1]) {
	case '\'':
	case '\\':
		*ret = (uint8_t)text[1];
		return 2;
	case 'n':
		*ret = '\n';
		return 2;
	case 'r':
		*ret = '\r';
		return 2;
	case 'x':
		if (digit(text[2]) < 0 || digit(text[3]) < 0)
			return 0;
		value = (uint64_t)(digit(text[2]) << 4 | digit(text[3]));
		*ret = (uint8_t)value;
		return 4;
	default:
		return 0;
	}
}

// Parses 'c'.
static size_t parse_character(const char *text, uint8_t *ret)
{
	if (text[0] != '\'' || text[1] < ' ' || text[1] > '~')
		return 0;
	*ret = (uint8_t)text[1];
	const size_t length = text[1] == '\\' ? parse_escape(text + 1, ret) : 1;
	return length && text[1 + length] == '\'' ? length + 2 : 0;
}

// Parses the bytes of a line, which ends with a NUL. Returns their number, or 0.
static size_t parse_line(const char *line, uint64_t *address, uint8_t bytes[MAX_LINE_BYTES])
{
	size_t count = 0;
	while (*line == ' ')
		line++;
	const size_t digits = parse_hex(line, 8, 16, address);
	if (!digits || line[digits] != ':')
		return 0;
	line += digits + 1;
	while (*line == ' ') {
		enum { LARGEST = 8 };
		size_t size = 1;
		if (count > MAX_LINE_BYTES - LARGEST)
			return 0;
		size_t length = parse_number(line + 1, bytes + count, &size);
		if (!length)
			length = parse_character(line + 1, bytes + count);
		if (!length)
			break;
		line += 1 + length;
		count += size;
	}
	while (isspace((unsigned char)*line))
		line++;
	return *line ? 0 : count;
}

// ---- Pieces ----

static struct gg_error *add_bytes(struct gg_transcript *transcript, uint64_t address,
				  const uint8_t *bytes, size_t size)
{
	struct piece *last = transcript->count ? &transcript->pieces[transcript->count - 1] : NULL;
	if (size - 1 > UINT64_MAX - address)
		return NULL;
	if (last && last->address + last->size == address && address) {
		last->size += size;
	} else {
		struct gg_error *err = gg_vector_grow(&transcript->pieces, transcript->count,
						      sizeof(*transcript->pieces));
		if (err)
			return err;
		transcript->pieces[transcript->count++] =
			(struct piece){ address, transcript->bytes.size, size };
	}
	gg_buffer_append(&transcript->bytes, bytes, size);
	return gg_buffer_check(&transcript->bytes);
}

// Compares pieces by address; of two pieces with the same start the larger comes first.
static int compare_pieces(const void *a, const void *b)
{
	const struct piece *first = a, *second = b;
	if (first->address != second->address)
		return first->address < second->address ? -1 : 1;
	if (first->size != second->size)
		return first->size > second->size ? -1 : 1;
	return 0;
}

// Puts the bytes into the order of their addresses; bytes that were printed twice are taken once.
static struct gg_error *arrange(struct gg_transcript *transcript)
{
	const struct gg_buffer old = transcript->bytes;
	struct piece *pieces = transcript->pieces;
	const size_t count = transcript->count;
	qsort(pieces, count, sizeof(*pieces), compare_pieces);
	transcript->bytes = (struct gg_buffer){ 0 };
	transcript->count = 0;
	uint64_t last = 0; // address that is taken
	for (size_t i = 0; i < count; i++) {
		const struct piece piece = pieces[i];
		const uint64_t end = piece.address + (piece.size - 1);
		const bool overlaps = i && piece.address <= last;
		if (overlaps && end <= last)
			continue;
		const size_t cut = overlaps ? (size_t)(last + 1 - piece.address) : 0;
		const bool adjoins = i && piece.address + cut == last + 1;
		if (adjoins)
			pieces[transcript->count - 1].size += piece.size - cut;
		else
			pieces[transcript->count++] =
				(struct piece){ piece.address + cut, transcript->bytes.size,
						piece.size - cut };
		gg_buffer_append(&transcript->bytes, old.bytes + piece.offset + cut,
				 piece.size - cut);
		last = end;
	}
	free(old.bytes);
	return gg_buffer_check(&transcript->bytes);
}

// ---- As memory ----

static struct gg_error *transcript_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
					  bool holes, struct gg_extent *ret)
{
	(void)backing, (void)hva, (void)holes;
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_DATA };
	return NULL;
}

// An hva is an offset in the bytes.
static struct gg_error *transcript_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
					size_t size)
{
	const struct gg_transcript *transcript = (const struct gg_transcript *)backing;
	if (hva > transcript->bytes.size || size > transcript->bytes.size - hva)
		return gg_error_fault(hva, "offset %" PRIu64 " is beyond the transcript", hva);
	memcpy(buffer, transcript->bytes.bytes + hva, size);
	return NULL;
}

static void transcript_destroy(struct gg_backing *backing)
{
	gg_transcript_destroy((struct gg_transcript *)backing);
}

static const struct gg_backing_ops transcript_ops = {
	.extent = transcript_extent,
	.read = transcript_read,
	.destroy = transcript_destroy,
};

static struct gg_error *make_map(struct gg_transcript *transcript)
{
	struct gg_ram_map *map = &transcript->map;
	map->ranges = calloc(transcript->count, sizeof(*map->ranges));
	if (!map->ranges)
		return gg_enomem;
	for (size_t i = 0; i < transcript->count; i++) {
		const struct piece *piece = &transcript->pieces[i];
		map->ranges[i] = (struct gg_ram_range){
			.start = piece->address,
			.size = piece->size,
			.hva = piece->offset,
			.block = "the transcript",
		};
		map->size += piece->size;
	}
	map->count = transcript->count;
	map->backing = &transcript->backing;
	return NULL;
}

void gg_transcript_destroy(struct gg_transcript *transcript)
{
	if (!transcript)
		return;
	free(transcript->map.ranges);
	free(transcript->pieces);
	gg_buffer_deinit(&transcript->bytes);
	free(transcript);
}

static void cleanup_transcript(struct gg_transcript **transcript)
{
	gg_transcript_destroy(*transcript);
}

const struct gg_ram_map *gg_transcript_map(const struct gg_transcript *transcript)
{
	return &transcript->map;
}

// ---- All lines ----

static struct gg_error *parse_stream(FILE *stream, struct gg_transcript *transcript)
{
	_cleanup_free_ char *line = NULL;
	size_t capacity = 0;
	uint64_t address;
	uint8_t bytes[MAX_LINE_BYTES];
	struct gg_error *err = NULL;
	while (!err && getline(&line, &capacity, stream) >= 0) {
		const size_t size = parse_line(line, &address, bytes);
		err = gg_interrupt_check();
		if (!err && size)
			err = add_bytes(transcript, address, bytes, size);
	}
	if (!err && ferror(stream))
		err = gg_error_system(errno, "reading it");
	return err;
}

static struct gg_error *read_stream(FILE *stream, struct gg_transcript **ret)
{
	_cleanup_(cleanup_transcript) struct gg_transcript *transcript =
		calloc(1, sizeof(*transcript));
	if (!transcript)
		return gg_enomem;
	transcript->backing =
		(struct gg_backing){ .ops = &transcript_ops, .name = "the transcript" };
	struct gg_error *err = parse_stream(stream, transcript);
	if (err)
		return err;
	if (!transcript->count)
		return gg_error_create(
			GG_BAD_DATA,
			"it has no line as x and xp of QEMU's monitor print them in the formats c "
			"and "
			"x, such as \"ffffffff818d8ca0: 'L' 'i'\" or \"00000000018d8ca0: 0x4c\"");
	err = arrange(transcript);
	if (!err)
		err = make_map(transcript);
	if (!err)
		*ret = no_cleanup_ptr(transcript);
	return err;
}

struct gg_error *gg_transcript_read(const char *path, struct gg_transcript **ret)
{
	FILE *stream = fopen(path, "re");
	if (!stream)
		return gg_error_system(errno, "%s", path);
	struct gg_error *err = read_stream(stream, ret);
	fclose(stream);
	return err ? gg_error_context(err, "%s", path) : NULL;
}

struct gg_error *gg_transcript_parse(const char *text, size_t size, struct gg_transcript **ret)
{
	// fmemopen() refuses to open nothing.
	FILE *stream = size ? fmemopen((void *)text, size, "r") : fopen("/dev/null", "re");
	if (!stream)
		return gg_error_system(errno, "fmemopen");
	struct gg_error *err = read_stream(stream, ret);
	fclose(stream);
	return err;
}
