// SPDX-License-Identifier: GPL-3.0-or-later
//
// kallsyms as the kernel's scripts/kallsyms.c writes it, of several versions, in an image of a
// kernel that has nothing else.
#ifndef FAKE_KALLSYMS_H
#define FAKE_KALLSYMS_H

#include "linux/symbols/kallsyms.h"

#define FAKE_IMAGE UINT64_C(0xffffffff81000000)

enum {
	FAKE_IMAGE_SIZE = 0x20000,
	FAKE_TABLES = 0x3000,  // where the tables start in the image
	FAKE_SYMBOLS = 600,    // kallsyms_markers has three entries
	FAKE_STEXT = 0x200000, // behind the image's start; symbols are beyond its bytes
	FAKE_ALIAS = 40,       // the number of a symbol at the same address as the one before it
	FAKE_LONG_NAME = 41,   // of one whose name has many tokens
};

enum fake_addresses {
	FAKE_ABSOLUTE,      // kallsyms_addresses
	FAKE_BASE_RELATIVE, // CONFIG_KALLSYMS_BASE_RELATIVE
	FAKE_PER_CPU,       // and CONFIG_KALLSYMS_ABSOLUTE_PERCPU
	FAKE_PLACE_RELATIVE,
};

struct fake_kallsyms {
	const char *version;
	enum fake_addresses addresses;
	unsigned int word, marker;   // bytes of an unsigned long, of a marker
	bool long_lengths;           // of two bytes
	bool sequences;              // kallsyms_seqs_of_names
	bool addresses_behind;       // behind the tokens, not in front of all else
	unsigned int long_name_size; // of FAKE_LONG_NAME
	unsigned int alignment;      // of the tables; 0 for a word
};

extern const struct fake_kallsyms fake_kallsyms[];
extern const size_t fake_kallsyms_count;

// Writes it into IMAGE, of FAKE_IMAGE_SIZE bytes, which must be zeros. HINTS get all that
// VMCOREINFO could have. The tables' end, from the image's start, is returned.
size_t fake_kallsyms_write(const struct fake_kallsyms *kallsyms, uint8_t *image,
			   struct gg_kallsyms_hints *hints);

// Returns the name and the address of the symbol NUMBER.
void fake_symbol(const struct fake_kallsyms *kallsyms, unsigned int number, char name[512],
		 char *type, uint64_t *address);

// IMAGE as guest memory at FAKE_IMAGE, or, for kernels of 32 bits, at its low half.
struct gg_host fake_image_host(uint8_t *image);

#endif
