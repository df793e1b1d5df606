// SPDX-License-Identifier: GPL-3.0-or-later
//
// BTF, the kernel's own type information (Linux Documentation/bpf/btf.rst), opened by libbpf: the
// types by name, and where their members are.
#ifndef GG_BTF_H
#define GG_BTF_H

#include "base/error.h"

struct gg_btf;
struct gg_btf_far;
struct btf;

// A member of a type.
struct gg_btf_member {
	uint32_t type;       // its BTF id
	uint64_t bit_offset; // in the type that was asked
	unsigned int bits;   // of a bit field; 0: no bit field
	uint64_t size;       // in bytes; of a bit field that of its declared type
};

// Opens the SIZE bytes at BYTES, which are copied. WORD is the kernel's size of a pointer. Types of
// BASE, which may be NULL and must outlive RET, are those that a module's BTF builds on. GG_BAD_DATA
// where they are no sound BTF.
struct gg_error *gg_btf_create(const void *bytes, size_t size, unsigned int word,
			       const struct gg_btf *base, struct gg_btf **ret);

// Opens a BTF of which each type is read when it is asked for. FAR is RET's, also after an error. Only
// gg_btf_lookup(), gg_btf_member() and gg_btf_enumerator() may be asked of it.
struct gg_error *gg_btf_create_far(struct gg_btf_far *far, unsigned int word, struct gg_btf **ret);

// Destroys BTF, which may be NULL.
void gg_btf_destroy(struct gg_btf *btf);

// Returns libbpf's object, owned by BTF.
struct btf *gg_btf_libbpf(const struct gg_btf *btf);

// Finds the struct, union, enumeration or, without any, the typedef NAME; of several the first. BASE
// is asked too. Returns 0 where there is none.
uint32_t gg_btf_find(const struct gg_btf *btf, const char *name);

// Finds the type NAME of a BTF that is far by a variable, as gg_btf_far_find_variable() does; 0 without.
struct gg_error *gg_btf_lookup_variable(const struct gg_btf *btf, const char *name, uint64_t offset,
					uint32_t *ret);

// Finds a type as gg_btf_find() does, of a BTF that is far too. GG_NOT_FOUND, GG_BAD_DATA.
struct gg_error *gg_btf_lookup(const struct gg_btf *btf, const char *name, uint32_t *ret);

// Finds the member PATH of the type ID, "a.b[2].c" for members of members (anonymous members are
// seen through). An empty PATH is the type itself. GG_NOT_FOUND, GG_BAD_DATA.
struct gg_error *gg_btf_member(const struct gg_btf *btf, uint32_t id, const char *path,
			       struct gg_btf_member *ret);

// Finds the enumerator NAME of the enumeration ID. GG_NOT_FOUND.
struct gg_error *gg_btf_enumerator(const struct gg_btf *btf, uint32_t id, const char *name,
				   int64_t *ret);

// Calls VISIT with the names of all types that gg_btf_find() finds, those of the base excepted, in no order, some
// repeatedly.
struct gg_error *gg_btf_names(const struct gg_btf *btf,
			      struct gg_error *(*visit)(void *data, const char *name), void *data);

#endif
