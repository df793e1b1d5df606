// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the kernel's symbols and memory: BTF lies between __start_BTF and __stop_BTF (Linux commit
//      341dfcf8d78e "btf: expose BTF info through sysfs", in v5.4).
// Out: members and enumerators.
// Trusts nothing it reads: the BTF has a limit, and btf.c checks it.
#include "types.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_BTF = 64 << 20 }; // ten times a distribution's

struct gg_types {
	struct gg_symbols *symbols;
	const struct gg_debug *debug;
	struct gg_btf *btf;
	struct gg_error *err; // the reason there is no BTF, or NULL
};

struct gg_error *gg_types_create(struct gg_symbols *symbols, const struct gg_debug *debug,
				 struct gg_types **ret)
{
	struct gg_types *types = calloc(1, sizeof(*types));
	if (!types)
		return gg_enomem;
	types->symbols = symbols;
	types->debug = debug;
	*ret = types;
	return NULL;
}

void gg_types_destroy(struct gg_types *types)
{
	if (!types)
		return;
	gg_btf_destroy(types->btf);
	gg_error_destroy(types->err);
	free(types);
}

// ---- The BTF ----

static struct gg_error *find_btf(struct gg_types *types, gg_gva_t *start, gg_gva_t *stop)
{
	struct gg_error *err = gg_symbols_address(types->symbols, "__start_BTF", start);
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

static struct gg_error *read_btf(struct gg_types *types)
{
	gg_gva_t start, stop;
	struct gg_error *err = find_btf(types, &start, &stop);
	if (err)
		return err;
	const struct gg_host *host = gg_symbols_host(types->symbols);
	const size_t size = (size_t)(stop - start);
	_cleanup_free_ uint8_t *bytes = malloc(size);
	if (!bytes)
		return gg_enomem;
	err = gg_host_read(host, start, bytes, size);
	return err ? err : gg_btf_create(bytes, size, host->address_size, NULL, &types->btf);
}

struct gg_error *gg_types_btf(struct gg_types *types, const struct gg_btf **ret)
{
	if (!types->btf && !types->err) {
		struct gg_error *err = read_btf(types);
		gg_debug(types->debug, "BTF: %s", gg_debug_outcome(err));
		if (gg_error_is_final(err))
			return err;
		types->err = err ? gg_error_context(err, "the kernel's BTF") : NULL;
	}
	*ret = types->btf;
	return types->err ? gg_error_copy(types->err) : NULL;
}

// ---- Answers ----

// Opens the BTF and finds TYPE in it.
static struct gg_error *find_type(struct gg_types *types, const char *type,
				  const struct gg_btf **btf, uint32_t *id)
{
	struct gg_error *err = gg_types_btf(types, btf);
	if (err)
		return err;
	*id = gg_btf_find(*btf, type);
	return *id ? NULL : gg_error_create(GG_NOT_FOUND, "the kernel has no type %s", type);
}

struct gg_error *gg_types_member(struct gg_types *types, const char *type, const char *path,
				 struct gg_btf_member *ret)
{
	const struct gg_btf *btf;
	uint32_t id;
	struct gg_error *err = find_type(types, type, &btf, &id);
	if (err)
		return err;
	err = gg_btf_member(btf, id, path, ret);
	return err ? gg_error_context(err, "type %s", type) : NULL;
}

struct gg_error *gg_types_enumerator(struct gg_types *types, const char *type, const char *name,
				     int64_t *ret)
{
	const struct gg_btf *btf;
	uint32_t id;
	struct gg_error *err = find_type(types, type, &btf, &id);
	if (err)
		return err;
	err = gg_btf_enumerator(btf, id, name, ret);
	return err ? gg_error_context(err, "type %s", type) : NULL;
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
	if (err && gg_error_kind(err) == GG_NOT_FOUND && types->btf) {
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
