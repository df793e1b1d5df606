// SPDX-License-Identifier: GPL-3.0-or-later
//
// BTF by libbpf.
//
// In:  bytes that guest memory holds: a whole BTF, or the start of its types and of its names.
// Out: ids, offsets and sizes.
// Trusts nothing it reads: libbpf splits the types, and btf-check.c checks them before any other use. In a
// part of a BTF a type or name that is not there yet is an error, never a guess.
#include "btf.h"
#include "base/cleanup.h"
#include "btf-check.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MAX_MODIFIERS = 32, // of a type: typedefs, const ...
	MAX_DEPTH = 16,     // of anonymous members in each other
	MAX_NAME = 256,     // of a member in a path
};

struct named {
	uint32_t hash, id;
};

struct gg_btf {
	struct btf *btf;
	const struct gg_btf *base;
	bool is_part;        // more types and names are behind the end
	struct named *names; // by hash, then by id
	size_t count;
};

// ---- The index of names ----

// FNV-1a.
static uint32_t hash_of(const char *name)
{
	uint32_t hash = 0x811c9dc5;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193;
	return hash;
}

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static bool is_findable(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_any_enum(type) || btf_is_typedef(type);
}

// Returns the name at OFFSET; NULL for a name behind the end of a part.
static const char *name_of(const struct gg_btf *btf, uint32_t offset)
{
	return btf__str_by_offset(btf->btf, offset);
}

static bool has_name(const struct gg_btf *btf, uint32_t offset, const char *name)
{
	const char *own = name_of(btf, offset);
	return own && !strcmp(own, name);
}

static struct gg_error *index_names(struct gg_btf *btf)
{
	const uint32_t end = btf__type_cnt(btf->btf);
	const uint32_t start = btf->base ? btf__type_cnt(btf->base->btf) : 1;
	btf->names = calloc(end > start ? end - start : 1, sizeof(*btf->names));
	if (!btf->names)
		return gg_enomem;
	for (uint32_t id = start; id < end; id++) {
		const struct btf_type *type = btf__type_by_id(btf->btf, id);
		const char *name = is_findable(type) ? name_of(btf, type->name_off) : NULL;
		if (name && *name)
			btf->names[btf->count++] = (struct named){ hash_of(name), id };
	}
	qsort(btf->names, btf->count, sizeof(*btf->names), compare_named);
	return NULL;
}

