// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing over another backing that lacks pages: those that QEMU marks as not in its memory,
// and those that turn out to be unreadable (a file behind them was cut, a disk is bad).
//
// In:  another backing; the blocks that are not whole.
// Out: extents in which these pages are absent; reads that never show them.
//
// Unreadable pages are found by reading: a piece that cannot be read is halved, down to pages, so
// that good memory costs no more than without this backing. Their places are kept.
#include "backing.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

enum { HOST_PAGE = 4096 };

static const char unreadable_advice[] = "they cannot be read: the file behind them is shorter than "
					"it is mapped, or its disk is bad";

struct bad_range {
	uint64_t start, end;
};

struct partial_backing {
	struct gg_backing backing;
	struct gg_backing *whole;
	struct gg_qemu_absence *absences; // ascending by hva
	size_t count;
	pthread_mutex_t lock;  // of the members below
	struct bad_range *bad; // unreadable; ascending, disjoint
	size_t bad_count;
};

// ---- Pages that QEMU marks as absent ----

static int compare_absences(const void *left, const void *right)
{
	const struct gg_qemu_absence *a = left, *b = right;
	return (a->hva > b->hva) - (a->hva < b->hva);
}

static bool is_present(const struct gg_qemu_absence *absence, uint64_t page)
{
	return absence->present && absence->present[page / 8] >> (page % 8) & 1;
}

// Returns the first page from PAGE to before END whose state is not PAGE's, or END. Whole bytes of
// one state are stepped over.
static uint64_t find_change(const struct gg_qemu_absence *absence, uint64_t page, uint64_t end)
{
	const bool present = is_present(absence, page);
	const uint8_t alike = present ? 0xff : 0;
	while (page < end) {
		if (page % 8 == 0 && end - page >= 8 && absence->present[page / 8] == alike)
			page += 8;
		else if (is_present(absence, page) == present)
			page++;
		else
			break;
	}
	return page;
}

// Cuts EXTENT to pages of one state of the block, and makes it absent if they are.
static void cut_by_block(const struct gg_qemu_absence *absence, uint64_t hva,
			 struct gg_extent *extent)
{
	const uint64_t offset = hva - absence->hva;
	if (extent->size > absence->size - offset)
		extent->size = absence->size - offset;
	if (!absence->present) {
		extent->kind = GG_EXTENT_ABSENT;
		return;
	}
	const uint64_t page = offset / absence->page_size;
	const uint64_t end = (offset + extent->size - 1) / absence->page_size + 1;
	const uint64_t alike = find_change(absence, page, end) * absence->page_size - offset;
	if (alike < extent->size)
		extent->size = alike;
	if (!is_present(absence, page))
		extent->kind = GG_EXTENT_ABSENT;
}

// Returns the block that HVA is in, or NULL; cuts EXTENT where the next block begins.
static const struct gg_qemu_absence *find_absence(const struct partial_backing *partial,
						  uint64_t hva, struct gg_extent *extent)
{
	for (size_t i = 0; i < partial->count; i++) {
		const struct gg_qemu_absence *absence = &partial->absences[i];
		if (hva - absence->hva < absence->size)
			return absence;
		if (absence->hva > hva && absence->hva - hva < extent->size)
			extent->size = absence->hva - hva;
	}
	return NULL;
}

// ---- Pages that were found to be unreadable ----

