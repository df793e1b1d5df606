// SPDX-License-Identifier: GPL-3.0-or-later
//
// What differs from one guest architecture to the next. One file and one row each; nothing else
// asks which one it is.
#ifndef GG_ARCH_H
#define GG_ARCH_H

#include "../host/host.h"

struct gg_arch {
	const char *name;
	// The type of the CPU's state in QEMU, by which a QEMU for this architecture is known.
	const char *cpu_type;
	uint16_t elf_machine; // EM_...
	uint8_t elf_class;    // ELFCLASS...
	uint8_t elf_data;     // ELFDATA...
};

// The architecture that HOST's QEMU emulates; GG_UNSUPPORTED names those that are known.
struct gg_error *gg_arch_find(const struct gg_host *host, const struct gg_arch **ret);

#endif
