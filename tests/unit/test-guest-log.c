// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-kernel.h"
#include "fake-qemu.h"
#include "log-image.h"
#include "unit.h"
#include "printed.h"

#include "guest/guest.h"
#include "linux/log/text.h"
#include "qemu/monitor/xp-transcript.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096 };

static const struct fake_range ranges[] = { { 0x0, FAKE_KERNEL_RAM, 0x0, FAKE_RAM, 0 } };

static const struct fake_kernel plain = { .tables = 0x10000,
					  .note = 0x30000,
					  .text_gpa = 0x400000,
					  .release = "6.1.0",
					  .log = 0x401000 };

// The text of its log.
static const char expected[] = "note: the log starts at 3, earlier records are no longer there\n"
			       "[    1.000000] text\n[    2.000000] text\n[    3.000000] text\n";

static struct fake_qemu qemu;
static uint8_t *ram;
static struct gg_guest *guest;
static char path[64];

static int begin_test(void **state)
{
	(void)state;
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	ram = qemu.ram[0];
	forget_output();
	assert_success(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	strcpy(path, "/tmp/gdb-guest-test-XXXXXX");
	const int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	unlink(path);
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
	return 0;
}

static struct gg_error *print_query(struct gg_guest *of, const struct gg_log_query *query)
{
	const struct gg_log_style style = { 0 };
	output[0] = 0;
	struct gg_error *err = gg_guest_log_print(of, query, &style, &to_output, &to_told);
	return err;
}

static struct gg_error *print_guest(void)
{
	return print_query(guest, &(struct gg_log_query){ 0 });
}

static void assert_printed(const char *text)
{
	assert_string_equal(output, text);
}

static void assert_noticed(const char *text)
{
	if (!strstr(told, text))
		fail_msg("no notice has %s: %s", text, told);
}

static void use_tables(unsigned int cpu, uint64_t cr3)
{
	uint8_t *crs = qemu.structures + FAKE_CPU + cpu * FAKE_CPU_SIZE + FAKE_CPU_CR;
	put_uint(crs, 8, 0x80000001);
	put_uint(crs + 3 * 8, 8, cr3);
}

// ---- In a guest ----

static void test_vmcoreinfo(void **state)
{
	(void)state;
	fake_kernel_write(ram, &plain);
	use_tables(0, plain.tables);
	assert_success(print_guest());
	assert_printed(expected);
	assert_string_equal(told, "1 record was still being written\n");
}

static void test_structure(void **state)
{
	(void)state;
	fake_kernel_write(ram, &plain);
	memset(ram + plain.note, 0, PAGE);
	use_tables(0, 0xdead000);
	use_tables(1, plain.tables);
	assert_success(print_guest());
	assert_printed(expected);
	assert_noticed("without VMCOREINFO the log is found by its structure: what looks like a "
		       "printk_ringbuffer (Linux 5.10 or later), at guest-physical 0x401010\n");
}

// A kernel that moved to a larger log has left the first one, which is older.
static void test_newer_ring(void **state)
{
	(void)state;
	struct fake_kernel first = plain;
	first.log = 0x408000;
	fake_kernel_write(ram, &first);
	fake_kernel_write(ram, &plain);
	for (uint64_t i = 0; i < 4; i++)
		put_uint(ram + first.log + FAKE_LOG_INFOS + i * 88 + 8, 8, i);
	memset(ram + plain.note, 0, PAGE);
	use_tables(0, plain.tables);
	assert_success(print_guest());
	assert_printed(expected);
	assert_noticed("0x401010");

	// Now the other way round.
	end_test(NULL);
	begin_test(NULL);
	first = plain;
	first.log = 0x400800;
	fake_kernel_write(ram, &first);
	fake_kernel_write(ram, &plain);
	for (uint64_t i = 0; i < 4; i++)
		put_uint(ram + first.log + FAKE_LOG_INFOS + i * 88 + 8, 8, i);
	memset(ram + plain.note, 0, PAGE);
	use_tables(0, plain.tables);
	assert_success(print_guest());
	assert_printed(expected);
	assert_noticed("0x401010");
}

static void test_not_booted(void **state)
{
	(void)state;
	assert_error(print_guest(), GG_NOT_FOUND, "the guest has not booted");
}

static void test_not_linux(void **state)
{
	(void)state;
	fake_kernel_write(ram, &plain);
	memset(ram + plain.note, 0, PAGE);
	memset(ram + plain.log, 0, FAKE_LOG_SIZE);
	use_tables(0, plain.tables);
	assert_error(print_guest(), GG_NOT_FOUND, "there is no Linux kernel in the guest's RAM");
}

static void test_no_log(void **state)
{
	(void)state;
	strcpy((char *)ram + 0x500000, "Linux version 6.1.0 (gcc) #1");
	use_tables(0, plain.tables);
	assert_error(print_guest(), GG_NOT_FOUND,
		     "there is a Linux kernel in the guest's RAM, but no log of it is found");
}

static void test_no_tables(void **state)
{
	(void)state;
	fake_kernel_write(ram, &plain);
	memset(ram + plain.tables, 0, 8 * PAGE);
	assert_error(print_guest(), GG_NOT_FOUND, "its page tables do not map _stext");
}

static void test_reset(void **state)
{
	(void)state;
	fake_kernel_write(ram, &plain);
	for (unsigned int i = 0; i < FAKE_CPUS; i++)
		put_uint(qemu.structures + FAKE_CPU + i * FAKE_CPU_SIZE + FAKE_CPU_HFLAGS, 4, 0);
	assert_success(print_guest());
	assert_printed(expected);
	assert_non_null(strstr(told, "no CPU uses page tables, as after a reset"));
}

// Copies the bytes of an older log into RAM.
static void put_log(const char *layout, unsigned int size_bits, uint64_t gpa)
{
	size_t size;
	struct log_image *image = log_image_create(layout, 0, size_bits, 0);
	static const char *const texts[] = { "Linux version 3.4.0 (gcc)", "Command line: quiet",
					     "two\nlines", "the last" };
	assert_non_null(image);
	for (size_t i = 0; i < 4; i++) {
		const struct log_image_record record = { .text = texts[i],
							 .text_size = strlen(texts[i]),
							 .time = i * 1000000000,
							 .level = 6,
							 .flags = 2 };
		log_image_add(image, &record);
	}
	log_image_finish(image);
	memcpy(ram + gpa, log_image_part(image, "data", &size), UINT64_C(1) << size_bits);
	log_image_destroy(image);
}

static const char old_log[] = "[    0.000000] Linux version 3.4.0 (gcc)\n"
			      "[    1.000000] Command line: quiet\n[    2.000000] two\n"
			      "[    2.000000] lines\n[    3.000000] the last\n";

static void test_old_structures(void **state)
{
	static const char *const layouts[] = { "records-v3.5", "records-v3.11",
					       "records-v5.1-caller", "bytes-v3.4" };
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		// The banner, which is no record; and a line of a log in some program's memory.
		strcpy((char *)ram + 0x20000, "Linux version 3.4.0 (gcc)");
		strcpy((char *)ram + 0x21000, "<6>Linux version 2 it is\n");
		put_log(layouts[i], 12, 0x523450);
		assert_success(print_guest());
		assert_printed(old_log);
		assert_noticed("0x523450\n");
		end_test(NULL);
		begin_test(NULL);
	}
}

