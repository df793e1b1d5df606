// SPDX-License-Identifier: GPL-3.0-or-later
//
// The tables: what is known of which architecture.
#include "arch.h"

#include <elf.h>

extern const struct gg_arch gg_arch_x86_64, gg_arch_i386, gg_arch_aarch64, gg_arch_riscv64,
	gg_arch_s390x, gg_arch_ppc64le;

const struct gg_arch *const gg_archs[] = {
	&gg_arch_x86_64,  &gg_arch_i386, &gg_arch_aarch64, &gg_arch_riscv64, &gg_arch_s390x,
	&gg_arch_ppc64le, NULL
};

const struct gg_cpu_type gg_cpu_types[] = {
	{ "-x86_64-cpu", "X86CPU", "vmstate_x86_cpu" },
	{ "-i386-cpu", "X86CPU", "vmstate_x86_cpu" },
	{ "-arm-cpu", "ARMCPU", "vmstate_arm_cpu" },
	{ "-s390x-cpu", "S390CPU", "vmstate_s390_cpu" },
	{ "-powerpc64-cpu", "PowerPCCPU", "vmstate_ppc_cpu" },
	{ "-powerpc-cpu", "PowerPCCPU", "vmstate_ppc_cpu" },
	{ "-riscv-cpu", "RISCVCPU", "vmstate_riscv_cpu" },
	{ NULL, NULL, NULL },
};

extern const struct gg_host_code gg_host_code_x86_64;

const struct gg_host_code *const gg_host_codes[] = { &gg_host_code_x86_64, NULL };

const struct gg_arch gg_arch_unknown = {
	.name = "unknown",
	.elf_machine = EM_NONE,
	.elf_class = ELFCLASS64,
	.word = 8,
};
