// SPDX-License-Identifier: GPL-3.0-or-later
//
// The way from address_space_memory to guest RAM, found in the data itself.
//
// In:  the address of an AddressSpace.
// Out: the offsets of the members that lead from there to the bytes of the guest's memory.
//
// The conditions on the data:
// - AddressSpace: a word points to its name, "memory"; one close behind leads to a FlatView.
// - FlatView: a word points to an array, two counts in use and allocated, used <= allocated.
// - FlatRange: a word points to a QOM object whose type is a memory region; a pair of Int128s is a
//   start and a size; in their order the ranges ascend and do not overlap.
// - MemoryRegion and RAMBlock: a word of some regions, NULL in the others, leads to a block, and
//   one word of every block leads back.
// - RAMBlock: a name of 256 bytes, zeros behind its end; a host address at a page's start; a length
//   that is the region's own size, up to the page's end, is mapped from there on, and reaches to
//   the end of what the ranges show of it. In a core that may lack areas it may also be that
//   nothing is mapped there, high above and apart from the other blocks.
//
// Trusts nothing it reads; each search is bounded by the sizes below.
#include "ram.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void view_deinit(struct view *view)
{
	free(view->ranges);
	free(view->regions);
	view->ranges = NULL;
	view->regions = NULL;
}

struct gg_error *gg_view_ambiguous(const char *what, uint64_t first, uint64_t second)
{
	return gg_error_create(GG_BAD_DATA,
			       "%s is ambiguous: it can be at +%" PRIu64 " and at +%" PRIu64, what,
			       first, second);
}

static bool is_region(const struct view *view, uint64_t address)
{
	return gg_finder_is_object(view->finder, address, "memory-region");
}

// ---- FlatRange ----

static uint64_t bytes_word(const uint8_t *bytes, size_t at, bool big_endian)
{
	uint64_t value = 0;
	for (size_t i = 0; i < WORD; i++)
		value |= (uint64_t)bytes[at + i] << 8 * (big_endian ? WORD - 1 - i : i);
	return value;
}

static uint64_t range_word(const struct view *view, const struct range *range, size_t at)
{
	return bytes_word(range->bytes, at, view->finder->host->big_endian);
}

// Tests whether all entries of STRIDE bytes point to a region at AT.
static bool entries_have_regions(const struct view *view, uint64_t array, size_t count,
				 size_t stride, size_t at)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t region;
		if (!gg_peek_word(view->finder->peek, array + i * stride + at, &region) ||
		    !is_region(view, region))
			return false;
	}
	return true;
}

static bool read_ranges(struct view *view, uint64_t array, size_t count)
{
	view->range_count = count;
	for (size_t i = 0; i < count; i++) {
		struct range *range = &view->ranges[i];
		if (!gg_peek_bytes(view->finder->peek, array + i * view->stride, range->bytes,
				   view->stride))
			return false;
		range->region = range_word(view, range, view->mr_at);
	}
	return true;
}

// Tests whether the pair of Int128s at AT is a start and a size in all ranges. Sizes are below 2^64
// where there is a range of RAM.
static bool ranges_ascend(const struct view *view, size_t at)
{
	uint64_t next = 0;
	for (size_t i = 0; i < view->range_count; i++) {
		const struct range *range = &view->ranges[i];
		const uint64_t start = range_word(view, range, at);
		const uint64_t size = range_word(view, range, at + 2 * WORD);
		if (range_word(view, range, at + WORD) || range_word(view, range, at + 3 * WORD) ||
		    !size || start < next || (i && !next) || start + (size - 1) < start)
			return false;
		next = start + size;
	}
	return true;
}

static bool overlaps(uint64_t at, uint64_t size, uint64_t other, uint64_t other_size)
{
	return at < other + other_size && other < at + size;
}

// Counts the places where the addresses can be.
static unsigned int find_addresses(struct view *view)
{
	unsigned int found = 0;
	for (size_t at = 0; at + 4 * WORD <= view->stride; at += WORD)
		if (!overlaps(at, 4 * WORD, view->mr_at, WORD) && ranges_ascend(view, at)) {
			view->addr_at = at;
			found++;
		}
	for (size_t i = 0; i < view->range_count; i++) {
		view->ranges[i].start = range_word(view, &view->ranges[i], view->addr_at);
		view->ranges[i].size = range_word(view, &view->ranges[i], view->addr_at + 2 * WORD);
	}
	return found;
}

