// SPDX-License-Identifier: GPL-3.0-or-later
#include "code-rules.h"

#include <fnmatch.h>
#include <string.h>

// A register is saved once in a frame: the compiler may use it for other values afterwards, and keep and
// load these at other places.

void gg_code_save_ra(struct gg_code_frame *frame, int64_t place)
{
	if (frame->flags & GG_FRAME_RA_SAVED)
		return;
	frame->ra = place - frame->depth;
	frame->flags |= GG_FRAME_RA_SAVED;
}

void gg_code_save_fp(struct gg_code_frame *frame, int64_t place)
{
	if (frame->flags & GG_FRAME_FP_SAVED)
		return;
	frame->fp = place - frame->depth;
	frame->flags |= GG_FRAME_FP_SAVED;
}

void gg_code_restore_ra(struct gg_code_frame *frame, int64_t place)
{
	if (place - frame->depth == frame->ra)
		frame->flags &= ~(uint64_t)GG_FRAME_RA_SAVED;
}

void gg_code_restore_fp(struct gg_code_frame *frame, int64_t place)
{
	if (frame->flags & GG_FRAME_FP_SAVED && place - frame->depth == frame->fp)
		frame->flags &= ~(uint64_t)(GG_FRAME_FP_SAVED | GG_FRAME_BY_FP);
}

enum gg_code_kind gg_code_kind_of(const struct gg_code_rules *rules, const char *name)
{
	const struct gg_code_name *row = rules->names;
	while (row->pattern && fnmatch(row->pattern, name, 0) != 0)
		row++;
	return row->pattern ? row->kind : GG_CODE_FUNCTION;
}

bool gg_code_is_part(const char *name)
{
	return strstr(name, ".cold");
}
