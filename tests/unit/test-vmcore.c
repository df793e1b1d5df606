// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"
#include "printed.h"
#include "fake-qemu.h"

#include "vmcore/format-elf.h"
#include "base/output.h"

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

static const struct gg_buffer no_notes;

static void encode(struct gg_vmcore_elf *elf, void **headers, size_t *size, uint64_t *file_size)
{
	assert_success(gg_vmcore_elf_lay_out(elf, file_size));
	assert_success(gg_vmcore_elf_encode(elf, headers, size));
}

static void test_headers(void **state)
{
	(void)state;
	struct gg_vmcore_segment segments[] = { { .gpa = 0, .size = 0xa0000 },
						{ .gpa = 0x100000, .gva = 7, .size = 0x1001 },
						{ .gpa = 0x100000000, .size = 0x1000 } };
	struct gg_buffer notes = { .bytes = (uint8_t *)"some notes", .size = 10 };
	struct gg_vmcore_elf elf = { .arch = &gg_arch_x86_64,
				     .notes = &notes,
				     .notes_room = notes.size,
				     .segments = segments,
				     .count = 3 };
	void *headers;
	size_t size;
	uint64_t file_size;
	encode(&elf, &headers, &size, &file_size);
	const Elf64_Ehdr *ehdr = headers;
	const Elf64_Phdr *phdr = (const void *)(ehdr + 1);
	assert_int_equal(ehdr->e_ehsize, sizeof(*ehdr));
	assert_int_equal(ehdr->e_type, ET_CORE);
	assert_int_equal(ehdr->e_machine, EM_X86_64);
	assert_int_equal(ehdr->e_phnum, 4);
	assert_int_equal(ehdr->e_shnum, 0);
	assert_int_equal(phdr[0].p_type, PT_NOTE);
	assert_int_equal(phdr[0].p_filesz, notes.size);
	assert_int_equal(phdr[0].p_offset + notes.size, size);
	assert_memory_equal((char *)headers + phdr[0].p_offset, notes.bytes, notes.size);
	uint64_t end = size;
	for (int i = 0; i < 3; i++) {
		const Elf64_Phdr *load = &phdr[1 + i];
		assert_int_equal(load->p_type, PT_LOAD);
		assert_int_equal(load->p_offset % 4096, 0);
		assert_true(load->p_offset >= end);
		assert_int_equal(load->p_offset, segments[i].offset);
		assert_int_equal(load->p_paddr, segments[i].gpa);
		assert_int_equal(load->p_vaddr, segments[i].gva);
		assert_int_equal(load->p_filesz, segments[i].size);
		assert_int_equal(load->p_memsz, segments[i].size);
		end = load->p_offset + load->p_filesz;
	}
	assert_int_equal(file_size, end);
	free(headers);
}

static void test_added_later(void **state)
{
	(void)state;
	struct gg_vmcore_segment segments[] = { { .gpa = 0, .size = 0x10000 } };
	struct gg_buffer notes = { .size = 0 };
	struct gg_vmcore_elf elf = {
		.arch = &gg_arch_x86_64, .notes = &notes, .segments = segments, .count = 1
	};
	static uint8_t bytes[65536 + 24];
	void *headers;
	size_t size;
	uint64_t file_size;
	assert_success(gg_vmcore_elf_lay_out(&elf, &file_size));
	notes = (struct gg_buffer){ .bytes = bytes, .size = sizeof(bytes) };
	elf.image = (struct gg_vmcore_segment){ .gpa = 0x1000,
						.gva = 0xffffffff81000000,
						.size = 0x2000,
						.offset = segments[0].offset + 0x1000 };
	assert_success(gg_vmcore_elf_encode(&elf, &headers, &size));
	assert_true(size <= segments[0].offset);
	const Elf64_Ehdr *ehdr = headers;
	const Elf64_Phdr *phdr = (const void *)(ehdr + 1);
	assert_int_equal(ehdr->e_phnum, 3);
	assert_int_equal(phdr[1].p_vaddr, 0xffffffff81000000);
	assert_int_equal(phdr[1].p_paddr, 0x1000);
	assert_int_equal(phdr[1].p_offset, phdr[2].p_offset + 0x1000);
	free(headers);
}

