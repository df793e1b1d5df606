// SPDX-License-Identifier: GPL-3.0-or-later
//
// A type's place follows from its number by the kernel's own array: struct btf, to which the variable
// btf_vmlinux points, begins with the addresses of the BTF and of an array of pointers to the types
// (Linux kernel/bpf/btf.c, v5.4 to v7.2). Their number is a few words of 32 bits in front of the BTF's size.
// Kernels with named_start_id there have sorted types by name, behind types without, and a name is found by
// a binary search; else in the start of the BTF, which is read as far as it is needed.
//
// In:  kernel memory.
// Out: types and names, as they lie there.
// Trusts nothing it reads: the array's last pointer must lead to the last type, each pointer into the types;
// the bytes that are kept have a limit.
#include "btf-far.h"
#include "base/cleanup.h"
#include "base/debug.h"
#include "base/vector.h"
#include "btf-part.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	OBJECT_SIZE = 160,   // of struct btf, up to its data_size
	MAX_HELD = 16 << 20, // bytes of types
	MAX_EQUAL = 256,     // types of one name
	PIECE = 64,          // of a name, that is read at once
	MAX_FOUND = 64,      // names that are remembered
};

// A name that was looked for. The readers of a structure ask for a member at a time.
struct found {
	char *name;
	uint32_t id; // 0: the kernel has no such type
};

struct gg_btf_far {
	struct gg_btf_place place;
	struct gg_btf_part part;
	uint64_t table; // of the pointers to the types; 0: there is none
	uint32_t count; // ids, with 0, by that table
	bool is_sorted;
	struct btf_type **types; // by id; NULL: not read yet
	size_t slots;
	uint32_t *held; // ids of those that were read
	size_t held_count;
	size_t held_size; // bytes of their types
	struct found found[MAX_FOUND];
	size_t found_count;
};

void gg_btf_far_destroy(struct gg_btf_far *far)
{
	if (!far)
		return;
	// Not by slots: there are hundreds of thousands, most of which no page was ever touched for.
	for (size_t i = 0; i < far->held_count; i++)
		free(far->types[far->held[i]]);
	free(far->held);
	free(far->types);
	for (size_t i = 0; i < far->found_count; i++)
		free(far->found[i].name);
	gg_btf_part_deinit(&far->part);
	free(far);
}

static void cleanup_far(struct gg_btf_far **far)
{
	gg_btf_far_destroy(*far);
}

// ---- Types ----

// Finds the address of the type ID, which is not 0.
static struct gg_error *place_type(struct gg_btf_far *far, uint32_t id, uint64_t *ret)
{
	const struct gg_btf_section *types = &far->part.types;
	const unsigned int word = far->place.memory->address_size;
	uint32_t offset = 0;
	if (!far->table) {
		struct gg_error *err = gg_btf_part_type(&far->part, id, &offset);
		*ret = types->address + offset;
		return err;
	}
	if (id >= far->count)
		return gg_error_create(GG_BAD_DATA, "the type %" PRIu32 " is not among %" PRIu32,
				       id, far->count);
	struct gg_error *err =
		gg_host_read_uint(far->place.memory, far->table + (uint64_t)id * word, word, ret);
	if (!err && *ret - types->address >= types->size)
		err = gg_error_create(GG_BAD_DATA,
				      "the type %" PRIu32 " is at 0x%" PRIx64
				      ", not among the BTF's types",
				      id, *ret);
	return err;
}

// Reads the WORDS words of 32 bits at ADDRESS, among the types.
static struct gg_error *read_words(const struct gg_btf_far *far, uint64_t address, uint32_t *ret,
				   size_t words)
{
	const struct gg_btf_section *types = &far->part.types;
	const size_t size = words * sizeof(*ret);
	if (size > types->size - (address - types->address))
		return gg_error_create(GG_BAD_DATA,
				       "the type at 0x%" PRIx64 " leaves the BTF's types", address);
	_cleanup_free_ uint8_t *bytes = malloc(size);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = gg_host_read(far->place.memory, address, bytes, size);
	struct gg_cursor cursor =
		gg_cursor(bytes, size, far->place.memory->big_endian, "the BTF's type");
	for (size_t i = 0; !err && i < words; i++) {
		uint64_t value;
		err = gg_cursor_uint(&cursor, sizeof(*ret), &value);
		if (!err)
			ret[i] = (uint32_t)value;
	}
	return err;
}

