// SPDX-License-Identifier: GPL-3.0-or-later
#include "registers.h"

void gg_registers_init(struct gg_registers *registers, unsigned int word)
{
	*registers = (struct gg_registers){ .word = word };
	for (unsigned int id = 0; id < GG_REGISTERS_MAX; id++)
		registers->values[id].unknown = UINT64_MAX;
}
