// SPDX-License-Identifier: GPL-3.0-or-later
//
// Several kernels in a guest's RAM: their list, the choice, a crashed kernel.
#include "kernel-guest.h"

#include "linux/kdump.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

static const struct fake_kernel crashed = {
	.tables = 0x50000, .note = 0x20000, .text_gpa = 0x800000, .release = "5.10.0-crashed"
};

static struct gg_error *collect_kernel(void *data, const struct gg_kernel_info *kernel)
{
	char *text = data;
	sprintf(text + strlen(text), "%s%s on %zu%s\n", kernel->is_chosen ? "*" : "",
		kernel->release, kernel->cpu_count, kernel->has_crashed ? ", crashed" : "");
	return NULL;
}

static void append_crash_time(void)
{
	static const char line[] = "CRASHTIME=1795709142\n";
	uint8_t *note = ram + crashed.note;
	uint32_t size;
	memcpy(&size, note + 4, sizeof(size));
	memcpy(note + 24 + size, line, strlen(line));
	put_uint(note + 4, 4, size + strlen(line));
}

static void test_list(void **state)
{
	(void)state;
	char text[512] = "";
	fake_kernel_write(ram, &crashed);
	fake_kernel_write(ram, &plain);
	use_tables(0, crashed.tables);
	use_tables(1, plain.tables);
	assert_success(gg_guest_kernels(guest, false, collect_kernel, text));
	assert_string_equal(text, "*5.10.0-crashed on 1\n6.1.0-plain on 1\n");

	// The CPUs of a kernel that has crashed are parked.
	append_crash_time();
	look_anew();
	*text = 0;
	assert_success(gg_guest_kernels(guest, false, collect_kernel, text));
	assert_string_equal(text, "*6.1.0-plain on 1\n5.10.0-crashed on 1, crashed\n");
	look_anew();
	expect_release("6.1.0-plain");
	assert_non_null(strstr(told, "RAM has another kernel, Linux 5.10.0-crashed, which has "
				     "crashed: guest-kernel"));

	// A copy of a note is of the same kernel.
	memcpy(ram + 0x28000, ram + plain.note, 4096);
	look_anew();
	*text = 0;
	assert_success(gg_guest_kernels(guest, true, collect_kernel, text));
	assert_string_equal(text, "*6.1.0-plain on 1\n5.10.0-crashed on 1, crashed\n");
}

// Writes the variables vmcoreinfo_data, vmcoreinfo_size and vmcoreinfo_note into KERNEL's image.
static void write_variables(const struct fake_kernel *kernel)
{
	uint8_t *variables = ram + kernel->text_gpa + 0x3000;
	put_uint(variables, 8, FAKE_KERNEL_DIRECT_MAP + kernel->note + 4096);
	put_uint(variables + 8, 8, 1234);
	put_uint(variables + 16, 8, FAKE_KERNEL_DIRECT_MAP + kernel->note);
}

static void expect_finder(const char *release, enum gg_kernel_finder finder, bool looks_at_all)
{
	look_anew();
	forget_output();
	expect_release(release);
	assert_int_equal(guest->kernel->finder, finder);
	assert_int_equal(guest->others_complete, looks_at_all);
}

static void test_by_tables(void **state)
{
	(void)state;
	char text[512] = "";
	fake_kernel_write(ram, &crashed);
	fake_kernel_write(ram, &plain);
	write_variables(&plain);
	use_tables(0, plain.tables);
	use_tables(1, plain.tables);
	expect_finder("6.1.0-plain", GG_FOUND_BY_TABLES, false);
	assert_string_equal(told, "");
	assert_success(gg_guest_kernels(guest, false, collect_kernel, text));
	assert_string_equal(text, "*6.1.0-plain on 2\n5.10.0-crashed on 0\n");

	// A CPU that the kernel does not explain may run a better kernel.
	use_tables(1, crashed.tables);
	expect_finder("5.10.0-crashed", GG_FOUND_BY_SCAN, true);

	// A crashed kernel's CPU leads to the crashed kernel.
	append_crash_time();
	write_variables(&crashed);
	expect_finder("6.1.0-plain", GG_FOUND_BY_TABLES, false);
	assert_non_null(strstr(told, "RAM has another kernel, Linux 5.10.0-crashed, which has "
				     "crashed: guest-kernel"));
}

static struct gg_error *choose_crashed(void *data, const struct gg_kernel_info *kernel)
{
	struct gg_kernel_choice *choice = data;
	if (!strcmp(kernel->release, crashed.release))
		*choice = kernel->choice;
	return NULL;
}

