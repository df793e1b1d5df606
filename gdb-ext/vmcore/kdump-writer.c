// SPDX-License-Identifier: GPL-3.0-or-later
#include "kdump-writer.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

enum {
	// A piece's bytes: a code for more pages is made in less time, and fits less.
	PIECE_SIZE = 2 * GG_PIECE_SIZE,
	MOST_PAGES = PIECE_SIZE / GG_KDUMP_MIN_PAGE, // of a piece
	ZERO_PAGES = 4096,                           // whose descriptors are written at once
	BITMAP_PART = 1 << 20,                       // bytes
};

// A thread's own.
struct worker {
	void *codec;
	uint8_t *in, *out;
	struct gg_buffer descriptors;
};

struct state {
	struct gg_kdump_writer *writer;
	struct gg_workers workers;
	struct gg_kdump_file file;
	struct gg_buffer zero_descriptors; // of ZERO_PAGES pages
	struct worker own[GG_MAX_WORKERS];
};

// ---- Pages of zeros ----

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

static struct gg_kdump_page zero_page(const struct gg_kdump *kdump)
{
	return (struct gg_kdump_page){ .offset = kdump->zero_page, .size = kdump->page_size };
}

// Returns the offset of the descriptor of PIECE's first page.
static uint64_t descriptors_of(const struct gg_kdump *kdump, const struct gg_piece *piece)
{
	return kdump->descriptors + piece->before / kdump->page_size * GG_KDUMP_DESCRIPTOR;
}

static struct gg_error *write_hole(struct state *state, const struct gg_piece *piece)
{
	const struct gg_kdump *kdump = state->writer->kdump;
	uint64_t offset = descriptors_of(kdump, piece);
	for (uint64_t left = piece->wanted / kdump->page_size; left;) {
		const uint64_t count = left < ZERO_PAGES ? left : ZERO_PAGES;
		const size_t size = (size_t)count * GG_KDUMP_DESCRIPTOR;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = gg_kdump_file_put(&state->file, offset, state->zero_descriptors.bytes,
						size);
		if (err)
			return err;
		offset += size;
		left -= count;
	}
	return NULL;
}

// ---- Pages with data ----

// Reads what is wanted of PIECE, one page behind the other.
static struct gg_error *read_piece(const struct state *state, const struct gg_piece *piece,
				   uint8_t *bytes, uint64_t *absent)
{
	struct gg_piece run;
	for (uint64_t position = 0; gg_piece_next_run(&state->workers, piece, &position, &run);
	     bytes += run.size) {
		struct gg_error *err = gg_backing_read_present(state->writer->backing, run.hva,
							       bytes, run.size, absent);
		if (err)
			return err;
	}
	return NULL;
}

enum page_kind { ZERO, SAME, OTHER }; // as the page before

// Sorts COUNT pages by kind, and tunes the codec to the pages to compress.
static void sort_pages(const struct state *state, struct worker *worker, size_t count,
		       enum page_kind *kinds)
{
	const struct gg_codec *codec = state->writer->codec;
	const size_t size = state->writer->kdump->page_size;
	const uint8_t *chosen[MOST_PAGES];
	size_t chosen_count = 0;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *page = worker->in + i * size;
		kinds[i] = is_zero(page, size)                     ? ZERO
			   : i && !memcmp(page, page - size, size) ? SAME
								   : OTHER;
		if (kinds[i] == OTHER)
			chosen[chosen_count++] = page;
	}
	if (chosen_count && codec->tune)
		codec->tune(worker->codec, chosen, chosen_count, size);
}

// Encodes a page to OUT, and sets RET but for the offset. MAY_BE_HOPELESS has the page looked at before.
static void encode_page(const struct state *state, struct worker *worker, const uint8_t *page,
			bool may_be_hopeless, uint8_t *out, struct gg_kdump_page *ret)
{
	const struct gg_codec *codec = state->writer->codec;
	const uint32_t size = state->writer->kdump->page_size;
	size_t compressed = 0;
	if (codec->compress && !(may_be_hopeless && gg_codec_is_hopeless(page, size)))
		compressed = codec->compress(worker->codec, page, size, out);
	*ret = (struct gg_kdump_page){ .size = (uint32_t)compressed, .flag = codec->flag };
	if (compressed)
		return;
	memcpy(out, page, size);
	*ret = (struct gg_kdump_page){ .size = size };
}

// Encodes COUNT pages to the worker's OUT, with offsets from its start, and returns the bytes used. A page of
// zeros has size 0; pages with the same bytes in a row share the encoded bytes. Pages that cannot be compressed
// come in runs.
static size_t encode_pages(const struct state *state, struct worker *worker, size_t count,
			   struct gg_kdump_page *pages)
{
	const struct gg_kdump *kdump = state->writer->kdump;
	enum page_kind kinds[MOST_PAGES];
	size_t used = 0;
	bool is_raw = false;
	sort_pages(state, worker, count, kinds);
	for (size_t i = 0; i < count; i++) {
		pages[i] = (struct gg_kdump_page){ 0 };
		if (kinds[i] == SAME)
			pages[i] = pages[i - 1];
		if (kinds[i] != OTHER)
			continue;
		encode_page(state, worker, worker->in + i * kdump->page_size, is_raw,
			    worker->out + used, &pages[i]);
		is_raw = !pages[i].flag;
		pages[i].offset = used;
		used += pages[i].size;
	}
	return used;
}

