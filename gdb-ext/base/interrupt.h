// SPDX-License-Identifier: GPL-3.0-or-later
//
// The interface between the two halves of Ctrl-C.
#ifndef GG_INTERRUPT_H
#define GG_INTERRUPT_H

#include <gdb-guest/interrupt.h>
#include "error.h"

#include <signal.h>

// The handler: sets the flag. May be called in another handler.
void gg_interrupt_note(int signal_number);

// Puts it in place of SIGINT's; *PREVIOUS, unless NULL, is what was there.
void gg_interrupt_catch(struct sigaction *previous);

#endif
