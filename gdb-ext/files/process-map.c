// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a core's program headers and NT_FILE note, or /proc/PID/maps (Linux fs/proc/task_mmu.c).
// Out: areas, joined where they touch; files.
// Trusts nothing it reads of a core: an area that does not fit is left out, and so not mapped.
#include "process-map.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/vector.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FILES = 1 << 16 };

struct area {
	uint64_t start, last;
};

struct gg_process_map {
	struct area *areas; // ascending, none touching the next
	size_t count;
	struct gg_file_start *starts;
	size_t start_count;
	struct gg_mapped_files *files; // of a core
	pid_t pid;                     // of a process
	bool may_lack;                 // areas
};

static struct gg_error *add_area(struct gg_process_map *map, uint64_t start, uint64_t last)
{
	struct gg_error *err = gg_vector_grow(&map->areas, map->count, sizeof(*map->areas));
	if (!err)
		map->areas[map->count++] = (struct area){ .start = start, .last = last };
	return err;
}

static struct gg_error *add_file(struct gg_process_map *map, uint64_t address, uint64_t end,
				 const char *path)
{
	if (map->start_count == MAX_FILES)
		return NULL;
	struct gg_error *err = gg_vector_grow(&map->starts, map->start_count, sizeof(*map->starts));
	if (err)
		return err;
	struct gg_file_start *added = &map->starts[map->start_count];
	*added = (struct gg_file_start){ .address = address, .end = end, .path = strdup(path) };
	if (!added->path)
		return gg_enomem;
	map->start_count++;
	return NULL;
}

static int compare_areas(const void *left, const void *right)
{
	const struct area *a = left, *b = right;
	return (a->start > b->start) - (a->start < b->start);
}

static int compare_files(const void *left, const void *right)
{
	const struct gg_file_start *a = left, *b = right;
	return (a->address > b->address) - (a->address < b->address);
}

// Sorts both lists, and joins areas that touch or overlap.
static void tidy(struct gg_process_map *map)
{
	if (map->start_count)
		qsort(map->starts, map->start_count, sizeof(*map->starts), compare_files);
	if (!map->count)
		return;
	qsort(map->areas, map->count, sizeof(*map->areas), compare_areas);
	size_t kept = 0;
	for (size_t i = 1; i < map->count; i++) {
		struct area *last = &map->areas[kept];
		const struct area *next = &map->areas[i];
		if (last->last < UINT64_MAX && next->start > last->last + 1)
			map->areas[++kept] = *next;
		else if (next->last > last->last)
			last->last = next->last;
	}
	map->count = kept + 1;
}

// ---- Of a core ----

static struct gg_error *read_core(struct gg_process_map *map, const struct gg_core_file *core)
{
	uint64_t start, last;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && gg_core_file_area(core, i, &start, &last); i++)
		err = add_area(map, start, last);
	const char *path;
	for (size_t i = 0; !err && (path = gg_mapped_files_start(map->files, i, &start)); i++)
		if (*path)
			err = add_file(map, start, 0, path);
	return err;
}

struct gg_error *gg_process_map_create_core(const struct gg_core_file *core,
					    struct gg_mapped_files *files,
					    struct gg_process_map **ret)
{
	struct gg_process_map *map = calloc(1, sizeof(*map));
	if (!map)
		return gg_enomem;
	map->files = files;
	map->may_lack = gg_core_file_may_lack_areas(core);
	struct gg_error *err = read_core(map, core);
	if (err) {
		gg_process_map_destroy(map);
		return err;
	}
	tidy(map);
	*ret = map;
	return NULL;
}

// ---- Of a process ----

// Parses "START-END PERMISSIONS OFFSET DEVICE INODE   PATH".
static struct gg_error *decode_line(struct gg_process_map *map, char *line)
{
	uint64_t start, end, offset;
	int path = 0;
	line[strcspn(line, "\n")] = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n", &start, &end,
		   &offset, &path) < 3 ||
	    end <= start)
		return NULL;
	struct gg_error *err = add_area(map, start, end - 1);
	if (!err && path && line[path] == '/' && !offset)
		err = add_file(map, start, end, line + path);
	return err;
}

static struct gg_error *read_maps(struct gg_process_map *map)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%jd/maps", (intmax_t)map->pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return gg_error_system(errno, "%s", path);
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	struct gg_error *err = NULL;
	while (!err && getline(&line, &size, file) > 0)
		err = decode_line(map, line);
	if (!err && ferror(file))
		err = gg_error_system(EIO, "reading %s", path);
	fclose(file);
	return err;
}

struct gg_error *gg_process_map_create_live(pid_t pid, struct gg_process_map **ret)
{
	struct gg_process_map *map = calloc(1, sizeof(*map));
	if (!map)
		return gg_enomem;
	map->pid = pid;
	struct gg_error *err = read_maps(map);
	if (err) {
		gg_process_map_destroy(map);
		return err;
	}
	tidy(map);
	*ret = map;
	return NULL;
}

// --------

void gg_process_map_destroy(struct gg_process_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->start_count; i++)
		free(map->starts[i].path);
	free(map->starts);
	free(map->areas);
	free(map);
}

bool gg_process_map_has(const struct gg_process_map *map, uint64_t address, uint64_t size)
{
	uint64_t last;
	if (__builtin_add_overflow(address, size - 1, &last))
		return false;
	for (size_t i = 0; i < map->count; i++)
		if (address >= map->areas[i].start && address <= map->areas[i].last)
			return last <= map->areas[i].last;
	return false;
}

bool gg_process_map_touches(const struct gg_process_map *map, uint64_t address, uint64_t size)
{
	uint64_t last;
	if (__builtin_add_overflow(address, size - 1, &last))
		last = UINT64_MAX;
	for (size_t i = 0; i < map->count; i++)
		if (address <= map->areas[i].last && last >= map->areas[i].start)
			return true;
	return false;
}

bool gg_process_map_may_lack(const struct gg_process_map *map)
{
	return map->may_lack;
}

const struct gg_file_start *gg_process_map_files(const struct gg_process_map *map, size_t *count)
{
	*count = map->start_count;
	return map->starts;
}

// Opens the mapping itself, which needs privileges and finds deleted files too; or its path in the
// process's own view: in a container, /usr/bin/... is another file.
static int open_live(pid_t pid, const struct gg_file_start *file)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "/proc/%jd/map_files/%" PRIx64 "-%" PRIx64, (intmax_t)pid,
		 file->address, file->end);
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	const int length =
		snprintf(path, sizeof(path), "/proc/%jd/root%s", (intmax_t)pid, file->path);
	return length > 0 && (size_t)length < sizeof(path)
		       ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
		       : -1;
}

struct gg_error *gg_process_map_open(const struct gg_process_map *map,
				     const struct gg_file_start *file, int *ret)
{
	if (!map->pid)
		return gg_mapped_files_open(map->files, file->path, ret);
	*ret = open_live(map->pid, file);
	if (*ret >= 0)
		return NULL;
	const int errnum = errno;
	_cleanup_free_ char *escaped = gg_text_escape(file->path);
	return gg_error_create(GG_ABSENT, "the file %s of process %jd: %s", escaped ? escaped : "?",
			       (intmax_t)map->pid, strerror(errnum));
}
