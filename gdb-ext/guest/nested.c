// SPDX-License-Identifier: GPL-3.0-or-later
//
// The nested guests that guest-nested shows.
#include "nested.h"
#include "tasks.h"
#include "linux/image-note.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gg_error *gg_nested_parse(const char *text, uint64_t *ret, size_t *count)
{
	const char *at = text;
	for (*count = 0; *count < GG_NESTED_DEPTH; at++) {
		char *end;
		errno = 0;
		const unsigned long long number = strtoull(at, &end, 0);
		if (!isdigit((unsigned char)*at) || errno || !number || (*end && *end != '.'))
			break;
		ret[(*count)++] = number;
		at = end;
		if (!*at)
			return NULL;
	}
	if (*count == GG_NESTED_DEPTH)
		return gg_error_create(GG_INVALID, "\"%s\" is more than %d guests deep", text,
				       GG_NESTED_DEPTH);
	return gg_error_create(GG_INVALID,
			       "\"%s\" is not the number of a nested guest: 1, or 1.2 for nested "
			       "guest 2 of nested guest 1",
			       text);
}

struct gg_error *gg_guest_nested_name(struct gg_guest *guest, struct gg_nested_name *ret)
{
	struct gg_source_facts facts;
	struct gg_error *err = gg_guest_facts(guest, &facts);
	*ret = facts.nested;
	facts.nested = (struct gg_nested_name){ NULL };
	gg_source_facts_deinit(&facts);
	return err;
}

struct gg_error *gg_guest_nested_count(struct gg_guest *guest, size_t *ret)
{
	const struct gg_answerers *kernel;
	struct gg_kvm_machines machines = { 0 };
	size_t index;
	struct gg_error *err = gg_guest_answerers(guest, NULL, &kernel);
	if (!err)
		err = gg_kvm_read_one(kernel, 0, &machines, &index);
	*ret = machines.count;
	gg_kvm_machines_deinit(&machines);
	return err;
}

bool gg_guest_lacks_lists(struct gg_guest *guest)
{
	const struct gg_answerers *kernel;
	struct gg_symbol list;
	struct gg_error *err = gg_guest_answerers(guest, NULL, &kernel);
	bool lacks = err && !gg_error_is_final(err) && !gg_guest_is_over_wire(guest);
	gg_error_destroy(err);
	if (err)
		return lacks;
	err = gg_symbols_find_everywhere(kernel->symbols, "vm_list", &list);
	lacks = !err;
	gg_error_destroy(err);
	return lacks;
}

struct gg_error *gg_guest_nested(struct gg_guest *guest, bool count_memory,
				 const struct gg_notices *notices, struct gg_kvm_machines *ret)
{
	const struct gg_answerers *kernel;
	const struct gg_ram_map *map;
	const bool counts = count_memory || !gg_guest_is_over_wire(guest);
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	if (!err)
		err = gg_guest_ram_map(guest, &map);
	if (!err)
		err = gg_kvm_read(kernel, map, counts, notices, ret);
	if (!err && ret->count && !counts)
		err = gg_tell(notices, "the memory of nested guests is not counted over the "
				       "gdbstub, nor their kernels looked for: -memory does so, in "
				       "some minutes");
	return err;
}

static struct gg_error *copy_note(struct gg_source *source, const char *name, char **text,
				  size_t *size)
{
	const char *found;
	struct gg_error *err = source->ops->note(source, name, &found, size);
	if (err)
		return err;
	*text = malloc(*size + 1);
	if (!*text)
		return gg_enomem;
	memcpy(*text, found, *size);
	return NULL;
}

struct gg_error *gg_guest_kernel_note(struct gg_guest *guest, const char *name, char **text,
				      size_t *size)
{
	struct gg_source *source = guest->machine.source;
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_error_create(GG_NOT_FOUND, "there is no note %s", name);
	*text = NULL;
	if (source->ops->note) {
		gg_error_destroy(err);
		err = copy_note(source, name, text, size);
	}
	if (!err || gg_error_kind(err) != GG_NOT_FOUND || gg_guest_is_over_wire(guest))
		return err;
	gg_error_destroy(err);
	err = gg_guest_answerers(guest, NULL, &kernel);
	return err ? err : gg_image_note(kernel, name, text, size);
}
