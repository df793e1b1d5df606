// SPDX-License-Identifier: GPL-3.0-or-later
//
// The files of a profile, for other programs to show.
#ifndef GG_PRINT_PROFILE_H
#define GG_PRINT_PROFILE_H

#include "base/buffer.h"
#include "guest/profile.h"

enum { GG_PLACE_NAME = 160 };

// The name of a place in code: "vfs_read", "fuse_dev_read [fuse]", or an address without a symbol. RET has what
// follows the symbol too with WITH_OFFSET: "vfs_read+0x10".
struct gg_error *gg_place_name(struct gg_guest *guest, gg_gva_t pc, bool is_exact,
			       struct gg_symbol *symbol, char ret[GG_PLACE_NAME]);

// Append the samples that are not idle, as folded stacks ("comm;caller;function 12", sorted) and as a flame graph (SVG), and
// all samples as "perf script" prints them.
struct gg_error *gg_profile_append_folded(struct gg_guest *guest, const struct gg_profile *profile,
					  struct gg_buffer *out);
struct gg_error *gg_profile_append_flame(struct gg_guest *guest, const struct gg_profile *profile,
					 struct gg_buffer *out);
struct gg_error *gg_profile_append_perf(struct gg_guest *guest, const struct gg_profile *profile,
					struct gg_buffer *out);

#endif
