// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the kernel's symbols and memory: BTF lies between __start_BTF and __stop_BTF (Linux commit
//      341dfcf8d78e "btf: expose BTF info through sysfs", in v5.4).
// Out: members and enumerators.
// Trusts nothing it reads: the BTF has a limit, and btf.c checks it.
#include "types.h"
#include "base/cleanup.h"
#include "base/vector.h"
#include "btf-far.h"
#include "btf-part.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_BTF = 64 << 20, // ten times a distribution's
	MAX_MODULES = 4096,
	MAX_NAME = 64, // of a module, with its NUL
};

// The BTF of a module.
struct split {
	struct gg_btf *btf;
	char module[MAX_NAME];
};

struct gg_types {
	struct gg_symbols *symbols;
	struct gg_host constants; // of the kernel's memory
	const struct gg_debug *debug;
	struct gg_btf *btf;   // whole; NULL: not read yet
	struct gg_btf *far;   // answers in its place until the whole BTF is needed
	struct gg_error *err; // the reason there is no BTF, or NULL
	bool has_vmlinux;     // the user has named one
	bool has_splits;      // modules were looked for
	struct split *splits; // the BTF of modules
	size_t split_count;
};

struct gg_error *gg_types_create(struct gg_symbols *symbols, const struct gg_debug *debug,
				 struct gg_types **ret)
{
	struct gg_types *types = calloc(1, sizeof(*types));
	if (!types)
		return gg_enomem;
	types->symbols = symbols;
	types->constants = gg_kernel_constants(gg_symbols_memory(symbols));
	types->debug = debug;
	*ret = types;
	return NULL;
}

void gg_types_destroy(struct gg_types *types)
{
	if (!types)
		return;
	for (size_t i = 0; i < types->split_count; i++)
		gg_btf_destroy(types->splits[i].btf);
	free(types->splits);
	gg_btf_destroy(types->btf);
	gg_btf_destroy(types->far);
	gg_error_destroy(types->err);
	free(types);
}

void gg_types_note_vmlinux(struct gg_types *types)
{
	types->has_vmlinux = true;
}

// ---- The BTF ----

static struct gg_error *find_btf(struct gg_types *types, gg_gva_t *start, gg_gva_t *stop)
{
	struct gg_error *err = gg_symbols_address(types->symbols, "__start_BTF", start);
	if (err && gg_error_kind(err) == GG_NOT_FOUND)
		return gg_error_context(
			err, types->has_vmlinux
				     ? "it has none, and here types are read from BTF alone (GDB's "
				       "ptype "
				       "has those of the vmlinux: symbol-file FILE)"
				     : "it has none (guest-kernel -vmlinux FILE, or guest-core "
				       "-vmlinux FILE, names its vmlinux with debuginfo)");
	if (!err)
		err = gg_symbols_address(types->symbols, "__stop_BTF", stop);
	if (err)
		return err;
	if (*stop <= *start || *stop - *start > MAX_BTF)
		return gg_error_create(GG_BAD_DATA,
				       "__start_BTF is 0x%" PRIx64 " and __stop_BTF 0x%" PRIx64,
				       *start, *stop);
	return NULL;
}

static struct gg_error *read_whole(struct gg_types *types, gg_gva_t start, gg_gva_t stop)
{
	struct gg_btf_part part;
	struct gg_buffer bytes = { 0 };
	struct gg_error *err = gg_btf_part_init(&part, &types->constants, start, stop - start);
	if (!err)
		err = gg_btf_part_whole(&part, &bytes);
	if (!err)
		err = gg_btf_create(bytes.bytes, bytes.size, types->constants.address_size, NULL,
				    &types->btf);
	gg_buffer_deinit(&bytes);
	gg_btf_part_deinit(&part);
	return err;
}

