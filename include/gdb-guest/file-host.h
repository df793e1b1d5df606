// SPDX-License-Identifier: GPL-3.0-or-later
//
// A host made of files, for a front end without a debugger.
#ifndef GDB_GUEST_FILE_HOST_H
#define GDB_GUEST_FILE_HOST_H

#include "host.h"
#include "target.h"

#pragma GCC visibility push(default)

struct gg_file_host;

// Creates the host of TARGET: a core, a vmcore, or a live process, which the caller has stopped.
// Its memory is the file's or the process's, its symbols are those of the program's symbol tables.
// It has no types and no registers: GG_NOT_FOUND.
struct gg_error *gg_file_host_create(const struct gg_target *target, struct gg_file_host **ret);

// Destroys HOST, which may be NULL.
void gg_file_host_destroy(struct gg_file_host *host);

// Returns the host, valid as long as HOST is.
const struct gg_host *gg_file_host(const struct gg_file_host *host);

// Returns the path of the program, by TARGET or by the core itself; NULL where that is not there
// any more, or another program. Valid as long as HOST is.
const char *gg_file_host_program(const struct gg_file_host *host);

#pragma GCC visibility pop

#endif
