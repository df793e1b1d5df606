// SPDX-License-Identifier: GPL-3.0-or-later
//
// A frame of a kernel's stack.
#ifndef GG_FRAME_H
#define GG_FRAME_H

#include <gdb-guest/guest.h>
#include <stdbool.h>
#include <stdint.h>

enum { GG_ENTRY_NAME = 48 };

enum gg_entry_kind {
	GG_NO_ENTRY,
	GG_ENTRY_IRQ,
	GG_ENTRY_NMI,
	GG_ENTRY_EXCEPTION,
	GG_ENTRY_SYSCALL,
	GG_ENTRY_OTHER,
};

// An entry into the kernel, which saved the registers of the interrupted code.
struct gg_stack_entry {
	enum gg_entry_kind kind;
	char name
		[GG_ENTRY_NAME]; // of the exception, interrupt or system call; "" for an unknown name
	int64_t number;          // of the system call; -1 without
	bool is_user;            // the interrupted code is a program's
	gg_gva_t registers;      // the saved registers' place: struct pt_regs
	gg_gva_t registers_end; // the first address behind the saved registers
	gg_gva_t pc, sp;        // the interrupted code's
};

struct gg_frame {
	gg_gva_t pc;
	gg_gva_t sp;  // the lowest address of the frame
	gg_gva_t end; // the first address behind the frame, and behind the registers that its entry
		      // saved; 0 where that is not known
	bool is_exact; // PC is the next instruction, not the address that a call returns to
	bool is_guess; // the frame was found by data that may be stale
	struct gg_stack_entry entry; // the entry into this frame's code
};

#endif
