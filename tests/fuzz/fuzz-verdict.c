// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged kernel's variables, and lines of a log. The input is a list of changes to a sound
// kernel, (offset u16, width u8, value u64), little-endian; each is a line, too.
#include "fuzz.h"

#include "../unit/fake-vitals.h"
#include "guest/verdict.h"
#include "linux/log/trouble.h"
#include "print/verdict.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11 };

static void print(const struct gg_verdict *verdict)
{
	struct gg_buffer text = { 0 };
	const struct gg_source_facts facts = { .has_virtual_clock = true,
					       .virtual_clock = UINT64_MAX };
	gg_append_verdict(&text, verdict, &facts);
	gg_append_verdict_json(&text, verdict);
	for (size_t i = 0; i < text.size; i++)
		if ((text.bytes[i] < ' ' || text.bytes[i] > '~') && text.bytes[i] != '\n')
			abort();
	gg_buffer_deinit(&text);
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
