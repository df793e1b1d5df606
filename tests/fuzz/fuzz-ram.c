// SPDX-License-Identifier: GPL-3.0-or-later
//
// The RAM map of a damaged QEMU. The input is a list of changes to a sound one's structures: a
// version, then (offset u16, width u8, value u64), little-endian.
#include "fuzz.h"

#include "qemu/ram.h"
#include "../unit/fake-qemu.h"

#include <stdlib.h>
#include <string.h>

static const struct fake_range ranges[] = {
	{ 0x0, 0xa000, 0x0, FAKE_RAM, 0 },
	{ 0xa000, 0x2000, 0x0, FAKE_IO, 1 },
	{ 0xc000, 0x4000, 0xc000, FAKE_RAM, 0 },
	{ 0x100000000, 0x8000, 0x20000, FAKE_VIRTIO_MEM, 2 },
};

enum { CHANGE_SIZE = 11 };

static void check_ram(const struct gg_qemu_ram *ram)
{
	uint64_t next = 0;
	for (size_t i = 0; i < ram->count; i++) {
		const struct gg_qemu_range *range = &ram->ranges[i];
		uint64_t end = range->start + range->size;
		if (!range->size || range->start < next || (end && end < range->start) ||
		    (!end && i + 1 < ram->count) || !range->block)
			abort();
		next = end;
	}
	for (size_t i = 0; i < ram->absence_count; i++) {
		const struct gg_qemu_absence *absence = &ram->absences[i];
		if (!absence->size || (absence->reason == GG_NOT_ARRIVED && !absence->present))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_qemu qemu;
	fake_qemu_init(&qemu, size ? data[0] % 3 : FAKE_7_2, ranges, 4);
	memset(qemu.structures + FAKE_VIRTIO_MEM_BITMAP, 0xa5, 2);
	// The block behind the first ranges is being received.
	const uint64_t received = FAKE_STRUCTURES + FAKE_RECEIVED;
	memcpy(qemu.structures + FAKE_BLOCK + FAKE_BLOCK_RECEIVEDMAP, &received, sizeof(received));
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		size_t offset = (size_t)(data[at] | data[at + 1] << 8) % FAKE_STRUCTURES_SIZE;
		size_t width = (size_t)1 << data[at + 2] % 4;
		if (offset + width <= FAKE_STRUCTURES_SIZE)
			memcpy(qemu.structures + offset, data + at + 3, width);
	}

	struct gg_qemu_ram ram;
	struct gg_error *err = gg_qemu_ram_read(gg_bytes_host(qemu.bytes), &ram);
	if (!err) {
		check_ram(&ram);
		gg_qemu_ram_deinit(&ram);
	}
	gg_error_destroy(err);
	fake_qemu_deinit(&qemu);
	return 0;
}
