// SPDX-License-Identifier: GPL-3.0-or-later
//
// A hash table of GLib's out of QEMU's memory.
//
// In:  the host.
// Out: keys and values.
// Trusts nothing it reads: the table's mask must fit its size, which is bounded.
#include "hash-table.h"

#include <stdlib.h>

enum {
	WORD = 8,
	HALF = 4,
	MAX_TABLE = 1 << 16, // elements; 820 in QEMU v7.2
	IN_USE = 2,          // the lowest hash of an element
	HEADER = 56,
	BIG_KEYS = 1,
	BIG_VALUES = 2,
};

// The members of struct _GHashTable, as far as they are needed: its size is the first, of 8 bytes or, in
// GLib 2.88, of 4 bytes.
static const struct table_layout {
	unsigned int mask, flags, keys, hashes, values;
} layouts[] = {
	{ .mask = 12, .flags = 24, .keys = 32, .hashes = 40, .values = 48 },
	{ .mask = 8, .flags = 20, .keys = 24, .hashes = 32, .values = 40 },
};

static uint64_t word_at(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;
	for (unsigned int i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static struct gg_error *read_array(const struct arm64_hash_table *table, uint64_t address,
				   unsigned int width, uint8_t **ret)
{
	*ret = malloc(table->size * width);
	return *ret ? gg_host_read(table->host, address, *ret, table->size * width) : gg_enomem;
}

// Finds the layout whose mask fits the size.
static const struct table_layout *layout_of(const uint8_t *header, uint64_t size)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (word_at(header + layouts[i].mask, HALF) == size - 1)
			return &layouts[i];
	return NULL;
}

// Since GLib 2.64 keys and values that fit are of 4 bytes.
struct gg_error *arm64_hash_table_init(struct arm64_hash_table *table, const struct gg_host *host,
				       uint64_t address)
{
	uint8_t header[HEADER];
	*table = (struct arm64_hash_table){ .host = host };
	struct gg_error *err = gg_host_read(host, address, header, sizeof(header));
	if (err)
		return err;
	table->size = word_at(header, HALF);
	const struct table_layout *layout = layout_of(header, table->size);
	const uint64_t flags = layout ? word_at(header + layout->flags, HALF) : 0;
	table->key_size = flags & BIG_KEYS ? WORD : HALF;
	if (!table->size || table->size > MAX_TABLE || !(flags & BIG_VALUES))
		return gg_error_create(GG_BAD_DATA, "no hash table");
	err = read_array(table, word_at(header + layout->keys, WORD), table->key_size,
			 &table->keys);
	if (!err)
		err = read_array(table, word_at(header + layout->hashes, WORD), HALF,
				 &table->hashes);
	if (!err)
		err = read_array(table, word_at(header + layout->values, WORD), WORD,
				 &table->values);
	return err;
}

void arm64_hash_table_deinit(struct arm64_hash_table *table)
{
	free(table->keys);
	free(table->hashes);
	free(table->values);
	*table = (struct arm64_hash_table){ 0 };
}

bool arm64_hash_table_get(const struct arm64_hash_table *table, uint64_t index, uint64_t *key,
			  uint64_t *value)
{
	*key = word_at(table->keys + index * table->key_size, table->key_size);
	*value = word_at(table->values + index * WORD, WORD);
	return word_at(table->hashes + index * HALF, HALF) >= IN_USE;
}
