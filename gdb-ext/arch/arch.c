// SPDX-License-Identifier: GPL-3.0-or-later
#include "arch.h"
#include "cpu-state.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

extern const struct gg_arch gg_arch_x86_64, gg_arch_i386;

static const struct gg_arch *const archs[] = { &gg_arch_x86_64, &gg_arch_i386 };

enum { ARCHS = sizeof(archs) / sizeof(*archs) };

const struct gg_arch gg_arch_unknown = {
	.name = "unknown",
	.elf_machine = EM_NONE,
	.elf_class = ELFCLASS64,
	.elf_data = ELFDATA2LSB,
};

static bool has_text(const struct gg_qemu_cpus *cpus, const struct gg_arch *arch)
{
	for (size_t i = 0; i < cpus->count; i++)
		if (arch->is_monitor_text(cpus->cpus[i].text))
			return true;
	return false;
}

// A nested guest's mode tells of the guest's own, where that is not known: it is not the wider one.
static struct gg_error *is_mode_of(const struct gg_host *host, const struct gg_ram_map *map,
				   const struct gg_qemu_cpu *cpu, const struct gg_arch *arch,
				   bool *ret)
{
	struct gg_cpu_state state;
	struct gg_error *err = gg_cpu_state_read(arch, map, host, cpu, &state);
	if (!err)
		*ret = arch->is_mode(state.unknown[0] ? &state.nested : &state.own);
	return err;
}

// CPUs of which no one's mode can be read are of the architecture all the same.
static struct gg_error *has_mode(const struct gg_host *host, const struct gg_ram_map *map,
				 const struct gg_qemu_cpus *cpus, const struct gg_arch *arch,
				 bool *ret)
{
	size_t unread = 0;
	*ret = false;
	for (size_t i = 0; !*ret && i < cpus->count; i++) {
		struct gg_error *err = is_mode_of(host, map, &cpus->cpus[i], arch, ret);
		if (err && gg_error_is_final(err))
			return err;
		unread += err != NULL;
		gg_error_destroy(err);
	}
	*ret |= unread == cpus->count;
	return NULL;
}

static struct gg_error *is_arch(const struct gg_host *host, const struct gg_ram_map *map,
				const struct gg_qemu_cpus *cpus, const struct gg_arch *arch,
				bool *ret)
{
	struct gg_member whole;
	if (cpus->count && cpus->cpus[0].text) {
		*ret = has_text(cpus, arch);
		return NULL;
	}
	struct gg_error *err = host->ops->member(host->data, arch->cpu_type, "", &whole);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		*ret = false;
		return NULL;
	}
	return err ? err : has_mode(host, map, cpus, arch, ret);
}

static struct gg_error *unknown_arch(void)
{
	char names[64] = "";
	for (size_t i = 0; i < ARCHS; i++) {
		const size_t used = strlen(names);
		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", archs[i]->name);
	}
	return gg_error_create(GG_UNSUPPORTED,
			       "this QEMU's guest is not of an architecture known here (%s)",
			       names);
}

struct gg_error *gg_arch_find(const struct gg_host *host, const struct gg_ram_map *map,
			      const struct gg_qemu_cpus *cpus, const struct gg_arch **ret)
{
	for (size_t i = 0; i < ARCHS; i++) {
		bool found;
		struct gg_error *err = is_arch(host, map, cpus, archs[i], &found);
		if (err)
			return err;
		if (found) {
			*ret = archs[i];
			return NULL;
		}
	}
	return unknown_arch();
}

const struct gg_arch *gg_arch_sibling(const struct gg_arch *arch, size_t index)
{
	if (!index)
		return arch;
	for (size_t i = 0; i < ARCHS; i++)
		if (archs[i] != arch && !strcmp(archs[i]->cpu_type, arch->cpu_type) && !--index)
			return archs[i];
	return NULL;
}

size_t gg_arch_kernel_paging(const struct gg_arch *arch, const struct gg_registers *registers,
			     struct gg_paging ret[GG_KERNEL_PAGINGS])
{
	arch->cpu_paging(registers, &ret[0]);
	if (!ret[0].levels)
		return 0;
	return arch->other_paging && arch->other_paging(registers, &ret[1]) ? 2 : 1;
}

static void pad(struct gg_buffer *notes, size_t size)
{
	enum { NOTE_ALIGNMENT = 4 };
	gg_buffer_zeros(notes, (NOTE_ALIGNMENT - size % NOTE_ALIGNMENT) % NOTE_ALIGNMENT);
}

void gg_note_append(struct gg_buffer *notes, const char *name, uint32_t type, const void *desc,
		    size_t size)
{
	const size_t name_size = strlen(name) + 1;
	gg_buffer_uint(notes, 4, name_size);
	gg_buffer_uint(notes, 4, size);
	gg_buffer_uint(notes, 4, type);
	gg_buffer_append(notes, name, name_size);
	pad(notes, name_size);
	gg_buffer_append(notes, desc, size);
	pad(notes, size);
}
