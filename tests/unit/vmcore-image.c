// SPDX-License-Identifier: GPL-3.0-or-later
#include "vmcore-image.h"

#include <elf.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { PAGE = VMCORE_IMAGE_PAGE };

static void append_notes(const struct vmcore_image *vmcore, struct gg_buffer *image)
{
	if (vmcore->notes) {
		gg_buffer_append(image, vmcore->notes->bytes, vmcore->notes->size);
		return;
	}
	gg_buffer_uint(image, 4, sizeof("VMCOREINFO"));
	gg_buffer_uint(image, 4, sizeof(VMCORE_IMAGE_NOTE) - 1);
	gg_buffer_uint(image, 4, 0);
	gg_buffer_append(image, "VMCOREINFO\0", 12);
	gg_buffer_append(image, VMCORE_IMAGE_NOTE "\0\0", (sizeof(VMCORE_IMAGE_NOTE) + 2) / 4 * 4);
}

static size_t notes_size(const struct vmcore_image *vmcore)
{
	struct gg_buffer notes = { 0 };
	append_notes(vmcore, &notes);
	const size_t size = notes.size;
	gg_buffer_deinit(&notes);
	return size;
}

static void fill_page(uint8_t bytes[PAGE], size_t number)
{
	memset(bytes, (int)number + 1, PAGE);
}

static void append_page(struct gg_buffer *image, size_t number)
{
	uint8_t bytes[PAGE];
	fill_page(bytes, number);
	gg_buffer_append(image, bytes, sizeof(bytes));
}

static void append_pages(struct gg_buffer *image, const char *pages)
{
	for (size_t i = 0; pages[i]; i++)
		if (pages[i] == 'H')
			append_page(image, i);
}

static void pad(struct gg_buffer *image, size_t size)
{
	gg_buffer_zeros(image, size - image->size);
}

// ---- ELF (System V gABI, chapter 5) ----

static size_t run_length(const char *pages)
{
	size_t length = 1;
	while (pages[length] == pages[0])
		length++;
	return length;
}

static void append_elf_header(struct gg_buffer *image, uint16_t count)
{
	const Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = count,
	};
	gg_buffer_append(image, &ehdr, sizeof(ehdr));
}

static uint16_t count_runs(const char *pages)
{
	uint16_t count = 0;
	for (const char *run = pages; *run; run += run_length(run))
		if (*run != '.')
			count++;
	return count;
}

static void make_elf(const struct vmcore_image *vmcore, struct gg_buffer *image)
{
	const char *pages = vmcore->pages;
	const size_t data = (PAGE + notes_size(vmcore) + PAGE - 1) / PAGE * PAGE;
	uint64_t held = 0;
	append_elf_header(image, (uint16_t)(count_runs(pages) + 1));
	const Elf64_Phdr note = { .p_type = PT_NOTE,
				  .p_offset = PAGE,
				  .p_filesz = notes_size(vmcore) };
	gg_buffer_append(image, &note, sizeof(note));
	for (const char *run = pages; *run; run += run_length(run)) {
		const uint64_t size = run_length(run) * PAGE;
		const Elf64_Phdr phdr = {
			.p_type = PT_LOAD,
			.p_paddr = (uint64_t)(run - pages) * PAGE,
			.p_offset = data + held,
			.p_filesz = *run == 'H' ? size : 0,
			.p_memsz = size,
		};
		if (*run != '.')
			gg_buffer_append(image, &phdr, sizeof(phdr));
		held += phdr.p_filesz;
	}
	pad(image, PAGE);
	append_notes(vmcore, image);
	pad(image, data);
	append_pages(image, pages);
}

// ---- Codecs ----

static size_t by_zlib(const uint8_t *page, uint8_t *ret)
{
	uLongf size = PAGE;
	return compress(ret, &size, page, PAGE) == Z_OK ? size : 0;
}

static size_t by_lzo(const uint8_t *page, uint8_t *ret)
{
	static _Alignas(8) uint8_t memory[LZO1X_1_MEM_COMPRESS];
	lzo_uint size = PAGE;
	return lzo_init() == LZO_E_OK &&
			       lzo1x_1_compress(page, PAGE, ret, &size, memory) == LZO_E_OK
		       ? size
		       : 0;
}

