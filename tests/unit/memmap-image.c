// SPDX-License-Identifier: GPL-3.0-or-later
#include "memmap-image.h"

#include "case-words.h"

#include "arch/x86/x86.h"
#include "guest/memmap-pages.h"
#include "linux/pages/page-scan.h"
#include "memory/kernel-memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, MAX_PAGES = 128, MAX_RANGES = 8, MAX_TEXT = 8192, MAX_COUNT = 1024 };

struct memory_page {
	uint64_t address;
	bool absent;
	uint8_t bytes[PAGE];
};

struct memmap_image {
	struct gg_backing backing; // an hva is a gpa; what is in no page is a hole
	struct memory_page pages[MAX_PAGES];
	size_t page_count;
	struct gg_ram_range ranges[MAX_RANGES];
	struct gg_ram_map map;
	char text[MAX_TEXT];
	size_t text_size;
	unsigned int word, section_bits;
	bool big_endian;
	uint64_t present, memmap;
	// State of the scan.
	struct gg_buffer *out;
	uint64_t count, run_pfn, run_count;
	unsigned int run_traits;
	struct gg_page_set *excluded; // gets the pages with a trait; NULL: they are not collected
};

// ---- Memory ----

static struct memory_page *find_page(const struct memmap_image *image, uint64_t address)
{
	for (size_t i = 0; i < image->page_count; i++)
		if (image->pages[i].address == address - address % PAGE)
			return (struct memory_page *)&image->pages[i];
	return NULL;
}

static struct memory_page *add_page(struct memmap_image *image, uint64_t address)
{
	struct memory_page *page = find_page(image, address);
	if (page || image->page_count == MAX_PAGES)
		return page;
	page = &image->pages[image->page_count++];
	page->address = address - address % PAGE;
	return page;
}

static struct gg_error *image_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				     bool holes, struct gg_extent *ret)
{
	const struct memmap_image *image = (const struct memmap_image *)backing;
	const struct memory_page *page = find_page(image, hva);
	const uint64_t left = PAGE - hva % PAGE;
	ret->size = size < left ? size : left;
	ret->kind = page && page->absent ? GG_EXTENT_ABSENT
		    : page || !holes     ? GG_EXTENT_DATA
					 : GG_EXTENT_HOLE;
	return NULL;
}

static struct gg_error *image_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				   size_t size)
{
	const struct memmap_image *image = (const struct memmap_image *)backing;
	uint8_t *bytes = buffer;
	while (size) {
		const struct memory_page *page = find_page(image, hva);
		const size_t left = PAGE - hva % PAGE, piece = size < left ? size : left;
		if (page && page->absent)
			return gg_error_create(GG_ABSENT, "the page is absent");
		if (page)
			memcpy(bytes, page->bytes + hva % PAGE, piece);
		else
			memset(bytes, 0, piece);
		hva += piece;
		bytes += piece;
		size -= piece;
	}
	return NULL;
}

static const struct gg_backing_ops image_ops = { .extent = image_extent, .read = image_read };

static bool write_value(struct memmap_image *image, uint64_t address, uint64_t value, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++) {
		const uint64_t at = address + (image->big_endian ? size - 1 - i : i);
		struct memory_page *page = add_page(image, at);
		if (!page)
			return false;
		page->bytes[at % PAGE] = (uint8_t)(value >> 8 * i);
	}
	return true;
}

struct memmap_image *memmap_image_create(void)
{
	struct memmap_image *image = calloc(1, sizeof(*image));
	if (!image)
		abort();
	image->backing = (struct gg_backing){ .ops = &image_ops, .name = "the image" };
	image->map = (struct gg_ram_map){ .ranges = image->ranges, .backing = &image->backing };
	image->word = 8;
	return image;
}

void memmap_image_destroy(struct memmap_image *image)
{
	free(image);
}

// ---- Lines ----

static bool do_ram(struct memmap_image *image, const char *line)
{
	struct gg_ram_range range = { .block = "image" };
	const struct gg_ram_range *last =
		image->map.count ? &image->ranges[image->map.count - 1] : &range;
	if (!take_number(&line, &range.start) || !take_number(&line, &range.size) ||
	    !at_end(line) || !range.size || range.start + (range.size - 1) < range.start ||
	    image->map.count == MAX_RANGES ||
	    (image->map.count && range.start < last->start + last->size))
		return false;
	range.hva = range.start;
	image->ranges[image->map.count++] = range;
	return true;
}

static bool do_key(struct memmap_image *image, const char *line)
{
	line += strspn(line, " ");
	const size_t size = strcspn(line, "\n");
	if (size + 2 > MAX_TEXT - image->text_size)
		return false;
	memcpy(image->text + image->text_size, line, size);
	image->text_size += size;
	image->text[image->text_size++] = '\n';
	image->text[image->text_size] = 0;
	return true;
}

