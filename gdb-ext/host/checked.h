// SPDX-License-Identifier: GPL-3.0-or-later
//
// A debugger's host that cannot be made to show what a core does not hold.
#ifndef GG_CHECKED_HOST_H
#define GG_CHECKED_HOST_H

#include "host.h"
#include "files/mapped-files.h"

struct gg_checked_host {
	struct gg_host host; // what the readers get
	const struct gg_host *debugger;
	const struct gg_core_file *core; // or NULL: nothing to check against
	struct gg_mapped_files *files;   // of the core
};

// DEBUGGER, CORE and FILES must outlive CHECKED, which must not move. CORE and FILES are NULL where
// the target is no core.
void gg_checked_host_init(struct gg_checked_host *checked, const struct gg_host *debugger,
			  const struct gg_core_file *core, struct gg_mapped_files *files);

#endif
