// SPDX-License-Identifier: GPL-3.0-or-later
//
// Little-endian guests of POWER: the row.
#include "ppc64.h"

#include <elf.h>

static const struct gg_cpu_ops cpu = {
	.is_mode = ppc64_is_mode,
	.is_monitor_text = ppc64_is_monitor_text,
	.read_registers = ppc64_read_registers,
	.read_monitor = ppc64_read_monitor,
	.summarize = ppc64_summarize,
	.print_registers = ppc64_print_registers,
	.disassemble = ppc64_disassemble,
	.paging = ppc64_paging,
};

const struct gg_arch gg_arch_ppc64le = {
	.name = "ppc64le",
	.uname = "ppc64le",
	.cpu_type = "PowerPCCPU",
	.counter = "env.nip",
	.elf_machine = EM_PPC64,
	.elf_class = ELFCLASS64,
	.word = 8,
	.registers = &ppc64_registers,
	.cpu = &cpu,
	.notes = &ppc64_notes,
	.kernel = &ppc64_linux,
	.stack = &ppc64_stack,
	.vmlinux = &ppc64_vmlinux,
};
