// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-head.h"

#include "arch/arm64/arm64.h"
#include "linux/module-head.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 13, INSTRUCTION = 4 };

static const struct gg_arch arch = { .name = "aarch64", .word = 8, .kernel = &arm64_linux };

// The middle of each function. x20 or x21 is the data's page plus 0x5c0, and the word that is read has the offset 0x50.
static const struct {
	const char *name;
	uint32_t code[WORDS];
} functions[FAKE_HEAD_FUNCTIONS] = {
	{ "find_module_all",
	  { 0xaa1e03e9, 0xd503201f, 0xd503233f, 0xa9bc7bfd, 0x910003fd, 0xa9025bf5, 0xd503201f,
	    0xb0000015, 0x911702b5, 0xd503201f, 0xf8450ea0, 0xeb15001f, 0x540002c0 } },
	{ "print_modules",
	  { 0xaa1e03e9, 0xd503233f, 0xb0000000, 0x91356000, 0x97fffa1e, 0xb0000014, 0xd503201f,
	    0xd503201f, 0x91170294, 0xd503201f, 0xf8450e93, 0xd1002273, 0xeb14001f } },
	{ "lookup_module_symbol_name",
	  { 0xaa1e03e9, 0xd503201f, 0xd503233f, 0xa9be7bfd, 0x910003fd, 0xf9000bf3, 0xaa0103f3,
	    0xaa0003e1, 0xb0000000, 0x91184004, 0xf9430802, 0xeb04005f, 0xd1002040 } },
};

static struct gg_error *fake_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct fake_head *fake = data;
	const uint64_t offset = address - FAKE_HEAD_START;
	if (offset >= FAKE_HEAD_SIZE || size > FAKE_HEAD_SIZE - offset)
		return gg_error_fault(address, "nothing is mapped at 0x%" PRIx64, address);
	memcpy(buffer, fake->bytes + offset, size);
	return NULL;
}

static struct gg_error *find(void *data, const char *name, struct gg_symbol *ret)
{
	const struct fake_head *fake = data;
	for (unsigned int i = 0; i < fake->functions; i++)
		if (!strcmp(functions[i].name, name)) {
			ret->address = FAKE_HEAD_START + (uint64_t)i * FAKE_HEAD_FUNCTION;
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "no symbol %s", name);
}

static struct gg_error *find_at(void *data, gg_gva_t address, struct gg_symbol *ret)
{
	(void)data;
	*ret = (struct gg_symbol){ .name = "a function",
				   .address = address,
				   .size = WORDS * INSTRUCTION };
	return NULL;
}

static void destroy(void *data)
{
	(void)data;
}

void fake_head_put(struct fake_head *fake, size_t offset, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		fake->bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

void fake_head_write(struct fake_head *fake)
{
	memset(fake->bytes, 0, sizeof(fake->bytes));
	fake->functions = FAKE_HEAD_FUNCTIONS;
	for (size_t i = 0; i < FAKE_HEAD_FUNCTIONS; i++)
		for (size_t j = 0; j < WORDS; j++)
			fake_head_put(fake, i * FAKE_HEAD_FUNCTION + j * INSTRUCTION, INSTRUCTION,
				      functions[i].code[j]);
	fake_head_put(fake, FAKE_HEAD, 8, FAKE_HEAD_START + FAKE_HEAD);
	fake_head_put(fake, FAKE_HEAD + 8, 8, FAKE_HEAD_START + FAKE_HEAD);
}

void fake_head_init(struct fake_head *fake)
{
	static const struct gg_host_ops host_ops = { .read = fake_read };
	static const struct gg_symbol_finder_ops ops = { .find = find,
							 .find_at = find_at,
							 .destroy = destroy };
	const struct gg_host host = { .ops = &host_ops, .data = fake, .address_size = 8 };
	fake->kernel = (struct gg_answerers){ .host = host, .typed = host, .arch = &arch };
	fake->kernel.memory.host = host;
	struct gg_error *err = gg_symbols_create(&fake->kernel.memory, NULL, &fake->kernel.symbols);
	if (!err)
		err = gg_symbols_add(fake->kernel.symbols,
				     &(struct gg_symbol_finder){ .name = "functions",
								 .order = GG_BY_KALLSYMS,
								 .ops = &ops,
								 .data = fake,
								 .start = FAKE_HEAD_START,
								 .size = FAKE_HEAD_SIZE });
	if (!err)
		err = gg_modules_add_head(&fake->kernel, GG_BY_CODE);
	if (err)
		abort();
}

void fake_head_deinit(struct fake_head *fake)
{
	gg_symbols_destroy(fake->kernel.symbols);
	fake->kernel = (struct gg_answerers){ 0 };
}
