// SPDX-License-Identifier: GPL-3.0-or-later
//
// Text from the guest, made harmless for a terminal.
#ifndef GDB_GUEST_TEXT_H
#define GDB_GUEST_TEXT_H

#include "types.h"

#pragma GCC visibility push(default)

// Returns a copy of TEXT in which everything but printable ASCII, and the backslash, is \xHH. The
// caller frees the copy; NULL without memory.
char *gg_text_escape(const char *text);

// Returns a copy of the SIZE bytes of a log record, escaped as dmesg does: tabs and printable UTF-8
// stay, any other byte is \xHH. The caller frees the copy; NULL without memory.
char *gg_log_text(const char *bytes, size_t size);

#pragma GCC visibility pop

#endif
