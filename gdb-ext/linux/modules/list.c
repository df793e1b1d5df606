// SPDX-License-Identifier: GPL-3.0-or-later
//
// The list of modules (Linux kernel/module/main.c), of v5.4 to v7.2.
//
// In:  the kernel's symbols, members and memory.
// Out: modules.
// Trusts nothing it reads: a module that was met before ends the list, and the number of modules is
// bounded.
#include "list.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <gdb-guest/text.h>
#include <inttypes.h>
#include <string.h>

enum {
	MAX_MODULES = 4096,
	MAX_MODULE_SIZE = 64 << 10, // of the part of a struct module that is read
	MAX_NAME = 256,
};

// ---- Members ----

#define ROW(member, type, ...) GG_LAYOUT_ROW(struct gg_module_layout, member, type, __VA_ARGS__)
#define OPTIONAL(member, type, ...)                                                                \
	GG_LAYOUT_ROW_OPTIONAL(struct gg_module_layout, member, type, __VA_ARGS__)
#define RANGE(number, ...) OPTIONAL(bases[number], "module", "mem[" #number "].base", __VA_ARGS__)
#define RANGE_SIZE(number, ...)                                                                    \
	OPTIONAL(sizes[number], "module", "mem[" #number "].size", __VA_ARGS__)

static const struct gg_layout_row rows[] = {
	ROW(state, "module", "state"),
	ROW(list, "module", "list"),
	ROW(name, "module", "name"),
	// core_layout and init_layout became mem in Linux commit ac3b43283923 (v6.4).
	ROW(bases[0], "module", "mem[0].base", "core_layout.base"),
	ROW(sizes[0], "module", "mem[0].size", "core_layout.size"),
	RANGE(1, "data_layout.base"),
	RANGE_SIZE(1, "data_layout.size"),
	RANGE(2, "init_layout.base"),
	RANGE_SIZE(2, "init_layout.size"),
	RANGE(3, NULL),
	RANGE_SIZE(3, NULL),
	RANGE(4, NULL),
	RANGE_SIZE(4, NULL),
	RANGE(5, NULL),
	RANGE_SIZE(5, NULL),
	RANGE(6, NULL),
	RANGE_SIZE(6, NULL),
	// MOD_TEXT and MOD_INIT_TEXT.
	OPTIONAL(codes[0], "module", "mem[0].size", "core_layout.text_size"),
	OPTIONAL(codes[2], "module", "init_layout.text_size"),
	OPTIONAL(codes[4], "module", "mem[4].size"),
	OPTIONAL(taints, "module", "taints"),
	OPTIONAL(kallsyms, "module", "kallsyms"),
	OPTIONAL(refcnt, "module", "refcnt"),
	OPTIONAL(init, "module", "init"),
	OPTIONAL(exit, "module", "exit"),
	OPTIONAL(percpu, "module", "percpu"),
	OPTIONAL(percpu_size, "module", "percpu_size"),
	OPTIONAL(notes_attrs, "module", "notes_attrs"),
	OPTIONAL(source_list, "module", "source_list"),
	OPTIONAL(btf_data, "module", "btf_data"),
	OPTIONAL(btf_data_size, "module", "btf_data_size"),
	OPTIONAL(btf_base_data, "module", "btf_base_data"),
	OPTIONAL(btf_base_data_size, "module", "btf_base_data_size"),
	OPTIONAL(num_orcs, "module", "arch.num_orcs"),
	OPTIONAL(orc_unwind_ip, "module", "arch.orc_unwind_ip"),
	OPTIONAL(orc_unwind, "module", "arch.orc_unwind"),
	OPTIONAL(use_list, "module_use", "source_list"),
	OPTIONAL(use_source, "module_use", "source"),
	// "notes" and "dir" became "grp" in Linux commit 4723f16de64e (v6.14).
	OPTIONAL(notes_count, "module_notes_attrs", "notes"),
	OPTIONAL(notes_pointers, "module_notes_attrs", "grp.bin_attrs"),
	OPTIONAL(notes_first, "module_notes_attrs", "attrs"),
	OPTIONAL(note_stride, "bin_attribute", ""),
	OPTIONAL(note_address, "bin_attribute", "private"),
	OPTIONAL(note_size, "bin_attribute", "size"),
	OPTIONAL(symtab, "mod_kallsyms", "symtab"),
	OPTIONAL(num_symtab, "mod_kallsyms", "num_symtab"),
	OPTIONAL(strtab, "mod_kallsyms", "strtab"),
	OPTIONAL(typetab, "mod_kallsyms", "typetab"),
	OPTIONAL(export_first, "module", "syms"),
	OPTIONAL(export_count, "module", "num_syms"),
	OPTIONAL(export_stride, "kernel_symbol", ""),
	OPTIONAL(export_value, "kernel_symbol", "value_offset", "value"),
	OPTIONAL(export_name, "kernel_symbol", "name_offset", "name"),
};

struct gg_error *gg_module_layout_resolve(const struct gg_host *host, struct gg_module_layout *ret)
{
	*ret = (struct gg_module_layout){ 0 };
	return gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), ret);
}

