// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memory out of a transcript of QEMU's monitor: the output of its commands x and xp.
#ifndef GG_XP_TRANSCRIPT_H
#define GG_XP_TRANSCRIPT_H

#include "memory/ram-map.h"

struct gg_transcript;

// Reads the file PATH. Lines that x and xp do not print (in the formats c and x) are passed over;
// GG_BAD_DATA where there are no others.
struct gg_error *gg_transcript_read(const char *path, struct gg_transcript **ret);

// Parses SIZE bytes of TEXT as such a file.
struct gg_error *gg_transcript_parse(const char *text, size_t size, struct gg_transcript **ret);

// Destroys TRANSCRIPT, which may be NULL.
void gg_transcript_destroy(struct gg_transcript *transcript);

// Returns the bytes by their addresses in the transcript, whether physical or virtual. Valid as
// long as TRANSCRIPT is.
const struct gg_ram_map *gg_transcript_map(const struct gg_transcript *transcript);

#endif