static size_t by_snappy(const uint8_t *page, uint8_t *ret)
{
	size_t size = 2 * PAGE;
	return snappy_compress((const char *)page, PAGE, (char *)ret, &size) == SNAPPY_OK ? size
											  : 0;
}

static size_t by_zstd(const uint8_t *page, uint8_t *ret)
{
	return ZSTD_compress(ret, PAGE, page, PAGE, 1);
}

// The flags are those of a page descriptor.
static const struct codec {
	size_t (*compress)(const uint8_t *page, uint8_t *ret);
	unsigned int flags;
} codecs[] = {
	[VMCORE_IMAGE_RAW] = { NULL, 0 },        [VMCORE_IMAGE_ZLIB] = { by_zlib, 1 },
	[VMCORE_IMAGE_LZO] = { by_lzo, 2 },      [VMCORE_IMAGE_SNAPPY] = { by_snappy, 4 },
	[VMCORE_IMAGE_ZSTD] = { by_zstd, 0x20 },
};

// ---- Compressed kdump (makedumpfile diskdump_mod.h, version 6; its IMPLEMENTATION file) ----

// The header's strings: those of utsname, of which QEMU knows the machine.
static void append_names(const struct vmcore_image *vmcore, struct gg_buffer *image)
{
	enum { UTSNAME = 65, NAMES = 6, MACHINE = 4 };
	const char *const machine = vmcore->is_32 ? "i686" : "x86_64";
	const char *const names[NAMES] = {
		"Linux", "guest", "6.1", "#1", vmcore->machine ? vmcore->machine : machine, "(none)"
	};
	for (size_t i = 0; i < NAMES; i++) {
		char name[UTSNAME] = "";
		if (!vmcore->by_qemu || i == MACHINE)
			strcpy(name, names[i]);
		gg_buffer_append(image, name, sizeof(name));
	}
}

static void append_header(const struct vmcore_image *vmcore, size_t blocks, struct gg_buffer *image)
{
	const uint64_t members[] = {
		codecs[vmcore->codec].flags, PAGE, blocks, 2, strlen(vmcore->pages), 0, 0, 0, 0, 1
	};
	gg_buffer_append(image, "KDUMP   ", 8);
	gg_buffer_uint(image, 4, 6);
	append_names(vmcore, image);
	pad(image, vmcore->is_32 ? 412 : 424);
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		gg_buffer_uint(image, 4, members[i]);
	pad(image, PAGE);
}

// The members of struct kdump_sub_header; on i386 a long has 4 bytes, and nothing is padded.
static void append_sub_header(const struct vmcore_image *vmcore, struct gg_buffer *image)
{
	enum { SIZE_64 = 104, SIZE_32 = 80, NOTE_HEADER = 24 };
	const unsigned int word = vmcore->is_32 ? 4 : 8;
	const size_t notes = PAGE + (vmcore->is_32 ? SIZE_32 : SIZE_64);
	const struct {
		unsigned int size;
		uint64_t value;
	} members[] = {
		{ word, 0 }, // phys_base
		{ 4, vmcore->dump_level },
		{ 4, 0 },
		{ word, 0 }, // start_pfn, end_pfn
		{ word, 0 },
		{ 8, notes + NOTE_HEADER },
		{ word, sizeof(VMCORE_IMAGE_NOTE) - 1 },
		{ 8, notes },
		{ word, notes_size(vmcore) },
		{ 8, 0 }, // eraseinfo
		{ word, 0 },
		{ 8, 0 },
		{ 8, 0 },
		{ 8, strlen(vmcore->pages) },
	};
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		gg_buffer_uint(image, members[i].size, members[i].value);
	append_notes(vmcore, image);
}

// Appends a block with a bit for each page that has one of LETTERS.
static void append_bitmap(struct gg_buffer *image, const char *pages, const char *letters)
{
	uint8_t bits[PAGE] = { 0 };
	for (size_t i = 0; pages[i]; i++)
		if (strchr(letters, pages[i]))
			bits[i / 8] |= (uint8_t)(1 << i % 8);
	gg_buffer_append(image, bits, sizeof(bits));
}

