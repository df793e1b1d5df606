// SPDX-License-Identifier: GPL-3.0-or-later
//
// A CPU's registers out of a vmcore's notes: the inverse of notes.c.
//
// In:  the descriptors of NT_PRSTATUS, which QEMU, a crashed kernel and this library write, and of
//      QEMU's own note, which a crashed kernel does not write.
// Out: registers; what the notes do not have is unknown, and never 0.
// Trusts nothing it reads: sizes and QEMU's version are compared.
#include "base/cursor.h"
#include "x86.h"

#include <inttypes.h>

// ---- NT_PRSTATUS ----

// A note of which all registers are 0 is that of a CPU whose registers the writer did not know.
static struct gg_error *read_prstatus(const struct x86_prstatus *layout,
				      const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	bool any = false;
	struct gg_cursor cursor =
		gg_cursor(notes->prstatus, notes->prstatus_size, false, "NT_PRSTATUS");
	struct gg_error *err = gg_cursor_seek(&cursor, layout->before_pid + sizeof(uint32_t) +
							       layout->before_registers);
	for (size_t i = 0; !err && i < layout->count; i++) {
		uint64_t value;
		err = gg_cursor_uint(&cursor, layout->width, &value);
		if (err || layout->registers[i] == X86_NO_REGISTER)
			continue;
		gg_register_set(ret, layout->registers[i], value);
		any |= value != 0;
	}
	if (!err && !any)
		gg_registers_init(ret, ret->set, ret->word);
	return err;
}

static uint32_t read_pid(const struct x86_prstatus *layout, const struct gg_cpu_notes *notes)
{
	const struct gg_member pid = { layout->before_pid, 4 };
	uint64_t value = 0;
	struct gg_cursor cursor =
		gg_cursor(notes->prstatus, notes->prstatus_size, false, "NT_PRSTATUS");
	struct gg_error *err = gg_cursor_member(&cursor, &pid, &value);
	gg_error_destroy(err);
	return (uint32_t)value;
}

uint32_t x86_prstatus_pid_64(const struct gg_cpu_notes *notes)
{
	return read_pid(&x86_prstatus_64, notes);
}

uint32_t x86_prstatus_pid_32(const struct gg_cpu_notes *notes)
{
	return read_pid(&x86_prstatus_32, notes);
}

// ---- QEMU's note ----

static struct gg_error *read_segment(struct gg_cursor *cursor, struct gg_registers *ret,
				     unsigned int id)
{
	uint64_t selector, limit, flags, padding, base;
	struct gg_error *err = gg_cursor_uint(cursor, 4, &selector);
	if (!err)
		err = gg_cursor_uint(cursor, 4, &limit);
	if (!err)
		err = gg_cursor_uint(cursor, 4, &flags);
	if (!err)
		err = gg_cursor_uint(cursor, 4, &padding);
	if (!err)
		err = gg_cursor_uint(cursor, 8, &base);
	if (err)
		return err;
	gg_register_set(ret, id + X86_SELECTOR, selector);
	gg_register_set(ret, id + X86_LIMIT, limit);
	gg_register_set(ret, id + X86_FLAGS, flags);
	gg_register_set(ret, id + X86_BASE, base);
	return NULL;
}

static struct gg_error *read_register(struct gg_cursor *cursor, struct gg_registers *ret,
				      unsigned int id)
{
	uint64_t value;
	struct gg_error *err = gg_cursor_uint(cursor, 8, &value);
	if (!err)
		gg_register_set(ret, id, value);
	return err;
}

static struct gg_error *read_state(struct gg_cursor *cursor, struct gg_registers *ret)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < X86_NOTE_GENERAL; i++)
		err = read_register(cursor, ret, x86_note_general[i]);
	if (!err)
		err = read_register(cursor, ret, X86_RIP);
	if (!err)
		err = read_register(cursor, ret, X86_RAW_EFLAGS);
	for (size_t i = 0; !err && i < X86_NOTE_SEGMENTS; i++)
		err = read_segment(cursor, ret, x86_note_segments[i]);
	for (unsigned int i = 0; !err && i < X86_CONTROL_REGISTERS; i++)
		err = read_register(cursor, ret, X86_CR0 + i);
	// Since QEMU 3.0.
	if (!err && cursor->position < cursor->size)
		err = read_register(cursor, ret, X86_KERNEL_GS_BASE);
	return err;
}

