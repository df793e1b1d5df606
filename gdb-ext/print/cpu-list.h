// SPDX-License-Identifier: GPL-3.0-or-later
//
// Lists of CPUs as a user writes them.
#ifndef GG_CPU_LIST_H
#define GG_CPU_LIST_H

#include "guest/guest.h"

struct gg_cpu_list {
	uint32_t *indices; // owned; each once
	size_t count;
};

// Chooses, of GUEST's CPUs, those in TEXT: "N", "N-M" or a list of these with commas, in its order;
// all for NULL. GG_INVALID for another text, GG_NOT_FOUND for a CPU that the guest has not.
struct gg_error *gg_cpu_list_create(struct gg_guest *guest, const char *text,
				    struct gg_cpu_list *ret);

void gg_cpu_list_deinit(struct gg_cpu_list *list);

#endif
