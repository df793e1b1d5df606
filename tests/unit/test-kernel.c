// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel-guest.h"

#include "linux/log/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct gg_arch gg_arch_i386;

static void test_plain(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	gg_gva_t address;
	fake_kernel_write(ram, &plain);
	use_tables(0, plain.tables);
	assert_success(find(&kernel));
	assert_string_equal(told, "");
	assert_int_equal(kernel->note, plain.note);
	assert_int_equal(kernel->image, FAKE_KERNEL_STEXT);
	assert_int_equal(kernel->image_gpa, plain.text_gpa);
	assert_int_equal(kernel->image_size, 96 * 4096);
	assert_true(gg_kernel_direct_address(kernel, 0x123456, &address));
	assert_int_equal(address, FAKE_KERNEL_DIRECT_MAP + 0x123456);
	assert_false(gg_kernel_direct_address(kernel, FAKE_KERNEL_RAM, &address));
}

static void test_levels_and_sizes(void **state)
{
	(void)state;
	const struct fake_kernel kernels[] = {
		{ .large_pages = true, .text_gpa = 0x800000 },
		{ .level5 = true, .text_gpa = 0x400000 },
		{ .level5 = true, .large_pages = true, .text_gpa = 0x600000 },
		{ .sme_mask = UINT64_C(1) << 47, .text_gpa = 0x400000 },
	};
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		struct fake_kernel fake = kernels[i];
		const struct gg_kernel *kernel;
		gg_gva_t address;
		fake.tables = plain.tables;
		fake.note = plain.note;
		fake.release = "6.1.0";
		fake_kernel_write(ram, &fake);
		assert_success(find(&kernel));
		assert_int_equal(kernel->image_gpa, fake.text_gpa);
		assert_int_equal(kernel->image_size, fake.large_pages ? 0x200000 : 96 * 4096);
		assert_true(gg_kernel_direct_address(kernel, 0x1000, &address));
		end_test(NULL);
		begin_test(NULL);
	}
}

static void test_read_virtual(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	uint8_t bytes[8192];
	fake_kernel_write(ram, &plain);
	memcpy(ram + plain.text_gpa + 4094, "text", 4);
	assert_success(find(&kernel));
	assert_success(gg_page_table_read(kernel->table, FAKE_KERNEL_STEXT + 4094, bytes, 4));
	assert_memory_equal(bytes, "text", 4);
	assert_error(gg_page_table_read(kernel->table, FAKE_KERNEL_STEXT + 31 * 4096, bytes, 8192),
		     GG_FAULT, "0xffffffff81220000 is not mapped");
	assert_error(gg_page_table_read(kernel->table, 0x1234000000000000, bytes, 1), GG_BAD_DATA,
		     "0x1234000000000000");
}

static void test_tables_outside_ram(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	fake_kernel_write(ram, &plain);
	put_uint(ram + plain.tables + 511 * 8, 8, 0x7fff000000 | 1);
	assert_error(find(&kernel), GG_NOT_FOUND, "guest-physical 0x7fff000000 is not RAM");
}

static void test_damaged_tables(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	fake_kernel_write(ram, &plain);
	// In the image's area, tables that are not in RAM; and the direct map's too.
	const uint64_t pd = plain.tables + 3 * 4096;
	for (uint64_t offset = 0; offset < 8; offset++)
		put_uint(ram + pd + offset * 8, 8, 0x7fff000001);
	put_uint(ram + plain.tables + 5 * 4096 + 8, 8, 0x7fff000001);
	assert_success(find(&kernel));
	assert_int_equal(kernel->image, FAKE_KERNEL_STEXT);
	assert_int_equal(kernel->image_size, 96 * 4096);
	assert_false(kernel->has_direct_map);
}

static void test_not_aligned(void **state)
{
	(void)state;
	struct fake_kernel old = plain;
	old.note = 0x31234;
	fake_kernel_write(ram, &old);
	expect_release("6.1.0-plain");
}

