// SPDX-License-Identifier: GPL-3.0-or-later
//
// Small vmcores, made to measure, and in each format alike.
//
// What memory there is is a text with a letter for each page of 4096 bytes, from guest-physical 0
// on: 'H' the file holds the page, each byte being the page's number plus 1; 'X' the page was
// excluded; '.' there is no memory.
#ifndef VMCORE_IMAGE_H
#define VMCORE_IMAGE_H

#include "base/buffer.h"

enum { VMCORE_IMAGE_PAGE = 4096 };

// The text of the only note, a VMCOREINFO.
#define VMCORE_IMAGE_NOTE "OSRELEASE=6.1\n"

enum vmcore_image_format { VMCORE_IMAGE_ELF, VMCORE_IMAGE_KDUMP, VMCORE_IMAGE_FLAT };

// The codec of every other page of a kdump, since codecs may differ from page to page.
enum vmcore_image_codec {
	VMCORE_IMAGE_RAW,
	VMCORE_IMAGE_ZLIB,
	VMCORE_IMAGE_LZO,
	VMCORE_IMAGE_SNAPPY,
	VMCORE_IMAGE_ZSTD,
};

struct vmcore_image {
	enum vmcore_image_format format;
	const char *pages;
	enum vmcore_image_codec codec; // of a kdump
	bool is_32;                    // a kdump with the headers of i386
	bool by_qemu;                  // a kdump whose header names the machine alone
	const char *machine;           // of a kdump; NULL: x86_64, or i686
	bool in_order;                 // a flattened kdump without a piece that is written twice
	const struct gg_buffer *notes; // NULL: the VMCOREINFO
	unsigned int dump_level;       // of a kdump
};

// Appends the vmcore to IMAGE, which is empty.
void vmcore_image_make(const struct vmcore_image *vmcore, struct gg_buffer *image);

#endif
