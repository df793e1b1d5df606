// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's symbols, and guest memory by virtual address, as a caller sees them.
#include "base/cleanup.h"
#include "guest.h"
#include "linux/modules/modules.h"
#include "linux/tasks/cpu-place.h"
#include "tasks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

// ---- Symbols ----

static struct gg_error *find_symbols(struct gg_guest *guest, struct gg_symbols **ret)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, NULL, &kernel);
	if (!err)
		*ret = kernel->symbols;
	return err;
}

struct gg_error *gg_guest_symbol(struct gg_guest *guest, const char *name, gg_gva_t *ret)
{
	struct gg_symbols *symbols = NULL;
	struct gg_symbol symbol;
	struct gg_error *err = find_symbols(guest, &symbols);
	if (!err)
		err = gg_symbols_find_everywhere(symbols, name, &symbol);
	if (!err)
		*ret = symbol.address;
	return err;
}

struct gg_error *gg_guest_symbol_at(struct gg_guest *guest, gg_gva_t address, struct gg_symbol *ret)
{
	struct gg_symbols *symbols = NULL;
	struct gg_error *err = find_symbols(guest, &symbols);
	return err ? err : gg_symbols_at(symbols, address, ret);
}

struct gg_error *gg_guest_symbols(struct gg_guest *guest, gg_visit_symbol_fn *visit, void *data)
{
	struct gg_symbols *symbols = NULL;
	struct gg_error *err = find_symbols(guest, &symbols);
	return err ? err : gg_symbols_visit(symbols, visit, data);
}

struct gg_error *gg_guest_complete_symbol(struct gg_guest *guest, const char *prefix, size_t limit,
					  gg_visit_name_fn *visit, void *data)
{
	struct gg_symbols *symbols = NULL;
	struct gg_error *err = find_symbols(guest, &symbols);
	return err ? err : gg_symbols_complete(symbols, prefix, limit, visit, data);
}

// ---- Per-CPU variables ----

static struct gg_error *no_cpu(const struct gg_qemu_cpus *cpus, int64_t index)
{
	uint32_t low = UINT32_MAX, high = 0;
	for (size_t i = 0; i < cpus->count; i++) {
		const uint32_t other = cpus->cpus[i].index;
		low = other < low ? other : low;
		high = other > high ? other : high;
	}
	return gg_error_create(GG_NOT_FOUND,
			       "there is no CPU %" PRId64 "; there are %zu from %" PRIu32
			       " to %" PRIu32,
			       index, cpus->count, low, high);
}

static struct gg_error *find_cpu(struct gg_guest *guest, int64_t index,
				 const struct gg_qemu_cpu **ret)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	for (size_t i = 0; !err && i < cpus->count; i++)
		if (cpus->cpus[i].index == index) {
			*ret = &cpus->cpus[i];
			return NULL;
		}
	return err ? err : no_cpu(cpus, index);
}

struct gg_error *gg_guest_per_cpu(struct gg_guest *guest, uint32_t cpu, struct gg_per_cpu *ret)
{
	const struct gg_qemu_cpu *qemu_cpu;
	const struct gg_kernel *kernel;
	struct gg_cpu_state state;
	struct gg_error *err = find_cpu(guest, cpu, &qemu_cpu);
	if (!err)
		err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (err)
		return err;
	err = gg_guest_cpu_state(guest, qemu_cpu, &state);
	const bool is_read = !err;
	err = gg_error_unless_final(err);
	return err ? err
		   : gg_tasks_place_cpu(&kernel->answerers, is_read ? &state.own : NULL, cpu, ret);
}

static struct gg_error *tell_number(const struct gg_per_cpu *per_cpu, uint32_t index,
				    const struct gg_notices *notices)
{
	if (per_cpu->is_confirmed && per_cpu->number == index)
		return NULL;
	if (per_cpu->is_confirmed)
		return gg_tell(notices, "QEMU's CPU %" PRIu32 " is the kernel's CPU %" PRIu32,
			       index, per_cpu->number);
	return gg_tell(notices,
		       "no register of CPU %" PRIu32
		       " says where its per-CPU memory is: that of the kernel's CPU %" PRIu32,
		       index, per_cpu->number);
}