static void test_decoys(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	static const char cut[] = "OSRELEASE=6.1.0-cut\nPAGESI";
	static const char binary[] = "OSRELEASE=6.1.0\033[2J\n";
	static const char absurd[] = "OSRELEASE=6.1.0-absurd\nSYMBOL(_stext)=zzz\n"
				     "SYMBOL(init_top_pgt)=ffffffff81000000\nNUMBER(phys_base)=0\n";
	static const char low[] = "OSRELEASE=6.1.0-low\nSYMBOL(_stext)=1000\n"
				  "SYMBOL(init_top_pgt)=2000\nNUMBER(phys_base)=0\n";
	fake_note_write(ram, 0x1000, cut, strlen(cut));
	fake_note_write(ram, 0x2000, binary, strlen(binary));
	fake_note_write(ram, 0x3000, absurd, strlen(absurd));
	fake_note_write(ram, 0x4000, low, strlen(low));
	fake_note_write(ram, 0x8000, cut, strlen(cut));
	fake_note_write(ram, 0x9000, cut, strlen(cut));
	// The text without a note, and a name without a note.
	memcpy(ram + 0x5000, "OSRELEASE=%s\nPAGESIZE=", 22);
	memcpy(ram + 0x600c, "VMCOREINFO\0", 12);
	// A note whose text would reach out of RAM, and one that announces 4 GiB.
	fake_note_write(ram, FAKE_KERNEL_RAM - 0x1000, "OSRELEASE=6\n", 12);
	put_uint(ram + FAKE_KERNEL_RAM - 0x1000 + 4, 4, 0x2000);
	fake_note_write(ram, 0x7000, "OSRELEASE=7\n", 12);
	put_uint(ram + 0x7000 + 4, 4, UINT32_MAX);
	assert_error(find(&kernel), GG_NOT_FOUND, "does not end with a whole line");
	assert_non_null(strstr(told, "0x2000 is rejected: its text has the byte 0x1b"));
	assert_non_null(strstr(told, "SYMBOL(_stext) is \"zzz\", not a number"));
	assert_non_null(strstr(told, "_stext is 0x1000"));
	assert_null(strstr(told, "0x8000 is rejected"));
	assert_non_null(strstr(told, "3 more VMCOREINFOs in RAM are rejected"));

	fake_kernel_write(ram, &plain);
	look_anew();
	expect_release("6.1.0-plain");
}

static void test_second_kernel(void **state)
{
	(void)state;
	// Another kernel's note, whose page tables are gone: the one before a reboot.
	struct fake_kernel other = {
		.tables = 0x50000, .note = 0x20000, .text_gpa = 0x800000, .release = "5.10.0-before"
	};
	fake_kernel_write(ram, &other);
	memset(ram + other.tables, 0, 4096);
	fake_kernel_write(ram, &plain);
	expect_release("6.1.0-plain");
	assert_non_null(strstr(told, "0x20000 is rejected: its page tables do not map _stext"));
}

static void test_cpus_decide(void **state)
{
	(void)state;
	// A second kernel, all in order, but no CPU runs it.
	struct fake_kernel other = {
		.tables = 0x50000, .note = 0x20000, .text_gpa = 0x800000, .release = "5.10.0-kdump"
	};
	fake_kernel_write(ram, &other);
	fake_kernel_write(ram, &plain);
	use_tables(0, plain.tables);
	expect_release("6.1.0-plain");
	assert_int_equal(guest->others.count, 1);
	assert_int_equal(guest->others.kernels[0]->note, other.note);
	assert_int_equal(guest->others.kernels[0]->running, 0);

	end_test(NULL);
	begin_test(NULL);
	fake_kernel_write(ram, &other);
	fake_kernel_write(ram, &plain);
	use_tables(0, other.tables);
	use_tables(1, 0xdead000);
	expect_release("5.10.0-kdump");
}

