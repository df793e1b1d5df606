// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-modules.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *type, *path;
	struct gg_member member;
} members[] = {
	{ "module", "state", { FAKE_STATE, 4 } },
	{ "module", "list", { FAKE_LIST, 16 } },
	{ "module", "name", { FAKE_NAME, 56 } },
	{ "module", "mem[0].base", { FAKE_MEM, 8 } },
	{ "module", "mem[0].size", { FAKE_MEM + 8, 4 } },
	{ "module", "mem[1].base", { FAKE_MEM + 16, 8 } },
	{ "module", "mem[1].size", { FAKE_MEM + 24, 4 } },
	{ "module", "taints", { 192, 8 } },
	{ "module", "kallsyms", { FAKE_KALLSYMS, 8 } },
	{ "module", "refcnt", { 208, 4 } },
	{ "module", "notes_attrs", { FAKE_NOTES, 8 } },
	{ "module", "source_list", { FAKE_SOURCE_LIST, 16 } },
	{ "module", "init", { 256, 8 } },
	{ "module", "exit", { 264, 8 } },
	{ "mod_kallsyms", "symtab", { 0, 8 } },
	{ "mod_kallsyms", "num_symtab", { 8, 4 } },
	{ "mod_kallsyms", "strtab", { 16, 8 } },
	{ "mod_kallsyms", "typetab", { 24, 8 } },
	{ "module_use", "source_list", { 0, 16 } },
	{ "module_use", "source", { 32, 8 } },
	{ "module_notes_attrs", "notes", { 8, 4 } },
	{ "module_notes_attrs", "attrs", { 16, 0 } },
	{ "bin_attribute", "", { 0, 32 } },
	{ "bin_attribute", "size", { 16, 8 } },
	{ "bin_attribute", "private", { 24, 8 } },
	{ "bpf_ksym", "start", { 0, 8 } },
	{ "bpf_ksym", "end", { 8, 8 } },
	{ "bpf_ksym", "name", { 16, 32 } },
	{ "bpf_ksym", "lnode", { 48, 16 } },
};

size_t fake_module(unsigned int number)
{
	return (size_t)FAKE_MODULE_SIZE * (number + 1);
}

// ---- The host ----

static struct gg_error *fake_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct fake_modules *fake = data;
	const uint64_t offset = address - FAKE_MODULES;
	if (offset >= FAKE_MODULES_SIZE || size > FAKE_MODULES_SIZE - offset)
		return gg_error_fault(address, "nothing is mapped at 0x%llx",
				      (unsigned long long)address);
	memcpy(buffer, fake->bytes + offset, size);
	return NULL;
}

static struct gg_error *fake_symbol(void *data, const char *name, uint64_t *ret)
{
	(void)data;
	const bool is_bpf = !strcmp(name, "bpf_kallsyms");
	*ret = FAKE_MODULES + (is_bpf ? FAKE_BPF_LIST : 0);
	return strcmp(name, "modules") && !is_bpf
		       ? gg_error_create(GG_NOT_FOUND, "the kernel has no symbol %s", name)
		       : NULL;
}

static struct gg_error *fake_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	(void)data;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (!strcmp(type, members[i].type) && !strcmp(path, members[i].path)) {
			*ret = members[i].member;
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "type %s has no member %s", type, path);
}

static const struct gg_host_ops ops = {
	.read = fake_read,
	.symbol = fake_symbol,
	.member = fake_member,
};

// ---- The memory ----

