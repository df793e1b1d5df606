// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged stacks and ORC tables. The input is a case of tests/orc.
#include "fuzz.h"

#include "../unit/stack-image.h"

#include "arch/arch.h"

#include <stdlib.h>
#include <string.h>

// Each frame is one that a walk may have.
static void check(struct gg_stack *stack)
{
	if (stack->count > GG_STACK_FRAMES || strlen(stack->why) >= sizeof(stack->why) ||
	    (stack->end == GG_STACK_BROKEN) != !!stack->why[0])
		abort();
	for (size_t i = 0; i < stack->count; i++) {
		const struct gg_frame *frame = &stack->frames[i];
		if (frame->end && !frame->entry.kind && frame->end <= frame->sp)
			abort();
	}
	gg_stack_deinit(stack);
}

// Reads "NAME=VALUE" behind each space.
static void set_registers(struct gg_registers *registers, const char *words)
{
	while ((words = strchr(words, ' '))) {
		const char *value = strchr(++words, '=');
		for (unsigned int id = 0; value && id < registers->set->count; id++) {
			const char *name = registers->set->infos[id].name;
			if (name && strlen(name) == (size_t)(value - words) &&
			    !strncmp(name, words, strlen(name)))
				gg_register_set(registers, id, strtoull(value + 1, NULL, 0));
		}
	}
}

static struct gg_error *use(struct gg_unwinder *unwinder, const struct gg_answerers *kernel,
			    const char *line)
{
	const struct gg_task task = stack_image_task(strtoull(strchr(line, ' '), NULL, 0));
	struct gg_stack stack = { 0 };
	struct gg_error *err = gg_stack_of_sleeping(unwinder, &task, &stack);
	if (!err)
		check(&stack);
	if (!err)
		err = gg_stack_of_memory(unwinder, &task, &stack);
	if (!err)
		check(&stack);
	struct gg_registers *registers = calloc(1, sizeof(*registers));
	if (err || !registers) {
		free(registers);
		return err;
	}
	gg_registers_init(registers, kernel->arch->registers, 8);
	set_registers(registers, strchr(line, ' ') + 1);
	err = gg_stack_of_registers(unwinder, registers, &task, &stack);
	if (!err)
		check(&stack);
	free(registers);
	return err;
}

// Walks in all ways, once: the image has one kernel.
static void do_walks(struct stack_image *image, const char *line)
{
	const struct gg_answerers *kernel;
	struct gg_unwinder *unwinder = NULL;
	struct gg_error *err = stack_image_kernel(image, &kernel);
	if (!err)
		err = gg_unwinder_create(kernel, &unwinder);
	if (!err)
		err = use(unwinder, kernel, line);
	gg_error_destroy(err);
	gg_unwinder_destroy(unwinder);
}

static void do_line(void *data, const char *line)
{
	struct stack_image *image = data;
	if (!strncmp(line, "sleep ", 6) || !strncmp(line, "registers ", 10) ||
	    !strncmp(line, "search ", 7))
		do_walks(image, line);
	else
		stack_image_line(image, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stack_image *image = stack_image_create();
	fuzz_lines(data, size, do_line, image);
	stack_image_destroy(image);
	return 0;
}
