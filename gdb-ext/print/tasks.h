// SPDX-License-Identifier: GPL-3.0-or-later
//
// The words of a task's row.
#ifndef GG_PRINT_TASKS_H
#define GG_PRINT_TASKS_H

#include "base/buffer.h"
#include "guest/tasks.h"

enum { GG_CPU_TIME_SIZE = 48 }; // as GG_AGE_SIZE

// Writes the CPU time of ROW as ps does, "[D-]HH:MM:SS"; "-" where it is not known.
void gg_cpu_time_text(const struct gg_task_row *row, char ret[GG_CPU_TIME_SIZE]);

// Appends the name, in brackets where BRACKETS.
void gg_append_task_name(struct gg_buffer *out, const struct gg_task_row *row, bool brackets);

// Appends the arguments, with spaces between them; as ps does, the name where there are none. DETAILS'
// arguments are changed.
void gg_append_task_args(struct gg_buffer *out, const struct gg_task_row *row,
			 const struct gg_task_details *details);

#endif
