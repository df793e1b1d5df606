// SPDX-License-Identifier: GPL-3.0-or-later
//
// A FlatView without RAM: no region has a block.
#include "machine.h"

int main(void)
{
	struct view *view = make_machine();
	view->ranges[RAM].mr->block = NULL;
	view->ranges[ROM].mr->block = NULL;
	return wait_for_core();
}
