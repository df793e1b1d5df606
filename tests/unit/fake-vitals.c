// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-vitals.h"

#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0xffffffff81000000)

enum { WORD = 8, INT = 4, NS = 1000000000, PER_CPU = 0x400 };

static const struct {
	const char *name;
	uint64_t offset, size;
} symbols[] = {
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

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	(void)data;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		if (strcmp(symbols[i].name, name))
			continue;
		*ret = (struct gg_symbol){ .name = name,
					   .type = 'D',
					   .address = BASE + symbols[i].offset,
					   .size = symbols[i].size };
		return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "no %s", name);
}

static void destroy(void *data)
{
	(void)data;
}

static void put(uint8_t *where, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		where[i] = (uint8_t)(value >> 8 * i);
}

static void write_variables(uint8_t *memory)
{
	static const char flags[][3] = { { 'P', 'G', 1 }, { 'F', ' ', 1 }, { 'S', ' ', 0 },
					 { 'R', ' ', 0 }, { 'M', ' ', 0 }, { 'B', ' ', 0 },
					 { 'U', ' ', 0 }, { 'D', ' ', 0 }, { 'A', ' ', 0 },
					 { 'W', ' ', 0 } };
	put(memory + FAKE_PANIC_CPU, INT, UINT32_MAX);
	put(memory + FAKE_AVENRUN, WORD, 2048 * 3 / 2);
	put(memory + FAKE_ONLINE, WORD, 7);
	put(memory + FAKE_ALLOWED, WORD, 7);
	put(memory + FAKE_THRESH, INT, 10);
	put(memory + FAKE_ENABLED, INT, 2);
	put(memory + FAKE_CPU_IDS, INT, FAKE_CPUS);
	memcpy(memory + FAKE_TAINT_FLAGS, flags, sizeof(flags));
	for (unsigned int i = 0; i < FAKE_CPUS; i++) {
		uint8_t *area = memory + FAKE_AREAS + (size_t)PER_CPU * (i + 1);
		put(memory + FAKE_OFFSETS + WORD * i, WORD, (uint64_t)PER_CPU * (i + 1));
		put(area + FAKE_TOUCHED, WORD, UINT64_C(100) * NS >> 30);
		put(area + FAKE_CLOCK, WORD, UINT64_C(100) * NS);
		put(area + FAKE_EXPIRES, WORD, UINT64_C(101) * NS);
	}
}

void fake_vitals_init(struct fake_vitals *vitals)
{
	static const struct gg_symbol_finder_ops ops = { .find = find, .destroy = destroy };
	const struct gg_symbol_finder finder = { .name = "fake", .order = 1, .ops = &ops };
	void *memory = NULL;
	*vitals = (struct fake_vitals){ 0 };
	struct gg_answerers *answerers = &vitals->answerers;
	if (gg_bytes_host_create(&vitals->bytes) ||
	    gg_bytes_host_add_memory(vitals->bytes, BASE, FAKE_VITALS_SIZE, &memory))
		abort();
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++)
		if (gg_bytes_host_add_symbol(vitals->bytes, symbols[i].name,
					     BASE + symbols[i].offset))
			abort();
	if (gg_bytes_host_add_member(vitals->bytes, "rq", "clock", FAKE_CLOCK, WORD) ||
	    gg_bytes_host_add_member(vitals->bytes, "hrtimer_cpu_base", "expires_next",
				     FAKE_EXPIRES, WORD))
		abort();
	vitals->memory = memory;
	write_variables(vitals->memory);
	answerers->memory.host = *gg_bytes_host(vitals->bytes);
	answerers->host = answerers->typed = answerers->memory.host;
	if (gg_symbols_create(&answerers->memory, NULL, &answerers->symbols) ||
	    gg_symbols_add(answerers->symbols, &finder) ||
	    gg_types_create(answerers->symbols, NULL, &answerers->types))
		abort();
}

void fake_vitals_deinit(struct fake_vitals *vitals)
{
	gg_types_destroy(vitals->answerers.types);
	gg_symbols_destroy(vitals->answerers.symbols);
	gg_bytes_host_destroy(vitals->bytes);
	*vitals = (struct fake_vitals){ 0 };
}
