// SPDX-License-Identifier: GPL-3.0-or-later
//
// The notes of an x86 CPU: NT_PRSTATUS as Linux's struct elf_prstatus has it, and QEMU's own note,
// version 1, in the layouts of QEMU's target/i386/arch_dump.c (v7.2).
#include "x86.h"

#include <elf.h>

// struct user_regs_struct, of 64 and of 32 bits; orig_rax, which only a system call has, is 0.
// clang-format off
static const enum x86_register user_regs_64[] = {
	X86_R15, X86_R8 + 6, X86_R8 + 5, X86_R8 + 4, X86_RBP, X86_RBX, X86_R8 + 3, X86_R8 + 2,
	X86_R8 + 1, X86_R8, X86_RAX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_NO_REGISTER, X86_RIP,
	X86_CS, X86_RAW_EFLAGS, X86_RSP, X86_SS, X86_FS + X86_BASE, X86_GS + X86_BASE, X86_DS,
	X86_ES, X86_FS, X86_GS,
};
static const enum x86_register user_regs_32[] = {
	X86_RBX, X86_RCX, X86_RDX, X86_RSI, X86_RDI, X86_RBP, X86_RAX, X86_DS, X86_ES, X86_FS,
	X86_GS, X86_NO_REGISTER, X86_RIP, X86_CS, X86_RAW_EFLAGS, X86_RSP, X86_SS,
};
// clang-format on

const struct x86_prstatus x86_prstatus_64 = {
	.before_pid = 32,
	.before_registers = 76,
	.registers = user_regs_64,
	.count = sizeof(user_regs_64) / sizeof(*user_regs_64),
	.width = 8,
};
const struct x86_prstatus x86_prstatus_32 = {
	.before_pid = 24,
	.before_registers = 44,
	.registers = user_regs_32,
	.count = sizeof(user_regs_32) / sizeof(*user_regs_32),
	.width = 4,
};

const enum x86_register x86_note_general[X86_NOTE_GENERAL] = {
	X86_RAX, X86_RBX,    X86_RCX,    X86_RDX,    X86_RSI,    X86_RDI,    X86_RSP,    X86_RBP,
	X86_R8,  X86_R8 + 1, X86_R8 + 2, X86_R8 + 3, X86_R8 + 4, X86_R8 + 5, X86_R8 + 6, X86_R15,
};
const enum x86_register x86_note_segments[X86_NOTE_SEGMENTS] = {
	X86_CS, X86_DS, X86_ES, X86_FS, X86_GS, X86_SS, X86_LDT, X86_TR, X86_GDT, X86_IDT,
};

static struct gg_error *write_prstatus(const struct gg_registers *registers, uint32_t index,
				       const struct x86_prstatus *layout, struct gg_buffer *notes)
{
	struct gg_buffer desc = { 0 };
	gg_buffer_zeros(&desc, layout->before_pid);
	gg_buffer_uint(&desc, 4, index + 1);
	gg_buffer_zeros(&desc, layout->before_registers);
	for (size_t i = 0; i < layout->count; i++)
		gg_buffer_uint(&desc, layout->width,
			       layout->registers[i] == X86_NO_REGISTER
				       ? 0
				       : gg_register(registers, layout->registers[i]));
	gg_buffer_zeros(&desc, layout->width);
	return gg_note_finish(notes, "CORE", NT_PRSTATUS, &desc);
}

static struct gg_error *write_prstatus_64(const struct gg_registers *registers, uint32_t index,
					  struct gg_buffer *notes)
{
	return write_prstatus(registers, index, &x86_prstatus_64, notes);
}

static struct gg_error *write_prstatus_32(const struct gg_registers *registers, uint32_t index,
					  struct gg_buffer *notes)
{
	return write_prstatus(registers, index, &x86_prstatus_32, notes);
}

static void append_segment(struct gg_buffer *desc, const struct gg_registers *registers,
			   unsigned int id)
{
	gg_buffer_uint(desc, 4, gg_register(registers, id + X86_SELECTOR));
	gg_buffer_uint(desc, 4, gg_register(registers, id + X86_LIMIT));
	gg_buffer_uint(desc, 4, gg_register(registers, id + X86_FLAGS));
	gg_buffer_zeros(desc, 4);
	gg_buffer_uint(desc, 8, gg_register(registers, id + X86_BASE));
}

static struct gg_error *write_qemu_note(const struct gg_registers *registers,
					struct gg_buffer *notes)
{
	enum { NOTE_TYPE = 0 };
	struct gg_buffer desc = { 0 };
	gg_buffer_uint(&desc, 4, X86_NOTE_VERSION);
	gg_buffer_uint(&desc, 4, X86_NOTE_SIZE);
	for (size_t i = 0; i < X86_NOTE_GENERAL; i++)
		gg_buffer_uint(&desc, 8, gg_register(registers, x86_note_general[i]));
	gg_buffer_uint(&desc, 8, gg_register(registers, X86_RIP));
	gg_buffer_uint(&desc, 8, gg_register(registers, X86_RAW_EFLAGS));
	for (size_t i = 0; i < X86_NOTE_SEGMENTS; i++)
		append_segment(&desc, registers, x86_note_segments[i]);
	for (unsigned int i = 0; i < X86_CONTROL_REGISTERS; i++)
		gg_buffer_uint(&desc, 8, gg_register(registers, X86_CR0 + i));
	gg_buffer_uint(&desc, 8, gg_register(registers, X86_KERNEL_GS_BASE));
	return gg_note_finish(notes, "QEMU", NOTE_TYPE, &desc);
}

// Tests whether the registers are known that the notes have and that a CPU in the same mode has. The
// parts of a segment's flags that repeat its base do not count: KVM leaves them out.
static bool notes_known(const struct gg_registers *registers)
{
	const unsigned int last_segment = X86_IDT + X86_LIMIT;
	const uint64_t flags = 0x00ffff00, long_mode = gg_register(registers, X86_HFLAGS);
	bool known = true;
	for (unsigned int id = X86_RAX; id <= last_segment; id++) {
		const bool is_flags =
			id >= X86_ES && (id - X86_ES) % X86_SEGMENT_PARTS == X86_FLAGS;
		const bool is_extended = id >= X86_R8 && id <= X86_R15;
		if (id != X86_RFLAGS && (!is_extended || long_mode & X86_HF_LMA))
			known &= !(gg_register_unknown(registers, id) &
				   (is_flags ? flags : UINT64_MAX));
	}
	for (unsigned int i = 0; i < X86_CONTROL_REGISTERS; i++)
		known &= i == 1 || gg_register_known(registers, X86_CR0 + i);
	// A qemu-system-i386 has no base of the kernel's GS.
	return known && gg_register_known(registers, X86_RAW_EFLAGS) &&
	       (registers->word == 4 || gg_register_known(registers, X86_KERNEL_GS_BASE));
}

const struct gg_notes_ops x86_notes_64 = {
	.write_prstatus = write_prstatus_64,
	.write_qemu_note = write_qemu_note,
	.known = notes_known,
	.read = x86_read_notes_64,
	.prstatus_pid = x86_prstatus_pid_64,
	.prstatus_size = 336,
};

const struct gg_notes_ops x86_notes_32 = {
	.write_prstatus = write_prstatus_32,
	.write_qemu_note = write_qemu_note,
	.known = notes_known,
	.read = x86_read_notes_32,
	.prstatus_pid = x86_prstatus_pid_32,
	.prstatus_size = 144,
};
