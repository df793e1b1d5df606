// SPDX-License-Identifier: GPL-3.0-or-later
//
// The source that is a vmcore: the guest's memory and its CPUs' notes in a file, without a QEMU.
//
// In:  the file; nothing of the debugger's.
// Out: the RAM map, the CPUs as the notes have them, VMCOREINFO, the facts that the file has of
//      whoever wrote it.
// Trusts nothing it reads: notes are bounded by files/vmcore-file.h, registers by the architecture.
#include "source.h"
#include "arch/notes.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "files/core-file.h"
#include "files/vmcore-file.h"
#include "host/no-host.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <elf.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct vmcore_cpu {
	uint32_t index;
	struct gg_cpu_notes notes;
};

struct vmcore_source {
	struct gg_source source;
	struct gg_host host;
	struct gg_vmcore_file *file;
	char *advice;
	struct vmcore_cpu *cpus;      // in the file's order
	size_t count, qemu_count;     // notes NT_PRSTATUS, and QEMU's
	struct gg_error *notes_error; // the reason for which the notes cannot be read, or NULL
};

static bool vmcore_accepts(const struct gg_target *target)
{
	const char *path = target->core_path;
	return path && (gg_vmcore_file_is_kdump(path) || gg_core_file_is_vmcore(path));
}

// ---- Notes ----

static struct gg_error *append_cpu(struct vmcore_source *vmcore, const struct gg_vmcore_note *note)
{
	if (vmcore->count == GG_QEMU_MAX_CPUS)
		return gg_error_create(GG_BAD_DATA, "more than %d notes of CPUs", GG_QEMU_MAX_CPUS);
	struct gg_error *err = gg_vector_grow(&vmcore->cpus, vmcore->count, sizeof(*vmcore->cpus));
	if (err)
		return err;
	vmcore->cpus[vmcore->count++] = (struct vmcore_cpu){
		.notes = { .prstatus = note->descriptor, .prstatus_size = note->size },
	};
	return NULL;
}

// Takes a note. All NT_PRSTATUS come first, then QEMU's own in the same order.
static struct gg_error *take_note(void *data, const struct gg_vmcore_note *note)
{
	struct vmcore_source *vmcore = data;
	if (!strcmp(note->name, "CORE") && note->type == NT_PRSTATUS)
		return append_cpu(vmcore, note);
	if (!strcmp(note->name, "QEMU") && !note->type && vmcore->qemu_count < vmcore->count) {
		struct gg_cpu_notes *cpu = &vmcore->cpus[vmcore->qemu_count++].notes;
		cpu->qemu = note->descriptor;
		cpu->qemu_size = note->size;
	}
	return NULL;
}

// Reads the notes. Damaged notes do not keep the memory from being looked at: the error is kept for
// whoever asks for the CPUs.
static struct gg_error *read_notes(struct vmcore_source *vmcore)
{
	struct gg_error *err = gg_vmcore_file_notes(vmcore->file, take_note, vmcore);
	if (gg_error_is_final(err))
		return err;
	vmcore->notes_error = err;
	return NULL;
}

// ---- Opening ----

static struct gg_error *make_advice(struct vmcore_source *vmcore)
{
	static const char cut_off[] = "the file is cut off: compare its size with that of the "
				      "vmcore it was copied from";
	static const char no_room[] =
		"the writer of the file ran out of room, and the file says so";
	_cleanup_free_ char *excluded = NULL;
	struct gg_error *err = gg_vmcore_file_reason(vmcore->file, GG_VMCORE_EXCLUDED, &excluded);
	if (err)
		return err;
	const char *lost = vmcore->file->incomplete ? no_room : cut_off;
	const bool is_lost = vmcore->file->incomplete || vmcore->file->cut_off;
	const int length =
		is_lost ? asprintf(&vmcore->advice, "%s; others may be %s", lost, excluded)
			: asprintf(&vmcore->advice, "they were %s", excluded);
	if (length >= 0)
		return NULL;
	vmcore->advice = NULL;
	return gg_enomem;
}

static struct gg_error *open_all(struct vmcore_source *vmcore, const struct gg_target *target)
{
	struct gg_error *err = gg_vmcore_file_open(target->core_path, &vmcore->file);
	if (!err)
		err = read_notes(vmcore);
	if (!err)
		err = make_advice(vmcore);
	if (!err)
		err = gg_backing_create_vmcore(vmcore->file, &vmcore->source.backing);
	if (err)
		return err;
	vmcore->source.backing->advice = vmcore->advice;
	vmcore->host = gg_no_host("a vmcore has nothing of QEMU's", vmcore->file->big_endian,
				  vmcore->file->address_size);
	vmcore->source.host = &vmcore->host;
	vmcore->source.cost = GG_COST_LOCAL;
	gg_source_add_file(&vmcore->source, vmcore->file->path);
	return NULL;
}

