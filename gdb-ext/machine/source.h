// SPDX-License-Identifier: GPL-3.0-or-later
//
// A source: where a guest comes from. A row of operations for each kind (guest/source-*.c); nobody
// else asks which kind a guest has.
//
// How to add a kind, in stages:
//
//  1. guest/source-X.c with a struct that begins with struct gg_source, and a row in the table of
//     guest/source.c. name, accepts, open, ram, destroy: guest-info shows the RAM, guest-x -physical
//     and dump-guest-memory -no-notes work. Proof: a test like tests/unit/test-source.c's RAM.
//  2. cpus, find_arch, read_cpu: guest-regs, and all that needs page tables: the kernel, its log,
//     symbols. Proof: the CPUs of test-source.c; tests/guest/test_regs.py for a real guest.
//  3. What else the source knows: find_note, note, facts, run_state, command_line, compare_layouts,
//     absent_advice.
//     Each may be NULL: the commands then do without, or say so.
#ifndef GG_SOURCE_H
#define GG_SOURCE_H

#include "cpu-state.h"
#include "memory/ram-map.h"

#include <gdb-guest/info.h>
#include <gdb-guest/layout.h>
#include <gdb-guest/target.h>

struct gg_source;

// The price of a read of guest memory.
enum gg_read_cost {
	GG_COST_LOCAL, // all of RAM may be looked at
	GG_COST_WIRE, // a read is a round trip, at some MB/s: a look at all of RAM must be asked for
};

struct gg_source_ops {
	const char *name; // of the kind, for people

	// Tests whether TARGET is of this kind. The first row that accepts a target opens it.
	bool (*accepts)(const struct gg_target *target);

	// Opens TARGET over DEBUGGER, which outlives RET and does not move. TARGET's strings are
	// copied. RET has all members of struct gg_source.
	struct gg_error *(*open)(const struct gg_host *debugger, const struct gg_target *target,
				 struct gg_source **ret);

	// Finds the guest's RAM, once: the caller keeps the map, over source->backing, which this
	// may replace.
	struct gg_error *(*ram)(struct gg_source *source, struct gg_ram_map **ret);

	// Lists the CPUs, without their registers. Asked again after ran().
	struct gg_error *(*cpus)(struct gg_source *source, struct gg_qemu_cpus *ret);

	// Finds the architecture of the CPUs. CPUS is empty where the list could not be read; MAP
	// is NULL where the RAM is not known. GG_UNSUPPORTED for an architecture that is not known
	// here.
	struct gg_error *(*find_arch)(struct gg_source *source, const struct gg_ram_map *map,
				      const struct gg_qemu_cpus *cpus, const struct gg_arch **ret);

	// The debugger's own memory is the guest's, by the kernel's virtual addresses.
	bool is_debuggers_target;

	// The architecture is found without a list of CPUs.
	bool arch_without_cpus;

	// Reads the registers of CPU, an element of the list. MAP is NULL where the RAM is not
	// known.
	struct gg_error *(*read_cpu)(struct gg_source *source, const struct gg_arch *arch,
				     const struct gg_ram_map *map, const struct gg_qemu_cpu *cpu,
				     struct gg_cpu_state *ret);

	// Finds the guest-physical address of the kernel's VMCOREINFO as the source has it (QEMU's
	// vmcoreinfo device): a candidate, to be borne out by memory. GG_NOT_FOUND without. May be
	// NULL.
	struct gg_error *(*find_note)(struct gg_source *source, gg_gpa_t *ret);

	// Finds the note NAME of the guest's kernel that the source has beside memory, a vmcore's: the first one's descriptor,
	// SIZE bytes at TEXT, owned by the source, to be borne out by memory. GG_NOT_FOUND without. May be NULL.
	struct gg_error *(*note)(struct gg_source *source, const char *name, const char **text,
				 size_t *size);

	// Appends the notes of the CPUs that the source has, to be copied to a vmcore. GG_NOT_FOUND
	// without. NULL: notes are made of the registers.
	struct gg_error *(*copy_notes)(struct gg_source *source, struct gg_buffer *notes);

	// Reads the facts into RET, which is empty, but for the accelerator, which the list of CPUs
	// has. A fact that is not known is no error. The caller calls gg_source_facts_deinit(),
	// also after an error. NULL: there are none.
	struct gg_error *(*facts)(struct gg_source *source, struct gg_source_facts *ret);

	// Reads the run state alone, by its name in QMP. The caller frees RET. NULL: there is none.
	struct gg_error *(*run_state)(struct gg_source *source, char **ret);

	// Appends the command line of the program that runs the guest: its arguments, each with its
	// NUL. NULL: there is none.
	struct gg_error *(*command_line)(struct gg_source *source, struct gg_buffer *ret);

	// Calls VISIT for every member of QEMU's that can be found without debuginfo
	// (gg_structure_compare()). NULL: QEMU's memory is not looked at.
	struct gg_error *(*compare_layouts)(struct gg_source *source, gg_visit_layout_fn *visit,
					    void *data);

	// The reason why memory in MAP, or NULL where the RAM is not known, is absent, and what to
	// do about it, where source->backing has no advice. Valid as long as SOURCE is. NULL where
	// the backing always has it.
	const char *(*absent_advice)(const struct gg_source *source, const struct gg_ram_map *map);

	// Forgets what may be different after the guest ran. May be NULL.
	void (*ran)(struct gg_source *source);

	// Destroys all of SOURCE but its backing, which is gone by then.
	void (*destroy)(struct gg_source *source);
};

enum { GG_SOURCE_FILES = 4 };

// An open source. A row's own struct begins with it.
struct gg_source {
	const struct gg_source_ops *ops;
	const struct gg_host *host;             // the four questions
	const struct gg_debug *debug;           // the guest's; NULL: off
	struct gg_backing *backing;             // of the RAM; owned
	enum gg_read_cost cost;                 // of a read by the backing
	const char *files[GG_SOURCE_FILES + 1]; // that are read (owned by the row): no command
						// writes over them; NULL behind the last
};

// Destroys SOURCE, which may be NULL.
void gg_source_destroy(struct gg_source *source);

// Adds PATH, which may be NULL, to SOURCE's files.
void gg_source_add_file(struct gg_source *source, const char *path);

// Reads the facts of SOURCE into RET, which is to be deinitialized in any case.
struct gg_error *gg_source_read_facts(struct gg_source *source, struct gg_source_facts *ret);
void gg_source_facts_deinit(struct gg_source_facts *facts);

// Reads FACT, an escaped text, by READ. Only a final error is returned; others are the fact's.
struct gg_error *gg_fact_read(struct gg_fact *fact, struct gg_source *source,
			      struct gg_error *(*read)(struct gg_source *source, char **ret));

#endif