// Returns the value of KIND(page.NAME), NAME having SIZE bytes, in the text so far.
static bool find_key(const struct memmap_image *image, const char *kind, const char *name,
		     size_t size, uint64_t *ret)
{
	char key[64];
	const bool is_size = !size;
	snprintf(key, sizeof(key), "%s(page%s%.*s)=", kind, is_size ? "" : ".", (int)size, name);
	const char *line = strstr(image->text, key);
	if (!line)
		return false;
	*ret = strtoull(line + strlen(key), NULL, 10);
	return true;
}

// Writes the member at *LINE, NAME=VALUE, of the struct page at ADDRESS.
static bool do_member(struct memmap_image *image, uint64_t address, const char **line)
{
	uint64_t offset = 0, value = 0;
	uint64_t size = image->word;
	*line += strspn(*line, " ");
	const char *name = *line;
	const size_t length = strcspn(name, "= \n");
	if (*name == '+') {
		offset = strtoull(name + 1, NULL, 0);
		size = 1;
	} else if (!length || !find_key(image, "OFFSET", name, length, &offset)) {
		return false;
	}
	if (length == strlen("_mapcount") && !strncmp(name, "_mapcount", length))
		size = 4;
	*line = name + length;
	return take_word(line, "=") && take_number(line, &value) &&
	       write_value(image, address + offset, value, size);
}

static bool do_pages(struct memmap_image *image, const char *line, bool many)
{
	uint64_t pfn = 0, count = 1, size = 0;
	if (!take_number(&line, &pfn) || (many && !take_number(&line, &count)) ||
	    count > MAX_COUNT || !find_key(image, "SIZE", "", 0, &size))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		const uint64_t address = image->memmap + (pfn + i) * size;
		const char *members = line;
		if (!add_page(image, address))
			return false;
		while (!at_end(members))
			if (!do_member(image, address, &members))
				return false;
	}
	return true;
}

static bool do_at(struct memmap_image *image, const char *line)
{
	uint64_t address = 0, value = 0, size = image->word;
	return take_number(&line, &address) && take_number(&line, &value) &&
	       (at_end(line) || take_number(&line, &size)) && size <= 8 && at_end(line) &&
	       write_value(image, address, value, size);
}

static bool do_absent(struct memmap_image *image, const char *line)
{
	uint64_t address = 0;
	if (!take_number(&line, &address) || !at_end(line))
		return false;
	struct memory_page *page = add_page(image, address);
	if (page)
		page->absent = true;
	return page;
}

static bool do_word(struct memmap_image *image, const char *line)
{
	uint64_t size = 0;
	if (!take_number(&line, &size) || (size != 4 && size != 8))
		return false;
	image->word = (unsigned int)size;
	image->big_endian = take_word(&line, "big");
	return at_end(line);
}

bool memmap_image_line(struct memmap_image *image, const char *line)
{
	uint64_t bits = 0;
	if (take_word(&line, "ram "))
		return do_ram(image, line);
	if (take_word(&line, "key "))
		return do_key(image, line);
	if (take_word(&line, "at "))
		return do_at(image, line);
	if (take_word(&line, "absent "))
		return do_absent(image, line);
	if (take_word(&line, "word "))
		return do_word(image, line);
	if (take_word(&line, "pages "))
		return do_pages(image, line, true);
	if (take_word(&line, "page "))
		return do_pages(image, line, false);
	if (take_word(&line, "present "))
		return take_number(&line, &image->present) && at_end(line);
	if (take_word(&line, "memmap "))
		return take_number(&line, &image->memmap) && at_end(line);
	if (!take_word(&line, "sections ") || !take_number(&line, &bits) || !at_end(line))
		return false;
	image->section_bits = (unsigned int)bits;
	return true;
}

// ---- The scan ----

