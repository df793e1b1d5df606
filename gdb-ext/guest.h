// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest: what is known of it, each part found when it is first asked for.
#ifndef GG_GUEST_H
#define GG_GUEST_H

#include "host/checked.h"
#include "memory/ram-map.h"

struct gg_guest {
	const struct gg_host *host; // the debugger's, its reads checked against the core
	struct gg_checked_host checked;
	char *program_path;
	pid_t pid;
	struct gg_core_file *core;  // NULL: not a core
	struct gg_backing backing;  // of QEMU's memory
	struct gg_ram_map *ram_map; // NULL until gg_guest_ram_map()
};

// GUEST's RAM map, which it keeps.
struct gg_error *gg_guest_ram_map(struct gg_guest *guest, const struct gg_ram_map **ret);

#endif
