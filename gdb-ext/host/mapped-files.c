// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a core's NT_FILE note (Linux fs/binfmt_elf.c, fill_files_note), and the files that it names.
// Out: bytes of read-only mappings.
//
// A file may have been replaced since. It is the one that was mapped if its first page is what the
// core has of it: the kernel dumps the first page of every ELF file for that (bit 4 of
// coredump_filter), and linkers put the build ID there.
#include "mapped-files.h"
#include "../cleanup.h"
#include "../cursor.h"
#include "../text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_MAPPINGS = 1 << 20, FIRST_PAGE = 4096, ENOUGH = 64 };

struct mapping {
	uint64_t start, end;
	uint64_t offset; // of start in the file
	const char *path;
};

struct gg_mapped_files {
	const struct gg_core_file *core;
	char *program_path;
	char *names; // of all mappings, each with its NUL
	struct mapping *mappings;
	size_t count;
	const char *path; // of the file that is open
	int fd;           // it, or -1
};

static struct gg_error *decode_mappings(struct gg_mapped_files *files, struct gg_cursor *cursor,
					uint64_t count, uint64_t page_size)
{
	const unsigned int word = gg_core_file_address_size(files->core);
	for (uint64_t i = 0; i < count; i++) {
		struct mapping *mapping = &files->mappings[i];
		struct gg_error *err = gg_cursor_uint(cursor, word, &mapping->start);
		if (!err)
			err = gg_cursor_uint(cursor, word, &mapping->end);
		if (!err)
			err = gg_cursor_uint(cursor, word, &mapping->offset);
		if (err)
			return err;
		mapping->offset *= page_size;
	}

	const size_t size = cursor->size - cursor->position;
	files->names = calloc(1, size + 1);
	if (!files->names)
		return gg_enomem;
	memcpy(files->names, cursor->bytes + cursor->position, size);
	const char *name = files->names, *const end = files->names + size;
	for (uint64_t i = 0; i < count && name < end; i++) {
		files->mappings[i].path = name;
		name += strlen(name) + 1;
		files->count = i + 1;
	}
	return NULL;
}

static struct gg_error *decode_note(struct gg_mapped_files *files)
{
	size_t size;
	const uint8_t *note = gg_core_file_note(files->core, NT_FILE, &size);
	if (!note)
		return NULL;
	const unsigned int word = gg_core_file_address_size(files->core);
	struct gg_cursor cursor =
		gg_cursor(note, size, gg_core_file_big_endian(files->core), "NT_FILE");
	uint64_t count, page_size;
	struct gg_error *err = gg_cursor_uint(&cursor, word, &count);
	if (!err)
		err = gg_cursor_uint(&cursor, word, &page_size);
	if (!err && count > MAX_MAPPINGS)
		err = gg_error_create(GG_BAD_DATA, "NT_FILE has %" PRIu64 " mappings, more than %d",
				      count, MAX_MAPPINGS);
	if (err)
		return err;
	files->mappings = calloc(count ? count : 1, sizeof(*files->mappings));
	return files->mappings ? decode_mappings(files, &cursor, count, page_size) : gg_enomem;
}

struct gg_error *gg_mapped_files_create(const struct gg_core_file *core, const char *program_path,
					struct gg_mapped_files **ret)
{
	struct gg_mapped_files *files = calloc(1, sizeof(*files));
	if (!files)
		return gg_enomem;
	files->core = core;
	files->fd = -1;
	struct gg_error *err = NULL;
	if (program_path && !(files->program_path = strdup(program_path)))
		err = gg_enomem;
	if (!err)
		err = decode_note(files);
	if (err && gg_error_kind(err) == GG_BAD_DATA) {
		// The core is of use without the files.
		gg_error_destroy(err);
		err = NULL;
		files->count = 0;
	}
	if (err) {
		gg_mapped_files_destroy(files);
		return err;
	}
	*ret = files;
	return NULL;
}