// ---- In a transcript ----

static struct gg_error *print_transcript(void)
{
	return print_query(NULL, &(struct gg_log_query){ .transcript = path });
}

// Prints SIZE bytes as xp does: in format c for a size of 0.
static void transcribe(FILE *file, const uint8_t *bytes, uint64_t size, uint64_t address,
		       unsigned int width)
{
	const uint64_t per_line = width ? 16 : 8;
	for (uint64_t i = 0; i < size; i += per_line) {
		fprintf(file, "%016" PRIx64 ":", address + i);
		for (uint64_t j = i; j < i + per_line && j < size; j += width ? width : 1) {
			uint64_t value = 0;
			for (unsigned int k = 0; k < width; k++)
				value |= (uint64_t)bytes[j + k] << 8 * k;
			if (width)
				fprintf(file, " 0x%0*" PRIx64, (int)width * 2, value);
			else if (bytes[j] == '\'' || bytes[j] == '\\')
				fprintf(file, " '\\%c'", bytes[j]);
			else if (bytes[j] == '\n' || bytes[j] == '\r')
				fprintf(file, " '\\%c'", bytes[j] == '\n' ? 'n' : 'r');
			else if (bytes[j] >= ' ' && bytes[j] <= '~')
				fprintf(file, " '%c'", bytes[j]);
			else
				fprintf(file, " '\\x%02x'", bytes[j]);
		}
		fprintf(file, "\r\n");
	}
}

static FILE *open_transcript(void)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "QEMU 7.2.22 monitor - type 'help' for more information\r\n"
		      "(qemu) xp /1000xb 0x1000\r\n"
		      "0000000000001000: Cannot access memory\r\n"
		      "ffffffff81000000: 0x12 0x1\r\n");
	return file;
}

