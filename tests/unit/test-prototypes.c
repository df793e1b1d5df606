// SPDX-License-Identifier: GPL-3.0-or-later
//
// The arguments of traced functions, by BTF and by the kernel's data about system calls.
#include "printed.h"
#include "trace-image.h"
#include "unit.h"

#include "guest/trace-functions.h"
#include "print/trace-values.h"

#include <stdlib.h>
#include <string.h>

extern const struct gg_arch gg_arch_s390x;

static struct trace_image image;
static struct gg_trace_function function;

static int end(void **state)
{
	(void)state;
	gg_trace_forget_prototype(&function);
	trace_image_deinit(&image);
	function = (struct gg_trace_function){ 0 };
	return 0;
}

// Finds the prototype of FUNCTION, called NAME, in the image's kernel.
static void find(const char *name)
{
	struct gg_trace trace = { .functions = &function, .function_count = 1 };
	gg_trace_forget_prototype(&function);
	forget_output();
	function.has_prototype = function.is_syscall = false;
	function.name = (char *)name;
	assert_success(gg_trace_find_prototypes(&image.kernel, &to_told, &trace));
}

// Expects parameters as "name type=value", of the number 7 each, with a blank behind.
static void expect(const char *parameters, const char *result)
{
	const struct gg_trace_value seven = { .number = 7 };
	struct gg_buffer text = { 0 };
	for (size_t i = 0; i < function.parameter_count; i++) {
		const struct gg_trace_parameter *parameter = &function.parameters[i];
		gg_buffer_format(&text, "%s %s=", parameter->name,
				 parameter->declaration ? parameter->declaration : "-");
		gg_trace_append_value(&text, parameter, &seven);
		gg_buffer_format(&text, " ");
	}
	gg_buffer_zeros(&text, 1);
	assert_string_equal((char *)text.bytes, parameters);
	gg_buffer_deinit(&text);
	if (!function.is_void)
		gg_trace_append_value(&text, &function.result, &seven);
	gg_buffer_zeros(&text, 1);
	assert_string_equal((char *)text.bytes, result);
	gg_buffer_deinit(&text);
}

static void test_plain(void **state)
{
	(void)state;
	trace_image_init(&image, false);
	trace_image_open(&image);
	find("plain");
	expect("number int=7 text const char *=0x7 node struct node *=(struct node *)0x7 ", "7");
	find("many");
	assert_true(function.is_void);
	expect("a int=7 b int=7 c int=7 d int=7 e int=7 f int=7 g int=7 h unsigned int=7 ", "");
	find("unknown");
	expect("rdi -=0x7 rsi -=0x7 rdx -=0x7 rcx -=0x7 r8 -=0x7 r9 -=0x7 ", "0x7");
	assert_string_equal(told, "");
}

static void test_spaces(void **state)
{
	const struct gg_btf *btf;
	(void)state;
	trace_image_init(&image, false);
	trace_image_open(&image);
	assert_success(gg_types_btf(image.kernel.types, &btf));
	function.name = (char *)"plain";
	assert_success(gg_trace_read_prototype(btf, image.kernel.arch, &function));
	assert_true(function.parameters[1].is_text);
	gg_trace_forget_prototype(&function);
	assert_success(gg_trace_read_prototype(btf, &gg_arch_s390x, &function));
	assert_false(function.parameters[1].is_text);
}

static void test_structures(void **state)
{
	(void)state;
	trace_image_init(&image, false);
	trace_image_open(&image);
	find("by_value");
	expect("id id_type=7 big struct big=? behind int=? ", "7");
	find("gives_big");
	expect("first int=? ", "?");
	find("gives_small");
	expect("first int=7 ", "7");
}

static void test_shared(void **state)
{
	(void)state;
	function.is_shared = true;
	for (unsigned int shared = 0; shared < 2; shared++) {
		trace_image_init(&image, shared);
		trace_image_open(&image);
		find("plain");
		assert_int_equal(function.has_prototype, shared);
		assert_int_equal(!strstr(told, "the arguments of plain are shown as registers"),
				 shared);
		find("twice");
		assert_false(function.has_prototype);
		gg_trace_forget_prototype(&function);
		trace_image_deinit(&image);
	}
	trace_image_init(&image, false);
	trace_image_open(&image);
	function.is_shared = false;
	find("twice");
	assert_false(function.has_prototype);
}

static void test_module(void **state)
{
	const struct gg_btf *base;
	(void)state;
	trace_image_init(&image, false);
	trace_image_open(&image);
	assert_success(gg_types_btf(image.kernel.types, &base));
	struct gg_btf *module = trace_image_module(base);
	function.name = (char *)"plain";
	assert_success(gg_trace_read_prototype(module, image.kernel.arch, &function));
	expect("other struct node *=(struct node *)0x7 ", "7");
	gg_trace_forget_prototype(&function);
	function.has_prototype = false;
	// The kernel's function of the name is another.
	function.name = (char *)"many";
	assert_success(gg_trace_read_prototype(module, image.kernel.arch, &function));
	assert_false(function.has_prototype);
	gg_btf_destroy(module);
}

static void test_call(void **state)
{
	(void)state;
	trace_image_init(&image, false);
	trace_image_open(&image);
	find("__x64_sys_call");
	assert_true(function.is_syscall);
	expect("fd int=7 path const char *=0x7 mode umode_t=7 ", "7");
	assert_int_equal(function.syscall_offsets[0], 40);
	assert_int_equal(function.syscall_offsets[3], 0);
}

static void test_damaged_call(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *why;
	} cases[] = {
		{ TRACE_IMAGE_COUNT, 7, "__x64_sys_call has 7 arguments" },
		{ TRACE_IMAGE_TEXTS + 1, '\033', "is not printable" },
		{ TRACE_IMAGE_TEXTS + 64 + 2, '\033', "is not printable" },
		{ TRACE_IMAGE_TYPES + 7, 0, "there is nothing" },
		{ TRACE_IMAGE_NAMES + 7, 0, "there is nothing" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		trace_image_init(&image, false);
		image.bytes[cases[i].at] = cases[i].byte;
		trace_image_open(&image);
		find("__x64_sys_call");
		assert_non_null(strstr(told, "arguments are shown as registers: the arguments of"));
		assert_non_null(strstr(told, cases[i].why));
		assert_string_equal(function.parameters[0].name, "rdi");
		gg_trace_forget_prototype(&function);
		trace_image_deinit(&image);
	}
	trace_image_init(&image, false);
	trace_image_open(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_WITH(NULL, end,
			       "parameters have the types of the kernel's BTF, or are registers",
			       test_plain),
		UNIT_TEST_WITH(
			NULL, end,
			"no text is looked for where a program's address may be the kernel's",
			test_spaces),
		UNIT_TEST_WITH(
			NULL, end,
			"a structure with one member is that member, and what follows others "
			"has no place",
			test_structures),
		UNIT_TEST_WITH(NULL, end,
			       "a name of several functions has a prototype where all agree",
			       test_shared),
		UNIT_TEST_WITH(NULL, end,
			       "a module's function has no prototype of the kernel's of its name",
			       test_module),
		UNIT_TEST_WITH(NULL, end,
			       "a system call's function has the arguments that its program gives",
			       test_call),
		UNIT_TEST_WITH(
			NULL, end,
			"a system call whose data are damaged has registers, and the reason is "
			"told",
			test_damaged_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
