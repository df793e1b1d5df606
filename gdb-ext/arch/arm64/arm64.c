// SPDX-License-Identifier: GPL-3.0-or-later
//
// AArch64 guests: the row.
#include "arm64.h"

#include <elf.h>

// A CPU in AArch32 state that has system registers of AArch64 executes a program of 32 bits; a CPU without
// them is of 32 bits alone, and never had anything in the registers.
static bool is_mode(const struct gg_registers *registers)
{
	const uint64_t pstate = gg_register(registers, ARM64_PSTATE);
	if (pstate & ARM64_PSTATE_NRW)
		return gg_register_known(registers, ARM64_TTBR1);
	return gg_register(registers, ARM64_PC) || pstate & ~ARM64_PSTATE_FLAGS;
}

static const struct gg_cpu_ops cpu = {
	.is_mode = is_mode,
	.is_monitor_text = arm64_is_monitor_text,
	.read_registers = arm64_read_registers,
	.read_monitor = arm64_read_monitor,
	.summarize = arm64_summarize,
	.print_registers = arm64_print_registers,
	.disassemble = arm64_disassemble,
	.paging = arm64_paging,
	.other_paging = arm64_other_paging,
};

// The numbers are of QEMU's gdb-xml/aarch64-core.xml.
static const struct gg_stub_set stub = {
	.count = 5,
	.registers = { { 32, ARM64_PC },
		       { 31, ARM64_SP },
		       { 33, ARM64_PSTATE },
		       { 29, ARM64_FP },
		       { 30, ARM64_LR } },
	.mode = 2,
	.mode_mask = 3 << ARM64_PSTATE_EL_SHIFT,
};

const struct gg_arch gg_arch_aarch64 = {
	.name = "aarch64",
	.uname = "aarch64",
	.cpu_type = "ARMCPU",
	.counter = "env.pc",
	.elf_machine = EM_AARCH64,
	.elf_class = ELFCLASS64,
	.word = 8,
	.registers = &arm64_registers,
	.cpu = &cpu,
	.notes = &arm64_notes,
	.kernel = &arm64_linux,
	.stack = &arm64_stack,
	.vmlinux = &arm64_vmlinux,
	.stub = &stub,
	.calls = &arm64_calls,
};
