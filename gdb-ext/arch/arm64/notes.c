// SPDX-License-Identifier: GPL-3.0-or-later
//
// The notes of an AArch64 CPU: NT_PRSTATUS and NT_PRFPREG as Linux's struct elf_prstatus and struct
// user_fpsimd_state have them (QEMU target/arm/arch_dump.c, v7.2), and of a CPU with SVE NT_ARM_SVE, struct user_sve_header
// (Linux arch/arm64/include/uapi/asm/ptrace.h). QEMU has no note of its own.
#include "arm64.h"

#include <elf.h>

enum {
	PID = 32,
	REGISTERS = 112,
	VALID = 384,
	PRSTATUS = 392,
	PRFPREG = 528,
	COUNT = ARM64_PSTATE + 1, // x0 to x30, sp, pc, pstate
};

static const struct gg_prstatus prstatus = { PID, REGISTERS, COUNT };

static struct gg_error *write_fpregset(const struct gg_registers *registers,
				       struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	for (unsigned int i = 0; i < ARM64_VECTORS; i++)
		gg_buffer_append(&desc, gg_register_bytes(registers, ARM64_V0 + i),
				 ARM64_VECTOR_SIZE);
	gg_buffer_uint(&desc, 4, gg_register(registers, ARM64_FPSR));
	gg_buffer_uint(&desc, 4, gg_register(registers, ARM64_FPCR));
	gg_buffer_zeros(&desc, 8);
	return gg_note_finish(notes, "CORE", NT_PRFPREG, &desc);
}

static uint64_t round_up(uint64_t value)
{
	enum { ALIGNMENT = 16 };
	return (value + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

enum { SVE_HEADER = 16, SVE_REGISTERS = 1, BITS = 8 };

// Returns the place of FPSR in NT_ARM_SVE, behind the vectors of LENGTH bytes and the predicates.
static uint64_t sve_fpsr(uint64_t length)
{
	return round_up(SVE_HEADER + ARM64_VECTORS * length + ARM64_PREDICATES * length / BITS);
}

static uint64_t sve_size(uint64_t length)
{
	return round_up(sve_fpsr(length) + 8);
}

// Writes NT_ARM_SVE of a CPU with SVE.
static struct gg_error *write_sve(const struct gg_registers *registers, struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	const uint64_t length = gg_register(registers, ARM64_SVE_LENGTH);
	const uint64_t most = gg_register(registers, ARM64_SVE_MAX);
	if (!length)
		return NULL;
	gg_buffer_uint(&desc, 4, sve_size(length));
	gg_buffer_uint(&desc, 4, sve_size(most));
	gg_buffer_uint(&desc, 2, length);
	gg_buffer_uint(&desc, 2, most);
	gg_buffer_uint(&desc, 2, SVE_REGISTERS);
	gg_buffer_uint(&desc, 2, 0);
	for (unsigned int i = 0; i < ARM64_VECTORS; i++) {
		gg_buffer_append(&desc, gg_register_bytes(registers, ARM64_V0 + i),
				 ARM64_VECTOR_SIZE);
		gg_buffer_append(&desc, gg_register_bytes(registers, ARM64_Z0_HIGH + i),
				 length - ARM64_VECTOR_SIZE);
	}
	for (unsigned int i = 0; i < ARM64_PREDICATES; i++)
		gg_buffer_append(&desc, gg_register_bytes(registers, ARM64_P0 + i), length / BITS);
	gg_buffer_zeros(&desc, sve_fpsr(length) - SVE_HEADER - ARM64_VECTORS * length -
				       ARM64_PREDICATES * length / BITS);
	gg_buffer_uint(&desc, 4, gg_register(registers, ARM64_FPSR));
	gg_buffer_uint(&desc, 4, gg_register(registers, ARM64_FPCR));
	gg_buffer_zeros(&desc, sve_size(length) - sve_fpsr(length) - 8);
	return gg_note_finish(notes, "LINUX", NT_ARM_SVE, &desc);
}

static struct gg_error *write_prstatus(const struct gg_registers *registers, uint32_t index,
				       struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	gg_prstatus_begin(&prstatus, index, &desc);
	for (unsigned int id = 0; id < COUNT; id++)
		gg_buffer_uint(&desc, 8, gg_register(registers, id));
	gg_buffer_uint(&desc, 4, 1); // pr_fpvalid
	gg_buffer_zeros(&desc, PRSTATUS - VALID - 4);
	struct gg_error *err = gg_note_finish(notes, "CORE", NT_PRSTATUS, &desc);
	if (!err)
		err = write_fpregset(registers, notes);
	return err ? err : write_sve(registers, notes);
}

static bool notes_known(const struct gg_registers *registers)
{
	bool known = true;
	for (unsigned int id = 0; id < COUNT; id++)
		known &= gg_register_known(registers, id);
	for (unsigned int id = ARM64_FPSR; id <= ARM64_V31; id++)
		known &= gg_register_known(registers, id);
	return known;
}

static struct gg_error *read_notes(const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	uint64_t values[COUNT];
	bool any;
	gg_registers_init(ret, &arm64_registers, 8);
	struct gg_error *err = gg_prstatus_read(&prstatus, notes, false, values, &any);
	for (unsigned int id = 0; !err && any && id < COUNT; id++)
		gg_register_set(ret, id, values[id]);
	return err;
}

static uint32_t prstatus_pid(const struct gg_cpu_notes *notes)
{
	return gg_prstatus_pid(&prstatus, notes, false);
}

const struct gg_notes_ops arm64_notes = {
	.write_prstatus = write_prstatus,
	.known = notes_known,
	.read = read_notes,
	.prstatus_pid = prstatus_pid,
	.prstatus_size = PRSTATUS,
};
