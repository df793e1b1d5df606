// SPDX-License-Identifier: GPL-3.0-or-later
//
// Where the bytes of QEMU's memory really are, and whether they are there at all.
#ifndef GG_BACKING_H
#define GG_BACKING_H

#include "files/core-file.h"
#include "files/vmcore-file.h"
#include "qemu/ram.h"

#include <sys/types.h>

enum gg_extent_kind {
	GG_EXTENT_DATA,   // may have zeros too
	GG_EXTENT_HOLE,   // known to be zeros without a look: never touched, or a hole of the core
	GG_EXTENT_ABSENT, // existed, and is not to be had: never to be shown as zeros
};

struct gg_extent {
	uint64_t size; // at least 1
	enum gg_extent_kind kind;
};

struct gg_backing;

struct gg_backing_ops {
	// The extent that starts at HVA, at most SIZE (at least 1) bytes of it. Looking for holes
	// takes longer; without, they count as data.
	struct gg_error *(*extent)(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				   bool holes, struct gg_extent *ret);

	// All SIZE (at least 1) bytes at HVA, or an error.
	struct gg_error *(*read)(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				 size_t size);

	// Has the kernel share the SIZE bytes at HVA, all data, with FILE at OFFSET. False where
	// that cannot be. May be NULL.
	bool (*clone)(struct gg_backing *backing, gg_hva_t hva, uint64_t size, int file,
		      uint64_t offset);

	// Forgets the bytes that it keeps, for the guest ran. NULL where it keeps none.
	void (*ran)(struct gg_backing *backing);

	void (*destroy)(struct gg_backing *backing);

	// May several threads read at once, while one asks for extents?
	bool thread_safe;
};

struct gg_backing {
	const struct gg_backing_ops *ops;
	const char *name; // for people
	// What is to be done about bytes that are absent; NULL: it depends on the core.
	const char *advice;
	bool lost; // the target does not answer any more: GG_LOST came
	// Bytes that reads have found to be absent, where no extent told.
	uint64_t unreadable;
};

// Bytes by way of the host's read; which of them are absent, by CORE, or NULL where the target is
// no core. HOST and CORE must outlive every backing made of them.
struct gg_error *gg_backing_create_host(const struct gg_host *host, const struct gg_core_file *core,
					struct gg_backing **ret);

// Bytes out of the core file itself.
struct gg_error *gg_backing_create_core(const struct gg_core_file *core, struct gg_backing **ret);

// Bytes out of a vmcore, which outlives the backing: an hva is a gpa.
struct gg_error *gg_backing_create_vmcore(struct gg_vmcore_file *file, struct gg_backing **ret);

// Bytes out of the memory of process PID, by the operating system.
struct gg_error *gg_backing_create_process(pid_t pid, struct gg_backing **ret);

// GG_ABSENT where memory of process PID is still to come, and reading it would wait for it.
// GG_SYSTEM where that cannot be told.
struct gg_error *gg_backing_check_process(pid_t pid);

// A part of the gdbstub's memory that nobody can tell the state of.
struct gg_untold {
	gg_gpa_t start;
	uint64_t size;
};

// Bytes by way of HOST's read, which is QEMU's gdbstub: an hva is a gpa. UNTOLD, COUNT of them, is
// copied: these are absent. With BY_PAGES, which asks that all RAM is made of whole pages, small
// reads are done by pages, and these are kept until the backing is destroyed or gg_backing_ran().
struct gg_error *gg_backing_create_stub(const struct gg_host *host, const struct gg_untold *untold,
					size_t count, bool by_pages, struct gg_backing **ret);

// The bytes of WHOLE, but for what RAM's absences say is absent, and for pages that turn out to be
// unreadable. It takes over both WHOLE and the absences, which leaves RAM without; where it fails
// neither.
struct gg_error *gg_backing_create_partial(struct gg_backing *whole, struct gg_qemu_ram *ram,
					   struct gg_backing **ret);

// Reads what is there of the SIZE (at least 1) bytes at HVA; what is absent becomes zeros in
// BUFFER, for a caller who does not show them, and is added to ABSENT.
struct gg_error *gg_backing_read_present(struct gg_backing *backing, gg_hva_t hva, void *buffer,
					 size_t size, uint64_t *absent);

// Has BACKING forget what it keeps of the guest's bytes, which ran.
void gg_backing_ran(struct gg_backing *backing);

// NULL is allowed.
void gg_backing_destroy(struct gg_backing *backing);

#endif
