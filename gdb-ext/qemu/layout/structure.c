// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  questions.
// Out: answers by the debugger's types, where those know QEMU; else by structure, group by group,
//      each when it is first asked for.
#include "structure.h"
#include "arch/arch.h"
#include "base/cleanup.h"
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// A group of types that are found together. A failure is kept.
struct group {
	bool tried;
	struct gg_error *err;
	struct gg_answers answers;
};

struct gg_structure {
	struct gg_host host;
	const struct gg_host *debugger;
	const struct gg_process_map *map;
	const struct gg_debug *debug;
	bool asked_types, has_types, distrusts_types;
	bool has_finder;
	struct gg_finder finder;
	struct gg_images *images;
	struct gg_peek *peek;
	bool searched; // for variables
	struct gg_variables variables;
	struct group ram, cpus, cpu_fields, apic, virtio_mem, enum_lookup;
	struct gg_discard_manager manager;
	struct gg_field_layout field_layout;
	uint64_t first_cpu;
};

// ---- The finder ----

static struct gg_error *get_finder(struct gg_structure *structure)
{
	if (structure->has_finder)
		return NULL;
	if (structure->debugger->address_size != 8)
		return gg_error_create(GG_UNSUPPORTED,
				       "a QEMU of 32 bits is not known by structure");
	struct gg_error *err =
		structure->images ? NULL : gg_images_create(structure->map, &structure->images);
	if (!err && !structure->peek)
		err = gg_peek_create(structure->debugger, &structure->peek);
	if (err)
		return err;
	structure->finder = (struct gg_finder){
		.peek = structure->peek,
		.host = structure->debugger,
		.map = structure->map,
		.images = structure->images,
		.foreign_symbols = structure->distrusts_types,
		.debug = structure->debug,
	};
	structure->has_finder = true;
	return NULL;
}

// ---- Symbols ----

static struct gg_error *search_variables(struct gg_structure *structure)
{
	if (structure->searched)
		return NULL;
	struct gg_error *err = gg_find_variables(&structure->finder, &structure->variables);
	structure->searched = !err;
	return err;
}

// Finds a variable without a symbol by the structure that it leads to.
static struct gg_error *find_variable(struct gg_structure *structure, const char *name,
				      uint64_t *ret)
{
	const struct {
		const char *name;
		const uint64_t *address;
	} known[] = {
		{ "address_space_memory", &structure->variables.address_space_memory },
		{ "cpus_queue", &structure->variables.cpus },
		{ "current_machine", &structure->variables.current_machine },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(name, known[i].name) != 0)
			continue;
		struct gg_error *err = search_variables(structure);
		if (err)
			return err;
		*ret = *known[i].address;
		if (*ret)
			return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "no symbol %s", name);
}

