// SPDX-License-Identifier: GPL-3.0-or-later
//
// The blocks' bytes are where nothing is mapped.
#include "machine.h"

int main(void)
{
	struct view *view = make_machine();
	munmap(view->ranges[RAM].mr->block->host, RAM_SIZE);
	munmap(view->ranges[ROM].mr->block->host, ROM_SIZE);
	return wait_for_core();
}
