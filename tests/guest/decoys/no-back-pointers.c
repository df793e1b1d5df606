// SPDX-License-Identifier: GPL-3.0-or-later
//
// The blocks are another machine's: none leads back to the region that leads to it.
#include "machine.h"

int main(void)
{
	struct view *view = make_machine();
	struct region *stranger = make_region("stranger", RAM_SIZE);
	view->ranges[RAM].mr->block->mr = stranger;
	view->ranges[ROM].mr->block->mr = stranger;
	return wait_for_core();
}
