// SPDX-License-Identifier: GPL-3.0-or-later
#include "pid-list.h"
#include "base/vector.h"
#include "guest/tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Parses the number at *TEXT, and moves *TEXT behind it and a comma. False where there is none.
static bool parse(const char **text, int32_t *ret)
{
	char *end;
	if (!strchr("0123456789", **text) || !**text)
		return false;
	errno = 0;
	const unsigned long number = strtoul(*text, &end, 10);
	if (errno || number > INT32_MAX || (*end && *end != ',') || (*end == ',' && !end[1]))
		return false;
	*ret = (int32_t)number;
	*text = *end ? end + 1 : end;
	return true;
}

struct gg_error *gg_pid_list_create(const char *text, struct gg_pid_list *ret)
{
	struct gg_pid_list list = { 0 };
	struct gg_error *err = NULL;
	for (const char *at = text; at && (at == text || *at) && !err;) {
		int32_t pid = 0;
		if (!parse(&at, &pid))
			err = gg_error_create(
				GG_INVALID,
				"-pid: \"%s\" is not N or a list of numbers with commas", text);
		if (!err)
			err = gg_vector_grow(&list.pids, list.count, sizeof(*list.pids));
		if (!err)
			list.pids[list.count++] = pid;
	}
	if (err)
		gg_pid_list_deinit(&list);
	*ret = list;
	return err;
}

void gg_pid_list_deinit(struct gg_pid_list *list)
{
	free(list->pids);
	*list = (struct gg_pid_list){ 0 };
}

struct gg_error *gg_states_check(const char *states)
{
	const size_t known = states ? strspn(states, GG_TASK_STATES) : 0;
	if (states && (states[known] || !known))
		return gg_error_create(GG_INVALID,
				       "-state: \"%s\" is not letters of %s (R runs or is ready, D "
				       "sleeps and no signal wakes it)",
				       states, GG_TASK_STATES);
	return NULL;
}
