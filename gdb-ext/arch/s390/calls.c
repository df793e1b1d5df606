// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls of functions on s390x, at QEMU's gdbstub (ELF Application Binary Interface, s390x Supplement, 1.2.5).
//
// In:  the first bytes of a function.
// Out: the place for a breakpoint.
#include "s390.h"

enum { BRCL = 6 };

// The branch that is never taken is what the kernel's own tracing replaces (Linux arch/s390/kernel/ftrace.c).
static struct gg_function_entry find_entry(const uint8_t *code, size_t size)
{
	if (size >= BRCL && code[0] == 0xc0 && code[1] == 0x04)
		return (struct gg_function_entry){ 0, BRCL };
	return (struct gg_function_entry){ 0, 0 };
}

// The numbers are of QEMU's gdb-xml/s390x-core64.xml.
const struct gg_stub_calls s390_calls = {
	.count = 5,
	.arguments = { { 4, "r2" }, { 5, "r3" }, { 6, "r4" }, { 7, "r5" }, { 8, "r6" } },
	.result = 4,
	.has_link = true,
	.link = 16,
	.more = 160,
	.structure_bytes = 0, // all are returned in memory
	.find_entry = find_entry,
};
