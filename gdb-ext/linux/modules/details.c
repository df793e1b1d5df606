// SPDX-License-Identifier: GPL-3.0-or-later
//
// The facts about one module that are not in its struct module: its users and its build ID.
//
// In:  the kernel's memory; a module.
// Out: addresses of modules; bytes.
// Trusts nothing it reads: lists and notes are bounded.
#include "list.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_USERS = 4096, MAX_NOTES = 64, MAX_NOTE_SIZE = 64 << 10 };

// ---- Users ----

static struct gg_error *add_user(gg_gva_t user, gg_gva_t **users, size_t *count)
{
	if (*count == MAX_USERS)
		return gg_error_create(GG_BAD_DATA, "more than %d modules use it", MAX_USERS);
	for (size_t i = 0; i < *count; i++)
		if ((*users)[i] == user)
			return gg_error_create(GG_BAD_DATA, "the list of its users loops");
	struct gg_error *err = gg_vector_grow(users, *count, sizeof(**users));
	if (!err)
		(*users)[(*count)++] = user;
	return err;
}

struct gg_error *gg_module_users(const struct gg_answerers *kernel, const struct gg_module *module,
				 gg_gva_t **ret, size_t *count)
{
	const struct gg_module_layout *layout = gg_modules_layout(kernel);
	const struct gg_host *host = &kernel->typed;
	const unsigned int word = host->address_size;
	*ret = NULL;
	*count = 0;
	if (!layout->source_list.size || !layout->use_source.size)
		return NULL;
	const gg_gva_t head = module->address + layout->source_list.offset;
	gg_gva_t node;
	struct gg_error *err = gg_host_read_uint(host, head, word, &node);
	while (!err && node != head) {
		const gg_gva_t use = node - layout->use_list.offset;
		gg_gva_t user;
		err = gg_host_read_member(host, use, &layout->use_source, &user);
		if (!err)
			err = add_user(user, ret, count);
		if (!err)
			err = gg_host_read_uint(host, node, word, &node);
	}
	if (!err)
		return NULL;
	free(*ret);
	*ret = NULL;
	*count = 0;
	return gg_error_context(err, "the users of the module %s", module->name);
}

// ---- The build ID ----

// Finds the build ID among the notes in CURSOR.
static struct gg_error *find_build_id(struct gg_cursor *notes, uint8_t ret[GG_BUILD_ID_MAX],
				      size_t *size)
{
	enum { ALIGNMENT = 4, NAME_SIZE = sizeof(ELF_NOTE_GNU) };
	while (notes->position < notes->size) {
		uint64_t name_size, data_size, type;
		struct gg_cursor name, data;
		struct gg_error *err = gg_cursor_uint(notes, 4, &name_size);
		if (!err)
			err = gg_cursor_uint(notes, 4, &data_size);
		if (!err)
			err = gg_cursor_uint(notes, 4, &type);
		if (!err)
			err = gg_cursor_sub(notes, (name_size + ALIGNMENT - 1) & -ALIGNMENT, &name);
		if (!err)
			err = gg_cursor_sub(notes, (data_size + ALIGNMENT - 1) & -ALIGNMENT, &data);
		if (err)
			return err;
		if (type != NT_GNU_BUILD_ID || name_size != NAME_SIZE || !data_size ||
		    data_size > GG_BUILD_ID_MAX || memcmp(name.bytes, ELF_NOTE_GNU, NAME_SIZE))
			continue;
		memcpy(ret, data.bytes, data_size);
		*size = data_size;
		return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "no build ID");
}

static struct gg_error *try_note(const struct gg_host *host, const struct gg_module_layout *layout,
				 gg_gva_t attribute, uint8_t ret[GG_BUILD_ID_MAX], size_t *ret_size)
{
	gg_gva_t address;
	uint64_t size;
	struct gg_error *err =
		gg_host_read_member(host, attribute, &layout->note_address, &address);
	if (!err)
		err = gg_host_read_member(host, attribute, &layout->note_size, &size);
	if (!err && size > MAX_NOTE_SIZE)
		err = gg_error_create(GG_BAD_DATA, "a note of %" PRIu64 " bytes", size);
	if (err)
		return err;
	_cleanup_free_ uint8_t *bytes = malloc(size + 1);
	if (!bytes)
		return gg_enomem;
	err = gg_host_read(host, address, bytes, size);
	struct gg_cursor notes = gg_cursor(bytes, size, host->big_endian, "the notes");
	return err ? err : find_build_id(&notes, ret, ret_size);
}

// Finds the attribute INDEX; 0 behind the last.
static struct gg_error *find_attribute(const struct gg_host *host,
				       const struct gg_module_layout *layout, gg_gva_t notes,
				       uint64_t index, gg_gva_t *ret)
{
	uint64_t count;
	*ret = 0;
	if (layout->notes_count.size) {
		struct gg_error *err =
			gg_host_read_member(host, notes, &layout->notes_count, &count);
		if (!err && index < count)
			*ret = notes + layout->notes_first.offset +
			       index * layout->note_stride.size;
		return err;
	}
	gg_gva_t pointers;
	struct gg_error *err = gg_host_read_member(host, notes, &layout->notes_pointers, &pointers);
	return err ? err
		   : gg_host_read_uint(host, pointers + index * host->address_size,
				       host->address_size, ret);
}

struct gg_error *gg_module_build_id(const struct gg_answerers *kernel,
				    const struct gg_module *module, uint8_t ret[GG_BUILD_ID_MAX],
				    size_t *size)
{
	const struct gg_module_layout *layout = gg_modules_layout(kernel);
	const struct gg_host *host = &kernel->typed;
	const bool has_members = layout->note_address.size && layout->note_size.size &&
				 (layout->notes_count.size || layout->notes_pointers.size);
	for (uint64_t i = 0; module->notes && has_members && i < MAX_NOTES; i++) {
		gg_gva_t attribute;
		struct gg_error *err = find_attribute(host, layout, module->notes, i, &attribute);
		if (!err && !attribute)
			break;
		if (!err)
			err = try_note(host, layout, attribute, ret, size);
		if (!err || gg_error_kind(err) != GG_NOT_FOUND)
			return err ? gg_error_context(err, "the build ID of the module %s",
						      module->name)
				   : NULL;
		gg_error_destroy(err);
	}
	return gg_error_create(GG_NOT_FOUND, "the module %s has no build ID", module->name);
}
