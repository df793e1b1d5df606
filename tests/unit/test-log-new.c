// SPDX-License-Identifier: GPL-3.0-or-later
//
// A log that grows between two looks, of each layout.
#include "log-image.h"
#include "unit.h"

#include "base/buffer.h"
#include "linux/log/new.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FINALIZED = 2, NEWLINE = 2, PATIENCE = 16 };

// A host that counts the bytes it reads.
struct counting_host {
	struct gg_host host;
	const struct gg_host *inner;
	uint64_t bytes;
};

static struct log_image *image;
static struct gg_log_new log_new;
static struct gg_buffer shown; // "TEXT;", "[LOST]TEXT;"
static char notices[512];
static struct counting_host counting;

static struct gg_error *show_record(void *data, const struct gg_log_record *record)
{
	(void)data;
	if (record->lost)
		gg_buffer_format(&shown, "[%" PRIu64 "]", record->lost);
	gg_buffer_append(&shown, record->text, record->text_size);
	gg_buffer_append(&shown, ";", 1);
	return gg_buffer_check(&shown);
}

static struct gg_error *keep_notice(void *data, const char *text)
{
	(void)data;
	strncat(notices, text, sizeof(notices) - strlen(notices) - 1);
	return NULL;
}

static const struct gg_notices collector = { .tell = keep_notice };

static struct gg_error *count_read(void *data, uint64_t address, void *buffer, size_t size)
{
	struct counting_host *host = data;
	host->bytes += size;
	return gg_host_read(host->inner, address, buffer, size);
}

static struct gg_error *pass_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct counting_host *host = data;
	return gg_host_symbol(host->inner, name, ret);
}

static struct gg_error *pass_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	const struct counting_host *host = data;
	return host->inner->ops->member(host->inner->data, type, path, ret);
}

static const struct gg_host_ops counting_ops = {
	.read = count_read,
	.symbol = pass_symbol,
	.member = pass_member,
};

static void begin(const char *layout, unsigned int count_bits, unsigned int size_bits)
{
	image = log_image_create(layout, count_bits, size_bits, 0);
	assert_non_null(image);
}

static int begin_test(void **state)
{
	(void)state;
	log_new = (struct gg_log_new){ .record = show_record, .notices = &collector };
	shown = (struct gg_buffer){ 0 };
	notices[0] = 0;
	image = NULL;
	return 0;
}

static int end_test(void **state)
{
	(void)state;
	gg_buffer_deinit(&shown);
	log_image_destroy(image);
	return 0;
}

static void add_at(const char *text, uint64_t time, unsigned int state)
{
	const struct log_image_record record = { .text = text,
						 .text_size = strlen(text),
						 .time = time,
						 .level = 6,
						 .flags = NEWLINE,
						 .state = state };
	log_image_add(image, &record);
}

static void add(const char *text)
{
	static uint64_t now = 1000000;
	add_at(text, now += 1000000, FINALIZED);
}

static struct gg_error *read_image(void *source, struct gg_log_sink *sink)
{
	return gg_log_read(source, sink);
}

static struct gg_error *look(void)
{
	log_image_finish(image);
	counting = (struct counting_host){ .host = *log_image_host(image),
					   .inner = log_image_host(image) };
	counting.host.ops = &counting_ops;
	counting.host.data = &counting;
	shown.size = 0;
	struct gg_error *err = gg_log_new_read(&log_new, read_image, &counting.host);
	gg_buffer_append(&shown, "", 1);
	return err;
}

static void assert_shown(const char *text)
{
	assert_success(look());
	assert_string_equal((const char *)shown.bytes, text);
}

static bool has_time(const char *layout)
{
	return !strstr(layout, "no-time");
}

static void test_once(void **state)
{
	(void)state;
	for (const char *const *layout = log_image_layouts; *layout; layout++) {
		if (!has_time(*layout))
			continue;
		begin_test(NULL);
		begin(*layout, 4, 10);
		add("one");
		add("two");
		assert_shown("one;two;");
		assert_shown("");
		add("three");
		assert_shown("three;");
		for (unsigned int i = 0; i < 40; i++) {
			char text[32], expected[64];
			snprintf(text, sizeof(text), "a %u", i);
			snprintf(expected, sizeof(expected), "a %u;b;", i);
			add(text);
			add("b");
			assert_shown(expected);
		}
		assert_shown("");
		assert_string_equal(notices, "");
		end_test(NULL);
	}
	image = NULL;
}

static void test_same_time(void **state)
{
	(void)state;
	begin("bytes-v3.4", 4, 10);
	add_at("one", 5000000, 0);
	assert_shown("one;");
	add_at("two", 5000000, 0);
	add_at("three", 5000000, 0);
	assert_shown("two;three;");
	assert_shown("");
	add_at("four", 5000000, 0);
	add_at("five", 6000000, 0);
	assert_shown("four;five;");
	assert_shown("");
}

