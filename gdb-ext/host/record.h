// SPDX-License-Identifier: GPL-3.0-or-later
//
// A structure of which a reader needs several members, read in few pieces: each read may cost a round
// trip, and members that nobody needs may cost more.
#ifndef GG_RECORD_H
#define GG_RECORD_H

#include "host.h"

struct gg_record {
	const struct gg_host *host;
	const char *type;
	uint64_t start; // the offset of the first member in the structure
	size_t size;    // from START to the end of the last member
	uint8_t *bytes; // the members that were read last, and zeros between the pieces
	struct gg_record_piece *pieces;
	size_t piece_count;
};

// Finds the pieces of TYPE that has all of the members that gg_layout_resolve() found for ROWS.
// HOST and TYPE must outlive RET.
struct gg_error *gg_record_init(struct gg_record *ret, const struct gg_host *host, const char *type,
				const struct gg_layout_row *rows, size_t count, const void *layout);

// RECORD may be zeros.
void gg_record_deinit(struct gg_record *record);

// Reads the pieces of the structure at ADDRESS.
struct gg_error *gg_record_read(struct gg_record *record, uint64_t address);

// Returns the integer MEMBER; 0 for a member without a size, and for a member that is no
// integer.
uint64_t gg_record_value(const struct gg_record *record, const struct gg_member *member);

// Returns the pointer at INDEX of MEMBER, an array of pointers or a structure that begins with them;
// 0 beyond the last member.
uint64_t gg_record_pointer(const struct gg_record *record, const struct gg_member *member,
			   unsigned int index);

// Copies the text MEMBER, at most SIZE - 1 bytes, and ends it with a NUL. Returns whether it had a
// NUL itself.
bool gg_record_text(const struct gg_record *record, const struct gg_member *member, char *ret,
		    size_t size);

#endif