static struct gg_error *add_offset(struct gg_guest *guest, int64_t cpu,
				   const struct gg_notices *notices, struct gg_symbol *symbol)
{
	const struct gg_qemu_cpu *qemu_cpu;
	struct gg_per_cpu per_cpu;
	struct gg_error *err = find_cpu(guest, cpu, &qemu_cpu);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		// The symbol was found.
		struct gg_error *invalid = gg_error_create(GG_INVALID, "%s", gg_error_message(err));
		gg_error_destroy(err);
		err = invalid;
	}
	if (!err)
		err = gg_guest_per_cpu(guest, (uint32_t)cpu, &per_cpu);
	if (!err)
		err = tell_number(&per_cpu, (uint32_t)cpu, notices);
	if (!err)
		symbol->address += per_cpu.offset;
	return err;
}

// Tests whether SYMBOL, of a module, is a per-CPU variable.
static bool is_per_cpu_of_module(struct gg_guest *guest, const struct gg_symbol *symbol)
{
	const struct gg_kernel *kernel;
	const struct gg_module_list *list;
	struct gg_error *err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (!err)
		err = gg_modules_list(&kernel->answerers, &list);
	const struct gg_module *module = err ? NULL : gg_modules_named(list, symbol->module);
	gg_error_destroy(err);
	return module && symbol->address - module->per_cpu < module->per_cpu_size;
}

static bool is_per_cpu(struct gg_guest *guest, struct gg_symbols *symbols,
		       const struct gg_symbol *symbol)
{
	if (symbol->module)
		return is_per_cpu_of_module(guest, symbol);
	// VMCOREINFO has none, and costs no look at kallsyms.
	return symbol->size && gg_is_per_cpu(symbols, symbol->address);
}

struct gg_error *gg_guest_find_symbol(struct gg_guest *guest, const char *name, int64_t cpu,
				      const struct gg_notices *notices, struct gg_symbol *ret)
{
	struct gg_symbols *symbols = NULL;
	struct gg_error *err = find_symbols(guest, &symbols);
	if (!err)
		err = gg_symbols_find_everywhere(symbols, name, ret);
	if (err || !is_per_cpu(guest, symbols, ret))
		return err;
	if (cpu == GG_KERNEL_TABLES)
		return gg_error_create(GG_INVALID,
				       "%s is a per-CPU variable: -cpu N has that of CPU N", name);
	return add_offset(guest, cpu, notices, ret);
}

// ---- Address spaces ----

struct gg_address_space {
	int64_t cpu;
	const struct gg_ram_map *map;
	struct gg_page_table *table;
	bool owns_table;  // else it is the kernel's
	bool is_physical; // the CPU's paging is off
};

void gg_address_space_destroy(struct gg_address_space *space)
{
	if (!space)
		return;
	if (space->owns_table)
		gg_page_table_destroy(space->table);
	free(space);
}

static void cleanup_space(struct gg_address_space **space)
{
	gg_address_space_destroy(*space);
}

// AMD's SME has a bit in every entry; a kernel's VMCOREINFO tells which.
static uint64_t ignored_bits(struct gg_guest *guest)
{
	return guest->kernel ? guest->kernel->paging.paging.ignored_bits : 0;
}

// Tells where the CPU has other page tables than those with which it executes the guest's code.
static struct gg_error *tell_mode(const struct gg_notices *notices, const struct gg_arch *arch,
				  const struct gg_qemu_cpu *cpu, const struct gg_cpu_state *state)
{
	const enum gg_nesting nesting = state->nesting;
	const char *firmware_mode = gg_arch_firmware_mode(arch, &state->own);
	if (firmware_mode)
		return gg_tell(
			notices,
			"CPU %" PRIu32
			" is in %s: addresses are the firmware's, not those of the kernel that "
			"it interrupted",
			cpu->index, firmware_mode);
	if (nesting == GG_NESTED)
		return gg_tell(notices,
			       "CPU %" PRIu32 " executes a nested guest: these are the guest's own "
			       "page tables, to which the CPU returns",
			       cpu->index);
	if (nesting == GG_MAYBE_NESTED)
		return gg_tell(notices,
			       "CPU %" PRIu32
			       " may execute a nested guest, which QEMU's monitor does not show: "
			       "these page tables may be the nested guest's",
			       cpu->index);
	return NULL;
}

