// SPDX-License-Identifier: GPL-3.0-or-later
//
// A task that waits, as text and as JSON.
#ifndef GG_PRINT_BLOCKED_H
#define GG_PRINT_BLOCKED_H

#include "base/buffer.h"
#include "guest/blocked.h"

// Tests whether the user wants to see TASK: it is blocked, or with ALL asleep.
bool gg_blocked_is_shown(const struct gg_guest_blocked *blocked, const struct gg_task *task,
			 bool all);

// Appends TASK as JSON.
struct gg_error *gg_append_blocked_json(struct gg_buffer *text,
					const struct gg_guest_blocked *blocked,
					const struct gg_task *task);

#endif
