// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memory out of a transcript of QEMU's monitor: what its commands x and xp printed.
#ifndef GG_XP_TRANSCRIPT_H
#define GG_XP_TRANSCRIPT_H

#include "memory/ram-map.h"

struct gg_transcript;

// Reads the file PATH. Lines that x and xp do not print (in the formats c and x) are passed over;
// GG_BAD_DATA where there are no others.
struct gg_error *gg_transcript_read(const char *path, struct gg_transcript **ret);

// The same from SIZE bytes of text.
struct gg_error *gg_transcript_parse(const char *text, size_t size, struct gg_transcript **ret);

// NULL is allowed.
void gg_transcript_destroy(struct gg_transcript *transcript);

// What is in it, by the addresses that it has, whether they are physical or virtual ones. Valid as
// long as TRANSCRIPT is.
const struct gg_ram_map *gg_transcript_map(const struct gg_transcript *transcript);

#endif