static void test_no_time(void **state)
{
	(void)state;
	begin("bytes-v2.6.32-no-time", 4, 10);
	add("one");
	assert_error(look(), GG_UNSUPPORTED, "neither numbers nor times");
}

static void test_lost(void **state)
{
	(void)state;
	begin("ring-v6.1", 3, 10);
	add("one");
	assert_shown("one;");
	for (unsigned int i = 0; i < 20; i++)
		add(i < 19 ? "x" : "last");
	// The last of the 8 descriptors is always left to be taken next.
	assert_success(look());
	assert_memory_equal(shown.bytes, "[12]x;", 6);
	assert_string_equal((char *)shown.bytes + strlen((char *)shown.bytes) - 5, "last;");
	assert_shown("");
}

static void test_unfinished(void **state)
{
	(void)state;
	begin("ring-v6.1", 4, 10);
	add("one");
	add_at("the start of a line", 2, 1);
	assert_shown("one;");
	assert_shown("");
	// The record has grown: the kernel writes it again in its place, which here is a new image.
	log_image_destroy(image);
	begin("ring-v6.1", 4, 10);
	add("one");
	add("the start of a line, and its end");
	add("three");
	assert_shown("the start of a line, and its end;three;");
}

static void test_never_finished(void **state)
{
	(void)state;
	begin("ring-v6.1", 4, 10);
	add("one");
	add_at("of a CPU that died", 2, 0);
	add("three");
	assert_shown("one;");
	for (unsigned int i = 1; i < PATIENCE; i++)
		assert_shown("");
	assert_success(look());
	assert_success(look());
	assert_string_equal((char *)shown.bytes, "[1]three;");
	add("four");
	assert_shown("four;");
}

static void test_unfinished_line(void **state)
{
	(void)state;
	enum { LOG_END = 24 };
	size_t size;
	begin("bytes-v3.4", 4, 10);
	add("one");
	add("two");
	log_image_finish(image);
	uint8_t *end = log_image_part(image, "variables", &size) + LOG_END;
	const uint8_t whole = *end;
	shown.size = 0;
	for (int take = 2; take >= 0; take--) {
		shown.size = 0;
		*end = (uint8_t)(whole - take);
		assert_success(
			gg_log_new_read(&log_new, read_image, (void *)log_image_host(image)));
		gg_buffer_append(&shown, "", 1);
		assert_string_equal((char *)shown.bytes, take == 2 ? "one;" : take ? "" : "two;");
	}
}

static void test_anew(void **state)
{
	static const char *const layouts[] = { "ring-v6.1", "ring-v6.1-32", "bytes-v3.4" };
	(void)state;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		begin_test(NULL);
		begin(layouts[i], 4, 10);
		for (unsigned int n = 0; n < 10; n++)
			add_at("old", 1000000000 + n, FINALIZED);
		assert_success(look());
		log_image_destroy(image);
		begin(layouts[i], 4, 10);
		add_at("first", 1000, FINALIZED);
		add_at("second", 2000, FINALIZED);
		assert_shown("first;second;");
		assert_string_equal(notices, "the log starts anew: the guest was started again, or "
					     "a snapshot was loaded");
		assert_shown("");
		end_test(NULL);
	}
	image = NULL;
}

static void test_little_read(void **state)
{
	enum { MOST = 2048 };
	(void)state;
	begin("ring-v6.1", 12, 17);
	for (unsigned int i = 0; i < 3000; i++)
		add("as much as a kernel logs");
	assert_success(look());
	assert_true(counting.bytes > 3000 * 88);
	add("the new one");
	assert_shown("the new one;");
	assert_true(counting.bytes < MOST);
	assert_shown("");
	assert_true(counting.bytes < MOST);
}

static void test_forget(void **state)
{
	(void)state;
	begin("ring-v6.1", 4, 10);
	add("one");
	assert_shown("one;");
	gg_log_new_forget(&log_new);
	assert_shown("one;");
}

#define TEST(sentence, function) UNIT_TEST_WITH(begin_test, end_test, sentence, function)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("of each layout each record is shown once and in order", test_once),
		TEST("records with one time are told apart by how many there were", test_same_time),
		TEST("a log without numbers and times is refused", test_no_time),
		TEST("what was overwritten in between is told as lost", test_lost),
		TEST("a record that may still grow is waited for", test_unfinished),
		TEST("one that is never finished is given up", test_never_finished),
		TEST("a line that is not at its end is waited for", test_unfinished_line),
		TEST("a log that starts anew is shown from its start, and told of", test_anew),
		TEST("of a ring only what is new is read", test_little_read),
		TEST("a position that is forgotten is at the start", test_forget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
