// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's timekeeper (include/linux/timekeeper_internal.h, struct timekeeper) has, since
// v3.17, side by side
//
//     struct timespec64 wall_to_monotonic;
//     ktime_t offs_real, offs_boot, offs_tai;
//
// at an offset that differs from version to version, and that VMCOREINFO has not. The first two
// say the same, offs_tai is offs_real and whole seconds: that is how they are found. Before them
// are, since v3.19, the times of the last update in seconds, xtime_sec and ktime_sec, which differ
// by wall_to_monotonic.
//
// In:  the kernel's symbols and memory.
// Out: offs_real less offs_boot; the times of the last update.
// Trusts nothing it reads: a timekeeper of nonsense is none.
#include "wall-clock.h"

#include <inttypes.h>

enum { SECOND = 1000000000, MEMBER_SIZE = 8, MEMBERS = 5, BOOT = 3, SEARCHED = 512 };

// tk_core became timekeeper_data[0] in v6.17.
static const char *const names[] = { "tk_core", "timekeeper_data" };

static struct gg_error *find_timekeeper(struct gg_symbols *symbols, struct gg_symbol *ret)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct gg_error *other = gg_symbols_find(symbols, names[i], ret);
		if (!other || gg_error_is_final(other)) {
			gg_error_destroy(err);
			return other;
		}
		if (err)
			gg_error_destroy(other);
		else
			err = other;
	}
	return err;
}

// Tests whether the five words may be the members; the result is 0 where they may not.
static int64_t offset_of(const uint64_t words[MEMBERS])
{
	const uint64_t most = UINT64_C(1) << 33; // seconds, some 270 years
	const uint64_t seconds = 0 - words[0], real = words[2], boot = words[BOOT], tai = words[4];
	if (!seconds || seconds >= most || words[1] >= SECOND)
		return 0;
	if (real != seconds * SECOND - words[1] || boot >= real)
		return 0;
	const uint64_t leap = tai - real;
	return leap % SECOND || leap / SECOND > 1000 ? 0 : (int64_t)(real - boot);
}

// Reads COUNT words of BYTES from the offset AT on.
static struct gg_error *read_words(struct gg_cursor *bytes, uint64_t at, uint64_t *words,
				   size_t count)
{
	struct gg_error *err = gg_cursor_seek(bytes, at);
	for (size_t i = 0; !err && i < count; i++)
		err = gg_cursor_uint(bytes, MEMBER_SIZE, &words[i]);
	return err;
}

// Reads the times before the members at the offset AT, WALL_TO_MONOTONIC being the first member.
static struct gg_error *read_times(struct gg_cursor *bytes, uint64_t at, uint64_t wall_to_monotonic,
				   uint64_t boot, struct gg_wall_clock *ret)
{
	enum { XTIME, KTIME, TIMES };
	uint64_t times[TIMES];
	if (at < sizeof(times))
		return NULL;
	struct gg_error *err = read_words(bytes, at - sizeof(times), times, TIMES);
	// The nanoseconds may add up to a second.
	const uint64_t carry = err ? 0 : times[KTIME] - times[XTIME] - wall_to_monotonic;
	ret->has_seconds = !err && carry <= 1;
	if (ret->has_seconds) {
		ret->seconds = times[XTIME];
		ret->uptime = times[KTIME] + boot / SECOND;
	}
	return err;
}

struct gg_error *gg_wall_clock_search(struct gg_cursor *bytes, struct gg_wall_clock *ret)
{
	*ret = (struct gg_wall_clock){ 0 };
	for (uint64_t at = 0; at + MEMBERS * MEMBER_SIZE <= bytes->size; at += MEMBER_SIZE) {
		uint64_t words[MEMBERS];
		struct gg_error *err = read_words(bytes, at, words, MEMBERS);
		const int64_t found = err ? 0 : offset_of(words);
		if (found && ret->offset && found != ret->offset)
			err = gg_error_create(GG_BAD_DATA,
					      "it may be %" PRId64 " or %" PRId64
					      " nanoseconds from 1970",
					      ret->offset, found);
		if (!err && found && !ret->offset)
			err = read_times(bytes, at, words[0], words[BOOT], ret);
		if (err)
			return err;
		ret->offset = found ? found : ret->offset;
	}
	return ret->offset
		       ? NULL
		       : gg_error_create(GG_NOT_FOUND, "it was never set, or is of another layout");
}

struct gg_error *gg_wall_clock_find(struct gg_symbols *symbols, int64_t *ret)
{
	struct gg_wall_clock clock;
	struct gg_error *err = gg_wall_clock_read(symbols, &clock);
	if (!err)
		*ret = clock.offset;
	return err;
}

struct gg_error *gg_wall_clock_read(struct gg_symbols *symbols, struct gg_wall_clock *ret)
{
	struct gg_symbol timekeeper;
	uint8_t bytes[SEARCHED];
	struct gg_error *err = find_timekeeper(symbols, &timekeeper);
	if (err)
		return err;
	const struct gg_host *host = gg_symbols_host(symbols);
	if (host->address_size != MEMBER_SIZE)
		return gg_error_create(GG_UNSUPPORTED, "a kernel of 32 bits");
	const size_t size =
		timekeeper.size && timekeeper.size < SEARCHED ? timekeeper.size : SEARCHED;
	err = gg_host_read(host, timekeeper.address, bytes, size);
	struct gg_cursor cursor = gg_cursor(bytes, size, host->big_endian, timekeeper.name);
	if (!err)
		err = gg_wall_clock_search(&cursor, ret);
	return err ? gg_error_context(err, "%s", timekeeper.name) : NULL;
}
