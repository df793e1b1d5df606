// SPDX-License-Identifier: GPL-3.0-or-later
#include "page-image.h"

#include "case-words.h"

#include "arch/arm64/arm64.h"
#include "arch/ppc64/ppc64.h"
#include "arch/riscv/riscv.h"
#include "arch/s390/s390.h"
#include "arch/x86/x86.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RAM = 1 << 18, MAX_RANGES = 8 };

struct page_image {
	struct gg_backing backing; // an hva is an offset in RAM
	uint8_t ram[MAX_RAM];
	struct gg_ram_range ranges[MAX_RANGES];
	size_t count, used;
	struct gg_ram_map map;
	struct gg_paging paging;
	struct gg_page_table *table;
};

static const struct {
	const char *name;
	const struct gg_page_format *format;
	unsigned int levels, most_levels;
} formats[] = {
	{ "x86-64", &x86_pages_64, 4, 5 },
	{ "x86-pae", &x86_pages_pae, 3, 3 },
	{ "x86-32", &x86_pages_32, 2, 2 },
	{ "none", &x86_pages_none, 0, 0 },
	{ "riscv", &riscv_pages, 3, 5 },
	{ "s390", &s390_pages, 2, 5 },
	{ "ppc64-4k", &ppc64_pages_4k, 4, 4 },
	{ "arm64-4k-lpa2", &arm64_pages_4k_lpa2, 3, 5 },
	{ "arm64-16k-lpa2", &arm64_pages_16k_lpa2, 3, 5 },
	{ "arm64-4k", &arm64_pages_4k, 3, 5 },
	{ "arm64-16k", &arm64_pages_16k, 2, 4 },
	{ "arm64-64k", &arm64_pages_64k, 2, 4 },
};

static struct gg_error *read_image(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				   size_t size)
{
	const struct page_image *image = (const struct page_image *)backing;
	memcpy(buffer, image->ram + hva, size);
	return NULL;
}

static const struct gg_backing_ops image_ops = { .read = read_image };

struct page_image *page_image_create(void)
{
	struct page_image *image = calloc(1, sizeof(*image));
	if (!image)
		abort();
	image->backing = (struct gg_backing){ .ops = &image_ops, .name = "the image" };
	image->map = (struct gg_ram_map){ .ranges = image->ranges, .backing = &image->backing };
	return image;
}

void page_image_destroy(struct page_image *image)
{
	gg_page_table_destroy(image->table);
	free(image);
}

// ---- Lines ----

static bool do_format(struct page_image *image, const char *line)
{
	size_t row = 0;
	uint64_t root, levels, ignored = 0, bits = 0, lower = 0;
	line += strspn(line, " ");
	while (row < sizeof(formats) / sizeof(*formats) && !take_word(&line, formats[row].name))
		row++;
	if (row == sizeof(formats) / sizeof(*formats) || !take_word(&line, "root=") ||
	    !take_number(&line, &root))
		return false;
	levels = formats[row].levels;
	if (take_word(&line, "levels=") && !take_number(&line, &levels))
		return false;
	if (take_word(&line, "ignored=") && !take_number(&line, &ignored))
		return false;
	// Tables of the upper half alone, and those of the lower half beside them.
	if (take_word(&line, "bits=") && !take_number(&line, &bits))
		return false;
	if (take_word(&line, "lower=") && !take_number(&line, &lower))
		return false;
	if (bits > 64 - 1)
		return false;
	if (!at_end(line) || levels < formats[row].levels || levels > formats[row].most_levels)
		return false;
	image->paging = (struct gg_paging){ .format = formats[row].format,
					    .levels = (unsigned int)levels,
					    .root = root,
					    .ignored_bits = ignored,
					    .half = bits ? GG_UPPER_HALF : GG_BOTH_HALVES,
					    .input_bits = (unsigned int)bits };
	if (bits && lower)
		image->paging.lower = (struct gg_page_half){ .format = formats[row].format,
							     .levels = (unsigned int)levels,
							     .input_bits = (unsigned int)bits,
							     .root = lower };
	return true;
}

static bool do_ram(struct page_image *image, const char *line)
{
	uint64_t start, size, end = 0;
	if (!take_number(&line, &start) || !take_number(&line, &size) || !at_end(line))
		return false;
	if (image->count)
		end = image->ranges[image->count - 1].start + image->ranges[image->count - 1].size;
	if (image->count == MAX_RANGES || start < end || !size || size > MAX_RAM - image->used ||
	    start + size < start)
		return false;
	image->ranges[image->count++] = (struct gg_ram_range){
		.start = start, .size = size, .hva = image->used, .block = "image"
	};
	image->map.count = image->count;
	image->map.size += size;
	image->used += size;
	return true;
}

static bool do_word(struct page_image *image, const char *line)
{
	uint64_t address, value;
	if (!image->paging.format || !take_number(&line, &address) || !take_number(&line, &value) ||
	    !at_end(line))
		return false;
	const struct gg_page_format *format = image->paging.format;
	const unsigned int size = format->entry_size ? format->entry_size : 8;
	const struct gg_ram_range *range = gg_ram_map_find(&image->map, address);
	if (!range || range->size - (address - range->start) < size)
		return false;
	uint8_t *bytes = image->ram + range->hva + (address - range->start);
	for (unsigned int i = 0; i < size; i++)
		bytes[format->big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
	return size == 8 || !(value >> 8 * size);
}

bool page_image_line(struct page_image *image, const char *line)
{
	if (take_word(&line, "format "))
		return do_format(image, line);
	if (take_word(&line, "ram "))
		return do_ram(image, line);
	return take_word(&line, "word ") && do_word(image, line);
}

// ---- Tables ----

struct gg_error *page_image_table(struct page_image *image, struct gg_page_table **ret)
{
	gg_page_table_destroy(image->table);
	image->table = NULL;
	if (!image->paging.format)
		return gg_error_create(GG_INVALID, "the image has no format");
	struct gg_error *err = gg_page_table_create(&image->map, &image->paging, &image->table);
	*ret = image->table;
	return err;
}

unsigned int page_image_levels(const struct page_image *image)
{
	return image->paging.levels;
}
