// SPDX-License-Identifier: GPL-3.0-or-later
//
// A process that stands still while it is looked at.
#ifndef GG_ATTACH_H
#define GG_ATTACH_H

#include <gdb-guest/error.h>
#include <sys/types.h>

struct attachment;

// Stops all threads of PID by ptrace, without a signal that the process could see. GG_SYSTEM, with
// what to try, where that is refused.
struct gg_error *attach(pid_t pid, struct attachment **ret);

// Lets the process go on as it was: a process that was stopped stays so. NULL is allowed. The
// kernel does the same where this program ends without.
void detach(struct attachment *attachment);

#endif
