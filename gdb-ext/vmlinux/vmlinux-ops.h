// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of an architecture's part in a made vmlinux (arch/arch.h).
#ifndef GG_VMLINUX_OPS_H
#define GG_VMLINUX_OPS_H

#include "cfi.h"
#include "code-rules.h"
#include "linux/answerers/answerers.h"

struct gg_vmlinux_ops {
	// DWARF's numbers of the registers that have a function's first integer arguments.
	const uint8_t *argument_registers;
	unsigned int argument_register_count;

	// Counts the bytes at the beginning of a function's CODE that leave the arguments where they
	// are.
	uint32_t (*entry_size)(const uint8_t *code, size_t size);

	uint32_t elf_flags; // e_flags of the file

	// Returns st_other of the function with CODE; NULL is 0.
	uint8_t (*symbol_other)(const uint8_t *code, size_t size);

	// The rules of code without tables of frames; append_frames is NULL then.
	const struct gg_code_rules *code;

	// Appends the entries of all code of KERNEL and its modules, DISPLACEMENT being taken from each
	// address. GG_NOT_FOUND where the kernel has no tables for it.
	struct gg_error *(*append_frames)(const struct gg_answerers *kernel, uint64_t displacement,
					  struct gg_cfi *cfi);
};

#endif
