// SPDX-License-Identifier: GPL-3.0-or-later
#include "cpu-state.h"

#include <stdio.h>

// Reads the guest's own registers; STATE has the nested guest's.
static struct gg_error *read_saved(const struct gg_arch *arch, const struct gg_ram_map *map,
				   const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				   struct gg_cpu_state *state)
{
	struct gg_error *err = arch->cpu->read_saved(map, host, cpu, &state->nested, &state->own);
	if (!err || gg_error_is_final(err))
		return err;
	gg_registers_init(&state->own, state->nested.set, state->nested.word);
	snprintf(state->unknown, sizeof(state->unknown), "%s", gg_error_message(err));
	gg_error_destroy(err);
	return NULL;
}

struct gg_error *gg_cpu_state_read(const struct gg_arch *arch, const struct gg_ram_map *map,
				   const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				   struct gg_cpu_state *ret)
{
	ret->unknown[0] = ret->origin[0] = 0;
	if (!arch->cpu || !arch->cpu->read_registers)
		return gg_arch_not_yet(arch, "registers");
	struct gg_error *err = arch->cpu->read_registers(host, cpu, &ret->own);
	if (err)
		return err;
	ret->nesting = arch->cpu->nesting ? arch->cpu->nesting(&ret->own) : GG_NOT_NESTED;
	if (ret->nesting != GG_NESTED)
		return NULL;
	gg_registers_copy(&ret->nested, &ret->own);
	return read_saved(arch, map, host, cpu, ret);
}

struct gg_error *gg_cpu_state_read_monitor(const struct gg_arch *arch, const struct gg_host *host,
					   const struct gg_qemu_cpu *cpu, struct gg_cpu_state *ret)
{
	ret->unknown[0] = ret->origin[0] = 0;
	if (!arch->cpu || !arch->cpu->read_monitor)
		return gg_arch_not_yet(arch, "registers out of QEMU's monitor");
	struct gg_error *err = arch->cpu->read_monitor(host, cpu, &ret->own);
	if (err)
		return err;
	ret->nesting = arch->cpu->nesting ? arch->cpu->nesting(&ret->own) : GG_NOT_NESTED;
	if (ret->nesting == GG_NESTED)
		gg_cpu_state_set_nested(ret, "QEMU's monitor does not print them");
	return NULL;
}

void gg_cpu_state_set_nested(struct gg_cpu_state *state, const char *why)
{
	state->nesting = GG_NESTED;
	gg_registers_copy(&state->nested, &state->own);
	gg_registers_init(&state->own, state->nested.set, state->nested.word);
	snprintf(state->unknown, sizeof(state->unknown), "%s", why);
}
