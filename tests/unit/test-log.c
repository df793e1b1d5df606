// SPDX-License-Identifier: GPL-3.0-or-later
//
// Logs made of texts. A case is a file in tests/log, one thing a line:
//
//     # the sentence that the case proves
//     layout NAME [count_bits=N] [size_bits=N] [first=N]       of log-image.c
//     record [time=S.F] [level=N] [facility=N] [flags=N] [caller=N] [state=N] [lost] [repeat=N]
//            [subsystem=S] [device=S] text="..."               %d is the number of the repetition
//     clear                                                    the log, here
//     poke PART OFFSET SIZE VALUE                              VALUE of 1 to 8 bytes, as the kernel
//     fill PART OFFSET SIZE BYTE                                      has it, or all of a byte
//     query [level=N] [facility=N] [tail=N] [since-clear] [grep="..."]       level, facility: bits
//           [before=N] [after=N] [since=NS] [until=NS]
//     style [raw] [decode] [caller] [json] [colour] [ascii]
//     expect TEXT                                              a line
//     error TEXT                                               what the error's message has in it
//
// In "..." and TEXT \n, \e, \\, \" and \xHH are what they are in C. Notices are expected behind the
// records, as lines that start "note: ".
#include "case-file.h"
#include "log-image.h"

#include "linux/log/filter.h"
#include "linux/log/printer.h"
#include "linux/log/text.h"
#include "linux/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
	char key[32];
	char *value; // NULL for a word alone
	size_t size;
};

enum { MAX_WORDS = 16 };

struct test_case {
	struct log_image *image;
	struct gg_log_query query;
	struct gg_log_style style;
	struct gg_buffer expected, got, notices;
	char *error;
	char *pattern;
	struct gg_log_printer printer;
	struct gg_log_filter filter;
};

// ---- The language ----

static size_t split(const char *line, struct word words[MAX_WORDS])
{
	size_t count = 0;
	while (*(line += strspn(line, " \t")) && *line != '\n') {
		struct word *word = &words[count++];
		const size_t key = strcspn(line, "= \t\n");
		assert_true(count < MAX_WORDS && key < sizeof(word->key));
		memcpy(word->key, line, key);
		word->key[key] = 0;
		word->value = NULL;
		line += key;
		if (*line != '=')
			continue;
		line += line[1] == '"' ? 2 : 1;
		word->value = unescape(&line, line[-1] == '"' ? '"' : ' ', &word->size);
	}
	return count;
}

static const struct word *find_word(const struct word *words, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i].key, key))
			return &words[i];
	return NULL;
}

static uint64_t number(const struct word *words, size_t count, const char *key, uint64_t fallback)
{
	const struct word *word = find_word(words, count, key);
	return word && word->value ? strtoull(word->value, NULL, 0) : fallback;
}

static const char *text_of(const struct word *words, size_t count, const char *key)
{
	const struct word *word = find_word(words, count, key);
	return word ? word->value : NULL;
}

// ---- What the lines do ----

static void do_layout(struct test_case *test, const char *line)
{
	struct word words[MAX_WORDS];
	const size_t count = split(line, words);
	test->image =
		log_image_create(words[0].key, (unsigned int)number(words, count, "count_bits", 4),
				 (unsigned int)number(words, count, "size_bits", 10),
				 number(words, count, "first", 0));
	if (!test->image)
		fail_msg("no layout %s", words[0].key);
	for (size_t i = 0; i < count; i++)
		free(words[i].value);
}

static uint64_t nanoseconds(const char *text)
{
	char *end;
	uint64_t seconds = text ? strtoull(text, &end, 10) : 0, fraction = 0, unit = 1000000000;
	if (text && *end == '.')
		for (end++; *end && unit > 1; end++) {
			unit /= 10;
			fraction += (uint64_t)(*end - '0') * unit;
		}
	return seconds * 1000000000 + fraction;
}

