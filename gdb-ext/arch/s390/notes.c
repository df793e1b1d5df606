// SPDX-License-Identifier: GPL-3.0-or-later
//
// The notes of an s390x CPU, in the order of QEMU's (target/s390x/arch_dump.c, v7.2): NT_PRSTATUS and
// NT_PRFPREG, and those of Linux's include/uapi/linux/elf.h.
#include "s390.h"

#include <elf.h>

enum {
	PID = 32,
	REGISTERS = 112,
	PRSTATUS = 336,
	PRFPREG = 136,
	FLOATS = 16,
	GS_CB = 0x30b, // NT_S390_GS_CB
};

static const struct gg_prstatus prstatus = { PID, REGISTERS, 2 + S390_COUNT };

static void append_words(struct gg_buffer *desc, const struct gg_registers *registers,
			 unsigned int first, unsigned int count, unsigned int size)
{
	for (unsigned int i = 0; i < count; i++)
		gg_buffer_uint(desc, size, gg_register(registers, first + i));
}

static struct gg_error *write_words(struct gg_buffer *notes, uint32_t type,
				    const struct gg_registers *registers, unsigned int first,
				    unsigned int count, unsigned int size)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	append_words(&desc, registers, first, count, size);
	return gg_note_finish(notes, "LINUX", type, &desc);
}

static struct gg_error *write_main(const struct gg_registers *registers, uint32_t index,
				   struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	gg_prstatus_begin(&prstatus, index, &desc);
	append_words(&desc, registers, S390_MASK, 2 + S390_COUNT, 8);
	append_words(&desc, registers, S390_A0, S390_COUNT, 4);
	gg_buffer_zeros(&desc, PRSTATUS - REGISTERS - 8 * (2 + S390_COUNT) - 4 * S390_COUNT);
	return gg_note_finish(notes, "CORE", NT_PRSTATUS, &desc);
}

static struct gg_error *write_floats(const struct gg_registers *registers, struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	gg_buffer_uint(&desc, 4, gg_register(registers, S390_FPC));
	gg_buffer_zeros(&desc, 4);
	append_words(&desc, registers, S390_F0, FLOATS, 8);
	return gg_note_finish(notes, "CORE", NT_PRFPREG, &desc);
}

static struct gg_error *write_high_vectors(const struct gg_registers *registers,
					   struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	for (unsigned int i = FLOATS; i < S390_VECTORS; i++) {
		gg_buffer_uint(&desc, 8, gg_register(registers, S390_F0 + i));
		gg_buffer_uint(&desc, 8, gg_register(registers, S390_LOW0 + i));
	}
	return gg_note_finish(notes, "LINUX", NT_S390_VXRS_HIGH, &desc);
}

static struct gg_error *write_prstatus(const struct gg_registers *registers, uint32_t index,
				       struct gg_buffer *notes)
{
	struct gg_error *err = write_main(registers, index, notes);
	if (!err)
		err = write_floats(registers, notes);
	if (!err)
		err = write_words(notes, NT_S390_PREFIX, registers, S390_PREFIX, 1, 4);
	if (!err)
		err = write_words(notes, NT_S390_CTRS, registers, S390_C0, S390_COUNT, 8);
	if (!err)
		err = write_words(notes, NT_S390_TIMER, registers, S390_TIMER, 1, 8);
	if (!err)
		err = write_words(notes, NT_S390_TODCMP, registers, S390_COMPARATOR, 1, 8);
	if (!err)
		err = write_words(notes, NT_S390_TODPREG, registers, S390_TOD, 1, 4);
	if (!err)
		err = write_words(notes, NT_S390_VXRS_LOW, registers, S390_LOW0, FLOATS, 8);
	if (!err)
		err = write_high_vectors(registers, notes);
	return err ? err : write_words(notes, GS_CB, registers, S390_GUARDED, 4, 8);
}

// The condition code alone may be unknown.
static bool notes_known(const struct gg_registers *registers)
{
	bool known = !(gg_register_unknown(registers, S390_MASK) & ~S390_PSW_CC);
	for (unsigned int id = S390_MASK + 1; id < S390_CPU_STATE; id++)
		known &= gg_register_known(registers, id);
	return known;
}

static struct gg_error *read_notes(const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	uint64_t values[2 + S390_COUNT];
	bool any;
	gg_registers_init(ret, &s390_registers, 8);
	struct gg_error *err = gg_prstatus_read(&prstatus, notes, true, values, &any);
	for (unsigned int i = 0; !err && any && i < 2 + S390_COUNT; i++)
		gg_register_set(ret, S390_MASK + i, values[i]);
	return err;
}

static uint32_t prstatus_pid(const struct gg_cpu_notes *notes)
{
	return gg_prstatus_small_pid(&prstatus, notes);
}

const struct gg_notes_ops s390_notes = {
	.write_prstatus = write_prstatus,
	.known = notes_known,
	.read = read_notes,
	.prstatus_pid = prstatus_pid,
	.prstatus_size = PRSTATUS,
};
