// SPDX-License-Identifier: GPL-3.0-or-later
//
// x86 guests, of 64 and of 32 bits.
//
// The notes' layouts are those of QEMU's target/i386/arch_dump.c (v7.2): NT_PRSTATUS as Linux's
// struct elf_prstatus has it, and QEMU's own note, version 1.
#include "arch.h"

#include <elf.h>
#include <inttypes.h>

// Indices of CPUX86State.regs and .segs (QEMU target/i386/cpu.h).
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, REGS };
enum { ES, CS, SS, DS, FS, GS, SEGS };
enum { CRS = 5 };

// CPUX86State.hflags, QEMU target/i386/cpu.h: HF_LMA_SHIFT.
enum { HF_LMA = 1 << 14 };

struct segment {
	uint64_t selector, base, limit, flags;
};

struct registers {
	uint64_t regs[REGS], rip, rflags, crs[CRS], kernel_gs_base;
	struct segment segs[SEGS], ldt, tr, gdt, idt;
};

// By the name of the CPU, not of its env, so that whoever knows the members' places in the CPU by
// other means than types can answer too.
struct layout {
	struct gg_member regs, eip, eflags, hflags, segs, ldt, tr, gdt, idt, cr, kernelgsbase;
	struct gg_member segment, selector, base, limit, flags;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct layout, regs, "X86CPU", "env.regs"),
	GG_LAYOUT_ROW(struct layout, eip, "X86CPU", "env.eip"),
	GG_LAYOUT_ROW(struct layout, eflags, "X86CPU", "env.eflags"),
	GG_LAYOUT_ROW(struct layout, hflags, "X86CPU", "env.hflags"),
	GG_LAYOUT_ROW(struct layout, segs, "X86CPU", "env.segs"),
	GG_LAYOUT_ROW(struct layout, ldt, "X86CPU", "env.ldt"),
	GG_LAYOUT_ROW(struct layout, tr, "X86CPU", "env.tr"),
	GG_LAYOUT_ROW(struct layout, gdt, "X86CPU", "env.gdt"),
	GG_LAYOUT_ROW(struct layout, idt, "X86CPU", "env.idt"),
	GG_LAYOUT_ROW(struct layout, cr, "X86CPU", "env.cr"),
	// Not in qemu-system-i386.
	GG_LAYOUT_ROW_OPTIONAL(struct layout, kernelgsbase, "X86CPU", "env.kernelgsbase"),
	GG_LAYOUT_ROW(struct layout, segment, "SegmentCache", ""),
	GG_LAYOUT_ROW(struct layout, selector, "SegmentCache", "selector"),
	GG_LAYOUT_ROW(struct layout, base, "SegmentCache", "base"),
	GG_LAYOUT_ROW(struct layout, limit, "SegmentCache", "limit"),
	GG_LAYOUT_ROW(struct layout, flags, "SegmentCache", "flags"),
};

static struct gg_error *resolve_layout(const struct gg_host *host, struct layout *ret)
{
	return gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), ret);
}

static struct gg_error *read_segment(const struct gg_host *host, const struct layout *layout,
				     uint64_t address, struct segment *ret)
{
	struct gg_error *err =
		gg_host_read_member(host, address, &layout->selector, &ret->selector);
	if (!err)
		err = gg_host_read_member(host, address, &layout->base, &ret->base);
	if (!err)
		err = gg_host_read_member(host, address, &layout->limit, &ret->limit);
	if (!err)
		err = gg_host_read_member(host, address, &layout->flags, &ret->flags);
	return err;
}

// An array of target_ulong, which has 8 entries in qemu-system-i386 and 16 in the other.
static struct gg_error *read_regs(const struct gg_host *host, const struct layout *layout,
				  uint64_t cpu, struct registers *ret)
{
	const uint64_t width = layout->eip.size, count = layout->regs.size / width;
	if (width > 8 || count > REGS)
		return gg_error_create(GG_BAD_DATA,
				       "env.regs has %" PRIu64 " bytes and env.eip %" PRIu64,
				       layout->regs.size, width);
	struct gg_error *err = NULL;
	for (uint64_t i = 0; !err && i < count; i++)
		err = gg_host_read_uint(host, cpu + layout->regs.offset + i * width, width,
					&ret->regs[i]);
	for (uint64_t i = 0; !err && i < CRS; i++)
		err = gg_host_read_uint(host, cpu + layout->cr.offset + i * width, width,
					&ret->crs[i]);
	return err;
}

