// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-answerers.h"

#include <stdlib.h>
#include <string.h>

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct fake_parts *parts = data;
	for (size_t i = 0; i < parts->variable_count; i++) {
		const struct fake_variable *variable = &parts->variables[i];
		if (strcmp(variable->name, name))
			continue;
		*ret = (struct gg_symbol){ .name = name,
					   .type = 'D',
					   .address = parts->base + variable->offset,
					   .size = variable->size };
		return NULL;
	}
	return gg_error_create(GG_NOT_FOUND, "no %s", name);
}

static void destroy(void *data)
{
	(void)data;
}

static struct gg_error *fill(struct fake_answerers *fake)
{
	const struct fake_parts *parts = fake->parts;
	void *memory = NULL;
	struct gg_error *err = gg_bytes_host_create(&fake->bytes);
	if (!err)
		err = gg_bytes_host_add_memory(fake->bytes, parts->base, parts->size, &memory);
	fake->memory = memory;
	for (size_t i = 0; !err && i < parts->variable_count; i++)
		err = gg_bytes_host_add_symbol(fake->bytes, parts->variables[i].name,
					       parts->base + parts->variables[i].offset);
	for (size_t i = 0; !err && i < parts->member_count; i++) {
		const struct fake_member *member = &parts->members[i];
		err = gg_bytes_host_add_member(fake->bytes, member->type, member->path,
					       member->offset, member->size);
	}
	return err;
}

void fake_answerers_init(struct fake_answerers *fake, const struct fake_parts *parts,
			 struct gg_answerers *answerers)
{
	static const struct gg_symbol_finder_ops ops = { .find = find, .destroy = destroy };
	const struct gg_symbol_finder finder = {
		.name = "fake", .order = 1, .ops = &ops, .data = (void *)parts
	};
	*fake = (struct fake_answerers){ .parts = parts };
	if (fill(fake))
		abort();
	answerers->memory.host = *gg_bytes_host(fake->bytes);
	answerers->host = answerers->typed = answerers->memory.host;
	if (gg_symbols_create(&answerers->memory, NULL, &answerers->symbols) ||
	    gg_symbols_add(answerers->symbols, &finder))
		abort();
}

void fake_answerers_deinit(struct fake_answerers *fake, struct gg_answerers *answerers)
{
	gg_symbols_destroy(answerers->symbols);
	gg_bytes_host_destroy(fake->bytes);
}

void fake_put(const struct fake_answerers *fake, size_t offset, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		fake->memory[offset + i] = (uint8_t)(value >> 8 * i);
}
