// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a page, a Huffman code.
// Out: the page as a zlib stream (RFC 1950) of a single block (RFC 1951).
// A match is looked for at one distance only, a word at a time: where a page is an array of structures, this
// takes less than half of the time of a search by hashes.
#include "compress-array.h"

#include <endian.h>
#include <string.h>

enum {
	WORD = 8,
	STRIDE = 64, // of struct page
	SHORTEST = 3,
	LONGEST = 258, // match
	END_OF_BLOCK = 256,
};

// ---- Bits ----

struct encoder {
	const struct isal_hufftables *code;
	uint64_t bits; // the lowest COUNT bits are not at OUT yet
	unsigned int count;
	uint8_t *out;
	uint64_t distance; // the code of the distance, with its extra bits
	unsigned int distance_bits;
};

static inline void put(struct encoder *encoder, uint64_t bits, unsigned int count)
{
	encoder->bits |= bits << encoder->count;
	encoder->count += count;
}

// Writes whole bytes; at most 7 bits stay. Needed after 57 bits at most.
static inline void flush(struct encoder *encoder)
{
	const uint64_t bits = htole64(encoder->bits);
	memcpy(encoder->out, &bits, sizeof(bits));
	encoder->out += encoder->count / 8;
	encoder->bits >>= encoder->count & ~7U;
	encoder->count %= 8;
}

// ---- Symbols ----

static inline void put_literal(struct encoder *encoder, unsigned int symbol)
{
	put(encoder, encoder->code->lit_table[symbol], encoder->code->lit_table_sizes[symbol]);
}

static inline void put_literals(struct encoder *encoder, const uint8_t *bytes, size_t count)
{
	enum { AT_ONCE = 3 }; // of 15 bits at most
	for (; count >= AT_ONCE; count -= AT_ONCE, bytes += AT_ONCE) {
		put_literal(encoder, bytes[0]);
		put_literal(encoder, bytes[1]);
		put_literal(encoder, bytes[2]);
		flush(encoder);
	}
	for (size_t i = 0; i < count; i++)
		put_literal(encoder, bytes[i]);
	flush(encoder);
}

static inline void put_match(struct encoder *encoder, size_t length)
{
	// isa-l/igzip_lib.h: the code's length in the lowest 5 bits, and above it the code with its extra bits.
	const uint32_t entry = encoder->code->len_table[length - SHORTEST];
	put(encoder, entry >> 5, entry & 31);
	put(encoder, encoder->distance, encoder->distance_bits);
	flush(encoder);
}

// Puts the COUNT bytes before END, all of which repeat those at the distance.
static inline void put_run(struct encoder *encoder, const uint8_t *end, size_t count)
{
	while (count >= SHORTEST) {
		const size_t length = count < LONGEST ? count : LONGEST;
		put_match(encoder, length);
		count -= length;
	}
	if (count)
		put_literals(encoder, end - count, count);
}

// Sets the distance, a power of two from 8 on: the symbol of all distances from 3/4 of it on, and the
// largest of them.
static void set_distance(struct encoder *encoder, unsigned int distance)
{
	const unsigned int extra = (unsigned int)__builtin_ctz(distance) - 2;
	const unsigned int symbol = 2 * extra + 3;
	_Static_assert(IGZIP_DECODE_OFFSET == 0, "dcodes has the small distances");
	encoder->distance_bits = encoder->code->dcodes_sizes[symbol];
	encoder->distance = encoder->code->dcodes[symbol] | (uint64_t)((1U << extra) - 1)
								    << encoder->distance_bits;
	encoder->distance_bits += extra;
}

// ---- Pages ----

static inline uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

// Encodes the words of PAGE from START up to END. Returns false where the result reaches LIMIT.
static bool put_words(struct encoder *encoder, const uint8_t *page, size_t start, size_t end,
		      size_t distance, const uint8_t *limit)
{
	size_t run = 0;
	set_distance(encoder, (unsigned int)distance);
	for (size_t at = start; at < end; at += WORD) {
		const uint64_t difference = word_at(page + at) ^ word_at(page + at - distance);
		run += WORD;
		if (!difference)
			continue;
		const size_t first = (size_t)__builtin_ctzll(difference) / 8;
		const size_t behind = WORD - (size_t)__builtin_clzll(difference) / 8;
		put_run(encoder, page + at + first, run - WORD + first);
		put_literals(encoder, page + at + first, behind - first);
		run = WORD - behind;
		if (encoder->out > limit)
			return false;
	}
	put_run(encoder, page + end, run);
	return true;
}

static void begin(struct encoder *encoder)
{
	static const uint8_t header[] = { 0x78, 0x01 }; // deflate, a window of 32 KiB
	const struct isal_hufftables *code = encoder->code;
	memcpy(encoder->out, header, sizeof(header));
	encoder->out += sizeof(header);
	memcpy(encoder->out, code->deflate_hdr, code->deflate_hdr_count + 1);
	*encoder->out |= 1; // the last block
	encoder->out += code->deflate_hdr_count;
	encoder->count = code->deflate_hdr_extra_bits;
	encoder->bits = *encoder->out & ((1U << encoder->count) - 1);
}

size_t gg_array_compress(const struct isal_hufftables *code, const uint8_t *page, size_t size,
			 uint8_t *out)
{
	struct encoder encoder = { .code = code, .out = out };
	const uint8_t *limit = out + size / 4;
	begin(&encoder);
	put_literals(&encoder, page, WORD);
	if (!put_words(&encoder, page, WORD, STRIDE, WORD, limit) ||
	    !put_words(&encoder, page, STRIDE, size, STRIDE, limit))
		return 0;
	put_literal(&encoder, END_OF_BLOCK);
	encoder.count += -encoder.count % 8;
	flush(&encoder);
	const uint32_t checksum = htobe32(isal_adler32(1, page, size));
	memcpy(encoder.out, &checksum, sizeof(checksum));
	return (size_t)(encoder.out - out) + sizeof(checksum);
}

bool gg_is_array(const uint8_t *page, size_t size)
{
	// ENOUGH words in all; of the first place half of the words, without which no other place is looked at.
	enum { PLACES = 4, WORDS = 16, ENOUGH = PLACES * WORDS * 5 / 8 };
	size_t same = 0;
	for (size_t i = 0; i < PLACES && (!i || same >= WORDS / 2); i++) {
		const uint8_t *place = page + (2 * i + 1) * (size / PLACES / 2);
		for (size_t k = 0; k < WORDS; k++, place += WORD)
			same += word_at(place) == word_at(place - STRIDE);
	}
	return same >= ENOUGH;
}
