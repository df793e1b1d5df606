// SPDX-License-Identifier: GPL-3.0-or-later
//
// As much of an x86_64 Linux kernel in 16 MiB of guest RAM as finding it needs: page tables and a
// VMCOREINFO note. The tables' format is that of the Intel SDM, volume 3, chapter 4; the note's and
// its keys' that of Linux v6.1 (kernel/crash_core.c, arch/x86/kernel/machine_kexec_64.c).
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FAKE_KERNEL_RAM = 16 << 20,
	FAKE_KERNEL_TEXT_OFFSET = 0x200000, // of _stext from the image's start in the page tables
};

#define FAKE_KERNEL_STEXT      UINT64_C(0xffffffff81200000)
#define FAKE_KERNEL_DIRECT_MAP UINT64_C(0xffff888040000000)

struct fake_kernel {
	uint64_t tables;   // where in RAM its page tables go: 8 pages
	uint64_t note;     // where its note goes
	uint64_t text_gpa; // of _stext; a multiple of 2 MiB
	bool level5;
	bool large_pages;    // the image by 2 MiB pages, the direct map by one of 1 GiB
	uint64_t sme_mask;   // set in every entry
	const char *release; // OSRELEASE
	const char *build;   // BUILD-ID, as since v5.9; NULL for none
	// The place of its log in RAM, four descriptors of Linux v6.1's (kernel/printk), below 128
	// KiB from _stext, which maps it; 0 for none.
	uint64_t log;
	uint64_t uts; // the same of init_uts_ns, with RELEASE; 0 for none
	bool old_uts; // that of before v5.11, with a kref
};

enum {
	FAKE_LOG_SIZE = 0x400,
	FAKE_LOG_VARIABLE = 0,  // prb
	FAKE_LOG_RING = 0x10,   // printk_ringbuffer
	FAKE_LOG_DESCS = 0x100, // prb_desc[4], of 24 bytes
	FAKE_LOG_INFOS = 0x200, // printk_info[4], of 88 bytes
	FAKE_LOG_DATA = 0x380,  // 128 bytes of text blocks
};

// The virtual address of RAM's byte GPA, near _stext.
uint64_t fake_kernel_address(const struct fake_kernel *kernel, uint64_t gpa);

// Writes it into RAM, which has FAKE_KERNEL_RAM bytes.
void fake_kernel_write(uint8_t *ram, const struct fake_kernel *kernel);

// A note alone, with TEXT.
void fake_note_write(uint8_t *ram, uint64_t where, const char *text, size_t size);

#endif
