// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts of an output that only the library uses.
#ifndef GG_OUTPUT_H
#define GG_OUTPUT_H

#include "error.h"

#include <gdb-guest/output.h>

// Tests whether OUTPUT is a stream, which takes every byte once and in order.
bool gg_output_is_sequential(const struct gg_output *output);

// The file's descriptor, for the kernel to put bytes into; -1 for a stream.
int gg_output_file(const struct gg_output *output);

// Throws away what a file has got so far. A stream must not have got anything.
struct gg_error *gg_output_restart(struct gg_output *output);

#endif