static struct gg_error *read_segments(const struct gg_host *host, const struct layout *layout,
				      uint64_t cpu, struct registers *ret)
{
	const struct {
		const struct gg_member *member;
		struct segment *segment;
	} singles[] = {
		{ &layout->ldt, &ret->ldt },
		{ &layout->tr, &ret->tr },
		{ &layout->gdt, &ret->gdt },
		{ &layout->idt, &ret->idt },
	};
	struct gg_error *err = NULL;
	for (uint64_t i = 0; !err && i < SEGS; i++)
		err = read_segment(host, layout,
				   cpu + layout->segs.offset + i * layout->segment.size,
				   &ret->segs[i]);
	for (size_t i = 0; !err && i < sizeof(singles) / sizeof(*singles); i++)
		err = read_segment(host, layout, cpu + singles[i].member->offset,
				   singles[i].segment);
	return err;
}

static struct gg_error *read_registers(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
				       struct registers *ret)
{
	struct layout layout;
	*ret = (struct registers){ 0 };
	struct gg_error *err = resolve_layout(host, &layout);
	if (!err)
		err = read_regs(host, &layout, cpu->address, ret);
	if (!err)
		err = read_segments(host, &layout, cpu->address, ret);
	if (!err)
		err = gg_host_read_member(host, cpu->address, &layout.eip, &ret->rip);
	if (!err)
		err = gg_host_read_member(host, cpu->address, &layout.eflags, &ret->rflags);
	if (!err && layout.kernelgsbase.size)
		err = gg_host_read_member(host, cpu->address, &layout.kernelgsbase,
					  &ret->kernel_gs_base);
	return err ? gg_error_context(err, "the registers of CPU %" PRIu32, cpu->index) : NULL;
}

// ---- Notes ----

static struct gg_error *finish_note(struct gg_buffer *notes, const char *name, uint32_t type,
				    struct gg_buffer *desc)
{
	struct gg_error *err = gg_buffer_check(desc);
	if (!err)
		gg_note_append(notes, name, type, desc->bytes, desc->size);
	gg_buffer_deinit(desc);
	return err ? err : gg_buffer_check(notes);
}

// struct elf_prstatus: zeros but for pr_pid, which is the CPU's number from 1, and pr_reg. WIDTH is
// that of a register, and of what follows them.
static struct gg_error *write_prstatus(const struct gg_qemu_cpu *cpu, size_t before_pid,
				       size_t before_registers, const uint64_t *regs, size_t count,
				       unsigned int width, struct gg_buffer *notes)
{
	struct gg_buffer desc = { 0 };
	gg_buffer_zeros(&desc, before_pid);
	gg_buffer_uint(&desc, 4, cpu->index + 1);
	gg_buffer_zeros(&desc, before_registers);
	for (size_t i = 0; i < count; i++)
		gg_buffer_uint(&desc, width, regs[i]);
	gg_buffer_zeros(&desc, width);
	return finish_note(notes, "CORE", NT_PRSTATUS, &desc);
}

static struct gg_error *write_prstatus_64(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
					  struct gg_buffer *notes)
{
	enum { BEFORE_PID = 32, BEFORE_REGISTERS = 76 };
	struct registers r;
	struct gg_error *err = read_registers(host, cpu, &r);
	if (err)
		return err;
	// clang-format off
	// struct user_regs_struct; orig_rax, which only a system call has, is 0.
	const uint64_t regs[] = {
		r.regs[R15], r.regs[R14], r.regs[R13], r.regs[R12], r.regs[RBP], r.regs[RBX],
		r.regs[R11], r.regs[R10], r.regs[R9], r.regs[R8], r.regs[RAX], r.regs[RCX],
		r.regs[RDX], r.regs[RSI], r.regs[RDI], 0, r.rip, r.segs[CS].selector, r.rflags,
		r.regs[RSP], r.segs[SS].selector, r.segs[FS].base, r.segs[GS].base,
		r.segs[DS].selector, r.segs[ES].selector, r.segs[FS].selector, r.segs[GS].selector,
	};
	// clang-format on
	return write_prstatus(cpu, BEFORE_PID, BEFORE_REGISTERS, regs, sizeof(regs) / sizeof(*regs),
			      8, notes);
}

