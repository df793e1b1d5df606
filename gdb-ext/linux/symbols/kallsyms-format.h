// SPDX-License-Identifier: GPL-3.0-or-later
//
// The encodings of kallsyms: names of tokens, and addresses. Its readers are kallsyms.c, which reads all,
// and kallsyms-far.c, which reads what a question needs.
#ifndef GG_KALLSYMS_FORMAT_H
#define GG_KALLSYMS_FORMAT_H

#include "base/cursor.h"
#include "host/host.h"
#include "kallsyms-tables.h"

enum {
	GG_KALLSYMS_MAX_SYMBOLS = 1 << 22, // kernels have 80,000 to 300,000
	GG_KALLSYMS_MAX_NAME = 512,        // KSYM_NAME_LEN
	GG_KALLSYMS_TOKENS = 256,
	GG_KALLSYMS_MAX_TOKEN_TABLE = 65536 + GG_KALLSYMS_MAX_NAME,
	GG_KALLSYMS_OFFSET_SIZE = 4,
	GG_KALLSYMS_STEP = 8, // bytes of a token that are copied at once
	GG_KALLSYMS_TEXT_SIZE = GG_KALLSYMS_MAX_NAME + 1 + GG_KALLSYMS_STEP,
};

struct gg_kallsyms_tokens {
	char table[GG_KALLSYMS_MAX_TOKEN_TABLE + GG_KALLSYMS_STEP];
	size_t size;
	uint16_t start[GG_KALLSYMS_TOKENS];
	uint8_t length[GG_KALLSYMS_TOKENS];
};

enum gg_kallsyms_encoding {
	GG_KALLSYMS_ABSOLUTE,
	GG_KALLSYMS_BASE_RELATIVE,
	GG_KALLSYMS_BASE_RELATIVE_DOWN,
	GG_KALLSYMS_PLACE_RELATIVE,
};

// A candidate for the place and the encoding of the addresses.
struct gg_kallsyms_place {
	gg_gva_t values; // of the first
	uint64_t base;   // kallsyms_relative_base's value
	enum gg_kallsyms_encoding encoding;
	unsigned int width;
};

// Reads the tokens of TABLES.
struct gg_error *gg_kallsyms_read_tokens(const struct gg_host *kernel,
					 const struct gg_kallsyms_tables *tables,
					 struct gg_kallsyms_tokens *ret);

// Reads the length in front of a name. With LONG_LENGTHS a length of two bytes counts.
struct gg_error *gg_kallsyms_read_length(struct gg_cursor *names, bool long_lengths, uint64_t *ret);

// Decodes the next name, its type first, to TEXT, NUL-terminated; its length to RET.
struct gg_error *gg_kallsyms_decode_name(struct gg_cursor *names,
					 const struct gg_kallsyms_tokens *tokens, bool long_lengths,
					 char text[GG_KALLSYMS_TEXT_SIZE], size_t *ret);

// Decodes the next of VALUES, which is the address of the symbol INDEX.
struct gg_error *gg_kallsyms_decode_address(const struct gg_kallsyms_place *place,
					    struct gg_cursor *values, size_t index, gg_gva_t *ret);

// Rounds VALUE up to a multiple of TO, a power of two.
static inline uint64_t gg_kallsyms_align(uint64_t value, uint64_t to)
{
	return (value + to - 1) & ~(to - 1);
}

#endif
