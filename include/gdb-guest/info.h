// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest at a glance: QEMU, the CPUs, the RAM, the kernel.
#ifndef GDB_GUEST_INFO_H
#define GDB_GUEST_INFO_H

#include "cpus.h"
#include "kernels.h"
#include "notices.h"
#include "ram.h"
#include "verdict.h"
#include "writer.h"

#pragma GCC visibility push(default)

// A fact: an escaped text, or the reason for which it is not known. With neither, the source has no
// such fact.
struct gg_fact {
	char *text;
	struct gg_error *err;
};

// The name of a nested guest: its number, "1", or "1.2" for nested guest 2 of nested guest 1; the process that
// runs it, "process 815 (qemu)"; its place, which stays the same while it is there, in the form of a number.
// NULL: the guest is not nested.
struct gg_nested_name {
	char *number, *process, *place;
};

void gg_nested_name_deinit(struct gg_nested_name *name);

// The facts about the program that runs the guest.
struct gg_source_facts {
	struct gg_fact version;       // of QEMU: "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"
	struct gg_fact machine;       // its type: "pc-i440fx-7.2"
	struct gg_fact run_state;     // its name in QMP: "paused"
	struct gg_fact accelerator;   // "kvm", "tcg", "unknown"
	const char *layout;           // the finder of QEMU's structures: "types", "structure" or
				      // "monitor"; NULL: no QEMU is looked at
	bool has_virtual_clock;       // false also while the clock runs
	uint64_t virtual_clock;       // QEMU's, in nanoseconds
	char *notice;                 // a line for the user, or NULL
	char *origin;                 // a vmcore's format and its writer; NULL: no vmcore
	struct gg_nested_name nested; // of a nested guest
};

struct gg_info_cpu {
	uint32_t index; // QEMU's cpu_index
	enum gg_freshness freshness;
	enum gg_nesting nesting; // GG_NOT_NESTED also of a CPU whose registers cannot be read
};

// Ranges of guest-physical memory, ascending.
struct gg_info_ranges {
	struct gg_ram_range *ranges;
	size_t listed;  // ranges in RANGES: of absent memory at most GG_INFO_ABSENT_MAX
	uint64_t count; // all ranges
	uint64_t size;  // bytes in all ranges
};

// Absent memory may be millions of single pages.
enum { GG_INFO_ABSENT_MAX = 1000 };

// The kernel that all commands show. Texts are escaped, NULL where they are not known.
struct gg_info_kernel {
	char *release;                // as uname -r says
	char *version;                // as uname -v says
	char *nodename;               // as uname -n says
	gg_gpa_t vmcoreinfo;          // 0 where it is not in memory, but in the vmcore's notes
	enum gg_kernel_finder finder; // of the VMCOREINFO
	char *kaslr_offset;           // in hexadecimal, without "0x"
	bool has_last_record;
	uint64_t last_record; // the time of its log's last record, in nanoseconds of its clock
	gg_gva_t image;
	gg_gpa_t image_gpa;
	uint64_t image_size; // 0 where it is not known
	unsigned int levels; // of its page tables; 0 where only its linear map is read
	bool has_direct_map;
	gg_gva_t direct_map; // the virtual address of guest-physical 0
};

struct gg_info {
	struct gg_source_facts source;
	struct gg_info_cpu *cpus; // in QEMU's order
	size_t cpu_count;
	struct gg_error *cpu_error; // the reason for which the CPUs are not known, or NULL
	struct gg_info_ranges ram;
	struct gg_info_ranges hidden;  // by gg_guest_hidden()
	struct gg_info_ranges absent;  // by gg_guest_absent()
	struct gg_error *absent_error; // the reason for which ABSENT is not known, or NULL
	const char *absent_advice;
	const char *backing; // the place where the RAM is read: "the core file"
	struct gg_info_kernel kernel;
	struct gg_error *kernel_error; // the reason for which there is no kernel, or NULL
	struct gg_verdict verdict;     // on the kernel
	char **notices;                // about QEMU and the kernel
	size_t notice_count;
};

// Collects the facts about GUEST: a fact that is not known is no error, but there must be RAM. ALL
// reads what takes some MB at a gdbstub too. RET is valid as long as GUEST is.
struct gg_error *gg_guest_info(struct gg_guest *guest, bool all, struct gg_info **ret);

// NULL is allowed.
void gg_info_destroy(struct gg_info *info);

// Reads the run state alone, by its name in QMP. GG_UNSUPPORTED where the source has none. The
// caller frees RET.
struct gg_error *gg_guest_run_state(struct gg_guest *guest, char **ret);

struct gg_info_options {
	bool json;   // one object on one line, the notices in it
	bool all;    // what takes some MB at a gdbstub, too
	bool layout; // the members of QEMU's structures, each with its proof, instead
	// The target as the debugger has it: its kind ("core", "process", "gdbstub") and its file,
	// number or address.
	const char *target_kind;
	const char *target;
	// for a gdbstub's guest, or NULL: whether it ran before the debugger connected ("ran",
	// "paused", "resumed" or "unknown"), and that and what becomes of it as a sentence.
	const char *state_before;
	const char *state_text;
};

// Writes the facts about GUEST as text, in lines of 79 characters where words allow it, or as JSON.
struct gg_error *gg_print_info(struct gg_guest *guest, const struct gg_info_options *options,
			       const struct gg_writer *writer, const struct gg_notices *notices);

#pragma GCC visibility pop

#endif
