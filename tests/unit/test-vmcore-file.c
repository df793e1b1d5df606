// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include "base/cleanup.h"
#include "files/kdump-page.h"
#include "files/vmcore-file.h"
#include "vmcore-image.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PAGE = VMCORE_IMAGE_PAGE };

// Pages 0 and 1 are held, 2 and 3 excluded, 4 is no memory, 5 held.
static const char pages[] = "HHXX.H";

static int fd = -1;
static struct gg_vmcore_file *file;

static struct gg_error *open_image(const struct gg_buffer *image)
{
	char path[32];
	fd = memfd_create("vmcore", 0);
	assert_int_equal(write(fd, image->bytes, image->size), image->size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return gg_vmcore_file_open(path, &file);
}

// Opens a vmcore, SIZE bytes of which are there, or all for 0.
static struct gg_error *open_part(const struct vmcore_image *vmcore, size_t size)
{
	struct gg_buffer image = { 0 };
	vmcore_image_make(vmcore, &image);
	if (size)
		image.size = size;
	struct gg_error *err = open_image(&image);
	gg_buffer_deinit(&image);
	return err;
}

static struct gg_error *open_format(enum vmcore_image_format format)
{
	return open_part(&(struct vmcore_image){ .format = format, .pages = pages }, 0);
}

static void close_file(void)
{
	gg_vmcore_file_close(file);
	file = NULL;
	close(fd);
	fd = -1;
}

static int end_test(void **state)
{
	(void)state;
	close_file();
	return 0;
}

static void check_extent(uint64_t gpa, uint64_t size, enum gg_vmcore_kind kind)
{
	struct gg_vmcore_extent extent;
	assert_success(gg_vmcore_file_extent(file, gpa, 64 * PAGE, &extent));
	assert_int_equal(extent.kind, kind);
	assert_int_equal(extent.size, size);
}

static void check_pages(void)
{
	uint8_t bytes[2 * PAGE];
	check_extent(0x10, 2 * PAGE - 0x10, GG_VMCORE_HELD);
	check_extent(2 * PAGE, 2 * PAGE, GG_VMCORE_EXCLUDED);
	check_extent(4 * PAGE, PAGE, GG_VMCORE_NO_MEMORY);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_HELD);
	check_extent(6 * PAGE, 64 * PAGE, GG_VMCORE_NO_MEMORY);
	assert_success(gg_vmcore_file_read(file, 0x800, bytes, PAGE));
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[PAGE - 1], 2);
	assert_success(gg_vmcore_file_read(file, 5 * PAGE, bytes, PAGE));
	assert_int_equal(bytes[0], 6);
	assert_error(gg_vmcore_file_read(file, PAGE, bytes, 2 * PAGE), GG_ABSENT,
		     "the vmcore does not hold 0x2000:");
	assert_error(gg_vmcore_file_read(file, PAGE, bytes, 2 * PAGE), GG_ABSENT,
		     "left out when the vmcore was written");
	assert_error(gg_vmcore_file_read(file, 4 * PAGE, bytes, 1), GG_ABSENT, "no memory");
}

static struct gg_error *check_note(void *data, const struct gg_vmcore_note *note)
{
	assert_string_equal(note->name, "VMCOREINFO");
	assert_int_equal(note->type, 0);
	assert_int_equal(note->size, sizeof(VMCORE_IMAGE_NOTE) - 1);
	assert_memory_equal(note->descriptor, VMCORE_IMAGE_NOTE, note->size);
	++*(int *)data;
	return NULL;
}

static void check_notes(void)
{
	int count = 0;
	assert_success(gg_vmcore_file_notes(file, check_note, &count));
	assert_int_equal(count, 1);
}

// ---- Formats ----

static void test_elf(void **state)
{
	(void)state;
	assert_success(open_format(VMCORE_IMAGE_ELF));
	assert_string_equal(file->format, "ELF");
	assert_int_equal(file->machine, EM_X86_64);
	assert_int_equal(file->dump_level, GG_VMCORE_NO_LEVEL);
	check_pages();
	check_notes();
}

