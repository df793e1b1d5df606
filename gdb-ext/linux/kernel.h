// SPDX-License-Identifier: GPL-3.0-or-later
//
// The Linux kernel in guest memory: its VMCOREINFO, found by scanning, and its page tables.
#ifndef GG_KERNEL_H
#define GG_KERNEL_H

#include "answerers/answerers.h"
#include "base/notices.h"
#include "arch-ops.h"
#include "machine/machine.h"

#include <gdb-guest/kernels.h>

enum { GG_SCAN_MAX = 64, GG_BANNER_SIZE = 96 };

// Places of what look like VMCOREINFO notes.
struct gg_vmcoreinfo_scan {
	bool big_endian;
	gg_gpa_t found[GG_SCAN_MAX]; // of the notes
	size_t count;
	bool overflowed;  // there were more notes
	uint64_t missing; // bytes of RAM that could not be looked at
	// The start of the first "Linux version ..." in all of RAM, escaped; empty where that was
	// not looked for.
	char banner[GG_BANNER_SIZE];
};

// Looks for the banner of a kernel in SIZE bytes, up to where the compiler's name begins. RET,
// which has GG_BANNER_SIZE bytes, stays as it is without a banner.
void gg_linux_banner_scan(const uint8_t *bytes, size_t size, char *ret);

// Looks at the start of every page in SIZE bytes at GPA.
void gg_vmcoreinfo_scan_bytes(struct gg_vmcoreinfo_scan *scan, gg_gpa_t gpa, const uint8_t *bytes,
			      size_t size);

// Looks at the start of every page of RAM that has bytes; holes are not read.
struct gg_error *gg_vmcoreinfo_scan_ram(struct gg_vmcoreinfo_scan *scan,
					const struct gg_ram_map *map);

// Looks at every offset of RAM, for kernels before v4.13.
struct gg_error *gg_vmcoreinfo_scan_everywhere(struct gg_vmcoreinfo_scan *scan,
					       const struct gg_ram_map *map);

struct gg_kernel {
	const struct gg_arch *arch;
	struct gg_vmcoreinfo info;
	gg_gpa_t note; // where INFO was; 0: GG_FOUND_BY_FILE
	enum gg_kernel_finder finder;
	unsigned int running; // CPUs whose page tables map the kernel's text
	bool has_crashed;     // a kernel for crashes was booted: such CPUs do nothing more
	struct gg_page_table *table;
	struct gg_kernel_paging paging;
	// The kernel's image, linearly mapped; where the direct map has it, the part of that which
	// may be the image.
	gg_gva_t image;
	gg_gpa_t image_gpa;
	uint64_t image_size;
	// gva - gpa in the direct map.
	bool has_direct_map;
	gg_gva_t direct_map;
	struct gg_answerers answerers; // of its symbols and members
};

// The guest that kernels are looked for in.
struct gg_kernel_site {
	struct gg_machine *machine; // whose members the others are
	const struct gg_ram_map *map;
	const struct gg_arch *arch; // of its CPUs; a kernel may be a sibling's
	const struct gg_qemu_cpus *cpus;
	const struct gg_debug *debug; // NULL: off; outlives the kernels
	struct gg_kept *kept;         // for memory that is far; NULL: nothing is kept
};

// Reads the kernel whose VMCOREINFO is at GPA. GG_BAD_DATA and others where that is no note, or the
// page tables that it names do not bear it out.
struct gg_error *gg_kernel_read(const struct gg_kernel_site *site, gg_gpa_t gpa,
				struct gg_kernel **ret);

// Reads the kernel of a VMCOREINFO that is not in memory, but in SIZE bytes at TEXT, and makes sure
// of it by the same means. Its note is 0.
struct gg_error *gg_kernel_read_text(const struct gg_kernel_site *site, const char *text,
				     size_t size, struct gg_kernel **ret);

// NULL is allowed.
void gg_kernel_destroy(struct gg_kernel *kernel);

// The kernel, asked as a debugger is (answerers.h). Valid as long as KERNEL is.
const struct gg_host *gg_kernel_host(const struct gg_kernel *kernel);

