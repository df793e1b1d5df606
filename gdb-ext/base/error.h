// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_ERROR_H
#define GG_ERROR_H

#include <gdb-guest/error.h>

// No memory: an error that needs none. gg_error_destroy() leaves it alone.
extern struct gg_error *const gg_enomem;

// Does ERR, which may be NULL, end all that is under way? Any other one may be the guest's or
// QEMU's affair, to be told or got round.
bool gg_error_is_final(const struct gg_error *err);

// Did Ctrl-C come? gg_interrupt_check() without the error object.
bool gg_interrupt_pending(void);

#endif
