// SPDX-License-Identifier: GPL-3.0-or-later
//
// The source that is a QEMU process, live or as the core of its crash.
//
// In:  the debugger's four questions; the core and the files that were mapped, or /proc.
// Out: the RAM map over the fastest backing there is, the CPUs, facts about QEMU.
// Trusts nothing it reads: QEMU is looked at because it crashed. The readers are those of qemu/.
#include "source.h"
#include "base/cleanup.h"
#include "base/debug.h"
#include "base/text.h"
#include "files/arguments.h"
#include "host/checked.h"
#include "machine/find-arch.h"
#include "qemu/layout/structure.h"
#include "qemu/machine.h"
#include "qemu/vmcoreinfo-device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct process_source {
	struct gg_source source;
	// The debugger's host, its reads checked against the core. QEMU's members that the debugger
	// does not know are found by structure.
	struct gg_checked_host checked;
	struct gg_process_map *map; // NULL: not known
	struct gg_structure *structure;
	pid_t pid;                     // 0: not a live process
	struct gg_core_file *core;     // NULL: not a core
	struct gg_mapped_files *files; // of the core
	char *program_path;            // the debugger's program, or NULL
	bool is_other_program;         // than the core's
};

// ---- Opening ----

static bool process_accepts(const struct gg_target *target)
{
	(void)target;
	return true;
}

static struct gg_error *open_files(struct process_source *process, const struct gg_target *target)
{
	struct gg_error *err = NULL;
	if (target->program_path && !(process->program_path = strdup(target->program_path)))
		return gg_enomem;
	if (target->core_path)
		err = gg_core_file_open(target->core_path, &process->core);
	if (!err && process->core)
		err = gg_mapped_files_create(process->core, target->program_path, &process->files);
	if (err)
		return err;
	if (process->files && process->program_path)
		process->is_other_program =
			gg_mapped_files_is_other_program(process->files, process->program_path);
	if (process->core)
		gg_source_add_file(&process->source, gg_core_file_path(process->core));
	gg_source_add_file(&process->source, process->program_path);
	return NULL;
}

// Creates the map of the process's areas; a process whose areas may not be seen has none.
static struct gg_error *create_map(struct process_source *process)
{
	if (process->core)
		return gg_process_map_create_core(process->core, process->files, &process->map);
	struct gg_error *err =
		process->pid ? gg_process_map_create_live(process->pid, &process->map) : NULL;
	if (err && gg_error_kind(err) == GG_SYSTEM) {
		gg_error_destroy(err);
		err = NULL;
	}
	return err;
}

// Creates the fastest backing there is; where the operating system refuses, the debugger serves
// too.
static struct gg_error *create_backing(struct process_source *process,
				       const struct gg_target *target)
{
	struct gg_backing **backing = &process->source.backing;
	const bool via_host = target->via_host;
	if (process->core && !via_host)
		return gg_backing_create_core(process->core, backing);
	struct gg_error *err = process->pid ? gg_backing_check_process(process->pid) : NULL;
	if (process->pid && !via_host && !err)
		err = gg_backing_create_process(process->pid, backing);
	if (*backing || (err && gg_error_kind(err) != GG_SYSTEM))
		return err;
	if (err)
		gg_debug(target->debug, "source: memory is read by the debugger: %s",
			 gg_error_message(err));
	gg_error_destroy(err);
	return gg_backing_create_host(process->source.host, process->core, backing);
}

static struct gg_error *open_all(struct process_source *process, const struct gg_host *debugger,
				 const struct gg_target *target)
{
	struct gg_error *err = open_files(process, target);
	if (err)
		return err;
	gg_checked_host_init(&process->checked, debugger, process->core, process->files);
	err = create_map(process);
	if (!err)
		err = gg_structure_create(&process->checked.host, process->map,
					  &process->structure);
	if (err)
		return err;
	gg_structure_set_debug(process->structure, target->debug);
	if (process->is_other_program)
		gg_structure_distrust_types(process->structure);
	process->source.host = gg_structure_host(process->structure);
	return create_backing(process, target);
}

static struct gg_error *process_open(const struct gg_host *debugger, const struct gg_target *target,
				     struct gg_source **ret)
{
	struct process_source *process = calloc(1, sizeof(*process));
	if (!process)
		return gg_enomem;
	process->source.ops = &gg_source_process;
	process->source.cost = GG_COST_LOCAL;
	process->pid = target->pid;
	struct gg_error *err = open_all(process, debugger, target);
	if (err)
		gg_source_destroy(&process->source);
	else
		*ret = &process->source;
	return err;
}

