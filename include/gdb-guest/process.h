// SPDX-License-Identifier: GPL-3.0-or-later
//
// The state of a process (Linux fs/proc/array.c, /proc/PID/status).
#ifndef GDB_GUEST_PROCESS_H
#define GDB_GUEST_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#pragma GCC visibility push(default)

// Tests whether a process executes nothing more: it is gone, a zombie, or was just killed.
bool gg_process_has_ended(pid_t process);

// Tests whether a signal, SIGSTOP for one, has stopped a process until SIGCONT: not whether a tracer holds it.
bool gg_process_is_stopped(pid_t process);

// Tests whether a signal (1 to 64) is pending for a process as a whole. False where it is gone.
bool gg_process_has_pending(pid_t process, int signal);

#pragma GCC visibility pop

#endif