static void put(struct fake_modules *fake, size_t offset, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		fake->bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

static void put_symbol(struct fake_modules *fake, size_t at, uint32_t name, unsigned char bind,
		       uint64_t address)
{
	put(fake, at + offsetof(Elf64_Sym, st_name), 4, name);
	put(fake, at + offsetof(Elf64_Sym, st_info), 1, ELF64_ST_INFO(bind, STT_FUNC));
	put(fake, at + offsetof(Elf64_Sym, st_shndx), 2, address ? 1 : SHN_UNDEF);
	put(fake, at + offsetof(Elf64_Sym, st_value), 8, address);
}

// Symbols "read", "write" at the same address, and "open", behind an empty one.
static void put_symbols(struct fake_modules *fake, size_t module)
{
	static const char names[] = "\0read\0write\0open";
	const size_t table = module + FAKE_SYMTAB, head = module + FAKE_MOD_KALLSYMS;
	const uint64_t text = FAKE_MODULES + module;
	put(fake, module + FAKE_KALLSYMS, 8, FAKE_MODULES + head);
	put(fake, head, 8, FAKE_MODULES + table);
	put(fake, head + 8, 4, 4);
	put(fake, head + 16, 8, FAKE_MODULES + module + FAKE_STRTAB);
	put(fake, head + 24, 8, FAKE_MODULES + module + FAKE_STRTAB + sizeof(names));
	memcpy(fake->bytes + module + FAKE_STRTAB, names, sizeof(names));
	memcpy(fake->bytes + module + FAKE_STRTAB + sizeof(names), "?tTd", 4);
	put_symbol(fake, table, 0, STB_LOCAL, 0);
	put_symbol(fake, table + sizeof(Elf64_Sym), 1, STB_LOCAL, text + 0x500);
	put_symbol(fake, table + 2 * sizeof(Elf64_Sym), 6, STB_GLOBAL, text + 0x500);
	put_symbol(fake, table + 3 * sizeof(Elf64_Sym), 12, STB_LOCAL, text + 0x300);
}

static void put_notes(struct fake_modules *fake, size_t module)
{
	static const uint8_t note[] = { 4, 0, 0,   0,   4,   0, 0,    0,    3,    0,
					0, 0, 'G', 'N', 'U', 0, 0xab, 0xcd, 0xef, 1 };
	const size_t attrs = module + FAKE_NOTE_ATTRS;
	put(fake, module + FAKE_NOTES, 8, FAKE_MODULES + attrs);
	put(fake, attrs + 8, 4, 1);
	put(fake, attrs + 16 + 16, 8, sizeof(note));
	put(fake, attrs + 16 + 24, 8, FAKE_MODULES + module + FAKE_NOTE);
	memcpy(fake->bytes + module + FAKE_NOTE, note, sizeof(note));
}

static void put_module(struct fake_modules *fake, unsigned int number, const char *name)
{
	const size_t module = fake_module(number);
	const size_t next =
		number + 1 < FAKE_MODULE_COUNT ? fake_module(number + 1) + FAKE_LIST : 0;
	put(fake, module + FAKE_LIST, 8, FAKE_MODULES + next);
	strcpy((char *)fake->bytes + module + FAKE_NAME, name);
	put(fake, module + FAKE_MEM, 8, FAKE_MODULES + module);
	put(fake, module + FAKE_MEM + 8, 4, 0xe00);
	put(fake, module + 192, 8, 1 << 12);
	put(fake, module + 208, 4, 2);
	put(fake, module + FAKE_SOURCE_LIST, 8, FAKE_MODULES + module + FAKE_SOURCE_LIST);
}

// Makes the modules 1 and 2 users of the module 0.
static void put_users(struct fake_modules *fake)
{
	const size_t head = fake_module(0) + FAKE_SOURCE_LIST;
	const size_t first = fake_module(1) + FAKE_USE, second = fake_module(2) + FAKE_USE;
	put(fake, head, 8, FAKE_MODULES + first);
	put(fake, first, 8, FAKE_MODULES + second);
	put(fake, second, 8, FAKE_MODULES + head);
	put(fake, first + 32, 8, FAKE_MODULES + fake_module(1));
	put(fake, second + 32, 8, FAKE_MODULES + fake_module(2));
}

// A program of BPF's, and behind it a trampoline, in the order of a list that new code is put first in.
static void put_bpf(struct fake_modules *fake)
{
	static const char *const names[] = { "bpf_trampoline_7", "bpf_prog_0123456789abcdef_p" };
	put(fake, FAKE_BPF_LIST, 8, FAKE_MODULES + FAKE_BPF + 48);
	for (unsigned int i = 0; i < 2; i++) {
		const size_t at = FAKE_BPF + i * FAKE_BPF_SIZE;
		const uint64_t code = FAKE_MODULES + FAKE_BPF_CODE + (1 - i) * 0x40;
		put(fake, at, 8, code);
		put(fake, at + 8, 8, code + 0x30);
		strcpy((char *)fake->bytes + at + 16, names[i]);
		put(fake, at + 48, 8,
		    FAKE_MODULES + (i ? FAKE_BPF_LIST : FAKE_BPF + FAKE_BPF_SIZE + 48));
	}
}

void fake_modules_write(struct fake_modules *fake)
{
	static const char *const names[FAKE_MODULE_COUNT] = { "first", "sec_ond", "third" };
	memset(fake->bytes, 0, sizeof(fake->bytes));
	put(fake, 0, 8, FAKE_MODULES + fake_module(0) + FAKE_LIST);
	for (unsigned int i = 0; i < FAKE_MODULE_COUNT; i++)
		put_module(fake, i, names[i]);
	put_symbols(fake, fake_module(0));
	put_symbols(fake, fake_module(1));
	put_notes(fake, fake_module(0));
	put_users(fake);
	put_bpf(fake);
}

// ---- The kernel ----

void fake_modules_init(struct fake_modules *fake)
{
	const struct gg_host host = { .ops = &ops, .data = fake, .address_size = 8 };
	fake->kernel = (struct gg_answerers){ .host = host, .typed = host };
	fake->kernel.memory.host = host;
	struct gg_error *err = gg_symbols_create(&fake->kernel.memory, NULL, &fake->kernel.symbols);
	if (!err)
		err = gg_modules_add_finder(&fake->kernel, GG_BY_MODULES, FAKE_MODULES,
					    FAKE_MODULES_SIZE, NULL);
	if (!err)
		err = gg_bpf_add_finder(&fake->kernel, GG_BY_BPF, FAKE_MODULES, FAKE_MODULES_SIZE,
					NULL);
	if (err)
		abort();
}

void fake_modules_deinit(struct fake_modules *fake)
{
	gg_symbols_destroy(fake->kernel.symbols);
	fake->kernel = (struct gg_answerers){ 0 };
}
