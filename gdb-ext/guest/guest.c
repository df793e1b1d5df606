// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest.h"
#include "base/debug.h"
#include "linux/image-search.h"

#include <gdb-guest/layout.h>

#include <stdlib.h>
#include <string.h>

struct gg_error *gg_guest_create_from(const struct gg_source_ops *const sources[],
				      const struct gg_host *host, const struct gg_target *target,
				      struct gg_guest **ret)
{
	struct gg_source *source;
	struct gg_guest *guest = calloc(1, sizeof(*guest));
	if (!guest)
		return gg_enomem;
	struct gg_error *err = gg_source_open(sources, host, target, &source);
	if (err) {
		free(guest);
		return err;
	}
	gg_machine_init(&guest->machine, source);
	guest->note = target->note;
	guest->choice = target->choice;
	// The store is that of the outermost guest's kernel.
	guest->kept = target->nested_count ? NULL : target->kept;
	guest->vmlinux = strdup(target->vmlinux_path ? target->vmlinux_path : "");
	if (!guest->vmlinux) {
		gg_guest_destroy(guest);
		return gg_enomem;
	}
	*ret = guest;
	return NULL;
}

struct gg_error *gg_guest_create(const struct gg_host *host, const struct gg_target *target,
				 struct gg_guest **ret)
{
	return gg_guest_create_from(gg_sources, host, target, ret);
}

void gg_guest_destroy(struct gg_guest *guest)
{
	if (!guest)
		return;
	gg_address_space_destroy(guest->space);
	gg_error_destroy(guest->kernel_error);
	gg_kernels_deinit(&guest->others);
	gg_kernel_destroy(guest->kernel);
	gg_machine_deinit(&guest->machine);
	free(guest->vmlinux);
	free(guest);
}

void gg_guest_ran(struct gg_guest *guest)
{
	gg_address_space_destroy(guest->space);
	guest->space = NULL;
	gg_machine_ran(&guest->machine);
	gg_kernels_deinit(&guest->others);
	guest->others_complete = false;
	gg_error_destroy(guest->kernel_error);
	guest->kernel_error = NULL;
}

// ---- What the source gives ----

struct gg_backing *gg_guest_backing(const struct gg_guest *guest)
{
	return guest->machine.source->backing;
}

const char *const *gg_guest_files(const struct gg_guest *guest)
{
	return guest->machine.source->files;
}

void gg_guest_watch_wire(struct gg_guest *guest, struct gg_error *(*watch)(void *data, size_t size),
			 void *data)
{
	struct gg_backing *backing = guest->machine.source->backing;
	backing->watch = watch;
	backing->watch_data = data;
}

bool gg_guest_is_over_wire(const struct gg_guest *guest)
{
	return guest->machine.source->cost == GG_COST_WIRE;
}

static struct gg_error *read_accelerator(struct gg_guest *guest, struct gg_fact *ret)
{
	static const char *const words[] = { [GG_ACCELERATOR_UNKNOWN] = "unknown",
					     [GG_ACCELERATOR_TCG] = "tcg",
					     [GG_ACCELERATOR_KVM] = "kvm" };
	const struct gg_qemu_cpus *cpus;
	ret->err = gg_guest_qemu_cpus(guest, &cpus);
	if (!ret->err && !(ret->text = strdup(words[cpus->accelerator])))
		return gg_enomem;
	struct gg_error *err = gg_error_is_final(ret->err) ? ret->err : NULL;
	ret->err = err ? NULL : ret->err;
	return err;
}

struct gg_error *gg_guest_facts(struct gg_guest *guest, struct gg_source_facts *ret)
{
	struct gg_error *err = gg_source_read_facts(guest->machine.source, ret);
	// Without QEMU there is no accelerator.
	return err || !ret->layout ? err : read_accelerator(guest, &ret->accelerator);
}

struct gg_error *gg_guest_run_state(struct gg_guest *guest, char **ret)
{
	struct gg_source *source = guest->machine.source;
	return source->ops->run_state ? source->ops->run_state(source, ret)
				      : gg_error_create(GG_UNSUPPORTED, "a %s has no run state",
							source->ops->name);
}

struct gg_error *gg_guest_command_line(struct gg_guest *guest, struct gg_buffer *ret)
{
	struct gg_source *source = guest->machine.source;
	return source->ops->command_line
		       ? source->ops->command_line(source, ret)
		       : gg_error_create(GG_UNSUPPORTED,
					 "a %s does not have the command line of QEMU",
					 source->ops->name);
}

struct gg_error *gg_guest_compare_layouts(struct gg_guest *guest, gg_visit_layout_fn *visit,
					  void *data)
{
	struct gg_source *source = guest->machine.source;
	return source->ops->compare_layouts
		       ? source->ops->compare_layouts(source, visit, data)
		       : gg_error_create(GG_UNSUPPORTED,
					 "the %s shows the guest's memory, not QEMU's own",
					 source->ops->name);
}

const struct gg_host *gg_guest_host(const struct gg_guest *guest)
{
	return guest->machine.source->host;
}

