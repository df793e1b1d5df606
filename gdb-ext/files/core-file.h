// SPDX-License-Identifier: GPL-3.0-or-later
//
// A core file by its own program headers: the addresses that it holds, and their places in the
// file.
#ifndef GG_CORE_FILE_H
#define GG_CORE_FILE_H

#include "base/error.h"

struct gg_core_file;

// Opens the ELF core at PATH, of a process. GG_BAD_DATA where it is none, or its segments overlap.
struct gg_error *gg_core_file_open(const char *path, struct gg_core_file **ret);

// Opens a vmcore, whose segments' addresses are the guest-physical ones (p_paddr).
struct gg_error *gg_core_file_open_vmcore(const char *path, struct gg_core_file **ret);

// Tests whether the file PATH is an ELF core with a guest's or a machine's own memory, and not a
// process's. False where the file cannot be read.
bool gg_core_file_is_vmcore(const char *path);

// Closes CORE, which may be NULL.
void gg_core_file_close(struct gg_core_file *core);

const char *gg_core_file_path(const struct gg_core_file *core);
int gg_core_file_fd(const struct gg_core_file *core);
bool gg_core_file_big_endian(const struct gg_core_file *core);
unsigned int gg_core_file_address_size(const struct gg_core_file *core);

// Tests whether the file ends before the end that its headers announce.
bool gg_core_file_is_cut_off(const struct gg_core_file *core);

// Tests whether ADDRESS was left out of the core because a mapped file holds it unchanged. An area
// that could not be written to is not enough: a program's relocated pages are in such areas, and
// dumped.
bool gg_core_file_is_left_to_file(const struct gg_core_file *core, uint64_t address);

// Finds the area of number INDEX (from 0, in the file's order) that the process had, whatever the
// file holds of it. False where there are no more.
bool gg_core_file_area(const struct gg_core_file *core, size_t index, uint64_t *start,
		       uint64_t *last);

// Tests whether the process may have had areas that the file does not list. The kernel lists every
// area, and always has some without their bytes (the vDSO's data); GDB's gcore lists the areas that
// it has written.
bool gg_core_file_may_lack_areas(const struct gg_core_file *core);

// Returns the descriptor of the first note "CORE" of TYPE (System V gABI, chapter 5), valid as long
// as CORE is; NULL without such a note.
const uint8_t *gg_core_file_note(const struct gg_core_file *core, uint32_t type, size_t *size);

// A run of addresses that the file treats alike.
struct gg_core_extent {
	uint64_t size;   // from the address on; at least 1
	bool held;       // the bytes are in the file, ...
	uint64_t offset; // ... at this place
};

// Finds the extent that starts at ADDRESS, cut to at most SIZE (at least 1) bytes.
void gg_core_file_extent(const struct gg_core_file *core, uint64_t address, uint64_t size,
			 struct gg_core_extent *ret);

// Creates the error GG_ABSENT for ADDRESS.
struct gg_error *gg_core_file_absent(const struct gg_core_file *core, uint64_t address);

// Tests whether the file holds all SIZE bytes at ADDRESS: else GG_ABSENT names the first address
// that is missing.
struct gg_error *gg_core_file_check(const struct gg_core_file *core, uint64_t address,
				    uint64_t size);

// Reads SIZE bytes at ADDRESS out of the file: all, or GG_ABSENT, or GG_SYSTEM.
struct gg_error *gg_core_file_read(const struct gg_core_file *core, uint64_t address, void *buffer,
				   size_t size);

#endif
