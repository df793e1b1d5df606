// SPDX-License-Identifier: GPL-3.0-or-later
#include "sham-arch.h"

#include "arch/notes.h"
#include "linux/arch-ops.h"
#include "machine/cpu-ops.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// ---- Registers ----

static const struct gg_register_info infos[SHAM_REGISTERS] = {
	{ "r0", 0, 4 },  { "r1", 4, 4 },  { "r2", 8, 4 },    { "r3", 12, 4 },
	{ "pc", 16, 4 }, { "sp", 20, 4 }, { "root", 24, 4 }, { "v0", 28, SHAM_VECTOR },
};

static const struct gg_register_set registers_of_sham = {
	.infos = infos,
	.count = SHAM_REGISTERS,
	.size = 28 + SHAM_VECTOR,
	.pc = SHAM_PC,
	.sp = SHAM_SP,
};

// ---- The CPU ----

struct layout {
	struct gg_member regs, pc, sp, root, vector;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, regs, "ShamCPU", "env.regs"),
	GG_LAYOUT_ROW(struct layout, pc, "ShamCPU", "env.pc"),
	GG_LAYOUT_ROW(struct layout, sp, "ShamCPU", "env.sp"),
	GG_LAYOUT_ROW(struct layout, root, "ShamCPU", "env.root"),
	GG_LAYOUT_ROW(struct layout, vector, "ShamCPU", "env.vector"),
};

static struct gg_error *read_member(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				    struct gg_member member, struct gg_registers *ret,
				    unsigned int id)
{
	uint64_t value;
	struct gg_error *err = gg_host_read_member(host, cpu->address, &member, &value);
	if (!err)
		gg_register_set(ret, id, value);
	return err;
}

static struct gg_error *read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				       struct gg_registers *ret)
{
	struct layout layout;
	uint8_t vector[SHAM_VECTOR];
	gg_registers_init(ret, &registers_of_sham, 4);
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &layout);
	for (unsigned int i = 0; !err && i <= SHAM_R3; i++)
		err = read_member(host, cpu, (struct gg_member){ layout.regs.offset + 4 * i, 4 },
				  ret, SHAM_R0 + i);
	if (!err)
		err = read_member(host, cpu, layout.pc, ret, SHAM_PC);
	if (!err)
		err = read_member(host, cpu, layout.sp, ret, SHAM_SP);
	if (!err)
		err = read_member(host, cpu, layout.root, ret, SHAM_ROOT);
	if (!err)
		err = gg_host_read(host, cpu->address + layout.vector.offset, vector,
				   sizeof(vector));
	if (!err)
		gg_register_set_bytes(ret, SHAM_V0, vector, sizeof(vector));
	return err;
}

static void summarize(const struct gg_registers *registers, struct gg_cpu_summary *ret)
{
	*ret = (struct gg_cpu_summary){ .activity = "running",
					.bits = 32,
					.privilege = "kernel",
					.pc = gg_register(registers, SHAM_PC),
					.sp = gg_register(registers, SHAM_SP),
					.root = gg_register(registers, SHAM_ROOT),
					.root_known = gg_register_known(registers, SHAM_ROOT),
					.pc_name = "pc",
					.sp_name = "sp",
					.root_name = "root" };
}

static void print_registers(const struct gg_registers *registers, FILE *out)
{
	fprintf(out, "PC=%08" PRIx64 " SP=%08" PRIx64 " V0=", gg_register(registers, SHAM_PC),
		gg_register(registers, SHAM_SP));
	for (unsigned int i = SHAM_VECTOR; i-- > 0;)
		fprintf(out, "%02x", gg_register_bytes(registers, SHAM_V0)[i]);
	fputc('\n', out);
}

// ---- Page tables ----

static void decode(const struct gg_page_entry *entry, struct gg_page_target *ret)
{
	const uint32_t address = 0x3fffe000;
	*ret = (struct gg_page_target){ .present = entry->value & SHAM_ENTRY_VALID,
					.is_page = entry->value & SHAM_ENTRY_PAGE,
					.gpa = entry->value & address };
}

static const struct gg_page_format pages = {
	.offset_bits = 13,
	.index_bits = { 11, 8 },
	.address_bits = 32,
	.entry_size = 4,
	.big_endian = true,
	.names = { "leaf", "branch" },
	.decode = decode,
};

static void paging(const struct gg_registers *registers, struct gg_paging *ret)
{
	*ret = (struct gg_paging){ .format = &pages,
				   .levels = 2,
				   .root = gg_register(registers, SHAM_ROOT) };
}

// ---- Notes and Linux ----

static struct gg_error *write_prstatus(const struct gg_registers *registers, uint32_t index,
				       struct gg_buffer *notes)
{
	struct gg_buffer desc = { .big_endian = notes->big_endian };
	gg_buffer_zeros(&desc, 24);
	gg_buffer_uint(&desc, 4, index + 1);
	gg_buffer_zeros(&desc, 44);
	for (unsigned int id = SHAM_R0; id <= SHAM_ROOT; id++)
		gg_buffer_uint(&desc, 4, gg_register(registers, id));
	gg_buffer_zeros(&desc, 4);
	return gg_note_finish(notes, "CORE", NT_PRSTATUS, &desc);
}

static bool all_known(const struct gg_registers *registers)
{
	(void)registers;
	return true;
}

static struct gg_error *read_paging(const struct gg_vmcoreinfo *info, struct gg_kernel_paging *ret)
{
	static const char *const roots[] = { "swapper_pg_dir", NULL };
	gg_gva_t root = 0;
	struct gg_error *err = gg_vmcoreinfo_places(info, roots, &root, &ret->text);
	if (err)
		return err;
	ret->paging =
		(struct gg_paging){ .format = &pages, .levels = 2, .root = root - SHAM_KERNEL };
	ret->text_gpa = ret->text - SHAM_KERNEL;
	ret->image_start = ret->text;
	ret->image_size = 1 << 20;
	ret->image_is_direct = true;
	ret->direct_map_start = SHAM_KERNEL;
	ret->direct_map_end = UINT64_C(1) << 32;
	return NULL;
}

// ---- The rows ----

static const struct gg_cpu_ops cpu_ops = {
	.read_registers = read_registers,
	.summarize = summarize,
	.print_registers = print_registers,
	.paging = paging,
};

static const struct gg_notes_ops notes_ops = {
	.write_prstatus = write_prstatus,
	.known = all_known,
};

static const struct gg_linux_ops linux_ops = {
	.kernel_area = SHAM_KERNEL,
	.image_area = SHAM_KERNEL,
	.image_area_size = 16 << 20,
	.read_paging = read_paging,
};

const struct gg_arch gg_arch_sham = {
	.name = "sham",
	.cpu_type = "ShamCPU",
	.elf_machine = SHAM_MACHINE,
	.elf_class = ELFCLASS32,
	.big_endian = true,
	.word = 4,
	.registers = &registers_of_sham,
	.cpu = &cpu_ops,
	.notes = &notes_ops,
	.kernel = &linux_ops,
};

const struct gg_arch gg_arch_mute = {
	.name = "mute",
	.cpu_type = "MuteCPU",
	.elf_machine = SHAM_MACHINE + 1,
	.elf_class = ELFCLASS32,
	.big_endian = true,
	.word = 4,
};
