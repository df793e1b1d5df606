// SPDX-License-Identifier: GPL-3.0-or-later
//
// Types and members as a user names them, and lists of values.
//
// In:  what the user typed; the kernel's types and memory.
// Out: types, places of members, addresses.
// Trusts nothing it reads: a list has a limit, and a value that was met before ends it.
#include "struct.h"
#include "base/cleanup.h"
#include "base/near.h"
#include "base/notices.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16 }; // of anonymous members in each other

// ---- Names that are like a wrong one ----

static struct gg_error *add_near(void *data, const char *name)
{
	gg_near_add(data, name);
	return NULL;
}

static struct gg_error *no_type(struct gg_types *types, const char *name, struct gg_error *err)
{
	struct gg_near near = { .wanted = name };
	if (gg_error_kind(err) != GG_NOT_FOUND)
		return err;
	struct gg_error *failed = gg_error_unless_final(gg_types_names(types, add_near, &near));
	if (!failed)
		return gg_near_error(&near, err);
	gg_error_destroy(err);
	return failed;
}

// Calls VISIT with the names of the members of the type ID, and of its anonymous members' members.
static struct gg_error *visit_members(const struct gg_btf *btf, uint32_t id, unsigned int depth,
				      struct gg_error *(*visit)(void *data, const char *name),
				      void *data)
{
	struct gg_type type;
	struct gg_error *err = gg_btf_type(btf, id, &type);
	if (err || !gg_type_is_composite(&type) || depth == MAX_DEPTH)
		return err;
	for (uint32_t i = 0; !err && i < type.count; i++) {
		struct gg_btf_member member;
		const char *name;
		err = gg_btf_member_at(btf, &type, i, &name, &member);
		if (!err && *name)
			err = visit(data, name);
		else if (!err)
			err = visit_members(btf, member.type, depth + 1, visit, data);
	}
	return err;
}

// ---- Members ----

// Finds the member that the SIZE characters at PATH name, in PLACE's type.
static struct gg_error *find_direct(const struct gg_struct_query *query, const char *path,
				    size_t size, struct gg_struct_place *place)
{
	_cleanup_free_ char *direct = strndup(path, size);
	struct gg_btf_member member;
	if (!direct)
		return gg_enomem;
	struct gg_error *err = gg_btf_member(query->btf, place->member.type, direct, &member);
	if (!err) {
		member.bit_offset += place->member.bit_offset;
		place->member = member;
		return NULL;
	}
	struct gg_near near = { .wanted = direct };
	gg_error_destroy(visit_members(query->btf, place->member.type, 0, add_near, &near));
	return gg_error_context(gg_near_error(&near, err), "type %s", query->type);
}

// Moves PLACE to what the pointer in it leads to.
static struct gg_error *follow(const struct gg_struct_query *query, const char *path, bool reads,
			       struct gg_struct_place *place)
{
	struct gg_type type;
	struct gg_error *err = gg_btf_type(query->btf, place->member.type, &type);
	if (err)
		return err;
	if (type.kind != GG_TYPE_POINTER || place->member.bit_offset % 8)
		return gg_error_create(GG_INVALID, "%s.%s: what is before -> is no pointer",
				       query->type, path);
	const gg_gva_t address = place->address + place->member.bit_offset / 8;
	*place = (struct gg_struct_place){ .member.type = type.target };
	if (!reads)
		return NULL;
	const struct gg_host *host = &query->kernel->memory.host;
	err = gg_host_read_uint(host, address, host->address_size, &place->address);
	if (!err && !place->address)
		err = gg_error_create(GG_NOT_FOUND, "the pointer at 0x%" PRIx64 " is 0", address);
	return err ? gg_error_context(err, "%s.%s", query->type, path) : NULL;
}

struct gg_error *gg_struct_find(const struct gg_struct_query *query, const char *path,
				gg_gva_t address, bool reads, struct gg_struct_place *ret)
{
	*ret = (struct gg_struct_place){ .address = address, .member.type = query->id };
	const char *rest = path;
	for (const char *arrow; (arrow = strstr(rest, "->")); rest = arrow + 2) {
		struct gg_error *err = find_direct(query, rest, (size_t)(arrow - rest), ret);
		if (!err)
			err = follow(query, path, reads, ret);
		if (err)
			return err;
	}
	return find_direct(query, rest, strlen(rest), ret);
}

// ---- The query ----

static struct gg_error *add_path(struct gg_struct_query *query, const char *text, size_t size)
{
	struct gg_struct_place place;
	struct gg_error *err =
		gg_vector_grow(&query->paths, query->path_count, sizeof(*query->paths));
	char *path = err ? NULL : strndup(text, size);
	if (err || !path)
		return err ? err : gg_enomem;
	query->paths[query->path_count++] = path;
	if (!size)
		return gg_error_create(GG_INVALID, "a member's name is missing behind %s.",
				       query->type);
	return gg_struct_find(query, path, 0, false, &place);
}