// ---- FlatView ----

// Finds the smallest stride that serves: where there are fewer entries than it reads, a multiple
// does too.
static bool try_array(struct view *view, uint64_t array, size_t count)
{
	for (size_t stride = MIN_STRIDE; stride <= MAX_STRIDE; stride += WORD)
		for (size_t at = 0; at < stride; at += WORD) {
			if (!entries_have_regions(view, array, count, stride, at))
				continue;
			view->stride = stride;
			view->mr_at = at;
			free(view->ranges);
			view->ranges = calloc(count, sizeof(*view->ranges));
			if (view->ranges && read_ranges(view, array, count) &&
			    find_addresses(view) == 1)
				return true;
		}
	return false;
}

// Tests whether the array that the word at AT points to is as long as the count at NR_AT says.
static bool try_count(struct view *view, const struct gg_glimpse *glimpse, size_t at, size_t nr_at,
		      uint64_t *largest)
{
	const uint64_t nr = gg_glimpse_half(glimpse, nr_at);
	const uint64_t allocated = gg_glimpse_half(glimpse, nr_at + 4);
	if (!nr || nr > allocated)
		return false;
	if (nr > MAX_RANGES) {
		*largest = nr > *largest ? nr : *largest;
		return false;
	}
	view->ranges_at = at;
	view->nr_at = nr_at;
	if (try_array(view, gg_glimpse_word(glimpse, at), nr))
		return true;
	view_deinit(view);
	view->range_count = 0;
	return false;
}

// Finds the array, and behind it the counts: the first that serve, for another FlatView may be
// behind a FlatView.
static struct gg_error *find_array(struct view *view)
{
	struct gg_glimpse glimpse;
	uint64_t largest = 0;
	gg_peek_glimpse(view->finder->peek, view->address, FLAT_VIEW_SIZE, &glimpse);
	for (size_t at = 0; at + WORD <= glimpse.size; at += WORD) {
		if (!gg_glimpse_word(&glimpse, at) || gg_glimpse_word(&glimpse, at) % WORD)
			continue;
		for (size_t nr_at = at + WORD; nr_at + WORD <= glimpse.size; nr_at += WORD)
			if (try_count(view, &glimpse, at, nr_at, &largest))
				return NULL;
	}
	if (largest)
		return gg_error_create(
			GG_BAD_DATA,
			"none of its words points to ranges that ascend, each with a "
			"MemoryRegion (counts above %d are rejected, here "
			"%" PRIu64 ")",
			MAX_RANGES, largest);
	return gg_error_create(GG_BAD_DATA, "none of its words points to ranges that ascend, each "
					    "with a MemoryRegion");
}

// ---- MemoryRegion and RAMBlock ----

static struct region *find_region(const struct view *view, uint64_t address)
{
	for (size_t i = 0; i < view->region_count; i++)
		if (view->regions[i].glimpse.address == address)
			return &view->regions[i];
	return NULL;
}

static struct gg_error *read_regions(struct view *view)
{
	const size_t most = view->range_count < MAX_REGIONS ? view->range_count : MAX_REGIONS;
	view->regions = calloc(most, sizeof(*view->regions));
	if (!view->regions)
		return gg_enomem;
	for (size_t i = 0; i < view->range_count; i++) {
		const uint64_t address = view->ranges[i].region;
		if (find_region(view, address))
			continue;
		if (view->region_count == most)
			return gg_error_create(GG_BAD_DATA, "more than %d MemoryRegions",
					       MAX_REGIONS);
		gg_peek_glimpse(view->finder->peek, address, REGION_SIZE,
				&view->regions[view->region_count++].glimpse);
	}
	return NULL;
}

