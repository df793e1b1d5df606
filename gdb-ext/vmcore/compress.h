// SPDX-License-Identifier: GPL-3.0-or-later
//
// The codecs of a compressed kdump: each compresses a page by itself.
#ifndef GG_COMPRESS_H
#define GG_COMPRESS_H

#include "base/error.h"

#include <stdbool.h>

// A codec's row. State belongs to a single thread.
struct gg_codec {
	const char *name; // of the format: "kdump-zlib"
	uint32_t flag;    // of a page's descriptor, and of the header's status
	bool can_be_small;

	// Makes the state of a thread; SMALL is for size rather than for speed. NULL where the codec needs
	// no state.
	struct gg_error *(*create)(bool small, void **ret);
	void (*destroy)(void *state);

	// Tunes the state to the COUNT (at least 1) pages that will be compressed next; or NULL.
	void (*tune)(void *state, const uint8_t *const *pages, size_t count, size_t size);

	// Compresses a page of SIZE bytes to OUT, which has gg_codec_bound(SIZE) bytes. Returns the size of
	// the result; 0 where the result is not smaller than the page.
	size_t (*compress)(void *state, const uint8_t *page, size_t size, uint8_t *out);
};

// The rows, a NULL name behind the last.
extern const struct gg_codec gg_codecs[];

// Returns the most bytes that any codec writes for a page of SIZE bytes.
size_t gg_codec_bound(size_t size);

// Tests by a sample of a page's bytes whether no codec makes the page much smaller: compressed or encrypted
// data, random bytes.
bool gg_codec_is_hopeless(const uint8_t *page, size_t size);

// The codecs of compress-zlib.c.
struct gg_error *gg_zlib_create(bool small, void **ret);
void gg_zlib_destroy(void *state);
void gg_zlib_tune(void *state, const uint8_t *const *pages, size_t count, size_t size);
size_t gg_zlib_compress(void *state, const uint8_t *page, size_t size, uint8_t *out);

#endif
