// SPDX-License-Identifier: GPL-3.0-or-later
//
// A vmlinux made of what a kernel has of itself in memory: its symbols, its types, its functions with
// their prototypes, and the way from each function to its caller.
#ifndef GG_VMLINUX_H
#define GG_VMLINUX_H

#include "linux/answerers/answerers.h"

#include <gdb-guest/vmlinux.h>

struct gg_vmlinux_plan {
	// The offset of KASLR, taken from each address, for a file with the addresses that the kernel
	// was linked with; else 0.
	uint64_t displacement;
	gg_gva_t kernel_area; // addresses below are no addresses of the image, and keep their value
	// The file has the bytes of data too, as they are in memory now; else of code and constants
	// alone.
	bool has_data;
	bool no_modules;      // leave out the modules' symbols and types
	const char *build_id; // in hexadecimal, for a note; or NULL
};

// Writes the vmlinux of KERNEL to the file FD. RET is what the file has.
struct gg_error *gg_vmlinux_write(const struct gg_answerers *kernel,
				  const struct gg_vmlinux_plan *plan, int fd,
				  struct gg_vmlinux_facts *ret);

#endif
