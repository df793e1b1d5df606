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

// ---- The task in NT_PRSTATUS ----

enum { PID_SIZE = 4 };

size_t gg_note_prstatus_size(const struct gg_notes_ops *ops)
{
	return GG_NOTE_HEADER + ops->prstatus_size + ops->others_size;
}

void gg_note_set_task(const struct gg_notes_ops *ops, struct gg_buffer *notes, size_t offset,
		      uint32_t index, uint32_t pid)
{
	const uint64_t values[] = { pid, index + 1 };
	const size_t at = offset + GG_NOTE_HEADER + ops->pid_offset;
	if (!ops->pid_offset || at + sizeof(values) > notes->size)
		return;
	struct gg_buffer bytes = { .big_endian = notes->big_endian };
	for (size_t i = 0; i < 2; i++)
		gg_buffer_uint(&bytes, PID_SIZE, values[i]);
	if (!bytes.failed)
		memcpy(notes->bytes + at, bytes.bytes, bytes.size);
	gg_buffer_deinit(&bytes);
}

uint32_t gg_note_cpu_number(const struct gg_notes_ops *ops, const struct gg_cpu_notes *notes,
			    bool big_endian)
{
	const struct gg_member ppid = { ops->pid_offset + PID_SIZE, PID_SIZE };
	uint64_t number = 0;
	struct gg_cursor cursor =
		gg_cursor(notes->prstatus, notes->prstatus_size, big_endian, "NT_PRSTATUS");
	if (ops->pid_offset)
		gg_error_destroy(gg_cursor_member(&cursor, &ppid, &number));
	return number ? (uint32_t)number : ops->prstatus_pid(notes);
}

// ---- NT_PRSTATUS ----

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
