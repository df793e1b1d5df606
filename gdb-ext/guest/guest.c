// SPDX-License-Identifier: GPL-3.0-or-later
#include "guest.h"
#include "base/cleanup.h"
#include "qemu/vmcoreinfo-device.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

// The core's program, where that explains ERR, of which the user learns what to try.
static struct gg_error *explain_core(const struct gg_guest *guest, struct gg_error *err)
{
	const char *program = guest->files ? gg_mapped_files_program(guest->files) : NULL;
	if (!program || gg_error_is_final(err))
		return err;
	const char *core = gg_core_file_path(guest->core);
	const bool is_qemu = strstr(program, "qemu") || strstr(program, "kvm");
	_cleanup_free_ char *name = gg_text_escape(program);
	struct gg_error *explained = NULL;
	if (!name)
		explained = gg_enomem;
	else if (!is_qemu && gg_error_kind(err) == GG_NOT_FOUND)
		explained = gg_error_create(GG_NOT_FOUND,
					    "%s: its program is %s, not a QEMU system emulator",
					    core, name);
	else if (is_qemu && (!guest->program_path || guest->is_other_program))
		explained = gg_error_create(
			gg_error_kind(err),
			"%s: its program is %s, which is not %s: gdb %s %s (%s)", core, name,
			guest->program_path ? guest->program_path : "given", name, core,
			gg_error_message(err));
	if (!explained)
		return err;
	gg_error_destroy(err);
	return explained;
}

// The fastest backing there is; where the operating system refuses, the debugger serves too.
static struct gg_error *create_backing(struct gg_guest *guest, bool via_host)
{
	if (guest->core && !via_host)
		return gg_backing_create_core(guest->core, &guest->backing);
	struct gg_error *err = guest->pid ? gg_backing_check_process(guest->pid) : NULL;
	if (guest->pid && !via_host && !err)
		err = gg_backing_create_process(guest->pid, &guest->backing);
	if (guest->backing || (err && gg_error_kind(err) != GG_SYSTEM))
		return err;
	gg_error_destroy(err);
	return gg_backing_create_host(guest->host, guest->core, &guest->backing);
}

// A process whose areas may not be seen can be looked at all the same.
static struct gg_error *create_process_map(struct gg_guest *guest)
{
	if (guest->core)
		return gg_process_map_create_core(guest->core, guest->files, &guest->process_map);
	struct gg_error *err =
		guest->pid ? gg_process_map_create_live(guest->pid, &guest->process_map) : NULL;
	if (err && gg_error_kind(err) == GG_SYSTEM) {
		gg_error_destroy(err);
		err = NULL;
	}
	return err;
}

static struct gg_error *open_process(struct gg_guest *guest, const struct gg_target *target)
{
	struct gg_error *err = create_process_map(guest);
	if (!err)
		err = gg_structure_create(&guest->checked.host, guest->process_map,
					  &guest->structure);
	if (err)
		return err;
	if (guest->is_other_program)
		gg_structure_distrust_types(guest->structure);
	guest->host = gg_structure_host(guest->structure);
	return create_backing(guest, target->via_host);
}

struct gg_error *gg_guest_create(const struct gg_host *host, const struct gg_target *target,
				 struct gg_guest **ret)
{
	struct gg_guest *guest = calloc(1, sizeof(*guest));
	if (!guest)
		return gg_enomem;
	guest->pid = target->pid;
	guest->choice = target->choice;

	struct gg_error *err = NULL;
	if (target->program_path && !(guest->program_path = strdup(target->program_path)))
		err = gg_enomem;
	if (!err && target->core_path)
		err = gg_core_file_open(target->core_path, &guest->core);
	if (!err && guest->core)
		err = gg_mapped_files_create(guest->core, target->program_path, &guest->files);
	if (!err && guest->files && guest->program_path)
		guest->is_other_program =
			gg_mapped_files_is_other_program(guest->files, guest->program_path);
	gg_checked_host_init(&guest->checked, host, guest->core, guest->files);
	if (!err)
		err = target->monitor ? gg_guest_open_stub(guest, target)
				      : open_process(guest, target);
	if (err) {
		gg_guest_destroy(guest);
		return err;
	}
	*ret = guest;
	return NULL;
}

void gg_guest_destroy(struct gg_guest *guest)
{
	if (!guest)
		return;
	gg_address_space_destroy(guest->space);
	gg_error_destroy(guest->kernel_error);
	gg_kernels_deinit(&guest->others);
	gg_kernel_destroy(guest->kernel);
	gg_qemu_cpus_deinit(&guest->cpus);
	gg_ram_map_destroy(guest->ram_map);
	gg_backing_destroy(guest->backing);
	gg_core_file_close(guest->memory);
	gg_monitor_destroy(guest->monitor);
	gg_structure_destroy(guest->structure);
	gg_process_map_destroy(guest->process_map);
	gg_mapped_files_destroy(guest->files);
	gg_core_file_close(guest->core);
	free(guest->program_path);
	free(guest);
}

