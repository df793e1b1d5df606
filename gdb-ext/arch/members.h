// SPDX-License-Identifier: GPL-3.0-or-later
//
// Registers out of QEMU's CPU, by a table: one member of the CPU for a register or for an array of
// registers; and out of a debugger's thread.
#ifndef GG_ARCH_MEMBERS_H
#define GG_ARCH_MEMBERS_H

#include "base/error.h"
#include "registers.h"

#include <gdb-guest/host.h>

struct gg_register_member {
	const char *path;   // in the CPU's type: "env.gpr"
	unsigned int first; // the register of the first element
	unsigned int count; // of the elements, at least 1
	bool needed;        // by the notes of a vmcore; a missing member is an error then
};

// Sets the registers of the COUNT rows of MEMBERS from the CPU of the type TYPE at ADDRESS. Elements
// are integers of up to 8 bytes, or as many bytes as the register has, in the host's byte order. A
// register that this QEMU, or its debugger, lacks stays as it is. GG_BAD_DATA for a member whose size
// fits no such array.
struct gg_error *gg_registers_read_members(const struct gg_host *host, const char *type,
					   uint64_t address,
					   const struct gg_register_member *members, size_t count,
					   struct gg_registers *registers);

// Learns the unknown bits of register ID from the debugger's register NAME of THREAD, of up to 8 bytes.
// GG_NOT_FOUND where the thread has no such register.
struct gg_error *gg_registers_ask(const struct gg_host *host, unsigned int thread, const char *name,
				  struct gg_registers *registers, unsigned int id);

#endif
