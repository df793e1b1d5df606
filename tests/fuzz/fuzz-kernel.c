// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel in damaged guest memory. The input is a list of changes to a sound one's page tables and
// note, and to the CPUs' structures: (offset u16, width u8, value u64), little-endian.
#include "fuzz.h"

#include "guest/guest.h"
#include "linux/kdump.h"
#include "linux/log/log.h"
#include "linux/wall-clock.h"
#include "../unit/fake-kernel.h"
#include "../unit/fake-qemu.h"

#include <stdlib.h>
#include <string.h>

static const struct fake_range ranges[] = { { 0x0, 1 << 18, 0x0, FAKE_RAM, 0 } };

enum { CHANGE_SIZE = 11, TABLES = 0x1000, NOTE = 0x9000, LOG = 0xa000, CHANGED = 0xb000 };

static void change(struct fake_qemu *qemu, const uint8_t *data, size_t size)
{
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		size_t offset = (size_t)(data[at] | data[at + 1] << 8);
		size_t width = (size_t)1 << data[at + 2] % 4;
		uint8_t *where = offset < CHANGED
					 ? qemu->ram[0] + offset
					 : qemu->structures + offset % (FAKE_STRUCTURES_SIZE - 8);
		memcpy(where, data + at + 3, width);
	}
}

static void use(const struct gg_kernel *kernel)
{
	uint8_t bytes[64];
	gg_gva_t address;
	if (!kernel->info.text)
		abort();
	uint64_t time;
	gg_error_destroy(gg_log_ring_newest(gg_kernel_host(kernel), &time));
	gg_kernel_direct_address(kernel, 0x1000, &address);
	gg_error_destroy(gg_page_table_read(kernel->table, kernel->image, bytes, sizeof(bytes)));
}

static struct gg_error *ignore_kernel(void *data, const struct gg_kernel_info *kernel)
{
	(void)data;
	if (!kernel->release || !kernel->choice.note)
		abort();
	return NULL;
}

// Takes the bytes that the input changes in the log for a crashed kernel's headers, too.
static void use_kernels(struct gg_guest *guest)
{
	const struct gg_ram_map *map;
	struct gg_vmcoreinfo_scan scan = { .count = 0 };
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	if (!err)
		err = gg_kdump_read_headers(map, LOG, &scan);
	gg_error_destroy(err);
	gg_error_destroy(gg_guest_kernels(guest, true, ignore_kernel, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_qemu qemu;
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	const struct fake_kernel sound = { .tables = TABLES,
					   .note = NOTE,
					   .text_gpa = 0,
					   .log = LOG,
					   .level5 = size && data[0] & 1,
					   .large_pages = size && data[0] & 2,
					   .release = "6.1.0" };
	fake_kernel_write(qemu.ram[0], &sound);
	change(&qemu, data, size);

	struct gg_wall_clock clock;
	struct gg_cursor cursor = gg_cursor(data, size, false, "the timekeeper");
	gg_error_destroy(gg_wall_clock_search(&cursor, &clock));

	struct gg_guest *guest;
	const struct gg_kernel *kernel;
	gg_error_destroy(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	struct gg_error *err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (!err)
		use(kernel);
	gg_error_destroy(err);
	if (size && !(data[0] & 12))
		use_kernels(guest);
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
	return 0;
}
