// SPDX-License-Identifier: GPL-3.0-or-later
#include "find-arch.h"
#include "base/cleanup.h"
#include "qemu/qom.h"

#include <stdio.h>
#include <string.h>

static bool has_text(const struct gg_qemu_cpus *cpus, const struct gg_arch *arch)
{
	for (size_t i = 0; arch->cpu && arch->cpu->is_monitor_text && i < cpus->count; i++)
		if (arch->cpu->is_monitor_text(cpus->cpus[i].text))
			return true;
	return false;
}

// Tests the mode of CPU. A nested guest's mode is not wider than the guest's own, and stands for it
// where the own is not known.
static struct gg_error *is_mode_of(const struct gg_host *host, const struct gg_ram_map *map,
				   const struct gg_qemu_cpu *cpu, const struct gg_arch *arch,
				   bool *ret)
{
	struct gg_cpu_state state;
	struct gg_error *err = gg_cpu_state_read(arch, map, host, cpu, &state);
	if (!err)
		*ret = arch->cpu->is_mode(state.unknown[0] ? &state.nested : &state.own);
	return err;
}

// Tests whether a CPU has the mode of ARCH; CPUs without any mode that can be read have it.
static struct gg_error *has_mode(const struct gg_host *host, const struct gg_ram_map *map,
				 const struct gg_qemu_cpus *cpus, const struct gg_arch *arch,
				 bool *ret)
{
	size_t unread = 0;
	*ret = !arch->cpu || !arch->cpu->is_mode;
	for (size_t i = 0; !*ret && i < cpus->count; i++) {
		struct gg_error *err = is_mode_of(host, map, &cpus->cpus[i], arch, ret);
		if (gg_error_is_final(err))
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
	struct gg_error *err = host->ops->member(host->data, arch->cpu_type, "", &whole);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		*ret = false;
		return NULL;
	}
	return err ? err : has_mode(host, map, cpus, arch, ret);
}

// TYPE names the first CPU's type; NULL where no type is known.
static struct gg_error *unknown_arch(const char *type)
{
	char names[128] = "";
	for (size_t i = 0; gg_archs[i]; i++) {
		const size_t used = strlen(names);
		snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
			 gg_archs[i]->name);
	}
	return gg_error_create(GG_UNSUPPORTED,
			       "this QEMU's guest is not of an architecture known here (%s)%s%s",
			       names, type ? ": its CPU is a " : "", type ? type : "");
}

struct gg_error *gg_arch_find_by_types(const struct gg_host *host, const struct gg_ram_map *map,
				       const struct gg_qemu_cpus *cpus, const struct gg_arch **ret)
{
	for (size_t i = 0; gg_archs[i]; i++) {
		bool found;
		struct gg_error *err = is_arch(host, map, cpus, gg_archs[i], &found);
		if (err)
			return err;
		if (found) {
			*ret = gg_archs[i];
			return NULL;
		}
	}
	_cleanup_free_ char *type = NULL;
	struct gg_error *err =
		cpus->count ? gg_qom_type_name(host, cpus->cpus[0].address, &type) : NULL;
	err = gg_error_unless_final(err);
	return err ? err : unknown_arch(type);
}

struct gg_error *gg_arch_find_by_texts(const struct gg_qemu_cpus *cpus, const struct gg_arch **ret)
{
	for (size_t i = 0; gg_archs[i]; i++)
		if (has_text(cpus, gg_archs[i])) {
			*ret = gg_archs[i];
			return NULL;
		}
	return unknown_arch(NULL);
}
