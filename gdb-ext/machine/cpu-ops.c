// SPDX-License-Identifier: GPL-3.0-or-later
#include "cpu-ops.h"

size_t gg_arch_kernel_paging(const struct gg_arch *arch, const struct gg_registers *registers,
			     struct gg_paging ret[GG_KERNEL_PAGINGS])
{
	const struct gg_cpu_ops *cpu = arch->cpu;
	if (!cpu->paging)
		return 0;
	cpu->paging(registers, &ret[0]);
	if (!ret[0].levels)
		return 0;
	return cpu->other_paging && cpu->other_paging(registers, &ret[1]) ? 2 : 1;
}

const char *gg_arch_firmware_mode(const struct gg_arch *arch, const struct gg_registers *registers)
{
	return arch->cpu->firmware_mode ? arch->cpu->firmware_mode(registers) : NULL;
}
