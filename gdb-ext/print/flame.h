// SPDX-License-Identifier: GPL-3.0-or-later
//
// A flame graph: folded stacks as a picture (SVG), with the callers below what they call.
#ifndef GG_FLAME_H
#define GG_FLAME_H

#include "base/buffer.h"

// Appends the picture of the SIZE bytes of folded stacks at FOLDED ("task;caller;function 12", a line each, in any
// order), headed by TITLE. A frame in parentheses is a program. GG_BAD_DATA for another text.
struct gg_error *gg_flame_append(const char *folded, size_t size, const char *title,
				 struct gg_buffer *out);

#endif
