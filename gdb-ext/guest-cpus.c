// SPDX-License-Identifier: GPL-3.0-or-later
//
// The vCPUs as a caller sees them.
#include "cleanup.h"
#include "guest.h"

#include <string.h>

// Those that have names.
static size_t list_registers(const struct gg_arch *arch, const struct gg_registers *registers,
			     struct gg_register ret[GG_REGISTERS_MAX])
{
	size_t count = 0;
	for (unsigned int id = 0; id < arch->register_count; id++) {
		const struct gg_register_info *info = &arch->registers[id];
		const struct gg_register_value *value = &registers->values[id];
		if (!info->name)
			continue;
		const uint64_t mask =
			info->size < 8 ? (UINT64_C(1) << 8 * info->size) - 1 : UINT64_MAX;
		ret[count++] = (struct gg_register){ .name = info->name,
						     .size = info->size,
						     .value = value->value & mask,
						     .unknown = value->unknown & mask,
						     .bytes = value->bytes };
	}
	return count;
}

static struct gg_error *print(const struct gg_arch *arch, const struct gg_registers *registers,
			      char **ret)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);
	if (!out)
		return gg_enomem;
	arch->print_registers(registers, out);
	const bool failed = ferror(out);
	return fclose(out) || failed ? gg_enomem : NULL;
}

static struct gg_error *show_cpu(struct gg_guest *guest, const struct gg_arch *arch,
				 const struct gg_qemu_cpu *cpu,
				 struct gg_error *(*visit)(void *data, const struct gg_cpu *cpu),
				 void *data)
{
	struct gg_registers registers;
	struct gg_register list[GG_REGISTERS_MAX];
	struct gg_cpu_summary summary;
	_cleanup_free_ char *text = NULL;
	struct gg_error *err = arch->read_registers(guest->host, cpu, &registers);
	if (!err)
		err = print(arch, &registers, &text);
	if (err)
		return err;
	arch->summarize(&registers, &summary);
	const struct gg_cpu shown = {
		.index = cpu->index,
		.freshness = cpu->freshness,
		.why = cpu->why,
		.activity = summary.activity,
		.bits = summary.bits,
		.privilege = summary.privilege,
		.pc = summary.pc,
		.sp = summary.sp,
		.place = summary.place,
		.root = summary.root,
		.registers = list,
		.register_count = list_registers(arch, &registers, list),
		.text = text,
	};
	return visit(data, &shown);
}

struct gg_error *gg_guest_cpus(struct gg_guest *guest,
			       struct gg_error *(*visit)(void *data, const struct gg_cpu *cpu),
			       void *data)
{
	const struct gg_qemu_cpus *cpus;
	const struct gg_arch *arch;
	struct gg_error *err = gg_guest_qemu_cpus(guest, &cpus);
	if (!err)
		err = gg_guest_cpu_arch(guest, &arch);
	for (size_t i = 0; !err && i < cpus->count; i++) {
		err = gg_interrupt_check();
		if (!err)
			err = show_cpu(guest, arch, &cpus->cpus[i], visit, data);
	}
	return err;
}