static void test_kdump(void **state)
{
	(void)state;
	assert_success(open_format(VMCORE_IMAGE_KDUMP));
	assert_string_equal(file->format, "compressed kdump");
	assert_string_equal(file->machine_name, "x86_64");
	assert_true(file->names_release);
	assert_int_equal(file->address_size, 8);
	assert_false(file->cut_off);
	assert_false(file->incomplete);
	check_pages();
	check_notes();
}

static void test_codecs(void **state)
{
	(void)state;
	for (enum vmcore_image_codec codec = 0; codec <= VMCORE_IMAGE_ZSTD; codec++) {
		const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_KDUMP,
						     .pages = pages,
						     .codec = codec };
		assert_success(open_part(&vmcore, 0));
		check_pages();
		close_file();
	}
}

static void test_kdump_32(void **state)
{
	(void)state;
	const struct vmcore_image vmcore = {
		.format = VMCORE_IMAGE_KDUMP, .pages = pages, .is_32 = true, .dump_level = 31
	};
	assert_success(open_part(&vmcore, 0));
	assert_int_equal(file->address_size, 4);
	assert_string_equal(file->machine_name, "i686");
	assert_int_equal(file->dump_level, 31);
	check_pages();
	check_notes();
}

static void test_kdump_of_qemu(void **state)
{
	(void)state;
	for (int is_32 = 0; is_32 < 2; is_32++) {
		const struct vmcore_image vmcore = {
			.format = VMCORE_IMAGE_FLAT, .pages = pages, .is_32 = is_32, .by_qemu = true
		};
		assert_success(open_part(&vmcore, 0));
		assert_false(file->names_release);
		assert_int_equal(file->address_size, is_32 ? 4 : 8);
		check_pages();
		check_notes();
		close_file();
	}
}

static void test_level(void **state)
{
	(void)state;
	uint8_t byte;
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_KDUMP,
					     .pages = pages,
					     .dump_level = 31 };
	assert_success(open_part(&vmcore, 0));
	assert_int_equal(file->dump_level, 31);
	assert_error(gg_vmcore_file_read(file, 2 * PAGE, &byte, 1), GG_ABSENT,
		     "left out when the vmcore was written (dump level 31)");
}

static void test_flattened(void **state)
{
	(void)state;
	assert_success(open_format(VMCORE_IMAGE_FLAT));
	assert_string_equal(file->format, "flattened kdump");
	check_pages();
	check_notes();
}

static void test_kdump_signature(void **state)
{
	(void)state;
	char path[32];
	static const bool expected[] = {
		[VMCORE_IMAGE_ELF] = false, [VMCORE_IMAGE_KDUMP] = true, [VMCORE_IMAGE_FLAT] = true
	};
	for (enum vmcore_image_format format = 0; format <= VMCORE_IMAGE_FLAT; format++) {
		assert_success(open_format(format));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		assert_int_equal(gg_vmcore_file_is_kdump(path), expected[format]);
		close_file();
	}
	assert_false(gg_vmcore_file_is_kdump("/nonexistent"));
	assert_false(gg_vmcore_file_is_kdump("/"));
}

// ---- Files that are cut off ----

static void test_cut_off(void **state)
{
	(void)state;
	uint8_t byte;
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_ELF, .pages = pages };
	assert_success(open_part(&vmcore, 3 * PAGE + 0x10));
	assert_true(file->cut_off);
	check_extent(0, PAGE + 0x10, GG_VMCORE_HELD);
	check_extent(PAGE + 0x10, PAGE - 0x10, GG_VMCORE_CUT_OFF);
	check_extent(2 * PAGE, 2 * PAGE, GG_VMCORE_EXCLUDED);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_CUT_OFF);
	assert_error(gg_vmcore_file_read(file, PAGE + 0x10, &byte, 1), GG_ABSENT,
		     "the vmcore does not hold 0x1010:");
	assert_error(gg_vmcore_file_read(file, PAGE + 0x10, &byte, 1), GG_ABSENT,
		     "lost: the file is cut off");
}

// The first piece is wrong, and what stands in its place was at the file's end.
static void test_flattened_header_lost(void **state)
{
	(void)state;
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_FLAT, .pages = pages };
	assert_error(open_part(&vmcore, 20000), GG_BAD_DATA,
		     "its plain form does not start as a kdump");
}

