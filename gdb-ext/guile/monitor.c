// SPDX-License-Identifier: GPL-3.0-or-later
//
// QEMU's monitor: the commands to type there, and the state of the dump that QEMU writes.
#include "guile.h"

#include <stdlib.h>

// (%monitor-commands) => a list of commands for QEMU's monitor.
static SCM monitor_commands(void)
{
	SCM list = SCM_EOL;
	for (unsigned int i = GG_MONITOR_TEXTS; i-- > 0;)
		list = scm_cons(gg_guile_string(gg_monitor_command(i)), list);
	return list;
}

// (%monitor-dump-command FILE) => the command that has QEMU write its dump there.
static SCM monitor_dump_command(SCM path)
{
	char *path_text = scm_to_locale_string(path), *command = NULL;
	struct gg_error *err = gg_monitor_dump_command(path_text, &command);
	free(path_text);
	gg_guile_throw(err);
	return scm_take_locale_string(command);
}

static SCM monitor_dump_query(void)
{
	return gg_guile_string(gg_monitor_dump_query);
}

// (%monitor-dump-progress TEXT) => (DONE . ENDED?) by what the query printed.
static SCM monitor_dump_progress(SCM text)
{
	char *bytes = scm_to_utf8_string(text);
	double done = 0;
	bool ended = false;
	struct gg_error *err = gg_monitor_dump_progress(bytes, &done, &ended);
	free(bytes);
	gg_guile_throw(err);
	return scm_cons(scm_from_double(done), scm_from_bool(ended));
}

void gg_guile_init_monitor(void)
{
	gg_guile_define("%monitor-commands", 0, (scm_t_subr)monitor_commands);
	gg_guile_define("%monitor-dump-command", 1, (scm_t_subr)monitor_dump_command);
	gg_guile_define("%monitor-dump-query", 0, (scm_t_subr)monitor_dump_query);
	gg_guile_define("%monitor-dump-progress", 1, (scm_t_subr)monitor_dump_progress);
}
