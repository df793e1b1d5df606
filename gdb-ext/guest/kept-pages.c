// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's own pages, by other means than the memmap: a damaged memmap may have any page as free.
#include "kept-pages.h"
#include "base/cleanup.h"
#include "cpu-task.h"
#include "linux/log/ring-record.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

enum {
	MAX_SIZE = 256 << 20, // of a part by virtual address
	STACK = 16 << 10,     // of a stack, and its alignment
};

struct keeper {
	struct gg_guest *guest;
	const struct gg_kernel *kernel;
	uint64_t page_size;
	const struct gg_page_set *excluded;
	struct gg_page_set *kept;
};

// Keeps the excluded pages from FIRST up to END. A run of excluded pages may be as long as RAM, and is not measured.
static struct gg_error *keep_pages(const struct keeper *keeper, uint64_t first, uint64_t end)
{
	struct gg_error *err = NULL;
	end = end < keeper->excluded->end ? end : keeper->excluded->end;
	for (uint64_t pfn = first; !err && pfn < end; pfn++)
		if (gg_page_set_has(keeper->excluded, pfn))
			err = gg_page_set_add(keeper->kept, pfn, 1);
	return err;
}

static struct gg_error *keep_physical(const struct keeper *keeper, gg_gpa_t start, uint64_t size)
{
	return size ? keep_pages(keeper, start / keeper->page_size,
				 (start + (size - 1)) / keeper->page_size + 1)
		    : NULL;
}

// Keeps what is mapped of SIZE bytes at GVA.
static struct gg_error *keep(const struct keeper *keeper, gg_gva_t gva, uint64_t size)
{
	struct gg_error *err = NULL;
	size = size < MAX_SIZE ? size : MAX_SIZE;
	while (!err && size) {
		struct gg_mapping mapping;
		err = gg_page_table_map(keeper->kernel->table, gva, &mapping);
		if (err)
			break;
		const uint64_t step = size < mapping.size ? size : mapping.size;
		if (mapping.present)
			err = keep_physical(keeper, mapping.gpa, step);
		gva += step;
		size -= step;
		if (!err)
			err = gg_interrupt_check();
	}
	return gg_error_unless_final(err);
}

// ---- The kernel's parts ----

static struct gg_error *keep_tables(const struct keeper *keeper, const struct gg_page_set *tables)
{
	uint64_t start = 0, count = 0;
	struct gg_error *err = NULL;
	for (uint64_t pfn = 0; !err && gg_page_set_next_run(tables, pfn, &start, &count);
	     pfn = start + count)
		err = keep_pages(keeper, start, start + count);
	return err;
}

// The parts of an image that the kernel never frees, by the symbols at their ends. The rest, for the start
// of the kernel and between the parts, becomes memory like any other; so does the end of the last part
// where memory is not encrypted (Linux mem_encrypt_free_decrypted_mem()).
static const struct image_part {
	const char *start, *end;
	const char *earlier_end; // that counts where the kernel has it, or NULL
} image_parts[] = {
	{ "_stext", "_etext", NULL },
	{ "__start_rodata", "__end_rodata", NULL },
	{ "_sdata", "_edata", NULL },
	{ "__bss_start", "__bss_stop", "__start_bss_decrypted_unused" },
};

static struct gg_error *keep_image_part(const struct keeper *keeper, const struct image_part *part)
{
	const struct gg_host *host = gg_kernel_host(keeper->kernel);
	gg_gva_t start = 0, end = 0, earlier = 0;
	struct gg_error *err = gg_host_symbol(host, part->start, &start);
	if (!err)
		err = gg_host_symbol(host, part->end, &end);
	if (!err && part->earlier_end)
		err = gg_error_unless_final(gg_host_symbol(host, part->earlier_end, &earlier));
	if (earlier > start && earlier < end)
		end = earlier;
	return err || end <= start ? err : keep(keeper, start, end - start);
}

// Keeps the parts of the image, all of the image where a part is not known.
static struct gg_error *keep_image(const struct keeper *keeper)
{
	const struct gg_kernel *kernel = keeper->kernel;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(image_parts) / sizeof(*image_parts); i++)
		err = keep_image_part(keeper, &image_parts[i]);
	if (err) {
		err = gg_error_unless_final(err);
		if (!err)
			err = keep_physical(keeper, kernel->image_gpa, kernel->image_size);
	}
	if (!err && kernel->note)
		err = keep_physical(keeper, kernel->note, GG_VMCOREINFO_HEADER + kernel->info.size);
	return err;
}

