// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  VMCOREINFO.
// Out: the layout of struct page, and the traits that it shows.
// Trusts nothing it reads: a member that is not inside of a struct page is no member, and a trait that
// lacks a key is not seen, so that its pages stay in a dump.
#include "page-layout.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	MAX_SIZE = 1024, // of a struct page
	MAX_FREE_ORDERS = 32,
};

struct reader {
	const struct gg_vmcoreinfo *info;
	struct gg_page_layout *layout;
	unsigned int word;
};

// ---- Keys ----

static bool has_size(const struct reader *reader, const char *kind, const char *name, uint64_t *ret)
{
	struct gg_error *err = gg_vmcoreinfo_size(reader->info, kind, name, ret);
	const bool found = !err;
	gg_error_destroy(err);
	return found;
}

static bool has_number(const struct reader *reader, const char *name, int64_t *ret)
{
	struct gg_error *err = gg_vmcoreinfo_number(reader->info, name, ret);
	const bool found = !err;
	gg_error_destroy(err);
	return found;
}

// Finds the member NAME, at its offset less BEFORE, with SIZE bytes.
static bool find(const struct reader *reader, const char *name, uint64_t before, unsigned int size,
		 struct gg_member *ret)
{
	const uint64_t limit = reader->layout->size;
	uint64_t offset;
	if (!has_size(reader, "OFFSET", name, &offset) || offset < before)
		return false;
	offset -= before;
	if (offset >= limit || size > limit - offset)
		return false;
	*ret = (struct gg_member){ offset, size };
	return true;
}

// Returns the mask of the bit NAME of page.flags, 0 without a bit.
static uint64_t find_bit(const struct reader *reader, const char *name)
{
	enum { BITS = 8 };
	int64_t bit;
	if (!has_number(reader, name, &bit) || bit < 0 || bit >= (int64_t)reader->word * BITS)
		return 0;
	return UINT64_C(1) << bit;
}

static struct gg_page_type find_type(const struct reader *reader, const char *name)
{
	int64_t value = 0;
	const bool found = has_number(reader, name, &value);
	return (struct gg_page_type){ found, (uint32_t)value };
}

// ---- Compound pages ----

// The order and the destructor of a compound page were in the first tail's lru up to v4.3, then in
// members of their own, from v6.3 on in struct folio, and from v6.6 on in the first tail's flags.
static void find_compound(struct reader *reader)
{
	struct gg_page_layout *layout = reader->layout;
	uint64_t lru = 0, next = 0, prev = 0;
	int64_t number = 0;
	// A kernel since v4.16 has PG_swapbacked in VMCOREINFO, and bytes here.
	const unsigned int narrow = layout->swapbacked ? 1 : 2;
	if (layout->hugetlb_type.is_known || layout->hugetlb) {
		layout->order = (struct gg_member){ layout->flags.offset, 1 };
		if (layout->big_endian)
			layout->order.offset += layout->flags.size - 1;
		return;
	}
	layout->has_destructor = has_number(reader, "HUGETLB_PAGE_DTOR", &number);
	layout->hugetlb_destructor = (uint64_t)number;
	if (find(reader, "folio._folio_order", layout->size, 1, &layout->order)) {
		find(reader, "folio._folio_dtor", layout->size, 1, &layout->destructor);
		return;
	}
	if (find(reader, "page.compound_order", 0, narrow, &layout->order)) {
		find(reader, "page.compound_dtor", 0, narrow, &layout->destructor);
		return;
	}
	if (layout->head.size || !has_size(reader, "OFFSET", "page.lru", &lru) ||
	    !has_size(reader, "OFFSET", "list_head.next", &next) ||
	    !has_size(reader, "OFFSET", "list_head.prev", &prev) ||
	    lru + (next > prev ? next : prev) + reader->word > layout->size)
		return;
	layout->order = (struct gg_member){ lru + prev, reader->word };
	layout->destructor = (struct gg_member){ lru + next, reader->word };
	struct gg_error *err =
		gg_vmcoreinfo_symbol(reader->info, (const char *const[]){ "free_huge_page", NULL },
				     &layout->hugetlb_destructor);
	layout->has_destructor = !err;
	gg_error_destroy(err);
}

