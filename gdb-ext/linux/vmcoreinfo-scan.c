// SPDX-License-Identifier: GPL-3.0-or-later
//
// The search for VMCOREINFO notes in RAM. Since v4.13 the kernel gives its note whole pages;
// before, it was a variable anywhere.
//
// The name alone is found elsewhere too, as are texts that start alike: a note is known by the
// words before its name.
#include "base/cleanup.h"
#include "base/find.h"
#include "base/vector.h"
#include "kernel.h"
#include "memory/ram-scan.h"
#include "memory/workers.h"

#include <string.h>

enum {
	NOTE_ALIGNMENT = 4096,
	MAX_THREADS = 4, // Reading is bound by memory: more threads do not help.
};

static void add_found(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes)
{
	size_t text_size;
	if (!gg_vmcoreinfo_header(bytes, scan->big_endian, &text_size) ||
	    text_size > GG_VMCOREINFO_MAX_TEXT)
		return;
	for (size_t i = 0; i < scan->count; i++)
		if (scan->found[i] == gpa)
			return;
	if (scan->count < GG_SCAN_MAX)
		scan->found[scan->count++] = gpa;
	else
		scan->overflowed = true;
}

void gg_vmcoreinfo_scan_bytes(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes,
			      size_t size)
{
	for (size_t at = (NOTE_ALIGNMENT - gpa % NOTE_ALIGNMENT) % NOTE_ALIGNMENT;
	     at + GG_VMCOREINFO_HEADER <= size; at += NOTE_ALIGNMENT)
		add_found(scan, gpa + at, bytes + at);
}

void gg_linux_banner_scan(const uint8_t *bytes, size_t size, char *ret)
{
	static const char start[] = "Linux version ";
	const uint8_t *at = bytes, *end = bytes + size;
	while ((at = gg_find_bytes(at, (size_t)(end - at), start, strlen(start)))) {
		size_t length = strlen(start);
		while (length < (size_t)(end - at) && length < GG_BANNER_SIZE - 1 &&
		       at[length] > ' ' && at[length] <= '~')
			length++;
		if (length > strlen(start) && at[strlen(start)] >= '0' &&
		    at[strlen(start)] <= '9') {
			memcpy(ret, at, length);
			ret[length] = 0;
			return;
		}
		at++;
	}
}

static void scan_everywhere(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes,
			    size_t size)
{
	enum { NAME = 12 }; // where in the header it is
	static const char name[] = "VMCOREINFO";
	const uint8_t *at = bytes, *end = bytes + size;
	while ((at = gg_find_bytes(at, (size_t)(end - at), name, sizeof(name)))) {
		if (at - bytes >= NAME && end - at >= GG_VMCOREINFO_HEADER - NAME)
			add_found(scan, gpa + (uint64_t)(at - bytes) - NAME, at - NAME);
		at++;
	}
}

static bool look_at_pages(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	gg_vmcoreinfo_scan_bytes(data, gpa, bytes, size);
	return false;
}

static bool look_everywhere(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	struct gg_vmcoreinfo_scan *scan = data;
	scan_everywhere(scan, gpa, bytes, size);
	if (!*scan->banner)
		gg_linux_banner_scan(bytes, size, scan->banner);
	return false;
}

static struct gg_error *scan_ram(struct gg_vmcoreinfo_scan *scan, const struct gg_ram_map *map,
				 gg_ram_look_fn *look)
{
	struct gg_error *err = gg_ram_scan(map, GG_VMCOREINFO_HEADER, look, scan, &scan->missing);
	return err ? gg_error_context(err, "looking for VMCOREINFO") : NULL;
}

// ---- By several threads ----

// The starts of pages are looked at in any order: a note's header is in a single page.
struct parallel {
	struct gg_vmcoreinfo_scan *scan;
	struct gg_workers workers;
	struct gg_job *jobs; // RAM that is there
	size_t count;
	uint64_t missing;
	uint8_t *buffers; // GG_PIECE_SIZE bytes for each thread
};

static struct gg_error *add_job(struct parallel *parallel, const struct gg_job *job)
{
	struct gg_error *err =
		gg_vector_grow(&parallel->jobs, parallel->count, sizeof(*parallel->jobs));
	if (!err)
		parallel->jobs[parallel->count++] = *job;
	return err;
}

