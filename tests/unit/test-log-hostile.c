// SPDX-License-Identifier: GPL-3.0-or-later
//
// Logs of a guest that wants its reader to work for ever: as large as can be said, in page tables
// that map one page over and over, or none. What a reader may do is counted, not timed.
#include "log-image.h"
#include "unit.h"
#include "printed.h"

#include "linux/log/log.h"
#include "memory/window.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, MAX_READS = 100000, LARGEST = 256 << 20 };

// From here on one page is mapped everywhere; from there on nothing is.
#define MAPPED   UINT64_C(0xffff800000000000)
#define UNMAPPED UINT64_C(0xfffff00000000000)

static struct log_image *image;
static uint8_t page[PAGE];
static uint64_t reads, bytes_read, records, text_size;
static struct gg_host host;

static struct gg_error *hostile_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_host *inner = data;
	uint8_t *bytes = buffer;
	reads++;
	if (address + size > UNMAPPED)
		return gg_error_fault(address, "it is not mapped");
	bytes_read += size;
	if (address < MAPPED)
		return inner->ops->read(inner->data, address, buffer, size);
	for (size_t done = 0; done < size;) {
		const size_t at = (address + done) % PAGE;
		const size_t piece = size - done < PAGE - at ? size - done : PAGE - at;
		memcpy(bytes + done, page + at, piece);
		done += piece;
	}
	return NULL;
}

static struct gg_error *hostile_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct gg_host *inner = data;
	return inner->ops->symbol(inner->data, name, ret);
}

static struct gg_error *hostile_member(void *data, const char *type, const char *path,
				       struct gg_member *ret)
{
	const struct gg_host *inner = data;
	return inner->ops->member(inner->data, type, path, ret);
}

static const struct gg_host_ops hostile_ops = {
	.read = hostile_read,
	.symbol = hostile_symbol,
	.member = hostile_member,
};

static struct gg_error *count_record(void *data, const struct gg_log_record *record)
{
	(void)data;
	records++;
	text_size += record->text_size;
	return NULL;
}

static void begin(const char *layout)
{
	image = log_image_create(layout, 4, 10, 0);
	log_image_add(image,
		      &(struct log_image_record){ .text = "first", .text_size = 5, .state = 2 });
	log_image_finish(image);
	host = *log_image_host(image);
	host.data = (void *)log_image_host(image);
	host.ops = &hostile_ops;
	reads = bytes_read = records = text_size = 0;
	forget_output();
	memset(page, 0, PAGE);
}

static void put(const char *part, size_t offset, unsigned int size, uint64_t value)
{
	size_t part_size;
	put_uint(log_image_part(image, part, &part_size) + offset, size, value);
}

// Reads the log, and checks that it was not too much work.
static struct gg_error *read_all(void)
{
	struct gg_log_sink sink = { .record = count_record, .notices = &to_told };
	struct gg_error *err = gg_log_read(&host, &sink);
	gg_log_sink_deinit(&sink);
	log_image_destroy(image);
	assert_between(reads, 1, MAX_READS);
	assert_between(bytes_read, 1, LARGEST);
	return err;
}

// All ids that there can be: the descriptors at DESCS, the infos at INFOS.
static void begin_ring(uint64_t descs, uint64_t infos)
{
	begin("ring-v6.1");
	put("ring", 0, 4, 26);
	put("ring", 8, 8, descs);
	put("ring", 16, 8, infos);
	put("ring", 24, 8, 0x3fffffe);
	put("ring", 32, 8, 0);
	put("ring", 48, 4, 31);
	put("ring", 56, 8, MAPPED);
}

static void test_zero_descriptors(void **state)
{
	(void)state;
	begin_ring(MAPPED, MAPPED);
	gg_error_destroy(read_all());
	assert_int_equal(records, 0);
}

static void test_wrong_descriptors(void **state)
{
	(void)state;
	begin_ring(MAPPED, MAPPED);
	memset(page, 0xa5, PAGE);
	gg_error_destroy(read_all());
	assert_int_equal(records, 0);
}

static void test_no_descriptors(void **state)
{
	(void)state;
	begin_ring(UNMAPPED, UNMAPPED);
	assert_error(read_all(), GG_BAD_DATA, "none of its 67108864 descriptors is sound");
}

static void test_records_over_and_over(void **state)
{
	(void)state;
	begin("records-v3.11");
	put("variables", 0, 8, MAPPED);
	put("variables", 8, 4, 0x80000000);
	put("variables", 16, 4, 0);
	put("variables", 24, 4, 0x80000000);
	for (size_t at = 0; at < PAGE; at += 32) {
		put_uint(page + at + 8, 2, 32);
		put_uint(page + at + 10, 2, 16);
	}
	assert_success(read_all());
	assert_between(records, 1, 1 << 21);
	assert_non_null(strstr(told, "the log goes on, but is larger than any that is read"));
}