gg_gpa_t gg_guest_note(const struct gg_guest *guest)
{
	return guest->kernel && !guest->chosen ? guest->kernel->note : 0;
}

struct gg_error *gg_guest_ram_map(struct gg_guest *guest, const struct gg_ram_map **ret)
{
	return gg_machine_ram(&guest->machine, ret);
}

struct gg_error *gg_guest_ram(struct gg_guest *guest, gg_visit_range_fn *visit, void *data)
{
	const struct gg_ram_map *map = NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	for (size_t i = 0; !err && i < map->count; i++)
		err = visit(data, &map->ranges[i]);
	return err;
}

struct gg_error *gg_guest_absent(struct gg_guest *guest, gg_visit_range_fn *visit, void *data)
{
	const struct gg_ram_map *map = NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	return err ? err : gg_ram_map_absent(map, visit, data);
}

struct gg_error *gg_guest_hidden(struct gg_guest *guest, gg_visit_range_fn *visit, void *data)
{
	const struct gg_ram_map *map = NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	return err ? err : gg_ram_map_hidden(map, visit, data);
}

static struct gg_error *add_size(void *data, const struct gg_ram_range *piece)
{
	*(uint64_t *)data += piece->size;
	return NULL;
}

struct gg_error *gg_guest_check_ram(struct gg_guest *guest)
{
	uint64_t absent = 0;
	const struct gg_ram_map *map = NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	if (!err)
		err = gg_ram_map_absent(map, add_size, &absent);
	if (!err && map->size && absent == map->size)
		err = gg_error_create(GG_ABSENT, "none of the guest's RAM is there: %s",
				      gg_guest_absent_advice(guest));
	return err;
}

const char *gg_guest_absent_advice(const struct gg_guest *guest)
{
	const struct gg_source *source = guest->machine.source;
	if (source->backing->advice)
		return source->backing->advice;
	return source->ops->absent_advice ? source->ops->absent_advice(source, guest->machine.map)
					  : "the source does not have them";
}

struct gg_error *gg_guest_qemu_cpus(struct gg_guest *guest, const struct gg_qemu_cpus **ret)
{
	return gg_machine_cpus(&guest->machine, ret);
}

// ---- The architecture ----

struct gg_error *gg_guest_cpu_arch(struct gg_guest *guest, const struct gg_arch **ret)
{
	return gg_machine_arch(&guest->machine, ret);
}

struct gg_error *gg_guest_arch(struct gg_guest *guest, const struct gg_arch **ret)
{
	const struct gg_ram_map *map;
	const struct gg_kernel *kernel;
	struct gg_error *err = gg_guest_cpu_arch(guest, ret);
	if (!err)
		err = gg_guest_ram_map(guest, &map);
	if (err)
		return err;
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	if (!guest->machine.cpus.count || gg_kernel_count_paging(&site))
		return NULL;
	err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (!err)
		*ret = kernel->arch;
	return gg_error_unless_final(err);
}

// ---- The kernel ----

struct gg_kernel_site gg_guest_kernel_site(struct gg_guest *guest)
{
	return (struct gg_kernel_site){ .machine = &guest->machine,
					.map = guest->machine.map,
					.arch = guest->machine.arch,
					.cpus = &guest->machine.cpus,
					.debug = guest->machine.source->debug,
					.kept = guest->kept };
}

void gg_guest_take_kernels(struct gg_guest *guest, struct gg_kernels *found)
{
	guest->kernel = found->kernels[0];
	found->count--;
	memmove(&found->kernels[0], &found->kernels[1], found->count * sizeof(*found->kernels));
	gg_kernels_deinit(&guest->others);
	guest->others = *found;
}

// Finds the kernel by the VMCOREINFO that the source has beside memory; RET is NULL where that leads
// nowhere.
static struct gg_error *find_kernel_by_text(struct gg_guest *guest, struct gg_kernel **ret)
{
	struct gg_source *source = guest->machine.source;
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	const char *text;
	size_t size;
	*ret = NULL;
	if (!source->ops->note)
		return NULL;
	struct gg_error *err = source->ops->note(source, "VMCOREINFO", &text, &size);
	if (!err)
		err = gg_kernel_read_text(&site, text, size, ret);
	return err ? gg_error_unless_final(err) : NULL;
}

// Finds the kernel by the VMCOREINFO that the source has the place of. GUEST has no kernel still
// where that leads nowhere, which is no error.
static struct gg_error *find_kernel_by_note(struct gg_guest *guest,
					    const struct gg_notices *notices)
{
	struct gg_source *source = guest->machine.source;
	struct gg_vmcoreinfo_scan told = { .count = 1 };
	struct gg_kernels found = { .count = 0 };
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_error *err = find_kernel_by_text(guest, &guest->kernel);
	if (err || guest->kernel || !source->ops->find_note)
		return err;
	err = source->ops->find_note(source, &told.found[0]);
	gg_debug(source->debug, "kernels: the %s's place of VMCOREINFO: %s", source->ops->name,
		 gg_debug_outcome(err));
	if (!err)
		err = gg_kernels_find(&site, &told, notices, &found);
	if (err)
		return gg_error_unless_final(err);
	found.kernels[0]->finder = GG_FOUND_BY_DEVICE;
	gg_guest_take_kernels(guest, &found);
	return NULL;
}