// Appends page NUMBER's data to DATA, which begins at offset START, and its descriptor to IMAGE.
static void append_data(const struct vmcore_image *vmcore, size_t number, size_t start,
			struct gg_buffer *image, struct gg_buffer *data)
{
	const struct codec *codec = &codecs[number % 2 ? VMCORE_IMAGE_RAW : vmcore->codec];
	uint8_t page[PAGE], compressed[2 * PAGE];
	fill_page(page, number);
	const size_t size = codec->compress ? codec->compress(page, compressed) : PAGE;
	gg_buffer_uint(image, 8, start + data->size);
	gg_buffer_uint(image, 4, size);
	gg_buffer_uint(image, 4, codec->flags);
	gg_buffer_uint(image, 8, 0);
	gg_buffer_append(data, codec->compress ? compressed : page, size);
}

static void make_kdump(const struct vmcore_image *vmcore, struct gg_buffer *image)
{
	enum { DESCRIPTOR = 24 };
	struct gg_buffer data = { 0 }, sub_header = { 0 };
	size_t held = 0;
	for (size_t i = 0; vmcore->pages[i]; i++)
		held += vmcore->pages[i] == 'H';
	append_sub_header(vmcore, &sub_header);
	const size_t blocks = (sub_header.size + PAGE - 1) / PAGE;
	append_header(vmcore, blocks, image);
	gg_buffer_append(image, sub_header.bytes, sub_header.size);
	pad(image, (1 + blocks) * PAGE);
	append_bitmap(image, vmcore->pages, "HX");
	append_bitmap(image, vmcore->pages, "H");
	const size_t start = image->size + held * DESCRIPTOR;
	for (size_t i = 0; vmcore->pages[i]; i++)
		if (vmcore->pages[i] == 'H')
			append_data(vmcore, i, start, image, &data);
	gg_buffer_append(image, data.bytes, data.size);
	gg_buffer_deinit(&data);
	gg_buffer_deinit(&sub_header);
}

// ---- Flattened (makedumpfile makedumpfile.h) ----

static void append_piece(struct gg_buffer *image, const struct gg_buffer *plain, size_t offset,
			 size_t size)
{
	gg_buffer_uint(image, 8, offset);
	gg_buffer_uint(image, 8, size);
	gg_buffer_append(image, plain->bytes + offset, size);
}

// The first piece is wrong, and is written again at the end, unless all is in order.
static void make_flat(const struct vmcore_image *vmcore, struct gg_buffer *image)
{
	enum { FIRST = 1000, NEXT = 5000 };
	struct gg_buffer plain = { 0 };
	make_kdump(vmcore, &plain);
	image->big_endian = true;
	gg_buffer_append(image, "makedumpfile\0\0\0", 16);
	gg_buffer_uint(image, 8, 1);
	gg_buffer_uint(image, 8, 1);
	pad(image, PAGE);
	const uint8_t wrong = vmcore->in_order ? 0 : 0xff;
	plain.bytes[0] ^= wrong;
	append_piece(image, &plain, 0, FIRST);
	plain.bytes[0] ^= wrong;
	for (size_t offset = FIRST; offset < plain.size; offset += NEXT)
		append_piece(image, &plain, offset,
			     plain.size - offset < NEXT ? plain.size - offset : NEXT);
	if (!vmcore->in_order)
		append_piece(image, &plain, 0, FIRST);
	gg_buffer_uint(image, 8, UINT64_MAX);
	gg_buffer_uint(image, 8, UINT64_MAX);
	gg_buffer_deinit(&plain);
}

void vmcore_image_make(const struct vmcore_image *vmcore, struct gg_buffer *image)
{
	static void (*const makers[])(const struct vmcore_image *vmcore,
				      struct gg_buffer *image) = {
		[VMCORE_IMAGE_ELF] = make_elf,
		[VMCORE_IMAGE_KDUMP] = make_kdump,
		[VMCORE_IMAGE_FLAT] = make_flat,
	};
	makers[vmcore->format](vmcore, image);
	if (image->failed)
		abort();
}
