// SPDX-License-Identifier: GPL-3.0-or-later
//
// DWARF has each type in many units, and the first is as good as any: units are looked through until a
// type is found, and what was met on the way is kept by name.
//
// In:  a file that the user names.
// Out: offsets, sizes and enumerators.
// Trusts the file as far as libdw does; types in each other are followed to a bounded depth.
#include "dwarf-finder.h"
#include "base/cleanup.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_NAME = 256, FIRST_SLOTS = 4096 };

struct slot {
	const char *name; // of the file's; NULL: free
	Dwarf_Off die;
	bool is_alias; // a typedef; a struct of the same name takes its place
};

struct dwarf {
	int fd;
	Dwarf *dwarf;
	Dwarf_CU *unit; // the last one that was looked through
	bool is_at_end; // all were
	struct slot *slots;
	size_t slot_count, count;
};

static void destroy(void *data)
{
	struct dwarf *dwarf = data;
	dwarf_end(dwarf->dwarf);
	if (dwarf->fd >= 0)
		close(dwarf->fd);
	free(dwarf->slots);
	free(dwarf);
}

static void cleanup_dwarf(struct dwarf **dwarf)
{
	if (*dwarf)
		destroy(*dwarf);
}

// ---- Types by name ----

// FNV-1a.
static uint32_t hash_of(const char *name)
{
	uint32_t hash = 0x811c9dc5;
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193;
	return hash;
}

static struct slot *slot_of(const struct dwarf *dwarf, const char *name)
{
	size_t at = hash_of(name);
	while (dwarf->slots[at & (dwarf->slot_count - 1)].name &&
	       strcmp(dwarf->slots[at & (dwarf->slot_count - 1)].name, name))
		at++;
	return &dwarf->slots[at & (dwarf->slot_count - 1)];
}

// Keeps at least half of the slots free.
static struct gg_error *make_room(struct dwarf *dwarf)
{
	const struct dwarf old = *dwarf;
	if (2 * (dwarf->count + 1) <= dwarf->slot_count)
		return NULL;
	dwarf->slot_count = old.slot_count ? 2 * old.slot_count : FIRST_SLOTS;
	dwarf->slots = calloc(dwarf->slot_count, sizeof(*dwarf->slots));
	if (!dwarf->slots) {
		*dwarf = old;
		return gg_enomem;
	}
	for (size_t i = 0; i < old.slot_count; i++)
		if (old.slots[i].name)
			*slot_of(dwarf, old.slots[i].name) = old.slots[i];
	free(old.slots);
	return NULL;
}

static bool is_type(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_enumeration_type || tag == DW_TAG_typedef;
}

static struct gg_error *add_type(struct dwarf *dwarf, Dwarf_Die *die)
{
	Dwarf_Attribute declaration;
	const int tag = dwarf_tag(die);
	const char *name = is_type(tag) ? dwarf_diename(die) : NULL;
	if (!name || dwarf_attr(die, DW_AT_declaration, &declaration))
		return NULL;
	struct gg_error *err = make_room(dwarf);
	if (err)
		return err;
	struct slot *slot = slot_of(dwarf, name);
	dwarf->count += !slot->name;
	if (!slot->name || (slot->is_alias && tag != DW_TAG_typedef))
		*slot = (struct slot){ name, dwarf_dieoffset(die), tag == DW_TAG_typedef };
	return NULL;
}

// Adds the types of the next unit.
static struct gg_error *add_unit(struct dwarf *dwarf)
{
	Dwarf_Die unit, die;
	struct gg_error *err = gg_interrupt_check();
	if (err)
		return err;
	if (dwarf_get_units(dwarf->dwarf, dwarf->unit, &dwarf->unit, NULL, NULL, &unit, NULL)) {
		dwarf->is_at_end = true;
		return NULL;
	}
	int status = dwarf_child(&unit, &die);
	for (; !status && !err; status = dwarf_siblingof(&die, &die))
		err = add_type(dwarf, &die);
	return err;
}

