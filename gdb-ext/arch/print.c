// SPDX-License-Identifier: GPL-3.0-or-later
#include "print.h"

void gg_print_digits(FILE *out, uint64_t value, uint64_t unknown, unsigned int digits)
{
	while (digits-- > 0)
		fputc(unknown >> 4 * digits & 0xf ? '?'
						  : "0123456789abcdef"[value >> 4 * digits & 0xf],
		      out);
}

void gg_print_register(FILE *out, const struct gg_registers *registers, unsigned int id,
		       unsigned int digits)
{
	gg_print_digits(out, gg_register(registers, id), gg_register_unknown(registers, id),
			digits);
}

void gg_print_register_bytes(FILE *out, const struct gg_registers *registers, unsigned int id,
			     unsigned int from, unsigned int size)
{
	const uint8_t *bytes = gg_register_bytes(registers, id);
	const uint8_t *mask = gg_register_mask(registers, id);
	for (unsigned int i = from + size; i-- > from;)
		if (mask[i] == 0xff)
			fprintf(out, "%02x", bytes[i]);
		else
			fputs("??", out);
}
