// SPDX-License-Identifier: GPL-3.0-or-later
#include "vmlinux/vmlinux.h"
#include "base/cache.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/output.h"
#include "guest.h"
#include "linux/arch-ops.h"
#include "linux/modules/modules.h"
#include "tasks.h"

#include <gdb-guest/vmlinux.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Reads the offset of KASLR, which VMCOREINFO has in hexadecimal; 0 without.
static uint64_t kernel_offset(const struct gg_kernel *kernel)
{
	char *text = gg_vmcoreinfo_value(&kernel->info, "KERNELOFFSET");
	const uint64_t offset = text ? strtoull(text, NULL, 16) : 0;
	free(text);
	return offset;
}

static struct gg_error *write_to(const struct gg_kernel *kernel,
				 const struct gg_vmlinux_options *options, struct gg_output *output,
				 struct gg_vmlinux_facts *ret)
{
	if (gg_output_is_sequential(output))
		return gg_error_create(GG_INVALID, "%s is no regular file", options->path);
	_cleanup_free_ char *build_id = gg_vmcoreinfo_value(&kernel->info, "BUILD-ID");
	const struct gg_vmlinux_plan plan = {
		.displacement = options->guest_addresses ? 0 : kernel_offset(kernel),
		.kernel_area = kernel->answerers.arch->kernel->kernel_area,
		.has_data = !options->guest_addresses,
		.no_modules = options->no_modules,
		.build_id = build_id,
	};
	struct gg_error *err =
		gg_vmlinux_write(&kernel->answerers, &plan, gg_output_file(output), ret);
	return err ? err : gg_output_commit(output, ret->size);
}

struct gg_error *gg_guest_vmlinux(struct gg_guest *guest, const struct gg_vmlinux_options *options,
				  const struct gg_notices *notices, struct gg_vmlinux_facts *ret)
{
	const struct gg_kernel *kernel;
	const struct gg_answerers *answerers;
	struct gg_output *output;
	struct gg_error *err = gg_guest_kernel(guest, NULL, notices, &kernel);
	if (!err)
		err = gg_guest_answerers(guest, notices, &answerers);
	if (!err)
		err = gg_output_create(options->path, options->force, gg_guest_files(guest),
				       &output);
	if (err)
		return err;
	err = write_to(kernel, options, output, ret);
	gg_output_destroy(output);
	if (!err && !ret->has_types)
		err = gg_tell(notices, "the kernel has no BTF: the file has symbols and the "
				       "callers' places, and no types");
	return err ? gg_error_context(err, "%s", options->path) : NULL;
}

// ---- The cache ----

// The limits of the cache, and a number that is raised when the file's contents change.
enum { MAX_FILES = 16, CONTENTS = 13 };
static const uint64_t max_cache = UINT64_C(1) << 30;

// Hashes the places of MODULE's parts.
static uint64_t hash_module(uint64_t hash, const struct gg_module *module)
{
	const uint64_t places[] = { module->address,  module->per_cpu,  module->kallsyms,
				    module->btf,      module->btf_size, module->orc,
				    module->orc_count };
	hash = gg_hash(hash, module->name, strlen(module->name) + 1);
	hash = gg_hash(hash, module->ranges, sizeof(module->ranges));
	return gg_hash(hash, places, sizeof(places));
}

// Hashes the data that the contents of KERNEL's vmlinux follow from, beside its build ID.
static struct gg_error *hash_kernel(const struct gg_kernel *kernel, bool no_modules, uint64_t *ret)
{
	const struct gg_module_list *list = NULL;
	const uint64_t facts[] = { CONTENTS, gg_kernel_identity(kernel), no_modules };
	uint64_t hash = gg_hash(GG_HASH_START, PACKAGE_VERSION, sizeof(PACKAGE_VERSION));
	hash = gg_hash(hash, facts, sizeof(facts));
	struct gg_error *err = no_modules ? NULL : gg_modules_list(&kernel->answerers, &list);
	for (size_t i = 0; !err && list && i < list->count; i++)
		hash = hash_module(hash, &list->modules[i]);
	*ret = hash;
	return err ? gg_error_unless_final(err) : NULL;
}

// Makes the file's name in FOLDER, which KERNEL's build ID, KASLR and modules decide.
static struct gg_error *cached_path(const struct gg_kernel *kernel, const char *folder,
				    bool no_modules, char **ret)
{
	_cleanup_free_ char *build_id = gg_vmcoreinfo_value(&kernel->info, "BUILD-ID");
	const bool is_id = build_id && *build_id &&
			   strspn(build_id, "0123456789abcdef") == strlen(build_id) &&
			   strlen(build_id) <= 2 * GG_BUILD_ID_MAX;
	uint64_t hash;
	struct gg_error *err = hash_kernel(kernel, no_modules, &hash);
	if (err)
		return err;
	if (asprintf(ret, "%s/%.12s-%016" PRIx64 ".vmlinux", folder, is_id ? build_id : "kernel",
		     hash) >= 0)
		return NULL;
	*ret = NULL;
	return gg_enomem;
}

struct gg_error *gg_guest_vmlinux_in_cache(struct gg_guest *guest,
					   const struct gg_vmlinux_options *options,
					   const struct gg_notices *notices,
					   struct gg_vmlinux_file *ret)
{
	const struct gg_kernel *kernel;
	_cleanup_free_ char *folder = NULL, *path = NULL;
	*ret = (struct gg_vmlinux_file){ 0 };
	if (!guest->machine.source->ops->is_debuggers_target)
		return gg_error_create(
			GG_UNSUPPORTED,
			"GDB's memory is QEMU's here, where the kernel's symbols have no place: "
			"connect to QEMU's gdbstub (target remote ADDRESS), or open a vmcore "
			"(core-file FILE), or write a file for other programs (-output FILE)");
	struct gg_error *err = gg_guest_kernel(guest, NULL, notices, &kernel);
	if (!err)
		err = gg_cache_folder("vmlinux", &folder);
	if (!err)
		err = cached_path(kernel, folder, options->no_modules, &path);
	if (err)
		return err;
	const struct gg_vmlinux_options made = { .path = path,
						 .force = true,
						 .guest_addresses = true,
						 .no_modules = options->no_modules };
	ret->is_new = options->force || !gg_cache_use(path, &ret->facts.size);
	if (ret->is_new)
		err = gg_guest_vmlinux(guest, &made, notices, &ret->facts);
	if (!err)
		err = gg_cache_prune(folder, MAX_FILES, max_cache);
	if (!err)
		ret->path = no_cleanup_ptr(path);
	return err;
}
