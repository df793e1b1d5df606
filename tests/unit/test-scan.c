// SPDX-License-Identifier: GPL-3.0-or-later
//
// The scan for VMCOREINFO, of RAM that several threads read.
#include "unit.h"

#include "linux/kernel.h"
#include "memory/ram-map.h"

#include <string.h>

enum { PIECES = 64, PIECE = 1 << 18, WHOLE = PIECES * PIECE, ABSENT = PIECE };

static uint8_t large[WHOLE];

// The last bytes are absent.
static struct gg_error *large_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				     bool holes, struct gg_extent *ret)
{
	(void)backing, (void)holes;
	const uint64_t held = WHOLE - ABSENT;
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_ABSENT };
	if (hva < held)
		*ret = (struct gg_extent){ .size = size < held - hva ? size : held - hva,
					   .kind = GG_EXTENT_DATA };
	return NULL;
}

static struct gg_error *large_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				   size_t size)
{
	(void)backing;
	assert_true(hva <= WHOLE - ABSENT && size <= WHOLE - ABSENT - hva);
	memcpy(buffer, large + hva, size);
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	static const uint8_t note[24] = { 11, 0,   0,   0,   100, 0,   0,   0,   0,   0,   0,
					  0,  'V', 'M', 'C', 'O', 'R', 'E', 'I', 'N', 'F', 'O' };
	const struct gg_backing_ops ops = { .extent = large_extent,
					    .read = large_read,
					    .thread_safe = true };
	struct gg_backing backing = { .ops = &ops, .name = "the test" };
	struct gg_ram_range range = { .size = WHOLE };
	const struct gg_ram_map map = {
		.ranges = &range, .count = 1, .size = WHOLE, .backing = &backing
	};
	enum { NOTES = 9 };
	for (size_t i = 0; i < NOTES; i++)
		memcpy(large + i * (WHOLE / (NOTES + 1)) / 4096 * 4096, note, sizeof(note));
	memcpy(large + 4096 + 8, note, sizeof(note));
	struct gg_vmcoreinfo_scan scan = { .count = 0 };
	assert_success(gg_vmcoreinfo_scan_ram(&scan, &map));
	assert_int_equal(scan.count, NOTES);
	assert_int_equal(scan.missing, ABSENT);
	for (size_t i = 0; i < NOTES; i++)
		assert_int_equal(scan.found[i], i * (WHOLE / (NOTES + 1)) / 4096 * 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("notes are found in ascending order, however many threads read RAM",
			  test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