// Tests whether the registers may not be those that CPU has.
static bool is_doubtful(const struct gg_qemu_cpu *cpu)
{
	return cpu->freshness == GG_STALE || cpu->freshness == GG_UNKNOWN;
}

// GG_UNSUPPORTED with the reason for which CPU's page tables are not known, if they are not.
static struct gg_error *check_paging(const struct gg_qemu_cpu *cpu,
				     const struct gg_cpu_state *state,
				     const struct gg_paging *paging)
{
	if (state->unknown[0] && state->nesting == GG_NESTED)
		return gg_error_create(GG_UNSUPPORTED,
				       "CPU %" PRIu32
				       " executes a nested guest, and the guest's own "
				       "page tables are not known: %s",
				       cpu->index, state->unknown);
	if (state->unknown[0] || paging->unknown)
		return gg_error_create(GG_UNSUPPORTED,
				       "CPU %" PRIu32 "'s page tables are not known: %s",
				       cpu->index,
				       state->unknown[0] ? state->unknown
							 : "its registers are known in part, "
							   "without those that lead there");
	return NULL;
}

static struct gg_error *use_cpu(struct gg_guest *guest, const struct gg_qemu_cpu *cpu,
				const struct gg_notices *notices, struct gg_address_space *space)
{
	const struct gg_arch *arch;
	const struct gg_machine_cpu *read;
	struct gg_cpu_state state;
	struct gg_error *err = gg_guest_cpu_arch(guest, &arch);
	if (!err)
		err = gg_machine_cpu(&guest->machine, cpu, &read);
	if (!err)
		err = gg_guest_cpu_state(guest, cpu, &state);
	if (!err)
		err = check_paging(cpu, &state, &read->paging);
	if (!err)
		err = tell_mode(notices, arch, cpu, &state);
	if (err)
		return err;
	if (!arch->cpu->paging)
		return gg_arch_not_yet(arch, "page tables");
	struct gg_paging paging = read->paging;
	paging.ignored_bits |= ignored_bits(guest);
	space->is_physical = !paging.levels;
	space->owns_table = true;
	return gg_page_table_create(space->map, &paging, &space->table);
}

static struct gg_error *use_cpu_index(struct gg_guest *guest, int64_t index,
				      const struct gg_notices *notices,
				      struct gg_address_space *space)
{
	const struct gg_qemu_cpu *cpu;
	struct gg_error *err = find_cpu(guest, index, &cpu);
	if (!err && is_doubtful(cpu))
		err = gg_tell(notices,
			      "through CPU %" PRIu32 "'s page tables, which may be outdated: %s",
			      cpu->index, cpu->why);
	return err ? err : use_cpu(guest, cpu, notices, space);
}

// GG_NOT_FOUND and GG_ABSENT where no kernel is found.
static struct gg_error *use_kernel(struct gg_guest *guest, struct gg_address_space *space)
{
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (!err)
		space->table = kernel->table;
	return err;
}

// Takes the first CPU whose own page tables are known.
static struct gg_error *use_any_cpu(struct gg_guest *guest, const struct gg_notices *notices,
				    struct gg_address_space *space)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_error *first = NULL, *err = gg_guest_qemu_cpus(guest, &cpus);
	for (size_t i = 0; !err && i < cpus->count; i++) {
		const struct gg_qemu_cpu *cpu = &cpus->cpus[i];
		err = use_cpu(guest, cpu, notices, space);
		if (!err) {
			gg_error_destroy(first);
			return gg_tell(
				notices,
				"no kernel of Linux is found: through CPU %" PRIu32 "%s%s%s",
				cpu->index,
				space->is_physical
					? ", whose paging is off: addresses are guest-physical"
					: "'s page tables",
				!is_doubtful(cpu) ? "" : ", which may be outdated: ", cpu->why);
		}
		if (gg_error_kind(err) != GG_UNSUPPORTED)
			break;
		if (first)
			gg_error_destroy(err);
		else
			first = err;
		err = NULL;
	}
	if (!err)
		return first;
	gg_error_destroy(first);
	return err;
}

