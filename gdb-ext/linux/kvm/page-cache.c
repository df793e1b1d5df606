// SPDX-License-Identifier: GPL-3.0-or-later
//
// The page cache: address_space.i_pages has a struct folio for each page of a file (Linux include/linux/fs.h,
// include/linux/mm_types.h, v6.12).
//
// In:  the kernel's members and memory.
// Out: places of pages. A page of a tmpfs, as a memfd's, that the file does not have is zeros; of any other file it is elsewhere.
// Trusts nothing it reads: a folio must name the file that it is a page of.
#include "page-cache.h"
#include "host/host.h"
#include "linux/arch-ops.h"
#include "xarray.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TMPFS_MAGIC = 0x01021994 }; // Linux include/uapi/linux/magic.h

struct layout {
	struct gg_member mapping;           // of a file
	struct gg_member pages, host;       // of an address_space
	struct gg_member size, super_block; // of an inode
	struct gg_member magic;             // of a super_block
	// Members of a folio; PAGE is the first struct page.
	struct gg_member page, folio_mapping, index;
	struct gg_xarray_layout xarray;
};

#define ROW(member, type, ...) GG_LAYOUT_ROW(struct layout, member, type, __VA_ARGS__)

static const struct gg_layout_row rows[] = {
	ROW(mapping, "file", "f_mapping"),
	ROW(pages, "address_space", "i_pages"),
	ROW(host, "address_space", "host"),
	ROW(size, "inode", "i_size"),
	ROW(super_block, "inode", "i_sb"),
	ROW(magic, "super_block", "s_magic"),
	ROW(page, "folio", "page"),
	ROW(folio_mapping, "folio", "mapping"),
	ROW(index, "folio", "index"),
	ROW(xarray.head, "xarray", "xa_head"),
	ROW(xarray.shift, "xa_node", "shift"),
	ROW(xarray.slot, "xa_node", "slots[0]"),
};

struct gg_page_cache {
	struct gg_host host;
	struct layout layout;
	gg_gva_t first_page; // the address of the struct page of page 0
	uint64_t page_size;
};

struct gg_error *gg_page_cache_create(const struct gg_answerers *kernel, const struct gg_host *host,
				      struct gg_page_cache **ret)
{
	const char *variable = kernel->arch->kernel->first_page;
	struct gg_symbol symbol;
	struct gg_page_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return gg_enomem;
	cache->host = *host;
	cache->page_size = gg_page_table_page_size(kernel->memory.table);
	struct gg_error *err =
		gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &cache->layout);
	if (!err && !variable)
		err = gg_error_create(GG_NOT_FOUND, "the place of the struct pages");
	if (!err)
		err = gg_symbols_find(kernel->symbols, variable, &symbol);
	if (!err)
		err = gg_host_read_uint(host, symbol.address, host->address_size,
					&cache->first_page);
	if (err)
		free(cache);
	else
		*ret = cache;
	return err;
}

void gg_page_cache_destroy(struct gg_page_cache *cache)
{
	free(cache);
}

// Finds page INDEX of the address_space MAPPING, which is in the folio at FOLIO.
static struct gg_error *find_in_folio(const struct gg_page_cache *cache, gg_gva_t mapping,
				      gg_gva_t folio, uint64_t index, struct gg_kvm_piece *ret)
{
	enum { MAX_PAGES = 1 << 18 }; // of 1 GiB
	const struct layout *layout = &cache->layout;
	const uint64_t size = layout->page.size;
	gg_gva_t owner;
	uint64_t first;
	struct gg_error *err =
		gg_host_read_member(&cache->host, folio, &layout->folio_mapping, &owner);
	if (!err)
		err = gg_host_read_member(&cache->host, folio, &layout->index, &first);
	if (err)
		return err;
	const uint64_t pfn = (folio - cache->first_page) / size + (index - first);
	if (owner != mapping || index < first || index - first >= MAX_PAGES ||
	    (folio - cache->first_page) % size || pfn > UINT64_MAX / cache->page_size)
		return gg_error_create(GG_BAD_DATA,
				       "the struct folio at 0x%" PRIx64
				       " is not that of page %" PRIu64,
				       folio, index);
	*ret = (struct gg_kvm_piece){ GG_KVM_HELD, cache->page_size, pfn * cache->page_size };
	return NULL;
}

// Finds what a page is that the address_space MAPPING does not have.
static struct gg_error *find_hole(const struct gg_page_cache *cache, gg_gva_t mapping,
				  uint64_t index, uint64_t last, struct gg_kvm_piece *ret)
{
	const struct layout *layout = &cache->layout;
	const uint64_t rest = UINT64_MAX / cache->page_size - 1;
	gg_gva_t inode, super_block;
	uint64_t magic, bytes;
	struct gg_error *err = gg_host_read_member(&cache->host, mapping, &layout->host, &inode);
	if (!err)
		err = gg_host_read_member(&cache->host, inode, &layout->size, &bytes);
	if (!err)
		err = gg_host_read_member(&cache->host, inode, &layout->super_block, &super_block);
	if (!err)
		err = gg_host_read_member(&cache->host, super_block, &layout->magic, &magic);
	if (err)
		return err;
	const uint64_t pages = bytes / cache->page_size + (bytes % cache->page_size != 0);
	const bool is_inside = index < pages;
	if (is_inside && last >= pages)
		last = pages - 1;
	const uint64_t count = last - index < rest ? last - index + 1 : rest;
	*ret = (struct gg_kvm_piece){ .kind = magic == TMPFS_MAGIC && is_inside ? GG_KVM_ZEROS
										: GG_KVM_NO_PAGE,
				      .size = count * cache->page_size };
	return NULL;
}

struct gg_error *gg_page_cache_find(const struct gg_page_cache *cache, gg_gva_t file,
				    uint64_t index, struct gg_kvm_piece *ret)
{
	const struct layout *layout = &cache->layout;
	struct gg_xarray_entry entry;
	gg_gva_t mapping;
	struct gg_error *err = gg_host_read_member(&cache->host, file, &layout->mapping, &mapping);
	if (!err)
		err = gg_xarray_find(&cache->host, &layout->xarray, mapping + layout->pages.offset,
				     index, &entry);
	if (err)
		return err;
	if (!entry.value)
		return find_hole(cache, mapping, index, entry.last, ret);
	if (entry.value & 3) {
		// A tmpfs has the place in the swap there, any other file a trace of a page that it had.
		err = find_hole(cache, mapping, index, index, ret);
		if (!err && ret->kind == GG_KVM_ZEROS)
			ret->kind = GG_KVM_SWAPPED;
		return err;
	}
	return find_in_folio(cache, mapping, entry.value, index, ret);
}
