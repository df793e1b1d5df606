// SPDX-License-Identifier: GPL-3.0-or-later
//
// Compressed kdumps as they are written, read by the reader of files/.
#include "unit.h"

#include "files/vmcore-file.h"
#include "vmcore/kdump-writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	PAGES = 300,
	HOLE = 100, // the pages from here to
	HOLE_END = 150,
	ODD = 1000, // bytes behind a page's start, where a file's hole may start and end
	GAP = 200,  // no memory
	GAP_END = 220,
	EXCLUDED = 7, // and each EXCLUDED-th page that follows
	BASE = 0x10000000,
};

static uint8_t memory[PAGES * PAGE];
static size_t odd; // bytes from a page's start to the hole

// ---- A guest ----

static struct gg_error *find_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				    bool holes, struct gg_extent *ret)
{
	(void)backing;
	(void)holes;
	const uint64_t at = hva - BASE, start = HOLE * PAGE + odd, stop = HOLE_END * PAGE + odd;
	const bool hole = at >= start && at < stop;
	const uint64_t most = (at < start ? start : hole ? stop : sizeof(memory)) - at;
	*ret = (struct gg_extent){ .size = most < size ? most : size,
				   .kind = hole ? GG_EXTENT_HOLE : GG_EXTENT_DATA };
	return NULL;
}

static struct gg_error *read_memory(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				    size_t size)
{
	(void)backing;
	memcpy(buffer, memory + (hva - BASE), size);
	return NULL;
}

static const struct gg_backing_ops ops = { .extent = find_extent,
					   .read = read_memory,
					   .thread_safe = true };

static struct gg_error *go_on(void *data, size_t job, uint64_t done, uint64_t written)
{
	(void)data;
	(void)job;
	(void)written;
	assert_true(done <= sizeof(memory));
	return NULL;
}

// ---- A kdump of it ----

static const struct gg_arch arch_64 = { .name = "x86_64", .word = 8 };
static const struct gg_arch arch_32 = { .name = "i386", .word = 4 };
static const struct gg_arch arch_big = { .name = "s390x", .word = 8, .big_endian = true };

struct made {
	const struct gg_arch *arch;
	const char *codec;
	bool small, flattened;
	unsigned int threads;
};

static const struct gg_codec *find_codec(const char *name)
{
	const struct gg_codec *codec = gg_codecs;
	while (strcmp(codec->name, name))
		codec++;
	return codec;
}

static void append_note(struct gg_buffer *notes)
{
	const char text[8] = "KEY=7\n\0";
	gg_buffer_uint(notes, 4, 11);
	gg_buffer_uint(notes, 4, 6);
	gg_buffer_uint(notes, 4, 0);
	gg_buffer_append(notes, "VMCOREINFO\0", 12);
	gg_buffer_append(notes, text, 8);
}

static void write_kdump(const struct made *made, const struct gg_page_set *excluded,
			const char *path)
{
	const struct gg_job jobs[] = { { 0, BASE, GAP * PAGE, 0 },
				       { GAP_END * PAGE, BASE + GAP_END * PAGE,
					 (PAGES - GAP_END) * PAGE, 0 } };
	const struct gg_kdump_range ranges[] = { { 0, GAP * PAGE },
						 { GAP_END * PAGE, (PAGES - GAP_END) * PAGE } };
	struct gg_buffer notes = { .big_endian = made->arch->big_endian };
	append_note(&notes);
	struct gg_kdump kdump = { .arch = made->arch,
				  .notes = &notes,
				  .vmcoreinfo = 24,
				  .vmcoreinfo_size = 6,
				  .uts = { "Linux", "guest", "6.1", "#1", made->arch->name, NULL },
				  .page_size = PAGE,
				  .codec_flag = find_codec(made->codec)->flag,
				  .dump_level = 31,
				  .cpus = 1,
				  .pages = PAGES };
	struct gg_backing backing = { .ops = &ops, .name = "the test" };
	struct gg_kdump_writer writer = { .kdump = &kdump,
					  .codec = find_codec(made->codec),
					  .small = made->small,
					  .flattened = made->flattened,
					  .threads = made->threads,
					  .backing = &backing,
					  .jobs = jobs,
					  .count = 2,
					  .excluded = excluded,
					  .memory = ranges,
					  .memory_count = 2,
					  .progress = go_on };
	assert_success(gg_output_create(path, false, (const char *[]){ NULL }, &writer.output));
	assert_success(gg_kdump_write(&writer));
	assert_success(gg_output_commit(writer.output, writer.file_size));
	gg_output_destroy(writer.output);
	gg_buffer_deinit(&notes);
}

