// SPDX-License-Identifier: GPL-3.0-or-later
#include "zero-pages.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "memory/workers.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

_Static_assert(GG_PAGE_TRAITS == 1 << GG_PAGE_KINDS, "each trait has a set");

enum { MAX_THREADS = 8 }; // more than this a disk or memory does not serve

// The part of a thread, whose counts nobody else touches.
struct part {
	uint8_t bytes[GG_PIECE_SIZE]; // whole pages: no architecture's page is larger than 64 KiB
	uint64_t zeros[GG_PAGE_TRAITS];
};

struct counter {
	const struct gg_page_kinds *kinds;
	struct gg_backing *backing;
	uint64_t page_size;
	uint64_t end;       // the first page that is not counted
	struct part *parts; // of each thread
};

struct gg_error *gg_page_kinds_init(struct gg_page_kinds *kinds, const struct gg_ram_map *map,
				    uint64_t page_size)
{
	struct gg_error *err = NULL;
	uint64_t end = 0;
	for (size_t i = 0; i < map->count; i++)
		end = (map->ranges[i].start + (map->ranges[i].size - 1)) / page_size + 1;
	for (size_t i = 0; !err && i < GG_PAGE_KINDS; i++)
		err = gg_page_set_init(&kinds->sets[i], end);
	return err;
}

void gg_page_kinds_deinit(struct gg_page_kinds *kinds)
{
	for (size_t i = 0; i < GG_PAGE_KINDS; i++)
		gg_page_set_deinit(&kinds->sets[i]);
}

struct gg_error *gg_page_kinds_add(struct gg_page_kinds *kinds, unsigned int traits, uint64_t pfn,
				   uint64_t count)
{
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < GG_PAGE_KINDS; i++)
		if (traits >> i & 1)
			err = gg_page_set_add(&kinds->sets[i], pfn, count);
	return err;
}

// Counts the page PFN of zeros.
static void count_zero(const struct counter *counter, struct part *part, uint64_t pfn)
{
	unsigned int traits = 0;
	for (unsigned int i = 0; i < GG_PAGE_KINDS; i++)
		traits |= (unsigned int)gg_page_set_has(&counter->kinds->sets[i], pfn) << i;
	part->zeros[traits] += pfn < counter->end;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

// Counts the pages of zeros among the SIZE bytes at HVA, whose first page is PFN. A page that cannot be read is
// no page of zeros.
static struct gg_error *count_in(const struct counter *counter, struct part *part, gg_hva_t hva,
				 uint64_t pfn, size_t size)
{
	const size_t page_size = (size_t)counter->page_size;
	struct gg_error *err =
		counter->backing->ops->read(counter->backing, hva, part->bytes, size);
	if (err && !gg_error_is_final(err) && size > page_size) {
		gg_error_destroy(err);
		err = NULL;
		for (size_t done = 0; !err && done < size; done += page_size)
			err = count_in(counter, part, hva + done, pfn + done / page_size,
				       page_size);
		return err;
	}
	for (size_t done = 0; !err && done < size; done += page_size)
		if (is_zero(part->bytes + done, page_size))
			count_zero(counter, part, pfn + done / page_size);
	return gg_error_unless_final(err);
}

static struct gg_error *count_piece(void *data, unsigned int worker, const struct gg_piece *piece,
				    uint64_t *absent)
{
	const struct counter *counter = data;
	const uint64_t pfn = piece->gpa / counter->page_size;
	struct part *part = &counter->parts[worker];
	(void)absent;
	if (piece->kind != GG_EXTENT_HOLE)
		return count_in(counter, part, piece->hva, pfn, (size_t)piece->size);
	for (uint64_t i = 0; i < piece->size / counter->page_size; i++)
		count_zero(counter, part, pfn + i);
	return NULL;
}

// ---- Memory that is there ----

struct jobs {
	struct gg_job *jobs;
	size_t count;
};

// Adds the whole pages of JOB.
static struct gg_error *add_job(struct jobs *jobs, uint64_t page_size, const struct gg_job *job)
{
	const uint64_t skipped = (page_size - job->gpa % page_size) % page_size;
	if (job->size < skipped + page_size)
		return NULL;
	struct gg_error *err = gg_vector_grow(&jobs->jobs, jobs->count, sizeof(*jobs->jobs));
	if (err)
		return err;
	jobs->jobs[jobs->count++] =
		(struct gg_job){ .gpa = job->gpa + skipped,
				 .hva = job->hva + skipped,
				 .size = (job->size - skipped) / page_size * page_size };
	return NULL;
}

static struct gg_error *add_range(struct jobs *jobs, struct gg_backing *backing, uint64_t page_size,
				  const struct gg_ram_range *range)
{
	struct gg_error *err = NULL;
	struct gg_job job = { .gpa = range->start, .hva = range->hva };
	for (uint64_t done = 0; !err && done < range->size;) {
		struct gg_extent extent;
		err = gg_interrupt_check();
		if (!err)
			err = backing->ops->extent(backing, range->hva + done, range->size - done,
						   false, &extent);
		if (err)
			return err;
		done += extent.size;
		if (extent.kind != GG_EXTENT_ABSENT) {
			job.size += extent.size;
			continue;
		}
		err = add_job(jobs, page_size, &job);
		job = (struct gg_job){ .gpa = range->start + done, .hva = range->hva + done };
	}
	return err ? err : add_job(jobs, page_size, &job);
}

static struct gg_error *run(struct counter *counter, const struct jobs *jobs,
			    uint64_t ret[GG_PAGE_TRAITS])
{
	const unsigned int threads = gg_workers_count(counter->backing, 0, MAX_THREADS);
	_cleanup_free_ struct part *parts = calloc(threads, sizeof(*parts));
	if (!parts)
		return gg_enomem;
	counter->parts = parts;
	struct gg_workers workers = { .backing = counter->backing,
				      .jobs = jobs->jobs,
				      .count = jobs->count,
				      .page_size = counter->page_size,
				      .threads = threads,
				      .work = count_piece,
				      .data = counter };
	struct gg_error *err = gg_workers_run(&workers);
	for (unsigned int i = 0; i < threads; i++)
		for (size_t traits = 0; traits < GG_PAGE_TRAITS; traits++)
			ret[traits] += parts[i].zeros[traits];
	return err;
}

struct gg_error *gg_page_kinds_count_zeros(const struct gg_page_kinds *kinds,
					   const struct gg_ram_map *map, uint64_t page_size,
					   uint64_t end, uint64_t ret[GG_PAGE_TRAITS])
{
	struct counter counter = {
		.kinds = kinds, .backing = map->backing, .page_size = page_size, .end = end
	};
	struct jobs jobs = { 0 };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < map->count; i++)
		err = add_range(&jobs, map->backing, page_size, &map->ranges[i]);
	if (!err)
		err = run(&counter, &jobs, ret);
	free(jobs.jobs);
	return err;
}