static struct gg_error *find_symbol(struct gg_structure *structure, const char *name,
				    struct gg_image_symbol *ret)
{
	struct gg_error *err = gg_finder_symbol(&structure->finder, name, ret);
	if (!err || gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	gg_error_destroy(err);
	*ret = (struct gg_image_symbol){ 0 };
	// The list's head is "cpus_queue" since v8.2 and was "cpus" before.
	if (!strcmp(name, "cpus_queue")) {
		err = gg_finder_symbol(&structure->finder, "cpus", ret);
		if (!err)
			return NULL;
		gg_error_destroy(err);
	}
	if (!strcmp(name, "current_run_state")) {
		err = gg_code_place(&structure->finder, "runstate_check", GG_CODE_COMPARES_VARIABLE,
				    &ret->address);
		if (!err || gg_error_kind(err) != GG_NOT_FOUND)
			return err;
		gg_error_destroy(err);
	}
	if (!strcmp(name, "incoming_postcopy_state")) {
		err = gg_code_place(&structure->finder, "postcopy_state_get",
				    GG_CODE_LOADS_VARIABLE, &ret->address);
		if (!err || gg_error_kind(err) != GG_NOT_FOUND)
			return err;
		gg_error_destroy(err);
	}
	return find_variable(structure, name, &ret->address);
}

// ---- Groups ----

static struct gg_error *find_ram(struct gg_structure *structure, struct gg_answers *answers)
{
	struct gg_image_symbol symbol;
	struct gg_error *err = find_symbol(structure, "address_space_memory", &symbol);
	return err ? err
		   : gg_find_ram(&structure->finder, symbol.address, symbol.size, answers,
				 &structure->manager);
}

static struct gg_error *find_cpus(struct gg_structure *structure, struct gg_answers *answers)
{
	struct gg_image_symbol symbol;
	struct gg_error *err = find_symbol(structure, "cpus_queue", &symbol);
	return err ? err
		   : gg_find_cpus(&structure->finder, symbol.address, answers,
				  &structure->first_cpu);
}

static void log_group(const struct gg_structure *structure, const struct group *group)
{
	for (size_t i = 0; i < group->answers.count; i++) {
		const struct gg_answer *answer = &group->answers.list[i];
		gg_debug(structure->debug, "layout: %s.%s at +%" PRIu64 ", size %" PRIu64 ": %s",
			 answer->type, answer->path, answer->member.offset, answer->member.size,
			 answer->proof);
	}
	if (group->err)
		gg_debug(structure->debug, "layout: %s", gg_error_message(group->err));
}

static struct gg_error *get_group(struct gg_structure *structure, struct group *group,
				  struct gg_error *(*find)(struct gg_structure *structure,
							   struct gg_answers *answers))
{
	if (!group->tried) {
		struct gg_error *err = get_finder(structure);
		if (!err)
			err = find(structure, &group->answers);
		if (gg_error_is_final(err))
			return err;
		group->err = err;
		group->tried = true;
		log_group(structure, group);
	}
	return NULL;
}

static struct gg_error *find_cpu_fields(struct gg_structure *structure, struct gg_answers *answers)
{
	struct gg_error *err = get_group(structure, &structure->cpus, find_cpus);
	if (err)
		return err;
	if (!structure->first_cpu)
		return gg_error_create(GG_NOT_FOUND, "no CPU is known");
	return gg_find_cpu_fields(&structure->finder, structure->first_cpu, answers,
				  &structure->field_layout);
}

// QOM's own: an object is cast to its class's base without a change, so these are where they are
// (QEMU include/qom/object.h; qom/object.c, struct TypeImpl). That every MemoryRegion's type is
// found by them is the proof.
static const struct gg_member *find_qom(const char *type, const char *path)
{
	static const struct gg_member first = { 0, 8 };
	static const struct {
		const char *type, *path;
	} members[] = { { "Object", "class" }, { "ObjectClass", "type" }, { "TypeImpl", "name" } };
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (!strcmp(type, members[i].type) && !strcmp(path, members[i].path))
			return &first;
	return NULL;
}

// Finds it by a RAM's manager, and by the layout of VMState that the CPUs have shown.
static struct gg_error *find_virtio_mem(struct gg_structure *structure, struct gg_answers *answers)
{
	struct gg_error *err = get_group(structure, &structure->ram, find_ram);
	if (!err)
		err = get_group(structure, &structure->cpu_fields, find_cpu_fields);
	if (err)
		return err;
	if (!structure->manager.address)
		return gg_error_create(GG_NOT_FOUND, "no RAM has a manager");
	if (!structure->field_layout.stride)
		return gg_error_create(GG_BAD_DATA, "%s",
				       structure->cpu_fields.err
					       ? gg_error_message(structure->cpu_fields.err)
					       : "VMStateField is not known");
	return gg_find_virtio_mem(&structure->finder, &structure->field_layout, &structure->manager,
				  answers);
}

static struct gg_error *find_apic(struct gg_structure *structure, struct gg_answers *answers)
{
	struct gg_error *err = get_group(structure, &structure->cpu_fields, find_cpu_fields);
	if (err)
		return err;
	if (!structure->field_layout.stride)
		return gg_error_create(GG_NOT_FOUND, "VMStateField is not known");
	return gg_find_apic(&structure->finder, structure->first_cpu, &structure->field_layout,
			    answers);
}

static struct gg_error *find_enum_lookup(struct gg_structure *structure, struct gg_answers *answers)
{
	struct gg_image_symbol symbol;
	struct gg_error *err = gg_finder_symbol(&structure->finder, "RunState_lookup", &symbol);
	return err ? err : gg_find_enum_lookup(&structure->finder, symbol.address, answers);
}

// Tests whether QEMU names a CPU's type so: "ARMCPU", "S390CPU".
static bool is_cpu_name(const char *type)
{
	const size_t length = strlen(type);
	return length > strlen("CPU") && !strcmp(type + length - strlen("CPU"), "CPU");
}

// Finds the group of TYPE, NULL for a type that is not looked for.
static struct gg_error *find_group(struct gg_structure *structure, const char *type,
				   const char *path, struct group **ret)
{
	static const char *const ram[] = { "AddressSpace", "FlatView", "FlatRange", "MemoryRegion",
					   "RAMBlock" };
	for (size_t i = 0; i < sizeof(ram) / sizeof(*ram); i++)
		if (!strcmp(type, ram[i])) {
			*ret = &structure->ram;
			return get_group(structure, *ret, find_ram);
		}
	if (!strcmp(type, "CPUState")) {
		*ret = &structure->cpus;
		return get_group(structure, *ret, find_cpus);
	}
	if (!strcmp(type, "VirtIOMEM") || !strcmp(type, "RamDiscardManager") ||
	    !strcmp(type, "RamDiscardSourceEntry")) {
		*ret = &structure->virtio_mem;
		return get_group(structure, *ret, find_virtio_mem);
	}
	if (!strcmp(type, "APICCommonState") || !strcmp(path, "apic_state")) {
		*ret = &structure->apic;
		return get_group(structure, *ret, find_apic);
	}
	if (!strcmp(type, "QEnumLookup")) {
		*ret = &structure->enum_lookup;
		return get_group(structure, *ret, find_enum_lookup);
	}
	if (!strcmp(type, "SegmentCache") || is_cpu_name(type)) {
		*ret = &structure->cpu_fields;
		return get_group(structure, *ret, find_cpu_fields);
	}
	*ret = NULL;
	return NULL;
}

// A type of which members were found is known, and as large as they are at least.
static bool known_size(const struct gg_answers *answers, const char *type, struct gg_member *ret)
{
	*ret = (struct gg_member){ 0 };
	for (size_t i = 0; i < answers->count; i++) {
		const struct gg_member *member = &answers->list[i].member;
		if (!strcmp(answers->list[i].type, type) &&
		    member->offset + member->size > ret->size)
			ret->size = member->offset + member->size;
	}
	return ret->size;
}

// Tests whether the CPUs are of the type TYPE. Without a CPU, the binary still has the type's
// description.
static struct gg_error *is_cpu_type(struct gg_structure *structure, const char *type, bool *ret)
{
	struct gg_error *err = get_group(structure, &structure->cpus, find_cpus);
	if (err)
		return err;
	if (structure->first_cpu) {
		const char *name = gg_cpu_type(&structure->finder, structure->first_cpu);
		*ret = name && !strcmp(name, type);
		return NULL;
	}
	*ret = false;
	for (const struct gg_cpu_type *row = gg_cpu_types; !*ret && row->name; row++) {
		struct gg_image_symbol symbol;
		if (strcmp(row->name, type) != 0)
			continue;
		err = gg_finder_symbol(&structure->finder, row->description, &symbol);
		*ret = !err;
		gg_error_destroy(err);
	}
	return NULL;
}

static struct gg_error *member_by_structure(struct gg_structure *structure, const char *type,
					    const char *path, struct gg_member *ret)
{
	const struct gg_member *qom = find_qom(type, path);
	if (qom) {
		*ret = *qom;
		return NULL;
	}
	const struct gg_host *debugger = structure->debugger;
	struct group *group;
	bool known = false;
	struct gg_error *err = NULL;
	if (!*path && is_cpu_name(type))
		err = is_cpu_type(structure, type, &known);
	if (known)
		*ret = (struct gg_member){ .size = 1 };
	if (!err && !known)
		err = find_group(structure, type, path, &group);
	if (err || known)
		return err;
	if (!group && structure->distrusts_types)
		return gg_error_create(GG_NOT_FOUND, "type %s is not found by structure", type);
	if (!group)
		return debugger->ops->member(debugger->data, type, path, ret);
	const struct gg_answer *answer = gg_answers_find(&group->answers, type, path);
	if (answer) {
		*ret = answer->member;
		return NULL;
	}
	if (!*path && known_size(&group->answers, type, ret))
		return NULL;
	if (group->err)
		return gg_error_create(gg_error_kind(group->err) == GG_NOT_FOUND ? GG_NOT_FOUND
										 : GG_BAD_DATA,
				       "QEMU has no debuginfo here, and by structure %s was not "
				       "found: %s",
				       type, gg_error_message(group->err));
	return gg_error_create(GG_NOT_FOUND, "%s%s%s was not found by structure", type,
			       *path ? "." : "", path);
}

// ---- The four questions ----

bool gg_structure_has_types(struct gg_structure *structure)
{
	if (!structure->asked_types) {
		const struct gg_host *debugger = structure->debugger;
		struct gg_member member;
		struct gg_error *err = debugger->ops->member(debugger->data, "AddressSpace",
							     "current_map", &member);
		structure->has_types = !err;
		structure->asked_types = true;
		gg_debug(structure->debug, "layout: the debugger's types of QEMU: %s",
			 gg_debug_outcome(err));
		gg_error_destroy(err);
	}
	return structure->has_types;
}

static struct gg_error *structure_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_structure *structure = data;
	return structure->debugger->ops->read(structure->debugger->data, address, buffer, size);
}