static void test_flattened_cut_off(void **state)
{
	(void)state;
	uint8_t byte;
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_FLAT,
					     .pages = pages,
					     .in_order = true };
	// All but a part of the last page.
	struct gg_buffer image = { 0 };
	vmcore_image_make(&vmcore, &image);
	const size_t size = image.size - 16 - PAGE / 2;
	gg_buffer_deinit(&image);
	assert_success(open_part(&vmcore, size));
	assert_true(file->cut_off);
	check_extent(0, 2 * PAGE, GG_VMCORE_HELD);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_CUT_OFF);
	assert_error(gg_vmcore_file_read(file, 5 * PAGE, &byte, 1), GG_ABSENT,
		     "lost: the file is cut off");
}

// libkdumpfile 0.5.1 shows zeros here.
static void test_kdump_cut_off(void **state)
{
	(void)state;
	uint8_t bytes[PAGE];
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_KDUMP, .pages = pages };
	struct gg_buffer image = { 0 };
	vmcore_image_make(&vmcore, &image);
	const size_t size = image.size;
	gg_buffer_deinit(&image);
	assert_success(open_part(&vmcore, size - 1));
	assert_true(file->cut_off);
	check_extent(0, 2 * PAGE, GG_VMCORE_HELD);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_CUT_OFF);
	assert_error(gg_vmcore_file_read(file, 5 * PAGE, bytes, PAGE), GG_ABSENT,
		     "the vmcore does not hold 0x5000: lost");
	close_file();
	// The last descriptor.
	assert_success(open_part(&vmcore, 4 * PAGE + 2 * 24));
	check_extent(0, 2 * PAGE, GG_VMCORE_CUT_OFF);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_CUT_OFF);
	close_file();
	assert_error(open_part(&vmcore, 3 * PAGE), GG_BAD_DATA, "the file ends within its bitmaps");
}

// A file without an end that a reader needs has all pages, and says that it is cut off.
static struct gg_error *read_all(void)
{
	uint8_t bytes[2 * PAGE];
	struct gg_error *err = gg_vmcore_file_read(file, 0, bytes, sizeof(bytes));
	if (err)
		return err;
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[2 * PAGE - 1], 2);
	err = gg_vmcore_file_read(file, 5 * PAGE, bytes, PAGE);
	if (err)
		return err;
	assert_int_equal(bytes[PAGE - 1], 6);
	return NULL;
}

static void test_all_sizes(void **state)
{
	(void)state;
	enum { STEP = 61 };
	for (enum vmcore_image_format format = 0; format <= VMCORE_IMAGE_FLAT; format++) {
		const struct vmcore_image vmcore = { .format = format, .pages = pages };
		struct gg_buffer whole = { 0 };
		vmcore_image_make(&vmcore, &whole);
		for (size_t size = 1; size < whole.size; size += STEP) {
			struct gg_error *err = open_part(&vmcore, size);
			if (!err) {
				assert_true(file->cut_off);
				err = read_all();
				assert_true(err || format == VMCORE_IMAGE_FLAT);
			}
			if (err)
				assert_null(strchr(gg_error_message(err), '\n'));
			gg_error_destroy(err);
			close_file();
		}
		gg_buffer_deinit(&whole);
	}
}

// ---- Damaged files ----

// A held page reads as it was written, or is an error; an excluded page is never shown.
static void check_damaged(size_t at)
{
	for (unsigned int page = 0; page < sizeof(pages) - 1; page++) {
		uint8_t bytes[PAGE];
		struct gg_error *err = gg_vmcore_file_read(file, page * PAGE, bytes, PAGE);
		if (err)
			assert_null(strchr(gg_error_message(err), '\n'));
		else if (at >= PAGE * 4)
			assert_int_equal(pages[page], 'H');
		gg_error_destroy(err);
	}
}

static void test_damage(void **state)
{
	(void)state;
	enum { HEADERS = 4 * PAGE + 3 * 24, STEP = 3 };
	for (enum vmcore_image_format format = 0; format <= VMCORE_IMAGE_FLAT; format++) {
		const struct vmcore_image vmcore = { .format = format,
						     .pages = pages,
						     .codec = VMCORE_IMAGE_ZLIB };
		struct gg_buffer image = { 0 };
		vmcore_image_make(&vmcore, &image);
		for (size_t at = 0; at < HEADERS && at < image.size; at += STEP) {
			image.bytes[at] ^= 0xff;
			struct gg_error *err = open_image(&image);
			if (err)
				assert_null(strchr(gg_error_message(err), '\n'));
			else
				check_damaged(at);
			gg_error_destroy(err);
			close_file();
			image.bytes[at] ^= 0xff;
		}
		gg_buffer_deinit(&image);
	}
}

