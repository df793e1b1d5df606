// SPDX-License-Identifier: GPL-3.0-or-later
//
// Linux on little-endian POWER (Linux arch/powerpc/kexec/core.c, arch_crash_save_vmcoreinfo;
// arch/powerpc/include/asm/book3s/64/radix.h, page.h).
//
// In:  the kernel's VMCOREINFO.
// Out: its page tables, and where its image and its direct map may be.
// Trusts nothing it reads: the places must agree with each other.
#include "ppc64.h"

#include <inttypes.h>
#include <stdlib.h>

#define LINEAR_START PPC64_LINEAR_START
#define LINEAR_END   PPC64_LINEAR_END

enum { MAX_IMAGE_SIZE = 128 << 20, SMALL_PAGE = 4 << 10, LARGE_PAGE = 64 << 10 };

static struct gg_error *read_places(const struct gg_vmcoreinfo *info, gg_gva_t *root,
				    struct gg_kernel_paging *ret)
{
	static const char *const roots[] = { "swapper_pg_dir", NULL };
	struct gg_error *err = gg_vmcoreinfo_places(info, roots, root, &ret->text);
	if (err)
		return err;
	if (ret->text < LINEAR_START || ret->text >= LINEAR_END || *root < LINEAR_START ||
	    *root >= LINEAR_END)
		return gg_error_create(GG_BAD_DATA,
				       "_stext is 0x%" PRIx64
				       " and the page tables are at 0x%" PRIx64
				       ", not both in the linear map from 0x%" PRIx64 " on",
				       ret->text, *root, LINEAR_START);
	ret->text_gpa = ret->text - LINEAR_START;
	ret->image_start = ret->text;
	ret->image_size = MAX_IMAGE_SIZE;
	ret->image_is_direct = true;
	ret->direct_map_start = LINEAR_START;
	ret->direct_map_end = LINEAR_END;
	return NULL;
}

static struct gg_error *read_paging(const struct gg_vmcoreinfo *info, struct gg_kernel_paging *ret)
{
	enum { LEVELS = 4, INPUT_BITS = 52 };
	gg_gva_t root;
	struct gg_error *err = read_places(info, &root, ret);
	if (err)
		return err;
	char *text = gg_vmcoreinfo_value(info, "PAGESIZE");
	const unsigned long size = text ? strtoul(text, NULL, 10) : 0;
	free(text);
	if (size != SMALL_PAGE && size != LARGE_PAGE)
		return gg_error_create(GG_BAD_DATA, "PAGESIZE is %lu, not 4096 or 65536", size);
	ret->paging = (struct gg_paging){
		.format = size == SMALL_PAGE ? &ppc64_pages_4k : &ppc64_pages_64k,
		.levels = LEVELS,
		.root = root - LINEAR_START,
		.half = GG_UPPER_HALF,
		.input_bits = INPUT_BITS,
	};
	return NULL;
}

// SPRG1, and r13 in the kernel, lead to the CPU's struct paca_struct, whose third or fourth word is kernelbase, _stext;
// kernel_toc, in the image's data, is the word before (arch/powerpc/include/asm/paca.h; initialise_paca).
static size_t text_pointers(const struct gg_registers *registers, gg_gva_t ret[GG_TEXT_POINTERS])
{
	enum { WORD = 8, FIRST = 1 };
	const bool in_kernel = gg_register_known(registers, PPC64_MSR) &&
			       !(gg_register(registers, PPC64_MSR) & PPC64_MSR_PR);
	const bool has_sprg = gg_register_known(registers, PPC64_SPRG1);
	const gg_gva_t paca = gg_register(registers, has_sprg ? PPC64_SPRG1 : PPC64_R13);
	if ((!has_sprg && !in_kernel) || paca < LINEAR_START || paca >= LINEAR_END)
		return 0;
	for (size_t i = 0; i < GG_TEXT_POINTERS; i++)
		ret[i] = paca + WORD * (FIRST + i);
	return GG_TEXT_POINTERS;
}

static const struct gg_paging linear = { .format = &ppc64_pages_64k };

const struct gg_linux_ops ppc64_linux = {
	.kernel_area = LINEAR_START,
	.module_area = LINEAR_END,
	.module_area_size = LINEAR_END - LINEAR_START,
	.read_paging = read_paging,
	.linear = &linear,
	.text_pointers = text_pointers,
	// Linux drivers/tty/hvc/hvc_console.c.
	.sysrq = "Ctrl-O and the key on the guest's console (hvc0)",
};
