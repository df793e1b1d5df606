// SPDX-License-Identifier: GPL-3.0-or-later
//
// A page of a compressed kdump.
#ifndef GG_KDUMP_PAGE_H
#define GG_KDUMP_PAGE_H

#include "base/error.h"

enum { GG_KDUMP_MIN_PAGE = 4096, GG_KDUMP_MAX_PAGE = 256 << 10 };

// Makes PAGE_SIZE bytes at PAGE of the SIZE bytes at DATA; FLAGS is the page descriptor's.
// GG_BAD_DATA where DATA is damaged.
struct gg_error *gg_kdump_page_decompress(uint32_t flags, const uint8_t *data, size_t size,
					  uint8_t *page, size_t page_size);

#endif
