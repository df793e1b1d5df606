// SPDX-License-Identifier: GPL-3.0-or-later
//
// A vmcore: the guest-physical memory of a machine in a file, as crash and drgn read it.
//
// In:  an ELF vmcore (of QEMU, kdump, makedumpfile -E or this library), or a compressed kdump
//      (zlib, lzo, snappy, zstd; plain or flattened).
// Out: for any guest-physical address whether the file holds it, and if not, why; the bytes; the
//      notes; what the file says of whoever wrote it.
// Trusts nothing it reads.
#ifndef GG_VMCORE_FILE_H
#define GG_VMCORE_FILE_H

#include "base/buffer.h"

enum gg_vmcore_kind {
	GG_VMCORE_HELD,
	GG_VMCORE_NO_MEMORY, // the file knows of no memory there
	GG_VMCORE_EXCLUDED,  // memory that whoever wrote the file left out
	GG_VMCORE_CUT_OFF,   // memory that a longer file would hold
};

// A run of guest-physical addresses that the file treats alike.
struct gg_vmcore_extent {
	uint64_t size; // from the address asked for, at least 1
	enum gg_vmcore_kind kind;
	// The offset of the bytes in the file, or -1 where the file holds them in another form.
	int64_t offset;
};

struct gg_vmcore_file;

// Several threads may ask for extents and read at once.
struct gg_vmcore_file_ops {
	// Finds the extent that starts at GPA, cut to at most SIZE (at least 1) bytes.
	struct gg_error *(*extent)(struct gg_vmcore_file *file, gg_gpa_t gpa, uint64_t size,
				   struct gg_vmcore_extent *ret);

	// Reads SIZE bytes at GPA, all of which the file holds. GG_ABSENT for a page that is
	// damaged.
	struct gg_error *(*read)(struct gg_vmcore_file *file, gg_gpa_t gpa, void *buffer,
				 size_t size);

	void (*destroy)(struct gg_vmcore_file *file);
};

enum { GG_VMCORE_NO_LEVEL = -1 };

struct gg_vmcore_file {
	const struct gg_vmcore_file_ops *ops;
	const char *format; // for people: "ELF", "compressed kdump", "flattened kdump"
	char *path;
	int fd;
	// The machine: as ELF numbers machines (e_machine), 0 in a kdump; as uname -m names it, ""
	// in an ELF file.
	uint16_t machine;
	char machine_name[65];
	bool names_release; // the header names the kernel, as makedumpfile's does and QEMU's not
	int dump_level;     // makedumpfile's -d, or GG_VMCORE_NO_LEVEL
	bool incomplete;    // the writer ran out of room, and says so
	bool cut_off;       // the file ends before what its headers announce
	bool big_endian;
	unsigned int address_size; // 4 or 8
	struct gg_buffer notes;    // as in the file, each aligned to 4 bytes
	void *state;               // the format's own
};

// Tests whether the file PATH starts as a compressed kdump does, which no debugger opens. False
// where the file cannot be read.
bool gg_vmcore_file_is_kdump(const char *path);

// Opens the vmcore at PATH. GG_BAD_DATA where the file is no vmcore or a damaged vmcore.
struct gg_error *gg_vmcore_file_open(const char *path, struct gg_vmcore_file **ret);

// NULL is allowed.
void gg_vmcore_file_close(struct gg_vmcore_file *file);

// An extent's size is at most SIZE, which is at least 1.
struct gg_error *gg_vmcore_file_extent(struct gg_vmcore_file *file, gg_gpa_t gpa, uint64_t size,
				       struct gg_vmcore_extent *ret);

// Reads SIZE bytes at GPA: all, or GG_ABSENT, which names the first address that the file does not
// hold, and the reason.
struct gg_error *gg_vmcore_file_read(struct gg_vmcore_file *file, gg_gpa_t gpa, void *buffer,
				     size_t size);

// Tells why memory of KIND is absent: "left out when the vmcore was written (dump level 31)". The caller frees
// RET.
struct gg_error *gg_vmcore_file_reason(const struct gg_vmcore_file *file, enum gg_vmcore_kind kind,
				       char **ret);

// A note: NAME ends with 0.
struct gg_vmcore_note {
	const char *name;
	uint32_t type;
	const uint8_t *descriptor;
	size_t size; // of the descriptor
};

// Calls VISIT for each note; an error of VISIT's ends the calls. GG_BAD_DATA for a note that goes
// beyond the notes' end.
typedef struct gg_error *gg_vmcore_note_fn(void *data, const struct gg_vmcore_note *note);
struct gg_error *gg_vmcore_file_notes(const struct gg_vmcore_file *file, gg_vmcore_note_fn *visit,
				      void *data);

// ---- For the formats ----

// Both take FILE, opened and named, of which they fill in the rest.
struct gg_error *gg_vmcore_elf_init(struct gg_vmcore_file *file);
struct gg_error *gg_vmcore_kdump_init(struct gg_vmcore_file *file);

enum { GG_VMCORE_MAX_NOTES = 64 << 20 }; // bytes: a note for each of 8192 CPUs, and VMCOREINFO

#endif