// Tests whether the word at AT, where a region has it, leads to a structure that leads back at
// BACK.
static bool leads_back(const struct view *view, size_t at, size_t back)
{
	size_t found = 0;
	for (size_t i = 0; i < view->region_count; i++) {
		const struct gg_glimpse *region = &view->regions[i].glimpse;
		const uint64_t block = gg_glimpse_word(region, at);
		uint64_t owner;
		if (!block)
			continue;
		if (!gg_peek_word(view->finder->peek, block + back, &owner) ||
		    owner != region->address)
			return false;
		found++;
	}
	return found;
}

static void read_blocks(struct view *view)
{
	for (size_t i = 0; i < view->region_count; i++) {
		struct region *region = &view->regions[i];
		region->block_address = gg_glimpse_word(&region->glimpse, view->block_at);
		if (region->block_address)
			gg_peek_glimpse(view->finder->peek, region->block_address, BLOCK_SIZE,
					&region->block);
	}
}

static bool is_printable(uint8_t byte)
{
	return byte >= ' ' && byte <= '~';
}

// Tests whether a name is at AT, and not the rest of a name, as g_malloc0'ed memory has it: text,
// then zeros. A block that is never migrated (a virtio-pmem's) has no text.
static bool has_name(const struct gg_glimpse *block, size_t at, bool *has_text)
{
	size_t length = 0;
	if (!at || at + IDSTR_SIZE > block->size || is_printable(block->bytes[at - 1]))
		return false;
	while (length < IDSTR_SIZE && is_printable(block->bytes[at + length]))
		length++;
	if (length == IDSTR_SIZE)
		return false;
	for (size_t i = length; i < IDSTR_SIZE; i++)
		if (block->bytes[at + i])
			return false;
	*has_text |= length;
	return true;
}

static bool all_have_names(const struct view *view, size_t at)
{
	bool has_text = false;
	for (size_t i = 0; i < view->region_count; i++)
		if (view->regions[i].block_address &&
		    !has_name(&view->regions[i].block, at, &has_text))
			return false;
	return has_text;
}

// Finds the first place of a name: the rest of a name looks like a name too.
static bool find_idstr(struct view *view)
{
	for (size_t at = 0; at < MAX_IDSTR_OFFSET; at++)
		if (all_have_names(view, at)) {
			view->idstr_at = at;
			return true;
		}
	return false;
}

// Tests whether LENGTH, up to a page's end, is the size that the region has at AT.
static bool is_region_size(const struct gg_glimpse *region, size_t at, uint64_t length)
{
	enum { LARGEST_PAGE = 65536 };
	const uint64_t size = gg_glimpse_word(region, at);
	return size && size <= length && length - size < LARGEST_PAGE &&
	       !gg_glimpse_word(region, at + WORD);
}

// Tests whether the word at AT of every block is its length, which its region has at SIZE_AT.
static bool is_length(const struct view *view, size_t at, size_t size_at)
{
	for (size_t i = 0; i < view->region_count; i++) {
		const struct region *region = &view->regions[i];
		const uint64_t length = gg_glimpse_word(&region->block, at);
		if (region->block_address &&
		    (!length || length % PAGE || length < region->shown_end ||
		     !is_region_size(&region->glimpse, size_at, length)))
			return false;
	}
	return true;
}

static bool has_length(const struct view *view, size_t at)
{
	for (size_t size_at = WORD; size_at + 2 * WORD <= REGION_SIZE; size_at += WORD)
		if (is_length(view, at, size_at))
			return true;
	return false;
}

// Tests whether the core can lack the area of the block that is mapped at HOST.
static bool is_left_out(const struct view *view, const struct region *region, size_t at,
			size_t length_at)
{
	static const uint64_t lowest = UINT64_C(1) << 32;
	const uint64_t host = gg_glimpse_word(&region->block, at);
	const uint64_t length = gg_glimpse_word(&region->block, length_at);
	if (host < lowest || !length || host + length < host ||
	    gg_process_map_touches(view->finder->map, host, length))
		return false;
	for (size_t i = 0; i < view->region_count; i++) {
		const struct region *other = &view->regions[i];
		if (other != region && other->block_address &&
		    other->block_address != region->block_address &&
		    overlaps(host, length, gg_glimpse_word(&other->block, at),
			     gg_glimpse_word(&other->block, length_at)))
			return false;
	}
	return true;
}

