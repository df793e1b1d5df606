// SPDX-License-Identifier: GPL-3.0-or-later
#include "modules.h"
#include "tasks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct gg_error *gg_guest_modules(struct gg_guest *guest, const struct gg_notices *notices,
				  const struct gg_module_list **ret)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	if (!err)
		err = gg_modules_list(kernel, ret);
	if (!err && (*ret)->damage)
		err = gg_tell(notices, "the list of modules is damaged, and there may be more: %s",
			      gg_error_message((*ret)->damage));
	return err;
}

struct gg_error *gg_guest_module_names(struct gg_guest *guest, gg_visit_name_fn *visit, void *data)
{
	const struct gg_module_list *list = NULL;
	struct gg_error *err = gg_guest_modules(guest, NULL, &list);
	for (size_t i = 0; !err && i < list->count; i++)
		err = visit(data, list->modules[i].name);
	return err;
}

struct gg_error *gg_guest_module(struct gg_guest *guest, const char *name,
				 const struct gg_notices *notices, const struct gg_module **ret)
{
	const struct gg_module_list *list;
	struct gg_error *err = gg_guest_modules(guest, notices, &list);
	if (err)
		return err;
	*ret = gg_modules_named(list, name);
	return *ret ? NULL
		    : gg_error_create(GG_NOT_FOUND,
				      "the kernel has no module %s among its %zu modules", name,
				      list->count);
}

// ---- Facts ----

static struct gg_error *find_users(const struct gg_answerers *kernel,
				   const struct gg_module_list *list, struct gg_module_facts *facts)
{
	gg_gva_t *users;
	size_t count;
	struct gg_error *err = gg_module_users(kernel, facts->module, &users, &count);
	if (err)
		return err;
	facts->users = calloc(count + 1, sizeof(*facts->users));
	for (size_t i = 0; facts->users && i < count; i++)
		for (size_t j = 0; j < list->count; j++)
			if (list->modules[j].address == users[i])
				facts->users[facts->user_count++] = list->modules[j].name;
	free(users);
	return facts->users ? NULL : gg_enomem;
}

// Finds the letters of the bits in MASK: kernel/panic.c has a table of them, since v4.10.
static struct gg_error *find_letters(const struct gg_answerers *kernel, uint64_t mask,
				     char ret[GG_TAINT_LETTERS + 1])
{
	const struct gg_host *host = &kernel->typed;
	struct gg_symbol table = { 0 };
	struct gg_member whole = { 0 }, letter = { 0 };
	struct gg_error *err =
		mask ? gg_symbols_find(kernel->symbols, "taint_flags", &table) : NULL;
	if (mask && !err)
		err = host->ops->member(host->data, "taint_flag", "", &whole);
	if (mask && !err)
		err = host->ops->member(host->data, "taint_flag", "c_true", &letter);
	for (unsigned int bit = 0; bit < GG_TAINT_LETTERS; bit++) {
		uint64_t value = '?';
		const uint64_t at = bit * whole.size;
		if (!(mask >> bit & 1))
			continue;
		if (!err && at + whole.size <= table.size)
			err = gg_host_read_member(host, table.address + at, &letter, &value);
		*ret++ = value > ' ' && value <= '~' ? (char)value : '?';
	}
	*ret = 0;
	return gg_error_unless_final(err);
}

// Passes ERR, which is consumed, to NOTICES, unless it is final.
static struct gg_error *tell_unless_final(struct gg_error *err, const struct gg_notices *notices)
{
	if (!err || gg_error_is_final(err))
		return err;
	struct gg_error *told = gg_tell(notices, "%s", gg_error_message(err));
	gg_error_destroy(err);
	return told;
}

static struct gg_error *find_build_id(const struct gg_answerers *kernel,
				      const struct gg_notices *notices,
				      struct gg_module_facts *facts)
{
	struct gg_error *err =
		gg_module_build_id(kernel, facts->module, facts->build_id, &facts->build_id_size);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		return NULL;
	}
	return tell_unless_final(err, notices);
}

struct gg_error *gg_guest_module_facts(struct gg_guest *guest, const struct gg_module *module,
				       const struct gg_notices *notices,
				       struct gg_module_facts *ret)
{
	const struct gg_answerers *kernel;
	const struct gg_module_list *list;
	*ret = (struct gg_module_facts){ .module = module };
	struct gg_error *err = gg_guest_answerers(guest, NULL, &kernel);
	if (!err)
		err = gg_modules_list(kernel, &list);
	if (!err)
		err = tell_unless_final(find_users(kernel, list, ret), notices);
	if (!err)
		err = find_letters(kernel, module->taints, ret->taints);
	if (!err)
		err = find_build_id(kernel, notices, ret);
	if (err)
		gg_module_facts_deinit(ret);
	return err;
}

void gg_module_facts_deinit(struct gg_module_facts *facts)
{
	free(facts->users);
	*facts = (struct gg_module_facts){ 0 };
}

struct gg_error *gg_guest_module_symbols(struct gg_guest *guest, const struct gg_module *module,
					 gg_visit_symbol_fn *visit, void *data)
{
	const struct gg_answerers *kernel;
	struct gg_error *err = gg_guest_answerers(guest, NULL, &kernel);
	return err ? err : gg_module_symbols(kernel, module, visit, data);
}