void gg_guest_ran(struct gg_guest *guest)
{
	gg_address_space_destroy(guest->space);
	guest->space = NULL;
	gg_qemu_cpus_deinit(&guest->cpus);
	guest->cpus = (struct gg_qemu_cpus){ 0 };
	guest->arch = NULL;
	gg_kernels_deinit(&guest->others);
	guest->others_complete = false;
	gg_error_destroy(guest->kernel_error);
	guest->kernel_error = NULL;
}

const struct gg_host *gg_guest_host(const struct gg_guest *guest)
{
	return guest->host;
}

gg_gpa_t gg_guest_note(const struct gg_guest *guest)
{
	return guest->kernel && !guest->chosen ? guest->kernel->note : 0;
}

struct gg_error *gg_guest_open_program(const struct gg_guest *guest, int *ret)
{
	char path[64];
	const char *program = guest->files ? gg_mapped_files_program(guest->files) : NULL;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)guest->pid);
	*ret = guest->pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (*ret >= 0)
		return NULL;
	struct gg_error *err = program ? gg_mapped_files_open(guest->files, program, ret) : NULL;
	if (*ret >= 0)
		return NULL;
	gg_error_destroy(err);
	if (!guest->program_path || guest->is_other_program)
		return gg_error_create(GG_NOT_FOUND, "QEMU's binary is not known");
	*ret = open(guest->program_path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? gg_error_system(errno, "%s", guest->program_path) : NULL;
}

struct gg_error *gg_guest_ram_map(struct gg_guest *guest, const struct gg_ram_map **ret)
{
	if (!guest->ram_map) {
		struct gg_qemu_ram ram;
		struct gg_error *err = gg_qemu_ram_read(guest->host, &ram);
		if (err)
			return explain_core(guest, err);
		err = gg_backing_create_partial(guest->backing, &ram, &guest->backing);
		if (!err)
			err = gg_ram_map_create(&ram, guest->backing, &guest->ram_map);
		gg_qemu_ram_deinit(&ram);
		if (err)
			return err;
	}
	*ret = guest->ram_map;
	return NULL;
}

struct gg_error *
gg_guest_ram(struct gg_guest *guest,
	     struct gg_error *(*visit)(void *data, const struct gg_ram_range *range), void *data)
{
	const struct gg_ram_map *map = NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	for (size_t i = 0; !err && i < map->count; i++)
		err = visit(data, &map->ranges[i]);
	return err;
}

struct gg_error *
gg_guest_absent(struct gg_guest *guest,
		struct gg_error *(*visit)(void *data, const struct gg_ram_range *piece), void *data)
{
	const struct gg_ram_map *map = NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	return err ? err : gg_ram_map_absent(map, visit, data);
}

struct gg_error *
gg_guest_hidden(struct gg_guest *guest,
		struct gg_error *(*visit)(void *data, const struct gg_ram_range *piece), void *data)
{
	const struct gg_ram_map *map = NULL;
	struct gg_error *err = gg_guest_ram_map(guest, &map);
	return err ? err : gg_ram_map_hidden(map, visit, data);
}

// Does the core lack an area where some of the RAM is?
static bool lacks_area(const struct gg_guest *guest)
{
	const struct gg_ram_map *map =
		gg_process_map_may_lack(guest->process_map) ? guest->ram_map : NULL;
	for (size_t i = 0; map && i < map->count; i++)
		if (!gg_process_map_touches(guest->process_map, map->ranges[i].hva,
					    map->ranges[i].size))
			return true;
	return false;
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
	static const char by_gcore[] = "GDB's gcore left out what QEMU keeps out of cores: take it "
				       "with \"gcore -a\" (or \"set "
				       "dump-excluded-mappings on\"), have QEMU run with -machine "
				       "dump-guest-core=on, or look "
				       "at the process or its gdbstub";
	static const char not_a_core[] = "the files behind them are shorter than they are mapped";
	static const char left_out[] =
		"the core was made without them: QEMU must run with -machine dump-guest-core=on, "
		"and bits of /proc/PID/coredump_filter be set for what backs its memory (0x7f)";
	static const char cut_off[] =
		"the core file is cut off: look at the limit of its size (ulimit -c, "
		"systemd-coredump's ExternalSizeMax) and at the disk it was written to";
	if (guest->backing->advice)
		return guest->backing->advice;
	if (!guest->core)
		return not_a_core;
	if (gg_core_file_is_cut_off(guest->core))
		return cut_off;
	return lacks_area(guest) ? by_gcore : left_out;
}

struct gg_error *gg_guest_qemu_cpus(struct gg_guest *guest, const struct gg_qemu_cpus **ret)
{
	struct gg_error *err = NULL;
	if (!guest->cpus.count)
		err = guest->monitor ? gg_guest_read_monitor_cpus(guest)
				     : gg_qemu_cpus_read(guest->host, &guest->cpus);
	if (err)
		err = explain_core(guest, err);
	*ret = &guest->cpus;
	return err;
}

