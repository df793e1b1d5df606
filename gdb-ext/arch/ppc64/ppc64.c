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

// The numbers are of QEMU's gdb-xml/power64-core.xml.
static const struct gg_stub_set stub = {
	.count = 4,
	.registers = { { 64, PPC64_NIP }, { 1, PPC64_R1 }, { 65, PPC64_MSR }, { 67, PPC64_LR } },
	.mode = 2,
	.mode_mask = PPC64_MSR_PR,
	.mode_user = PPC64_MSR_PR,
	.asks_state = true,
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
	.stub = &stub,
	.calls = &ppc64_calls,
};
