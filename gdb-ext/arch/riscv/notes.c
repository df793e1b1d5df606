// SPDX-License-Identifier: GPL-3.0-or-later
//
// The note of a RISC-V CPU: NT_PRSTATUS as Linux's struct elf_prstatus has it (QEMU
// target/riscv/arch_dump.c, v7.2). QEMU has no note of its own.
#include "riscv.h"

#include <elf.h>

enum { PID = 32, REGISTERS = 112, PRSTATUS = 376, COUNT = 32 };

static const struct gg_prstatus prstatus = { PID, REGISTERS, COUNT };

static struct gg_error *write_prstatus(const struct gg_registers *registers, uint32_t index,
				       struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	gg_prstatus_begin(&prstatus, index, &desc);
	gg_buffer_uint(&desc, 8, gg_register(registers, RISCV_PC));
	for (unsigned int i = 1; i < COUNT; i++)
		gg_buffer_uint(&desc, 8, gg_register(registers, RISCV_X0 + i));
	gg_buffer_zeros(&desc, PRSTATUS - REGISTERS - 8 * COUNT);
	return gg_note_finish(notes, "CORE", NT_PRSTATUS, &desc);
}

static bool notes_known(const struct gg_registers *registers)
{
	bool known = gg_register_known(registers, RISCV_PC);
	for (unsigned int i = 1; i < COUNT; i++)
		known &= gg_register_known(registers, RISCV_X0 + i);
	return known;
}

static struct gg_error *read_notes(const struct gg_cpu_notes *notes, struct gg_registers *ret)
{
	uint64_t values[COUNT];
	bool any;
	gg_registers_init(ret, &riscv_registers, 8);
	struct gg_error *err = gg_prstatus_read(&prstatus, notes, false, values, &any);
	if (err || !any)
		return err;
	gg_register_set(ret, RISCV_PC, values[0]);
	gg_register_set(ret, RISCV_X0, 0);
	for (unsigned int i = 1; i < COUNT; i++)
		gg_register_set(ret, RISCV_X0 + i, values[i]);
	riscv_derive_mode(ret);
	return NULL;
}

static uint32_t prstatus_pid(const struct gg_cpu_notes *notes)
{
	return gg_prstatus_pid(&prstatus, notes, false);
}

const struct gg_notes_ops riscv_notes = {
	.write_prstatus = write_prstatus,
	.known = notes_known,
	.read = read_notes,
	.prstatus_pid = prstatus_pid,
	.prstatus_size = PRSTATUS,
};