// Expects the kernel that is taken where it is plain which one runs, and whether another is found
// too.
static void expect_running(const char *release, bool has_other)
{
	const struct gg_kernel *kernel;
	assert_success(gg_guest_running_kernel(guest, &to_told, &kernel));
	char *found = gg_vmcoreinfo_value(&kernel->info, "OSRELEASE");
	assert_string_equal(found, release);
	free(found);
	assert_int_equal(guest->others.count, has_other);
	assert_int_equal(kernel->image_size, 96 * 4096);
	assert_true(kernel->has_direct_map);
}

static void test_running(void **state)
{
	(void)state;
	const struct fake_kernel other = {
		.tables = 0x50000, .note = 0x20000, .text_gpa = 0x800000, .release = "5.10.0-kdump"
	};
	fake_kernel_write(ram, &other);
	fake_kernel_write(ram, &plain);
	use_tables(0, other.tables);
	expect_running("5.10.0-kdump", false);

	end_test(NULL);
	begin_test(NULL);
	fake_kernel_write(ram, &other);
	fake_kernel_write(ram, &plain);
	use_tables(0, plain.tables);
	use_tables(1, plain.tables);
	expect_running("6.1.0-plain", false);

	// The CPUs do not agree, or use no page tables: all kernels are looked at.
	end_test(NULL);
	begin_test(NULL);
	fake_kernel_write(ram, &other);
	fake_kernel_write(ram, &plain);
	use_tables(0, plain.tables);
	use_tables(1, 0xdead000);
	expect_running("6.1.0-plain", true);
	end_test(NULL);
	begin_test(NULL);
	fake_kernel_write(ram, &other);
	fake_kernel_write(ram, &plain);
	expect_running("5.10.0-kdump", true);
}

// Two entries in QEMU's list, the second the device; both in the structures' unused last KiB.
static void add_device(uint64_t paddr)
{
	enum { FIRST = 0x4800, SECOND = 0x4a00, DEVICE = 0x4c00 };
	uint8_t *structures = qemu.structures;
	put_uint(structures + FAKE_SAVEVM_STATE, 8, FAKE_STRUCTURES + FIRST);
	put_uint(structures + FIRST + FAKE_SAVE_STATE_NEXT, 8, FAKE_STRUCTURES + SECOND);
	memcpy(structures + FIRST + FAKE_SAVE_STATE_IDSTR, "timer", 6);
	memcpy(structures + SECOND + FAKE_SAVE_STATE_IDSTR, "/vmcoreinfo", 12);
	put_uint(structures + SECOND + FAKE_SAVE_STATE_OPAQUE, 8, FAKE_STRUCTURES + DEVICE);
	structures[DEVICE + FAKE_DEVICE_HAS] = 1;
	put_uint(structures + DEVICE + FAKE_DEVICE_FORMAT, 2, 1);
	put_uint(structures + DEVICE + FAKE_DEVICE_PADDR, 8, paddr);
}

static void test_device(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	fake_kernel_write(ram, &plain);
	add_device(plain.note);
	assert_success(find(&kernel));
	assert_int_equal(kernel->finder, GG_FOUND_BY_DEVICE);
	assert_int_equal(kernel->note, plain.note);

	// The device may say what it wants: then the note is looked for.
	end_test(NULL);
	begin_test(NULL);
	fake_kernel_write(ram, &plain);
	add_device(0xffffffffffffff00);
	assert_success(find(&kernel));
	assert_int_equal(kernel->finder, GG_FOUND_BY_SCAN);
	assert_non_null(strstr(told, "0xffffffffffffff00 is rejected"));

	// A list that loops ends.
	end_test(NULL);
	begin_test(NULL);
	fake_kernel_write(ram, &plain);
	add_device(plain.note);
	put_uint(qemu.structures + 0x4800 + FAKE_SAVE_STATE_NEXT, 8, FAKE_STRUCTURES + 0x4800);
	assert_success(find(&kernel));
	assert_int_equal(kernel->finder, GG_FOUND_BY_SCAN);
}

