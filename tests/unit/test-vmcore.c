// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "fake-qemu.h"

#include "../../gdb-ext/vmcore/elf.h"
#include "../../gdb-ext/vmcore/output.h"

#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct gg_arch gg_arch_x86_64;

static char folder[] = "/tmp/test-vmcore-XXXXXX";
static char path[sizeof(folder) + 8];
static const char *const nothing_protected[] = { NULL };

static size_t files_in_folder(void)
{
	char command[64];
	snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	FILE *count = popen(command, "r");
	size_t files;
	assert_int_equal(fscanf(count, "%zu", &files), 1);
	pclose(count);
	return files;
}

static int empty_folder(void **state)
{
	(void)state;
	char command[64];
	snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", folder, folder);
	return system(command);
}

static size_t read_file(const char *name, uint8_t *buffer, size_t size)
{
	int fd = open(name, O_RDONLY);
	assert_true(fd >= 0);
	ssize_t got = read(fd, buffer, size);
	close(fd);
	return (size_t)got;
}

static void test_headers(void **state)
{
	(void)state;
	struct gg_vmcore_segment segments[] = { { .address = 0, .size = 0xa0000 },
						{ .address = 0x100000, .size = 0x1001 },
						{ .address = 0x100000000, .size = 0x1000 } };
	struct gg_vmcore_elf elf = { &gg_arch_x86_64, segments, 3 };
	void *headers;
	size_t size;
	uint64_t file_size;
	assert_success(gg_vmcore_elf_encode(&elf, &headers, &size, &file_size));
	const Elf64_Ehdr *ehdr = headers;
	const Elf64_Phdr *phdr = (const void *)(ehdr + 1);
	assert_int_equal(size, sizeof(*ehdr) + 3 * sizeof(*phdr));
	assert_int_equal(ehdr->e_ehsize, sizeof(*ehdr));
	assert_int_equal(ehdr->e_type, ET_CORE);
	assert_int_equal(ehdr->e_machine, EM_X86_64);
	assert_int_equal(ehdr->e_phnum, 3);
	assert_int_equal(ehdr->e_shnum, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(phdr[i].p_type, PT_LOAD);
		assert_int_equal(phdr[i].p_offset % 4096, 0);
		assert_int_equal(phdr[i].p_offset, segments[i].offset);
		assert_int_equal(phdr[i].p_paddr, segments[i].address);
		assert_int_equal(phdr[i].p_filesz, segments[i].size);
		assert_int_equal(phdr[i].p_memsz, segments[i].size);
	}
	assert_int_equal(phdr[0].p_offset, 0x1000);
	assert_int_equal(phdr[2].p_offset, 0xa1000 + 0x2000);
	assert_int_equal(file_size, 0xa1000 + 0x3000);
	free(headers);
}

static void test_many_segments(void **state)
{
	(void)state;
	enum { COUNT = 70000 };
	static struct gg_vmcore_segment segments[COUNT];
	for (size_t count = PN_XNUM - 1; count <= COUNT; count += COUNT - PN_XNUM + 1) {
		for (size_t i = 0; i < count; i++)
			segments[i] = (struct gg_vmcore_segment){ .address = i << 20, .size = 1 };
		struct gg_vmcore_elf elf = { &gg_arch_x86_64, segments, count };
		void *headers;
		size_t size;
		uint64_t file_size;
		assert_success(gg_vmcore_elf_encode(&elf, &headers, &size, &file_size));
		const Elf64_Ehdr *ehdr = headers;
		if (count < PN_XNUM) {
			assert_int_equal(ehdr->e_phnum, count);
			assert_int_equal(ehdr->e_shoff, 0);
		} else {
			const Elf64_Shdr *shdr = (const void *)((char *)headers + ehdr->e_shoff);
			assert_int_equal(ehdr->e_phnum, PN_XNUM);
			assert_int_equal(ehdr->e_shnum, 2);
			assert_int_equal(shdr->sh_info, count);
			assert_int_equal(size, ehdr->e_shoff + 2 * sizeof(*shdr));
			const Elf64_Phdr *last = (const Elf64_Phdr *)(ehdr + 1) + count - 1;
			assert_int_equal(last->p_paddr, (count - 1) << 20);
			assert_int_equal(segments[0].offset, (size + 4095) / 4096 * 4096);
		}
		free(headers);
	}
}