static void do_record(struct test_case *test, const char *line)
{
	enum { SECOND = 1000000000 };
	struct word words[MAX_WORDS];
	const size_t count = split(line, words);
	const struct word *text = find_word(words, count, "text");
	const char *number_mark = text ? strstr(text->value, "%d") : NULL;
	struct log_image_record record = {
		.subsystem = text_of(words, count, "subsystem"),
		.device = text_of(words, count, "device"),
		.time = nanoseconds(text_of(words, count, "time")),
		.level = (unsigned int)number(words, count, "level", 6),
		.facility = (unsigned int)number(words, count, "facility", 0),
		.flags = (unsigned int)number(words, count, "flags", 2),
		.caller = (uint32_t)number(words, count, "caller", 1),
		.state = (unsigned int)number(words, count, "state", 2),
		.no_room = find_word(words, count, "lost"),
		.text = text ? text->value : "",
		.text_size = text ? text->size : 0,
	};
	const uint64_t repeat = number(words, count, "repeat", 1);
	for (uint64_t i = 0; i < repeat; i++) {
		char numbered[4096];
		if (number_mark) {
			snprintf(numbered, sizeof(numbered), "%.*s%" PRIu64 "%s",
				 (int)(number_mark - text->value), text->value, i, number_mark + 2);
			record.text = numbered;
			record.text_size = strlen(numbered);
		}
		log_image_add(test->image, &record);
		record.time += SECOND;
	}
	for (size_t i = 0; i < count; i++)
		free(words[i].value);
}

static void do_clear(struct test_case *test, const char *line)
{
	(void)line;
	log_image_clear(test->image);
}

// " PART OFFSET SIZE VALUE": where SIZE bytes at OFFSET are.
static uint8_t *parse_place(struct test_case *test, const char *line, size_t *size, uint64_t *value)
{
	char part[32], *end;
	int used = 0;
	size_t part_size;
	assert_int_equal(sscanf(line, " %31s %n", part, &used), 1);
	const size_t offset = strtoull(line + used, &end, 0);
	*size = strtoull(end, &end, 0);
	*value = strtoull(end, NULL, 0);
	uint8_t *bytes = log_image_part(test->image, part, &part_size);
	assert_non_null(bytes);
	assert_true(offset + *size <= part_size);
	return bytes + offset;
}

static void do_poke(struct test_case *test, const char *line)
{
	size_t size;
	uint64_t value;
	uint8_t *bytes = parse_place(test, line, &size, &value);
	const bool big_endian = log_image_host(test->image)->big_endian;
	for (size_t i = 0; i < size; i++)
		bytes[big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static void do_fill(struct test_case *test, const char *line)
{
	size_t size;
	uint64_t value;
	uint8_t *bytes = parse_place(test, line, &size, &value);
	memset(bytes, (int)value, size);
}

static void do_query(struct test_case *test, const char *line)
{
	struct word words[MAX_WORDS];
	const size_t count = split(line, words);
	test->query = (struct gg_log_query){
		.levels = (unsigned int)number(words, count, "level", 0),
		.facilities = (unsigned int)number(words, count, "facility", 0),
		.tail = number(words, count, "tail", 0),
		.since_clear = find_word(words, count, "since-clear"),
		.before = number(words, count, "before", 0),
		.after = number(words, count, "after", 0),
		.since = { .is_set = find_word(words, count, "since"),
			   .time = (int64_t)number(words, count, "since", 0) },
		.until = { .is_set = find_word(words, count, "until"),
			   .time = (int64_t)number(words, count, "until", 0) },
	};
	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i].key, "grep"))
			test->query.pattern = test->pattern = words[i].value;
		else
			free(words[i].value);
}

static void do_style(struct test_case *test, const char *line)
{
	struct word words[MAX_WORDS];
	const size_t count = split(line, words);
	test->style = (struct gg_log_style){
		.raw = find_word(words, count, "raw"),
		.decode = find_word(words, count, "decode"),
		.caller = find_word(words, count, "caller"),
		.json = find_word(words, count, "json"),
		.colour = find_word(words, count, "colour"),
		.ascii = find_word(words, count, "ascii"),
	};
}

