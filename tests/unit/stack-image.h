// SPDX-License-Identifier: GPL-3.0-or-later
//
// A kernel with a stack and ORC tables, made of the lines of a text:
//
//     orc VERSION                             1 to 4, first; 0: a kernel without ORC
//     i386                                    in place of orc: a kernel of 32 bits without types
//     tracers plain|packed                    task_struct.ret_stack has entries, or words (v6.11)
//     function NAME START SIZE                a symbol
//     entry PC TYPE [sp=BASE+N] [bp=BASE+N] [signal]    ascending; none, end, call, regs, partial;
//                                             SP, BP, R10, (SP) for SP_INDIRECT and so on, CFA for PREV_SP
//     area ADDRESS SIZE                       memory, zeros
//     word ADDRESS VALUE ...                  the kernel's words in an area
//
// The task is at STACK_IMAGE_TASK, an area of its own, where STACK_IMAGE_... has the members' places.
// A line that is no such line, or has no room, is refused and changes nothing: a fuzzer's texts are made
// of these lines too.
#ifndef STACK_IMAGE_H
#define STACK_IMAGE_H

#include "linux/stack/stack.h"

#define STACK_IMAGE_TASK UINT64_C(0xffff888001000000)
#define STACK_IMAGE_TEXT UINT64_C(0xffffffff81000000)

enum { STACK_IMAGE_TEXT_SIZE = 1 << 20 };

struct stack_image;

struct stack_image *stack_image_create(void);
void stack_image_destroy(struct stack_image *image);

// Executes LINE, which ends at a line's end or its own; false if LINE is refused.
bool stack_image_line(struct stack_image *image, const char *line);

// Makes the kernel, as it is now; its BTF and its ORC tables are in its memory. IMAGE owns RET up to the
// next call. GG_INVALID without a line "orc" or "i386".
struct gg_error *stack_image_kernel(struct stack_image *image, const struct gg_answerers **ret);

// Returns the task, whose stack is at STACK.
struct gg_task stack_image_task(gg_gva_t stack);

#endif
