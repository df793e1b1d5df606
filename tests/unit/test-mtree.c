// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memory maps that QEMU's monitor prints. A case is a file in tests/mtree:
//
//     # the sentence that the case proves
//     dump START-LAST     a piece of QEMU's own dump of the same stop, in ascending order: all pieces
//                         together hold the addresses of all ranges together
//     expect TEXT         a line of the result: each virtio-mem, each range; "error KIND: MESSAGE"
//     line-feeds          lines end with \n; else with \r\n, as the monitor's
//     devices             the lines up to "map" are the text of "info memory-devices"
//     map                 the rest of the file is the text of "info mtree -f"
//
// The texts have \xHH as in C.
#include "case-file.h"

#include "qemu/monitor/mtree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Addresses as text, a line for each run.
struct runs {
	struct gg_buffer text;
	uint64_t start, last; // of the last run
	bool is_open;
};

struct test_case {
	struct gg_buffer expected, got;
	struct gg_buffer devices, map;
	struct gg_buffer *section; // that lines belong to; NULL before the first
	struct runs dump, ranges;
	const char *line_end;
};

// ---- Addresses ----

static void end_run(struct runs *runs)
{
	if (runs->is_open)
		gg_buffer_format(&runs->text, "0x%" PRIx64 "-0x%" PRIx64 "\n", runs->start,
				 runs->last);
	runs->is_open = false;
}

static void add_piece(struct runs *runs, uint64_t start, uint64_t last)
{
	if (!runs->is_open || start != runs->last + 1) {
		end_run(runs);
		runs->start = start;
		runs->is_open = true;
	}
	runs->last = last;
}

// ---- A case ----

static void read_text_line(struct test_case *test, const char *line)
{
	size_t size;
	const char *from = line;
	char *text = unescape(&from, '\n', &size);
	gg_buffer_append(test->section, text, size);
	gg_buffer_append(test->section, test->line_end, strlen(test->line_end));
	free(text);
}

static void read_line(void *data, const char *line)
{
	struct test_case *test = data;
	uint64_t start, last;
	if (!strcmp(line, "devices\n"))
		test->section = &test->devices;
	else if (!strcmp(line, "map\n"))
		test->section = &test->map;
	else if (test->section)
		read_text_line(test, line);
	else if (sscanf(line, "dump %" SCNx64 "-%" SCNx64, &start, &last) == 2)
		add_piece(&test->dump, start, last);
	else if (!strncmp(line, "expect ", 7))
		add_expected(&test->expected, line + 6);
	else if (!strcmp(line, "line-feeds\n"))
		test->line_end = "\n";
	else if (*line != '#' && *line != '\n')
		fail_msg("no such line: %s", line);
}

static void add_error(struct test_case *test, struct gg_error *err)
{
	gg_buffer_format(&test->got, "error %s: %s\n", gg_error_kind_word(gg_error_kind(err)),
			 gg_error_message(err));
	gg_error_destroy(err);
}

static void add_devices(struct test_case *test, const struct gg_memory_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		gg_buffer_format(&test->got,
				 "virtio-mem at 0x%" PRIx64 ", 0x%" PRIx64 " of 0x%" PRIx64
				 " plugged\n",
				 devices->devices[i].start, devices->devices[i].plugged,
				 devices->devices[i].max_size);
}

static void add_ranges(struct test_case *test, const struct gg_qemu_ram *ram)
{
	for (size_t i = 0; i < ram->count; i++) {
		const struct gg_qemu_range *range = &ram->ranges[i];
		const uint64_t last = range->start + (range->size - 1);
		assert_int_equal(range->hva, range->start);
		add_piece(&test->ranges, range->start, last);
		gg_buffer_format(&test->got, "0x%" PRIx64 "-0x%" PRIx64 " %s", range->start, last,
				 range->block);
		if (range->offset)
			gg_buffer_format(&test->got, " + 0x%" PRIx64, range->offset);
		gg_buffer_append(&test->got, "\n", 1);
	}
}

static void use_texts(struct test_case *test)
{
	struct gg_memory_devices devices;
	struct gg_qemu_ram ram;
	gg_buffer_append(&test->devices, "", 1);
	gg_buffer_append(&test->map, "", 1);
	assert_success(gg_memory_devices_read((const char *)test->devices.bytes, &devices));
	add_devices(test, &devices);
	struct gg_error *err = gg_mtree_read((const char *)test->map.bytes, &devices, &ram);
	if (err) {
		add_error(test, err);
	} else {
		add_ranges(test, &ram);
		gg_qemu_ram_deinit(&ram);
	}
	gg_memory_devices_deinit(&devices);
}

static void test_case(void **state)
{
	struct test_case test = { .line_end = "\r\n" };
	for_lines(*state, read_line, &test);
	use_texts(&test);
	end_run(&test.dump);
	end_run(&test.ranges);
	assert_true(test.expected.size || test.dump.text.size);
	if (test.dump.text.size)
		assert_same_text(&test.ranges.text, &test.dump.text);
	if (test.expected.size)
		assert_same_text(&test.got, &test.expected);
	gg_buffer_deinit(&test.ranges.text);
	gg_buffer_deinit(&test.got);
	gg_buffer_deinit(&test.devices);
	gg_buffer_deinit(&test.map);
}

int main(void)
{
	return run_cases("mtree", test_case);
}
