// SPDX-License-Identifier: GPL-3.0-or-later
//
// The place of the bytes of QEMU's memory, and whether they are there at all.
#ifndef GG_BACKING_H
#define GG_BACKING_H

#include "files/core-file.h"
#include "files/vmcore-file.h"
#include "qemu/ram.h"

#include <sys/types.h>

enum gg_extent_kind {
	GG_EXTENT_DATA,   // may have zeros too
	GG_EXTENT_HOLE,   // known to be zeros without a look: never touched, or a hole of the core
	GG_EXTENT_ABSENT, // existed, and is not there: never shown as zeros
};

struct gg_extent {
	uint64_t size; // at least 1
	enum gg_extent_kind kind;
};

struct gg_backing;

struct gg_backing_ops {
	// Finds the extent that starts at HVA, at most SIZE (at least 1) bytes of it. A look for
	// HOLES takes longer; without it they count as data.
	struct gg_error *(*extent)(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				   bool holes, struct gg_extent *ret);

	// Reads SIZE (at least 1) bytes at HVA: all, or an error.
	struct gg_error *(*read)(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				 size_t size);

	// Shares the SIZE bytes at HVA, all data, with FILE at OFFSET, by the kernel. False where
	// they cannot be shared. May be NULL.
	bool (*clone)(struct gg_backing *backing, gg_hva_t hva, uint64_t size, int file,
		      uint64_t offset);

	// Forgets the bytes that the backing keeps, for the guest ran. NULL where it keeps none.
	void (*ran)(struct gg_backing *backing);

	void (*destroy)(struct gg_backing *backing);

	// Several threads may read at once, while one asks for extents.
	bool thread_safe;
};

struct gg_backing {
	const struct gg_backing_ops *ops;
	const char *name; // for people
	// The advice about absent bytes; NULL: the source has it.
	const char *advice;
	bool lost; // the target does not answer any more: a read was GG_LOST
	// Called behind each read of SIZE bytes over the wire; NULL where nobody watches. An error ends
	// the read.
	struct gg_error *(*watch)(void *data, size_t size);
	void *watch_data;
	// The count of bytes that only reads showed to be absent, no extent.
	uint64_t unreadable;
};

// Creates the backing that reads by HOST. CORE shows the absent bytes; NULL where the target is no
// core. HOST and CORE must outlive RET.
struct gg_error *gg_backing_create_host(const struct gg_host *host, const struct gg_core_file *core,
					struct gg_backing **ret);

// Creates the backing that reads the core file itself.
struct gg_error *gg_backing_create_core(const struct gg_core_file *core, struct gg_backing **ret);

// Creates the backing that reads a vmcore, which outlives RET: an hva is a gpa.
struct gg_error *gg_backing_create_vmcore(struct gg_vmcore_file *file, struct gg_backing **ret);

// Creates the backing that reads the memory of process PID by the operating system.
struct gg_error *gg_backing_create_process(pid_t pid, struct gg_backing **ret);

// Tests whether memory of process PID is still to arrive, so that a read would wait for it:
// GG_ABSENT. GG_SYSTEM where the test fails.
struct gg_error *gg_backing_check_process(pid_t pid);

// A part of the gdbstub's memory whose state is not known.
struct gg_untold {
	gg_gpa_t start;
	uint64_t size;
};

// Creates the backing that reads by HOST, which is QEMU's gdbstub: an hva is a gpa. The COUNT parts
// UNTOLD, which are copied, are absent. With BY_BLOCKS, where all RAM is made of whole pages, small
// reads are done by blocks of 512 bytes, which are kept until gg_backing_ran().
struct gg_error *gg_backing_create_stub(const struct gg_host *host, const struct gg_untold *untold,
					size_t count, bool by_blocks, struct gg_backing **ret);

// Creates the backing of WHOLE's bytes without RAM's absences, and without pages that turn out to
// be unreadable. Takes over WHOLE and the absences, which leaves RAM without; neither after an
// error.
struct gg_error *gg_backing_create_partial(struct gg_backing *whole, struct gg_qemu_ram *ram,
					   struct gg_backing **ret);

struct gg_page_table;
struct gg_ram_map;

// Creates the backing of the memory that TABLE maps to MAP's: an hva is an address of TABLE's. What is not mapped is
// absent. Takes over TABLE, but not after an error; MAP must outlive RET.
struct gg_error *gg_backing_create_tables(struct gg_page_table *table, const struct gg_ram_map *map,
					  struct gg_backing **ret);

// Reads SIZE (at least 1) bytes at HVA. Absent bytes become zeros in BUFFER, for a caller who does
// not show them; their count is added to ABSENT.
struct gg_error *gg_backing_read_present(struct gg_backing *backing, gg_hva_t hva, void *buffer,
					 size_t size, uint64_t *absent);

// Forgets the guest's bytes that BACKING keeps, for the guest ran.
void gg_backing_ran(struct gg_backing *backing);

// Destroys BACKING, which may be NULL.
void gg_backing_destroy(struct gg_backing *backing);

#endif
