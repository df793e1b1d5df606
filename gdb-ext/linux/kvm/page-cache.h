// SPDX-License-Identifier: GPL-3.0-or-later
//
// The pages of files that the kernel holds in memory: also those that no process has mapped.
#ifndef GG_KVM_PAGE_CACHE_H
#define GG_KVM_PAGE_CACHE_H

#include "linux/answerers/answerers.h"
#include "piece.h"

struct gg_page_cache;

// Opens the page cache; KERNEL must outlive RET. HOST has the members of modules too. GG_NOT_FOUND where the kernel
// lacks a member, or the place of the struct pages is not known.
struct gg_error *gg_page_cache_create(const struct gg_answerers *kernel, const struct gg_host *host,
				      struct gg_page_cache **ret);

// CACHE may be NULL.
void gg_page_cache_destroy(struct gg_page_cache *cache);

// Finds page INDEX of the file whose struct file is at FILE. RET's size is that of a page, or of more pages that are
// not there.
struct gg_error *gg_page_cache_find(const struct gg_page_cache *cache, gg_gva_t file,
				    uint64_t index, struct gg_kvm_piece *ret);

#endif
