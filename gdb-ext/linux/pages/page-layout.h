// SPDX-License-Identifier: GPL-3.0-or-later
//
// The struct page of a kernel, as its VMCOREINFO has it: places of members, bits of page.flags,
// values of page._mapcount. A kernel of any version since v3.0 has some of them.
#ifndef GG_PAGE_LAYOUT_H
#define GG_PAGE_LAYOUT_H

#include "linux/arch-ops.h"

#include <gdb-guest/host.h>

// The properties of a page that decide whether a dump has the page.
enum gg_page_trait {
	GG_PAGE_FREE = 1,      // in the buddy allocator, or unaccepted
	GG_PAGE_CACHE = 2,     // of a file, of tmpfs or of swap, and not anonymous
	GG_PAGE_PRIVATE = 4,   // page.private is in use: a cache page with buffers
	GG_PAGE_USER = 8,      // anonymous, or hugetlb
	GG_PAGE_HWPOISON = 16, // broken
	GG_PAGE_OFFLINE = 32,  // given back to the host: balloon, virtio-mem
};

// A value of page._mapcount that stands for a kind of page.
struct gg_page_type {
	bool is_known;
	uint32_t value;
};

struct gg_page_layout {
	bool big_endian;
	uint64_t page_size; // of a page, in bytes
	uint64_t size;      // of a struct page
	// Members of a struct page; of size 0 where the kernel has no such member.
	struct gg_member flags, mapping, mapcount, private;
	struct gg_member head; // of a tail page, whose bit 0 is set
	// Members of the struct page behind a head's.
	struct gg_member order, destructor;
	// Masks of page.flags, 0 where the bit is not known.
	uint64_t lru, private_bit, swapcache, swapbacked, slab, compound, hwpoison;
	uint64_t hugetlb; // of the flags behind a head's
	struct gg_page_type buddy, slab_type, hugetlb_type, offline, unaccepted;
	bool has_destructor;         // of hugetlb pages
	uint64_t hugetlb_destructor; // its number, or its address
	unsigned int free_orders;    // of the buddy allocator: the highest order and 1
	unsigned int traits;         // that can be seen
};

// Reads the layout. PAGE_SIZE is in bytes, WORD the number of bytes in an unsigned long. GG_NOT_FOUND
// where no trait can be seen.
struct gg_error *gg_page_layout_read(const struct gg_vmcoreinfo *info, uint64_t page_size,
				     unsigned int word, bool big_endian,
				     struct gg_page_layout *ret);

// Pages of the same kind.
struct gg_page_group {
	uint64_t count;      // at least 1
	unsigned int traits; // of gg_page_trait
};

// Decides on the page PFN, and on the pages that belong to it. BYTES are COUNT (1 or 2) struct pages from
// the page's own on; a head whose next struct page is missing is a page alone.
void gg_page_classify(const struct gg_page_layout *layout, uint64_t pfn, const uint8_t *bytes,
		      unsigned int count, struct gg_page_group *ret);

// Tests whether the struct page at BYTES, NULL for zeros, is known to be no tail of a compound page.
bool gg_page_is_no_tail(const struct gg_page_layout *layout, const uint8_t *bytes);

#endif
