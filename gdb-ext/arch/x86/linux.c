// SPDX-License-Identifier: GPL-3.0-or-later
//
// Linux on x86, of 64 and of 32 bits.
//
// In:  the kernel's VMCOREINFO.
// Out: its page tables, and where its image and its direct map may be.
// Trusts nothing it reads: the places must agree with each other.
#include "x86.h"

#include <inttypes.h>
#include <stdlib.h>

// Linux arch/x86/include/asm/page_64_types.h and Documentation/arch/x86/x86_64/mm.rst.
#define START_KERNEL_MAP UINT64_C(0xffffffff80000000)

// Modules are behind the image, whose area is half of this or, with KASLR, 1 GiB (MODULES_VADDR,
// MODULES_END).
#define MODULE_AREA     UINT64_C(0xffffffffa0000000)
#define MODULE_AREA_END UINT64_C(0xffffffffff000000)

// The areas from vmalloc's on, in Documentation/arch/x86/x86_64/mm.rst: KASAN's shadow has no memory
// of its own, and none follows where KASLR has moved the areas below the CPUs' entry areas.
#define CPU_ENTRY_AREA     UINT64_C(0xfffffe0000000000)
#define CPU_ENTRY_AREA_END UINT64_C(0xfffffe8000000000)
#define DIRECT_MAP         UINT64_C(0xffff888000000000)
#define DIRECT_MAP_5       UINT64_C(0xff11000000000000)
#define KASAN_SHADOW       UINT64_C(0xffffec0000000000)
#define KASAN_SHADOW_5     UINT64_C(0xffdf000000000000)

enum { DEFAULT_IMAGE_SIZE = 1 << 30, MAX_IMAGE_SIZE_32 = 64 << 20 };

// SECTION_SIZE_BITS of Linux arch/x86/include/asm/sparsemem.h.
enum { SECTION_BITS_64 = 27, SECTION_BITS_PAE = 29, SECTION_BITS_32 = 26 };

static struct gg_error *read_paging_64(const struct gg_vmcoreinfo *info,
				       struct gg_kernel_paging *ret)
{
	// "init_top_pgt" was "init_level4_pgt" before v4.13.
	static const char *const roots[] = { "init_top_pgt", "init_level4_pgt", "swapper_pg_dir",
					     NULL };
	gg_gva_t root;
	int64_t phys_base, level5, sme_mask, image_size;
	struct gg_error *err = gg_vmcoreinfo_places(info, roots, &root, &ret->text);
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
		.format = &x86_pages_64,
		.levels = level5 ? 5 : 4,
		.root = root - START_KERNEL_MAP + (uint64_t)phys_base,
		.ignored_bits = (uint64_t)sme_mask,
	};
	ret->text_gpa = ret->text - START_KERNEL_MAP + (uint64_t)phys_base;
	ret->image_start = START_KERNEL_MAP;
	ret->image_size = (uint64_t)image_size;
	// From behind the hypervisor's hole and the LDT, as far as KASLR may push it.
	ret->direct_map_start = level5 ? DIRECT_MAP_5 : DIRECT_MAP;
	ret->direct_map_end = level5 ? UINT64_C(0xffd2000000000000) : UINT64_C(0xffffea0000000000);
	ret->section_bits = SECTION_BITS_64;
	return NULL;
}

static size_t mapped_areas_64(const struct gg_linux_space *space,
			      struct gg_linux_area ret[GG_LINUX_AREAS])
{
	const bool level5 = space->paging->paging.levels == 5;
	const bool is_moved = space->direct_map != space->paging->direct_map_start;
	const gg_gva_t shadow = level5 ? KASAN_SHADOW_5 : KASAN_SHADOW;
	ret[0] = (struct gg_linux_area){ CPU_ENTRY_AREA, CPU_ENTRY_AREA_END - 1, true };
	ret[1] = (struct gg_linux_area){ MODULE_AREA, MODULE_AREA_END - 1, true };
	ret[2] = (struct gg_linux_area){ space->direct_map + space->direct_map_size,
					 (is_moved ? CPU_ENTRY_AREA : shadow) - 1, false };
	return space->direct_map_size && ret[2].start < ret[2].last ? 3 : 2;
}

// All that is not mapped linearly is behind low memory: vmalloc's, modules, the CPUs' entry areas
// (arch/x86/include/asm/pgtable_32_areas.h).
static size_t mapped_areas_32(const struct gg_linux_space *space,
			      struct gg_linux_area ret[GG_LINUX_AREAS])
{
	ret[0] = (struct gg_linux_area){ space->direct_map, UINT32_MAX, false };
	return space->direct_map_size ? 1 : 0;
}

