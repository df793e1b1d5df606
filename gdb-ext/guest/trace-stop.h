// SPDX-License-Identifier: GPL-3.0-or-later
//
// The CPU at which a guest has stopped, as far as a trace needs it.
#ifndef GG_TRACE_STOP_H
#define GG_TRACE_STOP_H

#include "linux/stack/stack.h"
#include "trace-types.h"

// A call that was taken already, whose task has not been set behind the breakpoint: the task stops there again, on
// another CPU perhaps, and behind other tasks' stops.
struct gg_trace_echo {
	gg_gva_t pc, sp, task; // PC is 0 without
};

struct gg_trace_cpu {
	uint32_t index;
	gg_gva_t current; // of the variable with the current task
	gg_gva_t task;    // the current task at the last stop, or 0
	struct gg_trace_echo echo;
};

// The place of a task's members.
struct gg_trace_layout {
	struct gg_member pid, comm, stack;
};

// A stop, and the parts that do not change between the stops.
struct gg_trace_stop {
	// The gdbstub is in its mode of virtual memory.
	struct gg_stub_run *run;
	const struct gg_answerers *kernel;
	struct gg_unwinder *unwinder; // NULL without stacks
	bool with_arguments, with_results;
	struct gg_trace_layout layout;
	struct gg_trace *trace;
	const struct gg_trace_function *expected; // the function of the last call

	struct gg_trace_cpu *cpu;
	bool is_blind; // the CPU does not see the kernel's memory
	gg_gva_t pc, sp;
	uint64_t arguments[GG_STUB_REGISTERS], result;
	uint64_t others[GG_STUB_REGISTERS]; // of the set for stacks
	gg_gva_t task, task_stack;
	uint64_t pid;
	char comm[GG_TASK_COMM + 1];
	struct gg_trace_function *function;     // whose entry is at PC; NULL without
	uint8_t code[GG_TRACE_CODE];            // at PC, with FUNCTION
	gg_gva_t return_address;                // with FUNCTION and with_results
	uint64_t syscall[GG_SYSCALL_ARGUMENTS]; // the arguments of FUNCTION's system call
	uint64_t more[GG_TRACE_PARAMETERS];     // the arguments on the stack
	struct gg_stack stack;                  // with FUNCTION and UNWINDER; owned
	struct gg_registers *registers;         // room for the walk; owned
};

// Prepares for the stops. The caller calls gg_trace_stop_deinit(), also after an error.
struct gg_error *gg_trace_stop_init(struct gg_trace_stop *stop, const struct gg_answerers *kernel,
				    bool with_stacks);
void gg_trace_stop_deinit(struct gg_trace_stop *stop);

// Reads what CPU, at which the guest has stopped, is about to do.
struct gg_error *gg_trace_stop_read(struct gg_trace_stop *stop, struct gg_trace_cpu *cpu);

// Reads the arguments of the stop's function, or with IS_RETURN the result of FUNCTION.
struct gg_error *gg_trace_read_arguments(struct gg_trace_stop *stop,
					 struct gg_trace_value values[GG_TRACE_PARAMETERS]);
struct gg_error *gg_trace_read_result(struct gg_trace_stop *stop,
				      const struct gg_trace_function *function,
				      struct gg_trace_value *ret);

// Walks the stack of the stop's CPU.
struct gg_error *gg_trace_read_stack(struct gg_trace_stop *stop);

#endif
