// SPDX-License-Identifier: GPL-3.0-or-later
//
// Memory on its way to a file: what is asked, what is read, what is written.
#include "unit.h"

#include "vmcore/copy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MIB = 1 << 20,
	PAGE = 4096,
	BASE = 0x10000000,       // the hva of the memory's first byte
	DATA_SIZE = 8 * MIB,     // bytes, then
	HOLE_SIZE = 4 * MIB,     // nothing, then
	TAIL_SIZE = 3 * MIB / 2, // bytes again
	SIZE = DATA_SIZE + HOLE_SIZE + TAIL_SIZE,
	FAR_AWAY = 1 << 30,
};

static uint8_t memory[SIZE];

struct counting {
	struct gg_backing backing;
	unsigned int asked;  // for extents
	uint64_t read, seen; // bytes
	bool went_away;      // the tail is absent
	struct gg_page_set excluded;
};

static struct gg_error *count_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				     bool holes, struct gg_extent *ret)
{
	struct counting *counting = (struct counting *)backing;
	const uint64_t offset = hva - BASE;
	assert_true(holes);
	counting->asked++;
	uint64_t end = SIZE;
	*ret = (struct gg_extent){ .kind = counting->went_away ? GG_EXTENT_ABSENT
							       : GG_EXTENT_DATA };
	if (offset < DATA_SIZE) {
		*ret = (struct gg_extent){ .kind = GG_EXTENT_DATA };
		end = DATA_SIZE;
	} else if (offset < DATA_SIZE + HOLE_SIZE) {
		*ret = (struct gg_extent){ .kind = GG_EXTENT_HOLE };
		end = DATA_SIZE + HOLE_SIZE;
	}
	ret->size = end - offset < size ? end - offset : size;
	return NULL;
}

static struct gg_error *count_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				   size_t size)
{
	const uint64_t offset = hva - BASE;
	((struct counting *)backing)->read += size;
	assert_true(offset < SIZE && size <= SIZE - offset);
	for (uint64_t gpa = FAR_AWAY + offset; gpa < FAR_AWAY + offset + size; gpa += PAGE)
		assert_false(gg_page_set_has(&((struct counting *)backing)->excluded, gpa / PAGE));
	memcpy(buffer, memory + offset, size);
	return NULL;
}

static const struct gg_backing_ops counting_ops = { .extent = count_extent, .read = count_read };

static void see(void *data, gg_gpa_t gpa, const uint8_t *bytes, size_t size)
{
	assert_memory_equal(bytes, memory + (gpa - FAR_AWAY), size);
	((struct counting *)data)->seen += size;
}

static struct gg_error *tell(void *data, size_t job, uint64_t done)
{
	(void)data;
	(void)job;
	assert_true(done <= SIZE);
	return NULL;
}

static struct gg_error *copy_all(struct counting *counting, uint8_t *written)
{
	char folder[] = "/tmp/gdb-guest-XXXXXX", path[sizeof(folder) + 2];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x", folder);
	struct gg_output *output;
	assert_success(gg_output_create(path, false, (const char *[]){ NULL }, &output));

	// The second half first, one byte off the pages.
	enum { HALF = SIZE / 2 + 1 };
	const struct gg_job jobs[] = {
		{ FAR_AWAY + HALF, BASE + HALF, SIZE - HALF, 0 },
		{ FAR_AWAY, BASE, HALF, SIZE - HALF },
	};
	counting->backing = (struct gg_backing){ .ops = &counting_ops, .name = "the test" };
	struct gg_copy copy = { .backing = &counting->backing,
				.output = output,
				.jobs = jobs,
				.count = 2,
				.excluded = counting->excluded.count ? &counting->excluded : NULL,
				.page_size = PAGE,
				.seen = see,
				.progress = tell,
				.data = counting };
	struct gg_error *err = gg_copy_run(&copy);
	if (!err)
		err = gg_output_commit(output, SIZE);
	gg_output_destroy(output);
	if (!err) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, written + HALF, SIZE - HALF, 0), SIZE - HALF);
		assert_int_equal(pread(fd, written, HALF, SIZE - HALF), HALF);
		close(fd);
	}
	unlink(path);
	rmdir(folder);
	return err;
}

static void test_asked_once(void **state)
{
	(void)state;
	static uint8_t written[SIZE];
	struct counting counting = { 0 };
	assert_success(copy_all(&counting, written));
	assert_memory_equal(written, memory, SIZE);
	// The first extent is parted by the two jobs.
	assert_int_equal(counting.asked, 4);
	assert_int_equal(counting.read, DATA_SIZE + TAIL_SIZE);
	assert_int_equal(counting.seen, DATA_SIZE + TAIL_SIZE);
}