static void test_choice(void **state)
{
	(void)state;
	struct gg_target target = { .pid = 0 };
	fake_kernel_write(ram, &crashed);
	fake_kernel_write(ram, &plain);
	use_tables(0, plain.tables);
	assert_success(gg_guest_kernels(guest, false, choose_crashed, &target.choice));
	assert_int_equal(target.choice.note, crashed.note);

	gg_guest_destroy(guest);
	assert_success(gg_guest_create(gg_bytes_host(qemu.bytes), &target, &guest));
	expect_release(crashed.release);
	assert_non_null(strstr(told, "no CPU runs the kernel that guest-kernel chose"));
	assert_false(gg_guest_shows_kernel_of(guest, 0));
	assert_int_equal(gg_guest_note(guest), 0);

	// Lines that a crash appends make no other kernel.
	append_crash_time();
	gg_guest_destroy(guest);
	assert_success(gg_guest_create(gg_bytes_host(qemu.bytes), &target, &guest));
	expect_release(crashed.release);

	// Another one at the same place is.
	struct fake_kernel other = crashed;
	other.release = "5.10.0-another";
	fake_kernel_write(ram, &other);
	forget_output();
	gg_guest_destroy(guest);
	assert_success(gg_guest_create(gg_bytes_host(qemu.bytes), &target, &guest));
	expect_release("6.1.0-plain");
	assert_non_null(strstr(told, "at guest-physical 0x20000, is no longer there"));
	assert_int_equal(gg_guest_choice(guest).note, 0);
}

static void test_command_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t address; // 0: none
	} lines[] = {
		{ "elfcorehdr=0xe000000 console=ttyS0", 0xe000000 },
		{ "console=ttyS0 elfcorehdr=884736K", UINT64_C(884736) << 10 },
		{ "a elfcorehdr=64K@0x1000M b", UINT64_C(0x1000) << 20 },
		{ "console=ttyS0", 0 },
		{ "xelfcorehdr=0x1000", 0 },
		{ "elfcorehdr=", 0 },
		{ "elfcorehdr=-1", 0 },
		{ "elfcorehdr=0x1000q", 0 },
		{ "elfcorehdr=100000000000E", 0 },
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		gg_gpa_t address = 0;
		assert_int_equal(gg_kdump_parse(lines[i].text, &address), lines[i].address != 0);
		if (lines[i].address)
			assert_int_equal(address, lines[i].address);
	}
}

static void test_core_headers(void **state)
{
	(void)state;
	enum { HEADERS = 0x70000 };
	const struct gg_ram_map *map;
	struct gg_vmcoreinfo_scan scan = { .count = 0 };
	fake_kernel_write(ram, &plain);
	assert_success(gg_guest_ram_map(guest, &map));
	assert_error(gg_kdump_read_headers(map, HEADERS, &scan), GG_BAD_DATA, "no ELF header");
	Elf64_Ehdr header = { .e_phoff = sizeof(header),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 3 };
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	const Elf64_Phdr headers[] = {
		{ .p_type = PT_NOTE, .p_paddr = 0x40000 },
		{ .p_type = PT_NOTE, .p_paddr = UINT64_MAX - 8 },
		{ .p_type = PT_NOTE, .p_paddr = plain.note },
	};
	memcpy(ram + HEADERS, &header, sizeof(header));
	memcpy(ram + HEADERS + sizeof(header), headers, sizeof(headers));
	assert_success(gg_kdump_read_headers(map, HEADERS, &scan));
	assert_int_equal(scan.count, 1);
	assert_int_equal(scan.found[0], plain.note);
	put_uint(ram + HEADERS + offsetof(Elf64_Ehdr, e_phnum), 2, 65535);
	assert_error(gg_kdump_read_headers(map, HEADERS, &scan), GG_BAD_DATA, "program headers");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("kernels are listed, a crashed one behind the one that was booted then",
			  test_list),
		UNIT_TEST("where the image of each CPU's kernel leads to its note, nothing else is "
			  "read",
			  test_by_tables),
		UNIT_TEST("the chosen kernel is shown as long as it is there", test_choice),
		UNIT_TEST("a kernel's command line has where the crashed kernel's headers are",
			  test_command_line),
		UNIT_TEST("a crashed kernel's headers have where its VMCOREINFO is",
			  test_core_headers),
	};
	return run_kernel_tests(tests, sizeof(tests) / sizeof(*tests));
}
