// SPDX-License-Identifier: GPL-3.0-or-later
//
// The headers of a compressed kdump, and the places in its file.
#ifndef GG_FORMAT_KDUMP_H
#define GG_FORMAT_KDUMP_H

#include "arch/arch.h"
#include "base/buffer.h"

enum {
	GG_KDUMP_MIN_PAGE = 4096,
	GG_KDUMP_MAX_PAGE = 1 << 18,
	GG_KDUMP_DESCRIPTOR = 24, // bytes
	GG_KDUMP_UTS = 6,         // names: sysname, nodename, release, version, machine, domainname
};

struct gg_kdump {
	const struct gg_arch *arch;
	const struct gg_buffer *notes;
	uint64_t vmcoreinfo, vmcoreinfo_size; // place of VMCOREINFO's text in NOTES; size 0 without
	uint64_t phys_base;
	const char *uts[GG_KDUMP_UTS]; // NULL: empty
	int64_t time;                  // seconds
	uint32_t page_size, codec_flag, dump_level, cpus;
	bool lacks_memmap;  // struct pages of pages that are left out are left out too
	uint64_t pages;     // the first page frame number above all pages
	uint64_t described; // pages that have a descriptor

	// Offsets in the file, for the layout to fill in.
	uint64_t bitmaps[2],
		bitmap_size; // of the pages that are memory; of the pages that the file has
	uint64_t descriptors;
	uint64_t zero_page; // a page of zeros, which all such pages share
	uint64_t data;
};

// A page's place in the file.
struct gg_kdump_page {
	uint64_t offset;
	uint32_t size;
	uint32_t flag; // of the codec; 0: raw
};

// Gives all parts their places in the file.
struct gg_error *gg_kdump_lay_out(struct gg_kdump *kdump);

// Appends main header, sub-header and notes, from the file's start up to the bitmaps.
void gg_kdump_append_headers(const struct gg_kdump *kdump, struct gg_buffer *buffer);

// Appends a descriptor.
void gg_kdump_append_page(const struct gg_kdump_page *page, struct gg_buffer *buffer);

#endif