static bool is_host(const struct view *view, size_t at, size_t length_at)
{
	for (size_t i = 0; i < view->region_count; i++) {
		const struct region *region = &view->regions[i];
		const uint64_t host = gg_glimpse_word(&region->block, at);
		if (!region->block_address)
			continue;
		if (!host || host % PAGE)
			return false;
		if (!gg_finder_is_mapped(view->finder, host,
					 gg_glimpse_word(&region->block, length_at)) &&
		    (!view->left_out || !is_left_out(view, region, at, length_at)))
			return false;
	}
	return true;
}

// Finds the place of the address for lengths at LENGTH_AT; 0 where there is none.
static struct gg_error *find_host(const struct view *view, size_t length_at, uint64_t *ret)
{
	*ret = 0;
	for (size_t at = WORD; at + WORD <= view->idstr_at; at += WORD) {
		if (at == view->back_at || at == length_at || !is_host(view, at, length_at))
			continue;
		if (*ret)
			return gg_view_ambiguous("RAMBlock.host", *ret, at);
		*ret = at;
	}
	return NULL;
}

// Finds both together, for a length must be of memory that is mapped. The length in use and the
// largest length are two words that differ where a block can be resized; the first is in use.
static struct gg_error *find_mapped_memory(struct view *view, bool *has_lengths)
{
	view->host_at = 0;
	for (size_t at = 0; at + WORD <= view->idstr_at; at += WORD) {
		uint64_t host_at;
		if (at == view->back_at || !has_length(view, at))
			continue;
		*has_lengths = true;
		struct gg_error *err = find_host(view, at, &host_at);
		if (!err && host_at && view->host_at &&
		    (at != view->length_at + WORD || host_at != view->host_at))
			err = gg_view_ambiguous("RAMBlock.used_length", view->length_at, at);
		if (err)
			return err;
		if (host_at && !view->host_at) {
			view->length_at = at;
			view->host_at = host_at;
		}
	}
	return NULL;
}

// A place that is not mapped counts as memory only where no place has mapped memory.
static struct gg_error *find_memory(struct view *view)
{
	bool has_lengths = false;
	view->left_out = false;
	struct gg_error *err = find_mapped_memory(view, &has_lengths);
	if (!err && !view->host_at && view->finder->map &&
	    gg_process_map_may_lack(view->finder->map)) {
		view->left_out = true;
		err = find_mapped_memory(view, &has_lengths);
	}
	if (err || view->host_at)
		return err;
	return gg_error_create(GG_BAD_DATA, "%s",
			       has_lengths ? "no word of every RAMBlock is the address of memory "
					     "that is mapped for all its length"
					   : "no word of every RAMBlock is a length that is the "
					     "size of its MemoryRegion");
}

// ---- FlatRange.offset_in_region ----

// Counts the bytes of the blocks that the ranges show if their offsets are at AT; 0 if they cannot
// be.
static uint64_t coverage(const struct view *view, size_t at)
{
	uint64_t covered = 0;
	for (size_t i = 0; i < view->range_count; i++) {
		const struct range *range = &view->ranges[i];
		const struct region *region = find_region(view, range->region);
		const uint64_t offset = range_word(view, range, at);
		if (!region || !region->block_address)
			continue;
		if ((offset - range->start) % PAGE || offset + range->size < offset)
			return 0;
		// A place that an earlier range showed does not count again.
		bool again = false;
		for (size_t j = 0; j < i && !again; j++)
			again = view->ranges[j].region == range->region &&
				overlaps(range_word(view, &view->ranges[j], at),
					 view->ranges[j].size, offset, range->size);
		covered += again ? 0 : range->size;
	}
	return covered;
}