static void test_newest_record(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	struct fake_kernel fake = plain;
	uint64_t time;
	fake.log = plain.text_gpa + 0x1000;
	fake_kernel_write(ram, &fake);
	assert_success(find(&kernel));
	assert_success(gg_log_ring_newest(gg_kernel_host(kernel), &time));
	assert_int_equal(time, 3000000000);

	uint8_t *descs = ram + fake.log + FAKE_LOG_DESCS;
	put_uint(descs + 2 * 24, 8, 0x1234); // id 0x100000002 is another's
	assert_error(gg_log_ring_newest(gg_kernel_host(kernel), &time), GG_BAD_DATA,
		     "has the id 0x1234");
	put_uint(ram + fake.log + FAKE_LOG_RING, 4, 63);
	assert_error(gg_log_ring_newest(gg_kernel_host(kernel), &time), GG_BAD_DATA,
		     "count_bits is 63");
	put_uint(ram + fake.log + FAKE_LOG_RING, 4, 26);
	put_uint(ram + fake.log + FAKE_LOG_RING + 8, 8, 0x1000);
	assert_error(gg_log_ring_newest(gg_kernel_host(kernel), &time), GG_FAULT,
		     "the kernel's log");
}

static void test_no_ring(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	uint64_t time;
	fake_kernel_write(ram, &plain);
	assert_success(find(&kernel));
	assert_error(gg_log_ring_newest(gg_kernel_host(kernel), &time), GG_NOT_FOUND,
		     "SYMBOL(prb)");
}

static void set_mode(unsigned int cpu, uint32_t hflags)
{
	put_uint(qemu.structures + FAKE_CPU + cpu * FAKE_CPU_SIZE + FAKE_CPU_HFLAGS, 4, hflags);
}

static void test_reset(void **state)
{
	(void)state;
	const struct gg_arch *arch;
	fake_kernel_write(ram, &plain);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		set_mode(i, 0);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "x86_64");
	expect_release("6.1.0-plain");
	assert_non_null(strstr(told, "no CPU runs the kernel (Linux 6.1.0-plain)"));

	// Without a kernel it is as QEMU's own dump has it.
	end_test(NULL);
	begin_test(NULL);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		set_mode(i, 0);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "i386");

	// A CPU that was just plugged in is in real mode.
	end_test(NULL);
	begin_test(NULL);
	fake_kernel_write(ram, &plain);
	set_mode(0, 0);
	use_tables(1, plain.tables);
	assert_success(gg_guest_arch(guest, &arch));
	assert_string_equal(arch->name, "x86_64");
	expect_release("6.1.0-plain");
	assert_string_equal(told, "");
}

static void test_overwritten(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	struct fake_kernel fake = plain;
	fake.uts = plain.text_gpa + 0x2000;
	fake_kernel_write(ram, &fake);
	expect_release("6.1.0-plain");

	fake.old_uts = true;
	fake_kernel_write(ram, &fake);
	look_anew();
	assert_success(find(&kernel));
	char *release = gg_kernel_uts(kernel, GG_UTS_RELEASE);
	assert_string_equal(release, "6.1.0-plain");
	free(release);

	// The page tables are sound still.
	memset(ram + fake.uts, 'x', 4096);
	look_anew();
	assert_error(find(&kernel), GG_NOT_FOUND, "its kernel's memory is overwritten");
	use_tables(0, plain.tables);
	look_anew();
	expect_release("6.1.0-plain");
}

static void test_nothing(void **state)
{
	(void)state;
	const struct gg_kernel *kernel;
	assert_error(find(&kernel), GG_NOT_FOUND, "no VMCOREINFO in the guest's RAM");
	strcpy((char *)ram + 0x12345, "Linux version 6.1.0-56 (gcc)\n");
	look_anew();
	assert_error(find(&kernel), GG_NOT_FOUND,
		     "no VMCOREINFO of the Linux kernel in the guest's RAM (\"Linux version "
		     "6.1.0-56\"): the kernel has not come so far");
}

