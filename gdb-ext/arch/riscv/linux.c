// SPDX-License-Identifier: GPL-3.0-or-later
//
// Linux on RISC-V of 64 bits (Linux arch/riscv/kernel/vmcore_info.c, before v6.9 crash_core.c;
// Documentation/arch/riscv/vm-layout.rst).
//
// In:  the kernel's VMCOREINFO.
// Out: its page tables, and where its image and its direct map may be.
// Trusts nothing it reads: the places must agree with each other.
#include "riscv.h"

#include <inttypes.h>

// The image is in the last 2 GiB, modules below it.
#define KERNEL_LINK_ADDR UINT64_C(0xffffffff80000000)
#define MODULE_AREA      UINT64_C(0xffffffff00000000)

enum { OFFSET_BITS = 12, LEVEL_BITS = 9, SV39 = 39, SV57 = 57 };

static struct gg_error *read_paging(const struct gg_vmcoreinfo *info, struct gg_kernel_paging *ret)
{
	static const char *const roots[] = { "swapper_pg_dir", NULL };
	gg_gva_t root;
	int64_t bits, offset, page_offset;
	struct gg_error *err = gg_vmcoreinfo_places(info, roots, &root, &ret->text);
	if (!err)
		err = gg_vmcoreinfo_number(info, "VA_BITS", &bits);
	if (!err)
		err = gg_vmcoreinfo_number(info, "va_kernel_pa_offset", &offset);
	if (!err)
		err = gg_vmcoreinfo_number(info, "PAGE_OFFSET", &page_offset);
	if (err)
		return err;
	if (bits < SV39 || bits > SV57 || (bits - OFFSET_BITS) % LEVEL_BITS)
		return gg_error_create(GG_BAD_DATA, "VA_BITS is %" PRId64 ", not 39, 48 or 57",
				       bits);
	const gg_gva_t link = (gg_gva_t)gg_vmcoreinfo_number_or(info, "KERNEL_LINK_ADDR",
								(int64_t)KERNEL_LINK_ADDR);
	if (root < link || ret->text < link)
		return gg_error_create(GG_BAD_DATA,
				       "_stext is 0x%" PRIx64
				       " and the page tables are at 0x%" PRIx64
				       ", not both above 0x%" PRIx64,
				       ret->text, root, link);
	ret->paging = (struct gg_paging){ .format = &riscv_pages,
					  .levels = (unsigned int)(bits - OFFSET_BITS) / LEVEL_BITS,
					  .root = root - (uint64_t)offset };
	ret->text_gpa = ret->text - (uint64_t)offset;
	ret->image_start = link;
	ret->image_size = -link;
	ret->direct_map_start = (gg_gva_t)page_offset;
	ret->direct_map_end = MODULE_AREA;
	return NULL;
}

// The kernel has the task in tp; in a program sscratch has it (arch/riscv/kernel/entry.S).
static size_t current_tasks(const struct gg_registers *registers, uint64_t ret[GG_CURRENT_TASKS])
{
	static const unsigned int ids[GG_CURRENT_TASKS] = { RISCV_TP, RISCV_SSCRATCH };
	size_t count = 0;
	for (size_t i = 0; i < GG_CURRENT_TASKS; i++)
		if (gg_register_known(registers, ids[i]))
			ret[count++] = gg_register(registers, ids[i]);
	return count;
}

// _PAGE_PROT_NONE, the bit of a global page, stands for a page that no program may touch, as by automatic NUMA balancing
// (Linux arch/riscv/include/asm/pgtable-bits.h); later kernels set _PAGE_READ beside it. No swapped page's entry has it.
static bool hidden_page(const struct gg_page_entry *entry, gg_gpa_t *ret)
{
	enum { PRESENT = 1 << 0, PROT_NONE = 1 << 5, PFN = 10, PFN_BITS = 44 };
	*ret = (entry->value >> PFN & ((UINT64_C(1) << PFN_BITS) - 1)) << OFFSET_BITS;
	return entry->level == 1 && (entry->value & (PRESENT | PROT_NONE)) == PROT_NONE;
}

const struct gg_linux_ops riscv_linux = {
	.kernel_area = UINT64_C(1) << 63,
	.image_area = KERNEL_LINK_ADDR,
	.image_area_size = -KERNEL_LINK_ADDR,
	.module_area = MODULE_AREA,
	.module_area_size = KERNEL_LINK_ADDR - MODULE_AREA,
	.hidden_page = hidden_page,
	.read_paging = read_paging,
	.current_tasks = current_tasks,
	.sysrq = "QEMU's monitor sends a break (chardev-send-break ID; \"info chardev\" lists the "
		 "serial "
		 "port's), and the key follows on that console within 5 s",
};
