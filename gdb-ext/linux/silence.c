// SPDX-License-Identifier: GPL-3.0-or-later
//
// CPUs that are silent: an observation, where the kernel itself may not have noticed yet. The next
// timer of a CPU, idle or not, lies in the future (Linux kernel/time/hrtimer.c, the member
// expires_next of hrtimer_cpu_base), or it is overdue: the CPU gets no timer interrupt. A timer on
// each CPU wakes a task on that CPU, which notes the time in watchdog_touch_ts, in units of 2^30 ns
// (kernel/watchdog.c).
//
// In:  the kernel's symbols, types and memory.
// Out: CPUs that are online and silent for longer than watchdog_thresh, half of the time after which
//      the kernel reports a soft lockup.
// Never: a CPU that the watchdog does not watch, by its watchdog. The clock of a CPU's run queue is no
//        sign of life of the CPU, since other CPUs set the clock too; but it tells the time.
#include "vitals.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "per-cpu.h"

enum {
	TOUCH_UNIT = 1 << 30,   // ns
	SOFT_WATCHDOG = 1 << 1, // of watchdog_enabled
	SECOND = 1000000000,
	MOST_SECONDS = 1 << 30,
};

struct layout {
	struct gg_member clock, expires;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, clock, "rq", "clock"),
	GG_LAYOUT_ROW(struct layout, expires, "hrtimer_cpu_base", "expires_next"),
};

struct watch {
	const struct gg_host *host;
	struct layout layout;
	gg_gva_t queues, timers, touched, online, watched; // 0: unknown
	uint64_t threshold;                                // seconds
};

// The signs of life of a CPU, in ns of the log's clock; 0: unknown.
struct signs {
	uint64_t touched, clock;
	uint64_t expires; // the next timer; 0: unknown, or none
};

// Finds the symbol NAME; RET is 0 without.
static struct gg_error *find(const struct gg_host *host, const char *name, gg_gva_t *ret)
{
	struct gg_error *err = gg_host_symbol(host, name, ret);
	if (err)
		*ret = 0;
	return gg_error_unless_final(err);
}

static struct gg_error *read_int(const struct gg_host *host, const char *name, uint64_t *ret)
{
	gg_gva_t address;
	struct gg_error *err = gg_host_symbol(host, name, &address);
	return err ? err : gg_host_read_uint(host, address, sizeof(int32_t), ret);
}

// Prepares WATCH. A threshold of 0 stands for a watchdog that is off.
static struct gg_error *prepare(const struct gg_answerers *kernel, struct watch *watch)
{
	uint64_t enabled = 0;
	*watch = (struct watch){ .host = &kernel->host };
	struct gg_error *err = gg_layout_resolve(&kernel->typed, rows, sizeof(rows) / sizeof(*rows),
						 &watch->layout);
	err = err ? gg_error_unless_final(err) : find(watch->host, "runqueues", &watch->queues);
	if (!err && watch->queues)
		err = find(watch->host, "hrtimer_bases", &watch->timers);
	if (!err)
		err = find(watch->host, "watchdog_touch_ts", &watch->touched);
	if (!err)
		err = find(watch->host, "__cpu_online_mask", &watch->online);
	if (!err)
		err = find(watch->host, "watchdog_allowed_mask", &watch->watched);
	if (!err) {
		err = read_int(watch->host, "watchdog_thresh", &watch->threshold);
		if (!err)
			err = read_int(watch->host, "watchdog_enabled", &enabled);
		if (err || !(enabled & SOFT_WATCHDOG) || !watch->watched)
			watch->touched = 0;
		err = gg_error_unless_final(err);
	}
	return err;
}

// Reads the signs of the CPU; those that are unknown, or nonsense, are 0.
static struct gg_error *read_signs(const struct watch *watch, size_t cpu, uint64_t offset,
				   struct signs *ret)
{
	bool is_online = false, is_watched = false;
	*ret = (struct signs){ 0 };
	struct gg_error *err =
		watch->online ? gg_cpu_mask_read(watch->host, watch->online, cpu, &is_online)
			      : NULL;
	if (err || !is_online || !offset)
		return err;
	if (watch->touched)
		err = gg_cpu_mask_read(watch->host, watch->watched, cpu, &is_watched);
	if (!err && is_watched)
		err = gg_host_read_uint(watch->host, watch->touched + offset,
					watch->host->address_size, &ret->touched);
	// 0 and ~0 ask for a look that does not count.
	ret->touched = ret->touched < MOST_SECONDS ? ret->touched * TOUCH_UNIT : 0;
	if (!err && watch->queues)
		err = gg_host_read_member(watch->host, watch->queues + offset, &watch->layout.clock,
					  &ret->clock);
	if (!err && watch->timers)
		err = gg_host_read_member(watch->host, watch->timers + offset,
					  &watch->layout.expires, &ret->expires);
	if (ret->clock / SECOND > MOST_SECONDS)
		ret->clock = 0;
	return err;
}

// Finds how long the time is past, in seconds.
static uint64_t age(uint64_t now, uint64_t time)
{
	return now > time ? (now - time) / SECOND : 0;
}

// Adds the CPU to RET's silent CPUs where it is silent.
static struct gg_error *judge(const struct watch *watch, size_t cpu, const struct signs *signs,
			      struct gg_verdict *ret)
{
	const uint64_t now = (uint64_t)ret->now.value;
	const uint64_t overdue = signs->expires ? age(now, signs->expires) : 0;
	const bool is_ticking = overdue < watch->threshold;
	const uint64_t untouched = signs->touched ? age(now, signs->touched + TOUCH_UNIT) : 0;
	const uint64_t seconds = is_ticking ? untouched : overdue;
	if (!watch->threshold || seconds < watch->threshold)
		return NULL;
	struct gg_error *err =
		gg_vector_grow(&ret->silent, ret->silent_count, sizeof(*ret->silent));
	if (!err)
		ret->silent[ret->silent_count++] = (struct gg_silent_cpu){ .number = (uint32_t)cpu,
									   .seconds = seconds,
									   .ticks = is_ticking };
	return err;
}

static void see_life(uint64_t time, struct gg_known *now)
{
	if (time && (!now->is_known || time > (uint64_t)now->value))
		*now = (struct gg_known){ .is_known = true, .value = (int64_t)time };
}

static struct gg_error *read_all(const struct watch *watch, const uint64_t *offsets, size_t count,
				 struct gg_verdict *ret)
{
	_cleanup_free_ struct signs *signs = calloc(count + 1, sizeof(*signs));
	struct gg_error *err = signs ? NULL : gg_enomem;
	for (size_t i = 0; !err && i < count; i++) {
		err = read_signs(watch, i, offsets[i], &signs[i]);
		see_life(signs[i].touched, &ret->now);
		see_life(signs[i].clock, &ret->now);
	}
	for (size_t i = 0; !err && i < count && ret->now.is_known; i++)
		err = judge(watch, i, &signs[i], ret);
	return err;
}

struct gg_error *gg_silence_read(const struct gg_answerers *kernel, struct gg_verdict *ret)
{
	struct watch watch;
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count = 0;
	struct gg_error *err = prepare(kernel, &watch);
	if (!err)
		err = gg_per_cpu_offsets(kernel->symbols, &offsets, &count);
	if (!err)
		err = read_all(&watch, offsets, count, ret);
	return gg_error_unless_final(err);
}
