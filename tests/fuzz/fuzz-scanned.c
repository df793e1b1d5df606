// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged nested guests that are found by their VMCBs. The input is a list of changes to the RAM of a sound guest with two VMCBs
// and nested page tables, (offset u16, width u8, value u64), little-endian; its first byte chooses the levels of the hypervisor's page
// tables, and whether the CPU executes a nested guest.
#include "fuzz.h"

#include "../unit/fake-qemu.h"
#include "guest/scanned.h"

#include <stdlib.h>
#include <string.h>

enum {
	RAM = 1 << 16,
	PAGE = 4096,
	CHANGE_SIZE = 11,
	HSAVE = 0x3000,
	BLOCK = 0x4000, // and another behind it
	TABLES = 0x8000,
	LONG_MODE = 1 << 14,
	GUEST = 1 << 21, // X86_HF_GUEST
};

static const struct fake_range ranges[] = { { 0x0, RAM, 0x0, FAKE_RAM, 0 } };

static void put(uint8_t *where, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		where[i] = (uint8_t)(value >> 8 * i);
}

static void put_saved(uint8_t *page, uint64_t cr4)
{
	put(page + 0x410, 8, UINT64_C(0xffffffff0a9b0010)); // CS
	put(page + 0x4d0, 8, 0x1500);
	put(page + 0x548, 8, cr4);
	put(page + 0x550, 8, 0x1000);
	put(page + 0x558, 8, 0x80000001);
	put(page + 0x570, 8, 2);
	put(page + 0x5f8, 8, BLOCK);
}

static void put_block(uint8_t *page)
{
	put(page + 0x10, 4, 1);
	put(page + 0x58, 4, 1);
	put(page + 0x90, 8, 1);
	put(page + 0xb0, 8, TABLES);
	put_saved(page, 0x20);
}

static void make_guest(struct fake_qemu *qemu, uint8_t choice)
{
	const uint64_t cr4 = choice & 1 ? 0x1020 : 0x20;
	uint8_t *ram = qemu->ram[0];
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		uint8_t *cpu = qemu->structures + FAKE_CPU + i * FAKE_CPU_SIZE;
		put(cpu + FAKE_CPU_HFLAGS, 4, choice & 2 ? GUEST | 1 << 7 : LONG_MODE | 1 << 7);
		put(cpu + FAKE_CPU_CR, 8, 0x80000001);
		put(cpu + FAKE_CPU_CR + 4 * 8, 8, cr4);
		put(cpu + FAKE_CPU_VM_HSAVE, 8, HSAVE);
		put(cpu + FAKE_CPU_VM_VMCB, 8, BLOCK);
	}
	put_saved(ram + HSAVE, cr4);
	put_block(ram + BLOCK);
	put_block(ram + BLOCK + PAGE);
	for (unsigned int table = 0; table < 4; table++)
		put(ram + TABLES + table * PAGE, 8, (TABLES + (table + 1) * PAGE) | 7);
}

static void change(uint8_t *ram, const uint8_t *data)
{
	const size_t offset = (size_t)(data[0] | data[1] << 8);
	const unsigned int width = 1U << data[2] % 4;
	if (offset + width <= RAM)
		memcpy(ram + offset, data + 3, width);
}

// Checks that machines and their vCPUs are in order, and none is without.
static void check(const struct gg_scanned *scanned)
{
	size_t next = 0;
	for (size_t i = 0; i < scanned->machine_count; i++) {
		const struct gg_scanned_machine *machine = &scanned->machines[i];
		if (machine->first != next || !machine->count)
			abort();
		next += machine->count;
	}
	if (next != scanned->vcpu_count)
		abort();
}

// Reads the CPUs and some memory of the nested guest NUMBER.
static void look_inside(const struct fake_qemu *qemu, uint64_t number)
{
	const struct gg_target target = { .nested = &number, .nested_count = 1 };
	const struct gg_qemu_cpus *cpus;
	const struct gg_ram_map *map;
	static struct gg_cpu_state state;
	uint8_t bytes[16];
	struct gg_guest *guest;
	struct gg_error *err = gg_guest_create(gg_bytes_host(qemu->bytes), &target, &guest);
	if (err) {
		gg_error_destroy(err);
		return;
	}
	err = gg_guest_qemu_cpus(guest, &cpus);
	for (size_t i = 0; !err && i < cpus->count; i++)
		gg_error_destroy(gg_guest_cpu_state(guest, &cpus->cpus[i], &state));
	gg_error_destroy(err);
	err = gg_guest_ram_map(guest, &map);
	for (uint64_t gpa = 0; !err && gpa < 4 * PAGE; gpa += PAGE)
		gg_error_destroy(gg_ram_map_read(map, gpa, bytes, sizeof(bytes)));
	gg_error_destroy(err);
	gg_guest_destroy(guest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_qemu qemu;
	struct gg_scanned scanned = { 0 };
	struct gg_guest *guest;
	fake_qemu_init(&qemu, FAKE_7_2, ranges, 1);
	make_guest(&qemu, size ? *data : 0);
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE)
		change(qemu.ram[0], data + at);
	struct gg_error *err =
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest);
	if (err)
		abort();
	err = gg_guest_scan_nested(guest, NULL, &scanned);
	if (!err)
		err = gg_scanned_count(guest, &scanned);
	if (!err) {
		check(&scanned);
		for (size_t i = 0; i < scanned.machine_count && i < 2; i++)
			look_inside(&qemu, i + 1);
	}
	gg_scanned_deinit(&scanned);
	gg_error_destroy(err);
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
	return 0;
}
