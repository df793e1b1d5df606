// SPDX-License-Identifier: GPL-3.0-or-later
//
// The pages of the process that runs a machine of KVM's, by its page tables.
//
// In:  the kernel's members and memory.
// Out: pieces of the process's memory, and their places in the RAM of the guest that has the process.
// Trusts nothing it reads: a piece is never longer than the size that was asked for.
#include "pages.h"
#include "areas.h"
#include "layout.h"
#include "page-cache.h"
#include "linux/arch-ops.h"

#include <inttypes.h>
#include <stdlib.h>

struct gg_kvm_pages {
	const struct gg_linux_ops *ops;
	struct gg_page_table *table;
	struct gg_host host;
	struct gg_areas *areas;      // NULL: not known
	struct gg_page_cache *cache; // NULL: not known
	uint64_t page_size;
	struct gg_page_leaf leaf;
};

static const struct gg_layout_row rows[] = {
	{ .type = "mm_struct", .paths = (const char *const[]){ "pgd", NULL }, .where = 0 },
};

// Creates the page table of the process.
static struct gg_error *create_table(const struct gg_answerers *kernel, gg_gva_t mm,
				     struct gg_page_table **ret)
{
	const struct gg_host host = gg_kvm_host(kernel);
	struct gg_member member;
	struct gg_mapping root;
	gg_gva_t pgd;
	struct gg_error *err =
		gg_layout_resolve(&host, rows, sizeof(rows) / sizeof(*rows), &member);
	if (!err)
		err = gg_host_read_member(&host, mm, &member, &pgd);
	if (!err)
		err = gg_page_table_map(kernel->memory.table, pgd, &root);
	if (!err && !root.present)
		err = gg_error_create(GG_FAULT, "pgd 0x%" PRIx64 " is not mapped", pgd);
	return err ? err : gg_page_table_create_sibling(kernel->memory.table, root.gpa, ret);
}

void gg_kvm_pages_destroy(struct gg_kvm_pages *pages)
{
	if (!pages)
		return;
	gg_areas_destroy(pages->areas);
	gg_page_cache_destroy(pages->cache);
	gg_page_table_destroy(pages->table);
	free(pages);
}

// Opens the areas and the page cache, unless a page that the process lacks may be elsewhere.
static struct gg_error *open_areas(const struct gg_answerers *kernel,
				   const struct gg_kvm_machine *machine, struct gg_kvm_pages *pages)
{
	for (size_t i = 0; i < machine->slot_count; i++)
		if (machine->slots[i].is_private)
			return NULL;
	struct gg_error *err = gg_areas_create(&pages->host, machine->mm, &pages->areas);
	if (!err)
		err = gg_page_cache_create(kernel, &pages->host, &pages->cache);
	return gg_error_unless_final(err);
}

struct gg_error *gg_kvm_pages_create(const struct gg_answerers *kernel,
				     const struct gg_kvm_machine *machine,
				     struct gg_kvm_pages **ret)
{
	struct gg_kvm_pages *pages = calloc(1, sizeof(*pages));
	if (!pages)
		return gg_enomem;
	pages->ops = kernel->arch->kernel;
	pages->host = gg_kvm_host(kernel);
	pages->page_size = gg_page_table_page_size(kernel->memory.table);
	struct gg_error *err = create_table(kernel, machine->mm, &pages->table);
	if (!err)
		err = open_areas(kernel, machine, pages);
	if (err)
		gg_kvm_pages_destroy(pages);
	else
		*ret = pages;
	return err;
}

// Finds the page of PIECE at GVA in the file of AREA.
static struct gg_error *look_at_file(const struct gg_kvm_pages *pages, const struct gg_area *area,
				     gg_gva_t gva, struct gg_kvm_piece *piece)
{
	const uint64_t offset = gva % pages->page_size, size = piece->size;
	struct gg_kvm_piece found;
	struct gg_error *err =
		gg_page_cache_find(pages->cache, area->file,
				   area->first + (gva - area->start) / pages->page_size, &found);
	if (err) {
		found = (struct gg_kvm_piece){ .kind = GG_KVM_NO_PAGE, .size = pages->page_size };
		err = gg_error_unless_final(err);
	}
	*piece = found;
	piece->gpa += offset;
	piece->size -= offset;
	piece->size = piece->size < size ? piece->size : size;
	return err;
}

// Finds what PIECE, at GVA and without a page, is: zeros where the process would find zeros there, or a file's page.
static struct gg_error *look_at_area(struct gg_kvm_pages *pages, gg_gva_t gva,
				     struct gg_kvm_piece *piece)
{
	struct gg_area area;
	if (!pages->areas)
		return NULL;
	struct gg_error *err = gg_areas_find(pages->areas, gva, &area);
	if (err)
		return gg_error_unless_final(err);
	if (piece->size > area.end - gva)
		piece->size = area.end - gva;
	if (area.is_zero_filled)
		piece->kind = GG_KVM_ZEROS;
	return area.file && pages->cache ? look_at_file(pages, &area, gva, piece) : NULL;
}

void gg_kvm_pages_ran(struct gg_kvm_pages *pages)
{
	pages->leaf.size = 0;
	gg_areas_ran(pages->areas);
}

struct gg_error *gg_kvm_pages_find(struct gg_kvm_pages *pages, gg_gva_t gva, uint64_t size,
				   struct gg_kvm_piece *ret)
{
	struct gg_mapping mapping;
	struct gg_error *err = gg_page_table_map_near(pages->table, &pages->leaf, gva, &mapping);
	if (err)
		return err;
	*ret = (struct gg_kvm_piece){ .size = mapping.size, .gpa = mapping.gpa };
	if (mapping.present)
		ret->kind = GG_KVM_HELD;
	else if (pages->ops->hidden_page(&mapping.last, &ret->gpa))
		ret->gpa += gva % mapping.page_size;
	else
		ret->kind = mapping.last.value ? GG_KVM_SWAPPED : GG_KVM_NO_PAGE;
	if (!ret->size)
		return gg_error_create(GG_BAD_DATA, "a page of 0 bytes at 0x%" PRIx64, gva);
	ret->size = ret->size < size ? ret->size : size;
	return ret->kind == GG_KVM_NO_PAGE ? look_at_area(pages, gva, ret) : NULL;
}
