// SPDX-License-Identifier: GPL-3.0-or-later
#include "arch.h"

#include <elf.h>

const struct gg_arch gg_arch_x86_64 = {
	.name = "x86_64",
	.cpu_type = "CPUX86State",
	.elf_machine = EM_X86_64,
	.elf_class = ELFCLASS64,
	.elf_data = ELFDATA2LSB,
};