static void append_traits(struct gg_buffer *out, unsigned int traits)
{
	static const char *const names[] = { "free", "cache",    "private",
					     "user", "hwpoison", "offline" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (traits >> i & 1)
			gg_buffer_format(out, " %s", names[i]);
}

static void end_run(struct memmap_image *image)
{
	if (image->run_traits) {
		gg_buffer_format(image->out, "0x%" PRIx64 " pages from 0x%" PRIx64 ":",
				 image->run_count, image->run_pfn);
		append_traits(image->out, image->run_traits);
		gg_buffer_format(image->out, "\n");
	}
	image->run_traits = 0;
}

// Pages ascend, and none comes twice.
static struct gg_error *add_pages(void *data, uint64_t pfn, uint64_t count, unsigned int traits)
{
	struct memmap_image *image = data;
	if (!count || pfn < image->run_pfn + image->run_count || pfn + count < pfn)
		abort();
	if (traits != image->run_traits || pfn != image->run_pfn + image->run_count) {
		end_run(image);
		image->run_pfn = pfn;
		image->run_count = 0;
		image->run_traits = traits;
	}
	image->run_count += count;
	image->count += count;
	return image->excluded && traits ? gg_page_set_add(image->excluded, pfn, count) : NULL;
}

// Excludes the memmap's own pages too.
static struct gg_error *exclude_memmap(const struct memmap_image *image,
				       const struct gg_page_layout *layout,
				       struct gg_memmap *memmap, struct gg_page_table *table)
{
	const struct gg_memmap_pages pages = { .table = table,
					       .map = &image->map,
					       .memmap = memmap,
					       .page_size = PAGE,
					       .struct_size = layout->size };
	return gg_memmap_pages_exclude(&pages, image->excluded);
}

static struct gg_error *check_part(void *data, uint64_t pfn, uint64_t count, unsigned int traits)
{
	const struct gg_page_scan *part = data;
	(void)traits;
	if (!count || pfn < part->first || pfn >= part->stop || count > part->stop - pfn)
		abort();
	return NULL;
}

// Scans parts that may start in the midst of a block, as those of a hostile memmap: each visits its own pages.
static struct gg_error *scan_parts(const struct gg_page_scan *whole)
{
	enum { PART = 0x80, PARTS = 16 };
	uint64_t described = 0;
	struct gg_error *err = NULL;
	for (uint64_t i = 0; !err && i < PARTS; i++) {
		bool may_start;
		struct gg_page_scan part = *whole;
		part.first = i * PART;
		part.stop = i + 1 < PARTS ? part.first + PART : UINT64_MAX;
		part.described = 0;
		part.visit = check_part;
		part.data = &part;
		err = gg_page_scan_may_start(&part, part.first, &may_start);
		if (!err)
			err = gg_page_scan_run(&part);
		described += part.described;
	}
	if (!err && described != whole->described)
		abort();
	return err;
}

static struct gg_error *scan_memmap(struct memmap_image *image, const struct gg_page_layout *layout,
				    struct gg_memmap *memmap, struct gg_page_table *table)
{
	struct gg_memmap_reader reader;
	struct gg_page_scan scan = { .layout = layout,
				     .memmap = memmap,
				     .reader = &reader,
				     .map = &image->map,
				     .stop = UINT64_MAX,
				     .visit = add_pages,
				     .data = image };
	struct gg_error *err = gg_memmap_reader_init(&reader, table, &image->map, NULL);
	if (!err)
		err = gg_page_scan_run(&scan);
	end_run(image);
	if (!err && scan.described != image->count)
		abort();
	if (!err) {
		gg_buffer_format(image->out,
				 "%s: 0x%" PRIx64 " of 0x%" PRIx64 " pages, 0x%" PRIx64
				 " unreadable, end 0x%" PRIx64 ", can show",
				 gg_memmap_model(memmap), scan.described, scan.ram, scan.unread,
				 scan.end);
		append_traits(image->out, layout->traits);
		gg_buffer_format(image->out, "\n");
	}
	if (!err)
		err = scan_parts(&scan);
	gg_memmap_reader_deinit(&reader);
	return err;
}

static struct gg_error *scan(struct memmap_image *image, const struct gg_vmcoreinfo *info,
			     struct gg_page_table *table)
{
	const struct gg_kernel_memory memory =
		gg_kernel_memory(table, image->big_endian, image->word);
	struct gg_memmap_options options = { .info = info,
					     .memory = &memory.host,
					     .page_size = PAGE,
					     .section_bits = image->section_bits,
					     .present_pfn = image->present };
	struct gg_page_layout layout;
	struct gg_memmap *memmap = NULL;
	struct gg_error *err =
		gg_page_layout_read(info, PAGE, image->word, image->big_endian, &layout);
	options.struct_size = layout.size;
	if (!err)
		err = gg_memmap_create(&options, &memmap);
	if (!err)
		err = scan_memmap(image, &layout, memmap, table);
	if (!err && image->excluded)
		err = exclude_memmap(image, &layout, memmap, table);
	gg_memmap_destroy(memmap);
	return err;
}

void memmap_image_scan(struct memmap_image *image, struct gg_buffer *ret, uint64_t *count)
{
	static const struct gg_paging paging = { .format = &x86_pages_none };
	struct gg_vmcoreinfo info = { .text = image->text, .size = image->text_size };
	struct gg_page_table *table = NULL;
	image->out = ret;
	image->count = image->run_pfn = image->run_count = 0;
	struct gg_error *err = gg_page_table_create(&image->map, &paging, &table);
	if (!err)
		err = scan(image, &info, table);
	if (err)
		gg_buffer_format(ret, "error %s: %s\n", gg_error_kind_word(gg_error_kind(err)),
				 gg_error_message(err));
	gg_error_destroy(err);
	gg_page_table_destroy(table);
	*count = image->count;
}

struct gg_error *memmap_image_exclude(struct memmap_image *image, struct gg_page_set *ret)
{
	struct gg_buffer out = { 0 };
	uint64_t count = 0;
	const struct gg_ram_map *map = &image->map;
	const struct gg_ram_range *last = map->count ? &map->ranges[map->count - 1] : NULL;
	struct gg_error *err =
		gg_page_set_init(ret, last ? (last->start + last->size - 1) / PAGE + 1 : 0);
	if (err)
		return err;
	image->excluded = ret;
	memmap_image_scan(image, &out, &count);
	image->excluded = NULL;
	gg_buffer_deinit(&out);
	return NULL;
}
