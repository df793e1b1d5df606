// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_PRINT_VERDICT_H
#define GG_PRINT_VERDICT_H

#include "base/buffer.h"

#include <gdb-guest/verdict.h>

// Appends the lines of the kernel's verdict: troubles first, their names in capitals.
void gg_append_verdict(struct gg_buffer *out, const struct gg_verdict *verdict);

// Appends the object "guest".
void gg_append_verdict_json(struct gg_buffer *out, const struct gg_verdict *verdict);

#endif
