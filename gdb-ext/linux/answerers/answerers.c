// SPDX-License-Identifier: GPL-3.0-or-later
#include "answerers.h"

static struct gg_error *kernel_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_answerers *answerers = data;
	return gg_page_table_read(answerers->memory.table, address, buffer, size);
}

static struct gg_error *kernel_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct gg_answerers *answerers = data;
	return gg_symbols_address(answerers->symbols, name, ret);
}

static struct gg_error *kernel_member(void *data, const char *type, const char *path,
				      struct gg_member *ret)
{
	const struct gg_answerers *answerers = data;
	return gg_members_find(answerers->members, type, path, ret);
}

static struct gg_error *typed_member(void *data, const char *type, const char *path,
				     struct gg_member *ret)
{
	const struct gg_answerers *answerers = data;
	return gg_members_find(answerers->typed_members, type, path, ret);
}

static struct gg_error *kernel_registers(void *data, unsigned int thread, const char *name,
					 void *buffer, size_t size, size_t *ret)
{
	(void)data, (void)buffer, (void)size, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "a kernel has no register %s of thread %u", name,
			       thread);
}

static const struct gg_host_ops kernel_ops = {
	.read = kernel_read,
	.symbol = kernel_symbol,
	.member = kernel_member,
	.registers = kernel_registers,
};

static const struct gg_host_ops typed_ops = {
	.read = kernel_read,
	.symbol = kernel_symbol,
	.member = typed_member,
	.registers = kernel_registers,
};

static struct gg_host host_with(struct gg_answerers *answerers, const struct gg_host_ops *ops)
{
	struct gg_host host = answerers->memory.host;
	host.ops = ops;
	host.data = answerers;
	return host;
}

struct gg_error *gg_answerers_init(struct gg_answerers *answerers, const struct gg_arch *arch,
				   const struct gg_kernel_memory *memory,
				   const struct gg_debug *debug)
{
	*answerers = (struct gg_answerers){ .memory = *memory, .arch = arch };
	answerers->host = host_with(answerers, &kernel_ops);
	answerers->typed = host_with(answerers, &typed_ops);
	struct gg_error *err = gg_symbols_create(&answerers->memory, debug, &answerers->symbols);
	if (!err)
		err = gg_members_create(debug, &answerers->members);
	if (!err)
		err = gg_members_create(debug, &answerers->typed_members);
	if (!err)
		err = gg_types_create(answerers->symbols, debug, &answerers->types);
	return err ? err
		   : gg_types_add_finder(answerers->typed_members, GG_BY_BTF, answerers->types);
}

void gg_answerers_deinit(struct gg_answerers *answerers)
{
	gg_types_destroy(answerers->types);
	gg_symbols_destroy(answerers->symbols);
	gg_members_destroy(answerers->members);
	gg_members_destroy(answerers->typed_members);
	*answerers = (struct gg_answerers){ 0 };
}
