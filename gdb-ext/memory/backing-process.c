// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing that reads a process's memory by the operating system.
//
// Reading must not make the process allocate pages that the guest never touched. A page of private,
// anonymous memory that has never been is neither present nor swapped in /proc/PID/pagemap (Linux
// Documentation/admin-guide/mm/pagemap.rst) and is zeros. Shared memory (memfd, tmpfs, shared huge
// pages) does not show there; it is read as the file that it is, where a read allocates nothing and
// the file system shows holes. A file that is mapped privately is read as memory. Memory behind the
// end of a file that was cut is absent.
#include "backing.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
	HOST_PAGE = 4096,
	PAGEMAP_ENTRIES = 1024,
	// The most of an extent that is followed at once: touched memory may be hundreds of
	// gigabytes, and Ctrl-C is looked at between two extents.
	PAGES_AT_ONCE = 64 * PAGEMAP_ENTRIES,
};

enum area_kind {
	AREA_PLAIN,     // read as memory, all of it data
	AREA_ANONYMOUS, // private and anonymous: pagemap shows the touched pages
	AREA_FILE,      // shared: read as a file
	AREA_PRIVATE,   // private, of a file: read as memory, as far as the file has pages
};

struct area {
	uint64_t start, end;
	enum area_kind kind;
	int file;        // of AREA_FILE and AREA_PRIVATE, or -1 until it is needed
	uint64_t offset; // of start in it
	dev_t device;
	ino_t inode;
	char *path; // in the process's own root
};

struct process_backing {
	struct gg_backing backing;
	pid_t pid;
	int memory, pagemap;
	struct area *areas; // ascending, disjoint
	size_t count;
};

// ---- /proc/PID/maps ----

static struct gg_error *add_area(struct process_backing *process, const struct area *area)
{
	struct gg_error *err =
		gg_vector_grow(&process->areas, process->count, sizeof(*process->areas));
	if (!err)
		process->areas[process->count++] = *area;
	return err;
}

// Parses a line of proc_pid_maps(5): "7f00-7f10 rw-s 00000000 00:01 2049 /memfd:ram (deleted)".
static struct gg_error *parse_area(struct process_backing *process, const char *line)
{
	char permissions[5];
	unsigned int device_major, device_minor;
	uint64_t inode;
	int path = 0;
	struct area area = { .file = -1 };
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &area.start, &area.end, permissions, &area.offset, &device_major, &device_minor,
		   &inode, &path) != 7)
		return gg_error_create(GG_BAD_DATA, "/proc/%d/maps has the line \"%.60s\"",
				       process->pid, line);
	area.device = makedev(device_major, device_minor);
	area.inode = (ino_t)inode;
	if (permissions[3] == 's')
		area.kind = AREA_FILE;
	else
		area.kind = inode ? AREA_PRIVATE : AREA_ANONYMOUS;
	if (inode && path && line[path] == '/')
		area.path = strndup(line + path, strcspn(line + path, "\n"));
	struct gg_error *err = add_area(process, &area);
	if (err)
		free(area.path);
	return err;
}

static struct gg_error *read_areas(struct process_backing *process)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/maps", process->pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return gg_error_system(errno, "%s", path);
	struct gg_error *err = NULL;
	char *line = NULL;
	size_t size = 0;
	while (!err && getline(&line, &size, maps) > 0)
		err = parse_area(process, line);
	free(line);
	fclose(maps);
	return err;
}

// Returns the area that HVA is in, or NULL.
static struct area *find_area(const struct process_backing *process, uint64_t hva)
{
	size_t low = 0, high = process->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct area *area = &process->areas[middle];
		if (hva < area->start)
			high = middle;
		else if (hva >= area->end)
			low = middle + 1;
		else
			return area;
	}
	return NULL;
}

// Opens the regular file at PATH, or returns -1.
static int open_regular(const char *path, struct stat *status)
{
	const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file >= 0 && (fstat(file, status) || !S_ISREG(status->st_mode))) {
		close(file);
		return -1;
	}
	return file;
}

// Opens the area's file: by map_files, which names the very file that is mapped, deleted or not,
// and needs privileges; or by its path, if that still leads to the same file.
static int open_mapped(const struct process_backing *process, const struct area *area)
{
	char path[PATH_MAX];
	struct stat status;
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, process->pid,
		 area->start, area->end);
	int file = open_regular(path, &status);
	if (file >= 0 || !area->path)
		return file;
	const int length =
		snprintf(path, sizeof(path), "/proc/%d/root%s", process->pid, area->path);
	file = length < (int)sizeof(path) ? open_regular(path, &status) : -1;
	if (file >= 0 && (status.st_dev != area->device || status.st_ino != area->inode)) {
		close(file);
		return -1;
	}
	return file;
}

