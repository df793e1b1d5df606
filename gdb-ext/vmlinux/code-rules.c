// SPDX-License-Identifier: GPL-3.0-or-later
#include "code-rules.h"

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