static void test_transcript_formats(void **state)
{
	static const unsigned int widths[] = { 0, 1, 2, 4, 8 };
	(void)state;
	put_log("bytes-v3.4", 12, 0x500000);
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		FILE *file = open_transcript();
		// The second half first, and a part of it twice.
		transcribe(file, ram + 0x500040, 0x200, 0xffffffff81500040, widths[i]);
		transcribe(file, ram + 0x500000, 0x80, 0xffffffff81500000, widths[i]);
		fclose(file);
		assert_success(print_transcript());
		assert_printed(old_log);
		assert_noticed("a buffer of lines (Linux before 3.5), at 0xffffffff81500000");
	}
}

static void test_transcript_records(void **state)
{
	(void)state;
	put_log("records-v3.11", 12, 0x500000);
	FILE *file = open_transcript();
	transcribe(file, ram + 0x500000, 0x1000, 0x500000, 0);
	fclose(file);
	assert_success(print_transcript());
	assert_printed(old_log);
	assert_noticed("a buffer of records (Linux 3.5 to 5.9), at 0x500000");
}

static void print_parts(const char *layout, uint64_t records, uint64_t distance)
{
	static const struct {
		const char *name;
		uint64_t address;
	} parts[] = { { "ring", 0xffffffff81020040 },
		      { "descs", 0xffffffff81100040 },
		      { "infos", 0xffffffff81200040 },
		      { "data", 0xffffffff81400040 } };
	struct log_image *image = log_image_create(layout, 4, 8, 0);
	for (uint64_t i = 0; i < records; i++)
		log_image_add(image, &(struct log_image_record){ .text = "a text",
								 .text_size = 6,
								 .time = i * 1000000000,
								 .state = 2,
								 .flags = 2 });
	log_image_finish(image);
	FILE *file = open_transcript();
	for (size_t i = 0; i < 4; i++) {
		size_t size;
		uint8_t *bytes = log_image_part(image, parts[i].name, &size);
		if (!i) { // its pointers, as a kernel's
			put_uint(bytes + 8, 8, parts[1].address);
			put_uint(bytes + 16, 8, parts[2].address);
			put_uint(bytes + (strcmp(layout, "ring-v5.10") ? 56 : 48), 8,
				 parts[3].address);
		}
		transcribe(file, bytes, size, parts[i].address - distance, i % 2 ? 8 : 1);
	}
	fclose(file);
	log_image_destroy(image);
}

static void test_transcript_ring(void **state)
{
	static const char *const layouts[] = { "ring-v5.10", "ring-v6.1", "ring-2025" };
	// By virtual addresses, and by physical ones.
	static const uint64_t distances[] = { 0, 0xffffffff80000000, 0xffffffff7a000000 };
	(void)state;
	for (size_t i = 0; i < 9; i++) {
		print_parts(layouts[i / 3], 40, distances[i % 3]);
		assert_success(print_transcript());
		assert_non_null(strstr(output, "note: the log starts at 2"));
		for (unsigned int second = 26; second < 40; second++) {
			char line[32];
			snprintf(line, sizeof(line), "[   %u.000000] a text\n", second);
			assert_non_null(strstr(output, line));
		}
		assert_noticed("a printk_ringbuffer (Linux 5.10 or later), at 0x");
	}
}

// The ring's end is not in the transcript, but the time falls back there.
static void test_transcript_wrapped(void **state)
{
	size_t size;
	static const char *const layouts[] = { "bytes-v3.4", "records-v3.11" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct log_image *image = log_image_create(layouts[i], 0, 8, 0);
		for (uint64_t j = 0; j < 40; j++)
			log_image_add(image, &(struct log_image_record){ .text = "a text",
									 .text_size = 6,
									 .time = j * 2000000000,
									 .level = 6,
									 .flags = 2 });
		log_image_finish(image);
		FILE *file = open_transcript();
		transcribe(file, log_image_part(image, "data", &size), 256, 0x500000, 1);
		fclose(file);
		log_image_destroy(image);
		assert_success(print_transcript());
		assert_non_null(strstr(output, "[   72.000000] a text\n[   74.000000] a text\n"
					       "[   76.000000] a text\n[   78.000000] a text\n"));
		assert_int_equal(strlen(output) - strlen("[   78.000000] a text\n"),
				 (size_t)(strstr(output, "[   78.") - output));
	}
}