// Tests whether a head can be told from its tails. Up to v4.3 the tails of a compound page had neither
// flags nor a mapping of their own, and no key; from v4.4 on a tail has the head's address.
static bool shows_tails(const struct gg_page_layout *layout)
{
	const bool is_new = layout->hugetlb_type.is_known || layout->hugetlb ||
			    layout->has_destructor || layout->swapbacked;
	const bool is_old = layout->destructor.size && layout->destructor.size > 2;
	return layout->head.size || is_old || (!is_new && !layout->compound);
}

// ---- Traits ----

static unsigned int find_traits(const struct gg_page_layout *layout)
{
	const bool shows_slab =
		layout->slab || (layout->slab_type.is_known && layout->mapcount.size);
	unsigned int traits = layout->hwpoison ? GG_PAGE_HWPOISON : 0;
	// The _mapcount and the mapping of a slab page may be anything.
	if (shows_slab && layout->mapcount.size && layout->buddy.is_known && layout->private.size &&
	    layout->free_orders)
		traits |= GG_PAGE_FREE;
	if (shows_slab && layout->mapcount.size && layout->offline.is_known)
		traits |= GG_PAGE_OFFLINE;
	if (!shows_tails(layout))
		return traits;
	if (shows_slab && layout->lru && layout->private_bit)
		traits |= GG_PAGE_CACHE | GG_PAGE_PRIVATE;
	if (shows_slab)
		traits |= GG_PAGE_USER;
	return traits;
}

static void find_members(struct reader *reader)
{
	struct gg_page_layout *layout = reader->layout;
	const unsigned int word = reader->word;
	find(reader, "page._mapcount", 0, 4, &layout->mapcount);
	find(reader, "page.private", 0, word, &layout->private);
	// "compound_head" became "compound_info" in Linux v7.1.
	if (!find(reader, "page.compound_info", 0, word, &layout->head))
		find(reader, "page.compound_head", 0, word, &layout->head);
	layout->lru = find_bit(reader, "PG_lru");
	layout->private_bit = find_bit(reader, "PG_private");
	layout->swapcache = find_bit(reader, "PG_swapcache");
	layout->swapbacked = find_bit(reader, "PG_swapbacked");
	layout->slab = find_bit(reader, "PG_slab");
	layout->hwpoison = find_bit(reader, "PG_hwpoison");
	layout->hugetlb = find_bit(reader, "PG_hugetlb");
	layout->buddy = find_type(reader, "PAGE_BUDDY_MAPCOUNT_VALUE");
	layout->slab_type = find_type(reader, "PAGE_SLAB_MAPCOUNT_VALUE");
	layout->hugetlb_type = find_type(reader, "PAGE_HUGETLB_MAPCOUNT_VALUE");
	layout->offline = find_type(reader, "PAGE_OFFLINE_MAPCOUNT_VALUE");
	layout->unaccepted = find_type(reader, "PAGE_UNACCEPTED_MAPCOUNT_VALUE");
	// A mask, unlike the bits.
	int64_t mask = 0;
	if (has_number(reader, "PG_head_mask", &mask) && mask > 0)
		layout->compound = (uint64_t)mask;
	uint64_t orders = 0;
	if (has_size(reader, "LENGTH", "zone.free_area", &orders) && orders <= MAX_FREE_ORDERS)
		layout->free_orders = (unsigned int)orders;
}

struct gg_error *gg_page_layout_read(const struct gg_vmcoreinfo *info, uint64_t page_size,
				     unsigned int word, bool big_endian, struct gg_page_layout *ret)
{
	*ret = (struct gg_page_layout){ .page_size = page_size, .big_endian = big_endian };
	struct reader reader = { .info = info, .layout = ret, .word = word };
	struct gg_error *err = gg_vmcoreinfo_size(info, "SIZE", "page", &ret->size);
	if (err)
		return err;
	if (!ret->size || ret->size > MAX_SIZE)
		return gg_error_create(GG_BAD_DATA,
				       "VMCOREINFO's SIZE(page) is %" PRIu64 ", not 1 to %d",
				       ret->size, MAX_SIZE);
	if (!find(&reader, "page.flags", 0, word, &ret->flags) ||
	    !find(&reader, "page.mapping", 0, word, &ret->mapping))
		return gg_error_create(GG_NOT_FOUND,
				       "VMCOREINFO has no OFFSET(page.flags) and "
				       "OFFSET(page.mapping) inside of a struct page");
	find_members(&reader);
	find_compound(&reader);
	ret->traits = find_traits(ret);
	return NULL;
}
