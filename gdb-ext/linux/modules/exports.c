// SPDX-License-Identifier: GPL-3.0-or-later
//
// The symbols that a module exports (Linux include/linux/export.h: struct kernel_symbol), for which
// /proc/kallsyms has a capital letter.
//
// In:  the kernel's memory; a module.
// Out: names and addresses.
// Trusts nothing it reads: the number of symbols is bounded, a name has an end.
#include "exports.h"
#include "base/vector.h"
#include "list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EXPORTS = 1 << 16, MAX_NAME = 512 };

// Reads the pointer MEMBER of the struct kernel_symbol at ADDRESS: an offset from its own place since
// Linux commit 7290d5809571 (v4.19), where the architecture has such.
static struct gg_error *read_pointer(const struct gg_host *host, gg_gva_t address,
				     const struct gg_member *member, gg_gva_t *ret)
{
	struct gg_error *err = gg_host_read_member(host, address, member, ret);
	if (!err && member->size < host->address_size)
		*ret = address + member->offset + (uint64_t)(int64_t)(int32_t)*ret;
	return err;
}

static struct gg_error *add_export(const struct gg_host *host,
				   const struct gg_module_layout *layout, gg_gva_t address,
				   struct gg_module_exports *ret)
{
	gg_gva_t name;
	struct gg_error *err = gg_vector_grow(&ret->exports, ret->count, sizeof(*ret->exports));
	if (err)
		return err;
	struct gg_module_export *export = &ret->exports[ret->count];
	*export = (struct gg_module_export){ 0 };
	err = read_pointer(host, address, &layout->export_value, &export->address);
	if (!err)
		err = read_pointer(host, address, &layout->export_name, &name);
	if (!err)
		err = gg_host_read_text(host, name, MAX_NAME, &export->name);
	ret->count += !err;
	return err;
}

struct gg_error *gg_module_exports_read(const struct gg_answerers *kernel,
					const struct gg_module *module,
					struct gg_module_exports *ret)
{
	const struct gg_module_layout *layout = gg_modules_layout(kernel);
	const struct gg_host *host = &kernel->typed;
	gg_gva_t address;
	uint64_t count;
	*ret = (struct gg_module_exports){ 0 };
	if (!layout->export_first.size || !layout->export_count.size || !layout->export_stride.size)
		return NULL;
	struct gg_error *err =
		gg_host_read_member(host, module->address, &layout->export_first, &address);
	if (!err)
		err = gg_host_read_member(host, module->address, &layout->export_count, &count);
	if (!err && count > MAX_EXPORTS)
		err = gg_error_create(GG_BAD_DATA, "%" PRIu64 " symbols, more than %d", count,
				      MAX_EXPORTS);
	for (uint64_t i = 0; !err && i < count; i++)
		err = add_export(host, layout, address + i * layout->export_stride.size, ret);
	if (!err)
		return NULL;
	gg_module_exports_deinit(ret);
	return gg_error_context(err, "the exported symbols of the module %s", module->name);
}

void gg_module_exports_deinit(struct gg_module_exports *exports)
{
	for (size_t i = 0; i < exports->count; i++)
		free(exports->exports[i].name);
	free(exports->exports);
	*exports = (struct gg_module_exports){ 0 };
}

bool gg_module_exports_has(const struct gg_module_exports *exports, const struct gg_symbol *symbol)
{
	for (size_t i = 0; i < exports->count; i++)
		if (exports->exports[i].address == symbol->address &&
		    !strcmp(exports->exports[i].name, symbol->name))
			return true;
	return false;
}