// ---- The debug log ----

static char lines[16384];

static void collect_line(void *data, const char *line)
{
	assert_ptr_equal(data, lines);
	assert_true(strlen(lines) + strlen(line) + 2 < sizeof(lines));
	assert_memory_equal(line, "debug: ", 7);
	strcat(lines, line);
	strcat(lines, "\n");
}

static void test_debug(void **state)
{
	(void)state;
	const struct gg_debug debug = { collect_line, lines };
	const struct gg_kernel *kernel;
	uint64_t address;
	struct fake_kernel other = {
		.tables = 0x20000, .note = 0x31000, .text_gpa = 0x600000, .release = "6.1.0-other"
	};
	fake_kernel_write(ram, &plain);
	fake_kernel_write(ram, &other);
	memset(ram + other.tables, 0, 4096);
	use_tables(0, plain.tables);
	assert_success(find(&kernel));
	assert_string_equal(lines, "");

	gg_guest_destroy(guest);
	assert_success(gg_guest_create(gg_bytes_host(qemu.bytes),
				       &(struct gg_target){ .debug = &debug }, &guest));
	assert_success(find(&kernel));
	gg_error_destroy(gg_host_symbol(gg_kernel_host(kernel), "no_such_symbol", &address));
	const char *const expected[] = {
		"debug: source: QEMU process: open\n",
		"debug: RAM: 0x0-0x",
		"debug: architecture: x86_64 of 2 CPUs\n",
		"debug: kernels: 2 candidates, 0 bytes of RAM missing\n",
		"debug: VMCOREINFO at 0x30000: Linux 6.1.0-plain, x86_64, page tables at 0x10000",
		"debug: VMCOREINFO at 0x31000: rejected: its page tables do not map _stext",
		"debug: symbol no_such_symbol: VMCOREINFO: VMCOREINFO has no "
		"SYMBOL(no_such_symbol)\n",
		"debug: symbols of kallsyms: the kernel's kallsyms: ",
	};
	const char *at = lines;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const char *found = strstr(i < 4 ? at : lines, expected[i]);
		if (!found)
			print_error("no %s in\n%s", expected[i], lines);
		assert_non_null(found);
		at = found;
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("a kernel's image and direct map are found by its page tables",
			  test_plain),
		UNIT_TEST("4 and 5 levels, 4 KiB, 2 MiB and 1 GiB pages, SME",
			  test_levels_and_sizes),
		UNIT_TEST("virtual memory is read across pages, and faults", test_read_virtual),
		UNIT_TEST("page tables outside RAM are an error", test_tables_outside_ram),
		UNIT_TEST("damage around a kernel does not hide it", test_damaged_tables),
		UNIT_TEST("an old kernel's note is anywhere", test_not_aligned),
		UNIT_TEST("what only looks like a note is told and not taken", test_decoys),
		UNIT_TEST("of two kernels the one with page tables is taken", test_second_kernel),
		UNIT_TEST("of two sound ones, the one that the CPUs run", test_cpus_decide),
		UNIT_TEST("where all CPUs run one kernel, no other is looked for", test_running),
		UNIT_TEST("what the vmcoreinfo device says is looked at first", test_device),
		UNIT_TEST("the newest record is the last that is written", test_newest_record),
		UNIT_TEST("a kernel without a lockless log has none", test_no_ring),
		UNIT_TEST("the architecture is that of any CPU in long mode, or of the kernel "
			  "that no CPU runs",
			  test_reset),
		UNIT_TEST("what is left of a kernel's memory is not a kernel", test_overwritten),
		UNIT_TEST("no kernel is an error that says so", test_nothing),
		UNIT_TEST("the debug log has each candidate, and the reason it was rejected",
			  test_debug),
	};
	return run_kernel_tests(tests, sizeof(tests) / sizeof(*tests));
}