static void test_aliases(void **state)
{
	(void)state;
	struct gg_vmcore_segment segments[] = { { .gpa = 0, .size = 0x10000 } };
	struct gg_vmcore_segment alias = { .gpa = 0x3000, .gva = 0xc9000000, .size = 0x2000 };
	struct gg_vmcore_elf elf = { .arch = &gg_arch_x86_64,
				     .notes = &no_notes,
				     .segments = segments,
				     .count = 1,
				     .alias_room = 10 };
	void *headers;
	size_t size;
	uint64_t file_size;
	assert_success(gg_vmcore_elf_lay_out(&elf, &file_size));
	alias.offset = segments[0].offset + 0x3000;
	elf.aliases = &alias;
	elf.alias_count = 1;
	assert_success(gg_vmcore_elf_encode(&elf, &headers, &size));
	assert_true(size <= segments[0].offset);
	const Elf64_Ehdr *ehdr = headers;
	const Elf64_Phdr *phdr = (const void *)(ehdr + 1);
	assert_int_equal(ehdr->e_phnum, 2);
	assert_int_equal(phdr[0].p_filesz, 0x10000);
	assert_int_equal(phdr[1].p_paddr, 0x3000);
	assert_int_equal(phdr[1].p_vaddr, 0xc9000000);
	assert_int_equal(phdr[1].p_offset, phdr[0].p_offset + 0x3000);
	free(headers);
}

static void test_alias_room(void **state)
{
	(void)state;
	enum { COUNT = 65000 };
	static struct gg_vmcore_segment segments[COUNT];
	struct gg_vmcore_elf elf = { .arch = &gg_arch_x86_64,
				     .notes = &no_notes,
				     .segments = segments,
				     .count = COUNT,
				     .alias_room = GG_VMCORE_MAX_ALIASES };
	uint64_t file_size;
	for (size_t i = 0; i < COUNT; i++)
		segments[i] = (struct gg_vmcore_segment){ .gpa = i << 20, .size = 1 };
	assert_success(gg_vmcore_elf_lay_out(&elf, &file_size));
	assert_int_equal(elf.alias_room, PN_XNUM - 1 - COUNT - 2);
}

static void test_many_segments(void **state)
{
	(void)state;
	enum { COUNT = 70000 };
	static struct gg_vmcore_segment segments[COUNT];
	for (size_t count = PN_XNUM - 1; count <= COUNT; count += COUNT - PN_XNUM + 1) {
		for (size_t i = 0; i < count; i++)
			segments[i] = (struct gg_vmcore_segment){ .gpa = i << 20, .size = 1 };
		struct gg_vmcore_elf elf = { .arch = &gg_arch_x86_64,
					     .notes = &no_notes,
					     .segments = segments,
					     .count = count };
		void *headers;
		size_t size;
		uint64_t file_size;
		encode(&elf, &headers, &size, &file_size);
		const Elf64_Ehdr *ehdr = headers;
		if (count < PN_XNUM) {
			assert_int_equal(ehdr->e_phnum, count);
			assert_int_equal(ehdr->e_shoff, 0);
		} else {
			const Elf64_Shdr *shdr = (const void *)((char *)headers + ehdr->e_shoff);
			assert_int_equal(ehdr->e_phnum, PN_XNUM);
			assert_int_equal(ehdr->e_shnum, 2);
			assert_int_equal(shdr->sh_info, count);
			const Elf64_Phdr *last = (const Elf64_Phdr *)(ehdr + 1) + count - 1;
			assert_int_equal(last->p_paddr, (count - 1) << 20);
			assert_true((const void *)(last + 1) <= (const void *)shdr);
			assert_true(size <= segments[0].offset);
		}
		free(headers);
	}
}