static struct gg_error *vmcore_open(const struct gg_host *debugger, const struct gg_target *target,
				    struct gg_source **ret)
{
	(void)debugger;
	struct vmcore_source *vmcore = calloc(1, sizeof(*vmcore));
	if (!vmcore)
		return gg_enomem;
	vmcore->source.ops = &gg_source_vmcore;
	struct gg_error *err = open_all(vmcore, target);
	if (err)
		gg_source_destroy(&vmcore->source);
	else
		*ret = &vmcore->source;
	return err;
}

static void vmcore_destroy(struct gg_source *source)
{
	struct vmcore_source *vmcore = (struct vmcore_source *)source;
	gg_vmcore_file_close(vmcore->file);
	gg_error_destroy(vmcore->notes_error);
	free(vmcore->cpus);
	free(vmcore->advice);
	free(vmcore);
}

// ---- Memory ----

// Adds the memory from GPA on that has no gap in it, and moves GPA behind it; GPA becomes UINT64_MAX
// where there is none.
static struct gg_error *add_memory(struct vmcore_source *vmcore, struct gg_qemu_ram *ram,
				   gg_gpa_t *gpa)
{
	struct gg_qemu_range range = { .start = *gpa, .hva = *gpa };
	struct gg_vmcore_extent extent = { .kind = GG_VMCORE_HELD };
	while (*gpa < UINT64_MAX) {
		struct gg_error *err =
			gg_vmcore_file_extent(vmcore->file, *gpa, UINT64_MAX - *gpa, &extent);
		if (!err)
			err = gg_interrupt_check();
		if (err)
			return err;
		if (extent.kind == GG_VMCORE_NO_MEMORY)
			break;
		range.size += extent.size;
		*gpa += extent.size;
	}
	*gpa += extent.kind == GG_VMCORE_NO_MEMORY ? extent.size : 0;
	// Nothing tells which device or block a range is of.
	return range.size ? gg_qemu_ram_add(ram, &range, "memory") : NULL;
}

static struct gg_error *vmcore_ram(struct gg_source *source, struct gg_ram_map **ret)
{
	struct vmcore_source *vmcore = (struct vmcore_source *)source;
	struct gg_qemu_ram ram = { 0 };
	struct gg_error *err = NULL;
	for (gg_gpa_t gpa = 0; !err && gpa < UINT64_MAX;)
		err = add_memory(vmcore, &ram, &gpa);
	if (!err && !ram.count)
		err = gg_error_create(GG_BAD_DATA, "vmcore %s: it has no memory",
				      vmcore->file->path);
	// Pages that turn out to be damaged are absent from then on.
	if (!err)
		err = gg_backing_create_partial(source->backing, &ram, &source->backing);
	if (!err)
		err = gg_ram_map_create(&ram, source->backing, ret);
	gg_qemu_ram_deinit(&ram);
	return err;
}

// ---- CPUs ----

static struct gg_error *no_cpus(const struct vmcore_source *vmcore)
{
	if (vmcore->notes_error)
		return gg_error_copy(vmcore->notes_error);
	return gg_error_create(GG_NOT_FOUND, "the vmcore has no notes of CPUs");
}

// Tests whether the first CPU's note is ARCH's: no two architectures share its size and byte order.
static bool has_notes_of(const struct vmcore_source *vmcore, const struct gg_arch *arch)
{
	return vmcore->count && arch->notes && arch->big_endian == vmcore->file->big_endian &&
	       arch->notes->prstatus_size == vmcore->cpus->notes.prstatus_size;
}

// QEMU 10.0 and 11.1 call all machines so in a kdump's header: dump/dump.c is compiled for no target
// (dump/meson.build). 7.2 names the machine.
static bool names_no_machine(const struct gg_vmcore_file *file)
{
	return !file->machine && !strcmp(file->machine_name, "Unknown");
}

static bool is_machine(const struct vmcore_source *vmcore, const struct gg_arch *arch)
{
	const struct gg_vmcore_file *file = vmcore->file;
	if (file->machine)
		return file->machine == arch->elf_machine;
	if (names_no_machine(file))
		return has_notes_of(vmcore, arch);
	return !fnmatch(arch->uname, file->machine_name, 0);
}

