// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls of functions on AArch64, at QEMU's gdbstub (Procedure Call Standard for the Arm 64-bit Architecture, 6.8).
//
// In:  the first bytes of a function.
// Out: the place for a breakpoint.
#include "arm64.h"
#include "arch/instruction.h"

enum { INSTRUCTION = 4 };

static bool is(const uint8_t *code, size_t size, size_t at, uint32_t instruction)
{
	return gg_code_word_at(code, size, at) == instruction;
}

// The nop is what the kernel's own tracing replaces by a call; before it x9 gets the return address, and with BTI the mark of
// indirect calls comes first (Linux arch/arm64/kernel/ftrace.c).
static struct gg_function_entry find_entry(const uint8_t *code, size_t size)
{
	const uint32_t nop = 0xd503201f, mov_x9_lr = 0xaa1e03e9, bti_c = 0xd503245f;
	size_t at = is(code, size, 0, bti_c) ? INSTRUCTION : 0;
	if (is(code, size, at, mov_x9_lr))
		at += INSTRUCTION;
	if (is(code, size, at, nop))
		return (struct gg_function_entry){ at, INSTRUCTION };
	return (struct gg_function_entry){ 0, 0 };
}

// The numbers are of QEMU's gdb-xml/aarch64-core.xml.
const struct gg_stub_calls arm64_calls = {
	.count = 8,
	.arguments = { { 0, "x0" },
		       { 1, "x1" },
		       { 2, "x2" },
		       { 3, "x3" },
		       { 4, "x4" },
		       { 5, "x5" },
		       { 6, "x6" },
		       { 7, "x7" } },
	.result = 0,
	.has_link = true,
	.link = 30,
	.structure_bytes = 16,
	.find_entry = find_entry,
};