void gg_mapped_files_destroy(struct gg_mapped_files *files)
{
	if (!files)
		return;
	if (files->fd >= 0)
		close(files->fd);
	free(files->program_path);
	free(files->names);
	free(files->mappings);
	free(files);
}

static const struct mapping *find_mapping(const struct gg_mapped_files *files, uint64_t address,
					  size_t size)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct mapping *mapping = &files->mappings[i];
		if (address >= mapping->start && address < mapping->end &&
		    size <= mapping->end - address)
			return mapping;
	}
	return NULL;
}

// How much of the start of the file at PATH the core holds, to BUFFER.
static size_t read_first_page(const struct gg_mapped_files *files, const char *path,
			      uint8_t *buffer)
{
	for (size_t i = 0; i < files->count; i++) {
		const struct mapping *mapping = &files->mappings[i];
		struct gg_core_extent extent;
		if (mapping->offset || strcmp(mapping->path, path))
			continue;
		gg_core_file_extent(files->core, mapping->start, FIRST_PAGE, &extent);
		if (!extent.held)
			continue;
		struct gg_error *err =
			gg_core_file_read(files->core, mapping->start, buffer, extent.size);
		if (!err)
			return extent.size;
		gg_error_destroy(err);
	}
	return 0;
}

// The file at PATH, if its first bytes are those.
static int open_same(const char *path, const uint8_t *first, size_t size)
{
	uint8_t now[FIRST_PAGE];
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && !fstat(fd, &status) && S_ISREG(status.st_mode) &&
	    pread(fd, now, size, 0) == (ssize_t)size && !memcmp(now, first, size))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static struct gg_error *open_file(struct gg_mapped_files *files, const char *path)
{
	uint8_t first[FIRST_PAGE];
	if (files->path && !strcmp(files->path, path))
		return NULL;
	if (files->fd >= 0)
		close(files->fd);
	files->fd = -1;
	files->path = NULL;

	const size_t size = read_first_page(files, path, first);
	if (size >= ENOUGH)
		files->fd = open_same(path, first, size);
	if (size >= ENOUGH && files->fd < 0 && files->program_path)
		files->fd = open_same(files->program_path, first, size);
	if (files->fd >= 0) {
		files->path = path;
		return NULL;
	}
	_cleanup_free_ char *escaped = gg_text_escape(path);
	return gg_error_create(
		GG_ABSENT, "the file %s, which was mapped there, is gone, or not the one that was",
		escaped ? escaped : "?");
}

struct gg_error *gg_mapped_files_read(struct gg_mapped_files *files, uint64_t address, void *buffer,
				      size_t size)
{
	const struct mapping *mapping = find_mapping(files, address, size);
	if (!mapping || !gg_core_file_is_left_to_file(files->core, address))
		return gg_core_file_absent(files->core, address);
	struct gg_error *err = open_file(files, mapping->path);
	if (err)
		return gg_error_context(err, "0x%" PRIx64 " is not in the core file", address);

	uint8_t *bytes = buffer;
	off_t offset = (off_t)(mapping->offset + (address - mapping->start));
	while (size) {
		ssize_t got = pread(files->fd, bytes, size, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return gg_error_create(GG_ABSENT, "%s ends before its offset %jd",
					       mapping->path, (intmax_t)offset);
		bytes += got;
		offset += got;
		size -= (size_t)got;
	}
	return NULL;
}

const char *gg_mapped_files_start(const struct gg_mapped_files *files, size_t index,
				  uint64_t *address)
{
	if (index >= files->count)
		return NULL;
	*address = files->mappings[index].start;
	return files->mappings[index].offset ? "" : files->mappings[index].path;
}

struct gg_error *gg_mapped_files_open(struct gg_mapped_files *files, const char *path, int *ret)
{
	struct gg_error *err = open_file(files, path);
	if (err)
		return err;
	*ret = fcntl(files->fd, F_DUPFD_CLOEXEC, 0);
	return *ret < 0 ? gg_error_system(errno, "%s", path) : NULL;
}
