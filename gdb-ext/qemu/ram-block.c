// SPDX-License-Identifier: GPL-3.0-or-later
//
// RAMBlocks (QEMU include/exec/ramblock.h; before v2.6 include/exec/cpu-all.h).
//
// In:  the host, a MemoryRegion's address.
// Out: the block, with the place and the number of its bytes.
// Trusts nothing it reads: the list walk is bounded, the name's length too, and a block must point
// back to its region.
#include "internal.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

// Far above any QEMU: a block is a DIMM, a ROM, a video memory.
enum { MAX_RAM_BLOCKS = 65536 };

static const struct gg_layout_row block_rows[] = {
	GG_LAYOUT_ROW(struct gg_ram_block_layout, host, "RAMBlock", "host"),
	// "length" became "used_length" and "max_length" in QEMU commit 9b8424d57352 (v2.3).
	GG_LAYOUT_ROW(struct gg_ram_block_layout, length, "RAMBlock", "used_length", "length"),
	GG_LAYOUT_ROW(struct gg_ram_block_layout, idstr, "RAMBlock", "idstr"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ram_block_layout, mr, "RAMBlock", "mr"),
	// A pointer to the block since v2.6, an address in ram_addr_t's space before.
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ram_block_layout, region_block, "MemoryRegion",
			       "ram_block"),
	// Since v2.11.
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ram_block_layout, received, "RAMBlock", "receivedmap"),
	// Since v9.1.
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ram_block_layout, guest_memfd, "RAMBlock", "guest_memfd"),
};

static const struct gg_layout_row ram_addr_rows[] = {
	GG_LAYOUT_ROW(struct gg_ram_block_layout, region_ram_addr, "MemoryRegion", "ram_block",
		      "ram_addr"),
	// A QLIST since v2.3, a QTAILQ before.
	GG_LAYOUT_ROW(struct gg_ram_block_layout, list_first, "RAMList", "blocks.lh_first",
		      "blocks.tqh_first"),
	GG_LAYOUT_ROW(struct gg_ram_block_layout, next, "RAMBlock", "next.le_next",
		      "next.tqe_next"),
	GG_LAYOUT_ROW(struct gg_ram_block_layout, offset, "RAMBlock", "offset"),
};

struct gg_error *gg_ram_block_layout_resolve(const struct gg_host *host,
					     struct gg_ram_block_layout *ret)
{
	struct gg_error *err =
		gg_layout_resolve(host, block_rows, sizeof(block_rows) / sizeof(*block_rows), ret);
	if (err || ret->region_block.size)
		return err;
	return gg_layout_resolve(host, ram_addr_rows,
				 sizeof(ram_addr_rows) / sizeof(*ram_addr_rows), ret);
}

// Finds the block that ADDRESS, a ram_addr_t, lies in.
static struct gg_error *find_by_ram_addr(const struct gg_host *host,
					 const struct gg_ram_block_layout *layout, uint64_t address,
					 uint64_t *ret)
{
	uint64_t list, block;
	struct gg_error *err = gg_host_symbol(host, "ram_list", &list);
	if (!err)
		err = gg_host_read_member(host, list, &layout->list_first, &block);
	for (unsigned int i = 0; !err && block; i++) {
		uint64_t offset = 0, length = 0;
		if (i == MAX_RAM_BLOCKS)
			return gg_error_create(GG_BAD_DATA, "ram_list has more than %d blocks",
					       MAX_RAM_BLOCKS);
		err = gg_host_read_member(host, block, &layout->offset, &offset);
		if (!err)
			err = gg_host_read_member(host, block, &layout->length, &length);
		if (!err && address - offset < length) {
			*ret = block;
			return NULL;
		}
		if (!err)
			err = gg_interrupt_check();
		if (!err)
			err = gg_host_read_member(host, block, &layout->next, &block);
	}
	if (err)
		return gg_error_context(err, "walking ram_list");
	return gg_error_create(GG_BAD_DATA, "no block of ram_list holds ram_addr 0x%" PRIx64,
			       address);
}

static struct gg_error *find_block(const struct gg_host *host,
				   const struct gg_ram_block_layout *layout, uint64_t region,
				   uint64_t *ret)
{
	struct gg_error *err;
	if (!layout->region_block.size) {
		uint64_t address;
		err = gg_host_read_member(host, region, &layout->region_ram_addr, &address);
		return err ? err : find_by_ram_addr(host, layout, address, ret);
	}
	err = gg_host_read_member(host, region, &layout->region_block, ret);
	if (!err && !*ret)
		err = gg_error_create(GG_BAD_DATA, "it is RAM and its ram_block is NULL");
	return err;
}

static struct gg_error *read_idstr(const struct gg_host *host, uint64_t address, uint64_t size,
				   char **ret)
{
	enum { MAX_IDSTR = 256 };
	char raw[MAX_IDSTR + 1] = "";
	if (size > MAX_IDSTR)
		size = MAX_IDSTR;
	struct gg_error *err = gg_host_read(host, address, raw, size);
	if (err)
		return err;
	*ret = gg_text_escape(raw);
	return *ret ? NULL : gg_enomem;
}

// Reads the members that show the block's absent pages.
static struct gg_error *read_absence(const struct gg_host *host,
				     const struct gg_ram_block_layout *layout, uint64_t block,
				     struct gg_ram_block *ret)
{
	uint64_t file = UINT32_MAX;
	struct gg_error *err = NULL;
	if (layout->received.size)
		err = gg_host_read_member(host, block, &layout->received, &ret->received);
	if (!err && layout->guest_memfd.size)
		err = gg_host_read_member(host, block, &layout->guest_memfd, &file);
	// A descriptor, -1 where there is none.
	ret->is_private = file <= INT32_MAX;
	return err;
}

struct gg_error *gg_ram_block_read(const struct gg_host *host,
				   const struct gg_ram_block_layout *layout, uint64_t region,
				   struct gg_ram_block *ret)
{
	uint64_t block, owner = region;
	*ret = (struct gg_ram_block){ 0 };
	struct gg_error *err = find_block(host, layout, region, &block);
	if (err)
		return err;

	if (layout->mr.size)
		err = gg_host_read_member(host, block, &layout->mr, &owner);
	if (!err && owner != region)
		err = gg_error_create(GG_BAD_DATA, "its mr is 0x%" PRIx64 ", not 0x%" PRIx64, owner,
				      region);
	if (!err)
		err = gg_host_read_member(host, block, &layout->host, &ret->host);
	if (!err)
		err = gg_host_read_member(host, block, &layout->length, &ret->length);
	if (!err && (!ret->host || ret->host + ret->length < ret->host))
		err = gg_error_create(GG_BAD_DATA,
				      "its host is 0x%" PRIx64 " and its length 0x%" PRIx64,
				      ret->host, ret->length);
	if (!err)
		err = read_absence(host, layout, block, ret);
	if (!err)
		err = read_idstr(host, block + layout->idstr.offset, layout->idstr.size,
				 &ret->idstr);
	return err ? gg_error_context(err, "RAMBlock at 0x%" PRIx64, block) : NULL;
}