static struct gg_error *use_kernel_or_cpu(struct gg_guest *guest, const struct gg_notices *notices,
					  struct gg_address_space *space)
{
	struct gg_error *err = use_kernel(guest, space);
	if (!err || (gg_error_kind(err) != GG_NOT_FOUND && gg_error_kind(err) != GG_ABSENT))
		return err;
	gg_error_destroy(err);
	return use_any_cpu(guest, notices, space);
}

static struct gg_error *create_space(struct gg_guest *guest, int64_t cpu,
				     const struct gg_notices *notices,
				     struct gg_address_space **ret)
{
	_cleanup_(cleanup_space) struct gg_address_space *space = calloc(1, sizeof(*space));
	if (!space)
		return gg_enomem;
	space->cpu = cpu;
	struct gg_error *err = gg_guest_ram_map(guest, &space->map);
	if (!err)
		err = gg_guest_check_ram(guest);
	if (!err)
		err = cpu == GG_KERNEL_TABLES ? use_kernel_or_cpu(guest, notices, space)
					      : use_cpu_index(guest, cpu, notices, space);
	if (!err)
		*ret = no_cleanup_ptr(space);
	return err;
}

struct gg_error *gg_guest_address_space(struct gg_guest *guest, int64_t cpu,
					const struct gg_notices *notices,
					struct gg_address_space **ret)
{
	if (!guest->space || guest->space->cpu != cpu) {
		struct gg_address_space *space = NULL;
		struct gg_error *err = create_space(guest, cpu, notices, &space);
		if (err)
			return err;
		gg_address_space_destroy(guest->space);
		guest->space = space;
	}
	*ret = guest->space;
	return NULL;
}

struct gg_error *gg_address_space_read(struct gg_address_space *space, gg_gva_t gva, void *buffer,
				       size_t size)
{
	if (size && size - 1 > UINT64_MAX - gva)
		return gg_error_create(GG_INVALID,
				       "%zu bytes from 0x%" PRIx64
				       " on go beyond the last address, 0x%" PRIx64,
				       size, gva, UINT64_MAX);
	return gg_page_table_read(space->table, gva, buffer, size);
}

struct walk {
	const struct gg_page_table *table;
	struct gg_error *(*visit)(void *data, const struct gg_walk_entry *entry);
	void *data;
};

static struct gg_error *show_entry(void *data, const struct gg_page_entry *entry)
{
	const struct walk *walk = data;
	char flags[GG_PAGE_FLAGS_SIZE];
	gg_page_table_flags(walk->table, entry, flags);
	const struct gg_walk_entry shown = { .level = gg_page_table_level_name(walk->table,
									       entry->level),
					     .gpa = entry->gpa,
					     .value = entry->value,
					     .flags = flags };
	return walk->visit(walk->data, &shown);
}

// Tests whether the byte at GPA in RANGE is missing. A page that was never touched is not read.
static bool is_absent(const struct gg_ram_map *map, const struct gg_ram_range *range, gg_gpa_t gpa)
{
	uint8_t byte;
	struct gg_extent extent = { .kind = GG_EXTENT_HOLE };
	struct gg_error *err = map->backing->ops->extent(
		map->backing, range->hva + (gpa - range->start), 1, true, &extent);
	if (!err && extent.kind == GG_EXTENT_DATA)
		err = gg_ram_map_read(map, gpa, &byte, 1);
	const bool absent = err ? gg_error_kind(err) == GG_ABSENT : extent.kind == GG_EXTENT_ABSENT;
	gg_error_destroy(err);
	return absent;
}

struct gg_error *gg_address_space_walk(struct gg_address_space *space, gg_gva_t gva,
				       struct gg_error *(*visit)(void *data,
								 const struct gg_walk_entry *entry),
				       void *data, struct gg_translation *ret)
{
	struct walk walk = { .table = space->table, .visit = visit, .data = data };
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_walk(space->table, gva, show_entry, &walk, &mapping);
	if (err)
		return err;
	*ret = (struct gg_translation){ .mapped = mapping.present,
					.gpa = mapping.gpa,
					.page_size = mapping.page_size };
	const struct gg_ram_range *range =
		mapping.present ? gg_ram_map_find(space->map, mapping.gpa) : NULL;
	if (range) {
		ret->absent = is_absent(space->map, range, mapping.gpa);
		ret->block = range->block;
		ret->block_offset = range->offset + (mapping.gpa - range->start);
	}
	return NULL;
}