static struct gg_error *open_far(struct gg_types *types, gg_gva_t start, gg_gva_t stop)
{
	struct gg_btf_place place = { .memory = &types->constants,
				      .changing = gg_symbols_host(types->symbols),
				      .start = start,
				      .size = stop - start,
				      .debug = types->debug };
	struct gg_btf_far *far = NULL;
	struct gg_error *err = gg_error_unless_final(
		gg_symbols_address(types->symbols, "btf_vmlinux", &place.vmlinux));
	if (!err)
		err = gg_btf_far_create(&place, &far);
	return err ? err : gg_btf_create_far(far, types->constants.address_size, &types->far);
}

// Opens the BTF, as a whole if IS_WHOLE.
static struct gg_error *open_btf(struct gg_types *types, bool is_whole)
{
	gg_gva_t start, stop;
	if (types->btf || types->err || (types->far && !is_whole))
		return types->err ? gg_error_copy(types->err) : NULL;
	struct gg_error *err = find_btf(types, &start, &stop);
	if (!err && !is_whole)
		err = open_far(types, start, stop);
	else if (!err)
		err = read_whole(types, start, stop);
	gg_debug(types->debug, "BTF: %s", gg_debug_outcome(err));
	if (err && !gg_error_is_final(err)) {
		err = gg_error_context(err, "the kernel's BTF");
		types->err = gg_error_copy(err);
	}
	return err;
}

struct gg_error *gg_types_btf(struct gg_types *types, const struct gg_btf **ret)
{
	struct gg_error *err = open_btf(types, true);
	*ret = types->btf;
	return err;
}

// ---- The BTF of modules ----

// Members of struct btf_module and struct btf.
struct split_layout {
	struct gg_btf_member list, btf, data, size, name;
};

static struct gg_error *find_split_members(const struct gg_btf *btf, struct split_layout *ret)
{
	const struct {
		const char *type, *path;
		struct gg_btf_member *member;
	} rows[] = {
		{ "btf_module", "list", &ret->list }, { "btf_module", "btf", &ret->btf },
		{ "btf", "data", &ret->data },        { "btf", "data_size", &ret->size },
		{ "btf", "name", &ret->name },
	};
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(rows) / sizeof(*rows); i++)
		err = gg_btf_member(btf, gg_btf_find(btf, rows[i].type), rows[i].path,
				    rows[i].member);
	return err;
}

static struct gg_error *read_integer(const struct gg_types *types, gg_gva_t object,
				     const struct gg_btf_member *member, uint64_t *ret)
{
	const struct gg_member place = { member->bit_offset / 8, member->size };
	return gg_host_read_member(gg_symbols_host(types->symbols), object, &place, ret);
}

// Reads a module's BTF, which builds on the kernel's. BTF is the address of its struct btf.
static struct gg_error *read_split(const struct gg_types *types, const struct split_layout *layout,
				   gg_gva_t btf, struct split *ret)
{
	const struct gg_host *host = gg_symbols_host(types->symbols);
	gg_gva_t data;
	uint64_t size;
	struct gg_error *err = read_integer(types, btf, &layout->data, &data);
	if (!err)
		err = read_integer(types, btf, &layout->size, &size);
	if (!err && size > MAX_BTF)
		err = gg_error_create(GG_BAD_DATA, "a BTF of %" PRIu64 " bytes", size);
	if (!err)
		err = gg_host_read(host, btf + layout->name.bit_offset / 8, ret->module,
				   layout->name.size < MAX_NAME ? layout->name.size : MAX_NAME - 1);
	if (err)
		return err;
	_cleanup_free_ uint8_t *bytes = malloc(size + 1);
	if (!bytes)
		return gg_enomem;
	err = gg_host_read(host, data, bytes, size);
	return err ? err : gg_btf_create(bytes, size, host->address_size, types->btf, &ret->btf);
}