static struct gg_error *parse(struct gg_struct_query *query, const char *text)
{
	const size_t size = strcspn(text, ".");
	query->type = strndup(text, size);
	if (!query->type)
		return gg_enomem;
	struct gg_error *err =
		gg_types_find(query->kernel->types, query->type, &query->btf, &query->id);
	if (err)
		return no_type(query->kernel->types, query->type, err);
	for (const char *path = text + size; !err && *path; path += strcspn(path, ",")) {
		path++;
		err = add_path(query, path, strcspn(path, ","));
	}
	return err;
}

static const char *without_keyword(const char *text)
{
	static const char *const keywords[] = { "struct ", "union ", "enum " };
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (!strncmp(text, keywords[i], strlen(keywords[i])))
			return text + strlen(keywords[i]);
	return text;
}

struct gg_error *gg_struct_query_init(struct gg_struct_query *query, struct gg_guest *guest,
				      const char *text, const struct gg_notices *notices)
{
	*query = (struct gg_struct_query){ 0 };
	struct gg_error *err = gg_guest_answerers(guest, notices, &query->kernel);
	if (!err)
		err = parse(query, without_keyword(text));
	if (err)
		gg_struct_query_deinit(query);
	return err;
}

void gg_struct_query_deinit(struct gg_struct_query *query)
{
	for (size_t i = 0; i < query->path_count; i++)
		free(query->paths[i]);
	free(query->paths);
	free(query->type);
	*query = (struct gg_struct_query){ 0 };
}

// ---- Lists ----

struct list {
	uint64_t offset;    // of the member in a value
	bool leads_to_node; // the pointer is the next value's member's address, not the value's
};

// Finds the pointer that links the values: the first member of a list_head or hlist_node, or LIST
// itself.
static struct gg_error *find_link(const struct gg_struct_query *query, const char *list,
				  struct list *ret)
{
	struct gg_struct_place place;
	struct gg_type type;
	struct gg_error *err = gg_struct_find(query, list, 0, false, &place);
	if (!err)
		err = gg_btf_type(query->btf, place.member.type, &type);
	if (err)
		return err;
	*ret = (struct list){ .offset = place.member.bit_offset / 8,
			      .leads_to_node = gg_type_is_composite(&type) };
	if (strstr(list, "->") || place.member.bit_offset % 8 ||
	    (type.kind != GG_TYPE_POINTER && type.kind != GG_TYPE_STRUCT))
		return gg_error_create(GG_INVALID,
				       "-list: %s.%s is no list_head, hlist_node or pointer",
				       query->type, list);
	return NULL;
}

// The addresses that were met, a hash table with at least half of its slots free.
struct met {
	gg_gva_t *slots; // 0: free
	size_t slot_count, count;
};