// ---- One module ----

struct walk {
	const struct gg_answerers *kernel;
	const struct gg_module_layout *layout;
	uint8_t *bytes; // of one struct module
	size_t size;
	struct gg_module_list *list;
};

static struct gg_error *prepare(struct walk *walk)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct gg_member *member =
			(const void *)((const char *)walk->layout + rows[i].where);
		const uint64_t end = member->offset + member->size;
		if (!strcmp(rows[i].type, "module") && end > walk->size)
			walk->size = end;
	}
	if (walk->size > MAX_MODULE_SIZE)
		return gg_error_create(GG_BAD_DATA, "a struct module has %zu bytes", walk->size);
	walk->bytes = malloc(walk->size);
	return walk->bytes ? NULL : gg_enomem;
}

// Returns the integer MEMBER; 0 for a member that the kernel lacks, or that is no integer.
static uint64_t value(const struct walk *walk, const struct gg_member *member)
{
	uint64_t result = 0;
	struct gg_cursor cursor =
		gg_cursor(walk->bytes, walk->size, walk->kernel->host.big_endian, "struct module");
	if (member->size)
		gg_error_destroy(gg_cursor_member(&cursor, member, &result));
	return result;
}

static struct gg_error *copy_name(const struct walk *walk, struct gg_module *ret)
{
	char text[MAX_NAME] = "";
	const struct gg_member *name = &walk->layout->name;
	const size_t size = name->size < MAX_NAME ? name->size : MAX_NAME - 1;
	memcpy(text, walk->bytes + name->offset, size);
	ret->name = gg_text_escape(text);
	return ret->name ? NULL : gg_enomem;
}

static void copy_ranges(const struct walk *walk, struct gg_module *ret)
{
	for (size_t i = 0; i < GG_MODULE_RANGES; i++) {
		struct gg_module_range *range = &ret->ranges[i];
		const uint64_t code = value(walk, &walk->layout->codes[i]);
		range->start = value(walk, &walk->layout->bases[i]);
		range->size = value(walk, &walk->layout->sizes[i]);
		range->code = code < range->size ? code : range->size;
		ret->size += ret->ranges[i].size;
	}
}

// A module that is loaded holds a reference to itself (MODULE_REF_BASE).
static int64_t count_references(const struct walk *walk)
{
	const struct gg_member *refcnt = &walk->layout->refcnt;
	return refcnt->size ? (int64_t)(int32_t)value(walk, refcnt) - 1 : -1;
}

