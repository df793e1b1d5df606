// SPDX-License-Identifier: GPL-3.0-or-later
#include "compress.h"

#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>

// ---- LZO ----

static struct gg_error *create_lzo(bool small, void **ret)
{
	(void)small;
	*ret = malloc(LZO1X_1_MEM_COMPRESS);
	return *ret ? NULL : gg_enomem;
}

static size_t compress_lzo(void *state, const uint8_t *page, size_t size, uint8_t *out)
{
	lzo_uint result;
	const int status = lzo1x_1_compress(page, size, out, &result, state);
	return status == LZO_E_OK && result < size ? result : 0;
}

// ---- Snappy ----

static size_t compress_snappy(void *state, const uint8_t *page, size_t size, uint8_t *out)
{
	(void)state;
	size_t result = gg_codec_bound(size);
	const snappy_status status =
		snappy_compress((const char *)page, size, (char *)out, &result);
	return status == SNAPPY_OK && result < size ? result : 0;
}

// ---- Zstandard ----

static struct gg_error *create_zstd(bool small, void **ret)
{
	enum { FAST_LEVEL = 1, SMALL_LEVEL = 9 };
	ZSTD_CCtx *context = ZSTD_createCCtx();
	if (!context)
		return gg_enomem;
	*ret = context;
	ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, small ? SMALL_LEVEL : FAST_LEVEL);
	return NULL;
}

static void destroy_zstd(void *state)
{
	ZSTD_freeCCtx(state);
}

static size_t compress_zstd(void *state, const uint8_t *page, size_t size, uint8_t *out)
{
	const size_t result = ZSTD_compress2(state, out, size - 1, page, size);
	return ZSTD_isError(result) ? 0 : result;
}

// ---- The table ----

const struct gg_codec gg_codecs[] = {
	{ .name = "kdump-zlib",
	  .flag = 1,
	  .can_be_small = true,
	  .create = gg_zlib_create,
	  .destroy = gg_zlib_destroy,
	  .tune = gg_zlib_tune,
	  .compress = gg_zlib_compress },
	{ .name = "kdump-lzo",
	  .flag = 2,
	  .create = create_lzo,
	  .destroy = free,
	  .compress = compress_lzo },
	{ .name = "kdump-snappy", .flag = 4, .compress = compress_snappy },
	{ .name = "kdump-zstd",
	  .flag = 0x20,
	  .can_be_small = true,
	  .create = create_zstd,
	  .destroy = destroy_zstd,
	  .compress = compress_zstd },
	{ .name = "kdump-raw" },
	{ 0 },
};

size_t gg_codec_bound(size_t size)
{
	// LZO's is size + size / 16 + 67, snappy's 32 + size + size / 6.
	return size + size / 6 + 128;
}

bool gg_codec_is_hopeless(const uint8_t *page, size_t size)
{
	// The squares of N random bytes' counts add up to N + N (N - 1) / 256; the sum is the larger
	// the more the bytes differ in frequency.
	enum { STEP = 8, VALUES = 256 };
	uint16_t counts[VALUES] = { 0 };
	uint64_t sum = 0;
	const uint64_t sampled = size / STEP;
	for (size_t i = 0; i < size; i += STEP)
		counts[page[i]]++;
	for (size_t i = 0; i < VALUES; i++)
		sum += (uint64_t)counts[i] * counts[i];
	const uint64_t random = sampled + sampled * (sampled - 1) / VALUES;
	return sum < random + random / 8;
}
