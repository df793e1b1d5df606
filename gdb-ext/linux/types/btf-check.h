// SPDX-License-Identifier: GPL-3.0-or-later
//
// The check of a BTF, after which its types can be walked: libbpf checks that the types fill their
// section, and trusts what the types say.
#ifndef GG_BTF_CHECK_H
#define GG_BTF_CHECK_H

#include "base/error.h"

#include <stdint.h>

struct btf;

// The types in each other that are allowed: a struct in an array in a struct ... (kernels have 15).
enum { GG_BTF_MAX_DEPTH = 64 };

// Checks the types of BTF from the id FIRST on: ids and names in range, printable names, sound sizes,
// members inside their struct, no type inside itself, and at most GG_BTF_MAX_DEPTH types in each other.
// GG_BAD_DATA names the type.
struct gg_error *gg_btf_check(const struct btf *btf, uint32_t first);

#endif
