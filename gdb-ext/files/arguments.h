// SPDX-License-Identifier: GPL-3.0-or-later
//
// The command line of a program: its arguments as they were when it started, each with its NUL.
#ifndef GG_ARGUMENTS_H
#define GG_ARGUMENTS_H

#include "base/buffer.h"
#include "core-file.h"

#include <sys/types.h>

// Reads the command line of the process PID.
struct gg_error *gg_arguments_of_process(pid_t pid, struct gg_buffer *ret);

// Reads the command line out of the stack that CORE holds. GG_NOT_FOUND where CORE lacks the auxiliary
// vector or its stack.
struct gg_error *gg_arguments_of_core(const struct gg_core_file *core, struct gg_buffer *ret);

// A stack: SIZE bytes from the address START on, in words of WORD bytes.
struct gg_stack_bytes {
	const uint8_t *bytes;
	uint64_t start;
	size_t size;
	unsigned int word;
	bool big_endian;
};

// Finds the command line in STACK, on which the auxiliary vector AUXV lies behind the pointers to the
// variables of the environment and to the arguments (System V ABI, "Process Initialization").
struct gg_error *gg_arguments_find(const struct gg_stack_bytes *stack, const uint8_t *auxv,
				   size_t auxv_size, struct gg_buffer *ret);

#endif
