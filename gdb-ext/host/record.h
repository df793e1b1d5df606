// SPDX-License-Identifier: GPL-3.0-or-later
//
// A structure of which a reader needs several members, read in one piece: each read may cost a round
// trip.
#ifndef GG_RECORD_H
#define GG_RECORD_H

#include "host.h"

struct gg_record {
	const struct gg_host *host;
	const char *type;
	uint64_t start; // the offset of the piece in the structure
	size_t size;    // of the piece
	uint8_t *bytes; // the piece that was read last
};

// Measures the piece of TYPE that has all of the members that gg_layout_resolve() found for ROWS.
// HOST and TYPE must outlive RET.
struct gg_error *gg_record_init(struct gg_record *ret, const struct gg_host *host, const char *type,
				const struct gg_layout_row *rows, size_t count, const void *layout);

// RECORD may be zeros.
void gg_record_deinit(struct gg_record *record);

// Reads the piece of the structure at ADDRESS.
struct gg_error *gg_record_read(struct gg_record *record, uint64_t address);

// Returns the integer MEMBER of the piece; 0 for a member without a size, and for a member that is no
// integer.
uint64_t gg_record_value(const struct gg_record *record, const struct gg_member *member);

// Returns the pointer at INDEX of MEMBER, an array of pointers or a structure that begins with them;
// 0 beyond the piece.
uint64_t gg_record_pointer(const struct gg_record *record, const struct gg_member *member,
			   unsigned int index);

// Copies the text MEMBER, at most SIZE - 1 bytes, and ends it with a NUL. Returns whether it had a
// NUL itself.
bool gg_record_text(const struct gg_record *record, const struct gg_member *member, char *ret,
		    size_t size);

#endif
