// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_ERROR_H
#define GG_ERROR_H

#include "gdb-guest.h"

// No memory: an error that needs none. gg_error_destroy() leaves it alone.
extern struct gg_error *const gg_enomem;

// Did Ctrl-C come? gg_interrupt_check() without the error object.
bool gg_interrupt_pending(void);

#endif
