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

// Makes NUMBER, from a register, a number of PARAMETER's type.
uint64_t gg_trace_number(const struct gg_trace_parameter *parameter, uint64_t number);

#endif
