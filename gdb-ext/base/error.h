// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_ERROR_H
#define GG_ERROR_H

#include <gdb-guest/error.h>

// Copies ERR.
struct gg_error *gg_error_copy(const struct gg_error *err);

// Tests whether Ctrl-C came: gg_interrupt_check() without the error object.
bool gg_interrupt_pending(void);

#endif