static struct gg_error *keep_log(const struct keeper *keeper)
{
	const struct gg_host *host = gg_kernel_host(keeper->kernel);
	struct gg_log_ring ring;
	gg_gva_t variable = 0, buffer = 0;
	uint64_t size = 0;
	struct gg_error *err = gg_host_symbol(host, "log_buf", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, host->address_size, &buffer);
	if (!err)
		err = gg_host_symbol(host, "log_buf_len", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, sizeof(uint32_t), &size);
	if (!err)
		err = keep(keeper, buffer, size);
	err = gg_error_unless_final(err);
	if (err)
		return err;
	err = gg_ring_open(host, NULL, &ring);
	const struct gg_window *parts[] = { &ring.descs, &ring.infos, &ring.data };
	for (size_t i = 0; !err && i < sizeof(parts) / sizeof(*parts); i++)
		err = keep(keeper, parts[i]->address, parts[i]->size);
	gg_ring_close(&ring);
	return gg_error_unless_final(err);
}

static struct gg_error *keep_per_cpu(const struct keeper *keeper)
{
	struct gg_symbols *symbols = keeper->kernel->answerers.symbols;
	const struct gg_host *host = gg_kernel_host(keeper->kernel);
	_cleanup_free_ uint64_t *offsets = NULL;
	size_t count = 0;
	gg_gva_t start = 0, end = 0;
	struct gg_error *err = gg_host_symbol(host, "__per_cpu_start", &start);
	if (!err)
		err = gg_host_symbol(host, "__per_cpu_end", &end);
	if (!err)
		err = gg_per_cpu_offsets(symbols, &offsets, &count);
	for (size_t i = 0; !err && end > start && i < count; i++)
		if (offsets[i])
			err = keep(keeper, start + offsets[i], end - start);
	return gg_error_unless_final(err);
}

// ---- The CPUs ----

static struct gg_error *keep_task(const struct keeper *keeper, struct gg_cpu_tasks *tasks,
				  uint32_t cpu)
{
	struct gg_cpu_task found;
	struct gg_task task;
	struct gg_member whole = { 0 };
	bool is_known = false;
	struct gg_error *err = gg_cpu_tasks_find(tasks, cpu, &found, &is_known);
	if (err || !is_known)
		return err;
	err = keep(keeper, found.address, 1);
	const struct gg_host *typed = &tasks->kernel->typed;
	if (!err)
		err = typed->ops->member(typed->data, "task_struct", "", &whole);
	if (!err)
		err = keep(keeper, found.address, whole.size);
	if (!err)
		err = gg_tasks_read_one(tasks->kernel, found.address, &task);
	if (!err && task.stack)
		err = keep(keeper, task.stack, STACK);
	return gg_error_unless_final(err);
}

static struct gg_error *keep_stack(const struct keeper *keeper, const struct gg_qemu_cpu *cpu,
				   struct gg_cpu_state *state)
{
	const struct gg_arch *arch = keeper->kernel->arch;
	struct gg_cpu_summary summary = { 0 };
	struct gg_error *err = gg_guest_cpu_state(keeper->guest, cpu, state);
	if (!err && arch->cpu && arch->cpu->summarize) {
		arch->cpu->summarize(&state->own, &summary);
		err = keep(keeper, summary.sp & ~(uint64_t)(STACK - 1), STACK);
	}
	return gg_error_unless_final(err);
}

static struct gg_error *keep_cpus(const struct keeper *keeper)
{
	const struct gg_qemu_cpus *cpus;
	struct gg_cpu_tasks tasks = { .guest = keeper->guest };
	_cleanup_free_ struct gg_cpu_state *state = malloc(sizeof(*state));
	if (!state)
		return gg_enomem;
	struct gg_error *err = gg_guest_qemu_cpus(keeper->guest, &cpus);
	for (size_t i = 0; !err && i < cpus->count; i++) {
		err = keep_task(keeper, &tasks, cpus->cpus[i].index);
		if (!err)
			err = keep_stack(keeper, &cpus->cpus[i], state);
	}
	gg_cpu_tasks_deinit(&tasks);
	return gg_error_unless_final(err);
}

struct gg_error *gg_keep_pages(struct gg_guest *guest, const struct gg_kernel *kernel,
			       const struct gg_page_set *tables, const struct gg_page_set *excluded,
			       struct gg_page_set *kept)
{
	const struct keeper keeper = {
		.guest = guest,
		.kernel = kernel,
		.page_size = gg_page_table_page_size(kernel->table),
		.excluded = excluded,
		.kept = kept,
	};
	struct gg_error *err = keep_tables(&keeper, tables);
	if (!err)
		err = keep_image(&keeper);
	if (!err)
		err = keep_log(&keeper);
	if (!err)
		err = keep_per_cpu(&keeper);
	return err ? err : keep_cpus(&keeper);
}
