// SPDX-License-Identifier: GPL-3.0-or-later
#include "cpu-ops.h"
#include "arch/notes.h"

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

size_t gg_arch_prstatus_size(const struct gg_arch *arch)
{
	return arch->notes && arch->notes->read ? arch->notes->prstatus_size : 0;
}

struct gg_error *gg_arch_read_prstatus(const struct gg_arch *arch, const uint8_t *bytes,
				       struct gg_registers *ret)
{
	const struct gg_cpu_notes notes = { .prstatus = bytes,
					    .prstatus_size = gg_arch_prstatus_size(arch) };
	gg_registers_init(ret, arch->registers, arch->word);
	return notes.prstatus_size ? arch->notes->read(&notes, ret)
				   : gg_arch_not_yet(arch, "the notes of a vmcore");
}
