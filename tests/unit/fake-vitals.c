// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-vitals.h"

#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0xffffffff81000000)

enum { WORD = 8, INT = 4, NS = 1000000000, PER_CPU = 0x400 };

static const struct fake_variable variables[] = {
	{ "panic_cpu", FAKE_PANIC_CPU, 8 },
	{ "tainted_mask", FAKE_TAINTED_MASK, 8 },
	{ "oops_count", FAKE_OOPS_COUNT, 4 },
	{ "die_counter", FAKE_DIE_COUNTER, 4 },
	{ "warn_count", FAKE_WARN_COUNT, 8 },
	{ "sysctl_hung_task_detect_count", FAKE_HUNG_COUNT, 8 },
	{ "avenrun", FAKE_AVENRUN, 24 },
	{ "__cpu_online_mask", FAKE_ONLINE, 8 },
	{ "watchdog_allowed_mask", FAKE_ALLOWED, 8 },
	{ "watchdog_thresh", FAKE_THRESH, 8 },
	{ "watchdog_enabled", FAKE_ENABLED, 4 },
	{ "nr_cpu_ids", FAKE_CPU_IDS, 4 },
	{ "__per_cpu_offset", FAKE_OFFSETS, FAKE_CPUS *WORD },
	{ "taint_flags", FAKE_TAINT_FLAGS, FAKE_TAINT_SIZE },
	{ "watchdog_touch_ts", FAKE_AREAS + FAKE_TOUCHED, 8 },
	{ "runqueues", FAKE_AREAS, FAKE_AREA },
	{ "hrtimer_bases", FAKE_AREAS, FAKE_AREA },
};

static const struct fake_member members[] = {
	{ "rq", "clock", FAKE_CLOCK, WORD },
	{ "hrtimer_cpu_base", "expires_next", FAKE_EXPIRES, WORD },
};

static const struct fake_parts parts = {
	.base = BASE,
	.size = FAKE_VITALS_SIZE,
	.variables = variables,
	.variable_count = sizeof(variables) / sizeof(*variables),
	.members = members,
	.member_count = sizeof(members) / sizeof(*members),
};

static void write_variables(const struct fake_answerers *fake)
{
	static const char flags[][3] = { { 'P', 'G', 1 }, { 'F', ' ', 1 }, { 'S', ' ', 0 },
					 { 'R', ' ', 0 }, { 'M', ' ', 0 }, { 'B', ' ', 0 },
					 { 'U', ' ', 0 }, { 'D', ' ', 0 }, { 'A', ' ', 0 },
					 { 'W', ' ', 0 } };
	fake_put(fake, FAKE_PANIC_CPU, INT, UINT32_MAX);
	fake_put(fake, FAKE_AVENRUN, WORD, 2048 * 3 / 2);
	fake_put(fake, FAKE_ONLINE, WORD, 7);
	fake_put(fake, FAKE_ALLOWED, WORD, 7);
	fake_put(fake, FAKE_THRESH, INT, 10);
	fake_put(fake, FAKE_ENABLED, INT, 2);
	fake_put(fake, FAKE_CPU_IDS, INT, FAKE_CPUS);
	memcpy(fake->memory + FAKE_TAINT_FLAGS, flags, sizeof(flags));
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		const size_t area = FAKE_AREAS + (size_t)PER_CPU * (i + 1);
		fake_put(fake, FAKE_OFFSETS + WORD * i, WORD, (uint64_t)PER_CPU * (i + 1));
		fake_put(fake, area + FAKE_TOUCHED, WORD, UINT64_C(100) * NS >> 30);
		fake_put(fake, area + FAKE_CLOCK, WORD, UINT64_C(100) * NS);
		fake_put(fake, area + FAKE_EXPIRES, WORD, UINT64_C(101) * NS);
	}
}

void fake_vitals_init(struct fake_vitals *vitals)
{
	struct gg_answerers *answerers = &vitals->answerers;
	*vitals = (struct fake_vitals){ 0 };
	fake_answerers_init(&vitals->fake, &parts, answerers);
	vitals->memory = vitals->fake.memory;
	write_variables(&vitals->fake);
	if (gg_types_create(answerers->symbols, NULL, &answerers->types))
		abort();
}

void fake_vitals_deinit(struct fake_vitals *vitals)
{
	gg_types_destroy(vitals->answerers.types);
	fake_answerers_deinit(&vitals->fake, &vitals->answerers);
	*vitals = (struct fake_vitals){ 0 };
}
