// SPDX-License-Identifier: GPL-3.0-or-later
//
// Streams of zlib, which all readers take, several times as fast as zlib makes them: by ISA-L at its level
// 0, with a Huffman code made of a sample of the pages. Without ISA-L, and for size, by libdeflate.
#include "compress.h"
#include "base/cleanup.h"
#ifdef HAVE_ISAL
#include "compress-array.h"
#endif

#include <libdeflate.h>
#include <string.h>

#ifdef HAVE_ISAL

struct fast {
	struct isal_zstream stream;
	struct isal_hufftables code;
	bool has_code;
	unsigned int arrays_left; // pieces of arrays that the code, which is of arrays, does for
	struct isal_huff_histogram histogram;
};

static size_t compress_fast(struct fast *fast, const uint8_t *page, size_t size, uint8_t *out)
{
	struct isal_zstream *stream = &fast->stream;
	const size_t result =
		gg_is_array(page, size) ? gg_array_compress(&fast->code, page, size, out) : 0;
	if (result)
		return result;
	isal_deflate_stateless_init(stream);
	stream->hufftables = &fast->code;
	stream->gzip_flag = IGZIP_ZLIB;
	stream->end_of_stream = 1;
	stream->next_in = (uint8_t *)page;
	stream->avail_in = (uint32_t)size;
	stream->next_out = out;
	stream->avail_out = (uint32_t)size - 1;
	return isal_deflate_stateless(stream) == COMP_OK ? stream->total_out : 0;
}

enum { SAMPLES = 6 };

static bool are_arrays(const uint8_t *const samples[SAMPLES], size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (!gg_is_array(samples[i], size))
			return false;
	return true;
}

static void make_code(struct fast *fast, const uint8_t *const samples[SAMPLES], size_t count,
		      size_t size)
{
	memset(&fast->histogram, 0, sizeof(fast->histogram));
	for (size_t i = 0; i < count; i++) {
		memset(fast->histogram.hash_table, 0, sizeof(fast->histogram.hash_table));
		isal_update_histogram((uint8_t *)samples[i], (int)size, &fast->histogram);
	}
	isal_create_hufftables(&fast->code, &fast->histogram);
}

// The code changes with the memory: a piece's own code makes the result some 5 % smaller than a single code
// of the whole memory. Pages that cannot be compressed would spoil the code of the others. Arrays are much
// alike: a code does for several pieces of them.
static void tune_fast(struct fast *fast, const uint8_t *const *pages, size_t count, size_t size)
{
	enum { ARRAYS_OF_A_CODE = 8 };
	const size_t step = count > SAMPLES ? count / (SAMPLES - 1) | 1 : 1;
	const uint8_t *samples[SAMPLES];
	size_t found = 0;
	for (size_t i = 0; i < count && found < SAMPLES; i += step)
		if (!gg_codec_is_hopeless(pages[i], size))
			samples[found++] = pages[i];
	if (!found && fast->has_code)
		return;
	const bool arrays = found && are_arrays(samples, found, size);
	if (arrays && fast->arrays_left) {
		fast->arrays_left--;
		return;
	}
	make_code(fast, samples, found, size);
	fast->has_code = true;
	fast->arrays_left = arrays ? ARRAYS_OF_A_CODE - 1 : 0;
}

#else

struct fast {
	char nothing;
};

static size_t compress_fast(struct fast *fast, const uint8_t *page, size_t size, uint8_t *out)
{
	(void)fast, (void)page, (void)size, (void)out;
	return 0;
}

static void tune_fast(struct fast *fast, const uint8_t *const *pages, size_t count, size_t size)
{
	(void)fast, (void)pages, (void)count, (void)size;
}

#endif

struct state {
	struct fast *fast; // NULL with
	struct libdeflate_compressor *thorough;
};

struct gg_error *gg_zlib_create(bool small, void **ret)
{
#ifdef HAVE_ISAL
	const bool is_fast = !small;
#else
	const bool is_fast = false;
#endif
	enum { SMALL_LEVEL = 6, FAST_LEVEL = 1 };
	_cleanup_free_ struct state *state = calloc(1, sizeof(*state));
	if (!state)
		return gg_enomem;
	if (is_fast)
		state->fast = calloc(1, sizeof(*state->fast));
	else
		state->thorough = libdeflate_alloc_compressor(small ? SMALL_LEVEL : FAST_LEVEL);
	if (!state->fast && !state->thorough)
		return gg_enomem;
	*ret = no_cleanup_ptr(state);
	return NULL;
}

void gg_zlib_destroy(void *data)
{
	struct state *state = data;
	if (!state)
		return;
	free(state->fast);
	libdeflate_free_compressor(state->thorough);
	free(state);
}

void gg_zlib_tune(void *data, const uint8_t *const *pages, size_t count, size_t size)
{
	struct state *state = data;
	if (state->fast)
		tune_fast(state->fast, pages, count, size);
}

size_t gg_zlib_compress(void *data, const uint8_t *page, size_t size, uint8_t *out)
{
	struct state *state = data;
	return state->fast ? compress_fast(state->fast, page, size, out)
			   : libdeflate_zlib_compress(state->thorough, page, size, out, size - 1);
}