static struct gg_error *write_pages(struct state *state, struct worker *worker,
				    const struct gg_piece *piece, struct gg_kdump_page *pages,
				    size_t used)
{
	const struct gg_kdump *kdump = state->writer->kdump;
	const size_t count = piece->wanted / kdump->page_size;
	const uint64_t offset = gg_kdump_file_take(&state->file, used);
	worker->descriptors.size = 0;
	for (size_t i = 0; i < count; i++) {
		pages[i].offset += offset;
		if (!pages[i].size)
			pages[i] = zero_page(kdump);
		gg_kdump_append_page(&pages[i], &worker->descriptors);
	}
	struct gg_error *err = gg_buffer_check(&worker->descriptors);
	if (!err && used)
		err = gg_kdump_file_put(&state->file, offset, worker->out, used);
	return err ? err
		   : gg_kdump_file_put(&state->file, descriptors_of(kdump, piece),
				       worker->descriptors.bytes, worker->descriptors.size);
}

static struct gg_error *work(void *data, unsigned int number, const struct gg_piece *piece,
			     uint64_t *absent)
{
	struct state *state = data;
	struct worker *worker = &state->own[number];
	struct gg_kdump_page pages[MOST_PAGES];
	if (piece->kind == GG_EXTENT_HOLE)
		return write_hole(state, piece);
	struct gg_error *err = read_piece(state, piece, worker->in, absent);
	if (err)
		return err;
	const size_t used =
		encode_pages(state, worker, piece->wanted / state->writer->kdump->page_size, pages);
	return write_pages(state, worker, piece, pages, used);
}

static struct gg_error *show_progress(void *data, size_t job, uint64_t done)
{
	struct state *state = data;
	const struct gg_kdump_writer *writer = state->writer;
	return writer->progress(writer->data, job, done,
				gg_kdump_file_end(&state->file) - writer->kdump->data);
}

static struct gg_error *do_meanwhile(void *data)
{
	struct state *state = data;
	return state->writer->meanwhile(state->writer->data);
}

// ---- Bitmaps ----

static void set_bits(uint8_t *bits, uint64_t first, uint64_t end, bool value)
{
	for (; first < end; first++) {
		if (first % 8 == 0 && end - first >= 8) {
			const uint64_t bytes = (end - first) / 8;
			memset(bits + first / 8, value ? 0xff : 0, bytes);
			first += 8 * bytes - 1;
		} else if (value) {
			bits[first / 8] |= (uint8_t)(1 << first % 8);
		} else {
			bits[first / 8] &= (uint8_t) ~(1 << first % 8);
		}
	}
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

// Sets the bits of the pages from FIRST up to END that RANGE has.
static void add_range(const struct gg_kdump *kdump, const struct gg_kdump_range *range,
		      uint64_t first, uint64_t end, uint8_t *bits)
{
	const uint64_t start = clamp(range->start / kdump->page_size, first, end);
	const uint64_t stop = clamp((range->start + range->size) / kdump->page_size, first, end);
	set_bits(bits, start - first, stop - first, true);
}

static void remove_excluded(const struct gg_page_set *excluded, uint64_t first, uint64_t end,
			    uint8_t *bits)
{
	uint64_t start, count;
	for (uint64_t pfn = first; pfn < end && gg_page_set_next_run(excluded, pfn, &start, &count);
	     pfn = start + count)
		set_bits(bits, clamp(start, first, end) - first,
			 clamp(start + count, first, end) - first, false);
}

// Writes a bitmap of COUNT ranges less EXCLUDED, which may be NULL, at OFFSET.
static struct gg_error *write_bitmap(struct state *state, uint64_t offset,
				     const struct gg_kdump_range *ranges, size_t count,
				     const struct gg_page_set *excluded)
{
	const struct gg_kdump *kdump = state->writer->kdump;
	_cleanup_free_ uint8_t *bits = malloc(BITMAP_PART);
	if (!bits)
		return gg_enomem;
	for (uint64_t at = 0; at < kdump->bitmap_size; at += BITMAP_PART) {
		const uint64_t left = kdump->bitmap_size - at;
		const size_t size = left < BITMAP_PART ? (size_t)left : BITMAP_PART;
		memset(bits, 0, size);
		for (size_t i = 0; i < count; i++)
			add_range(kdump, &ranges[i], 8 * at, 8 * (at + size), bits);
		if (excluded)
			remove_excluded(excluded, 8 * at, 8 * (at + size), bits);
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = gg_kdump_file_put(&state->file, offset + at, bits, size);
		if (err)
			return err;
	}
	return NULL;
}

static struct gg_error *write_bitmaps(struct state *state)
{
	const struct gg_kdump_writer *writer = state->writer;
	const struct gg_kdump *kdump = writer->kdump;
	_cleanup_free_ struct gg_kdump_range *ranges = calloc(writer->count, sizeof(*ranges));
	if (!ranges)
		return gg_enomem;
	for (size_t i = 0; i < writer->count; i++)
		ranges[i] = (struct gg_kdump_range){ writer->jobs[i].gpa, writer->jobs[i].size };
	struct gg_error *err =
		write_bitmap(state, kdump->bitmaps[0], writer->memory, writer->memory_count, NULL);
	return err ? err
		   : write_bitmap(state, kdump->bitmaps[1], ranges, writer->count,
				  writer->excluded);
}

// ---- The file ----

// Writes all but the pages and their descriptors, without which the file is no vmcore.
static struct gg_error *write_headers(struct state *state)
{
	const struct gg_kdump *kdump = state->writer->kdump;
	struct gg_buffer headers = { .big_endian = kdump->arch->big_endian };
	gg_kdump_append_headers(kdump, &headers);
	struct gg_error *err = gg_buffer_check(&headers);
	if (!err)
		err = gg_kdump_file_put(&state->file, 0, headers.bytes, headers.size);
	headers.size = 0;
	gg_buffer_zeros(&headers, kdump->page_size);
	if (!err)
		err = gg_buffer_check(&headers);
	if (!err)
		err = gg_kdump_file_put(&state->file, kdump->zero_page, headers.bytes,
					headers.size);
	gg_buffer_deinit(&headers);
	return err ? err : write_bitmaps(state);
}

static struct gg_error *create_workers(struct state *state)
{
	const struct gg_kdump_writer *writer = state->writer;
	const struct gg_kdump_page zeros = zero_page(writer->kdump);
	const bool big_endian = writer->kdump->arch->big_endian;
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < state->workers.threads; i++) {
		struct worker *own = &state->own[i];
		own->descriptors.big_endian = big_endian;
		own->in = malloc(PIECE_SIZE);
		own->out = malloc(PIECE_SIZE + gg_codec_bound(writer->kdump->page_size));
		if (!own->in || !own->out)
			return gg_enomem;
		if (writer->codec->create)
			err = writer->codec->create(writer->small, &own->codec);
	}
	state->zero_descriptors.big_endian = big_endian;
	for (size_t i = 0; i < ZERO_PAGES; i++)
		gg_kdump_append_page(&zeros, &state->zero_descriptors);
	return err ? err : gg_buffer_check(&state->zero_descriptors);
}

