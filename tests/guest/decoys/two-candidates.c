// SPDX-License-Identifier: GPL-3.0-or-later
//
// Two FlatViews hang on the AddressSpace, each as good as the other.
#include "machine.h"

int main(void)
{
	make_machine();
	address_space_memory.other = make_view(0xd2);
	return wait_for_core();
}
