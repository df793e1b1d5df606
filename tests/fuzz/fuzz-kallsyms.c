// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged kallsyms. The input is a case of tests/kallsyms. A byte that no text has stands for a hex
// digit, so that damage changes numbers and not only lines; a zero is a line's end.
#include "fuzz.h"

#include "../unit/kallsyms-image.h"
#include "linux/symbols/kallsyms-far.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 128, MOST_LINES = 64 };

static void use(const struct gg_kallsyms *kallsyms)
{
	const size_t count = gg_kallsyms_count(kallsyms);
	struct gg_symbol symbol;
	uint64_t last = 0;
	for (size_t i = 0; i < count; i++) {
		struct gg_symbol other;
		gg_kallsyms_get(kallsyms, i, &symbol);
		if (symbol.address < last || !symbol.name[0] || strlen(symbol.name) > 512)
			abort();
		last = symbol.address;
		if (i % 16 == 0 && (!gg_kallsyms_find(kallsyms, symbol.name, &other) ||
				    strcmp(other.name, symbol.name)))
			abort();
		if (!gg_kallsyms_at(kallsyms, symbol.address, &other) ||
		    other.address != symbol.address)
			abort();
	}
	gg_kallsyms_at(kallsyms, UINT64_MAX, &symbol);
	gg_kallsyms_at(kallsyms, 0, &symbol);
}

// Searches by name, in the same damaged tables.
static void use_far(const struct gg_host *host, const struct gg_kallsyms_hints *hints)
{
	static const char *const names[] = { "_stext", "sys_call_1", "function.part.2", "", "zzz" };
	struct gg_kallsyms_far *far;
	struct gg_error *err = gg_kallsyms_far_create(host, hints, &far);
	for (size_t i = 0; !err && i < sizeof(names) / sizeof(*names); i++) {
		struct gg_symbol symbol = { 0 };
		struct gg_symbol other = { 0 };
		struct gg_error *failed = gg_kallsyms_far_find(far, names[i], &symbol);
		if (!failed)
			failed = gg_kallsyms_far_at(far, symbol.address, &other);
		if (!failed && other.address > symbol.address)
			abort();
		gg_error_destroy(failed);
	}
	if (!err)
		gg_kallsyms_far_destroy(far);
	gg_error_destroy(err);
}

// Executes the lines of the input.
static void make(struct kallsyms_image *image, const uint8_t *data, size_t size)
{
	char line[MAX_LINE];
	size_t used = 0, lines = 0;
	for (size_t i = 0; i < size && lines < MOST_LINES; i++) {
		const uint8_t byte = data[i];
		if (byte && byte != '\n' && used < MAX_LINE - 1) {
			const bool is_text = byte >= ' ' && byte <= '~';
			line[used++] = (char)(is_text ? byte : "0123456789abcdef"[byte & 15]);
			continue;
		}
		line[used] = 0;
		used = 0;
		lines++;
		kallsyms_image_line(image, line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kallsyms_image image;
	struct gg_kallsyms *kallsyms;
	memset(&image, 0, sizeof(image));
	kallsyms_image_line(&image, "version v6.4");
	make(&image, data, size);
	const struct gg_host host = fake_image_host(image.bytes);
	struct gg_error *err = gg_kallsyms_create(&host, &image.hints, &kallsyms);
	if (!err) {
		use(kallsyms);
		gg_kallsyms_destroy(kallsyms);
	}
	gg_error_destroy(err);
	use_far(&host, &image.hints);
	return 0;
}
