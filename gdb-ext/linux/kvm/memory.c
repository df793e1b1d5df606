// SPDX-License-Identifier: GPL-3.0-or-later
//
// The memory of KVM's machines: the slots (Linux include/linux/kvm_host.h, struct kvm_memslots), and the pages
// that the process which runs a machine has for them.
//
// In:  the kernel's members and memory; the page tables of the process.
// Out: slots; counts of bytes.
// Trusts nothing it reads: the numbers of slots, levels and page-table entries are bounded, and slots that
// overlap are an error.
#include "layout.h"
#include "base/vector.h"
#include "pages.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>

enum {
	MAX_SLOTS = 32767, // KVM_MEM_SLOTS_NUM
	MAX_DEPTH = 64,    // of a tree of so many slots
	MAX_LOOKS = 32 << 20,
};

// ---- Slots ----

struct walk {
	const struct gg_kvm_reader *reader;
	struct gg_kvm_machine *machine;
	struct gg_member node; // in a slot
};

static struct gg_error *read_slot(const struct walk *walk, gg_gva_t address,
				  struct gg_kvm_slot *ret)
{
	const struct gg_kvm_layout *layout = &walk->reader->layout;
	const struct gg_host *host = walk->reader->host;
	const uint64_t page = walk->reader->page_size, most = UINT64_MAX / page;
	enum { GUEST_MEMFD = 1 << 2 }; // KVM_MEM_GUEST_MEMFD
	uint64_t gfn, pages, flags = 0;
	struct gg_error *err = gg_host_read_member(host, address, &layout->gfn, &gfn);
	if (!err)
		err = gg_host_read_member(host, address, &layout->pages, &pages);
	if (!err)
		err = gg_host_read_member(host, address, &layout->user, &ret->user);
	if (!err && layout->flags.size)
		err = gg_host_read_member(host, address, &layout->flags, &flags);
	if (!err && (gfn > most || pages > most - gfn || ret->user > UINT64_MAX - pages * page))
		err = gg_error_create(GG_BAD_DATA,
				      "%" PRIu64 " pages from page 0x%" PRIx64
				      " are more than there are",
				      pages, gfn);
	if (err)
		return err;
	ret->gpa = gfn * page;
	ret->size = pages * page;
	ret->is_private = flags & GUEST_MEMFD;
	return NULL;
}

static struct gg_error *add_slot(const struct walk *walk, const struct gg_kvm_slot *slot)
{
	struct gg_kvm_machine *machine = walk->machine;
	const struct gg_kvm_slot *last =
		machine->slot_count ? &machine->slots[machine->slot_count - 1] : NULL;
	if (machine->slot_count == MAX_SLOTS)
		return gg_error_create(GG_BAD_DATA, "more than %d memory slots", MAX_SLOTS);
	if (last && slot->gpa < last->gpa + last->size)
		return gg_error_create(GG_BAD_DATA,
				       "the memory slot at 0x%" PRIx64
				       " overlaps the slot at 0x%" PRIx64,
				       slot->gpa, last->gpa);
	struct gg_error *err = gg_vector_grow(&machine->slots, machine->slot_count, sizeof(*slot));
	if (err)
		return err;
	machine->slots[machine->slot_count++] = *slot;
	machine->memory.size += slot->size;
	return NULL;
}

// Adds the slots of the tree whose root is NODE, ascending.
static struct gg_error *walk_tree(const struct walk *walk, gg_gva_t node)
{
	const struct gg_kvm_layout *layout = &walk->reader->layout;
	gg_gva_t path[MAX_DEPTH];
	size_t depth = 0;
	struct gg_error *err = NULL;
	while (!err && (node || depth)) {
		struct gg_kvm_slot slot;
		for (; !err && node && depth < MAX_DEPTH; depth++) {
			path[depth] = node;
			err = gg_host_read_member(walk->reader->host, node, &layout->left, &node);
		}
		if (!err && node)
			err = gg_error_create(GG_BAD_DATA, "a tree of more than %d levels",
					      MAX_DEPTH);
		if (!err)
			err = gg_interrupt_check();
		if (err)
			break;
		node = path[--depth];
		err = read_slot(walk, node - walk->node.offset, &slot);
		if (!err)
			err = add_slot(walk, &slot);
		if (!err)
			err = gg_host_read_member(walk->reader->host, node, &layout->right, &node);
	}
	return err;
}

static int compare_slots(const void *a, const void *b)
{
	const struct gg_kvm_slot *one = a, *other = b;
	return one->gpa < other->gpa ? -1 : one->gpa > other->gpa;
}