// ---- The architecture ----

// A host's QEMU has types of CPUs even where its list of them, or the guest's RAM, cannot be read.
struct gg_error *gg_guest_cpu_arch(struct gg_guest *guest, const struct gg_arch **ret)
{
	const struct gg_qemu_cpus *cpus;
	const struct gg_ram_map *map;
	struct gg_error *err = NULL;
	if (!guest->arch) {
		err = gg_guest_qemu_cpus(guest, &cpus);
		if (err && !guest->monitor) {
			gg_error_destroy(err);
			err = NULL;
		}
		if (!err)
			gg_error_destroy(gg_guest_ram_map(guest, &map));
		if (!err)
			err = gg_arch_find(guest->host, guest->ram_map, cpus, &guest->arch);
	}
	*ret = guest->arch;
	return err;
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
	if (!guest->cpus.count || gg_kernel_count_paging(&site))
		return NULL;
	err = gg_guest_kernel(guest, NULL, NULL, &kernel);
	if (!err)
		*ret = kernel->arch;
	if (!err || gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	return NULL;
}

// ---- The kernel ----

struct gg_kernel_site gg_guest_kernel_site(const struct gg_guest *guest)
{
	return (struct gg_kernel_site){ .map = guest->ram_map,
					.host = guest->host,
					.arch = guest->arch,
					.cpus = &guest->cpus };
}

void gg_guest_take_kernels(struct gg_guest *guest, struct gg_kernels *found)
{
	guest->kernel = found->kernels[0];
	found->count--;
	memmove(&found->kernels[0], &found->kernels[1], found->count * sizeof(*found->kernels));
	gg_kernels_deinit(&guest->others);
	guest->others = *found;
}

// Finds the kernel by what the guest told QEMU. Where that leads nowhere, GUEST has no kernel yet,
// and that is no error.
static struct gg_error *find_kernel_by_device(struct gg_guest *guest,
					      const struct gg_notices *notices)
{
	struct gg_vmcoreinfo_scan told = { .count = 1 };
	struct gg_kernels found = { .count = 0 };
	const struct gg_kernel_site site = gg_guest_kernel_site(guest);
	if (guest->monitor)
		return NULL;
	struct gg_error *err = gg_qemu_vmcoreinfo_device(guest->host, &told.found[0]);
	if (!err)
		err = gg_kernels_find(&site, &told, notices, &found);
	if (!err) {
		found.kernels[0]->finder = GG_FOUND_BY_DEVICE;
		gg_guest_take_kernels(guest, &found);
	}
	if (err && !gg_error_is_final(err)) {
		gg_error_destroy(err);
		err = NULL;
	}
	return err;
}

// Finds what is needed to look for a kernel: SCAN is empty then.
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

static struct gg_error *find_kernel(struct gg_guest *guest, const struct gg_vmcoreinfo_scan *scan,
				    const struct gg_notices *notices)
{
	struct gg_vmcoreinfo_scan own;
	struct gg_error *err = prepare_search(guest, &own);
	if (!err && gg_guest_is_over_wire(guest) && !scan)
		return gg_guest_find_kernel_at_stub(guest, notices);
	if (!err)
		err = find_kernel_by_device(guest, notices);
	if (!err && !guest->kernel && !scan)
		err = gg_vmcoreinfo_scan_ram(&own, guest->ram_map);
	if (!err && !guest->kernel)
		err = find_kernels(guest, scan ? scan : &own, notices);
	return err;
}

static struct gg_error *copy_error(const struct gg_error *err)
{
	return gg_error_create(gg_error_kind(err), "%s", gg_error_message(err));
}

struct gg_error *gg_guest_check(const struct gg_guest *guest)
{
	return guest->backing->lost ? gg_error_create(GG_LOST, "%s does not answer any more",
						      guest->backing->name)
				    : NULL;
}

struct gg_error *gg_guest_kernel(struct gg_guest *guest, const struct gg_vmcoreinfo_scan *scan,
				 const struct gg_notices *notices, const struct gg_kernel **ret)
{
	// To look for one in all of RAM takes long: that there is none is found out once.
	if (!guest->kernel && guest->kernel_error && !scan)
		return copy_error(guest->kernel_error);
	struct gg_error *err = gg_guest_find_chosen(guest);
	if (!err && !guest->kernel)
		err = find_kernel(guest, scan, notices);
	if (!err)
		err = gg_guest_check(guest);
	if (!err)
		err = gg_guest_tell_kernels(guest, notices);
	else if (!scan && !gg_error_is_final(err))
		guest->kernel_error = copy_error(err);
	*ret = guest->kernel;
	return err;
}

static struct gg_error *find_running(struct gg_guest *guest, const struct gg_notices *notices)
{
	struct gg_vmcoreinfo_scan scan;
	struct gg_error *err = prepare_search(guest, &scan);
	if (!err)
		err = find_kernel_by_device(guest, notices);
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
