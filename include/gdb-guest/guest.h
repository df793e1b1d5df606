// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest: created over a host and a target.
#ifndef GDB_GUEST_GUEST_H
#define GDB_GUEST_GUEST_H

#include "host.h"
#include "target.h"

#pragma GCC visibility push(default)

struct gg_guest;

// Creates a guest over HOST, which must stay valid, unmoved, until the guest is destroyed. TARGET's
// strings are copied. A core that cannot be opened, or is not an ELF core, is an error.
struct gg_error *gg_guest_create(const struct gg_host *host, const struct gg_target *target,
				 struct gg_guest **ret);

// Destroys GUEST, which may be NULL.
void gg_guest_destroy(struct gg_guest *guest);

// Forgets what may be different after the debugger let GUEST run, and must be called before
// anything else then. The place of the RAM and the kernel are kept.
void gg_guest_ran(struct gg_guest *guest);

// Returns the host that GUEST asks the four questions: memory that a core does not hold is
// GG_ABSENT there, whatever the debugger says. Valid as long as GUEST is.
const struct gg_host *gg_guest_host(const struct gg_guest *guest);

// Returns the guest-physical address of the VMCOREINFO of GUEST's kernel, if the kernel was found
// and is not the user's choice; else 0.
gg_gpa_t gg_guest_note(const struct gg_guest *guest);

#pragma GCC visibility pop

#endif
