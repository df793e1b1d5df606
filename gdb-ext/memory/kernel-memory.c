// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernel-memory.h"

static struct gg_error *memory_read(void *data, uint64_t address, void *buffer, size_t size)
{
	return gg_page_table_read(data, address, buffer, size);
}

static struct gg_error *memory_symbol(void *data, const char *name, uint64_t *ret)
{
	(void)data, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "memory alone has no symbol %s", name);
}

static struct gg_error *memory_member(void *data, const char *type, const char *path,
				      struct gg_member *ret)
{
	(void)data, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "memory alone has no %s.%s", type, path);
}

static struct gg_error *memory_registers(void *data, unsigned int thread, const char *name,
					 void *buffer, size_t size, size_t *ret)
{
	(void)data, (void)buffer, (void)size, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "memory has no register %s of thread %u", name,
			       thread);
}

static const struct gg_host_ops memory_ops = {
	.read = memory_read,
	.symbol = memory_symbol,
	.member = memory_member,
	.registers = memory_registers,
};

struct gg_kernel_memory gg_kernel_memory(struct gg_page_table *table, bool big_endian,
					 unsigned int word)
{
	return (struct gg_kernel_memory){
		.host = { .ops = &memory_ops,
			  .data = table,
			  .big_endian = big_endian,
			  .address_size = word },
		.table = table,
		.kept = { .table = table },
	};
}

// ---- What never changes ----

static struct gg_error *constants_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_kernel_memory *memory = data;
	return gg_kept_read(&memory->kept, address, buffer, size);
}

static const struct gg_host_ops constants_ops = {
	.read = constants_read,
	.symbol = memory_symbol,
	.member = memory_member,
	.registers = memory_registers,
};

struct gg_host gg_kernel_constants(const struct gg_kernel_memory *memory)
{
	struct gg_host host = memory->host;
	if (!memory->kept.kept)
		return host;
	host.ops = &constants_ops;
	host.data = (void *)memory;
	return host;
}
