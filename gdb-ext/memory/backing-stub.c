// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guest memory through QEMU's gdbstub, at some MB/s and a round trip for each read.
//
// A small piece (a page table's entry, a few words) is read by whole pages, each once. A large
// piece is read as it is.
#include "backing.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <string.h>

enum {
	KEPT_PAGE = 4096,
	LARGE = 4 * KEPT_PAGE,
	SLOTS = 8192, // pages that are kept; a power of two
};

struct slot {
	uint64_t page; // its number and 1, for 0 is an empty slot
	uint8_t *bytes;
};

struct stub_backing {
	struct gg_backing backing;
	const struct gg_host *host;
	struct gg_untold *untold;
	size_t untold_count;
	bool by_pages;
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
	if (!err || gg_error_is_final(err) || gg_error_kind(err) == GG_UNSUPPORTED)
		return err;
	struct gg_error *lost =
		gg_error_create(GG_LOST, "the gdbstub does not read it: %s", gg_error_message(err));
	gg_error_destroy(err);
	stub->backing.lost = true;
	return lost;
}

// Reads the page of number PAGE, unless it is kept already. It is kept until another page takes its
// slot.
static struct gg_error *get_page(struct stub_backing *stub, uint64_t page, const uint8_t **ret)
{
	struct slot *slot = &stub->slots[page % SLOTS];
	if (!slot->bytes && !(slot->bytes = malloc(KEPT_PAGE)))
		return gg_enomem;
	if (slot->page != page + 1) {
		slot->page = 0;
		struct gg_error *err = wire_read(stub, page * KEPT_PAGE, slot->bytes, KEPT_PAGE);
		if (err)
			return err;
		slot->page = page + 1;
	}
	*ret = slot->bytes;
	return NULL;
}

static struct gg_error *read_by_pages(struct stub_backing *stub, gg_hva_t hva, uint8_t *buffer,
				      size_t size)
{
	while (size) {
		const uint8_t *page = NULL;
		const size_t offset = hva % KEPT_PAGE;
		const size_t piece = size < KEPT_PAGE - offset ? size : KEPT_PAGE - offset;
		struct gg_error *err = get_page(stub, hva / KEPT_PAGE, &page);
		if (err)
			return err;
		memcpy(buffer, page + offset, piece);
		hva += piece;
		buffer += piece;
		size -= piece;
	}
	return NULL;
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
	return stub->by_pages && size < LARGE ? read_by_pages(stub, hva, buffer, size)
					      : wire_read(stub, hva, buffer, size);
}

static void stub_ran(struct gg_backing *backing)
{
	struct stub_backing *stub = (struct stub_backing *)backing;
	for (size_t i = 0; i < SLOTS; i++)
		stub->slots[i].page = 0;
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
					size_t count, bool by_pages, struct gg_backing **ret)
{
	struct stub_backing *stub = calloc(1, sizeof(*stub));
	if (!stub)
		return gg_enomem;
	stub->backing = (struct gg_backing){ .ops = &stub_ops,
					     .name = "the gdbstub",
					     .advice = untold_advice };
	stub->host = host;
	stub->by_pages = by_pages;
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
