// SPDX-License-Identifier: GPL-3.0-or-later
//
// Prototypes of a damaged BTF, and damaged data of a system call's arguments. The input's first byte chooses the kernel; the rest is a list of
// changes to the kernel's memory: (offset u16, width u8, value u64), little-endian.
#include "fuzz.h"

#include "../unit/trace-image.h"
#include "guest/trace-functions.h"
#include "print/trace-values.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE = 11, WIDTHS = 4 };

static void change(struct trace_image *image, const uint8_t *data)
{
	const size_t width = (size_t)1 << data[2] % WIDTHS;
	const size_t offset = (size_t)(data[0] | data[1] << 8) % (TRACE_IMAGE_SIZE - width);
	memcpy(image->bytes + offset, data + 3, width);
}

static void print(struct gg_buffer *out, const struct gg_trace_parameter *parameter)
{
	const struct gg_trace_value value = { .number = UINT64_MAX - 1, .has_text = true };
	if (parameter->name)
		gg_buffer_append(out, parameter->name, strlen(parameter->name));
	gg_trace_append_value(out, parameter, &value);
	gg_trace_append_json(out, parameter, &(struct gg_trace_value){ .number = 1 });
}

// Each text is one that a terminal may show.
static void check(const struct gg_trace_function *function)
{
	struct gg_buffer out = { 0 };
	for (size_t i = 0; i < function->parameter_count; i++)
		print(&out, &function->parameters[i]);
	print(&out, &function->result);
	for (size_t i = 0; i < out.size; i++)
		if (out.bytes[i] < ' ' || out.bytes[i] > '~')
			abort();
	gg_buffer_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		char *name, *module;
		bool is_shared;
	} functions[] = {
		{ "plain", NULL, false },          { "many", NULL, false },
		{ "by_value", NULL, false },       { "gives_big", NULL, false },
		{ "twice", NULL, true },           { "gives_small", NULL, true },
		{ "__x64_sys_call", NULL, false }, { "plain", "module", false },
	};
	enum { COUNT = sizeof(functions) / sizeof(*functions) };
	struct trace_image image;
	struct gg_trace_function *list = calloc(COUNT, sizeof(*list));
	struct gg_trace trace = { .functions = list, .function_count = COUNT };
	if (!list)
		abort();
	for (size_t i = 0; i < COUNT; i++) {
		list[i].name = functions[i].name;
		list[i].module = functions[i].module;
		list[i].is_shared = functions[i].is_shared;
	}
	trace_image_init(&image, size && data[0] & 1);
	for (size_t at = 1; at + CHANGE <= size; at += CHANGE)
		change(&image, data + at);
	trace_image_open(&image);
	gg_error_destroy(gg_trace_find_prototypes(&image.kernel, NULL, &trace));
	for (size_t i = 0; i < COUNT; i++) {
		check(&list[i]);
		gg_trace_forget_prototype(&list[i]);
	}
	free(list);
	trace_image_deinit(&image);
	return 0;
}
