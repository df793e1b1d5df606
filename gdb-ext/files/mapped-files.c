// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a core's NT_FILE note (Linux fs/binfmt_elf.c, fill_files_note), and the files that it names.
// Out: bytes of read-only mappings.
//
// A file may have been replaced since. It is still the mapped file if its first page equals the
// core's copy: the kernel dumps the first page of every ELF file for that (bit 4 of
// coredump_filter), and linkers put the build ID there.
#include "mapped-files.h"
#include "base/cleanup.h"
#include "base/cursor.h"
#include "base/text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
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

// Copies the start of the file at PATH, as far as the core holds it, to BUFFER; returns its size.
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

// Opens the file at PATH, if its first bytes are the given bytes.
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
	return gg_error_create(GG_ABSENT,
			       "the file %s, which was mapped there, is gone, or is another file",
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

// ---- The program ----

// Returns the value of TYPE in the auxiliary vector (NT_AUXV: pairs of words), or 0.
static uint64_t find_auxiliary(const struct gg_mapped_files *files, uint64_t type)
{
	size_t size;
	const uint8_t *note = gg_core_file_note(files->core, NT_AUXV, &size);
	const unsigned int word = gg_core_file_address_size(files->core);
	struct gg_cursor cursor =
		gg_cursor(note, note ? size : 0, gg_core_file_big_endian(files->core), "NT_AUXV");
	for (;;) {
		uint64_t key, value;
		struct gg_error *err = gg_cursor_uint(&cursor, word, &key);
		if (!err)
			err = gg_cursor_uint(&cursor, word, &value);
		if (err || key == AT_NULL || key == type) {
			const bool found = !err && key == type;
			gg_error_destroy(err);
			return found ? value : 0;
		}
	}
}

const char *gg_mapped_files_program(const struct gg_mapped_files *files)
{
	const uint64_t headers = find_auxiliary(files, AT_PHDR);
	const struct mapping *mapping = headers ? find_mapping(files, headers, 1) : NULL;
	return mapping ? mapping->path : NULL;
}

// Copies the build ID of the ELF file at PATH (the GNU note) to BUFFER; returns its size, or 0.
static size_t read_build_id(const char *path, uint8_t *buffer, size_t size)
{
	size_t count = 0, found = 0, name, descriptor;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	elf_version(EV_CURRENT);
	Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	if (elf && elf_getphdrnum(elf, &count))
		count = 0;
	for (size_t i = 0; i < count && !found; i++) {
		GElf_Phdr phdr;
		GElf_Nhdr nhdr;
		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_NOTE)
			continue;
		Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)phdr.p_offset, phdr.p_filesz,
						      phdr.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		for (size_t at = 0;
		     data && !found && (at = gelf_getnote(data, at, &nhdr, &name, &descriptor));)
			if (nhdr.n_type == NT_GNU_BUILD_ID && nhdr.n_descsz <= size &&
			    nhdr.n_namesz == sizeof(ELF_NOTE_GNU) &&
			    !memcmp((const char *)data->d_buf + name, ELF_NOTE_GNU,
				    sizeof(ELF_NOTE_GNU))) {
				found = nhdr.n_descsz;
				memcpy(buffer, (const char *)data->d_buf + descriptor, found);
			}
	}
	elf_end(elf);
	return found;
}

bool gg_mapped_files_is_other_program(const struct gg_mapped_files *files, const char *path)
{
	enum { MOST = 64 };
	uint8_t first[FIRST_PAGE], id[MOST];
	const char *program = gg_mapped_files_program(files);
	const size_t size = program ? read_first_page(files, program, first) : 0;
	const size_t id_size = size == FIRST_PAGE ? read_build_id(path, id, sizeof(id)) : 0;
	return id_size && !memmem(first, size, id, id_size);
}

// --------

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
