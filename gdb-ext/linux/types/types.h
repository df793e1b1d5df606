// SPDX-License-Identifier: GPL-3.0-or-later
//
// The types of a guest's kernel, from the BTF in its memory.
#ifndef GG_TYPES_H
#define GG_TYPES_H

#include "btf.h"
#include "dwarf-finder.h"
#include "linux/symbols/symbols.h"
#include "members.h"
#include "type.h"

struct gg_types;

// Nothing is read yet. SYMBOLS, which find the BTF, and DEBUG, which may be NULL, must outlive RET.
struct gg_error *gg_types_create(struct gg_symbols *symbols, const struct gg_debug *debug,
				 struct gg_types **ret);

// Destroys TYPES, which may be NULL.
void gg_types_destroy(struct gg_types *types);

// Notes that the user has named the kernel's vmlinux, for the error of a kernel without BTF.
void gg_types_note_vmlinux(struct gg_types *types);

// Opens the kernel's own BTF, once and whole; owned by TYPES. Readers that need some types alone ask for their
// members: over a wire that reads these types. GG_NOT_FOUND, with what to do, where the kernel
// has none.
struct gg_error *gg_types_btf(struct gg_types *types, const struct gg_btf **ret);

// Finds the type NAME in the kernel's BTF, which is read as a whole, or in that of a module. RET is
// owned by TYPES.
struct gg_error *gg_types_find(struct gg_types *types, const char *name, const struct gg_btf **ret,
			       uint32_t *id);

// Calls VISIT with the names of all types, modules' types too, in no order, some repeatedly.
struct gg_error *gg_types_names(struct gg_types *types,
				struct gg_error *(*visit)(void *data, const char *name),
				void *data);

// Calls VISIT with the BTF of each module, which builds on the kernel's, and the module's name. An error
// of VISIT's ends it.
struct gg_error *gg_types_visit_modules(struct gg_types *types,
					struct gg_error *(*visit)(void *data, const char *module,
								  const struct gg_btf *btf),
					void *data);

// Finds the member PATH of TYPE, as gg_btf_member() does, for what gg_host_ops.member does not tell:
// bit fields and the member's own type. GG_NOT_FOUND names the type.
struct gg_error *gg_types_member(struct gg_types *types, const char *type, const char *path,
				 struct gg_btf_member *ret);

// Finds the value of the enumerator NAME of the enumeration TYPE, which may be negative.
struct gg_error *gg_types_enumerator(struct gg_types *types, const char *type, const char *name,
				     int64_t *ret);

// Registers TYPES, which must outlive MEMBERS, as a finder.
struct gg_error *gg_types_add_finder(struct gg_members *members, int order, struct gg_types *types);

#endif
