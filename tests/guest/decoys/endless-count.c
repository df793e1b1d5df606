// SPDX-License-Identifier: GPL-3.0-or-later
//
// A FlatView with 2^31 ranges, by its own count.
#include "machine.h"

int main(void)
{
	struct view *view = make_machine();
	view->nr = view->nr_allocated = 1u << 31;
	return wait_for_core();
}
