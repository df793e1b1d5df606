// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest out of a vmcore: small files, made to measure.
#include "unit.h"

#include "arch/arch.h"
#include "arch/notes.h"
#include "guest/guest.h"
#include "printed.h"
#include "vmcore-image.h"

#include <gdb-guest/dump.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = VMCORE_IMAGE_PAGE, PRSTATUS = 336, QEMU_NOTE = 440, NT_PRSTATUS = 1 };
enum { PID_OFFSET = 32, RSP_OFFSET = 112 + 19 * 8, RIP_OFFSET = 112 + 16 * 8 };

static int fd = -1;
static char path[32];
static struct gg_guest *guest;
static struct gg_buffer notes;

static const struct gg_host host = { .address_size = 8 };

static void append_prstatus(uint32_t pid, uint64_t rip)
{
	uint8_t bytes[PRSTATUS] = { 0 };
	put_uint(bytes + PID_OFFSET, 4, pid);
	put_uint(bytes + RIP_OFFSET, 8, rip);
	put_uint(bytes + RSP_OFFSET, 8, rip + 1);
	gg_note_append(&notes, "CORE", NT_PRSTATUS, bytes, sizeof(bytes));
}

static void append_qemu(void)
{
	uint8_t bytes[QEMU_NOTE] = { 1 };
	gg_note_append(&notes, "QEMU", 0, bytes, sizeof(bytes));
}

static void open_image(const struct vmcore_image *vmcore)
{
	struct gg_buffer image = { 0 };
	vmcore_image_make(vmcore, &image);
	fd = memfd_create("vmcore", 0);
	assert_int_equal(write(fd, image.bytes, image.size), image.size);
	gg_buffer_deinit(&image);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const struct gg_target target = { .core_path = path };
	assert_success(gg_guest_create(&host, &target, &guest));
}

// Opens a vmcore with the notes.
static void open_guest(enum vmcore_image_format format, unsigned int dump_level)
{
	open_image(&(struct vmcore_image){
		.format = format, .pages = "HHXX.H", .notes = &notes, .dump_level = dump_level });
}

static int end_test(void **state)
{
	(void)state;
	gg_guest_destroy(guest);
	guest = NULL;
	gg_buffer_deinit(&notes);
	notes = (struct gg_buffer){ 0 };
	close(fd);
	return 0;
}

// ---- CPUs ----

static struct gg_error *add_cpu(void *data, const struct gg_cpu *cpu)
{
	char *text = data;
	snprintf(text + strlen(text), 256 - strlen(text), "%u %s 0x%llx%s%s; ", cpu->index,
		 gg_freshness_name(cpu->freshness), (unsigned long long)cpu->pc,
		 cpu->root_known ? " root" : "", *cpu->unknown ? " unknown" : "");
	return NULL;
}

static void check_cpus(const char *expected)
{
	char text[256] = "";
	assert_success(gg_guest_cpus(guest, add_cpu, text));
	assert_string_equal(text, expected);
}

static void test_kernel_notes(void **state)
{
	(void)state;
	append_prstatus(4711, 0x1000);
	append_prstatus(0, 0x2000);
	open_guest(VMCORE_IMAGE_KDUMP, 31);
	check_cpus("0 noted 0x1000; 1 noted 0x2000; ");
}

static void test_qemu_notes(void **state)
{
	(void)state;
	append_prstatus(8, 0x1000);
	append_prstatus(3, 0);
	append_qemu();
	append_qemu();
	open_guest(VMCORE_IMAGE_ELF, 0);
	check_cpus("7 noted 0x0 root; 2 noted 0x0 root; ");
}

static void test_no_registers(void **state)
{
	(void)state;
	uint8_t bytes[PRSTATUS] = { 0 };
	gg_note_append(&notes, "CORE", NT_PRSTATUS, bytes, sizeof(bytes));
	append_prstatus(0, 0x2000);
	open_guest(VMCORE_IMAGE_ELF, 0);
	check_cpus("0 noted 0x0 unknown; 1 noted 0x2000; ");
}

static void test_same_number(void **state)
{
	(void)state;
	append_prstatus(1, 0x1000);
	append_prstatus(1, 0x2000);
	append_qemu();
	append_qemu();
	open_guest(VMCORE_IMAGE_ELF, 0);
	char text[256] = "";
	assert_error(gg_guest_cpus(guest, add_cpu, text), GG_BAD_DATA, "0");
}

static void test_no_notes(void **state)
{
	(void)state;
	gg_note_append(&notes, "OTHER", 5, "text", 4);
	open_guest(VMCORE_IMAGE_ELF, 0);
	char text[256] = "";
	assert_error(gg_guest_cpus(guest, add_cpu, text), GG_NOT_FOUND,
		     "the vmcore has no notes of CPUs");

	char again[] = "/tmp/test-source-vmcore.XXXXXX";
	struct gg_dump_result result;
	const int file = mkstemp(again);
	forget_output();
	struct gg_error *err = gg_dump(
		guest,
		&(struct gg_dump_options){
			.path = again, .force = true, .skip_absent = true, .notices = &to_told },
		&result);
	unlink(again);
	close(file);
	assert_success(err);
	assert_non_null(strstr(
		told, "the vmcore has no notes of the CPUs: the vmcore that is read has none\n"));
}

// ---- Machines ----

