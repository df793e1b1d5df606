// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  numbers of the kernel's types.
// Out: their texts.
#include "trace-values.h"
#include "base/json.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_ERRNO = 4095 }; // Linux include/linux/err.h

static bool is_number(const struct gg_trace_parameter *parameter)
{
	return parameter->has_type && parameter->type.kind != GG_TYPE_POINTER;
}

const char *gg_trace_errno(const struct gg_trace_parameter *parameter,
			   const struct gg_trace_value *value)
{
	const int64_t number = (int64_t)value->number;
	const bool may_fail = parameter->has_type && (parameter->type.is_signed ||
						      parameter->type.kind == GG_TYPE_POINTER);
	return may_fail && number < 0 && number >= -MOST_ERRNO ? strerrorname_np((int)-number)
							       : NULL;
}

static const char *enumerator(const struct gg_trace_parameter *parameter, int64_t number)
{
	if (!parameter->has_type || parameter->type.kind != GG_TYPE_ENUM)
		return NULL;
	for (uint32_t i = 0; i < parameter->type.count; i++) {
		const char *name;
		int64_t own;
		gg_btf_enumerator_at(parameter->btf, &parameter->type, i, &name, &own);
		if (own == number)
			return name;
	}
	return NULL;
}

// Appends an address, with its type where the address is of a structure.
static void append_pointer(struct gg_buffer *out, const struct gg_trace_parameter *parameter,
			   const struct gg_trace_value *value)
{
	if (value->has_text) {
		gg_append_quoted(out, (const uint8_t *)value->text, value->size);
		gg_buffer_format(out, value->is_cut ? "..." : "");
		return;
	}
	if (parameter->has_type && !parameter->is_text && value->number &&
	    strstr(parameter->declaration, "struct "))
		gg_buffer_format(out, "(%s)", parameter->declaration);
	gg_buffer_format(out, "0x%" PRIx64, value->number);
}

void gg_trace_append_value(struct gg_buffer *out, const struct gg_trace_parameter *parameter,
			   const struct gg_trace_value *value)
{
	const int64_t number = (int64_t)value->number;
	const char *name = enumerator(parameter, number);
	if (!parameter->is_placed)
		gg_buffer_format(out, "?");
	else if (!is_number(parameter))
		append_pointer(out, parameter, value);
	else if (name)
		gg_buffer_format(out, "%s", name);
	else if (parameter->type.kind == GG_TYPE_BOOL && value->number <= 1)
		gg_buffer_format(out, value->number ? "true" : "false");
	else if (parameter->type.is_signed)
		gg_buffer_format(out, "%" PRId64, number);
	else
		gg_buffer_format(out, "%" PRIu64, value->number);
}

void gg_trace_append_json(struct gg_buffer *out, const struct gg_trace_parameter *parameter,
			  const struct gg_trace_value *value)
{
	const char *name = enumerator(parameter, (int64_t)value->number);
	gg_json_string(out, "type", parameter->declaration);
	if (!parameter->is_placed)
		gg_json_null(out, "value");
	else if (!is_number(parameter))
		gg_json_address(out, "value", value->number);
	else if (parameter->type.kind == GG_TYPE_BOOL && value->number <= 1)
		gg_json_bool(out, "value", value->number);
	else if (parameter->type.is_signed)
		gg_json_format(out, "value", "%" PRId64, (int64_t)value->number);
	else
		gg_json_uint(out, "value", value->number);
	if (value->has_text)
		gg_json_bytes(out, "text", value->text, value->size);
	else if (name)
		gg_json_string(out, "text", name);
	else
		gg_json_null(out, "text");
}
