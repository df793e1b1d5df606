// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kind of a page (Linux include/linux/page-flags.h, mm/page_alloc.c, mm/hugetlb.c).
//
// In:  struct pages.
// Out: traits, and the number of pages that share them.
// Trusts nothing it reads: orders are bounded, and must fit the page's number.
#include "base/cursor.h"
#include "page-layout.h"

enum {
	MAX_ORDER = 20, // of a compound page: 16 GiB of pages of 4 KiB or more
	ANONYMOUS = 1,  // of page.mapping
	TAIL = 1,       // of page.compound_head
};

struct page {
	const struct gg_page_layout *layout;
	const uint8_t *bytes;
	uint64_t flags;
	uint32_t mapcount;
};

// Reads MEMBER of the struct page at BYTES, which the layout keeps inside of it.
static uint64_t value_of(const struct gg_page_layout *layout, const uint8_t *bytes,
			 const struct gg_member *member)
{
	const struct gg_cursor cursor =
		gg_cursor(bytes, layout->size, layout->big_endian, "struct page");
	return gg_cursor_member_or_zero(&cursor, member);
}

static bool is_type(const struct page *page, const struct gg_page_type *type)
{
	return page->layout->mapcount.size && type->is_known && page->mapcount == type->value;
}

static bool is_slab(const struct page *page)
{
	return is_type(page, &page->layout->slab_type) || page->flags & page->layout->slab;
}

// PG_swapcache has another meaning without PG_swapbacked since v4.10 (Linux commit 6326fec1122c), and a
// kernel since v4.4 has page.compound_head.
static bool is_cache(const struct page *page)
{
	const struct gg_page_layout *layout = page->layout;
	const bool swap = page->flags & layout->swapcache;
	return page->flags & layout->lru ||
	       (swap &&
		(layout->swapbacked ? page->flags & layout->swapbacked : !layout->head.size));
}

static bool is_aligned(uint64_t pfn, unsigned int order)
{
	return !(pfn & ((UINT64_C(1) << order) - 1));
}

// ---- Free pages ----

// Tests whether the page is free; *ORDER is its block's. A block that cannot be is no free block.
static bool is_free(const struct page *page, uint64_t pfn, unsigned int *order)
{
	const struct gg_page_layout *layout = page->layout;
	if (!(layout->traits & GG_PAGE_FREE) || is_slab(page))
		return false;
	uint64_t found = layout->free_orders - 1;
	if (is_type(page, &layout->buddy))
		found = value_of(layout, page->bytes, &layout->private);
	else if (!is_type(page, &layout->unaccepted))
		return false;
	if (found >= layout->free_orders || !is_aligned(pfn, (unsigned int)found))
		return false;
	*order = (unsigned int)found;
	return true;
}

// ---- Compound pages ----

// Returns the order of the compound page whose head is PAGE; 0 where the struct page behind it is no
// tail, or the order cannot be.
static unsigned int find_order(const struct page *page, uint64_t pfn, const uint8_t *next)
{
	const struct gg_page_layout *layout = page->layout;
	const uint64_t order = value_of(layout, next, &layout->order);
	if (layout->head.size && !(value_of(layout, next, &layout->head) & TAIL))
		return 0;
	return order <= MAX_ORDER && is_aligned(pfn, (unsigned int)order) ? (unsigned int)order : 0;
}

static bool is_hugetlb(const struct page *page, const uint8_t *next)
{
	const struct gg_page_layout *layout = page->layout;
	if (layout->hugetlb_type.is_known)
		return is_type(page, &layout->hugetlb_type);
	if (layout->hugetlb)
		return value_of(layout, next, &layout->flags) & layout->hugetlb;
	return layout->has_destructor && layout->destructor.size &&
	       value_of(layout, next, &layout->destructor) == layout->hugetlb_destructor;
}

// ---- The whole ----

static unsigned int find_traits(const struct page *page, bool hugetlb)
{
	const struct gg_page_layout *layout = page->layout;
	const bool slab = is_slab(page);
	const bool anonymous = value_of(layout, page->bytes, &layout->mapping) & ANONYMOUS && !slab;
	unsigned int traits = 0;
	if (!anonymous && is_cache(page))
		traits |= GG_PAGE_CACHE;
	if (page->flags & layout->private_bit)
		traits |= GG_PAGE_PRIVATE;
	if (anonymous || hugetlb)
		traits |= GG_PAGE_USER;
	if (page->flags & layout->hwpoison)
		traits |= GG_PAGE_HWPOISON;
	if (!slab && is_type(page, &layout->offline))
		traits |= GG_PAGE_OFFLINE;
	return traits & layout->traits;
}

void gg_page_classify(const struct gg_page_layout *layout, uint64_t pfn, const uint8_t *bytes,
		      unsigned int count, struct gg_page_group *ret)
{
	const struct page page = {
		.layout = layout,
		.bytes = bytes,
		.flags = value_of(layout, bytes, &layout->flags),
		.mapcount = (uint32_t)value_of(layout, bytes, &layout->mapcount),
	};
	unsigned int order = 0;
	*ret = (struct gg_page_group){ .count = 1 };
	if (value_of(layout, bytes, &layout->head) & TAIL)
		return;
	if (is_free(&page, pfn, &order)) {
		ret->traits = GG_PAGE_FREE;
	} else {
		const uint8_t *next =
			count > 1 && page.flags & layout->compound ? bytes + layout->size : NULL;
		order = next ? find_order(&page, pfn, next) : 0;
		ret->traits = find_traits(&page, next && is_hugetlb(&page, next));
	}
	ret->count = UINT64_C(1) << order;
}

bool gg_page_is_no_tail(const struct gg_page_layout *layout, const uint8_t *bytes)
{
	return layout->head.size && !(bytes && value_of(layout, bytes, &layout->head) & TAIL);
}
