// SPDX-License-Identifier: GPL-3.0-or-later
//
// The nested guests: the virtual machines that the guest's kernel runs.
#ifndef GDB_GUEST_NESTED_H
#define GDB_GUEST_NESTED_H

#include "guest.h"
#include "info.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// Parses TEXT, the number of a nested guest; "2.1" is nested guest 1 of nested guest 2. A number may be the
// address of a struct kvm, with 0x. RET has room for GG_NESTED_DEPTH numbers. GG_INVALID for any other text.
struct gg_error *gg_nested_parse(const char *text, uint64_t *ret, size_t *count);

// Reads the name of GUEST, whose members are NULL where GUEST is not nested. The caller calls
// gg_nested_name_deinit(), also after an error.
struct gg_error *gg_guest_nested_name(struct gg_guest *guest, struct gg_nested_name *ret);

// Counts the nested guests of GUEST's kernel. GG_NOT_FOUND where the kernel has no KVM.
struct gg_error *gg_guest_nested_count(struct gg_guest *guest, size_t *ret);

struct gg_nested_options {
	bool vcpus;  // a line for each vCPU, too
	bool memory; // memory is counted over a wire, too
	bool scan;   // by the pages from which the hardware executes them, and not by KVM's lists
	bool json;   // an object on a line for each nested guest
};

// Writes the nested guests of GUEST's kernel.
struct gg_error *gg_print_nested(struct gg_guest *guest, const struct gg_nested_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
