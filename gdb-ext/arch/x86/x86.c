// SPDX-License-Identifier: GPL-3.0-or-later
//
// x86 guests, of 64 and of 32 bits: the rows.
#include "x86.h"

#include <elf.h>

static bool is_long_mode(const struct gg_registers *registers)
{
	return gg_register(registers, X86_HFLAGS) & X86_HF_LMA;
}

static bool is_long_mode_text(const char *text)
{
	bool long_mode;
	return x86_is_monitor_text(text, &long_mode) && long_mode;
}

static bool is_any_text(const char *text)
{
	bool long_mode;
	return x86_is_monitor_text(text, &long_mode);
}

static const char *firmware_mode(const struct gg_registers *registers)
{
	const bool smm = gg_register(registers, X86_HFLAGS) >> X86_HF_SMM_BIT & 1;
	return smm ? "System Management Mode" : NULL;
}

#define CPU_OPS                                                                                    \
	.read_registers = x86_read_registers, .read_monitor = x86_read_monitor,                    \
	.firmware_mode = firmware_mode, .nesting = x86_nesting, .read_saved = x86_read_saved,      \
	.control_block = x86_control_block, .read_control_block = x86_read_control_block,          \
	.control_block_place = x86_control_block_place, .leave_nesting = x86_leave_nesting,        \
	.summarize = x86_summarize, .print_registers = x86_print_registers,                        \
	.disassemble = x86_disassemble, .paging = x86_paging, .other_paging = x86_other_paging

static const struct gg_cpu_ops cpu_64 = {
	.is_mode = is_long_mode,
	.is_monitor_text = is_long_mode_text,
	CPU_OPS,
};

static const struct gg_cpu_ops cpu_32 = {
	.is_monitor_text = is_any_text,
	CPU_OPS,
};

// QEMU's gdb-xml/i386-64bit.xml.
static const struct gg_stub_set stub_64 = {
	.count = 6,
	.registers = { { 16, X86_RIP },
		       { 7, X86_RSP },
		       { 6, X86_RBP },
		       { 18, X86_CS },
		       { 10, X86_R8 + 2 },
		       { 13, X86_R8 + 5 } },
};

// The numbers of a qemu-system-x86_64: a qemu-system-i386 has a register of 10 bytes in RIP's place, and so is refused. A program's
// counter may be any in the kernels that give programs all 4 GiB.
static const struct gg_stub_set stub_32 = {
	.count = 4,
	.registers = { { 16, X86_RIP }, { 7, X86_RSP }, { 6, X86_RBP }, { 18, X86_CS } },
	.mode = 3,
	.mode_mask = 3,
	.mode_user = 3,
	.asks_state = true, // a compiler may inline the idle code into other functions
};

const struct gg_arch gg_arch_x86_64 = {
	.name = "x86_64",
	.uname = "x86_64",
	.cpu_type = "X86CPU",
	.counter = "env.eip",
	.elf_machine = EM_X86_64,
	.elf_class = ELFCLASS64,
	.word = 8,
	.registers = &x86_registers,
	.cpu = &cpu_64,
	.notes = &x86_notes_64,
	.kernel = &x86_linux_64,
	.stack = &x86_stack_64,
	.vmlinux = &x86_vmlinux_64,
	.stub = &stub_64,
	.calls = &x86_calls_64,
};

// QEMU's dump of such a guest is of 64 bits where a range ends at 4 GiB, as the BIOS does, which no debugger of 32 bits opens.
const struct gg_arch gg_arch_i386 = {
	.name = "i386",
	.uname = "i?86",
	.cpu_type = "X86CPU",
	.counter = "env.eip",
	.elf_machine = EM_386,
	.elf_class = ELFCLASS32,
	.word = 4,
	.registers = &x86_registers,
	.cpu = &cpu_32,
	.notes = &x86_notes_32,
	.kernel = &x86_linux_32,
	.stack = &x86_stack_32,
	.vmlinux = &x86_vmlinux_32,
	.stub = &stub_32,
	.calls = &x86_calls_32,
};