static void test_no_sound_record(void **state)
{
	(void)state;
	begin("records-v3.11");
	memset(page, 0xff, PAGE);
	put("variables", 0, 8, MAPPED);
	put("variables", 8, 4, 0x80000000);
	put("variables", 16, 4, 0);
	put("variables", 24, 4, 0x80000000);
	assert_success(read_all());
	assert_int_equal(records, 0);
	assert_non_null(strstr(told, "so much of the log is damaged"));
}

static void test_unmapped_records(void **state)
{
	(void)state;
	begin("records-v3.11");
	put("variables", 0, 8, UNMAPPED);
	put("variables", 8, 4, 0x80000000);
	put("variables", 16, 4, 0);
	put("variables", 24, 4, 0x80000000);
	assert_success(read_all());
	assert_int_equal(records, 0);
	assert_non_null(strstr(told, "so much of the log is damaged"));
}

static void test_lines_over_and_over(void **state)
{
	static const char *const lines[] = { "<6>[    1.000000] a line\n", "\n", "a", "<6>\n" };
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		begin("bytes-v3.4");
		for (size_t at = 0; at < PAGE; at++)
			page[at] = (uint8_t)lines[i][at % strlen(lines[i])];
		put("variables", 0, 8, MAPPED);
		put("variables", 8, 4, 0x80000000);
		put("variables", 24, 4, 0xffffffff);
		assert_success(read_all());
		assert_between(records, 1, (1 << 21) + 1);
		assert_between(text_size, 0, (1 << 26) + 2 * 65536);
		assert_non_null(strstr(told, "the log goes on"));
	}
}

static void test_unmapped_lines(void **state)
{
	(void)state;
	begin("bytes-v3.4");
	put("variables", 0, 8, UNMAPPED);
	put("variables", 8, 4, 0x80000000);
	put("variables", 24, 4, 0xffffffff);
	assert_success(read_all());
	assert_int_equal(records, 0);
	assert_non_null(strstr(told, "so much of the log is damaged"));
}

// The longest possible text: the kernel itself makes none of more than 1,024.
static void test_longest_text(void **state)
{
	static const char *const layouts[] = { "ring-v6.1", "records-v3.11", "bytes-v3.4" };
	enum { LENGTH = 65000 };
	(void)state;
	char *text = malloc(LENGTH);
	memset(text, 0xff, LENGTH);
	for (size_t i = 0; i < 3; i++) {
		begin("ring-v6.1");
		log_image_destroy(image);
		image = log_image_create(layouts[i], 4, 17, 0);
		const struct log_image_record record = {
			.text = text, .text_size = LENGTH, .state = 2, .flags = 2
		};
		log_image_add(image, &record);
		log_image_finish(image);
		host.data = (void *)log_image_host(image);
		assert_success(read_all());
		assert_int_equal(records, 1);
		assert_int_equal(text_size, LENGTH);
		assert_string_equal(told, "");
	}
	free(text);
}

static void test_missing_page(void **state)
{
	(void)state;
	struct gg_window window;
	const uint8_t *bytes;
	begin("ring-v6.1");
	gg_window_init(&window, &host, UNMAPPED - 2 * PAGE, 16 * PAGE);
	assert_success(gg_window_get(&window, 8, 8, 16 * PAGE, &bytes));
	assert_success(gg_window_get(&window, 2 * PAGE - 8, 8, 14 * PAGE, &bytes));
	assert_error(gg_window_get(&window, 2 * PAGE, 8, 14 * PAGE, &bytes), GG_FAULT,
		     "not mapped");
	const uint64_t before = reads;
	assert_error(gg_window_get(&window, 3 * PAGE - 8, 8, 14 * PAGE, &bytes), GG_FAULT,
		     "not mapped");
	assert_int_equal(reads, before);
	assert_int_equal(window.faults, 1);
	assert_error(gg_window_get(&window, 3 * PAGE, 8, PAGE, &bytes), GG_FAULT, "not mapped");
	assert_int_equal(window.faults, 2);
	assert_error(gg_window_get(&window, 16 * PAGE - 4, 8, PAGE, &bytes), GG_BAD_DATA,
		     "8 bytes at offset 65532 of the 65536 bytes");
	gg_window_deinit(&window);
	log_image_destroy(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("a text of 64 KiB is one record", test_longest_text),
		UNIT_TEST("a page that is not there is asked for once, and hides no other",
			  test_missing_page),
		UNIT_TEST("64 million descriptors that are zero are not gone through",
			  test_zero_descriptors),
		UNIT_TEST("nor if they are another's", test_wrong_descriptors),
		UNIT_TEST("nor if they are not there", test_no_descriptors),
		UNIT_TEST("2 GiB of records, in one page, are cut, and said to be",
			  test_records_over_and_over),
		UNIT_TEST("in 2 GiB without a record none is looked for to the end",
			  test_no_sound_record),
		UNIT_TEST("nor where they are not there", test_unmapped_records),
		UNIT_TEST("2 GiB of lines, in one page, are cut, and said to be",
			  test_lines_over_and_over),
		UNIT_TEST("nor are they read where they are not there", test_unmapped_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
