// SPDX-License-Identifier: GPL-3.0-or-later
//
// The use of memory in a kernel whose memory is the input, again and again, at every address. Each
// symbol is somewhere in it, and each member somewhere in its type, both by the name.
#include "fuzz.h"

#include "arch/x86/x86.h"
#include "linux/meminfo.h"
#include "memory/kernel-memory.h"

#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0xffff800000000000)

enum { MEMORY_SIZE = 1 << 16, TYPE_SIZE = 256, WORD = 8 };

static uint8_t bytes[MEMORY_SIZE];

static uint32_t hash(const char *text)
{
	uint32_t value = 2166136261u;
	for (; *text; text++)
		value = (value ^ (uint8_t)*text) * 16777619u;
	return value;
}

static struct gg_error *read_memory(void *data, uint64_t address, void *buffer, size_t size)
{
	(void)data;
	const size_t offset = address % MEMORY_SIZE;
	if (size > MEMORY_SIZE - offset)
		return gg_error_fault(address, "nothing is there");
	memcpy(buffer, bytes + offset, size);
	return NULL;
}

static struct gg_error *find_symbol(void *data, const char *name, uint64_t *ret)
{
	(void)data;
	*ret = BASE + hash(name) % (MEMORY_SIZE / 2) / WORD * WORD;
	return NULL;
}

// An enumerator, whose name is in capitals, is a small number.
static struct gg_error *find_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	(void)data;
	const uint32_t place = hash(type) ^ hash(path);
	if (*path >= 'A' && *path <= 'Z')
		*ret = (struct gg_member){ .offset = place % WORD };
	else if (!*path)
		*ret = (struct gg_member){ .size = TYPE_SIZE };
	else if (!strcmp(path, "node_zones"))
		*ret = (struct gg_member){ .size = 2 * TYPE_SIZE };
	else
		*ret = (struct gg_member){ place % (TYPE_SIZE / WORD) * WORD, WORD };
	return NULL;
}

static const struct gg_host_ops ops = { .read = read_memory,
					.symbol = find_symbol,
					.member = find_member };

static void use(const struct gg_answerers *kernel)
{
	struct gg_slab_caches caches;
	struct gg_zone *zones = NULL;
	struct gg_meminfo info;
	size_t count;
	struct gg_error *err = gg_zones_read(kernel, &zones, &count);
	for (size_t i = 0; !err && i < count; i++)
		if (strlen(zones[i].name) >= GG_ZONE_NAME)
			abort();
	if (!err)
		free(zones);
	gg_error_destroy(err);
	err = gg_slab_caches_read(kernel, NULL, &caches);
	for (size_t i = 1; !err && i < caches.count; i++)
		if (caches.caches[i - 1].bytes < caches.caches[i].bytes)
			abort();
	if (!err)
		gg_slab_caches_deinit(&caches);
	gg_error_destroy(err);
	gg_error_destroy(gg_meminfo_read(kernel, &info));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct gg_ram_map map;
	const struct gg_paging paging = { .format = &x86_pages_64, .levels = 4 };
	const struct gg_host host = { .ops = &ops, .address_size = WORD };
	struct gg_answerers kernel = { .host = host, .typed = host };
	kernel.memory.host = host;
	for (size_t at = 0; at < MEMORY_SIZE; at += size ? size : MEMORY_SIZE)
		memcpy(bytes + at, data, size < MEMORY_SIZE - at ? size : MEMORY_SIZE - at);
	if (gg_page_table_create(&map, &paging, &kernel.memory.table) ||
	    gg_symbols_create(&kernel.memory, NULL, &kernel.symbols))
		abort();
	use(&kernel);
	gg_page_table_destroy(kernel.memory.table);
	gg_symbols_destroy(kernel.symbols);
	return 0;
}
