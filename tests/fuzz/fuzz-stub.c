// SPDX-License-Identifier: GPL-3.0-or-later
//
// A damaged guest at a gdbstub, and damaged texts of QEMU's monitor. The first byte's bit 0 chooses
// what the input is a list of changes to: the memory map and the memory devices (offset u16, width
// u8, value u64, little-endian), or the kernel's page tables, image and note.
#include "fuzz.h"

#include "guest/guest.h"
#include "../unit/fake-stub.h"

#include <stdlib.h>
#include <string.h>

enum {
	CHANGE_SIZE = 11,
	PAGE = 4096,
	TEXT = 0x800000,
	BSS = TEXT + 70 * PAGE,
	TABLES = 0x100000,
	NOTE = TABLES + 8 * PAGE,
};

static const char devices[] = "Memory device [virtio-mem]: \"v\"\r\n  memaddr: 0x100000000\r\n"
			      "  size: 2097152\r\n  max-size: 268435456\r\n";

static uint8_t *place(struct fake_stub *stub, bool texts, size_t offset)
{
	if (texts && offset & 1)
		return (uint8_t *)stub->texts[GG_MONITOR_MEMORY_DEVICES] + offset / 2 % 128;
	if (texts)
		return (uint8_t *)stub->texts[GG_MONITOR_MEMORY_MAP] + offset / 2 % 512;
	// The tables and the note, or the end of the image.
	return offset < 10 * PAGE ? stub->ram + TABLES + offset
				  : stub->ram + BSS + (offset - 10 * PAGE) % PAGE;
}

static struct gg_error *check_range(void *data, const struct gg_ram_range *range)
{
	gg_gpa_t *end = data;
	if (!range->size || range->start < *end || range->hva != range->start)
		abort();
	*end = range->start + range->size;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fake_kernel sound = {
		.tables = TABLES, .note = NOTE, .text_gpa = TEXT, .release = "6.1.0"
	};
	static struct fake_stub stub;
	const bool texts = size && data[0] & 1;
	fake_stub_init(&stub, TABLES);
	fake_kernel_write(stub.ram, &sound);
	fake_stub_write_variables(&stub, &sound, BSS);
	strcat(stub.texts[GG_MONITOR_MEMORY_MAP],
	       "  0000000100000000-000000010fffffff (prio 0, ram): vm0 @0000000000000000 KVM\r\n");
	strcpy(stub.texts[GG_MONITOR_MEMORY_DEVICES], devices);
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		memcpy(place(&stub, texts, (size_t)(data[at] | data[at + 1] << 8)), data + at + 3,
		       (size_t)1 << data[at + 2] % 4);
	for (size_t i = 0; i < GG_MONITOR_TEXTS; i++)
		stub.texts[i][FAKE_STUB_TEXT - 1] = 0;

	struct gg_guest *guest = NULL;
	const struct gg_kernel *kernel;
	gg_gpa_t end = 0;
	struct gg_error *err = gg_guest_create(&stub.host, &stub.target, &guest);
	if (!err)
		err = gg_guest_ram(guest, check_range, &end);
	if (!err)
		err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (!err && !kernel->info.text)
		abort();
	gg_error_destroy(err);
	gg_guest_destroy(guest);
	fake_stub_deinit(&stub);
	return 0;
}