// Opens the area's file once; an area whose file cannot be opened is read as memory.
static void open_area(const struct process_backing *process, struct area *area)
{
	if ((area->kind != AREA_FILE && area->kind != AREA_PRIVATE) || area->file >= 0)
		return;
	area->file = open_mapped(process, area);
	if (area->file < 0)
		area->kind = AREA_PLAIN;
}

// ---- Extents ----

// Tests whether a page is present or swapped: bits 63 and 62 of an entry.
static bool is_touched(uint64_t entry)
{
	return entry >> 62;
}

static void find_touched(const struct process_backing *process, uint64_t hva,
			 struct gg_extent *extent)
{
	uint64_t entries[PAGEMAP_ENTRIES];
	const uint64_t first = hva / HOST_PAGE, end = (hva + extent->size - 1) / HOST_PAGE;
	const uint64_t last = end - first < PAGES_AT_ONCE ? end : first + PAGES_AT_ONCE - 1;
	uint64_t page = first;
	bool touched = true;
	while (page <= last) {
		size_t wanted =
			last - page + 1 < PAGEMAP_ENTRIES ? last - page + 1 : PAGEMAP_ENTRIES;
		ssize_t got = pread(process->pagemap, entries, wanted * sizeof(*entries),
				    (off_t)(page * sizeof(*entries)));
		// A page without a known state counts as touched, and is read.
		size_t count = got > 0 ? (size_t)got / sizeof(*entries) : 0;
		if (!count)
			break;
		for (size_t i = 0; i < count; i++, page++) {
			if (page == first)
				touched = is_touched(entries[i]);
			else if (is_touched(entries[i]) != touched)
				goto found;
		}
	}
found:
	extent->kind = touched ? GG_EXTENT_DATA : GG_EXTENT_HOLE;
	if (page > first && page <= end)
		extent->size = page * HOST_PAGE - hva;
}

// Cuts EXTENT to the file's pages, for there is no memory behind the file's end. Sets OFFSET to
// HVA's offset in the file. False where HVA is behind the end.
static bool find_file_end(const struct area *area, uint64_t hva, struct gg_extent *extent,
			  off_t *offset)
{
	*offset = (off_t)(area->offset + (hva - area->start));
	off_t end = lseek(area->file, 0, SEEK_END);
	if (end < 0)
		return true;
	// The mapping fills the file's last page with zeros.
	if (area->kind == AREA_PRIVATE)
		end = (end + HOST_PAGE - 1) / HOST_PAGE * HOST_PAGE;
	if (end <= *offset) {
		extent->kind = GG_EXTENT_ABSENT;
		return false;
	}
	if ((uint64_t)(end - *offset) < extent->size)
		extent->size = (uint64_t)(end - *offset);
	return true;
}

static void find_file_hole(const struct area *area, off_t offset, struct gg_extent *extent)
{
	off_t end = offset + (off_t)extent->size, data = lseek(area->file, offset, SEEK_DATA);
	if (data < 0 && errno == ENXIO)
		data = end;
	if (data > offset) {
		extent->kind = GG_EXTENT_HOLE;
		end = data;
	} else {
		end = lseek(area->file, offset, SEEK_HOLE);
	}
	if (end > offset && (uint64_t)(end - offset) < extent->size)
		extent->size = (uint64_t)(end - offset);
}

// Makes EXTENT absent up to the next area: nothing is mapped there.
static void find_gap(const struct process_backing *process, uint64_t hva, struct gg_extent *extent)
{
	extent->kind = GG_EXTENT_ABSENT;
	for (size_t i = 0; i < process->count; i++)
		if (process->areas[i].start > hva && process->areas[i].start - hva < extent->size)
			extent->size = process->areas[i].start - hva;
}

static struct gg_error *process_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				       bool holes, struct gg_extent *ret)
{
	struct process_backing *process = (struct process_backing *)backing;
	struct area *area = find_area(process, hva);
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_DATA };
	if (!area) {
		find_gap(process, hva, ret);
		return NULL;
	}
	if (area->end - hva < size)
		ret->size = area->end - hva;
	open_area(process, area);
	off_t offset;
	if (area->kind == AREA_ANONYMOUS && holes)
		find_touched(process, hva, ret);
	else if (area->file >= 0 && find_file_end(area, hva, ret, &offset) && holes &&
		 area->kind == AREA_FILE)
		find_file_hole(area, offset, ret);
	return NULL;
}

