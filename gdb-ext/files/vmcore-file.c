// SPDX-License-Identifier: GPL-3.0-or-later
#include "vmcore-file.h"
#include "base/cleanup.h"
#include "base/cursor.h"
#include "kdump-bytes.h"
#include "other-format.h"
#include "pread.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SIGNATURE_SIZE = 16 };

// ---- Opening ----

static bool is_kdump(const uint8_t start[SIGNATURE_SIZE])
{
	return !memcmp(start, gg_kdump_signature, sizeof(gg_kdump_signature)) ||
	       gg_kdump_is_flattened(start, SIGNATURE_SIZE);
}

bool gg_vmcore_file_is_kdump(const char *path)
{
	uint8_t start[SIGNATURE_SIZE];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && pread(fd, start, sizeof(start), 0) == sizeof(start) && is_kdump(start);
}

// Chooses the format by the first bytes.
static struct gg_error *init_format(struct gg_vmcore_file *file)
{
	uint8_t start[SIGNATURE_SIZE];
	struct stat status;
	if (fstat(file->fd, &status))
		return gg_error_system(errno, "fstat");
	if (!S_ISREG(status.st_mode))
		return gg_error_create(GG_BAD_DATA, "not a regular file");
	struct gg_error *err = gg_vmcore_pread(file->fd, start, sizeof(start), 0);
	if (err)
		return err;
	if (!memcmp(start, ELFMAG, SELFMAG))
		return gg_vmcore_elf_init(file);
	if (is_kdump(start))
		return gg_vmcore_kdump_init(file);
	return gg_other_format_error(file->fd, "neither an ELF file nor a compressed kdump");
}

struct gg_error *gg_vmcore_file_open(const char *path, struct gg_vmcore_file **ret)
{
	struct gg_vmcore_file *file = calloc(1, sizeof(*file));
	if (!file)
		return gg_enomem;
	struct gg_error *err = NULL;
	file->dump_level = GG_VMCORE_NO_LEVEL;
	// A FIFO without a writer would have open() wait.
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	file->path = strdup(path);
	if (file->fd < 0)
		err = gg_error_system(errno, "open");
	else if (!file->path)
		err = gg_enomem;
	else
		err = init_format(file);
	if (err) {
		gg_vmcore_file_close(file);
		return gg_error_context(err, "vmcore %s", path);
	}
	*ret = file;
	return NULL;
}

void gg_vmcore_file_close(struct gg_vmcore_file *file)
{
	if (!file)
		return;
	if (file->ops)
		file->ops->destroy(file);
	if (file->fd >= 0)
		close(file->fd);
	gg_buffer_deinit(&file->notes);
	free(file->path);
	free(file);
}

// ---- Memory ----

struct gg_error *gg_vmcore_file_extent(struct gg_vmcore_file *file, gg_gpa_t gpa, uint64_t size,
				       struct gg_vmcore_extent *ret)
{
	return file->ops->extent(file, gpa, size, ret);
}

struct gg_error *gg_vmcore_file_reason(const struct gg_vmcore_file *file, enum gg_vmcore_kind kind,
				       char **ret)
{
	static const char *const reasons[] = {
		[GG_VMCORE_HELD] = "damaged",
		[GG_VMCORE_NO_MEMORY] = "no memory",
		[GG_VMCORE_EXCLUDED] = "left out when the vmcore was written",
		[GG_VMCORE_CUT_OFF] = "lost: the file is cut off",
	};
	const bool with_level = kind == GG_VMCORE_EXCLUDED && file->dump_level > 0;
	const bool no_room = kind == GG_VMCORE_CUT_OFF && file->incomplete;
	int length;
	if (with_level)
		length = asprintf(ret, "%s (dump level %d)", reasons[kind], file->dump_level);
	else
		length = asprintf(ret, "%s",
				  no_room ? "lost: the writer of the file ran out of room"
					  : reasons[kind]);
	if (length >= 0)
		return NULL;
	*ret = NULL;
	return gg_enomem;
}

static struct gg_error *absent(const struct gg_vmcore_file *file, gg_gpa_t gpa,
			       enum gg_vmcore_kind kind)
{
	_cleanup_free_ char *reason = NULL;
	struct gg_error *err = gg_vmcore_file_reason(file, kind, &reason);
	if (err)
		return err;
	return gg_error_create(GG_ABSENT, "the vmcore does not hold 0x%" PRIx64 ": %s", gpa,
			       reason);
}

struct gg_error *gg_vmcore_file_read(struct gg_vmcore_file *file, gg_gpa_t gpa, void *buffer,
				     size_t size)
{
	uint8_t *bytes = buffer;
	while (size) {
		struct gg_vmcore_extent extent;
		struct gg_error *err = file->ops->extent(file, gpa, size, &extent);
		if (!err && extent.kind != GG_VMCORE_HELD)
			err = absent(file, gpa, extent.kind);
		if (!err)
			err = file->ops->read(file, gpa, bytes, (size_t)extent.size);
		if (err)
			return err;
		bytes += extent.size;
		gpa += extent.size;
		size -= (size_t)extent.size;
	}
	return NULL;
}

// ---- Notes ----

static struct gg_error *skip_to_word(struct gg_cursor *cursor)
{
	const uint64_t aligned = (cursor->position + 3) & ~UINT64_C(3);
	return gg_cursor_seek(cursor, aligned < cursor->size ? aligned : cursor->size);
}

// Takes a note apart (System V gABI, chapter 5, "Note Section"). A note without a name of text has
// NULL for it.
static struct gg_error *read_note(struct gg_cursor *cursor, struct gg_vmcore_note *ret)
{
	uint64_t name_size, size, type;
	struct gg_cursor name, descriptor;
	struct gg_error *err = gg_cursor_uint(cursor, 4, &name_size);
	if (!err)
		err = gg_cursor_uint(cursor, 4, &size);
	if (!err)
		err = gg_cursor_uint(cursor, 4, &type);
	if (!err)
		err = gg_cursor_sub(cursor, name_size, &name);
	if (!err)
		err = skip_to_word(cursor);
	if (!err)
		err = gg_cursor_sub(cursor, size, &descriptor);
	if (err)
		return err;
	const bool is_text = name_size && !name.bytes[name_size - 1];
	*ret = (struct gg_vmcore_note){ .name = is_text ? (const char *)name.bytes : NULL,
					.type = (uint32_t)type,
					.descriptor = descriptor.bytes,
					.size = (size_t)size };
	return skip_to_word(cursor);
}

struct gg_error *gg_vmcore_file_notes(const struct gg_vmcore_file *file, gg_vmcore_note_fn *visit,
				      void *data)
{
	enum { MAX_NOTES = 1 << 16, HEADER = 12 };
	struct gg_cursor cursor =
		gg_cursor(file->notes.bytes, file->notes.size, file->big_endian, "the notes");
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && cursor.size - cursor.position >= HEADER; i++) {
		struct gg_vmcore_note note;
		if (i == MAX_NOTES)
			return gg_error_create(GG_BAD_DATA, "%s has more than %d notes", file->path,
					       MAX_NOTES);
		err = read_note(&cursor, &note);
		if (err)
			return gg_error_context(err, "vmcore %s", file->path);
		if (note.name)
			err = visit(data, &note);
	}
	return err;
}
