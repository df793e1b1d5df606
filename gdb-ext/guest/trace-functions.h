// SPDX-License-Identifier: GPL-3.0-or-later
//
// The functions of a trace: found by their names, with their prototypes.
#ifndef GG_TRACE_FUNCTIONS_H
#define GG_TRACE_FUNCTIONS_H

#include "trace-types.h"

// Finds the functions in TEXT, a list with commas. NOTICES get a line where a name stands for several functions: all
// are traced. WITH_TYPES finds prototypes too. GG_NOT_FOUND names functions that are similar to the missing name.
struct gg_error *gg_trace_find_functions(struct gg_guest *guest, const struct gg_answerers *kernel,
					 const char *text, bool with_types,
					 const struct gg_notices *notices, struct gg_trace *ret);

// Gives TRACE's functions their prototypes, or the registers of arguments. NOTICES get a line where types cannot be read.
struct gg_error *gg_trace_find_prototypes(const struct gg_answerers *kernel,
					  const struct gg_notices *notices, struct gg_trace *trace);

// Gives FUNCTION, which has none, the prototype that BTF, of the kernel or of FUNCTION's module, has for the name, if any. After an
// error, GG_BAD_DATA, FUNCTION has none.
struct gg_error *gg_trace_read_prototype(const struct gg_btf *btf, const struct gg_arch *arch,
					 struct gg_trace_function *function);

// Gives FUNCTION the parameters of its system call, if the function is a system call's.
struct gg_error *gg_trace_find_syscall(const struct gg_answerers *kernel,
				       struct gg_trace_function *function);

// Frees FUNCTION's parameters and result.
void gg_trace_forget_prototype(struct gg_trace_function *function);

// Makes NUMBER, from a register, a number of PARAMETER's type.
uint64_t gg_trace_number(const struct gg_trace_parameter *parameter, uint64_t number);

#endif
