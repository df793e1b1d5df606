// SPDX-License-Identifier: GPL-3.0-or-later
//
// VMCOREINFO, the kernel's own description for readers of its memory (Linux kernel/vmcore_info.c;
// before v6.9 kernel/crash_core.c; Documentation/admin-guide/kdump/vmcoreinfo.rst).
#ifndef GG_VMCOREINFO_H
#define GG_VMCOREINFO_H

#include "base/error.h"

enum {
	// The kernel's vmcoreinfo_note has one page for header and text; the newest have more.
	GG_VMCOREINFO_MAX_TEXT = 65536,
	// The note's header: three words, and the name "VMCOREINFO" padded.
	GG_VMCOREINFO_HEADER = 24,
};

struct gg_vmcoreinfo {
	char *text; // "KEY=VALUE" lines, NUL-terminated; printable but for the line ends
	size_t size;
};

// Checks SIZE bytes of text, and copies them. GG_BAD_DATA says what is wrong with it.
struct gg_error *gg_vmcoreinfo_init(struct gg_vmcoreinfo *info, const char *text, size_t size);
void gg_vmcoreinfo_deinit(struct gg_vmcoreinfo *info);

// Decodes the header of a note: GG_VMCOREINFO_HEADER bytes, the size of the text behind it to RET.
// False where they are none.
bool gg_vmcoreinfo_header(const uint8_t *bytes, bool big_endian, size_t *ret);

// The value of KEY, as a copy that the caller frees; NULL without the key.
char *gg_vmcoreinfo_value(const struct gg_vmcoreinfo *info, const char *key);

// SYMBOL(NAME) for the first of NAMES, up to a NULL, that there is. GG_NOT_FOUND, GG_BAD_DATA.
struct gg_error *gg_vmcoreinfo_symbol(const struct gg_vmcoreinfo *info, const char *const *names,
				      uint64_t *ret);

// Reads the addresses of the kernel's page tables, the first of the symbols ROOTS (up to a NULL), and
// of _stext.
struct gg_error *gg_vmcoreinfo_places(const struct gg_vmcoreinfo *info, const char *const *roots,
				      gg_gva_t *root, gg_gva_t *text);

// KIND(NAME), where KIND is SIZE, OFFSET or LENGTH.
struct gg_error *gg_vmcoreinfo_size(const struct gg_vmcoreinfo *info, const char *kind,
				    const char *name, uint64_t *ret);

// NUMBER(NAME), which is signed.
struct gg_error *gg_vmcoreinfo_number(const struct gg_vmcoreinfo *info, const char *name,
				      int64_t *ret);

// NUMBER(NAME), or FALLBACK where it is missing or not a number.
int64_t gg_vmcoreinfo_number_or(const struct gg_vmcoreinfo *info, const char *name,
				int64_t fallback);

#endif
