// SPDX-License-Identifier: GPL-3.0-or-later
//
// BTF by libbpf.
//
// In:  bytes that guest memory holds: a whole BTF, or types that btf-far.c reads one by one.
// Out: ids, offsets and sizes.
// Trusts nothing it reads: libbpf splits the types of a whole BTF, and btf-check.c checks them before any other
// use. Types that are read one by one are not checked beforehand: a walk through them has a limit.
#include "btf.h"
#include "base/cleanup.h"
#include "btf-check.h"
#include "btf-far.h"
#include "btf-part.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	MAX_MODIFIERS = 32,    // of a type: typedefs, const ...
	MAX_DEPTH = 16,        // of anonymous members in each other
	MAX_NAME = 256,        // of a member in a path
	MAX_MEMBERS = 1 << 17, // that one search looks at
};

struct named {
	uint32_t hash, id;
};

struct gg_btf {
	struct btf *btf;
	const struct gg_btf *base;
	struct gg_btf_far *far; // in place of BTF; NULL: the BTF is whole
	unsigned int word;
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

static struct gg_error *index_names(struct gg_btf *btf)
{
	const uint32_t end = btf__type_cnt(btf->btf);
	const uint32_t start = btf->base ? btf__type_cnt(btf->base->btf) : 1;
	btf->names = calloc(end > start ? end - start : 1, sizeof(*btf->names));
	if (!btf->names)
		return gg_enomem;
	for (uint32_t id = start; id < end; id++) {
		const struct btf_type *type = btf__type_by_id(btf->btf, id);
		const char *name = gg_btf_is_findable(btf_kind(type))
					   ? btf__str_by_offset(btf->btf, type->name_off)
					   : NULL;
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
		if (strcmp(btf__str_by_offset(btf->btf, type->name_off), name))
			continue;
		if (!btf_is_typedef(type))
			return btf->names[low].id;
		found = found ? found : btf->names[low].id;
	}
	return found || !btf->base ? found : gg_btf_find(btf->base, name);
}

struct gg_error *gg_btf_lookup(const struct gg_btf *btf, const char *name, uint32_t *ret)
{
	if (btf->far)
		return gg_btf_far_find(btf->far, name, ret);
	*ret = gg_btf_find(btf, name);
	return *ret ? NULL : gg_error_create(GG_NOT_FOUND, "the kernel has no type %s", name);
}

struct gg_error *gg_btf_lookup_variable(const struct gg_btf *btf, const char *name, uint64_t offset,
					uint32_t *ret)
{
	*ret = 0;
	return btf->far ? gg_btf_far_find_variable(btf->far, name, offset, ret) : NULL;
}

// ---- Opening ----

void gg_btf_destroy(struct gg_btf *btf)
{
	if (!btf)
		return;
	btf__free(btf->btf);
	gg_btf_far_destroy(btf->far);
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
	struct gg_error *err = gg_btf_check(btf->btf, base ? btf__type_cnt(base->btf) : 1);
	return err ? err : index_names(btf);
}

struct gg_error *gg_btf_create(const void *bytes, size_t size, unsigned int word,
			       const struct gg_btf *base, struct gg_btf **ret)
{
	_cleanup_(cleanup_btf) struct gg_btf *btf = calloc(1, sizeof(*btf));
	if (!btf)
		return gg_enomem;
	btf->base = base;
	btf->word = word;
	struct gg_error *err = open_btf(btf, bytes, size, word);
	if (!err)
		*ret = no_cleanup_ptr(btf);
	return err;
}

struct gg_error *gg_btf_create_far(struct gg_btf_far *far, unsigned int word, struct gg_btf **ret)
{
	struct gg_btf *btf = calloc(1, sizeof(*btf));
	if (!btf) {
		gg_btf_far_destroy(far);
		return gg_enomem;
	}
	btf->far = far;
	btf->word = word;
	*ret = btf;
	return NULL;
}

// ---- Types ----

static struct gg_error *damaged(uint32_t id)
{
	return gg_error_create(GG_BAD_DATA, "the BTF is damaged at the type %" PRIu32, id);
}

static struct gg_error *type_of(const struct gg_btf *btf, uint32_t id, const struct btf_type **ret)
{
	if (btf->far)
		return gg_btf_far_type(btf->far, id, ret);
	*ret = btf__type_by_id(btf->btf, id);
	return *ret ? NULL : damaged(id);
}

// Finds the name at OFFSET, of which BUFFER may get a copy.
static struct gg_error *name_of(const struct gg_btf *btf, uint32_t offset,
				char buffer[GG_BTF_NAME_SIZE], const char **ret)
{
	*ret = btf->far ? buffer : btf__str_by_offset(btf->btf, offset);
	if (btf->far)
		return gg_btf_far_name(btf->far, offset, buffer);
	return *ret ? NULL
		    : gg_error_create(GG_BAD_DATA, "the BTF has no name at %" PRIu32, offset);
}

static bool is_modifier(const struct btf_type *type)
{
	return btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type);
}

// Returns the type that ID is behind its modifiers, and the type's id.
static struct gg_error *strip(const struct gg_btf *btf, uint32_t *id, const struct btf_type **ret)
{
	struct gg_error *err = type_of(btf, *id, ret);
	for (unsigned int i = 0; !err && is_modifier(*ret); i++) {
		if (i == MAX_MODIFIERS)
			return damaged(*id);
		*id = (*ret)->type;
		err = type_of(btf, *id, ret);
	}
	return err;
}

