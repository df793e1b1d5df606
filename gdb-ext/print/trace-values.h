// SPDX-License-Identifier: GPL-3.0-or-later
//
// Arguments and results of calls as text and as JSON.
#ifndef GG_TRACE_VALUES_H
#define GG_TRACE_VALUES_H

#include "base/buffer.h"
#include "guest/trace.h"

// Appends VALUE as in C: a text in quotes, an enumerator by name.
void gg_trace_append_value(struct gg_buffer *out, const struct gg_trace_parameter *parameter,
			   const struct gg_trace_value *value);

// Appends the members "type", "value" and "text".
void gg_trace_append_json(struct gg_buffer *out, const struct gg_trace_parameter *parameter,
			  const struct gg_trace_value *value);

// Returns the name of the errno that VALUE, a result, stands for; NULL without.
const char *gg_trace_errno(const struct gg_trace_parameter *parameter,
			   const struct gg_trace_value *value);

#endif