// Opens a kdump of a machine, with a note of SIZE bytes for its CPU; 0: without.
static void open_machine(const char *machine, size_t size)
{
	const uint8_t zeros[512] = { 0 };
	if (size)
		gg_note_append(&notes, "CORE", NT_PRSTATUS, zeros, size);
	else
		gg_note_append(&notes, "OTHER", 5, "text", 4);
	open_image(&(struct vmcore_image){ .format = VMCORE_IMAGE_FLAT,
					   .pages = "HH",
					   .by_qemu = true,
					   .machine = machine,
					   .notes = &notes });
}

// The sizes are those of QEMU's target/*/arch_dump.c.
static void test_machines(void **state)
{
	(void)state;
	static const struct {
		size_t size;
		const char *name;
	} rows[] = { { PRSTATUS, "x86_64" },
		     { 144, "i386" },
		     { 392, "aarch64" },
		     { 376, "riscv64" },
		     { 504, "ppc64le" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct gg_arch *arch;
		open_machine("Unknown", rows[i].size);
		assert_success(gg_guest_cpu_arch(guest, &arch));
		assert_string_equal(arch->name, rows[i].name);
		end_test(NULL);
	}
}

static void test_no_machine(void **state)
{
	(void)state;
	static const struct {
		const char *machine;
		size_t size;
		const char *message;
	} rows[] = { { "Unknown", 0, "names no machine" },
		     { "Unknown", 340, "names no machine" },
		     { "loong\033arch64", PRSTATUS, "is not known here (\"loong\\x1barch64\")" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct gg_arch *arch;
		open_machine(rows[i].machine, rows[i].size);
		assert_error(gg_guest_cpu_arch(guest, &arch), GG_UNSUPPORTED, rows[i].message);
		end_test(NULL);
	}
}

// ---- Memory ----

static struct gg_error *add_range(void *data, const struct gg_ram_range *range)
{
	char *text = data;
	snprintf(text + strlen(text), 256 - strlen(text), "%llx+%llx; ",
		 (unsigned long long)range->start, (unsigned long long)range->size);
	return NULL;
}

static void test_memory(void **state)
{
	(void)state;
	for (enum vmcore_image_format format = 0; format <= VMCORE_IMAGE_FLAT; format++) {
		char ram[256] = "", absent[256] = "", hidden[256] = "";
		gg_note_append(&notes, "OTHER", 5, "text", 4);
		open_guest(format, 31);
		assert_success(gg_guest_ram(guest, add_range, ram));
		assert_success(gg_guest_absent(guest, add_range, absent));
		assert_success(gg_guest_hidden(guest, add_range, hidden));
		assert_string_equal(ram, "0+4000; 5000+1000; ");
		assert_string_equal(absent, "2000+2000; ");
		assert_string_equal(hidden, "");
		assert_string_equal(
			gg_guest_absent_advice(guest),
			format == VMCORE_IMAGE_ELF
				? "they were left out when the vmcore was written"
				: "they were left out when the vmcore was written (dump level 31)");
		end_test(NULL);
	}
}

static void test_damaged_notes(void **state)
{
	(void)state;
	char ram[256] = "";
	append_prstatus(1, 0x1000);
	put_uint(notes.bytes + 4, 4, UINT32_MAX);
	open_guest(VMCORE_IMAGE_ELF, 0);
	assert_success(gg_guest_ram(guest, add_range, ram));
	assert_string_equal(ram, "0+4000; 5000+1000; ");
	assert_error(gg_guest_cpus(guest, add_cpu, ram), GG_BAD_DATA, "the notes");
}

// ---- Texts ----

static void test_text(void **state)
{
	(void)state;
	static const char *const texts[] = {
		[VMCORE_IMAGE_ELF] = "ELF",
		[VMCORE_IMAGE_KDUMP] =
			"compressed kdump, written by makedumpfile or gdb-guest, dump level 17",
		[VMCORE_IMAGE_FLAT] =
			"flattened kdump, written by makedumpfile or gdb-guest, dump level 17",
	};
	for (enum vmcore_image_format format = 0; format <= VMCORE_IMAGE_FLAT; format++) {
		char *text;
		gg_note_append(&notes, "OTHER", 5, "text", 4);
		open_guest(format, 17);
		assert_success(gg_vmcore_text(path, &text));
		assert_string_equal(text, texts[format]);
		free(text);
		end_test(NULL);
	}
}

#define TEST(sentence, function) UNIT_TEST_WITH(NULL, end_test, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("A kernel's notes are CPUs in their order, without page tables",
		     test_kernel_notes),
		TEST("QEMU's notes name the CPUs by QEMU's numbers", test_qemu_notes),
		TEST("A CPU whose note has zeros alone is unknown, the others are not",
		     test_no_registers),
		TEST("Two CPUs of one number are an error", test_same_number),
		TEST("A vmcore without notes of CPUs says so, and so does its copy", test_no_notes),
		TEST("A kdump whose header names no machine is of that which its CPUs' notes are",
		     test_machines),
		TEST("A kdump of no machine that is known here is refused, with its name",
		     test_no_machine),
		TEST("RAM is what the vmcore has and what was left out, which is absent",
		     test_memory),
		TEST("Damaged notes leave the memory", test_damaged_notes),
		TEST("A vmcore's format, writer and level are told", test_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
