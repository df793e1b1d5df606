// SPDX-License-Identifier: GPL-3.0-or-later
#include "printed.h"
#include "unit.h"

#include <string.h>

char output[1 << 20], told[1 << 14];

static size_t output_size;

static struct gg_error *write_output(void *data, const char *text, size_t size)
{
	(void)data;
	if (!output[0])
		output_size = 0;
	assert_true(size && output_size + size < sizeof(output));
	memcpy(output + output_size, text, size);
	output_size += size;
	output[output_size] = 0;
	return NULL;
}

static struct gg_error *tell(void *data, const char *text)
{
	const size_t used = strlen(told), size = strlen(text);
	(void)data;
	assert_true(used + size + 2 < sizeof(told));
	memcpy(told + used, text, size);
	memcpy(told + used + size, "\n", 2);
	return NULL;
}

const struct gg_writer to_output = { .write = write_output };
const struct gg_notices to_told = { .tell = tell };

void forget_output(void)
{
	output[0] = told[0] = 0;
}