static struct gg_error *structure_symbol(void *data, const char *name, uint64_t *ret)
{
	struct gg_structure *structure = data;
	const struct gg_host *debugger = structure->debugger;
	if (gg_structure_has_types(structure))
		return debugger->ops->symbol(debugger->data, name, ret);
	struct gg_image_symbol symbol;
	struct gg_error *err = get_finder(structure);
	if (!err)
		err = find_symbol(structure, name, &symbol);
	if (!err)
		*ret = symbol.address;
	gg_debug(structure->debug, "layout: symbol %s: %s", name, gg_debug_outcome(err));
	return err;
}

static struct gg_error *structure_member(void *data, const char *type, const char *path,
					 struct gg_member *ret)
{
	struct gg_structure *structure = data;
	const struct gg_host *debugger = structure->debugger;
	return gg_structure_has_types(structure)
		       ? debugger->ops->member(debugger->data, type, path, ret)
		       : member_by_structure(structure, type, path, ret);
}

static struct gg_error *structure_registers(void *data, unsigned int thread, const char *name,
					    void *buffer, size_t size, size_t *ret)
{
	const struct gg_structure *structure = data;
	const struct gg_host *debugger = structure->debugger;
	return debugger->ops->registers(debugger->data, thread, name, buffer, size, ret);
}

