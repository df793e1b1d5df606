// SPDX-License-Identifier: GPL-3.0-or-later
//
// The second answerer of the questions for a symbol and for a member: QEMU itself, whose binary was
// stripped. Layouts are found by conditions on real data, which prove them: each answer says why it
// is the only one.
//
// The host of this answerer takes the debugger's types where those know QEMU's.
#ifndef GG_STRUCTURE_H
#define GG_STRUCTURE_H

#include "files/process-map.h"

#include <gdb-guest/debug.h>
#include <gdb-guest/layout.h>

struct gg_structure;

// Creates it over DEBUGGER, whose reads must not change while it lives. MAP, which may be NULL, is
// of the same process. Both must outlive RET. Nothing is looked for before the first question.
struct gg_error *gg_structure_create(const struct gg_host *debugger,
				     const struct gg_process_map *map, struct gg_structure **ret);

// Ignores the debugger's types and symbols, which are those of another program. Called before the
// first question.
void gg_structure_distrust_types(struct gg_structure *structure);

// Sets the debug log, which must outlive STRUCTURE; NULL is off.
void gg_structure_set_debug(struct gg_structure *structure, const struct gg_debug *debug);

// Destroys STRUCTURE, which may be NULL.
void gg_structure_destroy(struct gg_structure *structure);

// Returns the host for the four questions, valid as long as STRUCTURE is.
const struct gg_host *gg_structure_host(struct gg_structure *structure);

// Tests whether the debugger's types know QEMU's. If not, answers are found by structure.
bool gg_structure_has_types(struct gg_structure *structure);

// Calls VISIT for every member that can be found by structure, whether or not it was. An error of
// VISIT's ends it.
struct gg_error *gg_structure_compare(struct gg_structure *structure, gg_visit_layout_fn *visit,
				      void *data);

#endif
