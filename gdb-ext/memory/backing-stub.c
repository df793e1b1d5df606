// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest memory through QEMU's gdbstub, at some MB/s and a round trip for each read.
//
// A small piece (a page table's entry, a few words) is read by whole blocks, each once: objects that are
// made together lie together. A large piece is read as it is.
#include "backing.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <string.h>

enum {
	BLOCK = 256,
	LARGE = 16384,
	SLOTS = 131072, // blocks that are kept; a power of two
};

struct slot {
	uint64_t block; // its number and 1, for 0 is an empty slot
	uint8_t *bytes;
};

struct stub_backing {
	struct gg_backing backing;
	const struct gg_host *host;
	struct gg_untold *untold;
	size_t untold_count;
	bool by_blocks;
	struct slot slots[SLOTS];
};

static struct gg_error *stub_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				    bool holes, struct gg_extent *ret)
{
	(void)holes; // the stub does not show them
	const struct stub_backing *stub = (const struct stub_backing *)backing;
	*ret = (struct gg_extent){ .size = size, .kind = GG_EXTENT_DATA };
	for (size_t i = 0; i < stub->untold_count; i++) {
		const struct gg_untold *untold = &stub->untold[i];
		const uint64_t offset = hva - untold->start, ahead = untold->start - hva;
		if (offset < untold->size) {
			ret->kind = GG_EXTENT_ABSENT;
			ret->size = size < untold->size - offset ? size : untold->size - offset;
			return NULL;
		}
		if (ahead < ret->size)
			ret->size = ahead;
	}
	return NULL;
}

// Reads RAM by QEMU's own map, which is there: an error is the connection's, not the guest's.
static struct gg_error *wire_read(struct stub_backing *stub, uint64_t address, void *buffer,
				  size_t size)
{
	struct gg_error *err = gg_host_read(stub->host, address, buffer, size);
	if (!err && stub->backing.watch)
		return stub->backing.watch(stub->backing.watch_data, size);
	if (!err || gg_error_is_final(err) || gg_error_kind(err) == GG_UNSUPPORTED)
		return err;
	struct gg_error *lost =
		gg_error_create(GG_LOST, "the gdbstub does not read it: %s", gg_error_message(err));
	gg_error_destroy(err);
	stub->backing.lost = true;
	return lost;
}

static struct slot *slot_of(struct stub_backing *stub, uint64_t block)
{
	return &stub->slots[block % SLOTS];
}

static bool is_held(struct stub_backing *stub, uint64_t block)
{
	return slot_of(stub, block)->block == block + 1;
}

// Keeps a block until another block takes its slot.
static struct gg_error *keep(struct stub_backing *stub, uint64_t block, const uint8_t *bytes)
{
	struct slot *slot = slot_of(stub, block);
	if (!slot->bytes && !(slot->bytes = malloc(BLOCK)))
		return gg_enomem;
	memcpy(slot->bytes, bytes, BLOCK);
	slot->block = block + 1;
	return NULL;
}

// Reads the blocks from FIRST up to LAST, fewer than LARGE bytes, unless they are held: in one piece
// as far as none of them is.
static struct gg_error *load(struct stub_backing *stub, uint64_t first, uint64_t last)
{
	uint8_t bytes[LARGE + BLOCK];
	while (first <= last) {
		size_t count = 0;
		while (first + count <= last && !is_held(stub, first + count))
			count++;
		struct gg_error *err =
			count ? wire_read(stub, first * BLOCK, bytes, count * BLOCK) : NULL;
		for (size_t i = 0; !err && i < count; i++)
			err = keep(stub, first + i, bytes + i * BLOCK);
		if (err)
			return err;
		first += count + 1;
	}
	return NULL;
}

static struct gg_error *read_by_blocks(struct stub_backing *stub, gg_hva_t hva, uint8_t *buffer,
				       size_t size)
{
	struct gg_error *err = load(stub, hva / BLOCK, (hva + size - 1) / BLOCK);
	while (!err && size) {
		const size_t offset = hva % BLOCK;
		const size_t piece = size < BLOCK - offset ? size : BLOCK - offset;
		memcpy(buffer, slot_of(stub, hva / BLOCK)->bytes + offset, piece);
		hva += piece;
		buffer += piece;
		size -= piece;
	}
	return err;
}

static struct gg_error *stub_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				  size_t size)
{
	struct stub_backing *stub = (struct stub_backing *)backing;
	struct gg_extent extent;
	struct gg_error *err = stub_extent(backing, hva, size, false, &extent);
	if (err)
		return err;
	if (extent.kind == GG_EXTENT_ABSENT || extent.size < size)
		return gg_error_create(
			GG_ABSENT,
			"0x%" PRIx64
			" is in a virtio-mem, whose plugged memory QEMU's monitor does not show",
			extent.kind == GG_EXTENT_ABSENT ? hva : hva + extent.size);
	return stub->by_blocks && size < LARGE ? read_by_blocks(stub, hva, buffer, size)
					       : wire_read(stub, hva, buffer, size);
}

static void stub_ran(struct gg_backing *backing)
{
	struct stub_backing *stub = (struct stub_backing *)backing;
	for (size_t i = 0; i < SLOTS; i++)
		stub->slots[i].block = 0;
}

static void stub_destroy(struct gg_backing *backing)
{
	struct stub_backing *stub = (struct stub_backing *)backing;
	for (size_t i = 0; i < SLOTS; i++)
		free(stub->slots[i].bytes);
	free(stub->untold);
	free(stub);
}

static const char untold_advice[] =
	"QEMU's monitor does not show a virtio-mem's plugged memory, only QEMU's own dump does: "
	"-via monitor";

static const struct gg_backing_ops stub_ops = {
	.extent = stub_extent,
	.read = stub_read,
	.ran = stub_ran,
	.destroy = stub_destroy,
};

struct gg_error *gg_backing_create_stub(const struct gg_host *host, const struct gg_untold *untold,
					size_t count, bool by_blocks, struct gg_backing **ret)
{
	struct stub_backing *stub = calloc(1, sizeof(*stub));
	if (!stub)
		return gg_enomem;
	stub->backing = (struct gg_backing){ .ops = &stub_ops,
					     .name = "the gdbstub",
					     .advice = untold_advice };
	stub->host = host;
	stub->by_blocks = by_blocks;
	stub->untold_count = count;
	stub->untold = calloc(count ? count : 1, sizeof(*untold));
	if (!stub->untold) {
		free(stub);
		return gg_enomem;
	}
	if (count)
		memcpy(stub->untold, untold, count * sizeof(*untold));
	*ret = &stub->backing;
	return NULL;
}
