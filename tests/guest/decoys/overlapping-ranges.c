// SPDX-License-Identifier: GPL-3.0-or-later
//
// A FlatView whose ranges overlap.
#include "machine.h"

int main(void)
{
	struct view *view = make_machine();
	view->ranges[1].start.lo = RAM_SIZE - 0x1000;
	return wait_for_core();
}