static struct gg_error *read_module(const struct walk *walk, gg_gva_t address,
				    struct gg_module *ret)
{
	const struct gg_module_layout *layout = walk->layout;
	struct gg_error *err = gg_host_read(&walk->kernel->typed, address, walk->bytes, walk->size);
	if (err)
		return gg_error_context(err, "the module at 0x%" PRIx64, address);
	const uint64_t state = value(walk, &layout->state);
	*ret = (struct gg_module){
		.address = address,
		.state = state < GG_MODULE_UNFORMED ? (enum gg_module_state)state
						    : GG_MODULE_UNFORMED,
		.taints = value(walk, &layout->taints),
		.references = count_references(walk),
		.is_permanent = value(walk, &layout->init) && layout->exit.size &&
				!value(walk, &layout->exit),
		.per_cpu = value(walk, &layout->percpu),
		.per_cpu_size = value(walk, &layout->percpu_size),
		.kallsyms = value(walk, &layout->kallsyms),
		.notes = value(walk, &layout->notes_attrs),
		.btf = value(walk, &layout->btf_data),
		.btf_size = (uint32_t)value(walk, &layout->btf_data_size),
		.btf_base = value(walk, &layout->btf_base_data),
		.btf_base_size = (uint32_t)value(walk, &layout->btf_base_data_size),
		.orc_ip = value(walk, &layout->orc_unwind_ip),
		.orc = value(walk, &layout->orc_unwind),
		.orc_count = (uint32_t)value(walk, &layout->num_orcs),
	};
	copy_ranges(walk, ret);
	return copy_name(walk, ret);
}

// ---- The list ----

static bool is_met(const struct gg_module_list *list, gg_gva_t address)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->modules[i].address == address)
			return true;
	return false;
}

// Adds the module at ADDRESS; a module without sections, which is about to be loaded, is passed by.
static struct gg_error *add_at(struct walk *walk, gg_gva_t address)
{
	struct gg_module_list *list = walk->list;
	struct gg_error *err = gg_interrupt_check();
	if (!err && is_met(list, address))
		err = gg_error_create(GG_BAD_DATA, "the list loops at the module at 0x%" PRIx64,
				      address);
	if (!err && list->count == MAX_MODULES)
		err = gg_error_create(GG_BAD_DATA, "there are more than %d modules", MAX_MODULES);
	if (!err)
		err = gg_vector_grow(&list->modules, list->count, sizeof(*list->modules));
	if (!err)
		err = read_module(walk, address, &list->modules[list->count]);
	list->count += !err;
	return err;
}

static struct gg_error *walk_list(struct walk *walk, gg_gva_t head)
{
	const struct gg_host *host = &walk->kernel->typed;
	const struct gg_member *list = &walk->layout->list;
	const struct gg_member own_next = { list->offset, host->address_size };
	gg_gva_t next;
	struct gg_error *err = gg_host_read_uint(host, head, host->address_size, &next);
	while (!err && next != head) {
		err = add_at(walk, next - list->offset);
		if (!err)
			next = value(walk, &own_next);
	}
	return err;
}

// Drops the modules that are UNFORMED: nothing of them holds yet.
static void drop_unformed(struct gg_module_list *list)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (list->modules[i].state == GG_MODULE_UNFORMED)
			free(list->modules[i].name);
		else
			list->modules[kept++] = list->modules[i];
	}
	list->count = kept;
}

struct gg_error *gg_module_list_read(const struct gg_answerers *kernel,
				     const struct gg_module_layout *layout, gg_gva_t head,
				     struct gg_module_list *ret)
{
	struct walk walk = { .kernel = kernel, .layout = layout, .list = ret };
	*ret = (struct gg_module_list){ 0 };
	struct gg_error *err = prepare(&walk);
	if (!err) {
		err = walk_list(&walk, head);
		if (err && !gg_error_is_final(err)) {
			ret->damage = err;
			err = NULL;
		}
	}
	free(walk.bytes);
	drop_unformed(ret);
	if (err)
		gg_module_list_deinit(ret);
	return err;
}

void gg_module_list_deinit(struct gg_module_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->modules[i].name);
	free(list->modules);
	gg_error_destroy(list->damage);
	*list = (struct gg_module_list){ 0 };
}
