// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_PRINT_VERDICT_H
#define GG_PRINT_VERDICT_H

#include "base/buffer.h"

#include <gdb-guest/info.h>

// Appends the lines of the kernel's verdict: troubles first, their names in capitals. FACTS have the
// machine's clock.
void gg_append_verdict(struct gg_buffer *out, const struct gg_verdict *verdict,
		       const struct gg_source_facts *facts);

// Appends the object "guest".
void gg_append_verdict_json(struct gg_buffer *out, const struct gg_verdict *verdict);

#endif
