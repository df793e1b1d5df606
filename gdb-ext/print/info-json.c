// SPDX-License-Identifier: GPL-3.0-or-later
//
// The overview of guest-info as one JSON object on a line:
//
//     {"gdb_guest":"0.1",
//      "target":{"kind":"core","name":"core","state_before":null,"vmcore":null},
//      "qemu":{"version":"7.2.22","machine":"pc-q35-7.2","run_state":"paused","accelerator":"tcg",
//              "layout":"types","virtual_clock_ns":5301000000},
//      "cpus":[{"cpu":0,"state":"current","nested":false}],
//      "ram":{"backing":"the core file","size":268435456,"ranges":[
//             {"start":"0x0000000000000000","size":268435456,"block":"pc.ram"}]},
//      "hidden":{"size":0,"ranges":[]},
//      "absent":{"size":0,"count":0,"advice":null,"ranges":[]},
//      "kernel":{"release":"6.1.0-56-cloud-amd64","version":"#1 SMP ...","nodename":"(none)",
//                "vmcoreinfo":"0x00000000011ea000","vmcoreinfo_by":"scan",
//                "kaslr_offset":"0x0000000021200000","page_table_levels":4,
//                "image":"0xffffffffa2200000","image_physical":"0x0000000007400000",
//                "image_size":44040192,"direct_map":"0xffff8eaec0000000",
//                "last_record_ns":1138111000},
//      "guest":{"verdict":"oops","phase":"running",
//               "panic_cpu":null,"panic_comm":null,"panic_pid":null,"crash_time":null,
//               "troubles":[{"kind":"oops","count":1,"lines":1,"line":"BUG: kernel NULL ...",
//                            "time_ns":8150999000}],
//               "silent_cpus":[{"cpu":1,"seconds":22,"ticks":false}],
//               "blocked":{"tasks":1,"longest":130,"deadlocks":0,"deadlocked":0},
//               "whole_log":true,"log_alone":false,"now_ns":8154476000,
//               "uptime":8,"clock":1795733595,"load":[0.24,0.05,0.02],"cpus_online":2,
//               "tasks":55,"states":{"D":2,"S":16,"I":37},"taint":128,"taint_letters":"D"},
//      "notices":[]}
//
// A key is always there, with null for what is not known; the reason is among the notices. "qemu"
// is null where no QEMU is looked at, "cpus", "kernel" and "guest" where they are not known.
// "verdict" is the kind of the worst trouble ("panic", "oops", "hard-lockup", "soft-lockup",
// "rcu-stall", "hung-task", "oom-kill"; a "warning" is none) or observation ("deadlock", "silent-cpu",
// "blocked"), "kdump" for a kernel that saves a crashed kernel's memory, the phase, or "unknown".
// "count" is the kernel's own, "lines" the log's; "log_alone": the kernel's variables were not read.
// "blocked" has the tasks in the state D for half of hung_task_timeout_secs and longer, the longest in
// seconds, the circles of tasks that wait for each other, and the tasks in these circles. "now_ns" is
// the kernel's last sign of life by the log's clock, "clock" and "crash_time" are in seconds since
// 1970. "nested" is "unknown" where the CPU may execute a nested guest. Of absent memory the first
// 1000 ranges are listed; "count" and "size" are of all. "state_before" is of a gdbstub's guest:
// "ran", "paused", "resumed" or "unknown". "vmcore" is a vmcore's format and its writer, of which
// "vmcoreinfo" is null where a note of the file has it.
#include "info.h"
#include "verdict.h"
#include "words.h"
#include "base/json.h"

#include <stdlib.h>

static void append_target(struct gg_buffer *out, const struct gg_info *info,
			  const struct gg_info_options *options)
{
	gg_json_string(out, "gdb_guest", PACKAGE_VERSION);
	gg_json_open_object(out, "target");
	gg_json_string(out, "kind", info->source.origin ? "vmcore" : options->target_kind);
	gg_json_string(out, "name", options->target);
	gg_json_string(out, "state_before", options->state_before);
	gg_json_string(out, "vmcore", info->source.origin);
	gg_json_string(out, "nested", info->source.nested.number);
	gg_json_close_object(out);
}

static void append_qemu(struct gg_buffer *out, const struct gg_source_facts *facts)
{
	if (!facts->layout) {
		gg_json_null(out, "qemu");
		return;
	}
	gg_json_open_object(out, "qemu");
	gg_json_string(out, "version", facts->version.text);
	gg_json_string(out, "machine", facts->machine.text);
	gg_json_string(out, "run_state", facts->run_state.text);
	gg_json_string(out, "accelerator", facts->accelerator.text);
	gg_json_string(out, "layout", facts->layout);
	if (facts->has_virtual_clock)
		gg_json_uint(out, "virtual_clock_ns", facts->virtual_clock);
	else
		gg_json_null(out, "virtual_clock_ns");
	gg_json_close_object(out);
}

