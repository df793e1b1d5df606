// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest with a memmap, made of the lines of a text. Virtual addresses are guest-physical:
//
//     word SIZE [big]              bytes of an unsigned long; the byte order is little without "big"
//     sections BITS                log2 of a section's bytes without a key
//     present PFN                  a page that has a struct page
//     ram START SIZE               a range of RAM; ascending
//     key KEY=VALUE                a line of VMCOREINFO
//     at ADDRESS VALUE [SIZE]      an integer in memory
//     memmap ADDRESS               where the struct page 0 would be, for the next lines
//     page PFN [NAME=VALUE ...]    members of a struct page, by their keys, or +OFFSET=VALUE a byte
//     pages PFN COUNT [NAME=VALUE ...]   the same of each
//     absent ADDRESS               a page of memory that is absent
//
// A line that is no such line, or has no room, is refused: a fuzzer's texts are made of these lines too.
#ifndef MEMMAP_IMAGE_H
#define MEMMAP_IMAGE_H

#include "base/buffer.h"
#include "base/page-set.h"

struct memmap_image;

struct memmap_image *memmap_image_create(void);
void memmap_image_destroy(struct memmap_image *image);

// Executes LINE, which ends at a line's end or its own; false if LINE is refused.
bool memmap_image_line(struct memmap_image *image, const char *line);

// Looks at all pages, and appends a line for each run of pages with the same traits, and for the whole; a line
// for an error. COUNT gets the number of pages of all runs.
void memmap_image_scan(struct memmap_image *image, struct gg_buffer *ret, uint64_t *count);

// Collects the pages with a trait, and the pages of the memmap with struct pages of such pages alone. The caller
// ends RET by gg_page_set_deinit().
struct gg_error *memmap_image_exclude(struct memmap_image *image, struct gg_page_set *ret);

#endif
