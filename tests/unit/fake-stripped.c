// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-stripped.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

enum fake_type { TYPE_REGION, TYPE_CPU, TYPE_VIRTIO_MEM, TYPE_PFLASH };

static void check(struct gg_error *err)
{
	if (err) {
		fprintf(stderr, "fake-stripped: %s\n", gg_error_message(err));
		abort();
	}
}

void fake_stripped_put(struct fake_stripped *qemu, uint64_t offset, unsigned int size,
		       uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		qemu->memory[offset + i] = (uint8_t)(value >> 8 * i);
}

static void put(struct fake_stripped *qemu, uint64_t offset, uint64_t value)
{
	fake_stripped_put(qemu, offset, 8, value);
}

// A pointer to what is at TO in the memory.
static void point(struct fake_stripped *qemu, uint64_t offset, uint64_t to)
{
	put(qemu, offset, STRIPPED_MEMORY + to);
}

// A pointer to a text of its own.
static void point_to_text(struct fake_stripped *qemu, uint64_t offset, const char *text)
{
	const uint64_t at = STRIPPED_NAMES + qemu->names;
	const size_t size = strlen(text) + 1;
	if (at + size > STRIPPED_MEMORY_SIZE)
		abort();
	memcpy(qemu->memory + at, text, size);
	qemu->names += size;
	point(qemu, offset, at);
}

uint64_t fake_stripped_hva(unsigned int region)
{
	return UINT64_C(0x7f0000000000) + ((uint64_t)region << 32);
}

// ---- QOM ----

// A class, at 0, leads to a type, at 0x60, which leads to its name.
static uint64_t class_of(enum fake_type type)
{
	return STRIPPED_TYPES + type * STRIPPED_TYPE_SIZE;
}

static void add_types(struct fake_stripped *qemu)
{
	static const char *const names[] = { [TYPE_REGION] = "memory-region",
					     [TYPE_CPU] = "qemu64-x86_64-cpu",
					     [TYPE_VIRTIO_MEM] = "virtio-mem",
					     [TYPE_PFLASH] = "cfi.pflash01" };
	for (enum fake_type type = TYPE_REGION; type <= TYPE_PFLASH; type++) {
		point(qemu, class_of(type), class_of(type) + 0x60);
		point_to_text(qemu, class_of(type) + 0x60, names[type]);
	}
}

static void make_object(struct fake_stripped *qemu, uint64_t at, enum fake_type type)
{
	point(qemu, at, class_of(type));
	fake_stripped_put(qemu, at + 24, 4, 1); // Object.ref
}

// ---- Memory ----

enum { USUAL_OPERATIONS = 0xff00, IO_OPERATIONS = 0xff40, FLASH_OPERATIONS = 0xff80 };

static void add_region(struct fake_stripped *qemu, uint64_t at, enum stripped_kind kind,
		       uint64_t size)
{
	static const uint64_t operations[] = {
		[STRIPPED_RAM] = USUAL_OPERATIONS,
		[STRIPPED_ROM] = USUAL_OPERATIONS,
		[STRIPPED_IO] = IO_OPERATIONS,
		[STRIPPED_FLASH] = FLASH_OPERATIONS,
		[STRIPPED_NONVOLATILE] = USUAL_OPERATIONS,
		[STRIPPED_DEVICE] = IO_OPERATIONS,
		[STRIPPED_VIRTIO_MEM] = USUAL_OPERATIONS,
	};
	make_object(qemu, at, TYPE_REGION);
	qemu->memory[at + 40] = 1; // romd_mode
	qemu->memory[at + STRIPPED_REGION_RAM] = kind != STRIPPED_IO && kind != STRIPPED_FLASH;
	qemu->memory[at + 43] = kind == STRIPPED_ROM;
	qemu->memory[at + 44] = kind == STRIPPED_NONVOLATILE;
	qemu->memory[at + 45] = kind == STRIPPED_FLASH;
	point(qemu, at + 72, operations[kind]);
	if (kind == STRIPPED_DEVICE)
		point(qemu, at + 80, at); // opaque
	else if (kind == STRIPPED_IO || kind == STRIPPED_FLASH)
		point(qemu, at + 80, class_of(TYPE_PFLASH));
	point(qemu, at + 88, STRIPPED_ROOT); // container
	put(qemu, at + 112, size);           // Int128, aligned to 16
	qemu->memory[at + 152] = 1;          // terminates
	qemu->memory[at + 153] = kind == STRIPPED_DEVICE;
	qemu->memory[at + 154] = 1; // enabled
	if (kind == STRIPPED_VIRTIO_MEM)
		point(qemu, at + 256, STRIPPED_MANAGER);
}

