// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tables of arch/arch.c, for programs that link this file in its place: rows of architectures
// that there are not.
#include "sham-arch.h"

#include <elf.h>

const struct gg_arch *const gg_archs[] = { &gg_arch_sham, &gg_arch_mute, NULL };

const struct gg_cpu_type gg_cpu_types[] = {
	{ "-sham-cpu", "ShamCPU", "vmstate_sham_cpu" },
	{ NULL, NULL, NULL },
};

const struct gg_host_code *const gg_host_codes[] = { NULL };

const struct gg_arch gg_arch_unknown = { .name = "unknown", .elf_class = ELFCLASS64, .word = 8 };
