// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged CPUs, damaged page tables of theirs, and damaged save areas of CPUs that execute a nested
// guest. The input is a list of changes to the sound ones' structures and to the RAM where CR3 and
// VM_HSAVE lead: (offset u16, width u8, value u64), little-endian; its first byte chooses the mode,
// whether all that QEMU 7.2 has is known, and whether a nested guest is executed, under KVM or TCG.
#include "fuzz.h"

#include "guest/guest.h"
#include "../unit/fake-qemu.h"

#include <stdlib.h>
#include <string.h>

static const struct fake_range ranges[] = { { 0x0, 1 << 16, 0x0, FAKE_RAM, 0 } };

enum { CHANGE_SIZE = 11, TABLES = 0x4000, TABLE_SIZE = 0x1000, LONG_MODE = 1 << 14 };

static void put(uint8_t *where, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		where[i] = (uint8_t)(value >> 8 * i);
}

// Paging with what the mode's tables are, each of which leads to the next by all its entries.
static void set_mode(struct fake_qemu *qemu, uint8_t choice)
{
	static const struct {
		uint64_t hflags, cr0, cr4;
	} modes[] = {
		{ LONG_MODE, 0x80000001, 1 << 5 },
		{ LONG_MODE, 0x80000001, 1 << 5 | 1 << 12 },
		{ 1 << 7, 0x80000001, 1 << 4 },
		{ 1 << 7, 0x80000001, 1 << 5 },
		{ 1 << 7, 1, 0 },
		{ 0, 0, 0 },
	};
	const size_t mode = choice % (sizeof(modes) / sizeof(*modes));
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		uint8_t *cpu = qemu->structures + FAKE_CPU + i * FAKE_CPU_SIZE;
		put(cpu + FAKE_CPU_HFLAGS, 4, modes[mode].hflags);
		put(cpu + FAKE_CPU_CR, 8, modes[mode].cr0);
		put(cpu + FAKE_CPU_CR + 3 * 8, 8, TABLES);
		put(cpu + FAKE_CPU_CR + 4 * 8, 8, modes[mode].cr4);
	}
	const unsigned int width = modes[mode].cr4 == 1 << 4 ? 4 : 8;
	for (unsigned int table = 0; table < 5; table++)
		for (unsigned int at = 0; at < TABLE_SIZE; at += width)
			put(qemu->ram[0] + TABLES + table * TABLE_SIZE + at, width,
			    (TABLES + (table + 1) * TABLE_SIZE) | 0x67);
}

// A save area with what a CPU must have that executed VMRUN; RAX is the VMCB's address, 0.
static void put_save_area(uint8_t *page)
{
	put(page + 0x4d0, 8, 0x1500);
	put(page + 0x548, 8, 1 << 5);
	put(page + 0x550, 8, TABLES);
	put(page + 0x558, 8, 0x80000001);
	put(page + 0x570, 8, 2);
}

// Both CPUs, which share the save area.
static void enter_nested(struct fake_qemu *qemu, bool kvm)
{
	enum { HSAVE = 0x9000, STATE = 0x6000, DATA = 128, GUEST = 1 << 21 };
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		uint8_t *cpu = qemu->structures + FAKE_CPU + i * FAKE_CPU_SIZE;
		put(cpu + FAKE_CPU_HFLAGS, 4, GUEST);
		put(cpu + FAKE_CPU_VM_HSAVE, 8, HSAVE);
		put(cpu + FAKE_CPU_NESTED_STATE, 8, FAKE_STRUCTURES + STATE);
	}
	qemu->structures[FAKE_TCG_ALLOWED] = !kvm;
	qemu->structures[FAKE_KVM_ALLOWED] = kvm;
	put_save_area(qemu->ram[0] + HSAVE);
	put(qemu->structures + STATE, 8, UINT64_C(0x108000010001)); // GUEST_MODE, SVM, its size
	put_save_area(qemu->structures + STATE + DATA);
}

static void change(struct fake_qemu *qemu, const uint8_t *data, size_t size)
{
	for (size_t at = 1; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8);
		const size_t width = (size_t)1 << data[at + 2] % 4;
		uint8_t *where = offset < 0x8000
					 ? qemu->structures + offset % (FAKE_STRUCTURES_SIZE - 8)
					 : qemu->ram[0] + offset - 0x4000;
		memcpy(where, data + at + 3, width);
	}
}

static struct gg_error *use_cpu(void *data, const struct gg_cpu *cpu)
{
	(void)data;
	if (!cpu->text || !cpu->why || !cpu->activity || !cpu->privilege || !cpu->unknown)
		abort();
	if ((cpu->nesting == GG_NESTED) != !!cpu->nested || (*cpu->unknown && !cpu->nested))
		abort();
	for (size_t i = 0; i < cpu->register_count; i++)
		if (!cpu->registers[i].name || !cpu->registers[i].bytes)
			abort();
	return NULL;
}

static struct gg_error *use_entry(void *data, const struct gg_walk_entry *entry)
{
	unsigned int *entries = data;
	if (!entry->level || strlen(entry->flags) >= 64 || ++*entries > 5)
		abort();
	return NULL;
}

static void use_address_space(struct gg_guest *guest)
{
	static const uint64_t addresses[] = { 0, 0x12345678, 0xffffffff80000ff8, UINT64_MAX };
	uint8_t bytes[64];
	struct gg_address_space *space;
	struct gg_error *err = gg_guest_address_space(guest, 1, NULL, &space);
	for (size_t i = 0; !err && i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct gg_translation translation;
		unsigned int entries = 0;
		gg_error_destroy(gg_address_space_read(space, addresses[i], bytes, sizeof(bytes)));
		gg_error_destroy(gg_address_space_walk(space, addresses[i], use_entry, &entries,
						       &translation));
	}
	gg_error_destroy(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_qemu qemu;
	const uint8_t choice = size ? data[0] : 0;
	fake_qemu_init(&qemu, choice & 0x80 ? FAKE_2_5 : FAKE_7_2, ranges, 1);
	fake_qemu_add_cc_ops(&qemu, choice & 0x40 ? "10.0" : "7.2");
	set_mode(&qemu, choice & 0x0f);
	if (choice & 0x10)
		enter_nested(&qemu, choice & 0x20);
	change(&qemu, data, size);

	struct gg_guest *guest;
	gg_error_destroy(
		gg_guest_create(gg_bytes_host(qemu.bytes), &(struct gg_target){ 0 }, &guest));
	gg_error_destroy(gg_guest_cpus(guest, use_cpu, NULL));
	use_address_space(guest);
	gg_guest_destroy(guest);
	fake_qemu_deinit(&qemu);
	return 0;
}
