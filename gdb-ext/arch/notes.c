// SPDX-License-Identifier: GPL-3.0-or-later
#include "notes.h"

#include <string.h>

static void pad(struct gg_buffer *notes, size_t size)
{
	enum { NOTE_ALIGNMENT = 4 };
	gg_buffer_zeros(notes, (NOTE_ALIGNMENT - size % NOTE_ALIGNMENT) % NOTE_ALIGNMENT);
}

void gg_note_append(struct gg_buffer *notes, const char *name, uint32_t type, const void *desc,
		    size_t size)
{
	const size_t name_size = strlen(name) + 1;
	gg_buffer_uint(notes, 4, name_size);
	gg_buffer_uint(notes, 4, size);
	gg_buffer_uint(notes, 4, type);
	gg_buffer_append(notes, name, name_size);
	pad(notes, name_size);
	gg_buffer_append(notes, desc, size);
	pad(notes, size);
}

struct gg_error *gg_note_finish(struct gg_buffer *notes, const char *name, uint32_t type,
				struct gg_buffer *desc)
{
	struct gg_error *err = gg_buffer_check(desc);
	if (!err)
		gg_note_append(notes, name, type, desc->bytes, desc->size);
	gg_buffer_deinit(desc);
	return err ? err : gg_buffer_check(notes);
}