// Adds the slots of the array at ADDRESS, which descend.
static struct gg_error *read_array(const struct walk *walk, gg_gva_t address)
{
	const struct gg_kvm_layout *layout = &walk->reader->layout;
	struct gg_kvm_slot *slots = NULL;
	uint64_t used;
	size_t count = 0;
	struct gg_error *err =
		gg_host_read_member(walk->reader->host, address, &layout->used, &used);
	if (!err && used > MAX_SLOTS)
		err = gg_error_create(GG_BAD_DATA, "%" PRIu64 " memory slots, more than %d", used,
				      MAX_SLOTS);
	for (uint64_t i = 0; !err && i < used; i++) {
		err = gg_interrupt_check();
		if (!err)
			err = gg_vector_grow(&slots, count, sizeof(*slots));
		if (!err)
			err = read_slot(walk,
					address + layout->array.offset + i * layout->array.size,
					&slots[count++]);
	}
	if (!err && count)
		qsort(slots, count, sizeof(*slots), compare_slots);
	for (size_t i = 0; !err && i < count; i++)
		err = add_slot(walk, &slots[i]);
	free(slots);
	return err;
}

static struct gg_error *read_tree(struct walk *walk, gg_gva_t address)
{
	const struct gg_kvm_layout *layout = &walk->reader->layout;
	const struct gg_host *host = walk->reader->host;
	gg_gva_t root;
	uint64_t index;
	struct gg_error *err = gg_host_read_member(host, address, &layout->tree, &root);
	if (!err)
		err = gg_host_read_member(host, address, &layout->index, &index);
	if (!err && index > 1)
		err = gg_error_create(GG_BAD_DATA, "node_idx is %" PRIu64, index);
	if (err)
		return err;
	walk->node.offset += index * layout->node.size;
	return walk_tree(walk, root);
}

// Reads the slots of address space 0; 1 has the memory of System Management Mode.
struct gg_error *gg_kvm_read_slots(const struct gg_kvm_reader *reader,
				   struct gg_kvm_machine *machine)
{
	const struct gg_kvm_layout *layout = &reader->layout;
	const struct gg_member first = { layout->memslots.offset, reader->host->address_size };
	struct walk walk = { .reader = reader, .machine = machine, .node = layout->node };
	gg_gva_t slots;
	struct gg_error *err = gg_host_read_member(reader->host, machine->address, &first, &slots);
	if (!err)
		err = layout->tree.size ? read_tree(&walk, slots) : read_array(&walk, slots);
	return err ? gg_error_context(err, "memory slots") : NULL;
}

// ---- Pages ----

struct count {
	struct gg_kvm_pages *pages;
	const struct gg_ram_map *map;
	struct gg_kvm_memory *memory;
	uint64_t looks; // that are left
	gg_gpa_t gpa;   // of the last extent that was found
	struct gg_extent extent;
};

// Finds the extent at GPA: far more of it than is asked for, since pages that are near follow.
static struct gg_error *find_extent(struct count *count, gg_gpa_t gpa, struct gg_extent *ret)
{
	enum { FAR = 64 << 20 };
	struct gg_error *err = NULL;
	if (gpa - count->gpa >= count->extent.size) {
		count->gpa = gpa;
		count->extent.size = 0;
		err = gg_ram_map_extent(count->map, gpa, FAR, false, &count->extent);
	}
	*ret = count->extent;
	ret->size -= gpa - count->gpa;
	return err;
}

// Adds the SIZE bytes at GPA, of the guest that runs the machine.
static struct gg_error *count_held(struct count *count, gg_gpa_t gpa, uint64_t size)
{
	while (size) {
		struct gg_extent extent;
		struct gg_error *err = find_extent(count, gpa, &extent);
		if (err)
			return err;
		extent.size = extent.size < size ? extent.size : size;
		if (extent.kind == GG_EXTENT_ABSENT)
			count->memory->absent += extent.size;
		else
			count->memory->there += extent.size;
		gpa += extent.size;
		size -= extent.size;
	}
	return NULL;
}

static struct gg_error *count_slot(struct count *count, const struct gg_kvm_slot *slot)
{
	struct gg_error *err = NULL;
	struct gg_kvm_piece piece;
	for (uint64_t at = 0; !err && at < slot->size; at += piece.size) {
		if (!count->looks--)
			return gg_error_create(GG_BAD_DATA, "more than %d pages", MAX_LOOKS);
		err = gg_interrupt_check();
		if (!err)
			err = gg_kvm_pages_find(count->pages, slot->user + at, slot->size - at,
						&piece);
		if (!err && piece.kind == GG_KVM_HELD)
			err = count_held(count, piece.gpa, piece.size);
		if (!err && piece.kind == GG_KVM_SWAPPED)
			count->memory->swapped += piece.size;
	}
	return err;
}

struct gg_error *gg_kvm_count_memory(const struct gg_kvm_reader *reader,
				     const struct gg_ram_map *map, struct gg_kvm_machine *machine)
{
	struct count count = { .map = map, .memory = &machine->memory, .looks = MAX_LOOKS };
	struct gg_error *err = gg_kvm_pages_create(reader->kernel, machine, &count.pages);
	for (size_t i = 0; !err && i < machine->slot_count; i++)
		err = count_slot(&count, &machine->slots[i]);
	gg_kvm_pages_destroy(count.pages);
	machine->memory.counted = !err;
	return err ? gg_error_context(err, "the memory of its process") : NULL;
}