static struct gg_error *write_prstatus_32(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
					  struct gg_buffer *notes)
{
	enum { BEFORE_PID = 24, BEFORE_REGISTERS = 44 };
	struct registers r;
	struct gg_error *err = read_registers(host, cpu, &r);
	if (err)
		return err;
	// clang-format off
	// struct user_regs_struct of 32 bits; orig_eax, which only a system call has, is 0.
	const uint64_t regs[] = {
		r.regs[RBX], r.regs[RCX], r.regs[RDX], r.regs[RSI], r.regs[RDI], r.regs[RBP],
		r.regs[RAX], r.segs[DS].selector, r.segs[ES].selector, r.segs[FS].selector,
		r.segs[GS].selector, 0, r.rip, r.segs[CS].selector, r.rflags, r.regs[RSP],
		r.segs[SS].selector,
	};
	// clang-format on
	return write_prstatus(cpu, BEFORE_PID, BEFORE_REGISTERS, regs, sizeof(regs) / sizeof(*regs),
			      4, notes);
}

static void append_segment(struct gg_buffer *desc, const struct segment *segment)
{
	gg_buffer_uint(desc, 4, segment->selector);
	gg_buffer_uint(desc, 4, segment->limit);
	gg_buffer_uint(desc, 4, segment->flags);
	gg_buffer_zeros(desc, 4);
	gg_buffer_uint(desc, 8, segment->base);
}

static struct gg_error *write_qemu_note(const struct gg_host *host, const struct gg_qemu_cpu *cpu,
					struct gg_buffer *notes)
{
	enum { STATE_VERSION = 1, STATE_SIZE = 440, NOTE_TYPE = 0 };
	static const int order[] = { RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP,
				     R8,  R9,  R10, R11, R12, R13, R14, R15 };
	struct registers r;
	struct gg_error *err = read_registers(host, cpu, &r);
	if (err)
		return err;

	const struct segment *const segments[] = { &r.segs[CS], &r.segs[DS], &r.segs[ES],
						   &r.segs[FS], &r.segs[GS], &r.segs[SS],
						   &r.ldt,      &r.tr,       &r.gdt,
						   &r.idt };
	struct gg_buffer desc = { 0 };
	gg_buffer_uint(&desc, 4, STATE_VERSION);
	gg_buffer_uint(&desc, 4, STATE_SIZE);
	for (size_t i = 0; i < REGS; i++)
		gg_buffer_uint(&desc, 8, r.regs[order[i]]);
	gg_buffer_uint(&desc, 8, r.rip);
	gg_buffer_uint(&desc, 8, r.rflags);
	for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++)
		append_segment(&desc, segments[i]);
	for (size_t i = 0; i < CRS; i++)
		gg_buffer_uint(&desc, 8, r.crs[i]);
	gg_buffer_uint(&desc, 8, r.kernel_gs_base);
	return finish_note(notes, "QEMU", NOTE_TYPE, &desc);
}

// ---- Modes ----

static struct gg_error *is_long_mode(const struct gg_host *host, uint64_t cpu, bool *ret)
{
	struct layout layout;
	uint64_t hflags;
	struct gg_error *err = resolve_layout(host, &layout);
	if (!err)
		err = gg_host_read_member(host, cpu, &layout.hflags, &hflags);
	if (!err)
		*ret = hflags & HF_LMA;
	return err ? gg_error_context(err, "the mode of the first CPU") : NULL;
}

static struct gg_error *is_any_mode(const struct gg_host *host, uint64_t cpu, bool *ret)
{
	(void)host, (void)cpu;
	*ret = true;
	return NULL;
}

// ---- Paging ----

