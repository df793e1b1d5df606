// SPDX-License-Identifier: GPL-3.0-or-later
//
// The headers of a compressed kdump (makedumpfile IMPLEMENTATION, diskdump_mod.h, struct disk_dump_header and
// kdump_sub_header, version 6; QEMU include/sysemu/dump.h).
//
// In:  the facts about the guest, the notes, the number of pages.
// Out: the headers, and the offsets of bitmaps, descriptors and data.
//
// Readers differ in the places where they look: VMCOREINFO is in the notes for libkdumpfile, and at the
// sub-header's offset for crash and makedumpfile. The microseconds of the time are 0, for libkdumpfile takes
// them for the page size of a 32-bit header.
#include "format-kdump.h"

#include <inttypes.h>
#include <string.h>

enum {
	HEADER_VERSION = 6,
	UTS_SIZE = 65,
	LACKS_MEMMAP = 0x10, // DUMP_DH_EXCLUDED_VMEMMAP of the status
};

// The sizes by the kernel's word of 8 and of 4 bytes. The sub-header of 32 bits is packed, as on i386.
static uint64_t sub_header_size(const struct gg_kdump *kdump)
{
	return kdump->arch->word == 8 ? 104 : 80;
}

static uint64_t blocks(const struct gg_kdump *kdump, uint64_t size)
{
	return size / kdump->page_size + !!(size % kdump->page_size);
}

static uint64_t sub_blocks(const struct gg_kdump *kdump)
{
	return blocks(kdump, sub_header_size(kdump) + kdump->notes->size);
}

static struct gg_error *check(const struct gg_kdump *kdump)
{
	const uint64_t most = kdump->arch->word == 8 ? INT64_MAX : UINT32_MAX;
	if (kdump->page_size < GG_KDUMP_MIN_PAGE || kdump->page_size > GG_KDUMP_MAX_PAGE)
		return gg_error_create(GG_UNSUPPORTED,
				       "pages of %" PRIu32
				       " bytes, which are not %d to %d; -format elf "
				       "takes any",
				       kdump->page_size, GG_KDUMP_MIN_PAGE, GG_KDUMP_MAX_PAGE);
	if (kdump->pages > most / kdump->page_size)
		return gg_error_create(GG_UNSUPPORTED,
				       "0x%" PRIx64
				       " pages are more than a kdump can number; -format elf "
				       "has no such limit",
				       kdump->pages);
	return NULL;
}

struct gg_error *gg_kdump_lay_out(struct gg_kdump *kdump)
{
	struct gg_error *err = check(kdump);
	if (err)
		return err;
	const uint64_t block = kdump->page_size;
	kdump->bitmap_size = blocks(kdump, kdump->pages / 8 + !!(kdump->pages % 8)) * block;
	kdump->bitmaps[0] = block * (1 + sub_blocks(kdump));
	kdump->bitmaps[1] = kdump->bitmaps[0] + kdump->bitmap_size;
	kdump->descriptors = kdump->bitmaps[1] + kdump->bitmap_size;
	kdump->zero_page =
		kdump->descriptors + blocks(kdump, kdump->described * GG_KDUMP_DESCRIPTOR) * block;
	kdump->data = kdump->zero_page + block;
	return NULL;
}

// Appends zeros up to OFFSET.
static void pad_to(struct gg_buffer *buffer, uint64_t offset)
{
	gg_buffer_zeros(buffer, offset - buffer->size);
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void append_main_header(const struct gg_kdump *kdump, struct gg_buffer *buffer)
{
	const unsigned int word = kdump->arch->word;
	enum { PADDING_64 = 6, PADDING_32 = 2 };
	gg_buffer_append(buffer, "KDUMP   ", 8);
	gg_buffer_uint(buffer, 4, HEADER_VERSION);
	for (size_t i = 0; i < GG_KDUMP_UTS; i++) {
		const char *name = kdump->uts[i] ? kdump->uts[i] : "";
		const size_t length = strnlen(name, UTS_SIZE - 1);
		gg_buffer_append(buffer, name, length);
		gg_buffer_zeros(buffer, UTS_SIZE - length);
	}
	gg_buffer_zeros(buffer, word == 8 ? PADDING_64 : PADDING_32);
	gg_buffer_uint(buffer, word, (uint64_t)kdump->time);
	gg_buffer_uint(buffer, word, 0); // microseconds
	gg_buffer_uint(buffer, 4, kdump->codec_flag | (kdump->lacks_memmap ? LACKS_MEMMAP : 0));
	gg_buffer_uint(buffer, 4, kdump->page_size);
	gg_buffer_uint(buffer, 4, sub_blocks(kdump));
	gg_buffer_uint(buffer, 4, 2 * kdump->bitmap_size / kdump->page_size);
	gg_buffer_uint(buffer, 4, min(kdump->pages, UINT32_MAX));
	gg_buffer_zeros(buffer, 16); // total_ram_blocks, device_blocks, written_blocks, current_cpu
	gg_buffer_uint(buffer, 4, kdump->cpus);
}

static void append_sub_header(const struct gg_kdump *kdump, struct gg_buffer *buffer)
{
	const unsigned int word = kdump->arch->word;
	const uint64_t notes = kdump->page_size + sub_header_size(kdump);
	const bool has_info = kdump->vmcoreinfo_size;
	gg_buffer_uint(buffer, word, kdump->phys_base);
	gg_buffer_uint(buffer, 4, kdump->dump_level);
	gg_buffer_uint(buffer, 4, 0);    // split
	gg_buffer_uint(buffer, word, 0); // start_pfn
	gg_buffer_uint(buffer, word, 0); // end_pfn
	gg_buffer_uint(buffer, 8, has_info ? notes + kdump->vmcoreinfo : 0);
	gg_buffer_uint(buffer, word, kdump->vmcoreinfo_size);
	gg_buffer_uint(buffer, 8, kdump->notes->size ? notes : 0);
	gg_buffer_uint(buffer, word, kdump->notes->size);
	gg_buffer_uint(buffer, 8, 0);    // offset_eraseinfo
	gg_buffer_uint(buffer, word, 0); // size_eraseinfo
	gg_buffer_uint(buffer, 8, 0);    // start_pfn_64
	gg_buffer_uint(buffer, 8, 0);    // end_pfn_64
	gg_buffer_uint(buffer, 8, kdump->pages);
}

void gg_kdump_append_headers(const struct gg_kdump *kdump, struct gg_buffer *buffer)
{
	append_main_header(kdump, buffer);
	pad_to(buffer, kdump->page_size);
	append_sub_header(kdump, buffer);
	gg_buffer_append(buffer, kdump->notes->bytes, kdump->notes->size);
	pad_to(buffer, kdump->bitmaps[0]);
}

void gg_kdump_append_page(const struct gg_kdump_page *page, struct gg_buffer *buffer)
{
	gg_buffer_uint(buffer, 8, page->offset);
	gg_buffer_uint(buffer, 4, page->size);
	gg_buffer_uint(buffer, 4, page->flag);
	gg_buffer_uint(buffer, 8, 0); // page_flags
}
