// SPDX-License-Identifier: GPL-3.0-or-later
//
// An ELF file with sections, written by libelf.
#ifndef GG_VMLINUX_ELF_H
#define GG_VMLINUX_ELF_H

#include "arch/arch.h"
#include "base/error.h"

#include <elf.h>

struct gg_elf_section {
	const char *name;
	uint32_t type; // SHT_...
	uint64_t flags;
	uint64_t address;
	const void *bytes; // borrowed
	uint64_t size;
	uint64_t alignment, entry_size;
	const char *link; // the name of the section of sh_link, or NULL
	uint32_t info;    // sh_info
};

// Writes an executable of ARCH, with FLAGS for e_flags and COUNT sections, to the file FD; a PT_LOAD covers each section that
// has memory. RET is the file's size.
struct gg_error *gg_elf_write(int fd, const struct gg_arch *arch, uint32_t flags,
			      const struct gg_elf_section *sections, size_t count, uint64_t *ret);

#endif
