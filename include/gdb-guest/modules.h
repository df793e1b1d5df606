// SPDX-License-Identifier: GPL-3.0-or-later
//
// The modules of the guest's kernel.
#ifndef GDB_GUEST_MODULES_H
#define GDB_GUEST_MODULES_H

#include "guest.h"
#include "notices.h"
#include "symbols.h"
#include "writer.h"

#include <stdbool.h>

#pragma GCC visibility push(default)

struct gg_modules_options {
	const char *name;    // only this module; NULL for all
	const char *symbols; // in place of the list the symbols of this module; or NULL
	bool verbose;        // build ID and ranges
	bool json;           // an object on a line for each module or symbol
};

// Writes the list of the modules of GUEST's kernel. GG_NOT_FOUND names a module that is not there.
struct gg_error *gg_print_modules(struct gg_guest *guest, const struct gg_modules_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices);

// Calls VISIT with the name of each module. An error of VISIT's ends it.
struct gg_error *gg_guest_module_names(struct gg_guest *guest, gg_visit_name_fn *visit, void *data);

#pragma GCC visibility pop

#endif
