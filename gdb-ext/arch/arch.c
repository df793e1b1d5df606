// SPDX-License-Identifier: GPL-3.0-or-later
#include "arch.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

extern const struct gg_arch gg_arch_x86_64, gg_arch_i386;

static const struct gg_arch *const archs[] = { &gg_arch_x86_64, &gg_arch_i386 };

const struct gg_arch gg_arch_unknown = {
	.name = "unknown",
	.elf_machine = EM_NONE,
	.elf_class = ELFCLASS64,
	.elf_data = ELFDATA2LSB,
};

static struct gg_error *is_arch(const struct gg_host *host, uint64_t cpu,
				const struct gg_arch *arch, bool *ret)
{
	struct gg_member whole;
	struct gg_error *err = host->ops->member(host->data, arch->cpu_type, "", &whole);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		*ret = false;
		return NULL;
	}
	*ret = true;
	if (err || !cpu)
		return err;
	err = arch->is_mode(host, cpu, ret);
	// A CPU whose registers cannot be had is of the architecture all the same.
	if (err && !gg_error_is_final(err)) {
		gg_error_destroy(err);
		err = NULL;
		*ret = true;
	}
	return err;
}

static struct gg_error *unknown_arch(void)
{
	char names[64] = "";
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
		const size_t used = strlen(names);
		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", archs[i]->name);
	}
	return gg_error_create(GG_UNSUPPORTED,
			       "this QEMU's guest is not of an architecture known here (%s)",
			       names);
}

struct gg_error *gg_arch_find(const struct gg_host *host, uint64_t cpu, const struct gg_arch **ret)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
		bool found;
		struct gg_error *err = is_arch(host, cpu, archs[i], &found);
		if (err)
			return err;
		if (found) {
			*ret = archs[i];
			return NULL;
		}
	}
	return unknown_arch();
}

struct gg_error *gg_arch_find_by_text(const char *text, const struct gg_arch **ret)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
		if (archs[i]->is_monitor_text(text)) {
			*ret = archs[i];
			return NULL;
		}
	return unknown_arch();
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
