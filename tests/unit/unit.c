// SPDX-License-Identifier: GPL-3.0-or-later
#include "unit.h"

#include <inttypes.h>
#include <string.h>

void assert_success(struct gg_error *err)
{
	if (err)
		fail_msg("%s", gg_error_message(err));
}

void assert_error(struct gg_error *err, enum gg_error_kind kind, const char *text)
{
	assert_non_null(err);
	if (gg_error_kind(err) != kind || !strstr(gg_error_message(err), text))
		fail_msg("expected %s ... %s ..., got %s %s", gg_error_kind_word(kind), text,
			 gg_error_kind_word(gg_error_kind(err)), gg_error_message(err));
	gg_error_destroy(err);
}

void put_uint(void *where, unsigned int size, uint64_t value)
{
	uint8_t *bytes = where;
	for (unsigned int i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

void assert_between(uint64_t value, uint64_t min, uint64_t max)
{
	if (value < min || value > max)
		fail_msg("%" PRIu64 " is not %" PRIu64 " to %" PRIu64, value, min, max);
}
