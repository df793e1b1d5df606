// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's RAM as QEMU's monitor prints it.
#ifndef GG_QEMU_MTREE_H
#define GG_QEMU_MTREE_H

#include "qemu/ram.h"

// A virtio-mem device: the place of its memory, and the size of the plugged parts.
struct gg_virtio_mem {
	gg_gpa_t start;
	uint64_t max_size, plugged; // bytes
};

struct gg_memory_devices {
	struct gg_virtio_mem *devices;
	size_t count;
};

// Reads the text that "info memory-devices" prints (QEMU hw/core/machine-hmp-cmds.c; before v6.2
// monitor/hmp-cmds.c); NULL, where QEMU has no such command, is none. The caller calls
// gg_memory_devices_deinit() also after an error.
struct gg_error *gg_memory_devices_read(const char *text, struct gg_memory_devices *ret);
void gg_memory_devices_deinit(struct gg_memory_devices *devices);

// Reads the text that "info mtree -f" prints (QEMU softmmu/memory.c, mtree_print_flatview): the
// ranges of the address space "memory" that QEMU's own dump has. Each hva is the gpa itself. A
// virtio-mem without a plugged part is left out; a virtio-mem with plugged parts, which the monitor
// does not list, is there as a whole. GG_BAD_DATA where QEMU prints no such text.
struct gg_error *gg_mtree_read(const char *text, const struct gg_memory_devices *devices,
			       struct gg_qemu_ram *ret);

#endif