static void append_cpus(struct gg_buffer *out, const struct gg_info *info)
{
	if (info->cpu_error) {
		gg_json_null(out, "cpus");
		return;
	}
	gg_json_open_array(out, "cpus");
	for (size_t i = 0; i < info->cpu_count; i++) {
		const struct gg_info_cpu *cpu = &info->cpus[i];
		gg_json_open_object(out, NULL);
		gg_json_uint(out, "cpu", cpu->index);
		gg_json_string(out, "state", gg_freshness_name(cpu->freshness));
		if (cpu->nesting == GG_MAYBE_NESTED)
			gg_json_string(out, "nested", "unknown");
		else
			gg_json_bool(out, "nested", cpu->nesting == GG_NESTED);
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
}

static void append_ranges(struct gg_buffer *out, const struct gg_info_ranges *ranges)
{
	gg_json_open_array(out, "ranges");
	for (size_t i = 0; i < ranges->listed; i++) {
		const struct gg_ram_range *range = &ranges->ranges[i];
		gg_json_open_object(out, NULL);
		gg_json_address(out, "start", range->start);
		gg_json_uint(out, "size", range->size);
		gg_json_string(out, "block", range->block);
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
}

static void append_ram(struct gg_buffer *out, const struct gg_info *info)
{
	gg_json_open_object(out, "ram");
	gg_json_string(out, "backing", info->backing);
	gg_json_uint(out, "size", info->ram.size);
	append_ranges(out, &info->ram);
	gg_json_close_object(out);
	gg_json_open_object(out, "hidden");
	gg_json_uint(out, "size", info->hidden.size);
	append_ranges(out, &info->hidden);
	gg_json_close_object(out);
	if (info->absent_error) {
		gg_json_null(out, "absent");
		return;
	}
	gg_json_open_object(out, "absent");
	gg_json_uint(out, "size", info->absent.size);
	gg_json_uint(out, "count", info->absent.count);
	gg_json_string(out, "advice", info->absent.count ? info->absent_advice : NULL);
	append_ranges(out, &info->absent);
	gg_json_close_object(out);
}

static void append_place(struct gg_buffer *out, const struct gg_info_kernel *kernel)
{
	char *end;
	const char *const offset = kernel->kaslr_offset;
	const uint64_t value = offset ? strtoull(offset, &end, 16) : 0;
	if (kernel->finder == GG_FOUND_BY_FILE)
		gg_json_null(out, "vmcoreinfo");
	else
		gg_json_address(out, "vmcoreinfo", kernel->vmcoreinfo);
	gg_json_string(out, "vmcoreinfo_by", gg_kernel_finder_name(kernel->finder));
	if (offset && *offset && !*end)
		gg_json_address(out, "kaslr_offset", value);
	else
		gg_json_null(out, "kaslr_offset");
	gg_json_uint(out, "page_table_levels", kernel->levels);
	gg_json_address(out, "image", kernel->image);
	gg_json_address(out, "image_physical", kernel->image_gpa);
	if (kernel->image_size)
		gg_json_uint(out, "image_size", kernel->image_size);
	else
		gg_json_null(out, "image_size");
	if (kernel->has_direct_map)
		gg_json_address(out, "direct_map", kernel->direct_map);
	else
		gg_json_null(out, "direct_map");
}

static void append_kernel(struct gg_buffer *out, const struct gg_info *info)
{
	const struct gg_info_kernel *kernel = &info->kernel;
	if (info->kernel_error) {
		gg_json_null(out, "kernel");
		return;
	}
	gg_json_open_object(out, "kernel");
	gg_json_string(out, "release", kernel->release);
	gg_json_string(out, "version", kernel->version);
	gg_json_string(out, "nodename", kernel->nodename);
	append_place(out, kernel);
	if (kernel->has_last_record)
		gg_json_uint(out, "last_record_ns", kernel->last_record);
	else
		gg_json_null(out, "last_record_ns");
	gg_json_close_object(out);
}

static struct gg_error *append_notice(void *data, const char *text)
{
	gg_json_string(data, NULL, text);
	return NULL;
}

struct gg_error *gg_print_info_json(const struct gg_info *info,
				    const struct gg_info_options *options,
				    const struct gg_writer *writer)
{
	struct gg_buffer out = { 0 };
	const struct gg_notices notices = { .tell = append_notice, .data = &out };
	gg_json_open_object(&out, NULL);
	append_target(&out, info, options);
	append_qemu(&out, &info->source);
	append_cpus(&out, info);
	append_ram(&out, info);
	append_kernel(&out, info);
	if (info->kernel_error)
		gg_json_null(&out, "guest");
	else
		gg_append_verdict_json(&out, &info->verdict);
	gg_json_open_array(&out, "notices");
	struct gg_error *err = gg_info_tell(info, &notices);
	gg_json_close_array(&out);
	gg_json_close_object(&out);
	gg_json_end_line(&out);
	if (!err)
		err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}
