// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parts of the maker of a vmlinux.
#ifndef GG_VMLINUX_MAKER_H
#define GG_VMLINUX_MAKER_H

#include "cfi.h"
#include "dwarf.h"
#include "elf.h"
#include "linux/modules/modules.h"
#include "symtab.h"
#include "vmlinux.h"

enum { GG_VMLINUX_MAX_CODE = 256 << 20 };

struct gg_vmlinux_maker {
	const struct gg_answerers *kernel;
	const struct gg_vmlinux_plan *plan;
	const struct gg_module_list *modules; // NULL: the file is without modules
	struct gg_elf_section *sections;
	size_t section_count;
	size_t last_section; // that had a symbol
	gg_gva_t code_start; // of the kernel, in the file
	uint64_t code_size;
	uint64_t code_span; // to the end of the code that the kernel has freed
	void **owned;       // contents and names of sections
	size_t owned_count;
	struct gg_buffer note;
	struct gg_symtab symtab;
	struct gg_dwarf dwarf;
	struct gg_cfi cfi;
	size_t function_count;
	bool has_types;
};

// Returns the address in the file of ADDRESS: addresses below the kernel's area are not displaced.
gg_gva_t gg_vmlinux_displaced(const struct gg_vmlinux_maker *maker, gg_gva_t address);

// ---- sections.c ----

// Adds SECTION, whose name and bytes are borrowed.
struct gg_error *gg_vmlinux_add_section(struct gg_vmlinux_maker *maker,
					const struct gg_elf_section *section);

// Adds the sections of the kernel's image, those of the modules, and the note with the build ID.
struct gg_error *gg_vmlinux_add_memory(struct gg_vmlinux_maker *maker);

// Copies to RET, for SIZE bytes at ADDRESS in the file, the sections that lie in them; other bytes of
// RET stay as they are.
void gg_vmlinux_copy(const struct gg_vmlinux_maker *maker, gg_gva_t address, uint8_t *ret,
		     uint64_t size);

// Returns the SIZE bytes of code at ADDRESS in the file (borrowed); NULL where no section has them all.
const uint8_t *gg_vmlinux_code(const struct gg_vmlinux_maker *maker, gg_gva_t address,
			       uint64_t size);

// Returns the index of the section that has ADDRESS, which may be its end; SHN_ABS without.
uint16_t gg_vmlinux_section_of(struct gg_vmlinux_maker *maker, gg_gva_t address);

// ---- globals.c ----

// Variables of the kernel whose types are known, up to a row without a name.
extern const struct gg_dwarf_global gg_vmlinux_globals[];

// ---- code-frames.c ----

// Appends to .debug_frame an entry for each function, by the rules of the kernel's architecture.
struct gg_error *gg_vmlinux_add_code_frames(struct gg_vmlinux_maker *maker);

// ---- units.c ----

// Adds the compilation units: the kernel's, and one of each module that has types. There are none without the kernel's BTF.
struct gg_error *gg_vmlinux_add_units(struct gg_vmlinux_maker *maker);

#endif
