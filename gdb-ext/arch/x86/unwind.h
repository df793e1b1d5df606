// SPDX-License-Identifier: GPL-3.0-or-later
//
// The walks through the stacks of Linux on x86, of 64 and of 32 bits.
#ifndef GG_X86_UNWIND_H
#define GG_X86_UNWIND_H

#include "linux/stack/stack-ops.h"
#include "orc.h"
#include "vmlinux/code-rules.h"

enum { X86_WORD = 8 };

// The words of struct pt_regs that a walk needs, by their numbers (arch/x86/include/asm/ptrace.h).
enum x86_pt_regs {
	X86_PT_ORIG_AX = 15,
	X86_PT_IP = 16,
	X86_PT_CS = 17,
	X86_PT_FLAGS = 18,
	X86_PT_SP = 19,
	X86_PT_SS = 20,
	X86_PT_WORDS = 21,
};

// The word of orig_ax in struct pt_regs of 32 bits, and the bytes of a word.
enum { X86_PT_ORIG_AX_32 = 11, X86_WORD_32 = 4 };

// The trampolines of Linux's tracers, and the members that keep the replaced return addresses. An address
// is 0 in a kernel without the tracer.
struct x86_returns {
	gg_gva_t return_to_handler, rethook_trampoline, kretprobe_trampoline;
	bool packed; // task_struct.ret_stack is an array of words: since v6.11
	struct gg_member ret_stack, curr_ret_stack, entry, entry_ret, entry_retp;
	struct gg_member rethooks, rethook_list, rethook_ret, rethook_frame;
	struct gg_member kretprobes, kretprobe_list, kretprobe_ret, kretprobe_frame;
	gg_gva_t ftrace_ops_list, ftrace_caller, ftrace_regs_caller;
	struct gg_member ops_next, ops_flags, ops_trampoline, ops_size;
};

// Finds the places. The error is final.
struct gg_error *x86_returns_init(struct x86_returns *returns, const struct gg_answerers *kernel);

// Recovers the return address that a tracer has replaced by *PC at ADDRESS in the stack. GG_NOT_FOUND if
// *PC is a tracer's trampoline, and the task has no such address.
struct gg_error *x86_returns_recover(const struct x86_returns *returns, struct gg_unwind *unwind,
				     gg_gva_t address, gg_gva_t *pc);

// Finds the address whose copy, in a trampoline of ftrace, PC is; 0 for another PC.
struct gg_error *x86_returns_original(const struct x86_returns *returns,
				      const struct gg_unwind *unwind, gg_gva_t pc, gg_gva_t *ret);

// The decoder of instructions of 32 bits (struct gg_code_rules).
struct gg_error *x86_code_open(void **ret);
void x86_code_close(void *decoder);

// Changes FRAME as the instruction of 32 bits at the beginning of CODE, of SIZE bytes, does (struct gg_code_rules).
struct gg_code_step x86_code_step(void *decoder, const uint8_t *code, size_t size,
				  struct gg_code_frame *frame);

// Names the entry of UNWIND through the code of the symbol NAME (struct gg_stack_ops).
void x86_name_entry(struct gg_unwind *unwind, const char *name);

#endif