static void process_destroy(struct gg_source *source)
{
	struct process_source *process = (struct process_source *)source;
	gg_structure_destroy(process->structure);
	gg_process_map_destroy(process->map);
	gg_mapped_files_destroy(process->files);
	gg_core_file_close(process->core);
	free(process->program_path);
	free(process);
}

// ---- RAM and CPUs ----

// Replaces ERR by an error that names the core's program, where that explains it and shows what to
// try.
static struct gg_error *explain_core(const struct process_source *process, struct gg_error *err)
{
	const char *program = process->files ? gg_mapped_files_program(process->files) : NULL;
	if (!err || !program || gg_error_is_final(err))
		return err;
	const char *core = gg_core_file_path(process->core);
	const char *given = process->program_path;
	const bool is_qemu = strstr(program, "qemu") || strstr(program, "kvm");
	_cleanup_free_ char *name = gg_text_escape(program);
	struct gg_error *explained = NULL;
	if (!name)
		explained = gg_enomem;
	else if (!is_qemu && gg_error_kind(err) == GG_NOT_FOUND)
		explained = gg_error_create(GG_NOT_FOUND,
					    "%s: its program is %s, not a QEMU system emulator",
					    core, name);
	else if (is_qemu && (!given || process->is_other_program))
		explained = gg_error_create(gg_error_kind(err),
					    "%s: its program is %s, which is not %s: gdb %s %s, or "
					    "guest-core -qemu %s %s (%s)",
					    core, name, given ? given : "given", name, core, name,
					    core, gg_error_message(err));
	if (!explained)
		return err;
	gg_error_destroy(err);
	return explained;
}

static struct gg_error *process_ram(struct gg_source *source, struct gg_ram_map **ret)
{
	struct gg_qemu_ram ram;
	struct gg_error *err = gg_qemu_ram_read(source->host, &ram);
	if (err)
		return explain_core((struct process_source *)source, err);
	err = gg_backing_create_partial(source->backing, &ram, &source->backing);
	if (!err)
		err = gg_ram_map_create(&ram, source->backing, ret);
	gg_qemu_ram_deinit(&ram);
	return err;
}

static struct gg_error *process_cpus(struct gg_source *source, struct gg_qemu_cpus *ret)
{
	return explain_core((struct process_source *)source, gg_qemu_cpus_read(source->host, ret));
}

static struct gg_error *process_find_arch(struct gg_source *source, const struct gg_ram_map *map,
					  const struct gg_qemu_cpus *cpus,
					  const struct gg_arch **ret)
{
	return gg_arch_find_by_types(source->host, map, cpus, ret);
}

static struct gg_error *process_read_cpu(struct gg_source *source, const struct gg_arch *arch,
					 const struct gg_ram_map *map,
					 const struct gg_qemu_cpu *cpu, struct gg_cpu_state *ret)
{
	return gg_cpu_state_read(arch, map, source->host, cpu, ret);
}

static struct gg_error *process_find_note(struct gg_source *source, gg_gpa_t *ret)
{
	return gg_qemu_vmcoreinfo_device(source->host, ret);
}

// ---- Facts ----

// Opens the program that QEMU is, or was.
static struct gg_error *open_program(const struct process_source *process, int *ret)
{
	char path[64];
	const char *program = process->files ? gg_mapped_files_program(process->files) : NULL;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)process->pid);
	*ret = process->pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (*ret >= 0)
		return NULL;
	struct gg_error *err = program ? gg_mapped_files_open(process->files, program, ret) : NULL;
	if (*ret >= 0)
		return NULL;
	gg_error_destroy(err);
	if (!process->program_path || process->is_other_program)
		return gg_error_create(GG_NOT_FOUND, "QEMU's binary is not known");
	*ret = open(process->program_path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? gg_error_system(errno, "%s", process->program_path) : NULL;
}

static struct gg_error *read_version(struct gg_source *source, char **ret)
{
	int program = -1;
	struct gg_error *err = open_program((struct process_source *)source, &program);
	if (!err)
		err = gg_qemu_version(program, ret);
	if (program >= 0)
		close(program);
	return err;
}

