// SPDX-License-Identifier: GPL-3.0-or-later
//
// System registers of AArch64 out of QEMU's CPU, by the table that it has of them: ARMCPU.cp_regs, a
// GHashTable by number, whose values are ARMCPRegInfo (QEMU
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
#include "hash-table.h"

#include <string.h>

enum {
	WORD = 8,
	MAX_NAME = 32,
	INFO_WORDS = 16,
	MAX_STATE = 1 << 20,
	BEFORE_INDEXES = 32, // from cp_regs to cpreg_vmstate_indexes in ARMCPU
};

static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t value = 0;
	for (unsigned int i = WORD; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

// Returns QEMU's number of a register (target/arm/cpregs.h: ENCODE_AA64_CP_REG).
static uint64_t number_of(const struct arm64_system_register *row)
{
	enum { AA64 = 1 << 28, COPROCESSOR = 0x13 << 16 };
	return AA64 | COPROCESSOR | row->op0 << 14 | row->op1 << 11 | row->crn << 7 |
	       row->crm << 3 | row->op2;
}

// Finds the ARMCPRegInfo of ROW: its first INFO_WORDS words.
static struct gg_error *find_info(const struct arm64_hash_table *table,
				  const struct arm64_system_register *row, uint64_t ret[INFO_WORDS])
{
	uint8_t bytes[INFO_WORDS * WORD];
	const uint64_t wanted = number_of(row);
	uint64_t at = 0, key, address = 0;
	while (at < table->size &&
	       !(arm64_hash_table_get(table, at, &key, &address) && key == wanted))
		at++;
	if (at == table->size)
		return gg_error_create(GG_NOT_FOUND, "no entry of %s", row->name);
	struct gg_error *err = gg_host_read(table->host, address, bytes, sizeof(bytes));
	if (err)
		return err;
	for (unsigned int i = 0; i < INFO_WORDS; i++)
		ret[i] = word_at(bytes + i * WORD);
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
static struct gg_error *find_column(const struct arm64_hash_table *table, uint64_t state,
				    unsigned int *ret)
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

// The place of the CPUs' registers.
struct place {
	uint64_t cpu, state; // of the CPU, of CPUARMState in it
	unsigned int column; // the word of an ARMCPRegInfo that is the offset in CPUARMState
};

static struct gg_error *read_rows(const struct arm64_hash_table *table, const struct place *place,
				  const struct arm64_system_register *rows, size_t count,
				  struct gg_registers *registers)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++) {
		const struct arm64_system_register *row = &rows[i];
		uint64_t words[INFO_WORDS], value;
		err = find_info(table, row, words);
		if (!err && words[place->column] && words[place->column] < MAX_STATE)
			err = gg_host_read_uint(table->host,
						place->cpu + place->state + words[place->column],
						WORD, &value);
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
	struct arm64_hash_table table = { 0 };
	struct gg_member first;
	uint64_t pointer, address;
	// CPUARMState begins with these.
	struct gg_error *err = host->ops->member(host->data, "ARMCPU", "env.regs", &first);
	if (!err)
		err = find_pointer(host, &pointer);
	if (!err)
		err = gg_host_read_uint(host, cpu->address + pointer, WORD, &address);
	if (!err)
		err = arm64_hash_table_init(&table, host, address);
	struct place place = { .cpu = cpu->address };
	if (!err) {
		place.state = first.offset;
		err = find_column(&table, place.state, &place.column);
	}
	if (!err)
		err = read_rows(&table, &place, arm64_system_registers, arm64_system_register_count,
				registers);
	if (!err)
		err = read_rows(&table, &place, arm64_vector_controls, arm64_vector_control_count,
				registers);
	arm64_hash_table_deinit(&table);
	return gg_error_unless_final(err);
}
