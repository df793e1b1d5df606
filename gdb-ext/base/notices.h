// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_NOTICES_H
#define GG_NOTICES_H

#include <gdb-guest/notices.h>

// Passes the formatted line to NOTICES, which may be NULL. Returns the error of the receiver.
struct gg_error *gg_tell(const struct gg_notices *notices, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
