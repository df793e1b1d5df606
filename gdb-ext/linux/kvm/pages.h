// SPDX-License-Identifier: GPL-3.0-or-later
//
// The pages of the process that runs a machine of KVM's, and the machine's memory made of these pages.
#ifndef GG_KVM_PAGES_H
#define GG_KVM_PAGES_H

#include "kvm.h"
#include "piece.h"

struct gg_kvm_pages;

// Opens the page tables of the process that runs MACHINE. KERNEL must outlive RET.
struct gg_error *gg_kvm_pages_create(const struct gg_answerers *kernel,
				     const struct gg_kvm_machine *machine,
				     struct gg_kvm_pages **ret);

// PAGES may be NULL.
void gg_kvm_pages_destroy(struct gg_kvm_pages *pages);

// Forgets what may be different after the guest ran.
void gg_kvm_pages_ran(struct gg_kvm_pages *pages);

// Finds the piece that starts at GVA, at most SIZE (at least 1) bytes of it.
struct gg_error *gg_kvm_pages_find(struct gg_kvm_pages *pages, gg_gva_t gva, uint64_t size,
				   struct gg_kvm_piece *ret);

// Creates the backing of a machine's memory, in which an hva is an address of the process. Takes over PAGES,
// but not after an error; MAP, with the RAM of the guest that has the process, must outlive RET.
struct gg_error *gg_kvm_backing_create(struct gg_kvm_pages *pages, const struct gg_ram_map *map,
				       struct gg_backing **ret);

#endif