// ---- Reading ----

static struct gg_error *read_all(int fd, void *buffer, size_t size, uint64_t offset)
{
	uint8_t *bytes = buffer;
	while (size) {
		ssize_t got = pread(fd, bytes, size, (off_t)offset);
		if (got < 0 && errno == EINTR && !gg_interrupt_pending())
			continue;
		if (got < 0 && errno != EIO && errno != EFAULT)
			return gg_error_system(errno, "0x%" PRIx64, offset);
		if (got <= 0)
			return gg_error_fault(offset, "0x%" PRIx64 " cannot be read%s%s", offset,
					      got < 0 ? ": " : "", got < 0 ? strerror(errno) : "");
		bytes += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return NULL;
}

// Tests whether the process has ended: then it has no areas any more.
static bool is_gone(const struct process_backing *process)
{
	char path[64], byte;
	snprintf(path, sizeof(path), "/proc/%d/maps", process->pid);
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);
	return file < 0 || read(file, &byte, 1) <= 0;
}

static struct gg_error *lose(struct process_backing *process, struct gg_error *err)
{
	gg_error_destroy(err);
	process->backing.lost = true;
	return gg_error_create(GG_LOST, "process %d has ended", process->pid);
}

static struct gg_error *process_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				     size_t size)
{
	struct process_backing *process = (struct process_backing *)backing;
	uint8_t *bytes = buffer;
	while (size) {
		struct area *area = find_area(process, hva);
		if (!area)
			return gg_error_fault(hva, "process %d has nothing mapped at 0x%" PRIx64,
					      process->pid, hva);
		size_t piece = size < area->end - hva ? size : (size_t)(area->end - hva);
		open_area(process, area);
		struct gg_error *err = area->kind == AREA_FILE
					       ? read_all(area->file, bytes, piece,
							  area->offset + (hva - area->start))
					       : read_all(process->memory, bytes, piece, hva);
		if (err && is_gone(process))
			err = lose(process, err);
		if (err)
			return gg_error_context(err, "reading process %d", process->pid);
		bytes += piece;
		hva += piece;
		size -= piece;
	}
	return NULL;
}

static void process_destroy(struct gg_backing *backing)
{
	struct process_backing *process = (struct process_backing *)backing;
	for (size_t i = 0; i < process->count; i++) {
		free(process->areas[i].path);
		if (process->areas[i].file >= 0)
			close(process->areas[i].file);
	}
	if (process->memory >= 0)
		close(process->memory);
	if (process->pagemap >= 0)
		close(process->pagemap);
	free(process->areas);
	free(process);
}

static const struct gg_backing_ops process_ops = {
	.extent = process_extent,
	.read = process_read,
	.destroy = process_destroy,
};

// Tests for the userfaultfd that QEMU has while a post-copy migration comes in (QEMU
// migration/postcopy-ram.c): pages that have not arrived look like pages that were never touched,
// and reading such a page waits for it.
struct gg_error *gg_backing_check_process(pid_t pid)
{
	char path[64], target[64];
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *folder = opendir(path);
	if (!folder)
		return gg_error_system(errno, "%s", path);
	bool found = false;
	for (const struct dirent *entry; !found && (entry = readdir(folder));) {
		ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1);
		target[size > 0 ? size : 0] = 0;
		found = !strcmp(target, "anon_inode:[userfaultfd]");
	}
	closedir(folder);
	if (!found)
		return NULL;
	return gg_error_create(
		GG_ABSENT,
		"process %d has a userfaultfd, as QEMU has while a post-copy migration "
		"comes in or a snapshot is taken: memory that has not arrived cannot be "
		"distinguished from zeros; let it end first (info migrate)",
		pid);
}

static int open_proc(pid_t pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

struct gg_error *gg_backing_create_process(pid_t pid, struct gg_backing **ret)
{
	struct process_backing *process = calloc(1, sizeof(*process));
	if (!process)
		return gg_enomem;
	process->backing = (struct gg_backing){ .ops = &process_ops, .name = "the process" };
	process->pid = pid;
	process->memory = open_proc(pid, "mem");
	struct gg_error *err =
		process->memory < 0 ? gg_error_system(errno, "/proc/%d/mem", pid) : NULL;
	process->pagemap = open_proc(pid, "pagemap");
	if (!err && process->pagemap < 0)
		err = gg_error_system(errno, "/proc/%d/pagemap", pid);
	if (!err)
		err = read_areas(process);
	if (err) {
		process_destroy(&process->backing);
		return err;
	}
	*ret = &process->backing;
	return NULL;
}
