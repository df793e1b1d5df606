// SPDX-License-Identifier: GPL-3.0-or-later
//
// The row of an architecture's operations on stacks (arch/arch.h).
#ifndef GG_STACK_OPS_H
#define GG_STACK_OPS_H

#include "frame.h"
#include "linux/answerers/answerers.h"
#include "stack-memory.h"

// A walk. Registers that the walk does not know are unknown (arch/registers.h).
struct gg_unwind {
	const struct gg_answerers *kernel;
	void *data; // the architecture's, by open()
	struct gg_stack_memory memory;
	gg_gva_t task;                 // its struct task_struct; 0 without
	gg_gva_t stack;                // the lowest address of its stack; 0 without
	struct gg_registers registers; // as they were in the frame
	gg_gva_t pc, sp;               // of REGISTERS
	bool is_exact, is_guess;       // as struct gg_frame has them
	gg_gva_t callee;               // the pc of the frame before; 0 for the first frame
	bool has_ended;                // the frame is the outermost frame
	bool has_no_frame; // the last step left code without a frame, and the stack pointer as it was
	// The entry that the last step went back through; kind GG_NO_ENTRY for a call.
	struct gg_stack_entry entry;
};

struct gg_stack_ops {
	// Reads what all walks through KERNEL's stacks need.
	struct gg_error *(*open)(const struct gg_answerers *kernel, void **ret);
	void (*close)(void *data);

	// Returns the bytes of a task's stack.
	uint64_t (*stack_size)(const void *data);

	// Sets the registers as a task that is on no CPU has them, and reads its stack ahead.
	struct gg_error *(*start_sleeping)(struct gg_unwind *unwind);

	// Sets the registers to a CPU's.
	void (*start_registers)(struct gg_unwind *unwind, const struct gg_registers *registers);

	// Sets pc and sp to their values behind the return to PC, which is at ADDRESS in the stack. Returns
	// false for a PC that no call returns to.
	bool (*start_return)(struct gg_unwind *unwind, gg_gva_t address, gg_gva_t pc);

	// Goes on to the caller's registers, or sets has_ended. GG_BAD_DATA and others where no caller
	// is found.
	struct gg_error *(*step)(struct gg_unwind *unwind);

	// Names the entry of the last step, through the code of the symbol NAME.
	void (*name_entry)(struct gg_unwind *unwind, const char *name);
};

#endif