// Tests whether the page tables of CPU map KERNEL's text as the kernel's own do.
bool gg_kernel_runs_on(const struct gg_kernel_site *site, const struct gg_kernel *kernel,
		       const struct gg_qemu_cpu *cpu);

// Counts the CPUs that use page tables.
unsigned int gg_kernel_count_paging(const struct gg_kernel_site *site);

// Tests whether a CPU executes a nested guest, or may, and the CPU's own page tables are not known.
bool gg_kernel_any_nested(const struct gg_kernel_site *site);

// Tests whether the page tables of all CPUs that use such map KERNEL's text where it says; at least
// one must, or belong to a CPU that may execute a nested guest. Of a guest that was let run, and
// may have been started anew, this tells whether KERNEL is still the one. GG_INTERRUPTED is the
// only error.
struct gg_error *gg_kernel_is_running(const struct gg_kernel_site *site,
				      const struct gg_kernel *kernel, bool *ret);

// Tests whether KERNEL's memory holds its release where its symbols have it: what remains of a
// kernel that is gone may have sound page tables all the same.
bool gg_kernel_is_whole(const struct gg_kernel *kernel);

// A field of init_uts_ns.name (Linux struct new_utsname), escaped; NULL where it cannot be read.
// The caller frees it.
enum { GG_UTS_NODENAME = 1, GG_UTS_RELEASE = 2, GG_UTS_VERSION = 3 };
char *gg_kernel_uts(const struct gg_kernel *kernel, unsigned int field);

// A checksum of KERNEL's VMCOREINFO, without the lines that a crash appends: it differs from that of
// another kernel at the same place.
uint64_t gg_kernel_identity(const struct gg_kernel *kernel);

// The address of GPA in the direct map; false where that does not map it.
bool gg_kernel_direct_address(const struct gg_kernel *kernel, gg_gpa_t gpa, gg_gva_t *ret);

// ---- The list of kernels ----

enum { GG_KERNELS_MAX = 16 };

// Kernels of one guest, in the order of gg_kernel_compare().
struct gg_kernels {
	struct gg_kernel *kernels[GG_KERNELS_MAX];
	size_t count;
};

void gg_kernels_deinit(struct gg_kernels *kernels);

// Compares two kernels, as qsort's functions do: first come those that CPUs run, more of them
// before fewer, then those that have crashed, then the others; of equals the lower VMCOREINFO.
int gg_kernel_compare(const struct gg_kernel *a, const struct gg_kernel *b);

// Tests whether two notes are of one kernel: a copy of a note is a note too.
bool gg_kernel_is_same(const struct gg_kernel *a, const struct gg_kernel *b);

// Adds KERNEL, which is consumed, unless it is there already. A kernel too many is dropped.
void gg_kernels_add(struct gg_kernels *kernels, struct gg_kernel *kernel);

// Finds the whole kernels whose VMCOREINFO is among what SCAN found; without any the whole RAM is
// searched at every offset. NOTICES get a line for each VMCOREINFO that is rejected, with the reason.
// GG_NOT_FOUND says why none was found. SITE's CPUs may be empty.
struct gg_error *gg_kernels_find(const struct gg_kernel_site *site,
				 const struct gg_vmcoreinfo_scan *scan,
				 const struct gg_notices *notices, struct gg_kernels *ret);

// Finds the first kernel that gg_kernel_is_running(): no other can be better. Without such a kernel
// RET is NULL, and SCAN has the notes of all of RAM.
struct gg_error *gg_kernel_find_running(const struct gg_kernel_site *site,
					struct gg_vmcoreinfo_scan *scan, struct gg_kernel **ret);

// Finds the kernel whose VMCOREINFO is at GPA, if CPUs run it and it has not crashed, or if it is whole
// and no CPU uses page tables; else RET is NULL.
struct gg_error *gg_kernel_find_at(const struct gg_kernel_site *site, gg_gpa_t gpa,
				   struct gg_kernel **ret);

#endif
