// SPDX-License-Identifier: GPL-3.0-or-later
#include "cfi.h"
#include "dwarf-tables.h"

#include <dwarf.h>
#include <string.h>

enum { COMMON_ID = 0xffffffff, CFI_VERSION = 1 };

void gg_cfi_init(struct gg_cfi *cfi, bool big_endian, unsigned int word)
{
	*cfi = (struct gg_cfi){ .word = word, .bytes = { .big_endian = big_endian } };
}

void gg_cfi_deinit(struct gg_cfi *cfi)
{
	gg_buffer_deinit(&cfi->bytes);
}

uint32_t gg_cfi_begin_common(struct gg_cfi *cfi, const struct gg_cfi_common *common)
{
	static const char signal[] = "zS";
	struct gg_buffer *bytes = &cfi->bytes;
	const size_t place = cfi->entry = bytes->size;
	gg_buffer_uint(bytes, 4, 0); // the length
	gg_buffer_uint(bytes, 4, COMMON_ID);
	gg_buffer_uint(bytes, 1, CFI_VERSION);
	if (common->is_signal)
		gg_buffer_append(bytes, signal, sizeof(signal));
	else
		gg_buffer_uint(bytes, 1, 0);
	gg_dwarf_append_uleb(bytes, 1); // bytes of code
	gg_dwarf_append_sleb(bytes, common->data_alignment);
	gg_buffer_uint(bytes, 1, common->return_register);
	if (common->is_signal)
		gg_dwarf_append_uleb(bytes, 0); // bytes of augmentation
	return (uint32_t)place;
}

void gg_cfi_begin(struct gg_cfi *cfi, uint32_t common, bool is_signal, gg_gva_t start, gg_gva_t end)
{
	struct gg_buffer *bytes = &cfi->bytes;
	cfi->entry = bytes->size;
	gg_buffer_uint(bytes, 4, 0); // the length
	gg_buffer_uint(bytes, 4, common);
	gg_buffer_uint(bytes, cfi->word, start);
	gg_buffer_uint(bytes, cfi->word, end - start);
	if (is_signal)
		gg_dwarf_append_uleb(bytes, 0);
}

void gg_cfi_advance(struct gg_cfi *cfi, uint64_t bytes)
{
	enum { SMALL = 0x40 };
	if (bytes < SMALL) {
		gg_buffer_uint(&cfi->bytes, 1, DW_CFA_advance_loc | bytes);
	} else if (bytes <= UINT8_MAX) {
		gg_buffer_uint(&cfi->bytes, 1, DW_CFA_advance_loc1);
		gg_buffer_uint(&cfi->bytes, 1, bytes);
	} else if (bytes <= UINT16_MAX) {
		gg_buffer_uint(&cfi->bytes, 1, DW_CFA_advance_loc2);
		gg_buffer_uint(&cfi->bytes, 2, bytes);
	} else {
		gg_buffer_uint(&cfi->bytes, 1, DW_CFA_advance_loc4);
		gg_buffer_uint(&cfi->bytes, 4, bytes);
	}
}

void gg_cfi_end(struct gg_cfi *cfi)
{
	struct gg_buffer *bytes = &cfi->bytes;
	struct gg_buffer length = { .big_endian = bytes->big_endian };
	while (!bytes->failed &&
	       (bytes->size - cfi->entry - 4) % cfi->word != (cfi->word - 4) % cfi->word)
		gg_buffer_uint(bytes, 1, DW_CFA_nop);
	gg_buffer_uint(&length, 4, bytes->size - cfi->entry - 4);
	if (!bytes->failed && !length.failed)
		memcpy(bytes->bytes + cfi->entry, length.bytes, 4);
	bytes->failed |= length.failed;
	gg_buffer_deinit(&length);
}