static void test_too_large(void **state)
{
	(void)state;
	struct gg_vmcore_segment segments[] = { { .gpa = 0, .size = INT64_MAX } };
	struct gg_vmcore_elf elf = {
		.arch = &gg_arch_x86_64, .notes = &no_notes, .segments = segments, .count = 1
	};
	uint64_t file_size;
	assert_error(gg_vmcore_elf_lay_out(&elf, &file_size), GG_BAD_DATA, "larger than 2^63");
}

static void test_whole_or_nothing(void **state)
{
	(void)state;
	struct gg_output *sink;
	assert_success(gg_output_create(path, false, nothing_protected, &sink));
	assert_success(gg_output_write(sink, 0, "abc", 3));
	assert_int_equal(access(path, F_OK), -1);
	gg_output_destroy(sink);
	assert_int_equal(files_in_folder(), 0);

	assert_success(gg_output_create(path, false, nothing_protected, &sink));
	assert_success(gg_output_write(sink, 3, "abc", 3));
	assert_success(gg_output_commit(sink, 8));
	gg_output_destroy(sink);
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
	struct gg_output *sink;
	char link_path[sizeof(path) + 8];
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_error(gg_output_create(path, false, nothing_protected, &sink), GG_INVALID,
		     "-force replaces it");
	assert_error(gg_output_create(folder, true, nothing_protected, &sink), GG_INVALID,
		     "it is a folder");
	assert_error(gg_output_create("-", true, nothing_protected, &sink), GG_INVALID,
		     "standard output");
	assert_error(gg_output_create("", true, nothing_protected, &sink), GG_INVALID, "empty");

	const char *const protected[] = { "/nonexistent", path, NULL };
	snprintf(link_path, sizeof(link_path), "%s/hard", folder);
	assert_int_equal(link(path, link_path), 0);
	assert_error(gg_output_create(link_path, true, protected, &sink), GG_INVALID,
		     "which is being looked at");
	snprintf(link_path, sizeof(link_path), "%s/soft", folder);
	assert_int_equal(symlink(path, link_path), 0);
	assert_error(gg_output_create(link_path, true, protected, &sink), GG_INVALID,
		     "which is being looked at");

	// A link's target is replaced, not the link.
	assert_success(gg_output_create(link_path, true, nothing_protected, &sink));
	assert_success(gg_output_write(sink, 0, "new", 3));
	assert_success(gg_output_commit(sink, 3));
	gg_output_destroy(sink);
	struct stat status;
	assert_int_equal(lstat(link_path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	uint8_t bytes[4];
	assert_int_equal(read_file(path, bytes, sizeof(bytes)), 3);
}

static void test_taken_meanwhile(void **state)
{
	(void)state;
	struct gg_output *sink;
	assert_success(gg_output_create(path, false, nothing_protected, &sink));
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "theirs", 6), 6);
	close(fd);
	assert_error(gg_output_commit(sink, 0), GG_SYSTEM, "File exists");
	gg_output_destroy(sink);
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
	struct gg_output *sink;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_fifo, NULL), 0);
	assert_success(gg_output_create(path, false, nothing_protected, &sink));
	assert_success(gg_output_write(sink, 0, "abc", 3));
	assert_success(gg_output_write(sink, 9000, "def", 3));
	assert_success(gg_output_commit(sink, 10000));
	gg_output_destroy(sink);
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
	assert_success(
		gg_guest_create(gg_bytes_host(qemu->bytes), &(struct gg_target){ 0 }, &guest));
	struct gg_error *err = gg_dump(guest, options, result);
	gg_guest_destroy(guest);
	return err;
}

static uint8_t file[0x400000];

