// SPDX-License-Identifier: GPL-3.0-or-later
//
// RISC-V guests of 64 bits: the row.
#include "riscv.h"

#include <elf.h>

static const char *firmware_mode(const struct gg_registers *registers)
{
	return gg_register_known(registers, RISCV_PRIV) &&
			       gg_register(registers, RISCV_PRIV) == RISCV_MACHINE
		       ? "machine mode"
		       : NULL;
}

static const struct gg_cpu_ops cpu = {
	.is_monitor_text = riscv_is_monitor_text,
	.read_registers = riscv_read_registers,
	.read_monitor = riscv_read_monitor,
	.firmware_mode = firmware_mode,
	.summarize = riscv_summarize,
	.print_registers = riscv_print_registers,
	.disassemble = riscv_disassemble,
	.paging = riscv_paging,
};

// The numbers are of QEMU's gdb-xml/riscv-64bit-cpu.xml.
static const struct gg_stub_set stub = {
	.count = 4,
	.registers = { { 32, RISCV_PC }, { 2, RISCV_SP }, { 8, RISCV_S0 }, { 1, RISCV_RA } },
	.asks_state = true,
};

const struct gg_arch gg_arch_riscv64 = {
	.name = "riscv64",
	.uname = "riscv64",
	.cpu_type = "RISCVCPU",
	.counter = "env.pc",
	.elf_machine = EM_RISCV,
	.elf_class = ELFCLASS64,
	.word = 8,
	.registers = &riscv_registers,
	.cpu = &cpu,
	.notes = &riscv_notes,
	.kernel = &riscv_linux,
	.stack = &riscv_stack,
	.vmlinux = &riscv_vmlinux,
	.stub = &stub,
	.calls = &riscv_calls,
};