// Adds the BTF that the struct btf_module at MODULE has; a damaged BTF is logged, and left out.
static struct gg_error *add_split(struct gg_types *types, const struct split_layout *layout,
				  gg_gva_t module)
{
	struct split split = { 0 };
	gg_gva_t address;
	struct gg_error *err =
		gg_vector_grow(&types->splits, types->split_count, sizeof(*types->splits));
	if (err)
		return err;
	err = read_integer(types, module, &layout->btf, &address);
	if (!err)
		err = read_split(types, layout, address, &split);
	gg_debug(types->debug, "BTF of the module at 0x%" PRIx64 ": %s", module,
		 gg_debug_outcome(err));
	if (!err)
		types->splits[types->split_count++] = split;
	return gg_error_unless_final(err);
}

// Adds the BTF of all modules, from the kernel's list of it (Linux commit 36e68442d1af "bpf: Load and
// verify kernel module BTFs", in v5.11).
static struct gg_error *add_splits(struct gg_types *types)
{
	const struct gg_member next = { 0, gg_symbols_host(types->symbols)->address_size };
	struct split_layout layout;
	gg_gva_t head, node;
	struct gg_error *err = find_split_members(types->btf, &layout);
	if (!err)
		err = gg_symbols_address(types->symbols, "btf_modules", &head);
	if (!err)
		err = gg_host_read_member(gg_symbols_host(types->symbols), head, &next, &node);
	for (unsigned int i = 0; !err && node != head; i++) {
		if (i == MAX_MODULES)
			return gg_error_create(GG_BAD_DATA, "btf_modules has more than %d modules",
					       MAX_MODULES);
		err = gg_interrupt_check();
		if (!err)
			err = add_split(types, &layout, node - layout.list.bit_offset / 8);
		if (!err)
			err = gg_host_read_member(gg_symbols_host(types->symbols), node, &next,
						  &node);
	}
	return err;
}

// Opens all BTF that there is.
static struct gg_error *open_all(struct gg_types *types)
{
	const struct gg_btf *btf;
	struct gg_error *err = gg_types_btf(types, &btf);
	if (err || types->has_splits)
		return err;
	types->has_splits = true;
	err = add_splits(types);
	gg_debug(types->debug, "BTF of modules: %s", gg_debug_outcome(err));
	return gg_error_unless_final(err);
}

struct gg_error *gg_types_find(struct gg_types *types, const char *name, const struct gg_btf **ret,
			       uint32_t *id)
{
	struct gg_error *err = gg_types_btf(types, ret);
	*id = err ? 0 : gg_btf_find(*ret, name);
	if (!err && !*id)
		err = open_all(types);
	for (size_t i = 0; !err && !*id && i < types->split_count; i++) {
		*ret = types->splits[i].btf;
		*id = gg_btf_find(*ret, name);
	}
	return err || *id ? err : gg_error_create(GG_NOT_FOUND, "the kernel has no type %s", name);
}

struct gg_error *gg_types_names(struct gg_types *types,
				struct gg_error *(*visit)(void *data, const char *name), void *data)
{
	struct gg_error *err = open_all(types);
	if (!err)
		err = gg_btf_names(types->btf, visit, data);
	for (size_t i = 0; !err && i < types->split_count; i++)
		err = gg_btf_names(types->splits[i].btf, visit, data);
	return err;
}

struct gg_error *gg_types_visit_modules(struct gg_types *types,
					struct gg_error *(*visit)(void *data, const char *module,
								  const struct gg_btf *btf),
					void *data)
{
	struct gg_error *err = open_all(types);
	for (size_t i = 0; !err && i < types->split_count; i++)
		err = visit(data, types->splits[i].module, types->splits[i].btf);
	return err;
}

// ---- Answers ----

// A question about the type that a BTF has with the number ID.
struct question {
	const char *type;
	const char *name; // of a member or an enumerator
	struct gg_error *(*ask)(const struct gg_btf *btf, uint32_t id, struct question *question);
	struct gg_btf_member member;
	int64_t value;
};