static void do_expect(struct test_case *test, const char *line)
{
	add_expected(&test->expected, line);
}

static void do_error(struct test_case *test, const char *line)
{
	size_t size;
	line += *line == ' ';
	test->error = unescape(&line, '\n', &size);
}

static void do_line(void *data, const char *line)
{
	struct test_case *test = data;
	static const struct {
		const char *word;
		void (*function)(struct test_case *test, const char *line);
	} functions[] = {
		{ "layout", do_layout }, { "record", do_record }, { "clear", do_clear },
		{ "query", do_query },   { "style", do_style },   { "expect", do_expect },
		{ "error", do_error },
	};
	const size_t word = strcspn(line, " \t\n");
	if (!word || *line == '#' || !strncmp(line, "poke ", 5) || !strncmp(line, "fill ", 5))
		return;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (strlen(functions[i].word) == word && !strncmp(line, functions[i].word, word)) {
			functions[i].function(test, line + word);
			return;
		}
	fail_msg("no such line: %s", line);
}

// Damages the log when it is finished.
static void do_damage(void *data, const char *line)
{
	struct test_case *test = data;
	if (!strncmp(line, "poke ", 5))
		do_poke(test, line + 4);
	else if (!strncmp(line, "fill ", 5))
		do_fill(test, line + 4);
}

// ---- A case ----

static struct gg_error *print_record(void *data, const struct gg_log_record *record)
{
	struct test_case *test = data;
	return gg_log_printer_record(&test->printer, record);
}

static struct gg_error *take_text(void *data, const char *text, size_t size)
{
	struct test_case *test = data;
	gg_buffer_append(&test->got, text, size);
	return NULL;
}

static struct gg_error *take_record(void *data, const struct gg_log_record *record)
{
	struct test_case *test = data;
	return gg_log_filter_record(&test->filter, record);
}

static struct gg_error *take_notice(void *data, const char *text)
{
	struct test_case *test = data;
	gg_buffer_format(&test->notices, "note: %s\n", text);
	return NULL;
}

static void read_log(struct test_case *test)
{
	const struct gg_notices notices = { .tell = take_notice, .data = test };
	struct gg_log_sink sink = { .record = take_record, .data = test, .notices = &notices };
	const struct gg_writer writer = { .write = take_text, .data = test };
	test->printer = (struct gg_log_printer){ .style = &test->style, .writer = &writer };
	struct gg_error *err = gg_log_filter_init(&test->filter, &test->query, print_record, test);
	test->filter.from = &sink;
	if (!err)
		err = gg_log_read(log_image_host(test->image), &sink);
	if (!err)
		err = gg_log_filter_end(&test->filter);
	assert_success(gg_log_printer_end(&test->printer));
	gg_log_printer_deinit(&test->printer);
	gg_buffer_append(&test->got, test->notices.bytes, test->notices.size);
	if (test->error) {
		assert_non_null(err);
		if (!strstr(gg_error_message(err), test->error))
			fail_msg("expected %s, got %s", test->error, gg_error_message(err));
		gg_error_destroy(err);
	} else {
		assert_success(err);
	}
	gg_log_filter_deinit(&test->filter);
	gg_log_sink_deinit(&sink);
}

static void test_case(void **state)
{
	struct test_case test = { 0 };
	for_lines(*state, do_line, &test);
	assert_non_null(test.image);
	log_image_finish(test.image);
	for_lines(*state, do_damage, &test);
	read_log(&test);
	assert_same_text(&test.got, &test.expected);
	gg_buffer_deinit(&test.notices);
	free(test.error);
	free(test.pattern);
	log_image_destroy(test.image);
}

int main(void)
{
	return run_cases("log", test_case);
}