// Finds the architecture among ARCH's siblings by the size of the first CPU's note: QEMU names the
// wider machine in a kdump's header, whatever mode the guest is in.
static const struct gg_arch *find_sibling(const struct vmcore_source *vmcore,
					  const struct gg_arch *arch)
{
	const struct gg_arch *sibling;
	if (vmcore->file->machine || !vmcore->count)
		return arch;
	for (size_t i = 0; (sibling = gg_arch_sibling(arch, i)); i++)
		if (has_notes_of(vmcore, sibling))
			return sibling;
	return arch;
}

static struct gg_error *no_machine(const struct vmcore_source *vmcore)
{
	const struct gg_vmcore_file *file = vmcore->file;
	if (file->machine)
		return gg_error_create(GG_UNSUPPORTED,
				       "the vmcore is of a machine that is not known here "
				       "(e_machine %u)",
				       file->machine);
	if (names_no_machine(file))
		return gg_error_create(GG_UNSUPPORTED,
				       "the vmcore's header names no machine (\"Unknown\", as "
				       "QEMU 10 writes), and its notes of CPUs are those of none "
				       "that is known here");
	_cleanup_free_ char *name = gg_text_escape(file->machine_name);
	if (!name)
		return gg_enomem;
	return gg_error_create(GG_UNSUPPORTED,
			       "the vmcore is of a machine that is not known here (\"%s\")", name);
}

static struct gg_error *vmcore_find_arch(struct gg_source *source, const struct gg_ram_map *map,
					 const struct gg_qemu_cpus *cpus,
					 const struct gg_arch **ret)
{
	(void)map, (void)cpus;
	const struct vmcore_source *vmcore = (const struct vmcore_source *)source;
	for (size_t i = 0; gg_archs[i]; i++)
		if (is_machine(vmcore, gg_archs[i])) {
			*ret = find_sibling(vmcore, gg_archs[i]);
			return NULL;
		}
	return no_machine(vmcore);
}

// Numbers the CPUs. QEMU, and a dump by gdb-guest, have a CPU's number in NT_PRSTATUS, from 1; a kernel
// has a task's number there, and a note for each CPU in their order.
static void number_cpus(struct vmcore_source *vmcore)
{
	const struct gg_arch *arch = NULL;
	struct gg_error *err = vmcore_find_arch(&vmcore->source, NULL, NULL, &arch);
	for (size_t i = 0; i < vmcore->count; i++) {
		struct vmcore_cpu *cpu = &vmcore->cpus[i];
		const bool is_numbered = !err && cpu->notes.qemu && arch->notes;
		const uint32_t number = is_numbered ? arch->notes->prstatus_pid(&cpu->notes) : 0;
		cpu->index = number ? number - 1 : (uint32_t)i;
	}
	gg_error_destroy(err);
}

static struct gg_error *vmcore_cpus(struct gg_source *source, struct gg_qemu_cpus *ret)
{
	struct vmcore_source *vmcore = (struct vmcore_source *)source;
	struct gg_error *err = vmcore->count ? NULL : no_cpus(vmcore);
	number_cpus(vmcore);
	for (size_t i = 0; !err && i < vmcore->count; i++) {
		const struct gg_qemu_cpu cpu = { .index = vmcore->cpus[i].index,
						 .freshness = GG_NOTED,
						 .why = "as the vmcore's notes have them" };
		err = gg_qemu_cpus_add(ret, &cpu);
	}
	if (err)
		gg_qemu_cpus_deinit(ret);
	return err;
}

static const struct gg_cpu_notes *find_notes(const struct vmcore_source *vmcore, uint32_t index)
{
	for (size_t i = 0; i < vmcore->count; i++)
		if (vmcore->cpus[i].index == index)
			return &vmcore->cpus[i].notes;
	return NULL;
}

static bool knows_any(const struct gg_registers *registers)
{
	for (unsigned int id = 0; id < registers->count; id++)
		if (gg_register_has_known(registers, id))
			return true;
	return false;
}

static struct gg_error *vmcore_read_cpu(struct gg_source *source, const struct gg_arch *arch,
					const struct gg_ram_map *map, const struct gg_qemu_cpu *cpu,
					struct gg_cpu_state *ret)
{
	(void)map;
	const struct gg_cpu_notes *notes =
		find_notes((const struct vmcore_source *)source, cpu->index);
	if (!arch->notes || !arch->notes->read)
		return gg_arch_not_yet(arch, "registers out of a vmcore's notes");
	ret->nesting = GG_NOT_NESTED;
	ret->unknown[0] = ret->origin[0] = 0;
	struct gg_error *err = arch->notes->read(notes, &ret->own);
	if (err)
		return gg_error_context(err, "CPU %" PRIu32 "'s note", cpu->index);
	if (arch->cpu && arch->cpu->nesting)
		ret->nesting = arch->cpu->nesting(&ret->own);
	if (!knows_any(&ret->own))
		snprintf(ret->unknown, sizeof(ret->unknown), "%s",
			 "its note in the vmcore has none: all of its registers are 0 there");
	return NULL;
}

