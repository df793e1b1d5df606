// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged memory maps of QEMU's monitor. The input is a case of tests/mtree, or the text of "info
// mtree -f" alone.
#include "fuzz.h"

#include "qemu/monitor/mtree.h"

#include <stdlib.h>
#include <string.h>

// Returns the SIZE bytes at DATA as a text without NULs.
static char *to_text(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	if (!text)
		abort();
	for (size_t i = 0; i < size; i++)
		text[i] = data[i] ? (char)data[i] : '0';
	return text;
}

static void check(const struct gg_qemu_ram *ram)
{
	for (size_t i = 0; i < ram->count; i++) {
		const struct gg_qemu_range *range = &ram->ranges[i];
		if (!range->size || range->hva != range->start ||
		    range->start + (range->size - 1) < range->start ||
		    (i && range->start - range[-1].start < range[-1].size))
			abort();
		for (const char *c = range->block; *c; c++)
			if (*c < ' ' || *c > '~')
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gg_memory_devices devices;
	struct gg_qemu_ram ram;
	char *text = to_text(data, size);
	char *start_of_devices = strstr(text, "\ndevices\n"), *map = strstr(text, "\nmap\n");
	struct gg_error *err = gg_memory_devices_read(start_of_devices, &devices);
	if (!err)
		err = gg_mtree_read(map ? map : text, &devices, &ram);
	if (!err) {
		check(&ram);
		gg_qemu_ram_deinit(&ram);
	}
	gg_error_destroy(err);
	gg_memory_devices_deinit(&devices);
	free(text);
	return 0;
}