static struct gg_error *read_clock(const struct process_source *process,
				   struct gg_source_facts *ret)
{
	struct gg_error *err = gg_qemu_virtual_clock(process->source.host, &ret->virtual_clock);
	ret->has_virtual_clock = !err;
	return gg_error_unless_final(err);
}

static struct gg_error *tell_other_program(const struct process_source *process, char **ret)
{
	if (!process->is_other_program)
		return NULL;
	if (asprintf(ret, "%s is not the core's program, %s: its debuginfo is not used",
		     process->program_path, gg_mapped_files_program(process->files)) >= 0)
		return NULL;
	*ret = NULL;
	return gg_enomem;
}

static struct gg_error *read_machine(struct gg_source *source, char **ret)
{
	return gg_qemu_machine(source->host, ret);
}

static struct gg_error *process_run_state(struct gg_source *source, char **ret)
{
	return gg_qemu_run_state(source->host, ret);
}

static struct gg_error *process_facts(struct gg_source *source, struct gg_source_facts *ret)
{
	const struct process_source *process = (const struct process_source *)source;
	ret->layout = gg_structure_has_types(process->structure) ? "types" : "structure";
	struct gg_error *err = read_clock(process, ret);
	if (!err)
		err = tell_other_program(process, &ret->notice);
	if (!err)
		err = gg_fact_read(&ret->run_state, source, process_run_state);
	if (!err)
		err = gg_fact_read(&ret->machine, source, read_machine);
	return err ? err : gg_fact_read(&ret->version, source, read_version);
}

static struct gg_error *process_command_line(struct gg_source *source, struct gg_buffer *ret)
{
	const struct process_source *process = (const struct process_source *)source;
	if (process->core)
		return gg_arguments_of_core(process->core, ret);
	if (process->pid)
		return gg_arguments_of_process(process->pid, ret);
	return gg_error_create(GG_NOT_FOUND,
			       "QEMU is neither a core nor a process of this machine");
}

static struct gg_error *process_compare_layouts(struct gg_source *source, gg_visit_layout_fn *visit,
						void *data)
{
	return gg_structure_compare(((struct process_source *)source)->structure, visit, data);
}

// ---- Absent memory ----

// Tests whether the core lacks an area where some of the RAM is.
static bool lacks_area(const struct process_source *process, const struct gg_ram_map *map)
{
	if (!map || !gg_process_map_may_lack(process->map))
		return false;
	for (size_t i = 0; i < map->count; i++)
		if (!gg_process_map_touches(process->map, map->ranges[i].hva, map->ranges[i].size))
			return true;
	return false;
}

static const char *process_absent_advice(const struct gg_source *source,
					 const struct gg_ram_map *map)
{
	static const char by_gcore[] =
		"GDB's gcore left out the memory that QEMU keeps out of cores: take the core "
		"with \"gcore -a\" (or \"set "
		"dump-excluded-mappings on\"), have QEMU run with -machine "
		"dump-guest-core=on, or look "
		"at the process or its gdbstub";
	static const char not_a_core[] = "the files behind them are shorter than they are mapped";
	static const char left_out[] =
		"the core was made without them: QEMU must run with -machine dump-guest-core=on, "
		"and bits of /proc/PID/coredump_filter be set for its memory's files (0x7f)";
	static const char cut_off[] =
		"the core file is cut off: look at the limit of its size (ulimit -c, "
		"systemd-coredump's ExternalSizeMax) and at the disk it was written to";
	const struct process_source *process = (const struct process_source *)source;
	if (!process->core)
		return not_a_core;
	if (gg_core_file_is_cut_off(process->core))
		return cut_off;
	return lacks_area(process, map) ? by_gcore : left_out;
}

// While the guest ran, the debugger's types, the areas and the RAM's ranges stay.
const struct gg_source_ops gg_source_process = {
	.name = "QEMU process",
	.accepts = process_accepts,
	.open = process_open,
	.ram = process_ram,
	.cpus = process_cpus,
	.find_arch = process_find_arch,
	.arch_without_cpus = true, // QEMU's types name it
	.read_cpu = process_read_cpu,
	.find_note = process_find_note,
	.facts = process_facts,
	.run_state = process_run_state,
	.command_line = process_command_line,
	.compare_layouts = process_compare_layouts,
	.absent_advice = process_absent_advice,
	.destroy = process_destroy,
};