static struct gg_error *find_type(struct dwarf *dwarf, const char *name, Dwarf_Die *ret)
{
	for (;;) {
		const struct slot *slot = dwarf->slots ? slot_of(dwarf, name) : NULL;
		if (slot && slot->name && dwarf_offdie(dwarf->dwarf, slot->die, ret))
			return NULL;
		if (dwarf->is_at_end)
			return gg_error_create(GG_NOT_FOUND, "the vmlinux has no type %s", name);
		struct gg_error *err = add_unit(dwarf);
		if (err)
			return err;
	}
}

// ---- Members ----

// Returns the type of DIE behind typedefs and qualifiers.
static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;
	return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	       dwarf_formref_die(&attribute, &type) && !dwarf_peel_type(&type, ret);
}

static bool offset_of(Dwarf_Die *member, uint64_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value = 0;
	*ret = 0;
	if (dwarf_attr(member, DW_AT_data_bit_offset, &attribute) ||
	    dwarf_attr(member, DW_AT_bit_size, &attribute))
		return false;
	// A union's members have none.
	if (dwarf_attr(member, DW_AT_data_member_location, &attribute) &&
	    dwarf_formudata(&attribute, &value))
		return false;
	*ret = value;
	return true;
}

// Moves DIE, a struct or union, to the type of its member NAME, and adds its offset to OFFSET.
static struct gg_error *find_member(Dwarf_Die *die, const char *name, unsigned int depth,
				    uint64_t *offset, bool *found)
{
	Dwarf_Die member, type;
	*found = false;
	if (depth == MAX_DEPTH || dwarf_child(die, &member))
		return NULL;
	do {
		uint64_t own, inner = 0;
		const char *own_name = dwarf_diename(&member);
		const bool is_named = own_name && !strcmp(own_name, name);
		if (dwarf_tag(&member) != DW_TAG_member || (own_name && !is_named) ||
		    !type_of(&member, &type))
			continue;
		if (!offset_of(&member, &own)) {
			if (!is_named)
				continue;
			return gg_error_create(GG_UNSUPPORTED, "%s is a bit field", name);
		}
		*found = is_named;
		if (!own_name) {
			struct gg_error *err = find_member(&type, name, depth + 1, &inner, found);
			if (err)
				return err;
		}
		if (*found) {
			*offset += own + inner;
			*die = type;
			return NULL;
		}
	} while (!dwarf_siblingof(&member, &member));
	return NULL;
}

// Moves DIE, an array of arrays or of other types, to its element, and OFFSET to the element NUMBER.
static struct gg_error *choose_element(Dwarf_Die *die, uint64_t number, uint64_t *offset)
{
	Dwarf_Die element;
	Dwarf_Word size, whole;
	if (dwarf_tag(die) != DW_TAG_array_type || !type_of(die, &element) ||
	    dwarf_aggregate_size(&element, &size))
		return gg_error_create(GG_NOT_FOUND, "no array has an element %" PRIu64, number);
	if (!dwarf_aggregate_size(die, &whole) && whole && (number + 1) * size > whole)
		return gg_error_create(GG_NOT_FOUND,
				       "an array of %" PRIu64 " bytes has no element %" PRIu64,
				       (uint64_t)whole, number);
	*offset += number * size;
	*die = element;
	return NULL;
}

// Moves DIE to what PATH begins with, and PATH behind that.
static struct gg_error *step(Dwarf_Die *die, const char **path, uint64_t *offset)
{
	char name[MAX_NAME];
	bool found;
	const size_t size = strcspn(*path, ".[");
	if (size >= sizeof(name))
		return gg_error_create(GG_NOT_FOUND, "no member has a name of %zu characters",
				       size);
	memcpy(name, *path, size);
	name[size] = 0;
	struct gg_error *err = find_member(die, name, 0, offset, &found);
	if (!err && !found)
		err = gg_error_create(GG_NOT_FOUND, "it has no member %s", name);
	*path += size;
	while (!err && **path == '[') {
		char *end;
		const uint64_t number = strtoull(*path + 1, &end, 10);
		err = number > UINT32_MAX || *end != ']'
			      ? gg_error_create(GG_NOT_FOUND, "no array has an element %s", *path)
			      : choose_element(die, number, offset);
		*path = end + (*end == ']');
	}
	*path += !err && **path == '.';
	return err;
}