// A kernel of 64 bits swaps GS's base at its entry (swapgs); a kernel of 32 bits has it in FS.
static size_t per_cpu_bases(const struct gg_registers *registers, uint64_t ret[GG_PER_CPU_BASES])
{
	static const unsigned int ids[GG_PER_CPU_BASES] = { X86_GS + X86_BASE, X86_KERNEL_GS_BASE,
							    X86_FS + X86_BASE };
	size_t count = 0;
	for (size_t i = 0; i < GG_PER_CPU_BASES; i++)
		if (gg_register_known(registers, ids[i]))
			ret[count++] = gg_register(registers, ids[i]);
	return count;
}

// The IDT is a page of .bss, which the CPUs' entry area has too, so that it cannot be written (arch/x86/kernel/idt.c: idt_table,
// arch/x86/mm/cpu_entry_area.c).
static gg_gva_t image_alias_32(const struct gg_registers *registers)
{
	return gg_register_known(registers, X86_IDT + X86_BASE)
		       ? gg_register(registers, X86_IDT + X86_BASE)
		       : 0;
}

// Linux arch/x86/Kconfig: VMSPLIT_...
gg_gva_t x86_page_offset_32(gg_gva_t text)
{
	static const uint32_t page_offsets[] = { 0xc0000000, 0xb0000000, 0x80000000, 0x78000000,
						 0x40000000 };
	for (size_t i = 0; i < sizeof(page_offsets) / sizeof(*page_offsets); i++)
		if (text >= page_offsets[i] && text <= UINT32_MAX)
			return page_offsets[i];
	return 0;
}

// Linux arch/x86/kernel/vmcore_info_32.c: VMCOREINFO has neither PAGE_OFFSET nor the offset of
// KASLR, but low memory is mapped linearly, from PAGE_OFFSET on.
static struct gg_error *read_paging_32(const struct gg_vmcoreinfo *info,
				       struct gg_kernel_paging *ret)
{
	static const char *const roots[] = { "swapper_pg_dir", NULL };
	gg_gva_t root;
	struct gg_error *err = gg_vmcoreinfo_places(info, roots, &root, &ret->text);
	if (err)
		return err;
	const gg_gva_t page_offset = x86_page_offset_32(ret->text);
	if (!page_offset || root > UINT32_MAX || root < page_offset)
		return gg_error_create(GG_BAD_DATA,
				       "_stext is 0x%" PRIx64
				       " and the page tables are at 0x%" PRIx64
				       ", not both in the low memory of a kernel of 32 bits",
				       ret->text, root);
	char *pae = gg_vmcoreinfo_value(info, "CONFIG_X86_PAE");
	ret->paging = (struct gg_paging){ .format = pae ? &x86_pages_pae : &x86_pages_32,
					  .levels = pae ? 3 : 2,
					  .root = root - page_offset };
	free(pae);
	ret->text_gpa = ret->text - page_offset;
	ret->image_start = ret->text;
	ret->image_size = MAX_IMAGE_SIZE_32;
	ret->image_is_direct = true;
	ret->direct_map_start = page_offset;
	ret->direct_map_end = UINT64_C(1) << 32;
	ret->section_bits =
		ret->paging.format == &x86_pages_pae ? SECTION_BITS_PAE : SECTION_BITS_32;
	return NULL;
}

const struct gg_linux_ops x86_linux_64 = {
	.kernel_area = UINT64_C(1) << 63,
	.syscall_prefix = "__x64_sys_",
	.syscall_arguments = { "di", "si", "dx", "r10", "r8", "r9" },
	.image_area = START_KERNEL_MAP,
	.image_area_size = DEFAULT_IMAGE_SIZE,
	.module_area = MODULE_AREA,
	.module_area_size = MODULE_AREA_END - MODULE_AREA,
	.read_paging = read_paging_64,
	.mapped_areas = mapped_areas_64,
	.per_cpu_bases = per_cpu_bases,
	.vm_exit = x86_vm_exit,
	.hidden_page = x86_hidden_page,
	.first_page = "vmemmap_base",
	.vmx_exit = x86_vmx_exit,
	.read_vcpu = x86_read_vcpu,
};

// Modules are in the vmalloc area, whose place in the kernel's GiB depends on the RAM.
const struct gg_linux_ops x86_linux_32 = {
	.image_alias = image_alias_32,
	.direct_map = UINT64_C(3) << 30,
	.module_area = UINT64_C(3) << 30,
	.module_area_size = UINT64_C(1) << 30,
	.read_paging = read_paging_32,
	.mapped_areas = mapped_areas_32,
	.per_cpu_bases = per_cpu_bases,
};
