// SPDX-License-Identifier: GPL-3.0-or-later
//
// Stacks made of texts. A case is a file in tests/orc, one thing a line:
//
//     # the sentence that the case proves
//     orc, i386, tracers, function, entry, area, word     the kernel, as stack-image.h has them
//     sleep STACK                     walks the task, whose stack is at STACK, from where it sleeps
//     registers STACK NAME=VALUE ...  walks from a CPU's registers; STACK is 0 without a task
//     search STACK                    searches the task's stack
//     expect TEXT                     a line of the stack, as guest-bt prints it
#include "case-file.h"
#include "stack-image.h"

#include "arch/arch.h"
#include "print/stack-text.h"

#include <stdlib.h>
#include <string.h>

struct test_case {
	struct stack_image *image;
	struct gg_buffer expected, got;
};

// Appends STACK as guest-bt prints it, without the title and the empty line behind it.
static void add_stack(struct test_case *test, const struct gg_answerers *kernel,
		      enum gg_stack_start start, struct gg_stack *stack)
{
	static const char title[] = "CPU: 0\n";
	const struct gg_qemu_cpu cpu = { .index = 0 };
	const struct gg_shown_stack shown = {
		.stack = { .cpu = &cpu, .start = start, .stack = *stack }, .kernel = kernel
	};
	struct gg_buffer text = { 0 };
	assert_success(gg_append_stack_text(&text, &shown));
	assert_true(text.size > sizeof(title));
	gg_buffer_append(&test->got, text.bytes + strlen(title), text.size - sizeof(title));
	gg_buffer_deinit(&text);
	gg_stack_deinit(stack);
}

static void set_register(struct gg_registers *registers, const char *word)
{
	const struct gg_register_set *set = registers->set;
	const size_t length = strcspn(word, "=");
	for (unsigned int id = 0; id < set->count; id++) {
		const char *name = set->infos[id].name;
		if (!name || strlen(name) != length || strncmp(name, word, length) != 0)
			continue;
		gg_register_set(registers, id, strtoull(word + length + 1, NULL, 0));
		return;
	}
	fail_msg("no such register: %s", word);
}

static void set_registers(struct gg_registers *registers, const struct gg_answerers *kernel,
			  const char *words)
{
	gg_registers_init(registers, kernel->arch->registers, kernel->arch->word);
	while ((words = strchr(words, ' ')))
		set_register(registers, ++words);
}

static void do_walk(struct test_case *test, const char *line)
{
	const struct gg_answerers *kernel;
	struct gg_unwinder *unwinder;
	struct gg_stack stack;
	enum gg_stack_start start = GG_FROM_REGISTERS;
	const char *words = strchr(line, ' ') + 1;
	const struct gg_task task = stack_image_task(strtoull(words, NULL, 0));
	assert_success(stack_image_kernel(test->image, &kernel));
	assert_success(gg_unwinder_create(kernel, &unwinder));
	if (*line == 'r') {
		struct gg_registers *registers = calloc(1, sizeof(*registers));
		set_registers(registers, kernel, words);
		assert_success(gg_stack_of_registers(unwinder, registers, task.stack ? &task : NULL,
						     &stack));
		free(registers);
	} else if (line[1] == 'l') {
		start = GG_FROM_SLEEP;
		assert_success(gg_stack_of_sleeping(unwinder, &task, &stack));
	} else {
		start = GG_FROM_MEMORY;
		assert_success(gg_stack_of_memory(unwinder, &task, &stack));
	}
	add_stack(test, kernel, start, &stack);
	gg_unwinder_destroy(unwinder);
}

static void do_line(void *data, const char *line)
{
	struct test_case *test = data;
	if (*line == '#' || *line == '\n')
		return;
	if (!strncmp(line, "sleep ", 6) || !strncmp(line, "registers ", 10) ||
	    !strncmp(line, "search ", 7))
		do_walk(test, line);
	else if (!strncmp(line, "expect ", 7))
		add_expected(&test->expected, line + 6);
	else if (!stack_image_line(test->image, line))
		fail_msg("no such line: %s", line);
}

static void test_case(void **state)
{
	struct test_case test = { .image = stack_image_create() };
	for_lines(*state, do_line, &test);
	stack_image_destroy(test.image);
	assert_true(test.expected.size);
	assert_same_text(&test.got, &test.expected);
}

int main(void)
{
	return run_cases("orc", test_case);
}
