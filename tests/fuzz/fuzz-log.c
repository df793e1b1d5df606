// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged log of each layout; what looks like a log and is none; a transcript of QEMU's monitor.
// The first bytes of the input say which, and how the records are shown. The rest is a list of
// changes to a sound log, (part u8, offset u16, width u8, value u64), little-endian; or it is the
// transcript's text, or the RAM, itself.
#include "fuzz.h"

#include "linux/log/filter.h"
#include "linux/log/new.h"
#include "linux/log/find.h"
#include "linux/log/text.h"
#include "qemu/monitor/xp-transcript.h"
#include "../unit/log-image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHANGE_SIZE = 12,
	LAYOUTS = 14,
	TRANSCRIPT = 14,
	RAM = 15,
	MODES = 16,
	MAX_OUTPUT = 8 << 20
};

struct reading {
	struct gg_log_filter filter;
	struct gg_log_style style;
	struct gg_buffer text;
	bool open;
	uint64_t size;
};

// Nothing but printable ASCII, tabs and line ends may come out.
static void check_text(struct reading *reading)
{
	for (size_t i = 0; i < reading->text.size; i++) {
		const uint8_t byte = reading->text.bytes[i];
		if ((byte < ' ' || byte > '~') && byte != '\n' && byte != '\t')
			abort();
	}
	reading->size += reading->text.size;
	if (reading->size > MAX_OUTPUT)
		abort();
	reading->text.size = 0;
}

static struct gg_error *print_record(void *data, const struct gg_log_record *record)
{
	struct reading *reading = data;
	if (reading->style.json)
		gg_log_json_append(&reading->text, &(struct gg_log_style){ 0 }, record);
	else
		gg_log_text_append(&reading->text, &reading->style, record, &reading->open);
	check_text(reading);
	return NULL;
}

static struct gg_error *take_record(void *data, const struct gg_log_record *record)
{
	struct reading *reading = data;
	return gg_log_filter_record(&reading->filter, record);
}

static void read_log(const struct gg_host *kernel, uint8_t how)
{
	enum { CONTEXT = 0x20, TIMES = 0x40, SOME = 100000000 };
	const struct gg_log_query query = { .tail = how & 1 ? 3 : 0,
					    .since_clear = how & 2,
					    .pattern = how & CONTEXT ? "2|5" : NULL,
					    .before = how & CONTEXT ? 2 : 0,
					    .after = how & CONTEXT ? 1 : 0,
					    .since = { .is_set = how & TIMES, .time = SOME },
					    .until = { .is_set = how & TIMES,
						       .time = SOME * 10L } };
	struct reading reading = { .style = { .json = how & 4,
					      .raw = how & 8,
					      .decode = how & 16,
					      .caller = true,
					      .ascii = true } };
	struct gg_log_sink sink = { .record = take_record, .data = &reading };
	uint64_t time;
	gg_error_destroy(gg_log_filter_init(&reading.filter, &query, print_record, &reading));
	reading.filter.from = &sink;
	struct gg_error *err = gg_log_read(kernel, &sink);
	if (!err)
		err = gg_log_filter_end(&reading.filter);
	gg_error_destroy(err);
	gg_error_destroy(gg_log_ring_newest(kernel, &time));
	gg_log_filter_deinit(&reading.filter);
	gg_log_sink_deinit(&sink);
	gg_buffer_deinit(&reading.text);
}

// ---- A damaged log ----

static struct log_image *make_log(const char *layout)
{
	struct log_image *image = log_image_create(layout, 4, 9, 10);
	for (uint64_t i = 0; i < 24; i++) {
		const struct log_image_record record = {
			.text = i % 5 ? "a text\nof two lines" : "a text",
			.text_size = i % 7 ? i % 5 ? 19 : 6 : 0,
			.time = i * 1000000000,
			.level = (unsigned int)(i % 8),
			.facility = (unsigned int)(i % 24),
			.flags = i % 3 ? 2 : 8,
			.state = i % 11 == 3 ? 1 : 2,
			.subsystem = i % 4 ? NULL : "pci",
			.device = i % 4 ? NULL : "+pci:0000:00:00.0",
		};
		if (i == 16)
			log_image_clear(image);
		log_image_add(image, &record);
	}
	log_image_finish(image);
	return image;
}

