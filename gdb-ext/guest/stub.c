// SPDX-License-Identifier: GPL-3.0-or-later
//
// What is different of a guest at QEMU's gdbstub: its RAM and its CPUs are as QEMU's monitor tells
// them, and its memory is far away.
#include "base/cleanup.h"
#include "guest.h"
#include "linux/image-search.h"
#include "qemu/monitor/cpus.h"

#include <string.h>

// ---- Memory ----

static bool is_made_of_pages(const struct gg_qemu_ram *ram)
{
	enum { PAGE = 4096 };
	for (size_t i = 0; i < ram->count; i++)
		if (ram->ranges[i].start % PAGE || ram->ranges[i].size % PAGE)
			return false;
	return true;
}

// What of a virtio-mem is plugged in only QEMU knows, but for all and nothing.
static struct gg_error *create_stub_backing(struct gg_guest *guest, const struct gg_qemu_ram *ram,
					    const struct gg_memory_devices *devices)
{
	_cleanup_free_ struct gg_untold *untold = calloc(devices->count + 1, sizeof(*untold));
	size_t count = 0;
	if (!untold)
		return gg_enomem;
	for (size_t i = 0; i < devices->count; i++) {
		const struct gg_virtio_mem *device = &devices->devices[i];
		if (device->plugged && device->plugged < device->max_size)
			untold[count++] = (struct gg_untold){ device->start, device->max_size };
	}
	return gg_backing_create_stub(guest->host, untold, count, is_made_of_pages(ram),
				      &guest->backing);
}

// QEMU wrote what the guest has, of a virtio-mem what is plugged in.
static struct gg_error *use_written_memory(struct gg_guest *guest, struct gg_qemu_ram *ram)
{
	struct gg_qemu_ram held = { 0 };
	struct gg_error *err = NULL;
	for (size_t i = 0; i < ram->count; i++) {
		struct gg_qemu_range range = ram->ranges[i];
		for (uint64_t left = range.size; !err && left; left -= range.size) {
			struct gg_core_extent extent;
			gg_core_file_extent(guest->memory, range.start, left, &extent);
			range.size = extent.size;
			if (extent.held)
				err = gg_qemu_ram_add(&held, &range, ram->ranges[i].block);
			range.start += range.size;
			range.hva += range.size;
			range.offset += range.size;
		}
	}
	if (err) {
		gg_qemu_ram_deinit(&held);
		return err;
	}
	gg_qemu_ram_deinit(ram);
	*ram = held;
	return gg_backing_create_core(guest->memory, &guest->backing);
}

static struct gg_error *open_stub_memory(struct gg_guest *guest, struct gg_qemu_ram *ram,
					 const struct gg_memory_devices *devices)
{
	struct gg_error *err = guest->memory ? use_written_memory(guest, ram)
					     : create_stub_backing(guest, ram, devices);
	return err ? err : gg_ram_map_create(ram, guest->backing, &guest->ram_map);
}

struct gg_error *gg_guest_open_stub(struct gg_guest *guest, const struct gg_target *target)
{
	struct gg_memory_devices devices = { 0 };
	struct gg_qemu_ram ram = { 0 };
	guest->host = &guest->checked.host;
	guest->note = target->note;
	struct gg_error *err = gg_monitor_create(target->monitor, &guest->monitor);
	if (!err && target->memory_path)
		err = gg_core_file_open_vmcore(target->memory_path, &guest->memory);
	if (!err)
		err = gg_memory_devices_read(guest->monitor->texts[GG_MONITOR_MEMORY_DEVICES],
					     &devices);
	if (!err)
		err = gg_mtree_read(guest->monitor->texts[GG_MONITOR_MEMORY_MAP], &devices, &ram);
	if (!err)
		err = open_stub_memory(guest, &ram, &devices);
	gg_memory_devices_deinit(&devices);
	gg_qemu_ram_deinit(&ram);
	return err;
}

// ---- CPUs ----

// QEMU's stub numbers its threads as QEMU numbers its CPUs, from 1.
struct gg_error *gg_guest_read_monitor_cpus(struct gg_guest *guest)
{
	const char *text = guest->monitor->texts[GG_MONITOR_REGISTERS];
	struct gg_error *err = gg_qemu_monitor_cpus(
		text, strlen(text), gg_monitor_accelerator(guest->monitor), &guest->cpus);
	for (size_t i = 0; !err && i < guest->cpus.count; i++)
		guest->cpus.cpus[i].thread = guest->cpus.cpus[i].index + 1;
	return err;
}

// ---- The kernel ----

// Over a wire: where it was, else by the CPUs' page tables.
struct gg_error *gg_guest_find_kernel_at_stub(struct gg_guest *guest,
					      const struct gg_notices *notices)
{
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_error *err =
		guest->note ? gg_kernel_find_at(&site, guest->note, &guest->kernel) : NULL;
	if (err || guest->kernel)
		return err;
	struct gg_kernels found;
	err = gg_kernels_find_by_image(&site, notices, &found);
	if (!err)
		gg_guest_take_kernels(guest, &found);
	return err;
}

bool gg_guest_is_over_wire(const struct gg_guest *guest)
{
	return guest->monitor && !guest->memory;
}