static void test_transcript_errors(void **state)
{
	(void)state;
	FILE *file = fopen(path, "w");
	fprintf(file, "nothing of the kind\n0000000000001000: 0x12 0x1\n12: 0x12\n"
		      "0000000000001000: 'a\n0000000000001000: '\\q'\n0000000000001000:\n"
		      "00000000000000001000: 0x12\n0000000000001000: 0x12 what?\n");
	fclose(file);
	assert_error(print_transcript(), GG_BAD_DATA, "it has no line as x and xp");
	file = fopen(path, "w");
	fprintf(file, "0000000000001000: 0x12 0x13\n");
	fclose(file);
	assert_error(print_transcript(), GG_NOT_FOUND, "no printk_ringbuffer");
	unlink(path);
	assert_error(print_transcript(), GG_SYSTEM, path);
}

static void test_transcript_limits(void **state)
{
	(void)state;
	struct gg_transcript *transcript;
	uint8_t bytes[2];
	static const char text[] = "ffffffffffffffff: 0x12 0x13\nffffffffffffffff: 0x14\n"
				   "0000000000000000: 0x15\nfffffffffffffffe: 0x16\n";
	assert_success(gg_transcript_parse(text, sizeof(text) - 1, &transcript));
	const struct gg_ram_map *map = gg_transcript_map(transcript);
	assert_int_equal(map->size, 3);
	assert_success(gg_ram_map_read(map, 0xfffffffffffffffe, bytes, 2));
	assert_int_equal(bytes[0], 0x16);
	assert_int_equal(bytes[1], 0x14);
	assert_error(gg_ram_map_read(map, 1, bytes, 1), GG_FAULT, "0x1 is not RAM");
	gg_transcript_destroy(transcript);
	assert_error(gg_transcript_parse("", 0, &transcript), GG_BAD_DATA, "no line");
}

// ---- Into a file ----

static void test_save(void **state)
{
	(void)state;
	const struct gg_log_query query = { 0 };
	const struct gg_log_style style = { 0 };
	char text[512] = "";
	uint64_t count;
	fake_kernel_write(ram, &plain);
	assert_error(gg_guest_log_save(guest, &query, &style, path, false, NULL, &count),
		     GG_INVALID, "it exists; -force replaces it");
	assert_success(gg_guest_log_save(guest, &query, &style, path, true, NULL, &count));
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	assert_string_equal(text, expected);
}

static void test_save_nothing(void **state)
{
	(void)state;
	const struct gg_log_query query = { 0 };
	const struct gg_log_style style = { 0 };
	uint64_t count;
	unlink(path);
	assert_error(gg_guest_log_save(guest, &query, &style, path, false, NULL, &count),
		     GG_NOT_FOUND, "not booted");
	assert_int_equal(access(path, F_OK), -1);
}

static struct gg_error *refuse(void *data, const struct gg_log_record *record)
{
	(void)data, (void)record;
	return gg_error_create(GG_NOT_FOUND, "enough");
}

static void test_refused(void **state)
{
	(void)state;
	fake_kernel_write(ram, &plain);
	assert_error(gg_guest_log(guest, &(struct gg_log_query){ 0 }, refuse, NULL, NULL),
		     GG_NOT_FOUND, "enough");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		UNIT_TEST("a guest's log is found by VMCOREINFO", test_vmcoreinfo),
		UNIT_TEST("without it, by what a ring looks like and the CPUs' page tables",
			  test_structure),
		UNIT_TEST("of two rings the one with the newer record is taken", test_newer_ring),
		UNIT_TEST("a guest that has not booted is said to be so", test_not_booted),
		UNIT_TEST("a guest that is not Linux is said to be so", test_not_linux),
		UNIT_TEST("a Linux whose log is not found is said to be one", test_no_log),
		UNIT_TEST("that the page tables are gone is said", test_no_tables),
		UNIT_TEST("the log of a guest that was reset is its kernel's", test_reset),
		UNIT_TEST("older logs are found by their first text, without page tables",
			  test_old_structures),
		UNIT_TEST("a transcript in the formats c and x of all sizes is read",
			  test_transcript_formats),
		UNIT_TEST("a transcript of records is read", test_transcript_records),
		UNIT_TEST("a transcript of a ring is read, by virtual and physical addresses",
			  test_transcript_ring),
		UNIT_TEST("a transcript of a log that has wrapped is in order",
			  test_transcript_wrapped),
		UNIT_TEST("a file that is no transcript, or of something else, is an error",
			  test_transcript_errors),
		UNIT_TEST("a transcript's addresses do not wrap", test_transcript_limits),
		UNIT_TEST("a log is saved, and replaces a file if it is forced to", test_save),
		UNIT_TEST("where there is no log there is no file", test_save_nothing),
		UNIT_TEST("a visitor's error ends it", test_refused),
	};
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		tests[i].setup_func = begin_test;
		tests[i].teardown_func = end_test;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
