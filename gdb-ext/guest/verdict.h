// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_GUEST_VERDICT_H
#define GG_GUEST_VERDICT_H

#include "guest.h"

#include <gdb-guest/verdict.h>

// Collects what is known of how GUEST's KERNEL is. Where RAM is far away, that is what the log says,
// unless THOROUGH asks for all. Errors are final; the caller calls gg_verdict_deinit() also then.
struct gg_error *gg_guest_verdict(struct gg_guest *guest, const struct gg_kernel *kernel,
				  bool thorough, struct gg_verdict *ret);

// Sets the troubles that happened, by the log's lines and the kernel's variables that VERDICT has.
void gg_verdict_judge(struct gg_verdict *verdict);

void gg_verdict_deinit(struct gg_verdict *verdict);

#endif
