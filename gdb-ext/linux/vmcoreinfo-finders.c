// SPDX-License-Identifier: GPL-3.0-or-later
#include "vmcoreinfo-finders.h"

#include <stdio.h>
#include <stdlib.h>

// ---- Symbols ----

struct symbol_finder {
	const struct gg_vmcoreinfo *info;
	struct gg_kernel_image image;
};

// VMCOREINFO has of some arrays not the variable's address but the address that the variable has
// as its value (VMCOREINFO_SYMBOL_ARRAY, mem_section): such an address is not in the image.
struct gg_error *gg_vmcoreinfo_find_symbol(const struct gg_vmcoreinfo *info,
					   const struct gg_kernel_image *image, const char *name,
					   gg_gva_t *ret)
{
	struct gg_error *err = gg_vmcoreinfo_symbol(info, (const char *const[]){ name, NULL }, ret);
	if (!err && *ret - image->start >= image->size)
		err = gg_error_create(GG_NOT_FOUND, "VMCOREINFO's %s is not a symbol", name);
	return err;
}

static struct gg_error *find_symbol(void *data, const char *name, struct gg_symbol *ret)
{
	const struct symbol_finder *finder = data;
	return gg_vmcoreinfo_find_symbol(finder->info, &finder->image, name, &ret->address);
}

static const struct gg_symbol_finder_ops symbol_ops = { .find = find_symbol, .destroy = free };

struct gg_error *gg_vmcoreinfo_add_symbol_finder(struct gg_symbols *symbols, int order,
						 const struct gg_vmcoreinfo *info,
						 const struct gg_kernel_image *image)
{
	struct symbol_finder *finder = malloc(sizeof(*finder));
	if (!finder)
		return gg_enomem;
	*finder = (struct symbol_finder){ info, *image };
	return gg_symbols_add(symbols, &(struct gg_symbol_finder){ .name = "VMCOREINFO",
								   .order = order,
								   .ops = &symbol_ops,
								   .data = finder });
}

// ---- Members ----

// Finds OFFSET(TYPE.PATH), or SIZE(TYPE).
static struct gg_error *find_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	enum { MAX_NAME = 64 };
	const struct gg_vmcoreinfo *info = data;
	char name[MAX_NAME];
	if (!*path)
		return gg_vmcoreinfo_size(info, "SIZE", type, &ret->size);
	snprintf(name, sizeof(name), "%s.%s", type, path);
	return gg_vmcoreinfo_size(info, "OFFSET", name, &ret->offset);
}

static void keep(void *data)
{
	(void)data; // INFO is the kernel's
}

static const struct gg_member_finder_ops member_ops = { .find = find_member, .destroy = keep };

struct gg_error *gg_vmcoreinfo_add_member_finder(struct gg_members *members, int order,
						 const struct gg_vmcoreinfo *info)
{
	return gg_members_add(members, &(struct gg_member_finder){ .name = "VMCOREINFO",
								   .order = order,
								   .ops = &member_ops,
								   .data = (void *)info });
}
