// SPDX-License-Identifier: GPL-3.0-or-later
#include "sham-source.h"
#include "fake-kernel.h"

#include "arch/x86/x86.h"

#include <stdlib.h>
#include <string.h>

struct sham_opened {
	struct gg_source source;
	struct sham *sham;
};

// ---- The test's side ----

void sham_init(struct sham *sham)
{
	void *ram = NULL;
	*sham = (struct sham){ .cost = GG_COST_LOCAL };
	gg_error_destroy(gg_bytes_host_create(&sham->bytes));
	gg_error_destroy(gg_bytes_host_add_memory(sham->bytes, 0, FAKE_KERNEL_RAM, &ram));
	sham->ram = ram;
}

void sham_deinit(struct sham *sham)
{
	gg_bytes_host_destroy(sham->bytes);
}

struct gg_host sham_host(struct sham *sham)
{
	return (struct gg_host){ .data = sham, .address_size = 8 };
}

// ---- The source ----

static struct sham *sham_of(const struct gg_source *source)
{
	return ((const struct sham_opened *)source)->sham;
}

static bool sham_accepts(const struct gg_target *target)
{
	return target->program_path && !strcmp(target->program_path, "sham");
}

static void sham_destroy(struct gg_source *source)
{
	free(source);
}

static struct gg_error *sham_open(const struct gg_host *debugger, const struct gg_target *target,
				  struct gg_source **ret)
{
	(void)target;
	struct sham_opened *opened = calloc(1, sizeof(*opened));
	if (!opened)
		return gg_enomem;
	opened->sham = debugger->data;
	opened->source.ops = &sham_source;
	opened->source.host = gg_bytes_host(opened->sham->bytes);
	opened->source.cost = opened->sham->cost;
	struct gg_error *err =
		gg_backing_create_host(opened->source.host, NULL, &opened->source.backing);
	if (err)
		gg_source_destroy(&opened->source);
	else
		*ret = &opened->source;
	return err;
}

static struct gg_error *sham_ram(struct gg_source *source, struct gg_ram_map **ret)
{
	const struct gg_qemu_range whole = { .size = FAKE_KERNEL_RAM };
	struct gg_qemu_ram ram = { 0 };
	sham_of(source)->maps++;
	struct gg_error *err = gg_qemu_ram_add(&ram, &whole, "sham.ram");
	if (!err)
		err = gg_ram_map_create(&ram, source->backing, ret);
	gg_qemu_ram_deinit(&ram);
	return err;
}

static struct gg_error *sham_cpus(struct gg_source *source, struct gg_qemu_cpus *ret)
{
	struct sham *sham = sham_of(source);
	struct gg_error *err = NULL;
	sham->lists++;
	if (sham->no_cpus)
		return gg_error_create(GG_BAD_DATA, "the sham has lost its CPUs");
	for (uint32_t i = 0; !err && i < SHAM_CPUS; i++) {
		const struct gg_qemu_cpu cpu = { .index = i, .why = "" };
		err = gg_qemu_cpus_add(ret, &cpu);
	}
	return err;
}

static struct gg_error *sham_find_arch(struct gg_source *source, const struct gg_ram_map *map,
				       const struct gg_qemu_cpus *cpus, const struct gg_arch **ret)
{
	(void)source, (void)map, (void)cpus;
	*ret = gg_archs[0];
	return strcmp((*ret)->name, "x86_64") ? gg_error_create(GG_UNSUPPORTED, "the table is new")
					      : NULL;
}

static struct gg_error *sham_read_cpu(struct gg_source *source, const struct gg_arch *arch,
				      const struct gg_ram_map *map, const struct gg_qemu_cpu *cpu,
				      struct gg_cpu_state *ret)
{
	enum { PG_PE = 0x80000001, PAE = 1 << 5, LMA_LME = 0x500 };
	struct sham *sham = sham_of(source);
	const uint64_t root = sham->roots[cpu->index];
	(void)map;
	sham->cpu_reads[cpu->index]++;
	if (sham->unreadable[cpu->index])
		return gg_error_fault(cpu->index, "the sham's CPU is damaged");
	ret->nesting = GG_NOT_NESTED;
	ret->unknown[0] = 0;
	gg_registers_init(&ret->own, arch->registers, 8);
	gg_register_set(&ret->own, X86_RIP, 0x1000 + cpu->index);
	gg_register_set(&ret->own, X86_HFLAGS, X86_HF_LMA | X86_HF_CS64 | X86_HF_PE);
	gg_register_set(&ret->own, X86_EFER, LMA_LME);
	gg_register_set(&ret->own, X86_CR0, root ? PG_PE : 1);
	gg_register_set(&ret->own, X86_CR0 + 3, root);
	gg_register_set(&ret->own, X86_CR4, PAE);
	return NULL;
}

static struct gg_error *sham_find_note(struct gg_source *source, gg_gpa_t *ret)
{
	*ret = sham_of(source)->note;
	return *ret ? NULL : gg_error_create(GG_NOT_FOUND, "the sham knows no kernel");
}

static void sham_ran(struct gg_source *source)
{
	sham_of(source)->runs++;
}

const struct gg_source_ops sham_source = {
	.name = "sham",
	.accepts = sham_accepts,
	.open = sham_open,
	.ram = sham_ram,
	.cpus = sham_cpus,
	.find_arch = sham_find_arch,
	.read_cpu = sham_read_cpu,
	.find_note = sham_find_note,
	.ran = sham_ran,
	.destroy = sham_destroy,
};