// Reads the type ID to its slot.
static struct gg_error *read_type(struct gg_btf_far *far, uint32_t id)
{
	enum { WORDS = GG_BTF_HEAD / 4 };
	uint64_t address = 0;
	uint32_t head[WORDS] = { 0 };
	struct gg_error *err = place_type(far, id, &address);
	if (!err)
		err = read_words(far, address, head, WORDS);
	if (err)
		return err;
	const size_t words = WORDS + gg_btf_tail(head[1]) / 4;
	if (far->held_size + words * 4 > MAX_HELD)
		return gg_error_create(GG_BAD_DATA, "types of more than %d bytes", MAX_HELD);
	_cleanup_free_ uint32_t *type = malloc(words * 4);
	if (!type)
		return gg_enomem;
	err = read_words(far, address, type, words);
	if (!err)
		err = gg_vector_grow(&far->held, far->held_count, sizeof(*far->held));
	if (err)
		return err;
	far->held[far->held_count++] = id;
	far->held_size += words * 4;
	far->types[id] = (struct btf_type *)no_cleanup_ptr(type);
	return NULL;
}

struct gg_error *gg_btf_far_type(struct gg_btf_far *far, uint32_t id, const struct btf_type **ret)
{
	static const struct btf_type nothing;
	*ret = &nothing;
	if (!id)
		return NULL;
	if (id >= far->slots)
		return gg_error_create(GG_BAD_DATA, "the BTF is damaged at the type %" PRIu32, id);
	struct gg_error *err = far->types[id] ? NULL : read_type(far, id);
	if (!err)
		*ret = far->types[id];
	return err;
}

// ---- Names ----

// Copies the name at OFFSET, if it is held.
static bool copy_held_name(const struct gg_btf_section *names, uint32_t offset,
			   char ret[GG_BTF_NAME_SIZE])
{
	if (offset >= names->held)
		return false;
	const size_t left = names->held - offset;
	const size_t most = left < GG_BTF_NAME_SIZE ? left : GG_BTF_NAME_SIZE;
	const size_t length = strnlen((const char *)names->bytes + offset, most);
	if (length == most)
		return false;
	memcpy(ret, names->bytes + offset, length + 1);
	return true;
}

struct gg_error *gg_btf_far_name(struct gg_btf_far *far, uint32_t offset,
				 char ret[GG_BTF_NAME_SIZE])
{
	const struct gg_btf_section *names = &far->part.names;
	if (copy_held_name(names, offset, ret))
		return NULL;
	for (size_t held = 0; held < GG_BTF_NAME_SIZE;) {
		if (offset + held >= names->size)
			break;
		const uint64_t left = names->size - offset - held;
		size_t size = left < PIECE ? left : PIECE;
		size = size < GG_BTF_NAME_SIZE - held ? size : GG_BTF_NAME_SIZE - held;
		struct gg_error *err = gg_host_read(
			far->place.memory, names->address + offset + held, ret + held, size);
		if (err || memchr(ret + held, 0, size))
			return err;
		held += size;
	}
	return gg_error_create(GG_BAD_DATA, "the BTF has no name at %" PRIu32, offset);
}

// Reads the name of the type ID; "" for a type without a name.
static struct gg_error *read_name(struct gg_btf_far *far, uint32_t id, char ret[GG_BTF_NAME_SIZE])
{
	uint64_t address = 0;
	uint32_t offset = 0;
	struct gg_error *err = place_type(far, id, &address);
	if (!err)
		err = read_words(far, address, &offset, 1);
	return err ? err : gg_btf_far_name(far, offset, ret);
}

