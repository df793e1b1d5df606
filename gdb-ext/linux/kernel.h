// SPDX-License-Identifier: GPL-3.0-or-later
//
// The Linux kernel in guest memory: its VMCOREINFO, found by scanning, and its page tables.
#ifndef GG_KERNEL_H
#define GG_KERNEL_H

#include "../arch/arch.h"

enum { GG_SCAN_MAX = 64 };

// Where VMCOREINFO notes seem to be.
struct gg_vmcoreinfo_scan {
	bool big_endian;
	gg_gpa_t found[GG_SCAN_MAX]; // of the notes
	size_t count;
	bool overflowed;  // there were more
	uint64_t missing; // bytes of RAM that could not be looked at
};

// Looks at the start of every page in SIZE bytes at GPA.
void gg_vmcoreinfo_scan_bytes(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes,
			      size_t size);

// The same for all of RAM that has bytes; holes are not read.
struct gg_error *gg_vmcoreinfo_scan_ram(struct gg_vmcoreinfo_scan *scan,
					const struct gg_ram_map *map);

// The same at every offset, for kernels before v4.13.
struct gg_error *gg_vmcoreinfo_scan_everywhere(struct gg_vmcoreinfo_scan *scan,
					       const struct gg_ram_map *map);

struct gg_symbols;

struct gg_kernel {
	struct gg_vmcoreinfo info;
	gg_gpa_t note;  // where INFO was
	bool by_device; // and whether QEMU's vmcoreinfo device told so
	// Do page tables bear INFO out? Where there is no way to walk them (NULL table) nobody
	// knows.
	struct gg_page_table *table;
	struct gg_kernel_paging paging;
	// The kernel's image, linearly mapped; size 0 without page tables.
	gg_gva_t image;
	gg_gpa_t image_gpa;
	uint64_t image_size;
	// gva - gpa in the direct map.
	bool has_direct_map;
	gg_gva_t direct_map;
	struct gg_symbols *symbols; // see symbols.h
};

// What is told on the way: of a VMCOREINFO that was not taken, and why.
typedef struct gg_error *gg_notice_fn(void *data, const char *text);

// The kernel whose VMCOREINFO is among what SCAN found; without any the whole RAM is searched at
// every offset. Of several it is the one that its own page tables bear out, and the page tables
// that the CPUs use. GG_NOT_FOUND says why none was. CPUS may be empty.
struct gg_error *gg_kernel_find(const struct gg_ram_map *map, const struct gg_host *host,
				const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
				const struct gg_vmcoreinfo_scan *scan, gg_notice_fn *notice,
				void *data, struct gg_kernel **ret);

// The same, but the search ends with the first kernel whose page tables are borne out by all of the
// CPUs' own: none can be better. Without one RET is NULL, and SCAN has what is in all of RAM.
struct gg_error *gg_kernel_find_running(const struct gg_ram_map *map, const struct gg_host *host,
					const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
					struct gg_vmcoreinfo_scan *scan, struct gg_kernel **ret);

// The kernel whose VMCOREINFO is at GPA, if the page tables of all CPUs that use such bear it out;
// else RET is NULL.
struct gg_error *gg_kernel_find_at(const struct gg_ram_map *map, const struct gg_host *host,
				   const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
				   gg_gpa_t gpa, struct gg_kernel **ret);

// Do the page tables of all CPUs that use some map KERNEL's text where it says? At least one must.
// Of a guest that was let run, and may have been started anew, this tells whether KERNEL is still
// the one. GG_INTERRUPTED is the only error.
struct gg_error *gg_kernel_is_running(const struct gg_ram_map *map, const struct gg_host *host,
				      const struct gg_arch *arch, const struct gg_qemu_cpus *cpus,
				      const struct gg_kernel *kernel, bool *ret);

// NULL is allowed.
void gg_kernel_destroy(struct gg_kernel *kernel);

// The address of GPA in the direct map; false where that does not map it.
bool gg_kernel_direct_address(const struct gg_kernel *kernel, gg_gpa_t gpa, gg_gva_t *ret);

#endif