static void add_block(struct fake_stripped *qemu, unsigned int n)
{
	const uint64_t region = STRIPPED_REGION + n * STRIPPED_REGION_SIZE;
	const uint64_t block = STRIPPED_BLOCK + n * STRIPPED_BLOCK_SIZE;
	const uint64_t size = qemu->size[n];
	void *bytes;
	point(qemu, region + STRIPPED_REGION_BLOCK, block);
	point(qemu, block + STRIPPED_BLOCK_MR, region);
	put(qemu, block + STRIPPED_BLOCK_HOST, fake_stripped_hva(n));
	put(qemu, block + 40, (uint64_t)n << 32); // offset
	put(qemu, block + STRIPPED_BLOCK_LENGTH, size);
	put(qemu, block + 56, size); // max_length
	snprintf((char *)qemu->memory + block + STRIPPED_BLOCK_IDSTR, 256, "block.%u", n);
	point(qemu, block + 336, STRIPPED_BLOCK); // next
	check(gg_bytes_host_add_memory(qemu->bytes, fake_stripped_hva(n), size, &bytes));
}

static void add_range(struct fake_stripped *qemu, size_t i, const struct stripped_range *range)
{
	const uint64_t at = STRIPPED_RANGES + i * STRIPPED_RANGE_SIZE;
	point(qemu, at, STRIPPED_REGION + range->region * STRIPPED_REGION_SIZE);
	put(qemu, at + 8, range->offset_in_region);
	put(qemu, at + 16, range->start);
	put(qemu, at + 32, range->size);
	qemu->memory[at + 48] = range->kind == STRIPPED_RAM ? 2 : 0; // dirty_log_mask
	qemu->memory[at + 49] = 1;                                   // romd_mode
	qemu->memory[at + 50] = range->kind == STRIPPED_ROM;
	qemu->memory[at + 51] = range->kind == STRIPPED_NONVOLATILE;
}

static void add_memory(struct fake_stripped *qemu, const struct stripped_range *ranges,
		       size_t count)
{
	point_to_text(qemu, STRIPPED_ADDRESS_SPACE + 16, "memory");
	point(qemu, STRIPPED_ADDRESS_SPACE + 24, STRIPPED_ROOT);
	point(qemu, STRIPPED_CURRENT_MAP, STRIPPED_FLAT_VIEW);
	point(qemu, STRIPPED_LISTENERS, STRIPPED_LISTENERS + 0x20);
	fake_stripped_put(qemu, STRIPPED_FLAT_VIEW + 16, 4, 2); // ref
	point(qemu, STRIPPED_RANGES_POINTER, STRIPPED_RANGES);
	fake_stripped_put(qemu, STRIPPED_NR, 4, count);
	fake_stripped_put(qemu, STRIPPED_NR_ALLOCATED, 4, 16);
	point(qemu, STRIPPED_FLAT_VIEW + 48, STRIPPED_ROOT);
	make_object(qemu, STRIPPED_ROOT, TYPE_REGION);
	qemu->memory[STRIPPED_ROOT + 40] = 1;
	point(qemu, STRIPPED_ROOT + 72, USUAL_OPERATIONS);

	for (size_t i = 0; i < count; i++) {
		const uint64_t needed =
			(ranges[i].offset_in_region + ranges[i].size + PAGE - 1) / PAGE * PAGE;
		if (qemu->size[ranges[i].region] < needed)
			qemu->size[ranges[i].region] = needed;
	}
	bool added[STRIPPED_REGIONS] = { false };
	for (size_t i = 0; i < count; i++) {
		const unsigned int n = ranges[i].region;
		add_range(qemu, i, &ranges[i]);
		if (added[n])
			continue;
		added[n] = true;
		add_region(qemu, STRIPPED_REGION + n * STRIPPED_REGION_SIZE, ranges[i].kind,
			   qemu->size[n]);
		if (ranges[i].kind != STRIPPED_IO)
			add_block(qemu, n);
	}
}

// ---- VMState ----

struct fake_field {
	const char *name;
	uint64_t offset, size, num;
};

// CPUX86State's start as it is, but at another place.
static const struct fake_field cpu_fields[] = {
	{ "env.regs", STRIPPED_CPU_REGS, 8, 16 },
	{ "env.eip", STRIPPED_CPU_EIP, 8, 0 },
	{ "env.eflags", 0x488, 8, 0 },
	{ "env.hflags", 0x490, 4, 0 },
	{ "env.segs", 0x4a0, 24, 6 },
	{ "env.ldt", 0x530, 24, 0 },
	{ "env.tr", 0x548, 24, 0 },
	{ "env.gdt", 0x560, 24, 0 },
	{ "env.idt", 0x578, 24, 0 },
	{ "env.cr[0]", 0x590, 8, 0 },
	{ "env.cr[2]", 0x5a0, 8, 0 },
	{ "env.cr[3]", 0x5a8, 8, 0 },
	{ "env.cr[4]", 0x5b0, 8, 0 },
	{ "env.kernelgsbase", 0x5c0, 8, 0 },
};

static const struct fake_field segment_fields[] = {
	{ "selector", 0, 4, 0 },
	{ "base", 8, 8, 0 },
	{ "limit", 16, 4, 0 },
	{ "flags", 20, 4, 0 },
};

static const struct fake_field virtio_mem_fields[] = {
	{ "size", 0x120, 8, 0 },
	{ "requested_size", 0x128, 8, 0 },
	{ "bitmap", 0x138, 0, 0 },
};

