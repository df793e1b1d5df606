// SPDX-License-Identifier: GPL-3.0-or-later
//
// The pages of guest RAM that QEMU itself marks as not in its memory: a core has zeros for them.
//
// In:  a RAMBlock. While QEMU receives a guest, its receivedmap has a bit for each page that has
//      arrived (QEMU migration/ram.c, ramblock_recv_map_init, since v2.11); afterwards it is NULL.
// Out: bitmaps of the pages that are there.
// Trusts nothing it reads: a bitmap is as long as its block, whose length is bounded; an unreadable
// part of a bitmap counts as not arrived.
#include "internal.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum { WORD_BITS = 64, PIECE = 1 << 20 };

static const uint64_t max_block = UINT64_C(1) << 44;

void gg_qemu_absences_destroy(struct gg_qemu_absence *absences, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(absences[i].present);
	free(absences);
}

// ---- The size of a bit's page ----

struct target_page_layout {
	struct gg_member bits;
};

// The page size of an architecture whose CPUs do not all have the same; else 0.
static const struct gg_layout_row target_page_rows[] = {
	GG_LAYOUT_ROW(struct target_page_layout, bits, "TargetPageBits", "bits"),
};

// Reads the page size: 4 KiB on x86, and on all ARM CPUs since v7.
static struct gg_error *read_page_size(const struct gg_host *host, uint64_t *ret)
{
	enum { USUAL_BITS = 12, FEWEST_BITS = 10, MOST_BITS = 16 };
	struct target_page_layout layout;
	uint64_t variable, bits = USUAL_BITS;
	struct gg_error *err = gg_host_symbol(host, "target_page", &variable);
	if (!err)
		err = gg_layout_resolve(host, target_page_rows, 1, &layout);
	if (!err)
		err = gg_host_read_member(host, variable, &layout.bits, &bits);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		err = NULL;
	}
	if (!bits)
		bits = USUAL_BITS;
	if (!err && (bits < FEWEST_BITS || bits > MOST_BITS))
		err = gg_error_create(GG_BAD_DATA, "target_page.bits is %" PRIu64 ", not %d to %d",
				      bits, FEWEST_BITS, MOST_BITS);
	*ret = UINT64_C(1) << bits;
	return err;
}

// ---- Blocks ----

// Reads an array of unsigned longs; by bytes it is the same on little-endian hosts only.
static struct gg_error *read_bitmap(const struct gg_host *host, uint64_t address,
				    struct gg_qemu_absence *absence)
{
	const uint64_t pages = (absence->size - 1) / absence->page_size + 1;
	const size_t size = ((pages - 1) / WORD_BITS + 1) * (WORD_BITS / 8);
	absence->present = calloc(1, size);
	if (!absence->present)
		return gg_enomem;
	for (size_t done = 0; done < size;) {
		const size_t piece = size - done < PIECE ? size - done : PIECE;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = gg_host_read(host, address + done, absence->present + done, piece);
		if (gg_error_is_final(err))
			return err;
		if (err) {
			gg_error_destroy(err);
			memset(absence->present + done, 0, piece);
			return NULL;
		}
		done += piece;
	}
	return NULL;
}

static struct gg_error *read_arrived(const struct gg_host *host, const struct gg_ram_block *block,
				     struct gg_qemu_absence *absence)
{
	if (host->big_endian)
		return gg_error_create(GG_UNSUPPORTED, "a migration to a big-endian QEMU");
	if (block->length > max_block)
		return gg_error_create(GG_BAD_DATA, "its length is 0x%" PRIx64 ", above 0x%" PRIx64,
				       block->length, max_block);
	struct gg_error *err = read_page_size(host, &absence->page_size);
	return err ? err : read_bitmap(host, block->received, absence);
}

struct gg_error *gg_qemu_ram_add_absence(const struct gg_host *host,
					 const struct gg_ram_block *block, struct gg_qemu_ram *ram)
{
	if (!block->length || (!block->received && !block->is_private))
		return NULL;
	for (size_t i = 0; i < ram->absence_count; i++)
		if (ram->absences[i].hva == block->host)
			return NULL;
	struct gg_error *err =
		gg_vector_grow(&ram->absences, ram->absence_count, sizeof(*ram->absences));
	if (err)
		return err;
	struct gg_qemu_absence *added = &ram->absences[ram->absence_count];
	*added = (struct gg_qemu_absence){ .hva = block->host, .size = block->length };
	added->reason = block->is_private ? GG_PRIVATE : GG_NOT_ARRIVED;
	err = block->is_private ? NULL : read_arrived(host, block, added);
	if (err)
		free(added->present);
	else
		ram->absence_count++;
	return err ? gg_error_context(err, "which pages of %s have arrived", block->idstr) : NULL;
}

// ---- Older ones ----

// QEMU migration/postcopy-ram.h, enum PostcopyState, the same since v2.5.
enum { POSTCOPY_NONE = 0, POSTCOPY_END = 5 };

struct gg_error *gg_qemu_check_arrival(const struct gg_host *host,
				       const struct gg_ram_block_layout *layout)
{
	enum { ENUM_SIZE = 4 };
	uint64_t variable, state = POSTCOPY_NONE;
	if (layout->received.size)
		return NULL;
	struct gg_error *err = gg_host_symbol(host, "incoming_postcopy_state", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, ENUM_SIZE, &state);
	err = gg_error_unless_final(err);
	if (err)
		return err;
	if (state <= POSTCOPY_NONE || state >= POSTCOPY_END)
		return NULL;
	return gg_error_create(GG_ABSENT,
			       "QEMU is receiving the guest by a post-copy migration, and "
			       "the pages that have arrived are not known: memory that has "
			       "not cannot be distinguished from zeros");
}