// Finds the word that makes the ranges show the most of their blocks: padding, all zeros, would
// show the start of each again and again. Of equal words the first will do.
static struct gg_error *find_offset(struct view *view)
{
	uint64_t best = 0;
	for (size_t at = 0; at + WORD <= view->stride; at += WORD) {
		if (overlaps(at, WORD, view->mr_at, WORD) ||
		    overlaps(at, WORD, view->addr_at, 4 * WORD))
			continue;
		const uint64_t covered = coverage(view, at);
		if (covered > best) {
			best = covered;
			view->offset_at = at;
		}
	}
	if (!best)
		return gg_error_create(GG_BAD_DATA, "no word of the ranges is an offset in their "
						    "RAMBlocks");
	for (size_t i = 0; i < view->range_count; i++) {
		const struct range *range = &view->ranges[i];
		struct region *region = find_region(view, range->region);
		const uint64_t end = range_word(view, range, view->offset_at) + range->size;
		if (region && end > region->shown_end)
			region->shown_end = end;
	}
	return NULL;
}

static struct gg_error *try_blocks(struct view *view)
{
	read_blocks(view);
	if (!find_idstr(view))
		return gg_error_create(GG_BAD_DATA,
				       "the objects that they lead to have no name, as a RAMBlock "
				       "has");
	struct gg_error *err = find_offset(view);
	return err ? err : find_memory(view);
}

// Finds the places of ram_block and mr at which everything else fits too. Of several errors the
// first is shown: ram_block comes before other pointers.
static struct gg_error *find_blocks(struct view *view)
{
	struct gg_error *first = NULL, *second = NULL;
	struct view kept = *view;
	unsigned int found = 0;
	for (size_t at = WORD; at < MAX_RAM_BLOCK; at += WORD)
		for (size_t back = 0; back < MAX_BACK; back += WORD) {
			if (!leads_back(view, at, back))
				continue;
			view->block_at = at;
			view->back_at = back;
			struct gg_error *err = try_blocks(view);
			if (!err && found++ && !second)
				second = gg_view_ambiguous("MemoryRegion.ram_block", kept.block_at,
							   at);
			else if (!err)
				kept = *view;
			if (first)
				gg_error_destroy(err);
			else
				first = err;
		}
	if (!found)
		return first ? first
			     : gg_error_create(GG_BAD_DATA,
					       "no word of its MemoryRegions leads to an object "
					       "that leads back, as a RAMBlock does");
	gg_error_destroy(first);
	if (second)
		return second;
	// The later attempts have overwritten what the blocks hold.
	*view = kept;
	return try_blocks(view);
}

// ---- Answers ----

static struct gg_error *add_answers(const struct view *view, struct gg_answers *answers)
{
	const struct {
		const char *type, *path;
		uint64_t offset, size;
		const char *proof;
	} rows[] = {
		{ "AddressSpace", "current_map", view->current_map, WORD,
		  "leads to the only FlatView" },
		{ "FlatView", "ranges", view->ranges_at, WORD, "leads to ranges that ascend" },
		{ "FlatView", "nr", view->nr_at, 4, "that many ranges ascend" },
		{ "FlatView", "nr_allocated", view->nr_at + 4, 4, "is not less than nr" },
		{ "FlatRange", "", 0, view->stride, "each has a MemoryRegion at that distance" },
		{ "FlatRange", "mr", view->mr_at, WORD,
		  "leads to an object of type memory-region" },
		{ "FlatRange", "offset_in_region", view->offset_at, WORD,
		  "the ranges show the most of their RAMBlocks" },
		{ "FlatRange", "addr.start", view->addr_at, 2 * WORD,
		  "ascends, and no range overlaps the next" },
		{ "FlatRange", "addr.size", view->addr_at + 2 * WORD, 2 * WORD,
		  "no range overlaps the next" },
		{ "MemoryRegion", "ram_block", view->block_at, WORD,
		  "NULL, or leads to a RAMBlock that leads back" },
		{ "RAMBlock", "mr", view->back_at, WORD, "leads back to the MemoryRegion" },
		{ "RAMBlock", "host", view->host_at, WORD,
		  view->left_out
			  ? "the core has no area there, used_length bytes long: it is left out"
			  : "memory is mapped there, used_length bytes long" },
		{ "RAMBlock", "used_length", view->length_at, WORD,
		  "the MemoryRegion's size, and mapped" },
		{ "RAMBlock", "idstr", view->idstr_at, IDSTR_SIZE, "a name, and zeros behind it" },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(rows) / sizeof(*rows); i++)
		err = gg_answers_add(answers, rows[i].type, rows[i].path, rows[i].offset,
				     rows[i].size, "%s", rows[i].proof);
	return err;
}