static void change(struct log_image *image, const uint8_t *data, size_t size)
{
	static const char *const parts[] = { "variables", "ring", "descs", "infos", "data" };
	for (size_t at = 0; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		size_t part_size;
		uint8_t *part = log_image_part(image, parts[data[at] % 5], &part_size);
		const size_t offset = (size_t)(data[at + 1] | data[at + 2] << 8);
		const size_t width = (size_t)1 << data[at + 3] % 4;
		if (part)
			memcpy(part + offset % (part_size - 8), data + at + 4, width);
	}
}

static struct gg_error *read_source(void *source, struct gg_log_sink *sink)
{
	return gg_log_read(source, sink);
}

static struct gg_error *take_new(void *data, const struct gg_log_record *record)
{
	uint64_t *sum = data;
	for (size_t i = 0; i < record->text_size; i++)
		*sum += (uint8_t)record->text[i];
	return NULL;
}

// Looked at as it was made, and again when it is another one.
static void follow_log(struct log_image *image, const uint8_t *data, size_t size)
{
	uint64_t sum = 0;
	struct gg_log_new log = { .record = take_new, .data = &sum };
	void *source = (void *)log_image_host(image);
	gg_error_destroy(gg_log_new_read(&log, read_source, source));
	change(image, data, size);
	for (int i = 0; i < 2; i++)
		gg_error_destroy(gg_log_new_read(&log, read_source, source));
}

static void use_log(const char *layout, uint8_t how, const uint8_t *data, size_t size)
{
	struct log_image *image = make_log(layout);
	if (how & 0x80)
		follow_log(image, data, size);
	else
		change(image, data, size);
	read_log(log_image_host(image), how);
	log_image_destroy(image);
}

// ---- What is found by what it looks like ----

static void use_map(const struct gg_ram_map *map, bool is_transcript, uint8_t how)
{
	struct gg_log_search search = { .map = map, .is_transcript = is_transcript };
	struct gg_log_guess guess;
	struct gg_error *err = gg_log_find(&search, &guess);
	if (!err)
		read_log(&guess.host, how);
	gg_error_destroy(err);
}

static void use_transcript(uint8_t how, const uint8_t *data, size_t size)
{
	struct gg_transcript *transcript;
	struct gg_error *err = gg_transcript_parse((const char *)data, size, &transcript);
	if (!err) {
		use_map(gg_transcript_map(transcript), true, how);
		gg_transcript_destroy(transcript);
	}
	gg_error_destroy(err);
}

// The input as a transcript has it: pieces of (address u64, size u8, bytes).
static void use_ram(uint8_t how, const uint8_t *data, size_t size)
{
	char *text = NULL;
	size_t text_size;
	FILE *file = open_memstream(&text, &text_size);
	while (size > 9) {
		uint64_t address = 0;
		const size_t piece = data[8] < size - 9 ? data[8] : size - 9;
		memcpy(&address, data, 8);
		for (size_t i = 0; i < piece; i++)
			fprintf(file, "%016" PRIx64 ": 0x%02x\n", address + i, data[9 + i]);
		data += 9 + piece;
		size -= 9 + piece;
	}
	fclose(file);
	use_transcript(how, (const uint8_t *)text, text_size);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	// Several bytes for each, so that few changes lead from one to another.
	enum { HEADER = 16 };
	unsigned int mode = 0;
	uint8_t how = 0;
	if (size < HEADER)
		return 0;
	for (size_t i = 0; i < HEADER; i += 2) {
		mode += data[i];
		how ^= data[i + 1];
	}
	mode %= MODES;
	if (mode < LAYOUTS)
		use_log(log_image_layouts[mode], how, data + HEADER, size - HEADER);
	else if (mode == TRANSCRIPT)
		use_transcript(how, data + HEADER, size - HEADER);
	else
		use_ram(how, data + HEADER, size - HEADER);
	return 0;
}
