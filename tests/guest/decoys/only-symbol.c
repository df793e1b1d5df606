// SPDX-License-Identifier: GPL-3.0-or-later
//
// A symbol of QEMU's, and behind it nothing at all.
#include <stdio.h>

char address_space_memory[88];

int main(void)
{
	puts("ready");
	fflush(stdout);
	return getchar();
}