// ---- AddressSpace ----

// Finds the word that points to the name, and behind it the word that points to the root.
static struct gg_error *find_name(struct view *view, uint64_t size)
{
	struct gg_glimpse glimpse;
	char name[16];
	bool named = false;
	gg_peek_glimpse(view->finder->peek, view->address_space, size ? size : MAX_ADDRESS_SPACE,
			&glimpse);
	for (size_t at = 0; at + WORD <= glimpse.size; at += WORD) {
		const uint64_t word = gg_glimpse_word(&glimpse, at);
		if (named && is_region(view, word)) {
			gg_peek_glimpse(view->finder->peek, word, REGION_SIZE, &view->root);
			return NULL;
		}
		if (!named && gg_peek_text(view->finder->peek, word, name, sizeof(name)) &&
		    !strcmp(name, "memory")) {
			view->name = at;
			named = true;
		}
	}
	return gg_error_create(GG_BAD_DATA, "%s",
			       named ? "no word behind its name points to a MemoryRegion"
				     : "none of its words points to its name, \"memory\"");
}

static struct gg_error *try_view(struct view *view, uint64_t address, struct gg_answers *answers,
				 struct gg_discard_manager *manager)
{
	view->address = address;
	struct gg_error *err = find_array(view);
	if (!err)
		err = read_regions(view);
	if (!err)
		err = find_blocks(view);
	if (!err)
		err = gg_view_find_flags(view, answers, manager);
	if (!err)
		err = add_answers(view, answers);
	if (!err)
		err = gg_view_find_absence(view, answers);
	view_deinit(view);
	return err;
}

// Tries every word behind the name; exactly one must lead to a FlatView.
static struct gg_error *find_view(struct view *view, struct gg_answers *answers,
				  struct gg_discard_manager *manager)
{
	struct gg_error *deepest = NULL;
	uint64_t place = 0;
	for (size_t at = view->name + WORD; at <= view->name + NAME_TO_MAP; at += WORD) {
		uint64_t word;
		struct view attempt = *view;
		struct gg_answers found = { 0 };
		if (!gg_peek_word(view->finder->peek, view->address_space + at, &word) || !word ||
		    is_region(view, word))
			continue;
		attempt.current_map = at;
		struct gg_error *err = try_view(&attempt, word, &found, manager);
		if (!err && place) {
			gg_answers_deinit(&found);
			gg_error_destroy(deepest);
			return gg_view_ambiguous("AddressSpace.current_map", place, at);
		}
		if (!err) {
			place = at;
			*answers = found;
			continue;
		}
		gg_answers_deinit(&found);
		gg_debug(view->finder->debug,
			 "layout: AddressSpace.current_map is not at +%zu: FlatView at 0x%" PRIx64
			 ": %s",
			 at, word, gg_error_message(err));
		// The candidate that got furthest is the most likely.
		const bool deeper = attempt.range_count > 0;
		if (deeper || !deepest) {
			gg_error_destroy(deepest);
			deepest = gg_error_context(err, "FlatView at 0x%" PRIx64, word);
		} else {
			gg_error_destroy(err);
		}
	}
	if (place) {
		gg_error_destroy(deepest);
		return NULL;
	}
	return deepest ? deepest
		       : gg_error_create(GG_BAD_DATA, "no word behind its name can be a pointer");
}

struct gg_error *gg_find_ram(const struct gg_finder *finder, uint64_t address, uint64_t size,
			     struct gg_answers *answers, struct gg_discard_manager *manager)
{
	struct view view = { .finder = finder, .address_space = address };
	struct gg_error *err = find_name(&view, size);
	if (!err)
		err = find_view(&view, answers, manager);
	struct gg_error *serious = gg_peek_error(finder->peek);
	if (serious) {
		gg_error_destroy(err);
		return serious;
	}
	return err ? gg_error_context(err, "AddressSpace at 0x%" PRIx64, address) : NULL;
}