// Finds the first id from LOW up to HIGH whose name is not in front of NAME.
static struct gg_error *find_first(struct gg_btf_far *far, const char *name, uint32_t *ret)
{
	char text[GG_BTF_NAME_SIZE];
	uint32_t low = 1, high = far->count;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		struct gg_error *err = read_name(far, middle, text);
		if (err)
			return err;
		if (strcmp(text, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret = low;
	return NULL;
}

static struct gg_error *no_type(const char *name)
{
	return gg_error_create(GG_NOT_FOUND, "the kernel has no type %s", name);
}

// Finds NAME among sorted types. A typedef counts if no other type has the name.
static struct gg_error *find_sorted(struct gg_btf_far *far, const char *name, uint32_t *ret)
{
	char text[GG_BTF_NAME_SIZE];
	uint32_t first = 0;
	*ret = 0;
	struct gg_error *err = find_first(far, name, &first);
	for (uint32_t id = first; !err && id < far->count && id - first < MAX_EQUAL; id++) {
		const struct btf_type *type;
		err = read_name(far, id, text);
		if (!err && strcmp(text, name))
			break;
		if (!err)
			err = gg_btf_far_type(far, id, &type);
		if (err || !gg_btf_is_findable(btf_kind(type)))
			continue;
		if (!*ret || !btf_is_typedef(type))
			*ret = id;
		if (!btf_is_typedef(type))
			break;
	}
	return err || *ret ? err : no_type(name);
}

static struct gg_error *find_anew(struct gg_btf_far *far, const char *name, uint32_t *ret)
{
	return far->is_sorted ? find_sorted(far, name, ret)
			      : gg_btf_part_find(&far->part, name, ret);
}

static struct gg_error *remember(struct gg_btf_far *far, const char *name, uint32_t id)
{
	if (far->found_count == MAX_FOUND)
		return NULL;
	struct found *found = &far->found[far->found_count];
	*found = (struct found){ .name = strdup(name), .id = id };
	if (!found->name)
		return gg_enomem;
	far->found_count++;
	return NULL;
}

struct gg_error *gg_btf_far_find(struct gg_btf_far *far, const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < far->found_count; i++)
		if (!strcmp(far->found[i].name, name)) {
			*ret = far->found[i].id;
			return *ret ? NULL : no_type(name);
		}
	struct gg_error *err = find_anew(far, name, ret);
	if (err && gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	struct gg_error *failed = remember(far, name, err ? 0 : *ret);
	if (!failed)
		return err;
	gg_error_destroy(err);
	return failed;
}

// ---- Per-CPU variables ----

// Finds the type of the per-CPU variable at OFFSET in its section, which pahole puts behind all types; or 0.
static struct gg_error *type_of_variable(struct gg_btf_far *far, uint64_t offset, uint32_t *ret)
{
	const struct btf_type *section, *variable;
	uint32_t found = 0;
	*ret = 0;
	struct gg_error *err = gg_btf_far_type(far, far->count - 1, &section);
	if (err || !btf_is_datasec(section))
		return err;
	const struct btf_var_secinfo *variables = btf_var_secinfos(section);
	for (unsigned int i = 0; i < btf_vlen(section); i++)
		if (variables[i].offset == offset)
			found = variables[i].type;
	err = gg_btf_far_type(far, found, &variable);
	if (!err && btf_is_var(variable))
		*ret = variable->type;
	return err;
}

struct gg_error *gg_btf_far_find_variable(struct gg_btf_far *far, const char *name, uint64_t offset,
					  uint32_t *ret)
{
	char text[GG_BTF_NAME_SIZE] = "";
	const struct btf_type *type;
	uint32_t id = 0;
	*ret = 0;
	// A search among sorted types costs no more.
	if (!far->table || far->is_sorted)
		return NULL;
	struct gg_error *err = type_of_variable(far, offset, &id);
	if (!err)
		err = gg_btf_far_type(far, id, &type);
	if (!err && gg_btf_is_findable(btf_kind(type)))
		err = gg_btf_far_name(far, type->name_off, text);
	if (!err && !strcmp(text, name))
		*ret = id;
	return err;
}

// ---- The kernel's array ----

// Tests whether the type LAST is the last of the types.
static struct gg_error *is_last(struct gg_btf_far *far, uint64_t last, bool *ret)
{
	const struct gg_btf_section *types = &far->part.types;
	uint64_t address = 0;
	uint32_t head[2] = { 0 };
	*ret = false;
	if (!last || last >= far->slots)
		return NULL;
	far->count = (uint32_t)last + 1;
	struct gg_error *err = place_type(far, (uint32_t)last, &address);
	if (!err)
		err = read_words(far, address, head, 2);
	*ret = !err && address + GG_BTF_HEAD + gg_btf_tail(head[1]) == types->address + types->size;
	return gg_error_unless_final(err);
}

// Tests whether the type ID is the first that has a name, where types are sorted by name.
static struct gg_error *is_first_named(struct gg_btf_far *far, uint64_t id, bool *ret)
{
	char before[GG_BTF_NAME_SIZE] = "", name[GG_BTF_NAME_SIZE];
	*ret = false;
	if (!id || id >= far->count)
		return NULL;
	struct gg_error *err = id > 1 ? read_name(far, (uint32_t)id - 1, before) : NULL;
	if (!err)
		err = read_name(far, (uint32_t)id, name);
	*ret = !err && !*before && *name;
	return gg_error_unless_final(err);
}

// Finds the number of types by the words of 32 bits in front of the BTF's size.
static struct gg_error *try_count(struct gg_btf_far *far, const uint64_t *size, bool *found)
{
	struct gg_error *err = is_last(far, size[-2] - 1, found);
	// Until v5.10 the number does not count type 0.
	if (!err && !*found)
		err = is_last(far, size[-2], found);
	if (err || *found)
		return err;
	// named_start_id is behind the number in kernels that sort.
	err = is_last(far, size[-3] - 1, found);
	return err || !*found ? err : is_first_named(far, size[-2], &far->is_sorted);
}

// Finds the number of types among the words of 32 bits that CURSOR is in front of.
static struct gg_error *find_count(struct gg_btf_far *far, struct gg_cursor *cursor)
{
	uint64_t words[OBJECT_SIZE / 4];
	bool found = false;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && !found && cursor->position < cursor->size; i++) {
		err = gg_cursor_uint(cursor, 4, &words[i]);
		if (!err && i >= 3 && words[i] == far->place.size)
			err = try_count(far, &words[i], &found);
	}
	return err || found ? err : gg_error_create(GG_BAD_DATA, "no array leads to the last type");
}

// Finds the array and the number of types in the struct btf at OBJECT.
static struct gg_error *find_table(struct gg_btf_far *far, uint64_t object)
{
	const struct gg_host *memory = far->place.changing;
	const unsigned int word = memory->address_size;
	uint8_t bytes[OBJECT_SIZE];
	uint64_t start = 0;
	struct gg_error *err = gg_host_read(memory, object, bytes, sizeof(bytes));
	struct gg_cursor cursor = gg_cursor(bytes, sizeof(bytes), memory->big_endian, "struct btf");
	if (!err)
		err = gg_cursor_uint(&cursor, word, &start);
	if (!err)
		err = gg_cursor_uint(&cursor, word, &far->table);
	if (!err && start != far->place.start)
		err = gg_error_create(GG_BAD_DATA, "struct btf has 0x%" PRIx64, start);
	return err ? err : find_count(far, &cursor);
}

static struct gg_error *open_table(struct gg_btf_far *far)
{
	uint64_t object = 0;
	if (!far->place.vmlinux)
		return gg_error_create(GG_NOT_FOUND, "btf_vmlinux is not known");
	struct gg_error *err = gg_host_read_uint(far->place.changing, far->place.vmlinux,
						 far->place.changing->address_size, &object);
	return err ? err : find_table(far, object);
}

struct gg_error *gg_btf_far_create(const struct gg_btf_place *place, struct gg_btf_far **ret)
{
	_cleanup_(cleanup_far) struct gg_btf_far *far = calloc(1, sizeof(*far));
	if (!far)
		return gg_enomem;
	far->place = *place;
	struct gg_error *err =
		gg_btf_part_init(&far->part, place->memory, place->start, place->size);
	if (err)
		return err;
	far->slots = far->part.types.size / GG_BTF_HEAD + 1;
	far->types = calloc(far->slots, sizeof(*far->types));
	if (!far->types)
		return gg_enomem;
	err = open_table(far);
	gg_debug(place->debug, "BTF: %" PRIu32 " types by btf_vmlinux, %s: %s", far->count,
		 far->is_sorted ? "sorted by name" : "not sorted", gg_debug_outcome(err));
	if (gg_error_is_final(err))
		return err;
	if (err)
		far->table = 0;
	gg_error_destroy(err);
	*ret = no_cleanup_ptr(far);
	return NULL;
}
