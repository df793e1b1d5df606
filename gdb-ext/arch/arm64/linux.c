// SPDX-License-Identifier: GPL-3.0-or-later
//
// Linux on AArch64 (Linux arch/arm64/kernel/vmcore_info.c, before v6.9 crash_core.c;
// Documentation/arch/arm64/memory.rst).
//
// In:  the kernel's VMCOREINFO.
// Out: its page tables, and where its image and its direct map may be.
// Trusts nothing it reads: the places must agree with each other.
#include "arm64.h"

#include <inttypes.h>
#include <stdlib.h>

// Modules and vmalloc space, with the image, are above all of the direct map of any kernel.
#define VMALLOC_AREA UINT64_C(0xffff800000000000)

enum {
	IMAGE_ALIGNMENT = 2 << 20,
	MAX_IMAGE_SIZE = 256 << 20,
	MIN_BITS = 36,
	MAX_BITS = 52,
	MAX_BITS_WITHOUT_LPA2 = 48,
	PAGE_64K = 16,
};

static struct gg_error *read_page_bits(const struct gg_vmcoreinfo *info, unsigned int *ret)
{
	char *text = gg_vmcoreinfo_value(info, "PAGESIZE");
	const unsigned long size = text ? strtoul(text, NULL, 10) : 0;
	free(text);
	if (size != 4096 && size != 16384 && size != 65536)
		return gg_error_create(GG_BAD_DATA, "PAGESIZE is %lu, not 4096, 16384 or 65536",
				       size);
	*ret = (unsigned int)__builtin_ctzl(size);
	return NULL;
}

// Reads the bits of an address: of the kernel's build, and in use, fewer on a CPU that cannot do so many.
static struct gg_error *read_bits(const struct gg_vmcoreinfo *info, int64_t *built, int64_t *used)
{
	struct gg_error *err = gg_vmcoreinfo_number(info, "VA_BITS", built);
	if (err)
		return err;
	*used = 64 - gg_vmcoreinfo_number_or(info, "TCR_EL1_T1SZ", 64 - *built);
	if (*used < MIN_BITS || *used > MAX_BITS || *built < *used || *built > MAX_BITS)
		return gg_error_create(GG_BAD_DATA,
				       "VA_BITS is %" PRId64 ", and TCR_EL1_T1SZ leaves %" PRId64,
				       *built, *used);
	return NULL;
}

static struct gg_error *read_paging(const struct gg_vmcoreinfo *info, struct gg_kernel_paging *ret)
{
	static const char *const roots[] = { "swapper_pg_dir", NULL };
	gg_gva_t root;
	unsigned int page_bits = 0;
	int64_t built = 0, used = 0, offset;
	struct gg_error *err = gg_vmcoreinfo_places(info, roots, &root, &ret->text);
	if (!err)
		err = read_page_bits(info, &page_bits);
	if (!err)
		err = read_bits(info, &built, &used);
	if (!err)
		err = gg_vmcoreinfo_number(info, "kimage_voffset", &offset);
	if (err)
		return err;
	// More bits than 48 need LPA2 but with pages of 64 KiB.
	const bool lpa2 = used > MAX_BITS_WITHOUT_LPA2 && page_bits != PAGE_64K;
	const struct gg_page_format *format = arm64_page_format(page_bits, lpa2);
	ret->paging = (struct gg_paging){
		.format = format,
		.levels = arm64_page_levels(format, (unsigned int)used),
		.input_bits = (unsigned int)used,
		.root = root - (uint64_t)offset,
		.half = GG_UPPER_HALF,
	};
	ret->text_gpa = ret->text - (uint64_t)offset;
	ret->image_start = ret->text & ~(gg_gva_t)(IMAGE_ALIGNMENT - 1);
	ret->image_size = MAX_IMAGE_SIZE;
	// Since v5.4 the direct map is the lower half of the kernel's addresses.
	ret->direct_map_start = -(UINT64_C(1) << used);
	ret->direct_map_end = -(UINT64_C(1) << (used < MAX_BITS_WITHOUT_LPA2 ? used - 1 : 47));
	return NULL;
}

// TPIDR_EL1 is the offset of a kernel that runs at EL1.
static size_t per_cpu_bases(const struct gg_registers *registers, uint64_t ret[GG_PER_CPU_BASES])
{
	if (!gg_register_known(registers, ARM64_TPIDR))
		return 0;
	ret[0] = gg_register(registers, ARM64_TPIDR);
	return 1;
}

// The kernel has the task in SP_EL0.
static size_t current_tasks(const struct gg_registers *registers, uint64_t ret[GG_CURRENT_TASKS])
{
	if (!gg_register_known(registers, ARM64_SP_EL0))
		return 0;
	ret[0] = gg_register(registers, ARM64_SP_EL0);
	return 1;
}

// The vectors are in the kernel's text.
static gg_gva_t image_address(const struct gg_registers *registers)
{
	const gg_gva_t vectors = gg_register(registers, ARM64_VBAR);
	return vectors >= VMALLOC_AREA ? vectors : 0;
}

const struct gg_linux_ops arm64_linux = {
	.kernel_area = UINT64_C(0xfff0000000000000),
	.syscall_prefix = "__arm64_sys_",
	.syscall_arguments = { "regs[0]", "regs[1]", "regs[2]", "regs[3]", "regs[4]", "regs[5]" },
	.image_address = image_address,
	.module_area = VMALLOC_AREA,
	.module_area_size = -VMALLOC_AREA,
	.read_paging = read_paging,
	.per_cpu_bases = per_cpu_bases,
	.current_tasks = current_tasks,
	.words_read = arm64_words_read,
	.sysrq = "QEMU's monitor sends a break (chardev-send-break ID; \"info chardev\" lists the "
		 "serial "
		 "port's), and the key follows on that console within 5 s",
};