static void test_excluded(void **state)
{
	(void)state;
	static uint8_t written[SIZE];
	struct counting counting = { 0 };
	const uint64_t first = FAR_AWAY / PAGE;
	assert_success(gg_page_set_init(&counting.excluded, first + SIZE / PAGE));
	// Single pages, a run of more than a piece, and a run over the end of an extent.
	for (uint64_t page = 0; page < 300; page += 3)
		assert_success(gg_page_set_add(&counting.excluded, first + page, 1));
	assert_success(gg_page_set_add(&counting.excluded, first + 400, 200));
	assert_success(gg_page_set_add(&counting.excluded, first + DATA_SIZE / PAGE - 5, 10));
	assert_success(copy_all(&counting, written));
	uint64_t wanted = 0;
	for (uint64_t page = 0; page < SIZE / PAGE; page++) {
		static const uint8_t zeros[PAGE];
		const bool excluded = gg_page_set_has(&counting.excluded, first + page);
		assert_memory_equal(written + page * PAGE, excluded ? zeros : memory + page * PAGE,
				    PAGE);
		if (!excluded &&
		    (page < DATA_SIZE / PAGE || page >= (DATA_SIZE + HOLE_SIZE) / PAGE))
			wanted += PAGE;
	}
	assert_int_equal(counting.read, wanted);
	assert_int_equal(counting.seen, wanted);
	gg_page_set_deinit(&counting.excluded);
}

// A run of excluded pages that ends where the extents do: the hole, and the tail behind it.
static void test_excluded_unasked(void **state)
{
	(void)state;
	static uint8_t written[SIZE];
	struct counting counting = { .went_away = true };
	const uint64_t first = (FAR_AWAY + DATA_SIZE) / PAGE;
	assert_success(gg_page_set_init(&counting.excluded, first + SIZE / PAGE));
	assert_success(gg_page_set_add(&counting.excluded, first, (SIZE - DATA_SIZE) / PAGE));
	assert_success(copy_all(&counting, written));
	assert_memory_equal(written, memory, DATA_SIZE);
	// The first extent is parted by the two jobs.
	assert_int_equal(counting.asked, 2);
	assert_int_equal(counting.read, DATA_SIZE);
	gg_page_set_deinit(&counting.excluded);
}

static struct gg_error *read_memory(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				    size_t size)
{
	(void)backing;
	memcpy(buffer, memory + (hva - BASE), size);
	return NULL;
}

static const struct gg_backing_ops threads_ops = { .extent = count_extent,
						   .read = read_memory,
						   .thread_safe = true };

static struct gg_error *count_call(void *data)
{
	++*(unsigned int *)data;
	return gg_error_create(GG_BAD_DATA, "the caller's own work failed");
}

static struct gg_error *do_nothing(void *data, unsigned int worker, const struct gg_piece *piece,
				   uint64_t *absent)
{
	(void)data;
	(void)worker;
	(void)piece;
	(void)absent;
	return NULL;
}

static void test_meanwhile(void **state)
{
	(void)state;
	unsigned int calls = 0;
	struct counting counting = { .backing = { .ops = &threads_ops, .name = "the test" } };
	const struct gg_job job = { FAR_AWAY, BASE, SIZE, 0 };
	struct gg_workers workers = { .backing = &counting.backing,
				      .jobs = &job,
				      .count = 1,
				      .threads = 2,
				      .work = do_nothing,
				      .meanwhile = count_call,
				      .progress = tell,
				      .data = &calls };
	assert_error(gg_workers_run(&workers), GG_BAD_DATA, "the caller's own work failed");
	assert_int_equal(calls, 1);
	workers.threads = 1;
	assert_success(gg_workers_run(&workers));
	assert_int_equal(calls, 1);
}

static void test_went_away(void **state)
{
	(void)state;
	struct counting counting = { .went_away = true };
	assert_error(copy_all(&counting, NULL), GG_ABSENT, "the memory at 0x10c00000 went away");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("the backing is asked once for each extent, however many pieces it has, "
			  "and no hole is read",
			  test_asked_once),
		UNIT_TEST("excluded pages are neither read nor written, and all others are",
			  test_excluded),
		UNIT_TEST("the backing is not asked about excluded pages, be they absent by now",
			  test_excluded_unasked),
		UNIT_TEST("the caller's own work is done once beside other threads, and its error "
			  "ends all",
			  test_meanwhile),
		UNIT_TEST("memory that went away is an error, not zeros", test_went_away),
	};
	for (size_t i = 0; i < SIZE; i++)
		memory[i] =
			i < DATA_SIZE || i >= DATA_SIZE + HOLE_SIZE ? (uint8_t)(1 + i % 251) : 0;
	return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
