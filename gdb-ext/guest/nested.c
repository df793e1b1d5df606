// SPDX-License-Identifier: GPL-3.0-or-later
//
// The nested guests that guest-nested shows.
#include "nested.h"
#include "tasks.h"

struct gg_error *gg_guest_nested(struct gg_guest *guest, bool count_memory,
				 const struct gg_notices *notices, struct gg_kvm_machines *ret)
{
	const struct gg_answerers *kernel;
	const struct gg_ram_map *map;
	const bool counts = count_memory || !gg_guest_is_over_wire(guest);
	struct gg_error *err = gg_guest_answerers(guest, notices, &kernel);
	if (!err)
		err = gg_guest_ram_map(guest, &map);
	if (!err)
		err = gg_kvm_read(kernel, map, counts, notices, ret);
	if (!err && ret->count && !counts)
		err = gg_tell(notices, "the memory of nested guests is not counted over the "
				       "gdbstub: -memory counts it, in some minutes");
	return err;
}
