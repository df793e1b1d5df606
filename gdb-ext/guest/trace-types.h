// SPDX-License-Identifier: GPL-3.0-or-later
//
// The functions of a trace and their calls.
#ifndef GG_TRACE_TYPES_H
#define GG_TRACE_TYPES_H

#include "guest.h"
#include "linux/arch-ops.h"
#include "linux/stack/frame.h"
#include "linux/tasks/tasks.h"
#include "stub-run.h"

enum {
	GG_TRACE_PARAMETERS = 12, // of a function that are shown
	GG_TRACE_TEXT = 128,      // bytes of a text
	GG_TRACE_FUNCTIONS = 64,
	GG_TRACE_PENDING = 4096, // calls that have not returned
	GG_TRACE_CODE = 16,      // bytes of a function's code that are looked at
};

struct gg_trace_parameter {
	const char *name;
	bool is_placed; // in a register, or on the stack at a place that is known
	bool has_type;  // TYPE is known: else an unsigned number as long as a register
	bool is_text;   // a pointer to characters
	const struct gg_btf *btf;
	struct gg_type type;
	char *declaration; // the type in C; owned
	char *own_name;    // NAME, if the BTF does not have it; owned
};

struct gg_trace_value {
	uint64_t number; // sign-extended if the type is signed
	bool has_text;
	bool is_cut; // the text is longer
	size_t size; // of TEXT, in bytes
	char text[GG_TRACE_TEXT];
};

struct gg_trace_function {
	char *name, *module; // owned; MODULE is NULL for the kernel's own
	gg_gva_t address;
	gg_gva_t entry; // of the breakpoint
	size_t skip;    // bytes of the instruction there, if the instruction does nothing
	uint8_t code[GG_TRACE_CODE]; // of that instruction
	size_t breakpoint;           // in the list
	bool is_shared; // the name, by another function of the kernel, or of the module
	bool has_prototype;
	bool is_syscall; // the arguments are those of a system call, in struct pt_regs
	uint64_t syscall_offsets[GG_SYSCALL_ARGUMENTS]; // in struct pt_regs
	bool is_void;                                   // nothing is returned
	struct gg_trace_parameter parameters[GG_TRACE_PARAMETERS];
	size_t parameter_count;
	struct gg_trace_parameter result;
	uint64_t calls, matched;
};

// A call or a return.
struct gg_trace_event {
	const struct gg_trace_function *function;
	bool is_return;
	uint64_t call; // the call's number, from 1
	uint64_t time; // ns that the guest has run since the start
	uint64_t took; // ns, of a return
	uint32_t cpu;  // QEMU's number
	int32_t pid;   // of the thread
	char comm[GG_TASK_COMM + 1];
	struct gg_trace_value values[GG_TRACE_PARAMETERS]; // the arguments, or the result
	const struct gg_frame *frames;                     // of the call; NULL without
	size_t frame_count;
};

struct gg_trace {
	struct gg_trace_function *functions;
	size_t function_count;
	uint64_t calls, matched, stops;
	uint64_t unread; // calls with a text that the condition compares and that could not be read
	uint64_t elapsed, stopped; // ns
	uint64_t stop_time;        // ns that the guest takes to stop, the mean; part of STOPPED
	size_t pending;
	double still; // the share of the time that was too much for stops; 0 without
	double rate;  // of the stops that were too many, a second; 0 without
	bool is_interrupted;
	bool is_full;              // not all returns are watched
	char ended[GG_STUB_ENDED]; // the reason for which the guest stopped by itself, or ""
};

#endif