// In a VMStateField, as its offset is the third word.
enum {
	FIELD_OFFSET = 16,
	FIELD_SIZE = 24,
	FIELD_NUM = 40,
	FIELD_SIZE_OFFSET = 56,
	FIELD_VMSD = 80
};

// The description at AT, whose fields are at FIELDS and go on behind them; returns where they end.
static uint64_t add_description(struct fake_stripped *qemu, uint64_t at, const char *name,
				uint64_t fields, const struct fake_field *list, size_t count)
{
	point_to_text(qemu, at, name);
	point(qemu, at + 72, fields);
	for (size_t i = 0; i < count; i++) {
		const uint64_t field = fields + i * STRIPPED_FIELD_SIZE;
		point_to_text(qemu, field, list[i].name);
		put(qemu, field + FIELD_OFFSET, list[i].offset);
		put(qemu, field + FIELD_SIZE, list[i].size);
		fake_stripped_put(qemu, field + FIELD_NUM, 4, list[i].num);
		put(qemu, field + 64, UINT64_C(0x5500000000)); // info
		fake_stripped_put(qemu, field + 72, 4, list[i].num ? 4 : 1);
	}
	return fields + (count + 1) * STRIPPED_FIELD_SIZE;
}

static void add_descriptions(struct fake_stripped *qemu)
{
	const uint64_t cpu = STRIPPED_DESCRIPTIONS, segment = cpu + 0x100, device = cpu + 0x200;
	const size_t count = sizeof(cpu_fields) / sizeof(*cpu_fields);
	uint64_t end = add_description(qemu, cpu, "cpu", STRIPPED_FIELDS, cpu_fields, count);
	end = add_description(qemu, segment, "segment", end, segment_fields,
			      sizeof(segment_fields) / sizeof(*segment_fields));
	const size_t device_count = sizeof(virtio_mem_fields) / sizeof(*virtio_mem_fields);
	add_description(qemu, device, "virtio-mem-device", end, virtio_mem_fields, device_count);
	put(qemu, end + (device_count - 1) * STRIPPED_FIELD_SIZE + FIELD_SIZE_OFFSET, 0x130);
	for (size_t i = 4; i < 9; i++)
		point(qemu, STRIPPED_FIELDS + i * STRIPPED_FIELD_SIZE + FIELD_VMSD, segment);
	point(qemu, class_of(TYPE_CPU) + 0x40, cpu);
	point(qemu, class_of(TYPE_VIRTIO_MEM) + 0x40, device);
}

// ---- CPUs ----

static void add_cpus(struct fake_stripped *qemu)
{
	uint64_t before = STRIPPED_CPUS_HEAD;
	for (unsigned int i = 0; i < STRIPPED_CPUS; i++) {
		const uint64_t cpu = STRIPPED_CPU + i * STRIPPED_CPU_SIZE;
		make_object(qemu, cpu, TYPE_CPU);
		point(qemu, before, cpu);
		point(qemu, cpu + STRIPPED_CPU_NODE + 8, before);
		before = cpu + STRIPPED_CPU_NODE;
		fake_stripped_put(qemu, cpu + STRIPPED_CPU_INDEX, 4, i);
		put(qemu, cpu + STRIPPED_CPU_EIP, 0x1000 * (i + 1));
	}
	point(qemu, STRIPPED_CPUS_HEAD + 8, before);
}

static void add_manager(struct fake_stripped *qemu, uint64_t size)
{
	make_object(qemu, STRIPPED_MANAGER, TYPE_VIRTIO_MEM);
	fake_stripped_put(qemu, STRIPPED_MANAGER + 0x130, 4, STRIPPED_BITS);
	point(qemu, STRIPPED_MANAGER + 0x138, STRIPPED_BITMAP);
	put(qemu, STRIPPED_MANAGER + 0x140, size / STRIPPED_BITS);
}

void fake_stripped_init(struct fake_stripped *qemu, const struct stripped_range *ranges,
			size_t count)
{
	*qemu = (struct fake_stripped){ 0 };
	check(gg_bytes_host_create(&qemu->bytes));
	check(gg_bytes_host_add_memory(qemu->bytes, STRIPPED_MEMORY, STRIPPED_MEMORY_SIZE,
				       (void **)&qemu->memory));
	check(gg_bytes_host_add_symbol(qemu->bytes, "address_space_memory",
				       STRIPPED_MEMORY + STRIPPED_ADDRESS_SPACE));
	check(gg_bytes_host_add_symbol(qemu->bytes, "cpus", STRIPPED_MEMORY + STRIPPED_CPUS_HEAD));
	add_types(qemu);
	add_memory(qemu, ranges, count);
	add_descriptions(qemu);
	add_cpus(qemu);
	for (size_t i = 0; i < count; i++)
		if (ranges[i].kind == STRIPPED_VIRTIO_MEM)
			add_manager(qemu, qemu->size[ranges[i].region]);
}

void fake_stripped_deinit(struct fake_stripped *qemu)
{
	gg_bytes_host_destroy(qemu->bytes);
}