// Finds the enumerator NAME. False without such an enumerator, and for a negative value.
static bool find_enumerator(Dwarf_Die *die, const char *name, uint64_t *ret)
{
	Dwarf_Die child;
	Dwarf_Attribute attribute;
	Dwarf_Sword value;
	if (dwarf_tag(die) != DW_TAG_enumeration_type || dwarf_child(die, &child))
		return false;
	do {
		const char *own = dwarf_diename(&child);
		if (!own || strcmp(own, name))
			continue;
		*ret = 0;
		if (!dwarf_attr(&child, DW_AT_const_value, &attribute) ||
		    dwarf_formsdata(&attribute, &value) || value < 0)
			return false;
		*ret = (uint64_t)value;
		return true;
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

static struct gg_error *resolve(Dwarf_Die *die, const char *path, struct gg_member *ret)
{
	struct gg_error *err = NULL;
	Dwarf_Word size = 0;
	*ret = (struct gg_member){ 0 };
	if (*path && find_enumerator(die, path, &ret->offset))
		return NULL;
	while (!err && *path)
		err = step(die, &path, &ret->offset);
	// An array without a number of elements has no size.
	if (!err && !dwarf_aggregate_size(die, &size))
		ret->size = size;
	return err;
}

static struct gg_error *find(void *data, const char *type, const char *path, struct gg_member *ret)
{
	Dwarf_Die die, peeled;
	struct gg_error *err = find_type(data, type, &die);
	if (err)
		return err;
	if (dwarf_peel_type(&die, &peeled))
		return gg_error_create(GG_NOT_FOUND, "the vmlinux has no type %s", type);
	err = resolve(&peeled, path, ret);
	return err ? gg_error_context(err, "type %s", type) : NULL;
}

// ---- Opening ----

static struct gg_error *check_build_id(const struct dwarf *dwarf, const char *build_id)
{
	const void *bytes;
	const ssize_t size = dwelf_elf_gnu_build_id(dwarf_getelf(dwarf->dwarf), &bytes);
	char own[2 * 64 + 1] = "";
	for (ssize_t i = 0; i < size && i < 64; i++)
		snprintf(own + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	if (!build_id || !strcmp(own, build_id))
		return NULL;
	return gg_error_create(
		GG_INVALID,
		"it is of another kernel: its build ID is %s, and the guest's kernel "
		"has %s",
		*own ? own : "missing", build_id);
}

static struct gg_error *open_file(struct dwarf *dwarf, const char *path)
{
	Dwarf_CU *unit = NULL;
	dwarf->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (dwarf->fd < 0)
		return gg_error_system(errno, "open");
	dwarf->dwarf = dwarf_begin(dwarf->fd, DWARF_C_READ);
	if (!dwarf->dwarf || dwarf_get_units(dwarf->dwarf, NULL, &unit, NULL, NULL, NULL, NULL))
		return gg_error_create(GG_INVALID,
				       "it has no DWARF debuginfo: a distribution's debug package "
				       "of the kernel has a vmlinux with it");
	return NULL;
}

struct gg_error *gg_dwarf_add_finder(struct gg_members *members, int order, const char *path,
				     const char *build_id)
{
	static const struct gg_member_finder_ops ops = { .find = find, .destroy = destroy };
	_cleanup_(cleanup_dwarf) struct dwarf *dwarf = calloc(1, sizeof(*dwarf));
	if (!dwarf)
		return gg_enomem;
	struct gg_error *err = open_file(dwarf, path);
	if (!err)
		err = check_build_id(dwarf, build_id);
	if (err)
		return gg_error_context(err, "vmlinux %s", path);
	return gg_members_add(members, &(struct gg_member_finder){ .name = "vmlinux",
								   .order = order,
								   .ops = &ops,
								   .data = no_cleanup_ptr(dwarf) });
}
