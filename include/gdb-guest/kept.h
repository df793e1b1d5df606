// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory that outlives a guest: the parts of a kernel that never change, so that the next guest
// over the same connection does not read them again.
#ifndef GDB_GUEST_KEPT_H
#define GDB_GUEST_KEPT_H

#include "error.h"

#pragma GCC visibility push(default)

struct gg_kept;

// Creates an empty store, for the guests of one connection, one guest at a time. It is bounded: 32
// MiB. A kernel that was booted meanwhile is another kernel, whose memory is read anew.
struct gg_error *gg_kept_create(struct gg_kept **ret);

// Destroys KEPT, which may be NULL, after the guests that use it.
void gg_kept_destroy(struct gg_kept *kept);

#pragma GCC visibility pop

#endif
