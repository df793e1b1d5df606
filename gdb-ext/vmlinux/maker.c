// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a kernel's symbols, types and code.
// Out: an ELF file with .symtab and DWARF.
#include "vmlinux.h"
#include "maker.h"
#include "vmlinux-ops.h"

#include <stdlib.h>
#include <string.h>

static struct gg_error *add_symbol(void *data, const struct gg_symbol *symbol)
{
	struct gg_vmlinux_maker *maker = data;
	// ELF's readers expect a table at this name.
	const bool is_special = !strcmp(symbol->name, "_GLOBAL_OFFSET_TABLE_");
	if ((symbol->module && !maker->modules) || is_special)
		return NULL;
	const gg_gva_t address = gg_vmlinux_displaced(maker, symbol->address);
	const uint16_t index = gg_vmlinux_section_of(maker, address);
	struct gg_symbol clipped = *symbol;
	// The letters of Linux 7.2's kallsyms do not tell code from data. Code without a section is the
	// kernel's own whose memory is not there.
	bool is_code = gg_symtab_is_code(symbol->type) && !symbol->module &&
		       address - maker->code_start < maker->code_size;
	if (index != SHN_ABS) {
		const struct gg_elf_section *section = &maker->sections[index - 1];
		const uint64_t room = section->address + section->size - address;
		clipped.size = symbol->size < room ? symbol->size : room;
		is_code = section->flags & SHF_EXECINSTR;
	}
	const struct gg_vmlinux_ops *ops = maker->kernel->arch->vmlinux;
	const uint8_t *code =
		is_code && ops->symbol_other ? gg_vmlinux_code(maker, address, clipped.size) : NULL;
	const uint8_t other = code ? ops->symbol_other(code, clipped.size) : 0;
	return gg_symtab_add(&maker->symtab, &clipped, address, index, is_code, other);
}

static struct gg_error *add_symbols(struct gg_vmlinux_maker *maker)
{
	gg_symtab_init(&maker->symtab, maker->kernel->arch);
	struct gg_error *err = gg_symbols_visit(maker->kernel->symbols, add_symbol, maker);
	return err ? err : gg_symtab_end(&maker->symtab);
}

static struct gg_error *add_bytes(struct gg_vmlinux_maker *maker, const char *name,
				  const struct gg_buffer *bytes)
{
	return gg_vmlinux_add_section(maker, &(struct gg_elf_section){ .name = name,
								       .type = SHT_PROGBITS,
								       .bytes = bytes->bytes,
								       .size = bytes->size,
								       .alignment = 1 });
}

static struct gg_error *add_debug_sections(struct gg_vmlinux_maker *maker)
{
	const struct gg_dwarf *dwarf = &maker->dwarf;
	struct gg_error *err = add_bytes(maker, ".debug_info", &dwarf->info);
	if (!err)
		err = add_bytes(maker, ".debug_abbrev", &dwarf->abbreviations);
	if (!err)
		err = gg_vmlinux_add_section(
			maker, &(struct gg_elf_section){ .name = ".debug_str",
							 .type = SHT_PROGBITS,
							 .flags = SHF_MERGE | SHF_STRINGS,
							 .bytes = dwarf->strings.bytes,
							 .size = dwarf->strings.size,
							 .alignment = 1,
							 .entry_size = 1 });
	if (!err)
		err = add_bytes(maker, ".debug_loc", &dwarf->locations);
	if (!err)
		err = add_bytes(maker, ".debug_aranges", &dwarf->ranges);
	return err ? err : add_bytes(maker, ".debug_frame", &maker->cfi.bytes);
}

static struct gg_error *add_symbol_sections(struct gg_vmlinux_maker *maker)
{
	const bool is_64 = maker->kernel->arch->word == 8;
	const struct gg_symtab *symtab = &maker->symtab;
	struct gg_error *err = gg_vmlinux_add_section(
		maker, &(struct gg_elf_section){
			       .name = ".symtab",
			       .type = SHT_SYMTAB,
			       .bytes = symtab->symbols.bytes,
			       .size = symtab->symbols.size,
			       .alignment = maker->kernel->arch->word,
			       .entry_size = is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym),
			       .link = ".strtab",
			       .info = symtab->local_count,
		       });
	return err ? err
		   : gg_vmlinux_add_section(
			     maker, &(struct gg_elf_section){ .name = ".strtab",
							      .type = SHT_STRTAB,
							      .bytes = symtab->strings.bytes,
							      .size = symtab->strings.size,
							      .alignment = 1 });
}

static struct gg_error *write_file(struct gg_vmlinux_maker *maker, int fd, uint64_t *ret)
{
	struct gg_error *err = add_debug_sections(maker);
	if (!err)
		err = add_symbol_sections(maker);
	return err ? err
		   : gg_elf_write(fd, maker->kernel->arch, maker->kernel->arch->vmlinux->elf_flags,
				  maker->sections, maker->section_count, ret);
}

static struct gg_error *add_frames(struct gg_vmlinux_maker *maker)
{
	const struct gg_vmlinux_ops *ops = maker->kernel->arch->vmlinux;
	return ops->code
		       ? gg_vmlinux_add_code_frames(maker)
		       : ops->append_frames(maker->kernel, maker->plan->displacement, &maker->cfi);
}

static void maker_deinit(struct gg_vmlinux_maker *maker)
{
	gg_cfi_deinit(&maker->cfi);
	gg_symtab_deinit(&maker->symtab);
	gg_dwarf_deinit(&maker->dwarf);
	gg_buffer_deinit(&maker->note);
	for (size_t i = 0; i < maker->owned_count; i++)
		free(maker->owned[i]);
	free(maker->owned);
	free(maker->sections);
}

struct gg_error *gg_vmlinux_write(const struct gg_answerers *kernel,
				  const struct gg_vmlinux_plan *plan, int fd,
				  struct gg_vmlinux_facts *ret)
{
	struct gg_vmlinux_maker maker = { .kernel = kernel, .plan = plan };
	if (!kernel->arch->vmlinux)
		return gg_arch_not_yet(kernel->arch, "frames that a vmlinux is made of");
	struct gg_error *err =
		plan->no_modules ? NULL
				 : gg_error_unless_final(gg_modules_list(kernel, &maker.modules));
	if (!err)
		err = gg_vmlinux_add_memory(&maker);
	if (!err)
		err = add_symbols(&maker);
	if (!err)
		err = gg_vmlinux_add_units(&maker);
	gg_cfi_init(&maker.cfi, kernel->arch->big_endian, kernel->arch->word);
	if (!err)
		err = add_frames(&maker);
	if (!err)
		err = write_file(&maker, fd, &ret->size);
	ret->symbols = maker.symtab.count;
	ret->functions = maker.function_count;
	ret->has_types = maker.has_types;
	maker_deinit(&maker);
	return err;
}