uint32_t gg_btf_find(const struct gg_btf *btf, const char *name)
{
	const uint32_t hash = hash_of(name);
	size_t low = 0, high = btf->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (btf->names[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	uint32_t found = 0;
	for (; low < btf->count && btf->names[low].hash == hash; low++) {
		const struct btf_type *type = btf__type_by_id(btf->btf, btf->names[low].id);
		if (!has_name(btf, type->name_off, name))
			continue;
		if (!btf_is_typedef(type))
			return btf->names[low].id;
		found = found ? found : btf->names[low].id;
	}
	return found || !btf->base ? found : gg_btf_find(btf->base, name);
}

// ---- Opening ----

void gg_btf_destroy(struct gg_btf *btf)
{
	if (!btf)
		return;
	btf__free(btf->btf);
	free(btf->names);
	free(btf);
}

static void cleanup_btf(struct gg_btf **btf)
{
	gg_btf_destroy(*btf);
}

struct btf *gg_btf_libbpf(const struct gg_btf *btf)
{
	return btf->btf;
}

// Opens a BTF that builds on BASE, by way of a file: libbpf 1.1 declares btf__new_split(), and does
// not export it. NULL, and errno, after an error.
static struct btf *open_split(const void *bytes, size_t size, struct btf *base)
{
	char path[32];
	_cleanup_close_ const int fd = memfd_create("btf", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return btf__parse_raw_split(path, base);
}

static struct gg_error *open_btf(struct gg_btf *btf, const void *bytes, size_t size,
				 unsigned int word)
{
	const struct gg_btf *base = btf->base;
	if (size > UINT32_MAX)
		return gg_error_create(GG_BAD_DATA, "a BTF of %zu bytes", size);
	// libbpf would write what it refuses to stderr.
	libbpf_set_print(NULL);
	btf->btf = base ? open_split(bytes, size, base->btf) : btf__new(bytes, (uint32_t)size);
	if (!btf->btf)
		return gg_error_create(GG_BAD_DATA, "libbpf does not take the BTF: %s",
				       strerror(errno));
	btf__set_pointer_size(btf->btf, word);
	struct gg_error *err =
		gg_btf_check(btf->btf, base ? btf__type_cnt(base->btf) : 1, btf->is_part);
	return err ? err : index_names(btf);
}

static struct gg_error *create(const void *bytes, size_t size, unsigned int word,
			       const struct gg_btf *base, bool is_part, struct gg_btf **ret)
{
	_cleanup_(cleanup_btf) struct gg_btf *btf = calloc(1, sizeof(*btf));
	if (!btf)
		return gg_enomem;
	btf->base = base;
	btf->is_part = is_part;
	struct gg_error *err = open_btf(btf, bytes, size, word);
	if (!err)
		*ret = no_cleanup_ptr(btf);
	return err;
}

struct gg_error *gg_btf_create(const void *bytes, size_t size, unsigned int word,
			       const struct gg_btf *base, struct gg_btf **ret)
{
	return create(bytes, size, word, base, false, ret);
}

struct gg_error *gg_btf_create_part(const void *bytes, size_t size, unsigned int word,
				    struct gg_btf **ret)
{
	return create(bytes, size, word, NULL, true, ret);
}

// ---- Members ----

static bool is_modifier(const struct btf_type *type)
{
	return btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type);
}

// Returns the type that ID is behind its modifiers; NULL where the BTF is damaged.
static const struct btf_type *strip(const struct gg_btf *btf, uint32_t *id)
{
	const struct btf_type *type = btf__type_by_id(btf->btf, *id);
	for (unsigned int i = 0; type && is_modifier(type); i++) {
		if (i == MAX_MODIFIERS)
			return NULL;
		*id = type->type;
		type = btf__type_by_id(btf->btf, *id);
	}
	return type;
}

static struct gg_error *damaged(uint32_t id)
{
	return gg_error_create(GG_BAD_DATA, "the BTF is damaged at the type %" PRIu32, id);
}

// Finds the member NAME of the struct or union ID, and adds its offset to RET. *FOUND is false
// without such a member.
static struct gg_error *find_member(const struct gg_btf *btf, uint32_t id, const char *name,
				    unsigned int depth, struct gg_btf_member *ret, bool *found)
{
	const struct btf_type *type = strip(btf, &id);
	*found = false;
	if (!type || depth == MAX_DEPTH)
		return damaged(id);
	if (!btf_is_composite(type))
		return NULL;
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = btf_members(type) + i;
		struct gg_btf_member here = {
			.type = member->type,
			.bit_offset = ret->bit_offset + btf_member_bit_offset(type, i),
			.bits = btf_member_bitfield_size(type, i),
		};
		const char *own = name_of(btf, member->name_off);
		if (!own)
			return damaged(id);
		*found = *own && !strcmp(own, name);
		if (!*own) {
			struct gg_error *err =
				find_member(btf, member->type, name, depth + 1, &here, found);
			if (err)
				return err;
		}
		if (*found) {
			*ret = here;
			return NULL;
		}
	}
	return NULL;
}

// Moves RET to the element that INDEX, "[3]" and more, chooses.
static struct gg_error *choose_element(const struct gg_btf *btf, const char **index,
				       struct gg_btf_member *ret)
{
	char *end;
	const uint64_t number = strtoull(*index + 1, &end, 10);
	const struct btf_type *type = strip(btf, &ret->type);
	if (!type)
		return damaged(ret->type);
	if (*end != ']' || !btf_is_array(type))
		return gg_error_create(GG_NOT_FOUND, "no array has an element %s", *index);
	const struct btf_array *array = btf_array(type);
	const int64_t size = btf__resolve_size(btf->btf, array->type);
	if (size < 0)
		return damaged(array->type);
	if (array->nelems && number >= array->nelems)
		return gg_error_create(GG_NOT_FOUND,
				       "an array of %" PRIu32 " has no element %" PRIu64,
				       array->nelems, number);
	ret->type = array->type;
	ret->bit_offset += number * (uint64_t)size * 8;
	*index = end + 1;
	return NULL;
}

// Moves RET to the member that PATH begins with, and PATH behind it.
static struct gg_error *step(const struct gg_btf *btf, const char **path, struct gg_btf_member *ret)
{
	char name[MAX_NAME];
	const size_t size = strcspn(*path, ".[");
	bool found;
	if (size >= sizeof(name))
		return gg_error_create(GG_NOT_FOUND, "no member has a name of %zu characters",
				       size);
	memcpy(name, *path, size);
	name[size] = 0;
	struct gg_error *err = find_member(btf, ret->type, name, 0, ret, &found);
	if (err)
		return err;
	if (!found)
		return gg_error_create(GG_NOT_FOUND, "it has no member %s", name);
	*path += size;
	while (!err && **path == '[')
		err = choose_element(btf, path, ret);
	*path += !err && **path == '.';
	return err;
}

struct gg_error *gg_btf_member(const struct gg_btf *btf, uint32_t id, const char *path,
			       struct gg_btf_member *ret)
{
	*ret = (struct gg_btf_member){ .type = id };
	while (*path) {
		struct gg_error *err = step(btf, &path, ret);
		if (err)
			return err;
	}
	const int64_t size = btf__resolve_size(btf->btf, ret->type);
	if (size < 0)
		return damaged(ret->type);
	ret->size = (uint64_t)size;
	return NULL;
}

// ---- Enumerators ----

struct gg_error *gg_btf_enumerator(const struct gg_btf *btf, uint32_t id, const char *name,
				   int64_t *ret)
{
	const struct btf_type *type = strip(btf, &id);
	if (!type)
		return damaged(id);
	const bool is_enum = btf_is_enum(type), is_signed = btf_kflag(type);
	for (uint32_t i = 0; btf_is_any_enum(type) && i < btf_vlen(type); i++) {
		const struct btf_enum *narrow = btf_enum(type) + i;
		const struct btf_enum64 *wide = btf_enum64(type) + i;
		const char *own = name_of(btf, is_enum ? narrow->name_off : wide->name_off);
		if (!own)
			return damaged(id);
		if (strcmp(own, name))
			continue;
		*ret = !is_enum    ? (int64_t)btf_enum64_value(wide)
		       : is_signed ? narrow->val
				   : (int64_t)(uint32_t)narrow->val;
		return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "it has no member %s", name);
}

// ---- Names ----

struct gg_error *gg_btf_names(const struct gg_btf *btf,
			      struct gg_error *(*visit)(void *data, const char *name), void *data)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < btf->count; i++) {
		const struct btf_type *type = btf__type_by_id(btf->btf, btf->names[i].id);
		err = visit(data, name_of(btf, type->name_off));
	}
	return err;
}