static const Elf64_Phdr *find_load(uint64_t gpa)
{
	const Elf64_Ehdr *ehdr = (const void *)file;
	const Elf64_Phdr *phdr = (const void *)(ehdr + 1);
	for (int i = 0; i < ehdr->e_phnum; i++)
		if (phdr[i].p_type == PT_LOAD && phdr[i].p_paddr == gpa)
			return &phdr[i];
	fail_msg("no PT_LOAD for 0x%lx", (unsigned long)gpa);
	return NULL;
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
	assert_int_equal(read_file(path, file, sizeof(file)), result.file_size);
	assert_memory_equal(file + find_load(0)->p_offset, qemu.ram[0], 0x3000);
	assert_memory_equal(file + find_load(0x100000)->p_offset, qemu.ram[1], 0x200000);
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_true((uint64_t)status.st_blocks * 512 <= 0x203000 - 0x2000 + 0x2000);
	fake_qemu_deinit(&qemu);
}

static void test_filter(void **state)
{
	(void)state;
	struct fake_qemu qemu;
	fill(&qemu);
	qemu.ram[0][0x2000] = 'z';
	struct gg_dump_result result;
	struct gg_dump_options options = {
		.path = path, .force = true, .filter = true, .begin = 0x2000, .length = 0x100000
	};
	assert_success(dump(&qemu, &options, &result));
	assert_int_equal(result.memory_size, 0x1000 + 0x2000);
	read_file(path, file, sizeof(file));
	assert_int_equal(file[find_load(0x2000)->p_offset], 'z');
	assert_int_equal(find_load(0x100000)->p_filesz, 0x2000);

	options.begin = 0x50000;
	options.length = 0x1000;
	assert_error(dump(&qemu, &options, &result), GG_NOT_FOUND, "no RAM in that range");
	options.length = 0;
	assert_error(dump(&qemu, &options, &result), GG_INVALID, "the length is 0");
	options.begin = UINT64_MAX;
	options.length = 2;
	assert_error(dump(&qemu, &options, &result), GG_INVALID, "beyond the last address");
	fake_qemu_deinit(&qemu);
}

static void test_notes(void **state)
{
	(void)state;
	struct fake_qemu qemu;
	fill(&qemu);
	struct gg_dump_result result;
	struct gg_dump_options options = { .path = path, .force = true, .notices = &to_told };
	uint8_t *cpu = qemu.structures + FAKE_CPU + FAKE_CPU_SIZE;
	put_uint(cpu + FAKE_CPU_EIP, 8, 0x1122334455667788);
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "no VMCOREINFO in the guest's RAM"));
	assert_null(strstr(told, "stale"));
	read_file(path, file, sizeof(file));
	const Elf64_Phdr *note = (const void *)(file + sizeof(Elf64_Ehdr));
	assert_int_equal(note->p_type, PT_NOTE);
	assert_int_equal(note->p_filesz, 2 * (20 + 336) + 2 * (20 + 440));
	// rip of the second CPU's NT_PRSTATUS: pr_reg is at 112, rip the 17th of its registers.
	const uint8_t *rip = file + note->p_offset + (20 + 336) + 20 + 112 + 16 * 8;
	assert_memory_equal(rip, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);

	// TCG, and one of the two was executing.
	qemu.structures[FAKE_CPU + FAKE_CPU_RUNNING] = 1;
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "CPU 0: whether the registers are current is not known"));
	qemu.structures[FAKE_CPU + FAKE_CPU_RUNNING] = 0;

	// KVM, and of the two only CPU 0 has been read since it ran.
	qemu.structures[FAKE_KVM_ALLOWED] = 1;
	qemu.structures[FAKE_TCG_ALLOWED] = 0;
	qemu.structures[FAKE_CPU + FAKE_CPU_DIRTY] = 1;
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "CPU 1: the registers are stale"));
	qemu.structures[FAKE_KVM_ALLOWED] = 0;
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "CPU 0, 1: whether the registers are current is not known"));

	options.no_notes = true;
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_string_equal(told, "");
	read_file(path, file, sizeof(file));
	assert_int_equal(note->p_type, PT_LOAD);
	fake_qemu_deinit(&qemu);
}

