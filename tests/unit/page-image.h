// SPDX-License-Identifier: GPL-3.0-or-later
//
// Page tables in memory, made of the lines of a text:
//
//     format NAME root=N [levels=N] [ignored=N] [bits=N [lower=N]]
//                                                   of page-image.c; the bits that are ignored; of the
//                                                   upper half alone, and the lower half's root
//     ram START SIZE                                a range of RAM, zeros; ascending
//     word ADDRESS VALUE                            an entry, in the format's size and byte order
//
// A line that is no such line, or has no room, is refused and changes nothing: a fuzzer's texts are
// made of these lines too.
#ifndef PAGE_IMAGE_H
#define PAGE_IMAGE_H

#include "memory/page-table.h"

struct page_image;

struct page_image *page_image_create(void);
void page_image_destroy(struct page_image *image);

// Executes LINE, which ends at a line's end or its own; false if LINE is refused.
bool page_image_line(struct page_image *image, const char *line);

// Returns the page tables as they are now, which IMAGE owns up to the next call; GG_INVALID without
// a format.
struct gg_error *page_image_table(struct page_image *image, struct gg_page_table **ret);

// Returns the number of levels.
unsigned int page_image_levels(const struct page_image *image);

#endif