static enum gg_vmcore_kind expected_kind(uint64_t page)
{
	if (page >= GAP && page < GAP_END)
		return GG_VMCORE_NO_MEMORY;
	return page % EXCLUDED ? GG_VMCORE_HELD : GG_VMCORE_EXCLUDED;
}

static void check_file(const struct made *made, const char *path)
{
	struct gg_vmcore_file *file;
	assert_success(gg_vmcore_file_open(path, &file));
	assert_string_equal(file->machine_name, made->arch->name);
	assert_int_equal(file->big_endian, made->arch->big_endian);
	assert_int_equal(file->address_size, made->arch->word);
	assert_int_equal(file->dump_level, 31);
	assert_int_equal(file->notes.size, 32);
	assert_false(file->cut_off);
	for (uint64_t page = 0; page < PAGES; page++) {
		uint8_t bytes[PAGE];
		struct gg_vmcore_extent extent;
		assert_success(gg_vmcore_file_extent(file, page * PAGE, PAGE, &extent));
		assert_int_equal(extent.kind, expected_kind(page));
		if (extent.kind != GG_VMCORE_HELD)
			continue;
		assert_success(gg_vmcore_file_read(file, page * PAGE, bytes, PAGE));
		assert_memory_equal(bytes, memory + page * PAGE, PAGE);
	}
	gg_vmcore_file_close(file);
}

// Returns the size of the file.
static uint64_t check(struct made made)
{
	struct stat status;
	char folder[] = "/tmp/gdb-guest-XXXXXX", path[sizeof(folder) + 2];
	struct gg_page_set excluded;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x", folder);
	assert_success(gg_page_set_init(&excluded, PAGES));
	for (uint64_t page = 0; page < PAGES; page += EXCLUDED)
		assert_success(gg_page_set_add(&excluded, page, 1));
	write_kdump(&made, &excluded, path);
	check_file(&made, path);
	assert_int_equal(stat(path, &status), 0);
	gg_page_set_deinit(&excluded);
	unlink(path);
	rmdir(folder);
	return (uint64_t)status.st_size;
}

static void test_codecs(void **state)
{
	(void)state;
	for (const struct gg_codec *codec = gg_codecs; codec->name; codec++) {
		check((struct made){ &arch_64, codec->name, .threads = 1 });
		check((struct made){ &arch_64, codec->name, .threads = 3 });
		if (codec->can_be_small)
			check((struct made){ &arch_64, codec->name, .small = true });
	}
}

static void test_odd_hole(void **state)
{
	(void)state;
	uint8_t *start = memory + HOLE * PAGE, *end = memory + HOLE_END * PAGE, kept[ODD];
	memcpy(kept, end, ODD);
	memset(start, 1, ODD);
	memset(end, 0, ODD);
	odd = ODD;
	check((struct made){ &arch_64, "kdump-zlib", .threads = 1 });
	check((struct made){ &arch_64, "kdump-zlib", .threads = 3 });
	odd = 0;
	memset(start, 0, ODD);
	memcpy(end, kept, ODD);
}

static void test_headers(void **state)
{
	(void)state;
	check((struct made){ &arch_32, "kdump-zlib", .threads = 2 });
	check((struct made){ &arch_big, "kdump-zlib", .threads = 2 });
}

static void test_flattened(void **state)
{
	(void)state;
	check((struct made){ &arch_64, "kdump-lzo", .flattened = true, .threads = 2 });
}

static void test_limits(void **state)
{
	(void)state;
	const struct gg_buffer notes = { 0 };
	struct gg_kdump kdump = {
		.arch = &arch_64, .notes = &notes, .page_size = PAGE, .pages = UINT64_MAX / PAGE
	};
	assert_error(gg_kdump_lay_out(&kdump), GG_UNSUPPORTED, "more than a kdump can number");
	kdump.pages = 1;
	kdump.page_size = 1 << 20;
	assert_error(gg_kdump_lay_out(&kdump), GG_UNSUPPORTED, "pages of 1048576 bytes");
}