static void test_damaged_page(void **state)
{
	(void)state;
	static const enum vmcore_image_codec codecs[] = { VMCORE_IMAGE_ZLIB, VMCORE_IMAGE_LZO,
							  VMCORE_IMAGE_SNAPPY, VMCORE_IMAGE_ZSTD };
	uint8_t bytes[PAGE];
	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
		const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_KDUMP,
						     .pages = pages,
						     .codec = codecs[i] };
		struct gg_buffer image = { 0 };
		vmcore_image_make(&vmcore, &image);
		// The first page's data stand behind four blocks and the descriptors.
		memset(image.bytes + 4 * PAGE + 3 * 24, 0xff, 8);
		struct gg_error *err = open_image(&image);
		gg_buffer_deinit(&image);
		assert_success(err);
		assert_error(gg_vmcore_file_read(file, 0, bytes, PAGE), GG_ABSENT,
			     "the vmcore's page at 0x0 is damaged: its ");
		assert_success(gg_vmcore_file_read(file, PAGE, bytes, PAGE));
		assert_int_equal(bytes[0], 2);
		close_file();
	}
}

// Bytes that decompress to less than a page, or to more.
static void test_page_size(void **state)
{
	(void)state;
	enum { ZLIB = 1, UNKNOWN = 0x40 };
	static const uint8_t text[2 * PAGE];
	uint8_t data[PAGE], page[PAGE];
	for (size_t size = PAGE / 2; size <= 2 * PAGE; size += PAGE / 2) {
		uLongf compressed = sizeof(data);
		assert_int_equal(compress(data, &compressed, text, size), Z_OK);
		struct gg_error *err = gg_kdump_page_decompress(ZLIB, data, compressed, page, PAGE);
		assert_true(size == PAGE ? !err : err && gg_error_kind(err) == GG_BAD_DATA);
		gg_error_destroy(err);
	}
	assert_error(gg_kdump_page_decompress(0, data, 100, page, PAGE), GG_BAD_DATA,
		     "its 100 bytes are no page by raw");
	assert_error(gg_kdump_page_decompress(UNKNOWN, data, 100, page, PAGE), GG_BAD_DATA,
		     "its compression, 0x40, is unknown");
}

static void test_huge_numbers(void **state)
{
	(void)state;
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_ELF, .pages = pages };
	struct gg_buffer image = { 0 };
	vmcore_image_make(&vmcore, &image);
	Elf64_Phdr *phdrs = (Elf64_Phdr *)(image.bytes + sizeof(Elf64_Ehdr));
	phdrs[0].p_filesz = UINT64_MAX;
	assert_error(open_image(&image), GG_BAD_DATA, "its notes have 18446744073709551615 bytes");
	close_file();
	phdrs[0].p_filesz = 24;
	// Memory that wraps around, and memory without a physical address.
	phdrs[1].p_memsz = UINT64_MAX;
	phdrs[1].p_paddr = 2;
	phdrs[2].p_paddr = UINT64_MAX;
	struct gg_error *err = open_image(&image);
	gg_buffer_deinit(&image);
	assert_success(err);
	check_extent(0, 5 * PAGE, GG_VMCORE_NO_MEMORY);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_HELD);
}

// ---- What the header of a kdump says ----

static struct gg_error *open_changed(size_t at, uint8_t value)
{
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_KDUMP, .pages = pages };
	struct gg_buffer image = { 0 };
	vmcore_image_make(&vmcore, &image);
	image.bytes[at] = value;
	struct gg_error *err = open_image(&image);
	gg_buffer_deinit(&image);
	return err;
}

static void test_split(void **state)
{
	(void)state;
	enum { SPLIT = PAGE + 12 };
	assert_error(open_changed(SPLIT, 1), GG_UNSUPPORTED, "makedumpfile --reassemble");
}