// Makes jobs of what is there of RANGE.
static struct gg_error *add_jobs(struct parallel *parallel, const struct gg_ram_range *range)
{
	struct gg_backing *backing = parallel->workers.backing;
	struct gg_extent extent;
	struct gg_error *err = NULL;
	for (uint64_t done = 0; !err && done < range->size; done += extent.size) {
		err = backing->ops->extent(backing, range->hva + done, range->size - done, false,
					   &extent);
		if (err)
			return err;
		const struct gg_job job = { .gpa = range->start + done,
					    .hva = range->hva + done,
					    .size = extent.size };
		if (extent.kind == GG_EXTENT_ABSENT)
			parallel->missing += extent.size;
		else
			err = add_job(parallel, &job);
	}
	return err;
}

static bool pass_hole(void *data, const struct gg_piece *piece)
{
	(void)data;
	return piece->kind == GG_EXTENT_HOLE;
}

static struct gg_error *read_piece(void *data, unsigned int worker, const struct gg_piece *piece,
				   uint64_t *absent)
{
	struct parallel *parallel = data;
	return gg_backing_read_present(parallel->workers.backing, piece->hva,
				       parallel->buffers + (size_t)worker * GG_PIECE_SIZE,
				       (size_t)piece->size, absent);
}

static void look_at_piece(void *data, unsigned int worker, const struct gg_piece *piece)
{
	struct parallel *parallel = data;
	gg_vmcoreinfo_scan_bytes(parallel->scan, piece->gpa,
				 parallel->buffers + (size_t)worker * GG_PIECE_SIZE,
				 (size_t)piece->size);
}

static int compare_places(const void *a, const void *b)
{
	const gg_gpa_t first = *(const gg_gpa_t *)a, second = *(const gg_gpa_t *)b;
	return first < second ? -1 : first > second;
}

static struct gg_error *run_parallel(struct parallel *parallel, const struct gg_ram_map *map,
				     unsigned int threads)
{
	const uint64_t unreadable = map->backing->unreadable;
	struct gg_error *err = NULL;
	parallel->workers = (struct gg_workers){
		.backing = map->backing,
		.threads = threads,
		.pass = pass_hole,
		.work = read_piece,
		.finish = look_at_piece,
		.data = parallel,
		.find_absent = true,
	};
	for (size_t i = 0; !err && i < map->count; i++)
		err = add_jobs(parallel, &map->ranges[i]);
	parallel->workers.jobs = parallel->jobs;
	parallel->workers.count = parallel->count;
	if (!err)
		err = gg_workers_run(&parallel->workers);
	if (err)
		return gg_error_context(err, "looking for VMCOREINFO");
	parallel->missing += map->backing->unreadable - unreadable;
	return NULL;
}

static struct gg_error *scan_parallel(struct gg_vmcoreinfo_scan *scan, const struct gg_ram_map *map,
				      unsigned int threads)
{
	struct gg_vmcoreinfo_scan found = { .big_endian = scan->big_endian };
	_cleanup_free_ uint8_t *buffers = malloc((size_t)threads * GG_PIECE_SIZE);
	if (!buffers)
		return gg_enomem;
	struct parallel parallel = { .scan = &found, .buffers = buffers };
	struct gg_error *err = run_parallel(&parallel, map, threads);
	free(parallel.jobs);
	if (err)
		return err;
	// Keeps the lowest of too many candidates.
	if (found.overflowed)
		return scan_ram(scan, map, look_at_pages);
	qsort(found.found, found.count, sizeof(*found.found), compare_places);
	found.missing = scan->missing + parallel.missing;
	*scan = found;
	return NULL;
}

static bool has_whole_pages(const struct gg_ram_map *map)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->ranges[i].start % NOTE_ALIGNMENT || map->ranges[i].size % NOTE_ALIGNMENT)
			return false;
	return true;
}

struct gg_error *gg_vmcoreinfo_scan_ram(struct gg_vmcoreinfo_scan *scan,
					const struct gg_ram_map *map)
{
	const unsigned int threads = gg_workers_count(map->backing, 0, MAX_THREADS);
	return threads > 1 && !scan->count && has_whole_pages(map)
		       ? scan_parallel(scan, map, threads)
		       : scan_ram(scan, map, look_at_pages);
}

struct gg_error *gg_vmcoreinfo_scan_everywhere(struct gg_vmcoreinfo_scan *scan,
					       const struct gg_ram_map *map)
{
	return scan_ram(scan, map, look_everywhere);
}
