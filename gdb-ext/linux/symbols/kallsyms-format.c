// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  bytes of the tables (kallsyms.c has their versions).
// Out: names and addresses.
// Trusts nothing it reads: tokens and names are printable, and have limits.
#include "kallsyms-format.h"

#include <inttypes.h>
#include <string.h>

enum { STEP = GG_KALLSYMS_STEP };

// ---- Tokens and names ----

// From SIZE bytes of the table and the index's GG_KALLSYMS_TOKENS numbers.
static struct gg_error *decode_tokens(struct gg_kallsyms_tokens *tokens, struct gg_cursor *index)
{
	for (unsigned int i = 0; i < GG_KALLSYMS_TOKENS; i++) {
		uint64_t start;
		struct gg_error *err = gg_cursor_uint(index, 2, &start);
		if (err)
			return err;
		const char *end = start < tokens->size
					  ? memchr(tokens->table + start, 0, tokens->size - start)
					  : NULL;
		const size_t length = end ? (size_t)(end - tokens->table) - start : 0;
		if (!end || length > UINT8_MAX)
			return gg_error_create(GG_BAD_DATA,
					       "kallsyms_token_index[%u] is %" PRIu64
					       ", where no token is",
					       i, start);
		for (size_t at = start; at < start + length; at++)
			if (tokens->table[at] <= ' ' || tokens->table[at] > '~')
				return gg_error_create(
					GG_BAD_DATA,
					"kallsyms_token_table has the byte 0x%02x at offset %zu",
					(unsigned char)tokens->table[at], at);
		tokens->start[i] = (uint16_t)start;
		tokens->length[i] = (uint8_t)length;
	}
	return NULL;
}

struct gg_error *gg_kallsyms_read_length(struct gg_cursor *names, bool long_lengths, uint64_t *ret)
{
	enum { MORE = 0x80, BITS = 7 };
	uint64_t high;
	struct gg_error *err = gg_cursor_uint(names, 1, ret);
	if (err || !long_lengths || !(*ret & MORE))
		return err;
	err = gg_cursor_uint(names, 1, &high);
	if (!err)
		*ret = (*ret & (MORE - 1)) | high << BITS;
	return err;
}

// Copies a token of SIZE bytes: mostly some, in one step, for which TO and FROM have room.
static void copy_token(char *to, const char *from, size_t size)
{
	memcpy(to, from, STEP);
	if (size > STEP)
		memcpy(to + STEP, from + STEP, size - STEP);
}

struct gg_error *gg_kallsyms_decode_name(struct gg_cursor *names,
					 const struct gg_kallsyms_tokens *tokens, bool long_lengths,
					 char text[GG_KALLSYMS_TEXT_SIZE], size_t *ret)
{
	uint64_t length;
	struct gg_cursor bytes;
	size_t used = 0;
	const uint64_t start = names->position;
	struct gg_error *err = gg_kallsyms_read_length(names, long_lengths, &length);
	if (!err)
		err = gg_cursor_sub(names, length, &bytes);
	if (err)
		return err;
	for (uint64_t i = 0; i < length; i++) {
		const uint8_t token = bytes.bytes[i];
		const size_t size = tokens->length[token];
		if (size > GG_KALLSYMS_MAX_NAME - used)
			return gg_error_create(GG_BAD_DATA,
					       "the name at offset %" PRIu64
					       " of kallsyms_names has more than %d bytes",
					       start, GG_KALLSYMS_MAX_NAME);
		copy_token(text + used, tokens->table + tokens->start[token], size);
		used += size;
	}
	if (used < 2)
		return gg_error_create(GG_BAD_DATA,
				       "the name at offset %" PRIu64 " of kallsyms_names is empty",
				       start);
	text[used] = 0;
	*ret = used;
	return NULL;
}

struct gg_error *gg_kallsyms_read_tokens(const struct gg_host *kernel,
					 const struct gg_kallsyms_tables *tables,
					 struct gg_kallsyms_tokens *tokens)
{
	uint8_t index[GG_KALLSYMS_TOKENS * 2];
	struct gg_error *err = gg_host_read(kernel, tables->token_index, index, sizeof(index));
	if (err)
		return err;
	// Up to the index, where that is the next thing; else as far as there may be tokens.
	const uint64_t size = tables->token_index - tables->token_table;
	tokens->size = size <= GG_KALLSYMS_MAX_TOKEN_TABLE ? size : GG_KALLSYMS_MAX_TOKEN_TABLE;
	err = gg_host_read(kernel, tables->token_table, tokens->table, tokens->size);
	if (err)
		return err;
	struct gg_cursor cursor =
		gg_cursor(index, sizeof(index), kernel->big_endian, "kallsyms_token_index");
	return decode_tokens(tokens, &cursor);
}

// ---- Addresses ----

struct gg_error *gg_kallsyms_decode_address(const struct gg_kallsyms_place *place,
					    struct gg_cursor *values, size_t index, gg_gva_t *ret)
{
	uint64_t value;
	struct gg_error *err = gg_cursor_uint(values, place->width, &value);
	if (err)
		return err;
	const int64_t offset = (int32_t)value;
	switch (place->encoding) {
	case GG_KALLSYMS_BASE_RELATIVE:
		*ret = place->base + value;
		break;
	case GG_KALLSYMS_BASE_RELATIVE_DOWN:
		*ret = offset >= 0 ? value : place->base - 1 - (uint64_t)offset;
		break;
	case GG_KALLSYMS_PLACE_RELATIVE:
		*ret = place->values + index * place->width + (uint64_t)offset;
		break;
	default:
		*ret = value;
	}
	return NULL;
}