static struct gg_error *read_qemu_note(const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	uint64_t version, size;
	struct gg_cursor cursor = gg_cursor(notes->qemu, notes->qemu_size, false, "QEMU's note");
	struct gg_error *err = gg_cursor_uint(&cursor, 4, &version);
	if (!err)
		err = gg_cursor_uint(&cursor, 4, &size);
	if (!err && version != X86_NOTE_VERSION)
		err = gg_error_create(GG_BAD_DATA, "QEMU's note is of version %" PRIu64 ", not %d",
				      version, X86_NOTE_VERSION);
	return err ? err : read_state(&cursor, ret);
}

// ---- The mode ----

static void learn_hflag(struct gg_registers *registers, uint64_t flag, bool is_set)
{
	gg_register_learn(registers, X86_HFLAGS, is_set ? flag : 0, flag);
}

// The flags of QEMU's notes lack, under TCG, what arithmetic set.
static void derive_flags(const struct gg_cpu_notes *notes, struct gg_registers *registers)
{
	const uint64_t flags = gg_register(registers, X86_RAW_EFLAGS);
	const uint64_t lost = notes->qemu ? X86_CONDITION_CODES | X86_DF : 0;
	gg_register_learn(registers, X86_RFLAGS, flags, ~lost);
}

// A crashed kernel's note tells the mode by its layout and by Linux's segments: flat, a program's
// of 32 bits under a kernel of 64 bits with the selector __USER32_CS (Linux
// arch/x86/include/asm/segment.h).
static void derive_linux_mode(bool is_64, struct gg_registers *registers)
{
	enum { USER32_CS = 0x23 };
	const bool is_code_64 = is_64 && gg_register(registers, X86_CS) != USER32_CS;
	learn_hflag(registers, X86_HF_PE, true);
	learn_hflag(registers, X86_HF_LMA, is_64);
	learn_hflag(registers, X86_HF_CS64, is_code_64);
	gg_register_learn(registers, X86_CS + X86_FLAGS, is_code_64 ? 0 : X86_DESC_B, X86_DESC_B);
	gg_register_learn(registers, X86_SS + X86_FLAGS, X86_DESC_B, X86_DESC_B);
}

// EFER is in no note: a CPU is in long mode whose code segment is of 64 bits, or which has the
// registers of 64 bits and the paging that long mode needs.
static void derive_mode(bool is_64, struct gg_registers *registers)
{
	enum { CR0_PE = 1, CR0_PG = 1u << 31, CR4_PAE = 1 << 5 };
	const uint64_t cr0 = gg_register(registers, X86_CR0);
	const bool pages = cr0 & CR0_PG && gg_register(registers, X86_CR4) & CR4_PAE;
	const bool is_code_64 = pages && gg_register(registers, X86_CS + X86_FLAGS) & X86_DESC_L;
	learn_hflag(registers, X86_HF_PE, cr0 & CR0_PE);
	learn_hflag(registers, X86_HF_LMA, is_code_64 || (is_64 && pages));
	learn_hflag(registers, X86_HF_CS64, is_code_64);
}

static void derive(bool is_64, const struct gg_cpu_notes *notes, struct gg_registers *registers)
{
	enum { RFLAGS_VM = 1 << 17 };
	if (!gg_register_has_known(registers, X86_RAW_EFLAGS))
		return;
	derive_flags(notes, registers);
	const bool is_vm86 = gg_register(registers, X86_RAW_EFLAGS) & RFLAGS_VM;
	learn_hflag(registers, X86_HF_VM, is_vm86);
	if (notes->qemu)
		derive_mode(is_64, registers);
	else
		derive_linux_mode(is_64, registers);
	const bool protected = gg_register(registers, X86_HFLAGS) & X86_HF_PE;
	const uint64_t level = is_vm86 ? X86_HF_CPL : gg_register(registers, X86_CS);
	gg_register_learn(registers, X86_HFLAGS, protected ? level : 0, X86_HF_CPL);
}

static struct gg_error *read_notes(const struct x86_prstatus *layout,
				   const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	gg_registers_init(ret, &x86_registers, layout->width);
	struct gg_error *err = notes->prstatus ? read_prstatus(layout, notes, ret) : NULL;
	if (!err && notes->qemu && (!notes->prstatus || gg_register_has_known(ret, X86_RIP)))
		err = read_qemu_note(notes, ret);
	if (err)
		return err;
	derive(layout->width == 8, notes, ret);
	return NULL;
}

struct gg_error *x86_read_notes_64(const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	return read_notes(&x86_prstatus_64, notes, ret);
}

struct gg_error *x86_read_notes_32(const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	return read_notes(&x86_prstatus_32, notes, ret);
}