// Returns the first bad range that ends behind HVA, or the count. The lock is held.
static size_t find_bad(const struct partial_backing *partial, uint64_t hva)
{
	size_t low = 0, high = partial->bad_count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (partial->bad[middle].end > hva)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void cut_by_bad(struct partial_backing *partial, uint64_t hva, struct gg_extent *extent)
{
	pthread_mutex_lock(&partial->lock);
	const size_t i = find_bad(partial, hva);
	if (i < partial->bad_count) {
		const struct bad_range *bad = &partial->bad[i];
		const bool is_bad = bad->start <= hva;
		const uint64_t alike = (is_bad ? bad->end : bad->start) - hva;
		if (is_bad)
			extent->kind = GG_EXTENT_ABSENT;
		if (alike < extent->size)
			extent->size = alike;
	}
	pthread_mutex_unlock(&partial->lock);
}

static struct gg_error *insert_bad(struct partial_backing *partial, size_t at, uint64_t start,
				   uint64_t end)
{
	struct gg_error *err =
		gg_vector_grow(&partial->bad, partial->bad_count, sizeof(*partial->bad));
	if (err)
		return err;
	memmove(&partial->bad[at + 1], &partial->bad[at],
		(partial->bad_count - at) * sizeof(*partial->bad));
	partial->bad[at] = (struct bad_range){ start, end };
	partial->bad_count++;
	return NULL;
}

// Adds the page from START to END, which another thread may have added already.
static struct gg_error *add_bad(struct partial_backing *partial, uint64_t start, uint64_t end)
{
	struct gg_error *err = NULL;
	pthread_mutex_lock(&partial->lock);
	if (!partial->count && !partial->whole->advice)
		partial->backing.advice = unreadable_advice;
	const size_t at = find_bad(partial, start);
	const bool is_known = at < partial->bad_count && partial->bad[at].start <= start;
	if (!is_known && at && partial->bad[at - 1].end == start)
		partial->bad[at - 1].end = end;
	else if (!is_known)
		err = insert_bad(partial, at, start, end);
	if (!is_known && !err)
		partial->backing.unreadable += end - start;
	pthread_mutex_unlock(&partial->lock);
	return err;
}

// Tests whether ERR is about these bytes, rather than the end of all reading.
static bool is_unreadable(const struct gg_error *err)
{
	return err && (gg_error_kind(err) == GG_FAULT || gg_error_kind(err) == GG_ABSENT);
}

// Reads the SIZE bytes at HVA, which were not readable as a whole, in halves, down to pages. Adds
// unreadable pages to the bad ranges, and sets FOUND.
static struct gg_error *read_halves(struct partial_backing *partial, gg_hva_t hva, uint8_t *buffer,
				    size_t size, bool *found)
{
	const uint64_t first = hva / HOST_PAGE, last = (hva + size - 1) / HOST_PAGE;
	if (first == last) {
		*found = true;
		return add_bad(partial, first * HOST_PAGE, (first + 1) * HOST_PAGE);
	}
	const uint64_t middle = (first + (last - first + 1) / 2) * HOST_PAGE;
	const struct {
		gg_hva_t hva;
		uint8_t *buffer;
		size_t size;
	} halves[] = { { hva, buffer, middle - hva },
		       { middle, buffer + (middle - hva), hva + size - middle } };
	struct gg_error *err = gg_interrupt_check();
	for (size_t i = 0; !err && i < 2; i++) {
		err = partial->whole->ops->read(partial->whole, halves[i].hva, halves[i].buffer,
						halves[i].size);
		if (!is_unreadable(err))
			continue;
		gg_error_destroy(err);
		err = read_halves(partial, halves[i].hva, halves[i].buffer, halves[i].size, found);
	}
	return err;
}

// ---- Operations ----

static struct gg_error *partial_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				       bool holes, struct gg_extent *ret)
{
	struct partial_backing *partial = (struct partial_backing *)backing;
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_DATA };
	const struct gg_qemu_absence *absence = find_absence(partial, hva, ret);
	if (absence)
		cut_by_block(absence, hva, ret);
	if (ret->kind != GG_EXTENT_ABSENT)
		cut_by_bad(partial, hva, ret);
	if (ret->kind == GG_EXTENT_ABSENT)
		return NULL;
	return partial->whole->ops->extent(partial->whole, hva, ret->size, holes, ret);
}

static struct gg_error *absent_error(const struct partial_backing *partial, gg_hva_t hva)
{
	struct gg_extent extent = { .size = 1 };
	const struct gg_qemu_absence *absence = find_absence(partial, hva, &extent);
	if (absence)
		cut_by_block(absence, hva, &extent);
	if (!absence || extent.kind != GG_EXTENT_ABSENT)
		return gg_error_create(GG_ABSENT, "it is absent: 0x%" PRIx64 " cannot be read",
				       hva);
	return gg_error_create(GG_ABSENT, "it is absent: %s",
			       absence->reason == GG_PRIVATE
				       ? "the guest has it to itself, in a guest_memfd"
				       : "QEMU was receiving the guest, and this had not arrived");
}

// Tests whether all bytes may be there: GG_ABSENT where QEMU or an earlier read showed one to be
// absent.
static struct gg_error *check_present(struct partial_backing *partial, gg_hva_t hva, size_t size)
{
	while (size) {
		struct gg_extent extent = { .size = size, .kind = GG_EXTENT_DATA };
		const struct gg_qemu_absence *absence = find_absence(partial, hva, &extent);
		if (absence)
			cut_by_block(absence, hva, &extent);
		if (extent.kind != GG_EXTENT_ABSENT)
			cut_by_bad(partial, hva, &extent);
		if (extent.kind == GG_EXTENT_ABSENT)
			return absent_error(partial, hva);
		hva += extent.size;
		size -= extent.size;
	}
	return NULL;
}

