// SPDX-License-Identifier: GPL-3.0-or-later
//
// The condition of a trace:
//
//     condition: term { "&&" term }
//     term:      operand [ "&" number ] operator value | operand "&" number
//     operand:   an argument's name | "$" register | "pid" | "comm" | "cpu"
//     operator:  "==" | "!=" | "<" | "<=" | ">" | ">="
//     value:     number | text, in quotes or without blanks
//
// Texts, "comm" and arguments that are pointers to characters, have == and != alone.
#ifndef GG_TRACE_CONDITION_H
#define GG_TRACE_CONDITION_H

#include "trace-types.h"

struct gg_trace_condition;

// Parses TEXT. GG_INVALID.
struct gg_error *gg_trace_condition_create(const char *text, struct gg_trace_condition **ret);

// Destroys CONDITION, which may be NULL.
void gg_trace_condition_destroy(struct gg_trace_condition *condition);

// Checks that FUNCTION, whose registers CALLS has, has the operands of CONDITION. GG_INVALID names the missing
// operand.
struct gg_error *gg_trace_condition_check(const struct gg_trace_condition *condition,
					  const struct gg_trace_function *function,
					  const struct gg_stub_calls *calls);

// Tests whether CONDITION compares a text of EVENT, a call with its arguments, that could not be read.
bool gg_trace_condition_lacks_text(const struct gg_trace_condition *condition,
				   const struct gg_trace_event *event);

// Tests whether EVENT, a call with its arguments and REGISTERS, meets CONDITION; NULL is met by all. A text that cannot be read
// equals no text.
bool gg_trace_condition_holds(const struct gg_trace_condition *condition,
			      const struct gg_trace_event *event, const struct gg_stub_calls *calls,
			      const uint64_t *registers);

#endif