static gg_gva_t *slot_of(const struct met *met, gg_gva_t address)
{
	size_t slot = (size_t)((address >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20);
	while (met->slots[slot & (met->slot_count - 1)] &&
	       met->slots[slot & (met->slot_count - 1)] != address)
		slot++;
	return &met->slots[slot & (met->slot_count - 1)];
}

// Adds ADDRESS, which is not 0. *IS_NEW: it was not met before.
static struct gg_error *meet(struct met *met, gg_gva_t address, bool *is_new)
{
	enum { FIRST = 256 };
	if (2 * (met->count + 1) > met->slot_count) {
		const struct met old = *met;
		met->slot_count = old.slot_count ? 2 * old.slot_count : FIRST;
		met->slots = calloc(met->slot_count, sizeof(*met->slots));
		if (!met->slots) {
			*met = old;
			return gg_enomem;
		}
		for (size_t i = 0; i < old.slot_count; i++)
			if (old.slots[i])
				*slot_of(met, old.slots[i]) = old.slots[i];
		free(old.slots);
	}
	gg_gva_t *slot = slot_of(met, address);
	*is_new = !*slot;
	met->count += *is_new;
	*slot = address;
	return NULL;
}

struct walk {
	const struct gg_struct_query *query;
	struct list list;
	struct met met;
	gg_gva_t head; // the node that ends the list, or 0
	gg_gva_t next; // the node or value that comes next
};

// Reads the pointer that is at ADDRESS.
static struct gg_error *read_next(struct walk *walk, gg_gva_t address)
{
	const struct gg_host *host = &walk->query->kernel->memory.host;
	struct gg_error *err = gg_host_read_uint(host, address, host->address_size, &walk->next);
	return err ? gg_error_context(err, "the list") : NULL;
}

static struct gg_error *walk_list(struct walk *walk, uint64_t limit,
				  const struct gg_notices *notices,
				  struct gg_error *(*visit)(void *data, gg_gva_t address),
				  void *data)
{
	const uint64_t back = walk->list.leads_to_node ? walk->list.offset : 0;
	for (uint64_t i = 0; walk->next && walk->next != walk->head; i++) {
		const gg_gva_t value = walk->next - back;
		bool is_new;
		if (i == limit)
			return gg_tell(notices,
				       "the list goes on behind %" PRIu64
				       " values: -limit N shows more",
				       limit);
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = meet(&walk->met, walk->next, &is_new);
		if (!err && !is_new)
			err = gg_error_create(GG_BAD_DATA,
					      "the list loops: 0x%" PRIx64 " comes a second time",
					      value);
		if (!err)
			err = visit(data, value);
		if (!err)
			err = read_next(walk, value + walk->list.offset);
		if (err)
			return err;
		// A circular list without a head of its own ends where it began.
		if (!walk->head && i == 0 && walk->list.leads_to_node)
			walk->head = value + walk->list.offset;
	}
	return NULL;
}

struct gg_error *gg_struct_walk(const struct gg_struct_query *query, const char *list,
				gg_gva_t start, bool is_head, uint64_t limit,
				const struct gg_notices *notices,
				struct gg_error *(*visit)(void *data, gg_gva_t address), void *data)
{
	struct walk walk = { .query = query };
	struct gg_error *err = find_link(query, list, &walk.list);
	if (err)
		return err;
	walk.head = is_head ? start : 0;
	walk.next = start + (walk.list.leads_to_node ? walk.list.offset : 0);
	if (is_head)
		err = read_next(&walk, start);
	if (!err && (!walk.next || walk.next == walk.head))
		err = gg_tell(notices, "the list is empty");
	if (!err)
		err = walk_list(&walk, limit, notices, visit, data);
	free(walk.met.slots);
	return err;
}

// ---- Completion ----

struct names {
	const char *lead; // what is typed before the name
	size_t lead_size;
	const char *prefix;
	char **list;
	size_t count;
};

static struct gg_error *add_name(void *data, const char *name)
{
	struct names *names = data;
	if (strncmp(name, names->prefix, strlen(names->prefix)))
		return NULL;
	struct gg_error *err = gg_vector_grow(&names->list, names->count, sizeof(*names->list));
	char *copy = err ? NULL : malloc(names->lead_size + strlen(name) + 1);
	if (err || !copy)
		return err ? err : gg_enomem;
	memcpy(copy, names->lead, names->lead_size);
	strcpy(copy + names->lead_size, name);
	names->list[names->count++] = copy;
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// Visits at most LIMIT of the names, each once.
static struct gg_error *visit_names(struct names *names, size_t limit, gg_visit_name_fn *visit,
				    void *data)
{
	size_t different = 0;
	struct gg_error *err = NULL;
	if (names->count)
		qsort(names->list, names->count, sizeof(*names->list), compare_names);
	for (size_t i = 0; i < names->count; i++) {
		char *const name = names->list[i];
		if (different && !strcmp(names->list[different - 1], name)) {
			free(name);
			continue;
		}
		names->list[different++] = name;
	}
	names->count = different;
	const size_t shown = different < limit ? different : limit;
	for (size_t i = 0; !err && i < shown; i++)
		err = visit(data, names->list[shown > 1 ? i * (different - 1) / (shown - 1) : 0]);
	return err;
}

// Adds the members that the last path of the word, of which PATH is the start, may become.
static struct gg_error *add_members(const struct gg_struct_query *query, const char *path,
				    struct names *names)
{
	struct gg_struct_place place = { .member.type = query->id };
	const char *end = path;
	for (const char *at = path; *at; at++)
		if (*at == '.' || (*at == '>' && at > path && at[-1] == '-'))
			end = at + 1;
	_cleanup_free_ char *container = strndup(path, (size_t)(end - path));
	if (!container)
		return gg_enomem;
	if (end > path && end[-1] == '.')
		container[end - 1 - path] = 0;
	struct gg_error *err = gg_struct_find(query, container, 0, false, &place);
	names->lead_size = (size_t)(end - names->lead);
	names->prefix = end;
	return err ? err : visit_members(query->btf, place.member.type, 0, add_name, names);
}

static struct gg_error *add_names(struct gg_guest *guest, const char *prefix, struct names *names)
{
	const char *dot = strchr(prefix, '.');
	struct gg_struct_query query = { 0 };
	if (!dot) {
		struct gg_error *err = gg_guest_answerers(guest, NULL, &query.kernel);
		return err ? err : gg_types_names(query.kernel->types, add_name, names);
	}
	_cleanup_free_ char *type = strndup(prefix, (size_t)(dot - prefix));
	const char *comma = strrchr(dot, ',');
	struct gg_error *err = type ? gg_struct_query_init(&query, guest, type, NULL) : gg_enomem;
	if (!err)
		err = add_members(&query, comma ? comma + 1 : dot + 1, names);
	gg_struct_query_deinit(&query);
	return err;
}

struct gg_error *gg_guest_complete_type(struct gg_guest *guest, const char *prefix, size_t limit,
					gg_visit_name_fn *visit, void *data)
{
	struct names names = { .lead = prefix, .prefix = prefix };
	struct gg_error *err = add_names(guest, prefix, &names);
	if (!err)
		err = visit_names(&names, limit, visit, data);
	for (size_t i = 0; i < names.count; i++)
		free(names.list[i]);
	free(names.list);
	return err;
}