// Replaces ERR by an error of the kind GG_ABSENT with its message.
static struct gg_error *as_absent(struct gg_error *err)
{
	struct gg_error *absent =
		gg_error_create(GG_ABSENT, "it is absent: %s", gg_error_message(err));
	gg_error_destroy(err);
	return absent;
}

// Reads piece by piece what failed with ERR as a whole, and so finds the unreadable pages.
static struct gg_error *find_unreadable(struct partial_backing *partial, gg_hva_t hva,
					uint8_t *buffer, size_t size, struct gg_error *err)
{
	bool found = false;
	while (size) {
		struct gg_extent extent;
		struct gg_error *other =
			partial->whole->ops->extent(partial->whole, hva, size, false, &extent);
		// The other backing has it as absent.
		if (!other && extent.kind == GG_EXTENT_ABSENT)
			return gg_error_kind(err) == GG_ABSENT ? err : as_absent(err);
		if (!other)
			other = partial->whole->ops->read(partial->whole, hva, buffer, extent.size);
		if (is_unreadable(other)) {
			gg_error_destroy(other);
			other = read_halves(partial, hva, buffer, extent.size, &found);
		}
		if (other) {
			gg_error_destroy(err);
			return other;
		}
		hva += extent.size;
		buffer += extent.size;
		size -= extent.size;
	}
	if (found)
		return as_absent(err);
	gg_error_destroy(err);
	return NULL;
}

static struct gg_error *partial_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				     size_t size)
{
	struct partial_backing *partial = (struct partial_backing *)backing;
	struct gg_error *err = check_present(partial, hva, size);
	if (err)
		return err;
	err = partial->whole->ops->read(partial->whole, hva, buffer, size);
	if (is_unreadable(err))
		err = find_unreadable(partial, hva, buffer, size, err);
	if (partial->whole->lost)
		backing->lost = true;
	return err;
}

static bool partial_clone(struct gg_backing *backing, gg_hva_t hva, uint64_t size, int file,
			  uint64_t offset)
{
	struct partial_backing *partial = (struct partial_backing *)backing;
	return partial->whole->ops->clone &&
	       partial->whole->ops->clone(partial->whole, hva, size, file, offset);
}

static void partial_destroy(struct gg_backing *backing)
{
	struct partial_backing *partial = (struct partial_backing *)backing;
	gg_backing_destroy(partial->whole);
	gg_qemu_absences_destroy(partial->absences, partial->count);
	pthread_mutex_destroy(&partial->lock);
	free(partial->bad);
	free(partial);
}

static const struct gg_backing_ops partial_ops = {
	.extent = partial_extent,
	.read = partial_read,
	.clone = partial_clone,
	.destroy = partial_destroy,
};

static const struct gg_backing_ops thread_safe_ops = {
	.extent = partial_extent,
	.read = partial_read,
	.clone = partial_clone,
	.destroy = partial_destroy,
	.thread_safe = true,
};

static const char *const reason_advice[] = {
	[GG_NOT_ARRIVED] =
		"QEMU was receiving the guest by migration, and they had not arrived: the "
		"QEMU that it came from has them",
	[GG_PRIVATE] =
		"the guest has them to itself, in a guest_memfd (SEV-SNP, TDX), which no core "
		"of QEMU holds",
};

static const char *find_advice(const struct gg_backing *whole, const struct gg_qemu_ram *ram)
{
	if (!ram->absence_count)
		return whole->advice;
	enum gg_absence_reason reason = GG_PRIVATE;
	for (size_t i = 0; i < ram->absence_count; i++)
		if (ram->absences[i].reason == GG_NOT_ARRIVED)
			reason = GG_NOT_ARRIVED;
	return reason_advice[reason];
}

struct gg_error *gg_backing_create_partial(struct gg_backing *whole, struct gg_qemu_ram *ram,
					   struct gg_backing **ret)
{
	struct partial_backing *partial = calloc(1, sizeof(*partial));
	if (!partial)
		return gg_enomem;
	partial->backing = (struct gg_backing){
		.ops = whole->ops->thread_safe ? &thread_safe_ops : &partial_ops,
		.name = whole->name,
		.advice = find_advice(whole, ram),
		.lost = whole->lost,
	};
	pthread_mutex_init(&partial->lock, NULL);
	partial->whole = whole;
	partial->absences = no_cleanup_ptr(ram->absences);
	partial->count = ram->absence_count;
	ram->absence_count = 0;
	if (partial->count)
		qsort(partial->absences, partial->count, sizeof(*partial->absences),
		      compare_absences);
	*ret = &partial->backing;
	return NULL;
}
