// SPDX-License-Identifier: GPL-3.0-or-later
#include "syscall.h"

#include "arch/arch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct gg_error *find_function(const struct gg_unwind *unwind, const char *table,
				      uint64_t index, struct gg_symbol *ret)
{
	struct gg_symbols *symbols = unwind->kernel->symbols;
	const unsigned int word = unwind->kernel->arch->word;
	struct gg_symbol array;
	uint64_t function;
	struct gg_error *err = gg_symbols_find(symbols, table, &array);
	if (!err && index >= array.size / word)
		return gg_error_create(GG_NOT_FOUND, "%s has no %" PRIu64, table, index);
	if (!err)
		err = gg_host_read_uint(&unwind->kernel->typed, array.address + index * word, word,
					&function);
	if (!err)
		err = gg_symbols_at(symbols, function, ret);
	if (!err && ret->address != function)
		err = gg_error_create(GG_NOT_FOUND, "%s+%" PRIu64 " is no function", table, index);
	return err;
}

// Copies the name of the function NAME without the prefix of system calls.
static void copy_name(const char *name, char ret[GG_ENTRY_NAME])
{
	static const char *const prefixes[] = {
		"__x64_compat_sys_",
		"__ia32_compat_sys_",
		"__x32_compat_sys_",
		"__x64_sys_",
		"__ia32_sys_",
		"__do_compat_sys_",
		"__arm64_sys_",
		"__riscv_sys_",
		"__s390x_sys_",
		"__se_sys_",
		"compat_sys_",
		"__do_sys_",
		"sys_",
	};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		const size_t size = strlen(prefixes[i]);
		if (!strncmp(name, prefixes[i], size)) {
			name += size;
			break;
		}
	}
	snprintf(ret, GG_ENTRY_NAME, "%s", name);
}

void gg_syscall_set(struct gg_unwind *unwind, const char *table, uint64_t index, int64_t number)
{
	struct gg_symbol function;
	unwind->entry.number = number;
	struct gg_error *err = find_function(unwind, table, index, &function);
	if (!err)
		copy_name(function.name, unwind->entry.name);
	gg_error_destroy(err);
}