// Finds the kernel without a look at all of RAM: where it was, else by the CPUs' page tables.
static struct gg_error *find_kernel_over_wire(struct gg_guest *guest,
					      const struct gg_notices *notices)
{
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_error *err =
		guest->note ? gg_kernel_find_at(&site, guest->note, &guest->kernel) : NULL;
	if (err || guest->kernel)
		return err;
	struct gg_kernels found;
	err = gg_kernels_find_by_image(&site, notices, &found);
	if (!err)
		gg_guest_take_kernels(guest, &found);
	return err;
}

// Reads what a search for kernels needs; SCAN becomes empty.
static struct gg_error *prepare_search(struct gg_guest *guest, struct gg_vmcoreinfo_scan *scan)
{
	const struct gg_ram_map *map = NULL;
	const struct gg_arch *arch;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	if (!err)
		err = gg_guest_cpu_arch(guest, &arch);
	if (!err)
		*scan = (struct gg_vmcoreinfo_scan){ .big_endian = arch->big_endian };
	return err;
}

static struct gg_error *find_kernels(struct gg_guest *guest, const struct gg_vmcoreinfo_scan *scan,
				     const struct gg_notices *notices)
{
	struct gg_kernels found;
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_error *err = gg_kernels_find(&site, scan, notices, &found);
	if (!err)
		gg_guest_take_kernels(guest, &found);
	guest->others_complete = !err;
	return err;
}

// Finds the kernel by what the source has, else by the CPUs' page tables; GUEST has no kernel still where all of RAM
// must be looked at.
static struct gg_error *find_kernel_nearby(struct gg_guest *guest, const struct gg_notices *notices)
{
	struct gg_error *err = find_kernel_by_note(guest, notices);
	if (err || guest->kernel)
		return err;
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	struct gg_kernels found;
	err = gg_kernels_find_certain(&site, &found);
	if (!err && found.count)
		gg_guest_take_kernels(guest, &found);
	return err;
}

static struct gg_error *find_kernel(struct gg_guest *guest, const struct gg_vmcoreinfo_scan *scan,
				    const struct gg_notices *notices)
{
	struct gg_vmcoreinfo_scan own;
	struct gg_error *err = prepare_search(guest, &own);
	if (!err && gg_guest_is_over_wire(guest) && !scan)
		return find_kernel_over_wire(guest, notices);
	if (!err)
		err = scan ? find_kernel_by_note(guest, notices)
			   : find_kernel_nearby(guest, notices);
	if (!err && !guest->kernel && !scan)
		err = gg_vmcoreinfo_scan_ram(&own, guest->machine.map);
	if (!err && !guest->kernel)
		err = find_kernels(guest, scan ? scan : &own, notices);
	return err;
}

struct gg_error *gg_guest_check(const struct gg_guest *guest)
{
	const struct gg_backing *backing = gg_guest_backing(guest);
	return backing->lost ? gg_error_create(GG_LOST, "%s no longer answers", backing->name)
			     : NULL;
}

struct gg_error *gg_guest_kernel(struct gg_guest *guest, const struct gg_vmcoreinfo_scan *scan,
				 const struct gg_notices *notices, const struct gg_kernel **ret)
{
	// A search of all of RAM takes long: its failure is kept.
	if (!guest->kernel && guest->kernel_error && !scan)
		return gg_error_copy(guest->kernel_error);
	struct gg_error *err = gg_guest_find_chosen(guest);
	if (!err && !guest->kernel)
		err = find_kernel(guest, scan, notices);
	if (!err)
		err = gg_guest_check(guest);
	if (!err)
		err = gg_guest_tell_kernels(guest, notices);
	else if (!scan && !gg_error_is_final(err))
		guest->kernel_error = gg_error_copy(err);
	*ret = guest->kernel;
	return err;
}

static struct gg_error *find_running(struct gg_guest *guest, const struct gg_notices *notices)
{
	struct gg_vmcoreinfo_scan scan;
	struct gg_error *err = prepare_search(guest, &scan);
	if (!err)
		err = find_kernel_nearby(guest, notices);
	if (err || guest->kernel)
		return err;
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	err = gg_kernel_find_running(&site, &scan, &guest->kernel);
	return err || guest->kernel ? err : find_kernels(guest, &scan, notices);
}

struct gg_error *gg_guest_running_kernel(struct gg_guest *guest, const struct gg_notices *notices,
					 const struct gg_kernel **ret)
{
	if (gg_guest_is_over_wire(guest))
		return gg_guest_kernel(guest, NULL, notices, ret);
	struct gg_error *err = gg_guest_find_chosen(guest);
	if (!err && !guest->kernel)
		err = find_running(guest, notices);
	if (!err)
		err = gg_guest_tell_kernels(guest, notices);
	*ret = guest->kernel;
	return err;
}
