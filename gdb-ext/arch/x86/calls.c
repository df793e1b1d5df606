// SPDX-License-Identifier: GPL-3.0-or-later
//
// Calls of functions on x86, at QEMU's gdbstub (System V ABI, AMD64 supplement, 3.2.3; of 32 bits GCC's -mregparm=3, with which
// Linux is built).
//
// In:  the first bytes of a function.
// Out: the place for a breakpoint.
#include "x86.h"

#include <string.h>

enum { NOP = 5 };

// Counts the bytes at CODE that mark the target of an indirect call: endbr64, or the nop that the kernel writes in
// its place (Linux arch/x86/include/asm/ibt.h, gen_endbr_poison()).
static size_t mark_size(const uint8_t *code, size_t size)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa }, poison[] = { 0x0f, 0x1f, 0x40 };
	if (size < sizeof(endbr))
		return 0;
	if (!memcmp(code, endbr, sizeof(endbr)) || !memcmp(code, poison, sizeof(poison)))
		return sizeof(endbr);
	return 0;
}

// The nop is what the kernel's own tracing replaces by a call (Linux arch/x86/kernel/ftrace.c).
static struct gg_function_entry find_entry(const uint8_t *code, size_t size)
{
	static const uint8_t nop[NOP] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	const size_t mark = mark_size(code, size);
	if (size - mark < NOP || memcmp(code + mark, nop, NOP) != 0)
		return (struct gg_function_entry){ mark, 0 };
	return (struct gg_function_entry){ mark, NOP };
}

// The numbers are of QEMU's gdb-xml/i386-64bit.xml.
const struct gg_stub_calls x86_calls_64 = {
	.count = 6,
	.arguments = { { 5, "rdi" },
		       { 4, "rsi" },
		       { 3, "rdx" },
		       { 2, "rcx" },
		       { 8, "r8" },
		       { 9, "r9" } },
	.result = 0,
	.more = 8,
	.structure_bytes = 16,
	.find_entry = find_entry,
};

// The nops of CPUs before P6, too.
static struct gg_function_entry find_entry_32(const uint8_t *code, size_t size)
{
	static const uint8_t nop[NOP] = { 0x3e, 0x8d, 0x74, 0x26, 0x00 };
	if (size >= NOP && !memcmp(code, nop, NOP))
		return (struct gg_function_entry){ 0, NOP };
	return find_entry(code, size);
}

// The numbers are those of a qemu-system-x86_64, as above.
const struct gg_stub_calls x86_calls_32 = {
	.count = 3,
	.arguments = { { 0, "eax" }, { 3, "edx" }, { 2, "ecx" } },
	.result = 0,
	.more = 4,
	.find_entry = find_entry_32,
};