static void test_same_bytes(void **state)
{
	(void)state;
	enum { FIRST = 231, END = 239, COUNT = 6 }; // FIRST and the last are excluded
	const struct made made = { &arch_64, "kdump-raw", .threads = 1 };
	uint8_t kept[(END - FIRST) * PAGE], *pages = memory + FIRST * PAGE;
	memcpy(kept, pages, sizeof(kept));
	memset(pages, 0xcc, sizeof(kept));
	const uint64_t size = check(made);
	for (size_t page = 0; page < END - FIRST; page++)
		pages[page * PAGE + PAGE - 1] = (uint8_t)page;
	assert_int_equal(check(made), size + (COUNT - 1) * PAGE);
	memcpy(pages, kept, sizeof(kept));
}

static void test_hopeless(void **state)
{
	(void)state;
	uint8_t page[PAGE];
	for (size_t i = 0; i < PAGE; i++)
		page[i] = (uint8_t)random();
	assert_true(gg_codec_is_hopeless(page, PAGE));
	memset(page, 0, PAGE / 2);
	assert_false(gg_codec_is_hopeless(page, PAGE));
}

// Fills the pages from FIRST up to END with structures as struct page, of which a few members differ.
static void fill_with_structures(size_t first, size_t end)
{
	enum { STRUCTURE = 64 };
	uint64_t words[STRUCTURE / 8] = { 0x17ffffc0000000, 0, 0, 0, 0, 0, 0xffffffff };
	for (size_t at = first * PAGE; at < end * PAGE; at += STRUCTURE) {
		words[1] = words[2] = 0xffffea0000000008 + (at & 0xffffc0);
		words[4] = random() % 8 ? 0 : (uint64_t)random();
		memcpy(memory + at, words, STRUCTURE);
	}
}

static void test_structures(void **state)
{
	(void)state;
	enum { FIRST = 232, END = 238 }; // no page is excluded
	const struct made made = { &arch_64, "kdump-zlib", .threads = 1 };
	uint8_t kept[(END - FIRST) * PAGE], *pages = memory + FIRST * PAGE;
	memcpy(kept, pages, sizeof(kept));
	memset(pages, 0, sizeof(kept));
	const uint64_t size = check(made);
	fill_with_structures(FIRST, END);
	const uint64_t added = check(made) - size;
	assert_in_range(added, 1, (END - FIRST) * PAGE / 4);
	memcpy(pages, kept, sizeof(kept));
}

// Pages of text, of random bytes, of zeros.
static void fill_memory(void)
{
	srandom(1);
	for (size_t page = 0; page < PAGES; page++) {
		for (size_t i = 0; i < PAGE && page % 3; i++)
			memory[page * PAGE + i] = page % 3 == 1 ? (uint8_t)random()
								: "0123456789abcdef"[random() % 16];
	}
	memset(memory + HOLE * PAGE, 0, (HOLE_END - HOLE) * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("each codec's kdump has every page, by one thread and by three; pages "
			  "that are excluded or no memory are named so",
			  test_codecs),
		UNIT_TEST(
			"a page that is a hole in part, as in a sparse copy of QEMU's own dump, is "
			"whole in a kdump",
			test_odd_hole),
		UNIT_TEST("the headers of a kernel of 32 bits, and of a big-endian kernel, are "
			  "read as they were written",
			  test_headers),
		UNIT_TEST("a flattened kdump has every page", test_flattened),
		UNIT_TEST("a page size and a number of pages that a kdump cannot have are refused",
			  test_limits),
		UNIT_TEST(
			"pages in a row with the same bytes share the bytes in the file, and pages "
			"that differ at their end do not",
			test_same_bytes),
		UNIT_TEST("pages of an array of structures take less than a quarter of their size",
			  test_structures),
		UNIT_TEST("random bytes are not worth a codec's time, half a page of zeros is",
			  test_hopeless),
	};
	fill_memory();
	return cmocka_run_group_tests_name("kdump", tests, NULL, NULL);
}
