// SPDX-License-Identifier: GPL-3.0-or-later
//
// A vmlinux for debuggers, made of what the guest's kernel has of itself in memory.
#ifndef GDB_GUEST_VMLINUX_H
#define GDB_GUEST_VMLINUX_H

#include "guest.h"
#include "notices.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct gg_vmlinux_options {
	const char *path;     // of the file, as gg_output_create() has it; NULL in the cache
	const char *kallsyms; // path of a file as /proc/kallsyms; NULL: no file
	const char *modules;  // path of a file as /proc/modules; NULL: no file
	bool force;           // replace a file that exists
	// The addresses are those in the guest, for a debugger that looks at it; else those that the
	// kernel was linked with, for programs that apply the offset of KASLR themselves.
	bool guest_addresses;
	bool no_modules; // leave out the modules' symbols and types
	bool json;       // an object instead of the line
};

// The parts of a vmlinux.
struct gg_vmlinux_facts {
	uint64_t size; // of the file
	size_t symbols;
	size_t functions; // that have a prototype
	bool has_types;   // of the kernel's BTF
	size_t modules;   // in a file as /proc/modules
};

// Writes a vmlinux of GUEST's kernel: symbols, types, functions and their callers' places. A note says so where the kernel has no
// BTF, and the file no types.
struct gg_error *gg_guest_vmlinux(struct gg_guest *guest, const struct gg_vmlinux_options *options,
				  const struct gg_notices *notices, struct gg_vmlinux_facts *ret);

// A vmlinux in the user's cache, for the debugger to load.
struct gg_vmlinux_file {
	char *path;                    // the caller frees it
	bool is_new;                   // the file was made now
	struct gg_vmlinux_facts facts; // of a file that is not new, the size alone
};

// Finds the vmlinux of GUEST's kernel and its modules, with the addresses in the guest, in the user's
// cache, or makes it there; with OPTIONS->force it is made anew. GG_UNSUPPORTED where a debugger that
// looks at GUEST has QEMU's memory in front of it, not the guest's.
struct gg_error *gg_guest_vmlinux_in_cache(struct gg_guest *guest,
					   const struct gg_vmlinux_options *options,
					   const struct gg_notices *notices,
					   struct gg_vmlinux_file *ret);

// Write what the guest's /proc/kallsyms and /proc/modules have, but for what no module has, to the file PATH,
// as gg_output_create() does. RET is the file's size, and the number of its lines.
struct gg_error *gg_guest_write_kallsyms(struct gg_guest *guest, const char *path, bool force,
					 const struct gg_notices *notices,
					 struct gg_vmlinux_facts *ret);
struct gg_error *gg_guest_write_modules(struct gg_guest *guest, const char *path, bool force,
					const struct gg_notices *notices,
					struct gg_vmlinux_facts *ret);

struct gg_front_end;

// Writes a vmlinux as gg_guest_vmlinux() does, and the other files; without any path has FRONT load the
// vmlinux in the cache. A line about each goes to WRITER.
//
// The JSON object has "file", "size" in bytes, "new" (the file was made now), "loaded" (into the
// debugger), and of a new file "symbols" and "functions" (with arguments), else null.
// An object about another file has "file", "size", and "symbols" or "modules".
struct gg_error *gg_print_vmlinux(struct gg_guest *guest, const struct gg_vmlinux_options *options,
				  const struct gg_front_end *front, const struct gg_writer *writer,
				  const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