static const struct gg_host_ops structure_ops = {
	.read = structure_read,
	.symbol = structure_symbol,
	.member = structure_member,
	.registers = structure_registers,
};

struct gg_error *gg_structure_create(const struct gg_host *debugger,
				     const struct gg_process_map *map, struct gg_structure **ret)
{
	struct gg_structure *structure = calloc(1, sizeof(*structure));
	if (!structure)
		return gg_enomem;
	structure->host = *debugger;
	structure->host.ops = &structure_ops;
	structure->host.data = structure;
	structure->debugger = debugger;
	structure->map = map;
	*ret = structure;
	return NULL;
}

void gg_structure_set_debug(struct gg_structure *structure, const struct gg_debug *debug)
{
	structure->debug = debug;
}

void gg_structure_distrust_types(struct gg_structure *structure)
{
	structure->distrusts_types = structure->asked_types = true;
}

static void group_deinit(struct group *group)
{
	gg_error_destroy(group->err);
	gg_answers_deinit(&group->answers);
}

void gg_structure_destroy(struct gg_structure *structure)
{
	if (!structure)
		return;
	group_deinit(&structure->ram);
	group_deinit(&structure->cpus);
	group_deinit(&structure->cpu_fields);
	group_deinit(&structure->apic);
	group_deinit(&structure->virtio_mem);
	group_deinit(&structure->enum_lookup);
	gg_peek_destroy(structure->peek);
	gg_images_destroy(structure->images);
	free(structure);
}

const struct gg_host *gg_structure_host(struct gg_structure *structure)
{
	return &structure->host;
}

// ---- Comparison ----

static struct gg_error *compare_group(const struct gg_structure *structure,
				      const struct group *group, const char *type,
				      gg_visit_layout_fn *visit, void *data)
{
	if (group->err) {
		const struct gg_structure_row row = { .type = type,
						      .path = "",
						      .proof = gg_error_message(group->err) };
		return visit(data, &row);
	}
	const struct gg_host *debugger = structure->debugger;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < group->answers.count; i++) {
		const struct gg_answer *answer = &group->answers.list[i];
		struct gg_member by_types;
		struct gg_error *unknown = debugger->ops->member(debugger->data, answer->type,
								 answer->path, &by_types);
		const struct gg_structure_row row = {
			.type = answer->type,
			.path = answer->path,
			.by_types = unknown ? NULL : &by_types,
			.by_structure = &answer->member,
			.proof = answer->proof,
		};
		err = visit(data, &row);
		gg_error_destroy(unknown);
	}
	return err;
}

struct gg_error *gg_structure_compare(struct gg_structure *structure, gg_visit_layout_fn *visit,
				      void *data)
{
	const struct {
		struct group *group;
		struct gg_error *(*find)(struct gg_structure *structure,
					 struct gg_answers *answers);
		const char *types;
	} groups[] = {
		{ &structure->ram, find_ram, "MemoryRegion" },
		{ &structure->cpus, find_cpus, "CPUState" },
		{ &structure->cpu_fields, find_cpu_fields, "the CPU" },
		{ &structure->apic, find_apic, "APICCommonState" },
		{ &structure->virtio_mem, find_virtio_mem, "VirtIOMEM" },
		{ &structure->enum_lookup, find_enum_lookup, "QEnumLookup" },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(groups) / sizeof(*groups); i++) {
		err = get_group(structure, groups[i].group, groups[i].find);
		if (!err)
			err = compare_group(structure, groups[i].group, groups[i].types, visit,
					    data);
	}
	return err;
}