static void test_too_large(void **state)
{
	(void)state;
	struct gg_vmcore_segment segments[] = { { .address = 0, .size = INT64_MAX } };
	struct gg_vmcore_elf elf = { &gg_arch_x86_64, segments, 1 };
	void *headers;
	size_t size;
	uint64_t file_size;
	assert_error(gg_vmcore_elf_encode(&elf, &headers, &size, &file_size), GG_BAD_DATA,
		     "larger than 2^63");
}

static void test_whole_or_nothing(void **state)
{
	(void)state;
	struct gg_output *output;
	assert_success(gg_output_create(path, false, nothing_protected, &output));
	assert_success(gg_output_write(output, 0, "abc", 3));
	assert_int_equal(access(path, F_OK), -1);
	gg_output_destroy(output);
	assert_int_equal(files_in_folder(), 0);

	assert_success(gg_output_create(path, false, nothing_protected, &output));
	assert_success(gg_output_write(output, 3, "abc", 3));
	assert_success(gg_output_commit(output, 8));
	gg_output_destroy(output);
	assert_int_equal(files_in_folder(), 1);
	uint8_t bytes[16];
	assert_int_equal(read_file(path, bytes, sizeof(bytes)), 8);
	assert_memory_equal(bytes, "\0\0\0abc\0\0", 8);
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_existing(void **state)
{
	(void)state;
	struct gg_output *output;
	char link_path[sizeof(path) + 8];
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_error(gg_output_create(path, false, nothing_protected, &output), GG_INVALID,
		     "-force replaces it");
	assert_error(gg_output_create(folder, true, nothing_protected, &output), GG_INVALID,
		     "it is a folder");
	assert_error(gg_output_create("-", true, nothing_protected, &output), GG_INVALID,
		     "standard output");
	assert_error(gg_output_create("", true, nothing_protected, &output), GG_INVALID, "empty");

	const char *const protected[] = { "/nonexistent", path, NULL };
	snprintf(link_path, sizeof(link_path), "%s/hard", folder);
	assert_int_equal(link(path, link_path), 0);
	assert_error(gg_output_create(link_path, true, protected, &output), GG_INVALID,
		     "which is being looked at");
	snprintf(link_path, sizeof(link_path), "%s/soft", folder);
	assert_int_equal(symlink(path, link_path), 0);
	assert_error(gg_output_create(link_path, true, protected, &output), GG_INVALID,
		     "which is being looked at");

	// A link's target is replaced, not the link.
	assert_success(gg_output_create(link_path, true, nothing_protected, &output));
	assert_success(gg_output_write(output, 0, "new", 3));
	assert_success(gg_output_commit(output, 3));
	gg_output_destroy(output);
	struct stat status;
	assert_int_equal(lstat(link_path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	uint8_t bytes[4];
	assert_int_equal(read_file(path, bytes, sizeof(bytes)), 3);
}

static void test_taken_meanwhile(void **state)
{
	(void)state;
	struct gg_output *output;
	assert_success(gg_output_create(path, false, nothing_protected, &output));
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "theirs", 6), 6);
	close(fd);
	assert_error(gg_output_commit(output, 0), GG_SYSTEM, "File exists");
	gg_output_destroy(output);
	uint8_t bytes[8];
	assert_int_equal(read_file(path, bytes, sizeof(bytes)), 6);
	assert_int_equal(files_in_folder(), 1);
}

static uint8_t through_fifo[16384];
static size_t fifo_size;

static void *read_fifo(void *argument)
{
	FILE *fifo = fopen(path, "r");
	fifo_size = fread(through_fifo, 1, sizeof(through_fifo), fifo);
	fclose(fifo);
	return argument;
}

static void test_fifo(void **state)
{
	(void)state;
	pthread_t reader;
	struct gg_output *output;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_fifo, NULL), 0);
	assert_success(gg_output_create(path, false, nothing_protected, &output));
	assert_success(gg_output_write(output, 0, "abc", 3));
	assert_success(gg_output_write(output, 9000, "def", 3));
	assert_success(gg_output_commit(output, 10000));
	gg_output_destroy(output);
	pthread_join(reader, NULL);
	assert_int_equal(fifo_size, 10000);
	assert_memory_equal(through_fifo, "abc\0", 4);
	assert_memory_equal(through_fifo + 8999, "\0def\0", 5);
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
}

static unsigned int progress_calls;

static struct gg_error *count_progress(void *data, const struct gg_dump_progress *progress)
{
	(void)data;
	assert_true(progress->done <= progress->total);
	assert_non_null(progress->range);
	progress_calls++;
	return NULL;
}

