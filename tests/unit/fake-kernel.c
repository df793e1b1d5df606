// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 4096, PRESENT = 1, LARGE = 1 << 7, ENTRIES = 512 };

static void put(uint8_t *where, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		where[i] = (uint8_t)(value >> 8 * i);
}

static void put_entry(uint8_t *ram, const struct fake_kernel *kernel, uint64_t table, uint64_t gva,
		      unsigned int shift, uint64_t value)
{
	put(ram + table + (gva >> shift & (ENTRIES - 1)) * 8, 8,
	    value | PRESENT | kernel->sme_mask);
}

// Pages of the table's place: 0 the root, 1 the fourth level where the root is a fifth one, 2 to 4
// the image's, 5 to 7 the direct map's.
static void map_image(uint8_t *ram, const struct fake_kernel *kernel, uint64_t root)
{
	const uint64_t pdpt = kernel->tables + 2 * PAGE, pd = pdpt + PAGE, pt = pd + PAGE;
	const uint64_t gva = FAKE_KERNEL_STEXT;
	put_entry(ram, kernel, root, gva, 39, pdpt);
	put_entry(ram, kernel, pdpt, gva, 30, pd);
	if (kernel->large_pages) {
		put_entry(ram, kernel, pd, gva, 21, kernel->text_gpa | LARGE);
		return;
	}
	put_entry(ram, kernel, pd, gva, 21, pt);
	// 32 pages, a hole as the freed init section leaves, 32 pages.
	for (uint64_t i = 0; i < 96; i++)
		if (i < 32 || i >= 64)
			put_entry(ram, kernel, pt, gva + i * PAGE, 12, kernel->text_gpa + i * PAGE);
}

static void map_directly(uint8_t *ram, const struct fake_kernel *kernel, uint64_t root)
{
	const uint64_t pdpt = kernel->tables + 5 * PAGE, pd = pdpt + PAGE;
	const uint64_t gva = kernel->level5 ? UINT64_C(0xff11000040000000) : FAKE_KERNEL_DIRECT_MAP;
	put_entry(ram, kernel, root, gva, 39, pdpt);
	if (kernel->large_pages) {
		put_entry(ram, kernel, pdpt, gva, 30, LARGE);
		return;
	}
	put_entry(ram, kernel, pdpt, gva, 30, pd);
	for (uint64_t offset = 0; offset < FAKE_KERNEL_RAM; offset += 2 << 20)
		put_entry(ram, kernel, pd, gva + offset, 21, offset | LARGE);
}

void fake_note_write(uint8_t *ram, uint64_t where, const char *text, size_t size)
{
	put(ram + where, 4, 11);
	put(ram + where + 4, 4, size);
	put(ram + where + 8, 4, 0);
	memcpy(ram + where + 12, "VMCOREINFO\0", 12);
	memcpy(ram + where + 24, text, size);
}

uint64_t fake_kernel_address(const struct fake_kernel *kernel, uint64_t gpa)
{
	return FAKE_KERNEL_STEXT + (gpa - kernel->text_gpa);
}

// Ids 0xffffffff to 0x100000002, numbers 3 to 6; the newest one is reserved and not written yet.
static void write_log(uint8_t *ram, const struct fake_kernel *kernel)
{
	enum { COUNT = 4, COMMITTED = 1, FINALIZED = 2 };
	const uint64_t log = kernel->log, first = 0xffffffff;
	uint8_t *ring = ram + log + FAKE_LOG_RING;
	put(ram + log + FAKE_LOG_VARIABLE, 8, fake_kernel_address(kernel, log + FAKE_LOG_RING));
	put(ring, 4, 2);
	put(ring + 8, 8, fake_kernel_address(kernel, log + FAKE_LOG_DESCS));
	put(ring + 16, 8, fake_kernel_address(kernel, log + FAKE_LOG_INFOS));
	put(ring + 24, 8, first + COUNT - 1);
	put(ring + 32, 8, first);
	put(ring + 48, 4, 7);
	put(ring + 56, 8, fake_kernel_address(kernel, log + FAKE_LOG_DATA));
	put(ring + 64, 8, COUNT * 16);
	for (uint64_t i = 0; i < COUNT; i++) {
		const uint64_t id = first + i, index = id % COUNT;
		const uint64_t state = i == 3 ? 0 : i == 2 ? COMMITTED : FINALIZED;
		uint8_t *desc = ram + log + FAKE_LOG_DESCS + index * 24;
		uint8_t *info = ram + log + FAKE_LOG_INFOS + index * 88;
		uint8_t *block = ram + log + FAKE_LOG_DATA + i * 16;
		put(desc, 8, state << 62 | id);
		put(desc + 8, 8, i * 16);
		put(desc + 16, 8, (i + 1) * 16);
		put(info, 8, i + 3);
		put(info + 8, 8, (i + 1) * 1000000000);
		put(info + 16, 2, 4);
		put(info + 19, 1, 6 << 5);
		put(block, 8, id);
		memcpy(block + 8, "text", 4);
	}
}

