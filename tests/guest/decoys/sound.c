// SPDX-License-Identifier: GPL-3.0-or-later
//
// Nothing is wrong with this one: what the others are refused for is what they lack of it.
#include "machine.h"

int main(void)
{
	make_machine();
	return wait_for_core();
}
