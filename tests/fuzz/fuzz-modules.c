// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged modules. The input is a list of changes to sound ones: (offset u16, width u8, value u64),
// little-endian, from the memory's start on.
#include "fuzz.h"

#include "../unit/fake-modules.h"

#include <stdlib.h>
#include <string.h>

enum { CHANGE_SIZE = 11 };

static struct gg_error *use_symbol(void *data, const struct gg_symbol *symbol)
{
	const struct fake_modules *fake = data;
	struct gg_symbol other;
	for (const char *c = symbol->name; *c; c++)
		if (*c <= ' ' || *c > '~')
			abort();
	struct gg_error *err = gg_symbols_at(fake->kernel.symbols, symbol->address, &other);
	if (!err && other.address > symbol->address)
		abort();
	gg_error_destroy(err);
	return NULL;
}

static void use_module(const struct fake_modules *fake, const struct gg_module *module)
{
	gg_gva_t *users;
	size_t count;
	uint8_t id[GG_BUILD_ID_MAX];
	gg_error_destroy(gg_module_users(&fake->kernel, module, &users, &count));
	free(users);
	gg_error_destroy(gg_module_build_id(&fake->kernel, module, id, &count));
	gg_error_destroy(gg_module_symbols(&fake->kernel, module, use_symbol, (void *)fake));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake_modules fake;
	const struct gg_module_list *list = NULL;
	struct gg_symbol symbol;
	fake_modules_write(&fake);
	for (size_t at = 0; at + CHANGE_SIZE <= size; at += CHANGE_SIZE) {
		const size_t offset = (size_t)(data[at] | data[at + 1] << 8);
		const size_t width = (size_t)1 << data[at + 2] % 4;
		if (offset + width <= FAKE_MODULES_SIZE)
			memcpy(fake.bytes + offset, data + at + 3, width);
	}
	fake_modules_init(&fake);
	struct gg_error *err = gg_modules_list(&fake.kernel, &list);
	for (size_t i = 0; !err && i < list->count; i++)
		use_module(&fake, &list->modules[i]);
	gg_error_destroy(err);
	gg_error_destroy(gg_symbols_find_everywhere(fake.kernel.symbols, "write", &symbol));
	for (size_t at = FAKE_BPF_CODE; at < FAKE_MODULES_SIZE; at += FAKE_BPF_SIZE)
		gg_error_destroy(gg_symbols_at(fake.kernel.symbols, FAKE_MODULES + at, &symbol));
	fake_modules_deinit(&fake);
	return 0;
}