static const char log_keys[] =
	"OFFSET(printk_ringbuffer.desc_ring)=0\nOFFSET(prb_desc_ring.count_bits)=0\n"
	"OFFSET(prb_desc_ring.descs)=8\nOFFSET(prb_desc_ring.infos)=16\n"
	"OFFSET(prb_desc_ring.head_id)=24\nOFFSET(atomic_long_t.counter)=0\nSIZE(prb_desc)=24\n"
	"OFFSET(prb_desc.state_var)=0\nSIZE(printk_info)=88\nOFFSET(printk_info.ts_nsec)=8\n"
	"SIZE(printk_ringbuffer)=88\nOFFSET(printk_ringbuffer.text_data_ring)=48\n"
	"OFFSET(prb_desc_ring.tail_id)=32\nOFFSET(prb_desc.text_blk_lpos)=8\n"
	"SIZE(prb_data_blk_lpos)=16\nOFFSET(prb_data_blk_lpos.begin)=0\n"
	"OFFSET(prb_data_blk_lpos.next)=8\nOFFSET(printk_info.seq)=0\n"
	"OFFSET(printk_info.text_len)=16\nOFFSET(prb_data_ring.size_bits)=0\n"
	"OFFSET(prb_data_ring.data)=8\nOFFSET(prb_data_ring.head_lpos)=16\n";

void fake_kernel_write(uint8_t *ram, const struct fake_kernel *kernel)
{
	const uint64_t start_kernel_map = UINT64_C(0xffffffff80000000);
	const int64_t phys_base =
		(int64_t)(kernel->text_gpa - (FAKE_KERNEL_STEXT - start_kernel_map));
	uint64_t root = kernel->tables;
	memset(ram + kernel->tables, 0, 8 * PAGE);
	if (kernel->level5) {
		const uint64_t fourth = kernel->tables + PAGE;
		put_entry(ram, kernel, root, FAKE_KERNEL_STEXT, 48, fourth);
		put_entry(ram, kernel, root, UINT64_C(0xff11000040000000), 48, fourth);
		root = fourth;
	}
	map_image(ram, kernel, root);
	map_directly(ram, kernel, root);

	char text[2048];
	int size = snprintf(text, sizeof(text),
			    "OSRELEASE=%s\nPAGESIZE=4096\nSYMBOL(_stext)=%" PRIx64
			    "\nNUMBER(phys_base)=%" PRId64 "\nSYMBOL(init_top_pgt)=%" PRIx64
			    "\nNUMBER(pgtable_l5_enabled)=%d\nNUMBER(sme_mask)=%" PRIu64 "\n",
			    kernel->release, FAKE_KERNEL_STEXT, phys_base,
			    kernel->tables - (uint64_t)phys_base + start_kernel_map, kernel->level5,
			    kernel->sme_mask);
	if (kernel->build)
		size += snprintf(text + size, sizeof(text) - (size_t)size, "BUILD-ID=%s\n",
				 kernel->build);
	if (kernel->log) {
		write_log(ram, kernel);
		size += snprintf(text + size, sizeof(text) - (size_t)size,
				 "SYMBOL(prb)=%" PRIx64 "\n%s",
				 fake_kernel_address(kernel, kernel->log), log_keys);
	}
	if (kernel->uts) {
		enum { RELEASE = 2, FIELD_SIZE = 65, KREF_SIZE = 4 };
		strcpy((char *)ram + kernel->uts + (kernel->old_uts ? KREF_SIZE : 0) +
			       RELEASE * FIELD_SIZE,
		       kernel->release);
		size += snprintf(text + size, sizeof(text) - (size_t)size,
				 "SYMBOL(init_uts_ns)=%" PRIx64 "\n%s",
				 fake_kernel_address(kernel, kernel->uts),
				 kernel->old_uts ? "" : "OFFSET(uts_namespace.name)=0\n");
	}
	fake_note_write(ram, kernel->note, text, (size_t)size);
}
