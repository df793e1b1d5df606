// SPDX-License-Identifier: GPL-3.0-or-later
//
// Some types of a BTF: each is read when it is asked for, in place of all 5 MB.
#ifndef GG_BTF_FAR_H
#define GG_BTF_FAR_H

#include "base/error.h"
#include "host/host.h"

#include <gdb-guest/debug.h>

enum { GG_BTF_NAME_SIZE = 512 + 1 }; // KSYM_NAME_LEN, and a NUL

struct gg_btf_far;
struct btf_type;

// A BTF in a kernel's memory.
struct gg_btf_place {
	const struct gg_host *memory;   // of bytes that never change; it must outlive the reader
	const struct gg_host *changing; // the same memory, which may change
	uint64_t start, size;
	uint64_t vmlinux;             // the address of btf_vmlinux, or 0
	const struct gg_debug *debug; // NULL: off
};

// Reads the BTF's header. GG_BAD_DATA where there is none.
struct gg_error *gg_btf_far_create(const struct gg_btf_place *place, struct gg_btf_far **ret);

// Destroys FAR, which may be NULL.
void gg_btf_far_destroy(struct gg_btf_far *far);

// Finds the type NAME, as gg_btf_find() does. GG_NOT_FOUND, GG_BAD_DATA.
struct gg_error *gg_btf_far_find(struct gg_btf_far *far, const char *name, uint32_t *ret);

// Finds the type NAME, that of the per-CPU variable at OFFSET in its section. 0: the variable, or the
// kernel's array, does not lead to the type, and gg_btf_far_find() may. GG_BAD_DATA.
struct gg_error *gg_btf_far_find_variable(struct gg_btf_far *far, const char *name, uint64_t offset,
					  uint32_t *ret);

// Reads the type ID, with its members or enumerators, in this machine's byte order; owned by FAR. GG_BAD_DATA.
struct gg_error *gg_btf_far_type(struct gg_btf_far *far, uint32_t id, const struct btf_type **ret);

// Reads the name at OFFSET. GG_BAD_DATA.
struct gg_error *gg_btf_far_name(struct gg_btf_far *far, uint32_t offset,
				 char ret[GG_BTF_NAME_SIZE]);

#endif