static struct gg_error *refuse_progress(void *data, const struct gg_dump_progress *progress)
{
	(void)data;
	return progress->done ? gg_error_create(GG_INTERRUPTED, "enough") : NULL;
}

// RAM in two ranges, the second of 2 MiB with a page of zeros in the middle.
static const struct fake_range ranges[] = {
	{ 0x0, 0x3000, 0x0, FAKE_RAM, 0 },
	{ 0x100000, 0x200000, 0x0, FAKE_RAM, 1 },
};

static void fill(struct fake_qemu *qemu)
{
	fake_qemu_init(qemu, FAKE_7_2, ranges, 2);
	memset(qemu->ram[0], 'x', 0x3000);
	memset(qemu->ram[1], 'y', 0x200000);
	memset(qemu->ram[1] + 0x80000, 0, 0x2000);
	qemu->ram[1][0x83000] = 0;
}

static struct gg_error *dump(const struct fake_qemu *qemu, const struct gg_dump_options *options,
			     struct gg_dump_result *result)
{
	struct gg_guest *guest;
	assert_success(gg_guest_create(gg_bytes_host(qemu->bytes), &(struct gg_target){ .pid = 1 },
				       &guest));
	struct gg_error *err = gg_dump(guest, options, result);
	gg_guest_destroy(guest);
	return err;
}

static void test_dump(void **state)
{
	(void)state;
	struct fake_qemu qemu;
	fill(&qemu);
	struct gg_dump_result result;
	progress_calls = 0;
	assert_success(dump(&qemu,
			    &(struct gg_dump_options){ .path = path, .progress = count_progress },
			    &result));
	assert_true(progress_calls >= 2);
	assert_int_equal(result.memory_size, 0x203000);
	assert_int_equal(result.file_size, 0x1000 + 0x3000 + 0x200000);

	static uint8_t file[0x300000];
	assert_int_equal(read_file(path, file, sizeof(file)), result.file_size);
	assert_memory_equal(file + 0x1000, qemu.ram[0], 0x3000);
	assert_memory_equal(file + 0x4000, qemu.ram[1], 0x200000);
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_true((uint64_t)status.st_blocks * 512 <= result.file_size - 0x2000 + 0x1000);
	fake_qemu_deinit(&qemu);
}

static void test_dump_broken_off(void **state)
{
	(void)state;
	struct fake_qemu qemu;
	fill(&qemu);
	struct gg_dump_result result;
	assert_error(dump(&qemu,
			  &(struct gg_dump_options){ .path = path, .progress = refuse_progress },
			  &result),
		     GG_INTERRUPTED, "the range at 0x100000 (block.1): enough");
	assert_int_equal(files_in_folder(), 0);

	// The second region's RAM is not there.
	put_uint(qemu.structures + FAKE_BLOCK + FAKE_BLOCK_STRUCT_SIZE + 24, 8, 0x5000000000);
	assert_error(dump(&qemu, &(struct gg_dump_options){ .path = path }, &result), GG_FAULT,
		     "no memory at 0x5000000000");
	assert_int_equal(files_in_folder(), 0);
	fake_qemu_deinit(&qemu);

	fake_qemu_init(&qemu, FAKE_7_2, NULL, 0);
	assert_error(dump(&qemu, &(struct gg_dump_options){ .path = path }, &result), GG_NOT_FOUND,
		     "the guest has no RAM");
	fake_qemu_deinit(&qemu);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/vmcore", folder);
	struct CMUnitTest tests[] = {
		UNIT_TEST("the headers are right and the bytes aligned", test_headers),
		UNIT_TEST("more than 65534 segments are counted in a section header",
			  test_many_segments),
		UNIT_TEST("a file of 2^63 bytes is refused", test_too_large),
		UNIT_TEST("the file is whole under its name or not there", test_whole_or_nothing),
		UNIT_TEST("what exists is replaced only with -force, what is looked at never",
			  test_existing),
		UNIT_TEST("a file that appears meanwhile is kept", test_taken_meanwhile),
		UNIT_TEST("a FIFO gets all bytes in order", test_fifo),
		UNIT_TEST("a dump has the memory's bytes, and holes for pages of zeros", test_dump),
		UNIT_TEST("a dump that is broken off leaves no file", test_dump_broken_off),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tests[i].setup_func = empty_folder;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	empty_folder(NULL);
	rmdir(folder);
	return failed;
}
