// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_ERROR_H
#define GG_ERROR_H

#include <gdb-guest/error.h>

// No memory: an error that needs none. gg_error_destroy() leaves it alone.
extern struct gg_error *const gg_enomem;

// Tests whether ERR, which may be NULL, ends all that is under way. Any other error may be the
// guest's or QEMU's affair.
bool gg_error_is_final(const struct gg_error *err);

// Returns ERR, which may be NULL, where it is final; else destroys it and returns NULL.
struct gg_error *gg_error_unless_final(struct gg_error *err);

// Tests whether Ctrl-C came: gg_interrupt_check() without the error object.
bool gg_interrupt_pending(void);

#endif
