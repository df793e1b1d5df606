// SPDX-License-Identifier: GPL-3.0-or-later
#include "notes.h"
#include "base/cursor.h"

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

// ---- NT_PRSTATUS ----

enum { PID_SIZE = 4 };

void gg_prstatus_begin(const struct gg_prstatus *layout, uint32_t index, struct gg_buffer *desc)
{
	gg_buffer_zeros(desc, layout->pid_offset);
	gg_buffer_uint(desc, PID_SIZE, index + 1);
	gg_buffer_zeros(desc, layout->registers_offset - layout->pid_offset - PID_SIZE);
}

struct gg_error *gg_prstatus_read(const struct gg_prstatus *layout,
				  const struct gg_cpu_notes *notes, bool big_endian, uint64_t *ret,
				  bool *any)
{
	struct gg_cursor cursor =
		gg_cursor(notes->prstatus, notes->prstatus_size, big_endian, "NT_PRSTATUS");
	*any = false;
	if (!notes->prstatus)
		return NULL;
	struct gg_error *err = gg_cursor_seek(&cursor, layout->registers_offset);
	for (unsigned int i = 0; !err && i < layout->count; i++) {
		err = gg_cursor_uint(&cursor, sizeof(*ret), &ret[i]);
		*any |= !err && ret[i];
	}
	return err;
}

uint32_t gg_prstatus_pid(const struct gg_prstatus *layout, const struct gg_cpu_notes *notes,
			 bool big_endian)
{
	const struct gg_member pid = { layout->pid_offset, PID_SIZE };
	uint64_t value = 0;
	struct gg_cursor cursor =
		gg_cursor(notes->prstatus, notes->prstatus_size, big_endian, "NT_PRSTATUS");
	gg_error_destroy(gg_cursor_member(&cursor, &pid, &value));
	return (uint32_t)value;
}

uint32_t gg_prstatus_small_pid(const struct gg_prstatus *layout, const struct gg_cpu_notes *notes)
{
	const uint32_t number = gg_prstatus_pid(layout, notes, false);
	return number >> 16 ? __builtin_bswap32(number) : number;
}
