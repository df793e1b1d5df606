// SPDX-License-Identifier: GPL-3.0-or-later
//
// Registers as digits: parts of the text of QEMU's "info registers".
#ifndef GG_ARCH_PRINT_H
#define GG_ARCH_PRINT_H

#include "registers.h"

#include <stdio.h>

// Prints the low DIGITS hexadecimal digits of VALUE, those with UNKNOWN bits as "?".
void gg_print_digits(FILE *out, uint64_t value, uint64_t unknown, unsigned int digits);

// Prints the low DIGITS hexadecimal digits of a register.
void gg_print_register(FILE *out, const struct gg_registers *registers, unsigned int id,
		       unsigned int digits);

// Prints SIZE bytes of a wide register from FROM on, as one number.
void gg_print_register_bytes(FILE *out, const struct gg_registers *registers, unsigned int id,
			     unsigned int from, unsigned int size);

#endif
