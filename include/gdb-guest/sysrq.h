// SPDX-License-Identifier: GPL-3.0-or-later
//
// The magic SysRq keys of Linux: what they do, and how they are typed.
#ifndef GDB_GUEST_SYSRQ_H
#define GDB_GUEST_SYSRQ_H

#include "error.h"
#include "types.h"

struct gg_guest;

#pragma GCC visibility push(default)

enum { GG_SYSRQ_MAX_CODES = 4 };

// The bytes that a PS/2 keyboard sends, as the guest reads them from its keyboard controller (scan
// code set 1).
struct gg_sysrq_codes {
	uint8_t press[GG_SYSRQ_MAX_CODES];
	size_t press_count;
	uint8_t release[GG_SYSRQ_MAX_CODES];
	size_t release_count;
};

struct gg_sysrq_key {
	char key;
	bool destroys;    // work in the guest is lost, or it does not go on as it was
	const char *does; // for people, what follows "the kernel"
};

// All keys, the letters first.
const struct gg_sysrq_key *gg_sysrq_keys(size_t *ret_count);

// Fills in the bytes that type KEY, a key of gg_sysrq_keys().
void gg_sysrq_type(char key, struct gg_sysrq_codes *ret);

// Finds the way to type SysRq at GUEST, for people; *RET is NULL where guests of the architecture have a PS/2
// keyboard.
struct gg_error *gg_guest_sysrq_way(struct gg_guest *guest, const char **ret);

#pragma GCC visibility pop

#endif
