// SPDX-License-Identifier: GPL-3.0-or-later
//
// System registers of AArch64 out of QEMU's CPU, by the table that it has of them: ARMCPU.cp_regs, a
// GHashTable (GLib glib/ghash.c, v2.74 and v2.88) by number, whose values are ARMCPRegInfo (QEMU
// target/arm/cpregs.h), with a name and the register's offset in CPUARMState. The arrays that QEMU saves
// on migration have these registers too, but under TCG they are as old as the last migration.
//
// The conditions on the data: the table's mask fits its size; a number's entry has the number's name; the word of an entry that is its
// offset gives the registers ELR_EL1 and SP_EL0 the places that QEMU's own types or migration tables
// give them.
//
// In:  the host.
// Out: registers; a QEMU in which a condition does not hold has none.
// Trusts nothing it reads: sizes are bounded.
#include "arm64.h"
#include "base/cleanup.h"
#include "host/host.h"

#include <string.h>

enum {
	WORD = 8,
	HALF = 4,
	MAX_TABLE = 1 << 16, // entries; 820 in v7.2
	MAX_NAME = 32,
	INFO_WORDS = 16,
	MAX_STATE = 1 << 20,
	IN_USE = 2, // the lowest hash of an entry
	HEADER = 56,
	BEFORE_INDEXES = 32, // from cp_regs to cpreg_vmstate_indexes in ARMCPU
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

struct table {
	const struct gg_host *host;
	uint64_t size;
	uint8_t *keys, *hashes, *values;
	unsigned int key_size;
};

static void table_deinit(struct table *table)
{
	free(table->keys);
	free(table->hashes);
	free(table->values);
}

static uint64_t word_at(const uint8_t *bytes, unsigned int size)
{
	uint64_t value = 0;
	for (unsigned int i = size; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static struct gg_error *read_array(const struct table *table, uint64_t address, unsigned int width,
				   uint8_t **ret)
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

// Reads the table at ADDRESS. Since GLib 2.64 keys and values that fit are of 4 bytes.
static struct gg_error *read_table(struct table *table, uint64_t address)
{
	uint8_t header[HEADER];
	struct gg_error *err = gg_host_read(table->host, address, header, sizeof(header));
	if (err)
		return err;
	table->size = word_at(header, HALF);
	const struct table_layout *layout = layout_of(header, table->size);
	const uint64_t flags = layout ? word_at(header + layout->flags, HALF) : 0;
	table->key_size = flags & BIG_KEYS ? WORD : HALF;
	if (!table->size || table->size > MAX_TABLE || !(flags & BIG_VALUES))
		return gg_error_create(GG_BAD_DATA, "no table of registers");
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

// Returns QEMU's number of a register (target/arm/cpregs.h: ENCODE_AA64_CP_REG).
static uint64_t number_of(const struct arm64_system_register *row)
{
	enum { AA64 = 1 << 28, COPROCESSOR = 0x13 << 16 };
	return AA64 | COPROCESSOR | row->op0 << 14 | row->op1 << 11 | row->crn << 7 |
	       row->crm << 3 | row->op2;
}

// Finds the ARMCPRegInfo of ROW: its first INFO_WORDS words.
static struct gg_error *find_info(const struct table *table,
				  const struct arm64_system_register *row, uint64_t ret[INFO_WORDS])
{
	uint8_t bytes[INFO_WORDS * WORD];
	const uint64_t wanted = number_of(row);
	uint64_t at = 0;
	while (at < table->size &&
	       (word_at(table->hashes + at * HALF, HALF) < IN_USE ||
		word_at(table->keys + at * table->key_size, table->key_size) != wanted))
		at++;
	if (at == table->size)
		return gg_error_create(GG_NOT_FOUND, "no entry of %s", row->name);
	struct gg_error *err = gg_host_read(table->host, word_at(table->values + at * WORD, WORD),
					    bytes, sizeof(bytes));
	if (err)
		return err;
	for (unsigned int i = 0; i < INFO_WORDS; i++)
		ret[i] = word_at(bytes + i * WORD, WORD);
	_cleanup_free_ char *name = NULL;
	err = gg_host_read_text(table->host, ret[0], MAX_NAME, &name);
	if (!err && strcmp(name, row->name) != 0 && strcmp(name, row->old_name) != 0)
		err = gg_error_create(GG_BAD_DATA, "the entry of %s has another name", row->name);
	return err;
}

static const struct arm64_system_register *row_of(enum arm64_register id)
{
	size_t i = 0;
	while (arm64_system_registers[i].id != id)
		i++;
	return &arm64_system_registers[i];
}

// Finds the word of an ARMCPRegInfo that is the offset in CPUARMState, which is at STATE in ARMCPU.
static struct gg_error *find_column(const struct table *table, uint64_t state, unsigned int *ret)
{
	uint64_t elr_words[INFO_WORDS], sp_words[INFO_WORDS];
	struct gg_member elr, sp;
	const struct gg_host *host = table->host;
	struct gg_error *err = host->ops->member(host->data, "ARMCPU", "env.elr_el", &elr);
	if (!err)
		err = host->ops->member(host->data, "ARMCPU", "env.sp_el", &sp);
	if (!err)
		err = find_info(table, row_of(ARM64_ELR), elr_words);
	if (!err)
		err = find_info(table, row_of(ARM64_SP_EL0), sp_words);
	if (err)
		return err;
	for (unsigned int i = 1; i < INFO_WORDS; i++)
		if (elr_words[i] == elr.offset + WORD - state && sp_words[i] == sp.offset - state) {
			*ret = i;
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "no word of an entry is the register's offset");
}

// Finds the place of the pointer to the table.
static struct gg_error *find_pointer(const struct gg_host *host, uint64_t *ret)
{
	struct gg_member member;
	struct gg_error *err = host->ops->member(host->data, "ARMCPU", "cp_regs", &member);
	if (!err || gg_error_is_final(err)) {
		*ret = err ? 0 : member.offset;
		return err;
	}
	gg_error_destroy(err);
	err = host->ops->member(host->data, "ARMCPU", "cpreg_vmstate_indexes", &member);
	if (!err && member.offset < BEFORE_INDEXES)
		err = gg_error_create(GG_BAD_DATA, "no room for cp_regs");
	*ret = err ? 0 : member.offset - BEFORE_INDEXES;
	return err;
}

static struct gg_error *read_all(const struct table *table, uint64_t cpu, uint64_t state,
				 struct gg_registers *registers)
{
	unsigned int column = 0;
	struct gg_error *err = find_column(table, state, &column);
	for (size_t i = 0; !err && i < arm64_system_register_count; i++) {
		const struct arm64_system_register *row = &arm64_system_registers[i];
		uint64_t words[INFO_WORDS], value;
		err = find_info(table, row, words);
		if (!err && words[column] && words[column] < MAX_STATE)
			err = gg_host_read_uint(table->host, cpu + state + words[column], WORD,
						&value);
		else if (!err)
			continue;
		if (!err)
			gg_register_set(registers, row->id, value);
		else
			err = gg_error_unless_final(err);
	}
	return err;
}

struct gg_error *arm64_read_system(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				   struct gg_registers *registers)
{
	struct table table = { .host = host };
	struct gg_member first;
	uint64_t pointer, address;
	// CPUARMState begins with these.
	struct gg_error *err = host->ops->member(host->data, "ARMCPU", "env.regs", &first);
	if (!err)
		err = find_pointer(host, &pointer);
	if (!err)
		err = gg_host_read_uint(host, cpu->address + pointer, WORD, &address);
	if (!err)
		err = read_table(&table, address);
	if (!err)
		err = read_all(&table, cpu->address, first.offset, registers);
	table_deinit(&table);
	return gg_error_unless_final(err);
}
