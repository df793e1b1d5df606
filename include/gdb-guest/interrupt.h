// SPDX-License-Identifier: GPL-3.0-or-later
//
// Ctrl-C while the library works.
#ifndef GDB_GUEST_INTERRUPT_H
#define GDB_GUEST_INTERRUPT_H

#include "error.h"

#include <stdbool.h>

struct sigaction;

#pragma GCC visibility push(default)

// Between these two Ctrl-C (SIGINT) does not reach the debugger's handler, but makes the function
// at work return GG_INTERRUPTED. The pairs nest. Signal handlers belong to the process, and so does
// this: the only state that is shared.
void gg_interrupt_begin(void);
void gg_interrupt_end(void);

// GG_INTERRUPTED if Ctrl-C came since the outermost gg_interrupt_begin().
struct gg_error *gg_interrupt_check(void);

// Forgets Ctrl-C: something is left to tidy up before all ends.
void gg_interrupt_forget(void);

// Puts the debugger's handler in place, inside of those, while the debugger waits for its user;
// false where it is in place. Nothing of the library's may be called before
// gg_interrupt_take_back().
bool gg_interrupt_lend(void);
void gg_interrupt_take_back(void);

// Between these two, which stand inside of those, the debugger lets its target run, and its own
// handler of Ctrl-C, which stops the target, is called once: when the target has run for
// MILLISECONDS (at least 1), or when the user presses Ctrl-C; not before the debugger waits for its
// target. More of the user's reach it only when the target has not stopped for seconds.
// A target that is a PROCESS (0: none) gets SIGINT itself instead, again each second, until the
// end. GG_INTERRUPTED if Ctrl-C came before. At the end: had the time passed?
struct gg_error *gg_interrupt_run_begin(unsigned int milliseconds, unsigned int process);
bool gg_interrupt_run_end(void);

// Returns the debugger's own handler, which the outermost gg_interrupt_begin() replaced; NULL where
// that handler is in place.
const struct sigaction *gg_interrupt_previous(void);

#pragma GCC visibility pop

#endif
