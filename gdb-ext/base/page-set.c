// SPDX-License-Identifier: GPL-3.0-or-later
#include "page-set.h"

#include <stdlib.h>

enum {
	BITS = 64,            // of a word
	CHUNK_BITS = 1 << 15, // of a chunk: 128 MiB in pages of 4 KiB
	CHUNK_WORDS = CHUNK_BITS / BITS,
};

struct gg_error *gg_page_set_init(struct gg_page_set *set, uint64_t end)
{
	*set = (struct gg_page_set){ 0 };
	const uint64_t chunks = end / CHUNK_BITS + !!(end % CHUNK_BITS);
	set->chunks = calloc(chunks ? chunks : 1, sizeof(*set->chunks));
	if (!set->chunks)
		return gg_enomem;
	set->end = end;
	return NULL;
}

void gg_page_set_deinit(struct gg_page_set *set)
{
	for (uint64_t first = 0; first < set->end; first += CHUNK_BITS)
		free(set->chunks[first / CHUNK_BITS]);
	free(set->chunks);
	*set = (struct gg_page_set){ 0 };
}

// Returns the bits of the word of PFN that stand for PFN and up to COUNT pages in all.
static uint64_t mask(uint64_t pfn, uint64_t count)
{
	const unsigned int shift = pfn % BITS;
	const uint64_t bits = count < BITS ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
	return bits << shift;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t clip(const struct gg_page_set *set, uint64_t pfn, uint64_t count)
{
	return pfn < set->end ? min(count, set->end - pfn) : 0;
}

struct gg_error *gg_page_set_add(struct gg_page_set *set, uint64_t pfn, uint64_t count)
{
	count = clip(set, pfn, count);
	for (uint64_t step; count; pfn += step, count -= step) {
		uint64_t **chunk = &set->chunks[pfn / CHUNK_BITS];
		if (!*chunk)
			*chunk = calloc(CHUNK_WORDS, sizeof(**chunk));
		if (!*chunk)
			return gg_enomem;
		uint64_t *word = &(*chunk)[pfn % CHUNK_BITS / BITS];
		step = min(BITS - pfn % BITS, count);
		const uint64_t added = mask(pfn, step) & ~*word;
		*word |= added;
		set->count += (unsigned int)__builtin_popcountll(added);
	}
	return NULL;
}

struct gg_error *gg_page_set_unite(struct gg_page_set *set, const struct gg_page_set *other)
{
	for (uint64_t first = 0; first < other->end; first += CHUNK_BITS) {
		const uint64_t *from = other->chunks[first / CHUNK_BITS];
		uint64_t **chunk = &set->chunks[first / CHUNK_BITS];
		if (from && !*chunk)
			*chunk = calloc(CHUNK_WORDS, sizeof(**chunk));
		if (from && !*chunk)
			return gg_enomem;
		for (size_t i = 0; from && i < CHUNK_WORDS; i++) {
			const uint64_t added = from[i] & ~(*chunk)[i];
			(*chunk)[i] |= added;
			set->count += (unsigned int)__builtin_popcountll(added);
		}
	}
	return NULL;
}

void gg_page_set_remove(struct gg_page_set *set, uint64_t pfn, uint64_t count)
{
	count = clip(set, pfn, count);
	for (uint64_t step; count; pfn += step, count -= step) {
		uint64_t *chunk = set->chunks[pfn / CHUNK_BITS];
		step = min((chunk ? BITS : CHUNK_BITS) - pfn % (chunk ? BITS : CHUNK_BITS), count);
		if (!chunk)
			continue;
		uint64_t *word = &chunk[pfn % CHUNK_BITS / BITS];
		const uint64_t removed = mask(pfn, step) & *word;
		*word &= ~removed;
		set->count -= (unsigned int)__builtin_popcountll(removed);
	}
}

void gg_page_set_subtract(struct gg_page_set *set, const struct gg_page_set *other)
{
	uint64_t start, count;
	for (uint64_t pfn = 0; gg_page_set_next_run(other, pfn, &start, &count);
	     pfn = start + count)
		gg_page_set_remove(set, start, count);
}

bool gg_page_set_has(const struct gg_page_set *set, uint64_t pfn)
{
	if (pfn >= set->end)
		return false;
	const uint64_t *chunk = set->chunks[pfn / CHUNK_BITS];
	return chunk && (chunk[pfn % CHUNK_BITS / BITS] >> pfn % BITS & 1);
}

uint64_t gg_page_set_find(const struct gg_page_set *set, uint64_t pfn, uint64_t end, bool inside)
{
	end = min(end, set->end);
	while (pfn < end) {
		const uint64_t *chunk = set->chunks[pfn / CHUNK_BITS];
		if (!chunk && !inside)
			return pfn;
		if (!chunk) {
			pfn += CHUNK_BITS - pfn % CHUNK_BITS;
			continue;
		}
		const uint64_t word = chunk[pfn % CHUNK_BITS / BITS];
		const uint64_t bits = (inside ? word : ~word) >> pfn % BITS;
		if (bits)
			return min(pfn + (unsigned int)__builtin_ctzll(bits), end);
		pfn += BITS - pfn % BITS;
	}
	return end;
}

bool gg_page_set_next_run(const struct gg_page_set *set, uint64_t pfn, uint64_t *start,
			  uint64_t *count)
{
	*start = gg_page_set_find(set, pfn, set->end, true);
	*count = gg_page_set_find(set, *start, set->end, false) - *start;
	return *count;
}
