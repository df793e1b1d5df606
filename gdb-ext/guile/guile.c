// SPDX-License-Identifier: GPL-3.0-or-later
//
// libgdb-guest for Guile: no file outside this folder includes libguile.h.
#include "guile.h"

__attribute__((visibility("default"))) void gg_guile_init(void);

void gg_guile_define(const char *name, int arguments, scm_t_subr function)
{
	scm_c_define_gsubr(name, arguments, 0, 0, function);
	scm_c_export(name, NULL);
}

// Called by load-extension, in the module (gdb-guest native).
void gg_guile_init(void)
{
	gg_guile_init_convert();
	gg_guile_init_guest();
	gg_guile_init_monitor();
	gg_guile_init_dump();
	gg_guile_init_info();
	gg_guile_init_kernels();
	gg_guile_init_cpus();
	gg_guile_init_memory();
	gg_guile_init_log();
	gg_guile_init_sysrq();
	gg_guile_init_output();
	gg_guile_init_command();
	gg_guile_init_data();
	gg_guile_init_interrupt();
}
