// SPDX-License-Identifier: GPL-3.0-or-later
#include "no-host.h"

static struct gg_error *no_answer(void *reason)
{
	return gg_error_create(GG_NOT_FOUND, "%s", (const char *)reason);
}

static struct gg_error *no_read(void *data, uint64_t address, void *buffer, size_t size)
{
	(void)address, (void)buffer, (void)size;
	return no_answer(data);
}

static struct gg_error *no_symbol(void *data, const char *name, uint64_t *ret)
{
	(void)name, (void)ret;
	return no_answer(data);
}

static struct gg_error *no_member(void *data, const char *type, const char *path,
				  struct gg_member *ret)
{
	(void)type, (void)path, (void)ret;
	return no_answer(data);
}

static struct gg_error *no_registers(void *data, unsigned int thread, const char *name,
				     void *buffer, size_t size, size_t *ret)
{
	(void)thread, (void)name, (void)buffer, (void)size, (void)ret;
	return no_answer(data);
}

struct gg_host gg_no_host(const char *reason, bool big_endian, unsigned int address_size)
{
	static const struct gg_host_ops ops = {
		.read = no_read,
		.symbol = no_symbol,
		.member = no_member,
		.registers = no_registers,
	};
	return (struct gg_host){ .ops = &ops,
				 .data = (void *)reason,
				 .big_endian = big_endian,
				 .address_size = address_size };
}
