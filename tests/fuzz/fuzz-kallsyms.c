// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged kallsyms. The input is a case of tests/kallsyms.
#include "fuzz.h"

#include "../unit/kallsyms-image.h"
#include "linux/symbols/kallsyms-far.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LINES = 64 };

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

// Searches by name and by address, in the same damaged tables.
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

// An image, and the lines so far that have changed it.
struct making {
	struct kallsyms_image image;
	unsigned int lines;
};

static void do_line(void *data, const char *line)
{
	struct making *making = data;
	if (making->lines++ < MOST_LINES)
		kallsyms_image_line(&making->image, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct making making;
	struct gg_kallsyms *kallsyms;
	memset(&making, 0, sizeof(making));
	kallsyms_image_line(&making.image, "version v6.4");
	fuzz_lines(data, size, do_line, &making);
	const struct gg_host host = fake_image_host(making.image.bytes);
	struct gg_error *err = gg_kallsyms_create(&host, &making.image.hints, &kallsyms);
	if (!err) {
		use(kallsyms);
		gg_kallsyms_destroy(kallsyms);
	}
	gg_error_destroy(err);
	use_far(&host, &making.image.hints);
	return 0;
}
