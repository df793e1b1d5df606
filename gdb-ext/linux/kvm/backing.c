// SPDX-License-Identifier: GPL-3.0-or-later
//
// The backing of a machine's memory: the pages of the process that runs the machine.
//
// In:  the process's pages; the RAM of the guest that has the process.
// Out: extents and bytes. Memory that the process has not touched is zeros, unless a file or another process may
//      have the page, which is absent then.
#include "pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct machine_backing {
	struct gg_backing backing;
	struct gg_kvm_pages *pages;
	const struct gg_ram_map *map;
};

// Finds what is at HVA. A page table that cannot be read leaves its pages absent.
static struct gg_error *find_extent(struct machine_backing *machine, gg_hva_t hva, uint64_t size,
				    bool holes, struct gg_extent *ret)
{
	enum { PAGE = 4096 };
	struct gg_kvm_piece piece;
	struct gg_error *err = gg_kvm_pages_find(machine->pages, hva, size, &piece);
	if (!err && piece.kind == GG_KVM_HELD)
		return gg_ram_map_extent(machine->map, piece.gpa, piece.size, holes, ret);
	if (!err && piece.kind == GG_KVM_ZEROS) {
		*ret = (struct gg_extent){ .size = piece.size, .kind = GG_EXTENT_HOLE };
		return NULL;
	}
	const uint64_t rest = err ? PAGE - hva % PAGE : piece.size;
	*ret = (struct gg_extent){ .size = rest < size ? rest : size, .kind = GG_EXTENT_ABSENT };
	return gg_error_unless_final(err);
}

// Finds the extent at HVA. Absent pages that follow each other are one extent, up to a bound.
static struct gg_error *machine_extent(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
				       bool holes, struct gg_extent *ret)
{
	enum { MAX_PIECES = 4096 };
	struct machine_backing *machine = (struct machine_backing *)backing;
	struct gg_extent next;
	struct gg_error *err = find_extent(machine, hva, size, holes, ret);
	for (unsigned int i = 0;
	     !err && ret->kind == GG_EXTENT_ABSENT && ret->size < size && i < MAX_PIECES; i++) {
		err = find_extent(machine, hva + ret->size, size - ret->size, holes, &next);
		if (err || next.kind != GG_EXTENT_ABSENT)
			break;
		ret->size += next.size;
	}
	return err;
}

static struct gg_error *read_piece(struct machine_backing *machine, gg_hva_t hva,
				   const struct gg_kvm_piece *piece, void *buffer)
{
	if (piece->kind == GG_KVM_ZEROS) {
		memset(buffer, 0, piece->size);
		return NULL;
	}
	if (piece->kind == GG_KVM_SWAPPED)
		return gg_error_create(GG_ABSENT,
				       "it is absent: the outer guest has swapped it out");
	if (piece->kind == GG_KVM_NO_PAGE)
		return gg_error_create(
			GG_ABSENT,
			"it is absent: the process that runs the nested guest has no "
			"page at 0x%" PRIx64,
			hva);
	struct gg_error *err = gg_ram_map_read(machine->map, piece->gpa, buffer, piece->size);
	machine->backing.lost |= machine->map->backing->lost;
	if (!err || gg_error_kind(err) != GG_FAULT)
		return err ? gg_error_context(err, "the outer guest") : NULL;
	struct gg_error *absent = gg_error_create(GG_ABSENT, "it is absent: the outer guest: %s",
						  gg_error_message(err));
	gg_error_destroy(err);
	return absent;
}

static struct gg_error *machine_read(struct gg_backing *backing, gg_hva_t hva, void *buffer,
				     size_t size)
{
	struct machine_backing *machine = (struct machine_backing *)backing;
	uint8_t *bytes = buffer;
	while (size) {
		struct gg_kvm_piece piece;
		struct gg_error *err = gg_kvm_pages_find(machine->pages, hva, size, &piece);
		machine->backing.lost |= machine->map->backing->lost;
		if (!err)
			err = read_piece(machine, hva, &piece, bytes);
		if (err)
			return err;
		hva += piece.size;
		bytes += piece.size;
		size -= piece.size;
	}
	return NULL;
}

static void machine_ran(struct gg_backing *backing)
{
	gg_kvm_pages_ran(((struct machine_backing *)backing)->pages);
}

static void machine_destroy(struct gg_backing *backing)
{
	gg_kvm_pages_destroy(((struct machine_backing *)backing)->pages);
	free(backing);
}

static const struct gg_backing_ops machine_ops = {
	.extent = machine_extent,
	.read = machine_read,
	.ran = machine_ran,
	.destroy = machine_destroy,
};

struct gg_error *gg_kvm_backing_create(struct gg_kvm_pages *pages, const struct gg_ram_map *map,
				       struct gg_backing **ret)
{
	struct machine_backing *machine = calloc(1, sizeof(*machine));
	if (!machine)
		return gg_enomem;
	machine->backing = (struct gg_backing){
		.ops = &machine_ops,
		.name = "the process that runs the nested guest",
	};
	machine->pages = pages;
	machine->map = map;
	*ret = &machine->backing;
	return NULL;
}