// Returns the size of the type ID, an array of arrays perhaps.
static struct gg_error *size_of(const struct gg_btf *btf, uint32_t id, uint64_t *ret)
{
	uint64_t count = 1;
	for (unsigned int i = 0; i < MAX_DEPTH; i++) {
		const struct btf_type *type;
		struct gg_error *err = strip(btf, &id, &type);
		if (err)
			return err;
		if (!btf_is_array(type)) {
			const bool has_size = btf_is_int(type) || btf_is_composite(type) ||
					      btf_is_any_enum(type) || btf_is_float(type);
			*ret = count * (btf_is_ptr(type) ? btf->word : type->size);
			return has_size || btf_is_ptr(type) ? NULL : damaged(id);
		}
		count *= btf_array(type)->nelems;
		if (count > UINT32_MAX)
			return damaged(id);
		id = btf_array(type)->type;
	}
	return damaged(id);
}

// ---- Members ----

struct search {
	const struct gg_btf *btf;
	const char *name;
	unsigned int left; // members that may be looked at
};

static struct gg_error *find_member(struct search *search, uint32_t id, unsigned int depth,
				    struct gg_btf_member *ret, bool *found);

// Tests whether the member INDEX of TYPE, or an anonymous member's member, is searched for; ret is its place,
// at first the place of TYPE.
static struct gg_error *try_member(struct search *search, const struct btf_type *type,
				   uint32_t index, unsigned int depth, struct gg_btf_member *ret,
				   bool *found)
{
	char buffer[GG_BTF_NAME_SIZE];
	const char *own;
	const struct btf_member *member = btf_members(type) + index;
	struct gg_error *err = name_of(search->btf, member->name_off, buffer, &own);
	if (err)
		return err;
	*ret = (struct gg_btf_member){
		.type = member->type,
		.bit_offset = ret->bit_offset + btf_member_bit_offset(type, index),
		.bits = btf_member_bitfield_size(type, index),
	};
	*found = *own && !strcmp(own, search->name);
	return *own ? NULL : find_member(search, member->type, depth + 1, ret, found);
}

// Finds the member that is searched for in the struct or union ID, and adds its offset to RET. *FOUND is false
// without such a member.
static struct gg_error *find_member(struct search *search, uint32_t id, unsigned int depth,
				    struct gg_btf_member *ret, bool *found)
{
	const struct btf_type *type;
	struct gg_error *err = strip(search->btf, &id, &type);
	*found = false;
	if (!err && depth == MAX_DEPTH)
		err = damaged(id);
	if (err || !btf_is_composite(type))
		return err;
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		struct gg_btf_member here = *ret;
		if (!search->left--)
			return damaged(id);
		err = try_member(search, type, i, depth, &here, found);
		if (*found)
			*ret = here;
		if (err || *found)
			return err;
	}
	return NULL;
}

// Moves RET to the element that INDEX, "[3]" and more, chooses.
static struct gg_error *choose_element(const struct gg_btf *btf, const char **index,
				       struct gg_btf_member *ret)
{
	char *end;
	uint64_t size;
	const struct btf_type *type;
	const uint64_t number = strtoull(*index + 1, &end, 10);
	struct gg_error *err = strip(btf, &ret->type, &type);
	if (err)
		return err;
	if (*end != ']' || !btf_is_array(type))
		return gg_error_create(GG_NOT_FOUND, "no array has an element %s", *index);
	const struct btf_array *array = btf_array(type);
	err = size_of(btf, array->type, &size);
	if (err)
		return err;
	if (array->nelems && number >= array->nelems)
		return gg_error_create(GG_NOT_FOUND,
				       "an array of %" PRIu32 " has no element %" PRIu64,
				       array->nelems, number);
	ret->type = array->type;
	ret->bit_offset += number * size * 8;
	*index = end + 1;
	return NULL;
}

// Moves RET to the member that PATH begins with, and PATH behind it.
static struct gg_error *step(const struct gg_btf *btf, const char **path, struct gg_btf_member *ret)
{
	char name[MAX_NAME];
	struct search search = { btf, name, MAX_MEMBERS };
	const size_t size = strcspn(*path, ".[");
	bool found;
	if (size >= sizeof(name))
		return gg_error_create(GG_NOT_FOUND, "no member has a name of %zu characters",
				       size);
	memcpy(name, *path, size);
	name[size] = 0;
	struct gg_error *err = find_member(&search, ret->type, 0, ret, &found);
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
	return size_of(btf, ret->type, &ret->size);
}

// ---- Enumerators ----

struct gg_error *gg_btf_enumerator(const struct gg_btf *btf, uint32_t id, const char *name,
				   int64_t *ret)
{
	const struct btf_type *type;
	struct gg_error *err = strip(btf, &id, &type);
	if (err)
		return err;
	const bool is_enum = btf_is_enum(type), is_signed = btf_kflag(type);
	for (uint32_t i = 0; btf_is_any_enum(type) && i < btf_vlen(type); i++) {
		const struct btf_enum *narrow = btf_enum(type) + i;
		const struct btf_enum64 *wide = btf_enum64(type) + i;
		char buffer[GG_BTF_NAME_SIZE];
		const char *own;
		err = name_of(btf, is_enum ? narrow->name_off : wide->name_off, buffer, &own);
		if (err)
			return err;
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
		err = visit(data, btf__str_by_offset(btf->btf, type->name_off));
	}
	return err;
}
