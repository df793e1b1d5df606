// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest at QEMU's gdbstub: its RAM by guest-physical addresses, and what the monitor prints of
// it.
#ifndef FAKE_STUB_H
#define FAKE_STUB_H

#include <gdb-guest.h>
#include "host/bytes.h"
#include "fake-kernel.h"

enum { FAKE_STUB_TEXT = 16384 };

struct fake_stub {
	struct gg_bytes_host *bytes;
	struct gg_host host; // counts what is read, and may break off
	uint8_t *ram;        // FAKE_KERNEL_RAM bytes from address 0 on
	uint64_t bytes_read;
	uint64_t break_after; // bytes, after which it answers no more; 0: never
	char texts[GG_MONITOR_TEXTS][FAKE_STUB_TEXT];
	const char *monitor[GG_MONITOR_TEXTS];
	struct gg_target target; // with that monitor
};

// Makes one CPU in long mode, whose CR3 is ROOT, or without paging for 0.
void fake_stub_init(struct fake_stub *stub, uint64_t root);
void fake_stub_deinit(struct fake_stub *stub);

// In STUB's RAM at WHERE, as Linux has them beside each other: vmcoreinfo_data, vmcoreinfo_size,
// vmcoreinfo_note for KERNEL.
void fake_stub_write_variables(struct fake_stub *stub, const struct fake_kernel *kernel,
			       uint64_t where);

#endif
