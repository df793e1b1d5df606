// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel-host.h"
#include "linux/symbols/symbols.h"

#include <stdio.h>

static struct gg_error *host_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_kernel *kernel = data;
	return gg_page_table_read(kernel->table, address, buffer, size);
}

static struct gg_error *host_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct gg_kernel *kernel = data;
	return gg_symbols_address(kernel->symbols, name, ret);
}

// OFFSET(TYPE.PATH), or SIZE(TYPE).
static struct gg_error *host_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	enum { MAX_NAME = 64 };
	const struct gg_kernel *kernel = data;
	char name[MAX_NAME];
	*ret = (struct gg_member){ 0 };
	if (!*path)
		return gg_vmcoreinfo_size(&kernel->info, "SIZE", type, &ret->size);
	snprintf(name, sizeof(name), "%s.%s", type, path);
	return gg_vmcoreinfo_size(&kernel->info, "OFFSET", name, &ret->offset);
}

static struct gg_error *host_registers(void *data, unsigned int thread, const char *name,
				       void *buffer, size_t size, size_t *ret)
{
	(void)data, (void)buffer, (void)size, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "a kernel has no register %s of thread %u", name,
			       thread);
}

static const struct gg_host_ops kernel_ops = {
	.read = host_read,
	.symbol = host_symbol,
	.member = host_member,
	.registers = host_registers,
};

void gg_kernel_host_init(struct gg_host *host, const struct gg_kernel *kernel)
{
	*host = (struct gg_host){ .ops = &kernel_ops,
				  .data = (void *)kernel,
				  .big_endian = kernel->arch->big_endian,
				  .address_size = kernel->paging.word };
}