// The writer ran out of room: the offset of a page without data is 0.
static void test_incomplete(void **state)
{
	(void)state;
	enum { STATUS = 424, INCOMPLETE = 8, SECOND = 4 * PAGE + 24 };
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_KDUMP, .pages = pages };
	struct gg_buffer image = { 0 };
	vmcore_image_make(&vmcore, &image);
	image.bytes[STATUS] |= INCOMPLETE;
	memset(image.bytes + SECOND, 0, 8);
	struct gg_error *err = open_image(&image);
	gg_buffer_deinit(&image);
	assert_success(err);
	assert_true(file->incomplete);
	assert_false(file->cut_off);
	check_extent(0, PAGE, GG_VMCORE_HELD);
	check_extent(PAGE, PAGE, GG_VMCORE_CUT_OFF);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_HELD);
	uint8_t byte;
	assert_error(gg_vmcore_file_read(file, PAGE, &byte, 1), GG_ABSENT,
		     "lost: the writer of the file ran out of room");
}

// ---- Two headers for one piece of memory ----

// A header for page 1 again, as for a kernel's image, and a header that goes on behind page 5.
static void test_overlap(void **state)
{
	(void)state;
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_ELF, .pages = "HH...H." };
	struct gg_buffer image = { 0 };
	vmcore_image_make(&vmcore, &image);
	Elf64_Phdr *phdrs = (Elf64_Phdr *)(image.bytes + sizeof(Elf64_Ehdr));
	((Elf64_Ehdr *)image.bytes)->e_phnum = 5;
	phdrs[3] = phdrs[1];
	phdrs[3].p_paddr = PAGE;
	phdrs[3].p_filesz = phdrs[3].p_memsz = PAGE;
	phdrs[3].p_vaddr = 0xffffffff81000000;
	phdrs[4] = phdrs[2];
	phdrs[4].p_filesz = phdrs[4].p_memsz = 2 * PAGE;
	phdrs[2].p_filesz = phdrs[2].p_memsz = PAGE;
	gg_buffer_zeros(&image, PAGE);
	struct gg_error *err = open_image(&image);
	gg_buffer_deinit(&image);
	assert_success(err);
	check_extent(0, 2 * PAGE, GG_VMCORE_HELD);
	check_extent(5 * PAGE, PAGE, GG_VMCORE_HELD);
	check_extent(6 * PAGE, PAGE, GG_VMCORE_HELD);
	check_extent(7 * PAGE, 64 * PAGE, GG_VMCORE_NO_MEMORY);
}

// The header that comes first in memory lacks what the other has.
static void test_overlap_held(void **state)
{
	(void)state;
	uint8_t byte;
	const struct vmcore_image vmcore = { .format = VMCORE_IMAGE_ELF, .pages = "XXXX.H" };
	struct gg_buffer image = { 0 };
	vmcore_image_make(&vmcore, &image);
	Elf64_Phdr *phdrs = (Elf64_Phdr *)(image.bytes + sizeof(Elf64_Ehdr));
	phdrs[2].p_paddr = PAGE;
	struct gg_error *err = open_image(&image);
	gg_buffer_deinit(&image);
	assert_success(err);
	check_extent(0, PAGE, GG_VMCORE_EXCLUDED);
	check_extent(PAGE, PAGE, GG_VMCORE_HELD);
	check_extent(2 * PAGE, 2 * PAGE, GG_VMCORE_EXCLUDED);
	assert_success(gg_vmcore_file_read(file, PAGE, &byte, 1));
	assert_int_equal(byte, 6);
}

// ---- Other files ----

static void test_other_files(void **state)
{
	(void)state;
	static uint8_t text[64] = "not a vmcore";
	assert_error(open_image(&(struct gg_buffer){ .bytes = text, .size = sizeof(text) }),
		     GG_BAD_DATA, "neither an ELF file nor a compressed kdump");
	close_file();
	assert_error(open_image(&(struct gg_buffer){ .bytes = text, .size = 3 }), GG_BAD_DATA,
		     "the file ends at offset 3");
	assert_error(gg_vmcore_file_open("/nonexistent", &file), GG_SYSTEM, "No such file");
	assert_error(gg_vmcore_file_open("/", &file), GG_BAD_DATA, "not a regular file");
}