static struct gg_error *read_cpu_paging_64(const struct gg_host *host,
					   const struct gg_qemu_cpu *cpu, struct gg_paging *ret)
{
	// Intel SDM, volume 3, chapters 2.5 and 4. Bit 12 of CR3 tells a PTI kernel's user tables
	// from its own, which are the even one of two pages (Linux arch/x86/mm/pti.c); for any
	// other kernel it is an ordinary bit, but then both tables map the kernel's text alike or
	// not at all.
	enum { CR0_PG = 1u << 31, CR4_LA57 = 1 << 12, PTI_USER = 1 << 12 };
	const uint64_t address_bits = UINT64_C(0x000ffffffffff000);
	struct registers r;
	struct gg_error *err = read_registers(host, cpu, &r);
	if (err)
		return err;
	*ret = (struct gg_paging){ .format = GG_PTE_X86_64 };
	if (r.crs[0] & CR0_PG)
		ret->levels = r.crs[4] & CR4_LA57 ? 5 : 4;
	ret->root = r.crs[3] & address_bits & ~(uint64_t)PTI_USER;
	return NULL;
}

// ---- Linux ----

// Linux arch/x86/include/asm/page_64_types.h and Documentation/arch/x86/x86_64/mm.rst.
#define START_KERNEL_MAP UINT64_C(0xffffffff80000000)

enum { DEFAULT_IMAGE_SIZE = 1 << 30 };

static struct gg_error *read_paging_64(const struct gg_vmcoreinfo *info,
				       struct gg_kernel_paging *ret)
{
	// "init_top_pgt" was "init_level4_pgt" before v4.13.
	static const char *const roots[] = { "init_top_pgt", "init_level4_pgt", "swapper_pg_dir",
					     NULL };
	gg_gva_t root;
	int64_t phys_base, level5, sme_mask, image_size;
	struct gg_error *err = gg_vmcoreinfo_symbol(info, roots, &root);
	if (!err)
		err = gg_vmcoreinfo_symbol(info, (const char *const[]){ "_stext", NULL },
					   &ret->text);
	if (!err)
		err = gg_vmcoreinfo_number(info, "phys_base", &phys_base);
	if (err)
		return err;
	if (root < START_KERNEL_MAP || ret->text < START_KERNEL_MAP)
		return gg_error_create(GG_BAD_DATA,
				       "_stext is 0x%" PRIx64
				       " and the page tables are at 0x%" PRIx64
				       ", not both above 0x%" PRIx64,
				       ret->text, root, START_KERNEL_MAP);

	level5 = gg_vmcoreinfo_number_or(info, "pgtable_l5_enabled", 0);
	sme_mask = gg_vmcoreinfo_number_or(info, "sme_mask", 0);
	image_size = gg_vmcoreinfo_number_or(info, "KERNEL_IMAGE_SIZE", DEFAULT_IMAGE_SIZE);
	if (image_size <= 0 || image_size > DEFAULT_IMAGE_SIZE)
		image_size = DEFAULT_IMAGE_SIZE;
	ret->paging = (struct gg_paging){
		.format = GG_PTE_X86_64,
		.levels = level5 ? 5 : 4,
		.root = root - START_KERNEL_MAP + (uint64_t)phys_base,
		.ignored_bits = (uint64_t)sme_mask,
	};
	ret->text_gpa = ret->text - START_KERNEL_MAP + (uint64_t)phys_base;
	ret->image_start = START_KERNEL_MAP;
	ret->image_size = (uint64_t)image_size;
	// From behind the hypervisor's hole and the LDT, as far as KASLR may push it.
	ret->direct_map_start =
		level5 ? UINT64_C(0xff11000000000000) : UINT64_C(0xffff888000000000);
	ret->direct_map_end = level5 ? UINT64_C(0xffd2000000000000) : UINT64_C(0xffffea0000000000);
	return NULL;
}

const struct gg_arch gg_arch_x86_64 = {
	.name = "x86_64",
	.cpu_type = "X86CPU",
	.is_mode = is_long_mode,
	.elf_machine = EM_X86_64,
	.elf_class = ELFCLASS64,
	.elf_data = ELFDATA2LSB,
	.write_prstatus = write_prstatus_64,
	.write_qemu_note = write_qemu_note,
	.read_cpu_paging = read_cpu_paging_64,
	.read_paging = read_paging_64,
};

const struct gg_arch gg_arch_i386 = {
	.name = "i386",
	.cpu_type = "X86CPU",
	.is_mode = is_any_mode,
	.elf_machine = EM_386,
	.elf_class = ELFCLASS64,
	.elf_data = ELFDATA2LSB,
	.write_prstatus = write_prstatus_32,
	.write_qemu_note = write_qemu_note,
};
