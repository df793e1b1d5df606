// SPDX-License-Identifier: GPL-3.0-or-later
#include "members.h"
#include "base/vector.h"

#include <inttypes.h>
#include <stdlib.h>

struct gg_members {
	const struct gg_debug *debug;
	struct gg_member_finder *finders; // by their order
	size_t count;
};

struct gg_error *gg_members_create(const struct gg_debug *debug, struct gg_members **ret)
{
	struct gg_members *members = calloc(1, sizeof(*members));
	if (!members)
		return gg_enomem;
	members->debug = debug;
	*ret = members;
	return NULL;
}

void gg_members_destroy(struct gg_members *members)
{
	if (!members)
		return;
	for (size_t i = 0; i < members->count; i++)
		members->finders[i].ops->destroy(members->finders[i].data);
	free(members->finders);
	free(members);
}

struct gg_error *gg_members_add(struct gg_members *members, const struct gg_member_finder *finder)
{
	struct gg_error *err =
		gg_vector_grow(&members->finders, members->count, sizeof(*members->finders));
	if (err) {
		finder->ops->destroy(finder->data);
		return err;
	}
	size_t at = members->count++;
	for (; at && members->finders[at - 1].order > finder->order; at--)
		members->finders[at] = members->finders[at - 1];
	members->finders[at] = *finder;
	return NULL;
}

static void log_answer(const struct gg_members *members, const struct gg_member_finder *finder,
		       const char *type, const char *path, const struct gg_member *member,
		       const struct gg_error *err)
{
	const char *dot = *path ? "." : "";
	if (err)
		gg_debug(members->debug, "member %s%s%s: %s: %s", type, dot, path, finder->name,
			 gg_error_message(err));
	else
		gg_debug(members->debug,
			 "member %s%s%s: %s has it, offset %" PRIu64 ", size %" PRIu64, type, dot,
			 path, finder->name, member->offset, member->size);
}

struct gg_error *gg_members_find(const struct gg_members *members, const char *type,
				 const char *path, struct gg_member *ret)
{
	struct gg_error *first = NULL;
	for (size_t i = 0; i < members->count; i++) {
		const struct gg_member_finder *finder = &members->finders[i];
		*ret = (struct gg_member){ 0 };
		struct gg_error *err = finder->ops->find(finder->data, type, path, ret);
		log_answer(members, finder, type, path, ret, err);
		if (!err || gg_error_kind(err) != GG_NOT_FOUND) {
			gg_error_destroy(first);
			return err;
		}
		if (first)
			gg_error_destroy(err);
		else
			first = err;
	}
	return first ? first
		     : gg_error_create(GG_NOT_FOUND, "the types of the kernel are not known");
}
