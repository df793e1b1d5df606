// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kinds of sources; machine/source.h tells how to add a kind.
#ifndef GG_SOURCES_H
#define GG_SOURCES_H

#include "machine/source.h"

// The rows, in the order in which they are asked whether they accept a target; NULL behind the
// last.
extern const struct gg_source_ops *const gg_sources[];

// A QEMU process: live, or its core.
extern const struct gg_source_ops gg_source_process;

// QEMU's gdbstub.
extern const struct gg_source_ops gg_source_stub;

// A vmcore.
extern const struct gg_source_ops gg_source_vmcore;

// A nested guest, in a guest of any source.
extern const struct gg_source_ops gg_source_nested;

// The reason of GG_UNKNOWN for a vCPU that a CPU of the outer guest may execute.
extern const char gg_source_may_be_inside[];

// Opens the nested guest of OUTER, which must outlive RET, whose number or place is WANTED (struct gg_target). GG_NOT_FOUND
// where KVM's lists do not have the nested guest.
struct gg_error *gg_source_open_inside(struct gg_guest *outer, uint64_t wanted,
				       struct gg_source **ret);

// Opens TARGET by the first row of SOURCES that accepts it; see struct gg_source_ops.
// GG_UNSUPPORTED where none does.
struct gg_error *gg_source_open(const struct gg_source_ops *const sources[],
				const struct gg_host *debugger, const struct gg_target *target,
				struct gg_source **ret);

#endif