// ---- The kernel ----

struct wanted_note {
	const char *name;
	struct gg_vmcore_note found; // without a descriptor: not found yet
};

static struct gg_error *compare_note(void *data, const struct gg_vmcore_note *note)
{
	struct wanted_note *wanted = data;
	if (!wanted->found.descriptor && !strcmp(note->name, wanted->name))
		wanted->found = *note;
	return NULL;
}

// Damage behind the note does not matter.
static struct gg_error *vmcore_note(struct gg_source *source, const char *name, const char **text,
				    size_t *size)
{
	const struct vmcore_source *vmcore = (const struct vmcore_source *)source;
	struct wanted_note wanted = { .name = name };
	struct gg_error *err = gg_vmcore_file_notes(vmcore->file, compare_note, &wanted);
	if (gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	if (!wanted.found.descriptor)
		return gg_error_create(GG_NOT_FOUND, "the vmcore has no %s note", name);
	*text = (const char *)wanted.found.descriptor;
	*size = wanted.found.size;
	return NULL;
}

// Appends NOTE, unless it is VMCOREINFO, which is that of the kernel that the user chose.
static struct gg_error *copy_note(void *data, const struct gg_vmcore_note *note)
{
	if (strcmp(note->name, "VMCOREINFO") != 0)
		gg_note_append(data, note->name, note->type, note->descriptor, note->size);
	return NULL;
}

static struct gg_error *vmcore_copy_notes(struct gg_source *source, struct gg_buffer *notes)
{
	const struct vmcore_source *vmcore = (const struct vmcore_source *)source;
	struct gg_error *err;
	if (vmcore->count)
		err = gg_vmcore_file_notes(vmcore->file, copy_note, notes);
	else if (vmcore->notes_error)
		err = gg_error_copy(vmcore->notes_error);
	else
		err = gg_error_create(GG_NOT_FOUND, "the vmcore that is read has none");
	return err ? err : gg_buffer_check(notes);
}

// ---- Facts ----

// Returns the writer, as far as the file says; NULL where it says nothing.
static const char *writer_of(const struct vmcore_source *vmcore)
{
	const struct gg_vmcore_file *file = vmcore->file;
	const bool is_elf = file->machine;
	if (!is_elf && file->names_release)
		return "makedumpfile or gdb-guest";
	if (!is_elf)
		return "QEMU";
	return vmcore->qemu_count ? "QEMU or gdb-guest" : NULL;
}

static struct gg_error *describe(const struct vmcore_source *vmcore, char **ret)
{
	const struct gg_vmcore_file *file = vmcore->file;
	const char *writer = writer_of(vmcore);
	char level[32] = "";
	if (file->dump_level > 0 && file->names_release)
		snprintf(level, sizeof(level), ", dump level %d", file->dump_level);
	if (asprintf(ret, "%s%s%s%s%s", file->format, writer ? ", written by " : "",
		     writer ? writer : "", level, file->cut_off ? ", cut off" : "") >= 0)
		return NULL;
	*ret = NULL;
	return gg_enomem;
}

static struct gg_error *vmcore_facts(struct gg_source *source, struct gg_source_facts *ret)
{
	return describe((const struct vmcore_source *)source, &ret->origin);
}

const struct gg_source_ops gg_source_vmcore = {
	.name = "vmcore",
	.is_debuggers_target = true,
	.accepts = vmcore_accepts,
	.open = vmcore_open,
	.ram = vmcore_ram,
	.cpus = vmcore_cpus,
	.find_arch = vmcore_find_arch,
	.arch_without_cpus = true,
	.read_cpu = vmcore_read_cpu,
	.note = vmcore_note,
	.copy_notes = vmcore_copy_notes,
	.facts = vmcore_facts,
	.destroy = vmcore_destroy,
};

// ---- A file by its name ----

static struct gg_error *not_a_vmcore(const char *path)
{
	return gg_error_create(GG_INVALID,
			       "%s is the core of a process, not a vmcore: core-file FILE loads it",
			       path);
}

struct gg_error *gg_vmcore_text(const char *path, char **ret)
{
	struct gg_source *source = NULL;
	const struct gg_target target = { .core_path = path };
	struct gg_error *err = vmcore_open(NULL, &target, &source);
	if (!err && !vmcore_accepts(&target))
		err = not_a_vmcore(path);
	if (!err)
		err = describe((const struct vmcore_source *)source, ret);
	gg_source_destroy(source);
	return err;
}
