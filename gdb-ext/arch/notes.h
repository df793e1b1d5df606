// SPDX-License-Identifier: GPL-3.0-or-later
//
// The notes of a vmcore that have a CPU's registers: vmcore/ writes them, and a source reads them.
#ifndef GG_NOTES_H
#define GG_NOTES_H

#include "base/buffer.h"
#include "registers.h"

// The descriptors of the notes that a vmcore has of a CPU; NULL for a note that it does not have.
struct gg_cpu_notes {
	const uint8_t *prstatus;
	size_t prstatus_size;
	const uint8_t *qemu; // QEMU's own
	size_t qemu_size;
};

struct gg_notes_ops {
	// Append the ELF notes of the CPU whose cpu_index is INDEX, as QEMU's own dump has them.
	// Unknown bits are 0 there. write_qemu_note is NULL where QEMU has no note of its own.
	struct gg_error *(*write_prstatus)(const struct gg_registers *registers, uint32_t index,
					   struct gg_buffer *notes);
	struct gg_error *(*write_qemu_note)(const struct gg_registers *registers,
					    struct gg_buffer *notes);

	// Tests whether all registers are known that the two notes have.
	bool (*known)(const struct gg_registers *registers);

	// Reads a CPU's registers out of its notes, the inverse of those that write: registers that
	// the notes do not have are unknown. GG_BAD_DATA for notes that are too short, or of a
	// version that is not known. NULL: not done yet.
	struct gg_error *(*read)(const struct gg_cpu_notes *notes, struct gg_registers *ret);

	// The process that NT_PRSTATUS names (pr_pid); QEMU has the CPU's number there, from 1. 0
	// where the note is too short.
	uint32_t (*prstatus_pid)(const struct gg_cpu_notes *notes);

	size_t prstatus_size; // of the descriptor, by which siblings are told apart
};

// NT_PRSTATUS, struct elf_prstatus: zeros but for pr_pid, registers of 8 bytes, and what follows them.
struct gg_prstatus {
	size_t pid_offset;
	size_t registers_offset;
	unsigned int count; // of the registers
};

// Begins the descriptor of the CPU whose cpu_index is INDEX, up to the registers.
void gg_prstatus_begin(const struct gg_prstatus *layout, uint32_t index, struct gg_buffer *desc);

// Reads the registers to RET. *ANY is false where all are 0: those of a CPU whose registers the writer
// did not know.
struct gg_error *gg_prstatus_read(const struct gg_prstatus *layout,
				  const struct gg_cpu_notes *notes, bool big_endian, uint64_t *ret,
				  bool *any);

// Reads pr_pid; 0 where the note is too short.
uint32_t gg_prstatus_pid(const struct gg_prstatus *layout, const struct gg_cpu_notes *notes,
			 bool big_endian);

// Reads pr_pid, a number below 65536, where QEMU writes it in another byte order than the file's.
uint32_t gg_prstatus_small_pid(const struct gg_prstatus *layout, const struct gg_cpu_notes *notes);

// Appends an ELF note (System V gABI, chapter 5, "Note Section"): NAME, TYPE, SIZE bytes at DESC,
// padded to 4 bytes as Linux and QEMU do it.
void gg_note_append(struct gg_buffer *notes, const char *name, uint32_t type, const void *desc,
		    size_t size);

// Appends the note whose bytes are DESC, which is deinitialized.
struct gg_error *gg_note_finish(struct gg_buffer *notes, const char *name, uint32_t type,
				struct gg_buffer *desc);

#endif