static void destroy_workers(struct state *state)
{
	const struct gg_codec *codec = state->writer->codec;
	for (unsigned int i = 0; i < state->workers.threads; i++) {
		struct worker *own = &state->own[i];
		if (codec->destroy)
			codec->destroy(own->codec);
		free(own->in);
		free(own->out);
		gg_buffer_deinit(&own->descriptors);
	}
	gg_buffer_deinit(&state->zero_descriptors);
}

static struct gg_error *write_file(struct state *state)
{
	struct gg_kdump_writer *writer = state->writer;
	struct gg_error *err = create_workers(state);
	if (!err)
		err = gg_workers_run(&state->workers);
	writer->absent = state->workers.absent;
	if (err || writer->absent)
		return err;
	err = write_headers(state);
	return err ? err : gg_kdump_file_finish(&state->file, &writer->file_size);
}

// Counts the pages that get a descriptor.
static uint64_t count_pages(const struct gg_kdump_writer *writer)
{
	uint64_t start, run, count = 0;
	const uint64_t page_size = writer->kdump->page_size;
	for (size_t i = 0; i < writer->count; i++) {
		const uint64_t first = writer->jobs[i].gpa / page_size;
		const uint64_t end = first + writer->jobs[i].size / page_size;
		count += end - first;
		for (uint64_t pfn = first;
		     writer->excluded && pfn < end &&
		     gg_page_set_next_run(writer->excluded, pfn, &start, &run);
		     pfn = start + run)
			count -= clamp(start + run, first, end) - clamp(start, first, end);
	}
	return count;
}

struct gg_error *gg_kdump_write(struct gg_kdump_writer *writer)
{
	struct gg_kdump *kdump = writer->kdump;
	kdump->described = count_pages(writer);
	struct gg_error *err = gg_kdump_lay_out(kdump);
	_cleanup_free_ struct state *state = err ? NULL : calloc(1, sizeof(*state));
	if (!state)
		return err ? err : gg_enomem;
	state->writer = writer;
	state->workers = (struct gg_workers){
		.backing = writer->backing,
		.jobs = writer->jobs,
		.count = writer->count,
		.excluded = writer->excluded,
		.page_size = kdump->page_size,
		.piece_size = PIECE_SIZE,
		.threads = gg_workers_count(writer->backing, writer->threads, GG_MAX_WORKERS),
		.work = work,
		.meanwhile = writer->meanwhile ? do_meanwhile : NULL,
		.progress = show_progress,
		.data = state,
		.find_absent = writer->find_absent,
	};
	err = gg_kdump_file_init(&state->file, writer->output, writer->flattened, kdump->data);
	if (!err)
		err = write_file(state);
	destroy_workers(state);
	gg_kdump_file_deinit(&state->file);
	return err;
}
