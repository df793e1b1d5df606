// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls of functions on POWER, at QEMU's gdbstub (64-Bit ELF V2 ABI Specification, Power Architecture, 2.2 and 2.3).
//
// In:  the first bytes of a function.
// Out: the place for a breakpoint.
#include "arch/instruction.h"
#include "ppc64.h"

enum { INSTRUCTION = 4 };

// Calls from the same module enter behind the two instructions that derive the TOC from r12. The nop is what the kernel's own
// tracing replaces by a call, before or behind mflr r0 (Linux arch/powerpc/kernel/trace/ftrace.c).
static struct gg_function_entry find_entry(const uint8_t *code, size_t size)
{
	const uint32_t addis_r2_r12 = 0x3c4c, addi_r2_r2 = 0x3842, mflr_r0 = 0x7c0802a6,
		       nop = 0x60000000, half = 16;
	const bool has_toc = gg_code_word_at(code, size, 0) >> half == addis_r2_r12 &&
			     gg_code_word_at(code, size, INSTRUCTION) >> half == addi_r2_r2;
	const size_t local = has_toc ? 2 * INSTRUCTION : 0;
	const size_t at = local + (gg_code_word_at(code, size, local) == mflr_r0 ? INSTRUCTION : 0);
	if (gg_code_word_at(code, size, at) == nop)
		return (struct gg_function_entry){ at, INSTRUCTION };
	return (struct gg_function_entry){ local, 0 };
}

// The numbers are of QEMU's gdb-xml/power64-core.xml.
const struct gg_stub_calls ppc64_calls = {
	.count = 8,
	.arguments = { { 3, "r3" },
		       { 4, "r4" },
		       { 5, "r5" },
		       { 6, "r6" },
		       { 7, "r7" },
		       { 8, "r8" },
		       { 9, "r9" },
		       { 10, "r10" } },
	.result = 3,
	.has_link = true,
	.link = 67,
	.more = 96,
	.structure_bytes = 16,
	.find_entry = find_entry,
};
