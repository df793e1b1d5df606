// SPDX-License-Identifier: GPL-3.0-or-later
//
// Linux on s390x (Linux arch/s390/kernel/machine_kexec.c, arch_crash_save_vmcoreinfo;
// arch/s390/include/asm/page.h).
//
// In:  the kernel's VMCOREINFO.
// Out: its page tables, and where its image and its direct map may be.
// Trusts nothing it reads: the places must agree with each other.
#include "s390.h"

#include <inttypes.h>
#include <stdlib.h>

enum { IMAGE_ALIGNMENT = 1 << 20, MAX_IMAGE_SIZE = 128 << 20, REGION_THIRD_BITS = 42 };

// Reads a number in hexadecimal, without a prefix, behind KEY; false without the key.
static bool read_hex(const struct gg_vmcoreinfo *info, const char *key, uint64_t *ret)
{
	char *text = gg_vmcoreinfo_value(info, key), *end = NULL;
	*ret = text ? strtoull(text, &end, 16) : 0;
	const bool found = text && *text && !*end;
	free(text);
	return found;
}

// Before v6.10 the image has the same physical addresses as virtual ones; since then it is mapped on
// its own, and the kernel's own memory from IDENTITYBASE on.
static struct gg_error *read_paging(const struct gg_vmcoreinfo *info, struct gg_kernel_paging *ret)
{
	static const char *const roots[] = { "swapper_pg_dir", NULL };
	gg_gva_t root;
	uint64_t offset = 0, physical = 0, identity = 0;
	struct gg_error *err = gg_vmcoreinfo_places(info, roots, &root, &ret->text);
	if (err)
		return err;
	const bool is_apart = read_hex(info, "KERNELOFFPHYS", &physical) &&
			      read_hex(info, "KERNELOFFSET", &offset);
	const uint64_t distance = is_apart ? offset - physical : 0;
	read_hex(info, "IDENTITYBASE", &identity);
	if (root < distance || ret->text < distance)
		return gg_error_create(GG_BAD_DATA,
				       "_stext is 0x%" PRIx64
				       " and the page tables are at 0x%" PRIx64
				       ", not both above 0x%" PRIx64,
				       ret->text, root, distance);
	const bool is_high = ret->text >> REGION_THIRD_BITS || identity >> REGION_THIRD_BITS;
	ret->paging = (struct gg_paging){ .format = &s390_pages,
					  .levels = is_high ? 4 : 3,
					  .root = root - distance,
					  .half = GG_LOWER_HALF,
					  .input_bits = REGION_THIRD_BITS + (is_high ? 11 : 0) };
	ret->text_gpa = ret->text - distance;
	ret->image_start = is_apart ? ret->text & ~(gg_gva_t)(IMAGE_ALIGNMENT - 1) : ret->text;
	ret->image_size = MAX_IMAGE_SIZE;
	ret->image_is_direct = !is_apart;
	ret->direct_map_start = identity;
	ret->direct_map_end = identity + (UINT64_C(1) << REGION_THIRD_BITS);
	return NULL;
}

// A page that no program has used for some time is invalid, so that the next use is seen: its entry has Linux's own bit of a
// present page (_PAGE_PRESENT, arch/s390/include/asm/pgtable.h, v3.12). A large page's entry has such a bit since v6.10; before,
// that of a swapped page alone has the common-segment bit.
static bool hidden_page(const struct gg_page_entry *entry, gg_gpa_t *ret)
{
	enum {
		PRESENT = 0x1,
		COMMON = 0x10,
		INVALID_SEGMENT = 0x20,
		LARGE = 0x400,
		INVALID_PAGE = 0x400,
		SEGMENT = 2, // the level
	};
	const unsigned int open = entry->level == SEGMENT ? 20 : 12;
	*ret = entry->value >> open << open;
	if (entry->level == SEGMENT)
		return (entry->value & (COMMON | INVALID_SEGMENT | LARGE)) ==
		       (INVALID_SEGMENT | LARGE);
	return entry->level == 1 &&
	       (entry->value & (INVALID_PAGE | PRESENT)) == (INVALID_PAGE | PRESENT);
}

const struct gg_linux_ops s390_linux = {
	// Addresses of programs and of the kernel are of spaces of their own.
	.kernel_area = 0,
	// struct lowcore.vmcore_info (arch/s390/include/asm/lowcore.h), of the CPUs' common memory.
	.note_pointer = 0xe0c,
	// Anywhere: the kernel's symbols come first.
	.module_area = IMAGE_ALIGNMENT,
	.module_area_size = UINT64_MAX / 2,
	.read_paging = read_paging,
	.hidden_page = hidden_page,
	// The last instruction of an exit is there.
	.prefix_area = S390_PREFIX_AREA,
	// Linux drivers/s390/char/sclp_vt220.c, the console of QEMU's serial port.
	.sysrq = "Ctrl-O and the key on the guest's console (ttysclp0)",
};