static void test_damaged_cpus(void **state)
{
	(void)state;
	struct fake_qemu qemu;
	fill(&qemu);
	struct gg_dump_result result;
	struct gg_dump_options options = { .path = path, .force = true, .notices = &to_told };
	uint8_t *first = qemu.structures + FAKE_CPU, *second = first + FAKE_CPU_SIZE;
	put_uint(second + FAKE_CPU_NEXT, 8, FAKE_STRUCTURES + FAKE_CPU);
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "no notes of the CPUs"));
	assert_non_null(strstr(told, "two CPUs of the list have the cpu_index 0"));
	put_uint(second + FAKE_CPU_INDEX, 4, 0x80000000);
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "cpu_index is 2147483648"));
	put_uint(first + FAKE_CPU_NEXT, 8, 0x1234);
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "CPUState at 0x1234"));
	fake_qemu_deinit(&qemu);
}

static void test_unreadable(void **state)
{
	(void)state;
	struct fake_qemu qemu;
	fill(&qemu);
	struct gg_dump_result result;
	struct gg_dump_options options = { .path = path, .notices = &to_told };
	// The second region's RAM is mapped for more than can be read: two pages at its end.
	put_uint(qemu.structures + FAKE_BLOCK + FAKE_BLOCK_STRUCT_SIZE + 24, 8,
		 qemu.hva[1] + 0x2000);
	assert_error(dump(&qemu, &options, &result), GG_ABSENT,
		     "1 range of the guest's memory is missing: 0x2fe000-0x2fffff (block.1); they "
		     "cannot be read");
	assert_int_equal(files_in_folder(), 0);

	options.skip_absent = true;
	forget_output();
	assert_success(dump(&qemu, &options, &result));
	assert_non_null(strstr(told, "because they are missing: 0x2fe000-0x2fffff (block.1)"));
	read_file(path, file, sizeof(file));
	const Elf64_Phdr *load = find_load(0x100000);
	assert_int_equal(load->p_filesz, 0x1fe000);
	assert_int_equal(file[load->p_offset + 0x1fdfff], 'y');
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
		     GG_INTERRUPTED, "enough");
	assert_int_equal(files_in_folder(), 0);

	// The second region's RAM is not there.
	put_uint(qemu.structures + FAKE_BLOCK + FAKE_BLOCK_STRUCT_SIZE + 24, 8, 0x5000000000);
	assert_error(dump(&qemu, &(struct gg_dump_options){ .path = path }, &result), GG_ABSENT,
		     "1 range of the guest's memory is missing: 0x100000-");
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
		UNIT_TEST("there is room for notes and an image that come later", test_added_later),
		UNIT_TEST("an alias comes behind the segments, with bytes that a segment has",
			  test_aliases),
		UNIT_TEST("aliases have the room that segments leave in e_phnum", test_alias_room),
		UNIT_TEST("more than 65534 segments are counted in a section header",
			  test_many_segments),
		UNIT_TEST("a file of 2^63 bytes is refused", test_too_large),
		UNIT_TEST("the file is whole under its name or not there", test_whole_or_nothing),
		UNIT_TEST("what exists is replaced only with -force, what is looked at never",
			  test_existing),
		UNIT_TEST("a file that appears meanwhile is kept", test_taken_meanwhile),
		UNIT_TEST("a FIFO gets all bytes in order", test_fifo),
		UNIT_TEST("a dump has the memory's bytes, and holes for pages of zeros", test_dump),
		UNIT_TEST("a filter leaves only the addresses it names", test_filter),
		UNIT_TEST("the CPUs' notes are there, and stale ones are told", test_notes),
		UNIT_TEST("a damaged CPU list costs the notes, not the memory", test_damaged_cpus),
		UNIT_TEST("pages that the copy cannot read are listed, or left out",
			  test_unreadable),
		UNIT_TEST("a dump that is broken off leaves no file", test_dump_broken_off),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		tests[i].setup_func = empty_folder;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	empty_folder(NULL);
	rmdir(folder);
	return failed;
}
