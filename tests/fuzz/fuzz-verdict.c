// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged kernel's variables, and lines of a log. The input is a list of changes to a sound
// kernel, (offset u16, width u8, value u64), little-endian; each is a line, too.
#include "fuzz.h"

#include "../unit/fake-vitals.h"
#include "guest/verdict.h"
#include "linux/log/trouble.h"
#include "print/lines.h"
#include "print/verdict.h"
#include "print/words.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11 };

static struct gg_error *check_text(void *data, const char *text, size_t size)
{
	(void)data;
	for (size_t i = 0; i < size; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
			abort();
	return NULL;
}

static void print(const struct gg_verdict *verdict)
{
	const struct gg_writer writer = { .write = check_text };
	struct gg_buffer lines = { 0 }, json = { 0 };
	const struct gg_source_facts facts = { .has_virtual_clock = true,
					       .virtual_clock = UINT64_MAX };
	gg_append_verdict(&lines, verdict, &facts);
	gg_append_verdict_json(&json, verdict);
	gg_error_destroy(gg_write_lines(&lines, &writer));
	gg_error_destroy(gg_write_out(&json, &writer));
	gg_buffer_deinit(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_vitals vitals;
	struct gg_verdict verdict = { 0 };
	fake_vitals_init(&vitals);
	for (size_t at = 0; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		const size_t width = (size_t)1 << data[at + 2] % 4;
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8) % FAKE_VITALS_SIZE;
		if (offset + width <= FAKE_VITALS_SIZE)
			memcpy(vitals.memory + offset, data + at + 3, width);
		gg_log_trouble_kind((const char *)data + at, size - at);
	}
	gg_error_destroy(gg_vitals_read(&vitals.answerers, &verdict));
	gg_error_destroy(gg_silence_read(&vitals.answerers, &verdict));
	for (size_t i = 0; i < GG_TROUBLES; i++)
		verdict.troubles[i].happened = verdict.troubles[i].count.value;
	print(&verdict);
	gg_verdict_deinit(&verdict);
	fake_vitals_deinit(&vitals);
	return 0;
}
