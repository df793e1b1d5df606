// SPDX-License-Identifier: GPL-3.0-or-later
//
// What is found in a damaged QEMU without debuginfo. The input is a list of changes to a sound
// one's memory: (offset u16, width u8, value u64), little-endian; of a width of 8 and a value with
// the top bit set the rest is a pointer into that memory.
#include "fuzz.h"

#include "machine/find-arch.h"
#include "qemu/ram.h"
#include "qemu/layout/structure.h"
#include "../unit/fake-stripped.h"

#include <stdlib.h>
#include <string.h>

static const struct stripped_range ranges[] = {
	{ 0x0, 0xa000, 0x0, STRIPPED_RAM, 0 },
	{ 0xa000, 0x2000, 0x0, STRIPPED_IO, 1 },
	{ 0xc000, 0x4000, 0xc000, STRIPPED_RAM, 0 },
	{ 0x20000, 0x2000, 0x0, STRIPPED_ROM, 2 },
	{ 0x30000, 0x2000, 0x0, STRIPPED_FLASH, 3 },
	{ 0x40000, 0x2000, 0x0, STRIPPED_NONVOLATILE, 4 },
	{ 0x50000, 0x2000, 0x0, STRIPPED_DEVICE, 5 },
	{ 0x100000000, 0x10000, 0x0, STRIPPED_VIRTIO_MEM, 6 },
};

enum { RANGES = sizeof(ranges) / sizeof(*ranges), CHANGE_SIZE = 11 };

static void change(struct fake_stripped *qemu, const uint8_t *data)
{
	const size_t offset = (size_t)(data[0] | data[1] << 8) % STRIPPED_MEMORY_SIZE;
	const unsigned int width = 1u << data[2] % 4;
	uint64_t value = 0;
	for (unsigned int i = 0; i < 8; i++)
		value |= (uint64_t)data[3 + i] << 8 * i;
	if (width == 8 && value >> 63)
		value = STRIPPED_MEMORY + value % STRIPPED_MEMORY_SIZE;
	if (offset + width <= STRIPPED_MEMORY_SIZE)
		fake_stripped_put(qemu, offset, width, value);
}

// Whatever was found, it must be mapped.
static void check_ram(const struct fake_stripped *qemu, const struct gg_qemu_ram *ram)
{
	const struct gg_host *host = gg_bytes_host(qemu->bytes);
	for (size_t i = 0; i < ram->count; i++) {
		uint8_t byte;
		struct gg_error *err = gg_host_read(host, ram->ranges[i].hva, &byte, 1);
		if (!err)
			err = gg_host_read(host, ram->ranges[i].hva + ram->ranges[i].size - 1,
					   &byte, 1);
		if (err)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_stripped qemu;
	struct gg_structure *structure;
	struct gg_qemu_ram ram;
	struct gg_qemu_cpus cpus;
	const struct gg_arch *arch;
	fake_stripped_init(&qemu, ranges, RANGES);
	fake_stripped_put(&qemu, STRIPPED_BITMAP, 2, 0xa5a5);
	for (size_t at = 0; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		change(&qemu, data + at);

	if (gg_structure_create(gg_bytes_host(qemu.bytes), NULL, &structure))
		abort();
	const struct gg_host *host = gg_structure_host(structure);
	struct gg_error *err = gg_qemu_ram_read(host, &ram);
	if (!err) {
		check_ram(&qemu, &ram);
		gg_qemu_ram_deinit(&ram);
	}
	gg_error_destroy(err);
	err = gg_qemu_cpus_read(host, &cpus);
	if (!err) {
		gg_error_destroy(gg_arch_find_by_types(host, NULL, &cpus, &arch));
		gg_qemu_cpus_deinit(&cpus);
	}
	gg_error_destroy(err);
	gg_structure_destroy(structure);
	fake_stripped_deinit(&qemu);
	return 0;
}
