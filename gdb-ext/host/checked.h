// SPDX-License-Identifier: GPL-3.0-or-later
//
// A debugger's host that never shows bytes that a core does not hold.
#ifndef GG_CHECKED_HOST_H
#define GG_CHECKED_HOST_H

#include "host.h"
#include "files/mapped-files.h"

struct gg_checked_host {
	struct gg_host host; // for the readers
	const struct gg_host *debugger;
	const struct gg_core_file *core; // or NULL: nothing to check against
	struct gg_mapped_files *files;   // of the core
};

// Initializes CHECKED, which must not move; DEBUGGER, CORE and FILES must outlive it. CORE and
// FILES are NULL where the target is no core.
void gg_checked_host_init(struct gg_checked_host *checked, const struct gg_host *debugger,
			  const struct gg_core_file *core, struct gg_mapped_files *files);

#endif
