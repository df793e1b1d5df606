// SPDX-License-Identifier: GPL-3.0-or-later
//
// The nested guests: the virtual machines that the guest's kernel runs.
#ifndef GDB_GUEST_NESTED_H
#define GDB_GUEST_NESTED_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

struct gg_nested_options {
	bool vcpus;  // a line for each vCPU, too
	bool memory; // memory is counted over a wire, too
	bool json;   // an object on a line for each nested guest
};

// Writes the nested guests of GUEST's kernel.
struct gg_error *gg_print_nested(struct gg_guest *guest, const struct gg_nested_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
