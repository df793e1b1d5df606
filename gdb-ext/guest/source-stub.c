// SPDX-License-Identifier: GPL-3.0-or-later
//
// The source that is QEMU's gdbstub: RAM and CPUs are as QEMU's monitor printed them, and memory is
// far away.
//
// In:  the monitor's texts; guest-physical memory and CPUs' registers by the debugger's host, or the
//      file that QEMU's own dump wrote.
// Out: the RAM map, the CPUs, facts about QEMU.
// Trusts nothing it reads: the texts' parsers are those of qemu/monitor/.
#include "source.h"
#include "base/cleanup.h"
#include "host/checked.h"
#include "machine/find-arch.h"
#include "qemu/monitor/cpus.h"
#include "qemu/monitor/monitor.h"

#include <string.h>

struct stub_source {
	struct gg_source source;
	struct gg_checked_host checked;
	struct gg_monitor *monitor;
	struct gg_core_file *memory; // the file of QEMU's own dump, or NULL
	struct gg_qemu_ram ram;      // from open() to ram()
	char *program_path;          // the debugger's program, or NULL
	bool ran;                    // since the monitor's texts were printed
};

static bool stub_accepts(const struct gg_target *target)
{
	return target->monitor;
}

// ---- Memory ----

static bool is_made_of_pages(const struct gg_qemu_ram *ram)
{
	enum { PAGE = 4096 };
	for (size_t i = 0; i < ram->count; i++)
		if (ram->ranges[i].start % PAGE || ram->ranges[i].size % PAGE)
			return false;
	return true;
}

// Only QEMU knows the plugged parts of a virtio-mem, unless all or nothing is plugged.
static struct gg_error *create_backing(struct stub_source *stub,
				       const struct gg_memory_devices *devices)
{
	_cleanup_free_ struct gg_untold *untold = calloc(devices->count + 1, sizeof(*untold));
	size_t count = 0;
	if (!untold)
		return gg_enomem;
	for (size_t i = 0; i < devices->count; i++) {
		const struct gg_virtio_mem *device = &devices->devices[i];
		if (device->plugged && device->plugged < device->max_size)
			untold[count++] = (struct gg_untold){ device->start, device->max_size };
	}
	return gg_backing_create_stub(stub->source.host, untold, count,
				      is_made_of_pages(&stub->ram), &stub->source.backing);
}

// Cuts the ranges to what QEMU's own dump has: the plugged parts of a virtio-mem.
static struct gg_error *use_written_memory(struct stub_source *stub)
{
	struct gg_qemu_ram held = { 0 };
	struct gg_error *err = NULL;
	for (size_t i = 0; i < stub->ram.count; i++) {
		struct gg_qemu_range range = stub->ram.ranges[i];
		for (uint64_t left = range.size; !err && left; left -= range.size) {
			struct gg_core_extent extent;
			gg_core_file_extent(stub->memory, range.start, left, &extent);
			range.size = extent.size;
			if (extent.held)
				err = gg_qemu_ram_add(&held, &range, stub->ram.ranges[i].block);
			range.start += range.size;
			range.hva += range.size;
			range.offset += range.size;
		}
	}
	if (err) {
		gg_qemu_ram_deinit(&held);
		return err;
	}
	gg_qemu_ram_deinit(&stub->ram);
	stub->ram = held;
	return gg_backing_create_core(stub->memory, &stub->source.backing);
}

static struct gg_error *read_ram(struct stub_source *stub)
{
	struct gg_memory_devices devices = { 0 };
	struct gg_error *err =
		gg_memory_devices_read(stub->monitor->texts[GG_MONITOR_MEMORY_DEVICES], &devices);
	if (!err)
		err = gg_mtree_read(stub->monitor->texts[GG_MONITOR_MEMORY_MAP], &devices,
				    &stub->ram);
	if (!err)
		err = stub->memory ? use_written_memory(stub) : create_backing(stub, &devices);
	gg_memory_devices_deinit(&devices);
	return err;
}

// ---- Opening ----

static struct gg_error *open_all(struct stub_source *stub, const struct gg_host *debugger,
				 const struct gg_target *target)
{
	gg_checked_host_init(&stub->checked, debugger, NULL, NULL);
	stub->source.host = &stub->checked.host;
	if (target->program_path && !(stub->program_path = strdup(target->program_path)))
		return gg_enomem;
	struct gg_error *err = gg_monitor_create(target->monitor, &stub->monitor);
	if (!err && target->memory_path)
		err = gg_core_file_open_vmcore(target->memory_path, &stub->memory);
	if (err)
		return err;
	stub->source.cost = stub->memory ? GG_COST_LOCAL : GG_COST_WIRE;
	gg_source_add_file(&stub->source, stub->program_path);
	if (stub->memory)
		gg_source_add_file(&stub->source, gg_core_file_path(stub->memory));
	return read_ram(stub);
}