// Finds the type NAME of a BTF that is far by the per-CPU variable that has the type: struct rq is private to
// the scheduler, and stands in the middle of the types. 0 where the variable does not lead to the type.
static struct gg_error *find_by_variable(struct gg_types *types, const char *name, uint32_t *ret)
{
	gg_gva_t start, address;
	*ret = 0;
	if (types->btf || strcmp(name, "rq") != 0)
		return NULL;
	struct gg_error *err = gg_symbols_address(types->symbols, "__per_cpu_start", &start);
	if (!err)
		err = gg_symbols_address(types->symbols, "runqueues", &address);
	if (!err)
		err = gg_btf_lookup_variable(types->far, name, address - start, ret);
	gg_debug(types->debug, "BTF: rq is type %" PRIu32 " by runqueues: %s", *ret,
		 gg_debug_outcome(err));
	return gg_error_unless_final(err);
}

static struct gg_error *answer(struct gg_types *types, struct question *question)
{
	uint32_t id = 0;
	struct gg_error *err = open_btf(types, false);
	if (!err)
		err = find_by_variable(types, question->type, &id);
	if (err)
		return err;
	const struct gg_btf *btf = types->btf ? types->btf : types->far;
	if (!id)
		err = gg_btf_lookup(btf, question->type, &id);
	if (err)
		return err;
	err = question->ask(btf, id, question);
	return err ? gg_error_context(err, "type %s", question->type) : NULL;
}

static struct gg_error *ask_member(const struct gg_btf *btf, uint32_t id, struct question *question)
{
	return gg_btf_member(btf, id, question->name, &question->member);
}

static struct gg_error *ask_enumerator(const struct gg_btf *btf, uint32_t id,
				       struct question *question)
{
	return gg_btf_enumerator(btf, id, question->name, &question->value);
}

struct gg_error *gg_types_member(struct gg_types *types, const char *type, const char *path,
				 struct gg_btf_member *ret)
{
	struct question question = { .type = type, .name = path, .ask = ask_member };
	struct gg_error *err = answer(types, &question);
	*ret = question.member;
	return err;
}

struct gg_error *gg_types_enumerator(struct gg_types *types, const char *type, const char *name,
				     int64_t *ret)
{
	struct question question = { .type = type, .name = name, .ask = ask_enumerator };
	struct gg_error *err = answer(types, &question);
	*ret = question.value;
	return err;
}

// ---- The finder ----

static struct gg_error *find_enumerator(struct gg_types *types, const char *type, const char *name,
					struct gg_member *ret)
{
	int64_t value;
	struct gg_error *err = gg_types_enumerator(types, type, name, &value);
	if (!err && value < 0)
		err = gg_error_create(GG_UNSUPPORTED, "the enumerator %s of %s is %" PRId64, name,
				      type, value);
	if (!err)
		*ret = (struct gg_member){ .offset = (uint64_t)value };
	return err;
}

static struct gg_error *find(void *data, const char *type, const char *path, struct gg_member *ret)
{
	struct gg_types *types = data;
	struct gg_btf_member member;
	struct gg_error *err = gg_types_member(types, type, path, &member);
	if (err && gg_error_kind(err) == GG_NOT_FOUND && !types->err) {
		gg_error_destroy(err);
		return find_enumerator(types, type, path, ret);
	}
	if (err)
		return err;
	if (member.bits || member.bit_offset % 8)
		return gg_error_create(GG_UNSUPPORTED, "%s of type %s is a bit field", path, type);
	*ret = (struct gg_member){ .offset = member.bit_offset / 8, .size = member.size };
	return NULL;
}

static void destroy(void *data)
{
	(void)data; // the owner of the types has them
}

struct gg_error *gg_types_add_finder(struct gg_members *members, int order, struct gg_types *types)
{
	static const struct gg_member_finder_ops ops = { .find = find, .destroy = destroy };
	return gg_members_add(members,
			      &(struct gg_member_finder){
				      .name = "BTF", .order = order, .ops = &ops, .data = types });
}