static void test_other_formats(void **state)
{
	(void)state;
	static const struct {
		const char *start, *message;
	} formats[] = {
		{ "\x28\xb5\x2f\xfd", "compressed by zstd; unpack it with \"zstd -d --sparse\"" },
		{ "\x04\x22\x4d\x18", "compressed by lz4" },
		{ "\xfd\x37zXZ", "compressed by xz" },
		{ "\x1f\x8b\x08", "compressed by gzip" },
		{ "BZh9", "compressed by bzip2" },
		{ "LibvirtQemudSave", "a guest that libvirt saved" },
		{ "LibvirtQemudPart", "a guest that libvirt saved" },
		{ "QEVM", "a migration stream of QEMU" },
		{ "QFI\xfb", "a qcow2 image" },
		{ "PAGEDU64", "a crash dump of Windows" },
		{ "PAGEDUMP", "a crash dump of Windows" },
		{ "EMiL", "LiME's format" },
		{ "\xd0\xbe\xd2\xbe", "VMware's" },
		{ "\xd2\xbe\xd2\xbe", "VMware's" },
		{ "\xa8\x19\x01\x73\x61\x8f\x23\xfd", "\"zgetdump -f elf\"" },
	};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		uint8_t bytes[64] = { 0 };
		memcpy(bytes, formats[i].start, strlen(formats[i].start));
		assert_error(
			open_image(&(struct gg_buffer){ .bytes = bytes, .size = sizeof(bytes) }),
			GG_BAD_DATA, formats[i].message);
		close_file();
	}
}

static void test_fifo(void **state)
{
	(void)state;
	char path[] = "/tmp/gdb-guest-unit-XXXXXX";
	assert_non_null(mkdtemp(path));
	char fifo[sizeof(path) + 8];
	snprintf(fifo, sizeof(fifo), "%s/fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	struct gg_error *err = gg_vmcore_file_open(fifo, &file);
	const bool is_kdump = gg_vmcore_file_is_kdump(fifo);
	unlink(fifo);
	rmdir(path);
	assert_error(err, GG_BAD_DATA, "not a regular file");
	assert_false(is_kdump);
}

#define TEST(sentence, function) UNIT_TEST_WITH(NULL, end_test, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("An ELF vmcore's pages and notes are read", test_elf),
		TEST("A compressed kdump's pages and notes are read", test_kdump),
		TEST("A kdump's pages are read raw, by zlib, lzo, snappy and zstd, mixed",
		     test_codecs),
		TEST("A kdump with the headers of i386 is read, with its notes and level",
		     test_kdump_32),
		TEST("A flattened kdump whose header names no kernel, as QEMU's, is read",
		     test_kdump_of_qemu),
		TEST("What makedumpfile left out is named with the dump level", test_level),
		TEST("A flattened kdump is read, of two pieces for one offset the later",
		     test_flattened),
		TEST("A compressed kdump is told by its first bytes", test_kdump_signature),
		TEST("An ELF vmcore that is cut off says what is lost", test_cut_off),
		TEST("A kdump that is cut off says what is lost, and shows no zeros",
		     test_kdump_cut_off),
		TEST("A flattened kdump that is cut off has the pages before its end",
		     test_flattened_cut_off),
		TEST("A flattened kdump whose header was at its lost end is an error",
		     test_flattened_header_lost),
		TEST("A vmcore cut off anywhere is refused, or lacks memory, in one line",
		     test_all_sizes),
		TEST("A vmcore with any header byte damaged is refused or read, never crashes",
		     test_damage),
		TEST("A page whose compressed bytes are damaged is absent, the others are read",
		     test_damaged_page),
		TEST("A page of another size, or by another codec, is damaged", test_page_size),
		TEST("Numbers in an ELF vmcore's headers are bounded", test_huge_numbers),
		TEST("A part of a vmcore by makedumpfile --split is refused", test_split),
		TEST("A kdump whose writer ran out of room says which pages are lost",
		     test_incomplete),
		TEST("Two headers may have the same memory", test_overlap),
		TEST("Of two headers for the same memory the one with bytes counts",
		     test_overlap_held),
		TEST("A file of another known format is named", test_other_formats),
		TEST("A file that is no vmcore is an error", test_other_files),
		TEST("A FIFO in place of a vmcore is an error, and nothing waits for it",
		     test_fifo),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