static struct gg_error *stub_open(const struct gg_host *debugger, const struct gg_target *target,
				  struct gg_source **ret)
{
	struct stub_source *stub = calloc(1, sizeof(*stub));
	if (!stub)
		return gg_enomem;
	stub->source.ops = &gg_source_stub;
	struct gg_error *err = open_all(stub, debugger, target);
	if (err)
		gg_source_destroy(&stub->source);
	else
		*ret = &stub->source;
	return err;
}

static void stub_destroy(struct gg_source *source)
{
	struct stub_source *stub = (struct stub_source *)source;
	gg_qemu_ram_deinit(&stub->ram);
	gg_core_file_close(stub->memory);
	gg_monitor_destroy(stub->monitor);
	free(stub->program_path);
	free(stub);
}

static struct gg_error *stub_ram(struct gg_source *source, struct gg_ram_map **ret)
{
	struct stub_source *stub = (struct stub_source *)source;
	return gg_ram_map_create(&stub->ram, source->backing, ret);
}

static const char *stub_absent_advice(const struct gg_source *source, const struct gg_ram_map *map)
{
	(void)source, (void)map;
	return "the file that QEMU wrote of its memory is cut off";
}

// The file of QEMU's dump and the texts stay as they were when the guest stood still.
static void stub_ran(struct gg_source *source)
{
	struct stub_source *stub = (struct stub_source *)source;
	stub->ran = true;
	gg_backing_ran(source->backing);
}

// ---- CPUs ----

static struct gg_error *check_texts(const struct stub_source *stub)
{
	return stub->ran ? gg_error_create(GG_INVALID, "the guest ran since QEMU's monitor printed "
						       "its state: it must be asked anew")
			 : NULL;
}

// QEMU's stub numbers its threads as QEMU numbers its CPUs, from 1.
static struct gg_error *stub_cpus(struct gg_source *source, struct gg_qemu_cpus *ret)
{
	const struct stub_source *stub = (const struct stub_source *)source;
	const char *text = stub->monitor->texts[GG_MONITOR_REGISTERS];
	struct gg_error *err = check_texts(stub);
	if (!err)
		err = gg_qemu_monitor_cpus(text, strlen(text),
					   gg_monitor_accelerator(stub->monitor), ret);
	for (size_t i = 0; !err && i < ret->count; i++)
		ret->cpus[i].thread = ret->cpus[i].index + 1;
	return err;
}

static struct gg_error *stub_find_arch(struct gg_source *source, const struct gg_ram_map *map,
				       const struct gg_qemu_cpus *cpus, const struct gg_arch **ret)
{
	(void)source, (void)map;
	return gg_arch_find_by_texts(cpus, ret);
}

static struct gg_error *stub_read_cpu(struct gg_source *source, const struct gg_arch *arch,
				      const struct gg_ram_map *map, const struct gg_qemu_cpu *cpu,
				      struct gg_cpu_state *ret)
{
	(void)map;
	return gg_cpu_state_read_monitor(arch, source->host, cpu, ret);
}

// ---- Facts ----

static struct gg_error *read_version(struct gg_source *source, char **ret)
{
	return gg_monitor_version(((struct stub_source *)source)->monitor, ret);
}

static struct gg_error *read_machine(struct gg_source *source, char **ret)
{
	return gg_monitor_machine(((struct stub_source *)source)->monitor, ret);
}

static struct gg_error *stub_run_state(struct gg_source *source, char **ret)
{
	const struct stub_source *stub = (const struct stub_source *)source;
	struct gg_error *err = check_texts(stub);
	return err ? err : gg_monitor_run_state(stub->monitor, ret);
}

static struct gg_error *stub_facts(struct gg_source *source, struct gg_source_facts *ret)
{
	ret->layout = "monitor";
	struct gg_error *err = gg_fact_read(&ret->run_state, source, stub_run_state);
	if (!err)
		err = gg_fact_read(&ret->machine, source, read_machine);
	return err ? err : gg_fact_read(&ret->version, source, read_version);
}

const struct gg_source_ops gg_source_stub = {
	.name = "gdbstub",
	.is_debuggers_target = true,
	.accepts = stub_accepts,
	.open = stub_open,
	.ram = stub_ram,
	.cpus = stub_cpus,
	.find_arch = stub_find_arch,
	.read_cpu = stub_read_cpu,
	.facts = stub_facts,
	.run_state = stub_run_state,
	.absent_advice = stub_absent_advice,
	.ran = stub_ran,
	.destroy = stub_destroy,
};
