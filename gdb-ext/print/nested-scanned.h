// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_PRINT_NESTED_SCANNED_H
#define GG_PRINT_NESTED_SCANNED_H

#include <gdb-guest/nested.h>

// Writes the nested guests that have VMCBs in RAM. WHY, which is consumed, is the reason for which KVM's lists do not have
// them, and the error where there are none; NULL where the user asks for VMCBs.
struct gg_error *gg_print_scanned(struct gg_guest *guest, const struct gg_nested_options *options,
				  struct gg_error *why, const struct gg_writer *writer,
				  const struct gg_notices *notices);

#endif
