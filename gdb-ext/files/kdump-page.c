// SPDX-License-Identifier: GPL-3.0-or-later
//
// The codecs of a page (makedumpfile diskdump_mod.h: DUMP_DH_COMPRESSED_...): a row each.
#include "kdump-page.h"

#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

// Each returns how many bytes PAGE has got, or 0.

static size_t copy_raw(const uint8_t *data, size_t size, uint8_t *page, size_t page_size)
{
	if (size == page_size)
		memcpy(page, data, size);
	return size;
}

static size_t from_zlib(const uint8_t *data, size_t size, uint8_t *page, size_t page_size)
{
	uLongf got = page_size;
	return uncompress(page, &got, data, size) == Z_OK ? got : 0;
}

static size_t from_lzo(const uint8_t *data, size_t size, uint8_t *page, size_t page_size)
{
	lzo_uint got = page_size;
	return lzo1x_decompress_safe(data, size, page, &got, NULL) == LZO_E_OK ? got : 0;
}

static size_t from_snappy(const uint8_t *data, size_t size, uint8_t *page, size_t page_size)
{
	size_t got = page_size;
	return snappy_uncompress((const char *)data, size, (char *)page, &got) == SNAPPY_OK ? got
											    : 0;
}

static size_t from_zstd(const uint8_t *data, size_t size, uint8_t *page, size_t page_size)
{
	const size_t got = ZSTD_decompress(page, page_size, data, size);
	return ZSTD_isError(got) ? 0 : got;
}

static const struct codec {
	uint32_t flag;
	const char *name;
	size_t (*decompress)(const uint8_t *data, size_t size, uint8_t *page, size_t page_size);
} codecs[] = {
	{ 0, "raw", copy_raw },       { 1, "zlib", from_zlib },    { 2, "lzo", from_lzo },
	{ 4, "snappy", from_snappy }, { 0x20, "zstd", from_zstd },
};

struct gg_error *gg_kdump_page_decompress(uint32_t flags, const uint8_t *data, size_t size,
					  uint8_t *page, size_t page_size)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
		if (codecs[i].flag != flags)
			continue;
		const size_t got = codecs[i].decompress(data, size, page, page_size);
		return got == page_size
			       ? NULL
			       : gg_error_create(GG_BAD_DATA, "its %zu bytes are no page by %s",
						 size, codecs[i].name);
	}
	return gg_error_create(GG_BAD_DATA, "its compression, 0x%x, is unknown", flags);
}
