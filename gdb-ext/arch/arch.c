// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tables: what is known of which architecture.
#include "arch.h"

#include <elf.h>

extern const struct gg_arch gg_arch_x86_64, gg_arch_i386;

const struct gg_arch *const gg_archs[] = { &gg_arch_x86_64, &gg_arch_i386, NULL };

const struct gg_arch gg_arch_unknown = {
	.name = "unknown",
	.elf_machine = EM_NONE,
	.elf_class = ELFCLASS64,
	.word = 8,
};
