// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls of functions on RISC-V, at QEMU's gdbstub (RISC-V ELF psABI, Calling Conventions).
//
// In:  the first bytes of a function.
// Out: the place for a breakpoint.
#include "arch/instruction.h"
#include "riscv.h"

enum { INSTRUCTION = 4 };

// The nop is what the kernel's own tracing replaces by a jump, in newer kernels behind an auipc to t0, which carries no argument
// (Linux arch/riscv/kernel/ftrace.c).
static struct gg_function_entry find_entry(const uint8_t *code, size_t size)
{
	const uint32_t nop = 0x13, auipc_t0 = 0x297, operation = 0xfff;
	const size_t at =
		(gg_code_word_at(code, size, 0) & operation) == auipc_t0 ? INSTRUCTION : 0;
	if (gg_code_word_at(code, size, at) == nop)
		return (struct gg_function_entry){ at, INSTRUCTION };
	return (struct gg_function_entry){ 0, 0 };
}

// The numbers are of QEMU's gdb-xml/riscv-64bit-cpu.xml.
const struct gg_stub_calls riscv_calls = {
	.count = 8,
	.arguments = { { 10, "a0" },
		       { 11, "a1" },
		       { 12, "a2" },
		       { 13, "a3" },
		       { 14, "a4" },
		       { 15, "a5" },
		       { 16, "a6" },
		       { 17, "a7" } },
	.result = 10,
	.has_link = true,
	.link = 1,
	.structure_bytes = 16,
	.find_entry = find_entry,
};
