// SPDX-License-Identifier: GPL-3.0-or-later
//
// The text of guest memory and of its translation by page tables, as guest-x and guest-vtop print
// it.
#ifndef GDB_GUEST_EXAMINE_H
#define GDB_GUEST_EXAMINE_H

#include "command.h"
#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)

// An address as a user writes it: SYMBOL, SYMBOL+OFFSET or SYMBOL-OFFSET of the guest's kernel, else
// an expression that the front end evaluates. A front end that is no debugger also has $REGISTER of
// the CPU, with or without an offset; $pc and $sp are addresses as paging sees them.
struct gg_address_text {
	const char *text;
	int64_t cpu; // whose page tables, per-CPU variables and registers; or GG_KERNEL_TABLES
	const struct gg_front_end *front;
};

struct gg_examine_options {
	struct gg_address_text address;
	const char *format; // [COUNT][LETTER][SIZE] as in GDB's x, or NULL
	bool is_physical;   // the address is guest-physical: without page tables and symbols
	bool intel;         // instructions in Intel's syntax rather than AT&T's
	bool json;          // a JSON object for each line
};

// Writes guest memory at an address. GG_INVALID for a wrong format, and for a symbol or instructions
// where the address is guest-physical; other errors are those of gg_guest_address_space(),
// gg_address_space_read() and gg_guest_disassemble(). Lines before the error are written.
//
// The JSON objects have "address", "symbol" (or null), "bytes" (in hexadecimal, in the order of
// memory), and for units "values" (numbers for the formats d, u, c, else strings) and, for the format
// a, "symbols"; for a string "text" and "whole", which is false where the string goes on; for an
// instruction "text", "target" (or null), "target_symbol", "branch", and "cpus", the CPUs that are
// there.
struct gg_error *gg_print_examine(struct gg_guest *guest, const struct gg_examine_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices);

struct gg_translation_options {
	struct gg_address_text address;
	bool json; // one JSON object
};

// Writes the way of a virtual address through the page tables. GG_FAULT, after the entries are
// written, where the address is not mapped; other errors are those of gg_guest_address_space() and
// gg_address_space_walk().
//
// The JSON object has "address"; "entries", each with "level", "gpa", "value" and "flags"; "mapped";
// "gpa", "page_size" (null where paging is off), "block" and "offset" (null outside RAM), "absent".
struct gg_error *gg_print_translation(struct gg_guest *guest,
				      const struct gg_translation_options *options,
				      const struct gg_writer *writer,
				      const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
