// SPDX-License-Identifier: GPL-3.0-or-later
//
// Tasks as a user chooses them: by PIDs, by states.
#ifndef GG_PID_LIST_H
#define GG_PID_LIST_H

#include "base/error.h"

struct gg_pid_list {
	int32_t *pids; // owned; in the user's order
	size_t count;
};

// Parses TEXT, "N" or a list with commas, the value of the option -pid; no PIDs for NULL. GG_INVALID
// for another text.
struct gg_error *gg_pid_list_create(const char *text, struct gg_pid_list *ret);

void gg_pid_list_deinit(struct gg_pid_list *list);

// Tests whether STATES, the value of the option -state or NULL, are ps's letters. GG_INVALID.
struct gg_error *gg_states_check(const char *states);

#endif
