// SPDX-License-Identifier: GPL-3.0-or-later
//
// The notes of a POWER CPU, in the order of QEMU's (target/ppc/arch_dump.c, v7.2): NT_PRSTATUS and
// NT_PRFPREG, and those of Linux's include/uapi/linux/elf.h. They are in the guest's byte order: QEMU
// takes the order of the hypervisor's interrupts, and so writes big-endian notes of a little-endian
// guest on a machine without a hypervisor's mode.
#include "ppc64.h"

#include <elf.h>

enum {
	PID = 32,
	REGISTERS = 112,
	PRSTATUS = 504,
	PRFPREG = 264,
	VMX = 544,
	VSX = 256,
	SPE = 140,
};

// The order of struct pt_regs; there is no original r3, and no interrupt.
enum { NIP = PPC64_COUNT, MSR, ORIGINAL_R3, CTR, LINK, XER, CCR, USED };

static const struct gg_prstatus prstatus = { PID, REGISTERS, USED };

static const unsigned int ids[USED - PPC64_COUNT] = {
	[NIP - NIP] = PPC64_NIP, [MSR - NIP] = PPC64_MSR, [CTR - NIP] = PPC64_CTR,
	[LINK - NIP] = PPC64_LR, [XER - NIP] = PPC64_XER, [CCR - NIP] = PPC64_CR,
};

static void append_pairs(struct gg_buffer *desc, const struct gg_registers *registers,
			 unsigned int low, unsigned int high)
{
	for (unsigned int i = 0; i < PPC64_COUNT; i++) {
		gg_buffer_uint(desc, 8, gg_register(registers, low + i));
		gg_buffer_uint(desc, 8, gg_register(registers, high + i));
	}
}

static void append_words(struct gg_buffer *desc, const struct gg_registers *registers,
			 unsigned int first)
{
	for (unsigned int i = 0; i < PPC64_COUNT; i++)
		gg_buffer_uint(desc, 8, gg_register(registers, first + i));
}

static struct gg_error *write_main(const struct gg_registers *registers, uint32_t index,
				   struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	gg_prstatus_begin(&prstatus, index, &desc);
	append_words(&desc, registers, PPC64_R0);
	for (unsigned int i = NIP; i < USED; i++)
		gg_buffer_uint(&desc, 8,
			       i == ORIGINAL_R3 ? 0 : gg_register(registers, ids[i - NIP]));
	gg_buffer_zeros(&desc, PRSTATUS - REGISTERS - 8 * USED);
	return gg_note_finish(notes, "CORE", NT_PRSTATUS, &desc);
}

static struct gg_error *write_floats(const struct gg_registers *registers, struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	append_words(&desc, registers, PPC64_F0);
	gg_buffer_uint(&desc, 8, gg_register(registers, PPC64_FPSCR));
	return gg_note_finish(notes, "CORE", NT_PRFPREG, &desc);
}

// Writes VSCR in its vector's last word; QEMU has zeros for VRSAVE.
static struct gg_error *write_vmx(const struct gg_registers *registers, struct gg_buffer *notes)
{
	enum { VECTOR = 16 };
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	append_pairs(&desc, registers, PPC64_VR_LOW0, PPC64_VR_HIGH0);
	gg_buffer_zeros(&desc, VECTOR - 4);
	gg_buffer_uint(&desc, 4, gg_register(registers, PPC64_VSCR));
	gg_buffer_zeros(&desc, VECTOR);
	return gg_note_finish(notes, "CORE", NT_PPC_VMX, &desc);
}

static struct gg_error *write_prstatus(const struct gg_registers *registers, uint32_t index,
				       struct gg_buffer *notes)
{
	struct gg_error *err = write_main(registers, index, notes);
	if (!err)
		err = write_floats(registers, notes);
	if (!err)
		err = write_vmx(registers, notes);
	if (err)
		return err;
	struct gg_buffer vsx = { .big_endian = notes->big_endian };
	append_words(&vsx, registers, PPC64_VS_LOW0);
	err = gg_note_finish(notes, "CORE", NT_PPC_VSX, &vsx);
	if (err)
		return err;
	// No CPU with 64 bits and Linux has SPE.
	struct gg_buffer spe = { .big_endian = notes->big_endian };
	gg_buffer_zeros(&spe, SPE);
	return gg_note_finish(notes, "CORE", NT_PPC_SPE, &spe);
}

static bool notes_known(const struct gg_registers *registers)
{
	bool known = true;
	for (unsigned int id = PPC64_R0; id <= PPC64_VSCR; id++)
		known &= gg_register_known(registers, id);
	for (unsigned int id = PPC64_F0; id < PPC64_HALTED; id++)
		known &= gg_register_known(registers, id);
	return known;
}

// Tests whether the words of NT_PRSTATUS have the other byte order, as QEMU writes them: MSR shows 64 bits
// in that order alone.
static bool is_swapped(uint64_t msr)
{
	return !(msr & PPC64_MSR_SF) && __builtin_bswap64(msr) & PPC64_MSR_SF;
}

static struct gg_error *read_notes(const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	uint64_t values[USED];
	bool any;
	gg_registers_init(ret, &ppc64_registers, 8);
	struct gg_error *err = gg_prstatus_read(&prstatus, notes, false, values, &any);
	const bool swapped = !err && any && is_swapped(values[MSR]);
	for (unsigned int i = 0; swapped && i < USED; i++)
		values[i] = __builtin_bswap64(values[i]);
	for (unsigned int i = 0; !err && any && i < USED; i++)
		if (i != ORIGINAL_R3)
			gg_register_set(ret, i < NIP ? PPC64_R0 + i : ids[i - NIP], values[i]);
	return err;
}

static uint32_t prstatus_pid(const struct gg_cpu_notes *notes)
{
	return gg_prstatus_small_pid(&prstatus, notes);
}

const struct gg_notes_ops ppc64_notes = {
	.write_prstatus = write_prstatus,
	.known = notes_known,
	.read = read_notes,
	.prstatus_pid = prstatus_pid,
	.prstatus_size = PRSTATUS,
};
