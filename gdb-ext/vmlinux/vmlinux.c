// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a kernel's symbols, types and code.
// Out: an ELF file with .symtab and DWARF.
// Trusts nothing it reads: the code has a limit, and what lies outside of it is no function.
#include "vmlinux.h"
#include "base/cleanup.h"
#include "dwarf.h"
#include "elf.h"
#include "linux/arch-ops.h"
#include "symtab.h"
#include "vmlinux-ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CODE = 256 << 20, MAX_SECTIONS = 32, PAGE = 4096 };

// A section that the kernel's image has, by the symbols at its ends.
struct part {
	const char *name;
	const char *start, *end;
	uint64_t flags;
	const char *load; // where the bytes are, if not at START
	bool is_zeros;
};

static const struct part parts[] = {
	{ .name = ".text", .start = "_stext", .end = "_etext", .flags = SHF_ALLOC | SHF_EXECINSTR },
	{ .name = ".rodata", .start = "__start_rodata", .end = "__end_rodata", .flags = SHF_ALLOC },
	{ .name = ".data", .start = "_sdata", .end = "_edata", .flags = SHF_ALLOC | SHF_WRITE },
	// Not the last: readers take the end of the last for the end of the kernel.
	{ .name = ".data..percpu",
	  .start = "__per_cpu_start",
	  .end = "__per_cpu_end",
	  .flags = SHF_ALLOC | SHF_WRITE,
	  .load = "__per_cpu_load" },
	{ .name = ".init.text",
	  .start = "_sinittext",
	  .end = "_einittext",
	  .flags = SHF_ALLOC | SHF_EXECINSTR },
	{ .name = ".bss",
	  .start = "__bss_start",
	  .end = "__bss_stop",
	  .flags = SHF_ALLOC | SHF_WRITE,
	  .is_zeros = true },
};

struct maker {
	const struct gg_answerers *kernel;
	const struct gg_vmlinux_plan *plan;
	uint8_t *contents[MAX_SECTIONS]; // owned
	size_t content_count;
	struct gg_buffer note;
	size_t function_count;
	struct gg_elf_section sections[MAX_SECTIONS];
	size_t section_count;
	struct gg_symtab symtab;
	struct gg_dwarf dwarf;
	struct gg_cfi cfi;
	uint8_t *code;  // of .text
	uint8_t *taken; // a bit for each byte of .text: a function begins there
	gg_gva_t code_start;
	uint64_t code_size;
};

// ---- Places ----

// Returns the address in the file of ADDRESS: what lies below the kernel's area is not displaced.
static gg_gva_t displaced(const struct maker *maker, gg_gva_t address)
{
	const bool is_absolute = address < maker->kernel->arch->kernel->kernel_area;
	return is_absolute ? address : address - maker->plan->displacement;
}

static void add_section(struct maker *maker, const struct gg_elf_section *section)
{
	if (maker->section_count < MAX_SECTIONS)
		maker->sections[maker->section_count++] = *section;
}

// Finds the ends of PART. *FOUND is false where the kernel lacks the symbols.
static struct gg_error *find_part(const struct maker *maker, const struct part *part,
				  gg_gva_t *start, gg_gva_t *end, bool *found)
{
	struct gg_symbols *symbols = maker->kernel->symbols;
	struct gg_error *err = gg_symbols_address(symbols, part->start, start);
	if (!err)
		err = gg_symbols_address(symbols, part->end, end);
	*found = !err && *start < *end && *end - *start <= MAX_CODE;
	return err ? gg_error_unless_final(err) : NULL;
}

// Reads the bytes of SECTION, which is PART from START on. It stays without them where they cannot be
// read: the kernel frees what it needs at its start only.
static struct gg_error *read_part(struct maker *maker, const struct part *part, gg_gva_t start,
				  struct gg_elf_section *section)
{
	if (!maker->plan->has_contents || part->is_zeros)
		return NULL;
	struct gg_error *err =
		part->load ? gg_symbols_address(maker->kernel->symbols, part->load, &start) : NULL;
	uint8_t *bytes = malloc(section->size);
	if (!bytes)
		return err ? err : gg_enomem;
	if (!err)
		err = gg_host_read(&maker->kernel->host, start, bytes, section->size);
	if (err) {
		free(bytes);
		return gg_error_unless_final(err);
	}
	maker->contents[maker->content_count++] = bytes;
	section->type = SHT_PROGBITS;
	section->bytes = bytes;
	return NULL;
}

// Adds the sections of the image, whose symbols the kernel has.
static struct gg_error *add_parts(struct maker *maker)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		gg_gva_t start, end;
		bool found;
		struct gg_error *err = find_part(maker, &parts[i], &start, &end, &found);
		if (err)
			return err;
		if (!found)
			continue;
		struct gg_elf_section section = {
			.name = parts[i].name,
			.type = SHT_NOBITS,
			.flags = parts[i].flags,
			.address = displaced(maker, start),
			.size = end - start,
			.alignment = start % PAGE ? 16 : PAGE,
		};
		err = read_part(maker, &parts[i], start, &section);
		if (err)
			return err;
		add_section(maker, &section);
	}
	return NULL;
}

// Adds the note that has the kernel's build ID.
static void add_note(struct maker *maker)
{
	static const char owner[] = "GNU";
	const char *digits = maker->plan->build_id;
	const size_t size = digits ? strlen(digits) / 2 : 0;
	struct gg_buffer *note = &maker->note;
	note->big_endian = maker->kernel->arch->big_endian;
	if (!size || size % 4 || strspn(digits, "0123456789abcdef") != strlen(digits))
		return;
	gg_buffer_uint(note, 4, sizeof(owner));
	gg_buffer_uint(note, 4, size);
	gg_buffer_uint(note, 4, NT_GNU_BUILD_ID);
	gg_buffer_append(note, owner, sizeof(owner));
	for (size_t i = 0; i < size; i++) {
		unsigned int byte = 0;
		sscanf(digits + 2 * i, "%2x", &byte);
		gg_buffer_uint(note, 1, byte);
	}
	add_section(maker, &(struct gg_elf_section){ .name = ".note.gnu.build-id",
						     .type = SHT_NOTE,
						     .bytes = note->bytes,
						     .size = note->size,
						     .alignment = 4 });
}

static const struct gg_elf_section *find_section(const struct maker *maker, const char *name)
{
	for (size_t i = 0; i < maker->section_count; i++)
		if (!strcmp(maker->sections[i].name, name))
			return &maker->sections[i];
	return NULL;
}

// Returns the index of the section that has ADDRESS, which may be its end.
static uint16_t section_of(const struct maker *maker, gg_gva_t address)
{
	uint16_t at_end = SHN_ABS;
	for (size_t i = 0; i < maker->section_count; i++) {
		const struct gg_elf_section *section = &maker->sections[i];
		if (address - section->address < section->size)
			return (uint16_t)(i + 1);
		if (address == section->address + section->size)
			at_end = (uint16_t)(i + 1);
	}
	return at_end;
}

// ---- Symbols ----

static struct gg_error *add_symbol(void *data, const struct gg_symbol *symbol)
{
	struct maker *maker = data;
	const gg_gva_t address = displaced(maker, symbol->address);
	const uint16_t index = section_of(maker, address);
	struct gg_symbol clipped = *symbol;
	// The letters of Linux 7.2's kallsyms do not tell code from data.
	bool is_code = gg_symtab_is_code(symbol->type);
	if (index != SHN_ABS) {
		const struct gg_elf_section *section = &maker->sections[index - 1];
		const uint64_t room = section->address + section->size - address;
		clipped.size = symbol->size < room ? symbol->size : room;
		is_code = section->flags & SHF_EXECINSTR;
	}
	return gg_symtab_add(&maker->symtab, &clipped, address, index, is_code);
}

static struct gg_error *add_symbols(struct maker *maker)
{
	gg_symtab_init(&maker->symtab, maker->kernel->arch);
	struct gg_error *err = gg_symbols_visit(maker->kernel->symbols, add_symbol, maker);
	return err ? err : gg_symtab_end(&maker->symtab);
}

// ---- Functions and variables ----

// Reads the kernel's code, in which the beginning of each function is looked at.
static struct gg_error *read_code(struct maker *maker)
{
	const struct gg_elf_section *text = find_section(maker, ".text");
	if (!text || text->size > MAX_CODE)
		return gg_error_create(GG_BAD_DATA, "the kernel's code has %" PRIu64 " bytes",
				       text ? text->size : 0);
	maker->code = malloc(text->size);
	maker->taken = calloc(text->size / 8 + 1, 1);
	if (!maker->code || !maker->taken)
		return gg_enomem;
	maker->code_start = text->address;
	maker->code_size = text->size;
	return gg_host_read(&maker->kernel->host, text->address + maker->plan->displacement,
			    maker->code, text->size);
}

// Several names may be of one function: the first has it.
static bool find_function(void *data, const char *name, struct gg_dwarf_function *ret)
{
	struct maker *maker = data;
	const struct gg_vmlinux_ops *ops = maker->kernel->arch->vmlinux;
	const struct gg_symtab_name *place = gg_symtab_find(&maker->symtab, name, true);
	if (!place || place->address - maker->code_start >= maker->code_size)
		return false;
	const uint64_t offset = place->address - maker->code_start;
	if (maker->taken[offset / 8] >> offset % 8 & 1)
		return false;
	maker->function_count++;
	maker->taken[offset / 8] |= (uint8_t)(1 << offset % 8);
	*ret = (struct gg_dwarf_function){
		.address = place->address,
		.size = place->size,
		.entry = ops->entry_size
				 ? ops->entry_size(maker->code + offset, maker->code_size - offset)
				 : 0,
	};
	return true;
}

static bool find_variable(void *data, const char *name, gg_gva_t *ret)
{
	const struct maker *maker = data;
	const struct gg_symtab_name *place = gg_symtab_find(&maker->symtab, name, false);
	if (place)
		*ret = place->address;
	return place;
}

// Variables that people and tools ask for, by their types (Linux, v5.4 to v6.12).
static const struct gg_dwarf_global globals[] = {
	{ .name = "init_task", .type = "task_struct" },
	{ .name = "init_mm", .type = "mm_struct" },
	{ .name = "init_uts_ns", .type = "uts_namespace" },
	{ .name = "init_pid_ns", .type = "pid_namespace" },
	{ .name = "init_nsproxy", .type = "nsproxy" },
	{ .name = "init_net", .type = "net" },
	{ .name = "modules", .type = "list_head" },
	{ .name = "super_blocks", .type = "list_head" },
	{ .name = "slab_caches", .type = "list_head" },
	{ .name = "jiffies", .type = "long unsigned int" },
	{ .name = "jiffies_64", .type = "u64" },
	{ .name = "linux_banner", .type = "char", .count = 256 },
	{ .name = "saved_command_line", .type = "char", .is_pointer = true },
	{ .name = "__per_cpu_offset", .type = "long unsigned int", .count = 8192 },
	{ 0 }
};

static struct gg_error *add_dwarf(struct maker *maker)
{
	const struct gg_arch *arch = maker->kernel->arch;
	const struct gg_btf *btf;
	gg_dwarf_init(&maker->dwarf, arch->big_endian, arch->word);
	struct gg_error *err = gg_types_btf(maker->kernel->types, &btf);
	if (!err)
		err = read_code(maker);
	if (err)
		return err;
	const struct gg_dwarf_unit unit = {
		.name = "vmlinux",
		.btf = btf,
		.low = maker->code_start,
		.high = maker->code_start + maker->code_size,
		.argument_registers = arch->vmlinux->argument_registers,
		.argument_register_count = arch->vmlinux->argument_register_count,
		.function = find_function,
		.variable = find_variable,
		.data = maker,
		.globals = globals,
	};
	return gg_dwarf_add_unit(&maker->dwarf, &unit);
}

// ---- The file ----

static void add_bytes(struct maker *maker, const char *name, const struct gg_buffer *bytes)
{
	add_section(maker, &(struct gg_elf_section){ .name = name,
						     .type = SHT_PROGBITS,
						     .bytes = bytes->bytes,
						     .size = bytes->size,
						     .alignment = 1 });
}

static struct gg_error *write_file(struct maker *maker, int fd, uint64_t *ret)
{
	const bool is_64 = maker->kernel->arch->word == 8;
	add_note(maker);
	add_bytes(maker, ".debug_info", &maker->dwarf.info);
	add_bytes(maker, ".debug_abbrev", &maker->dwarf.abbreviations);
	add_bytes(maker, ".debug_str", &maker->dwarf.strings);
	add_bytes(maker, ".debug_loc", &maker->dwarf.locations);
	add_bytes(maker, ".debug_aranges", &maker->dwarf.ranges);
	add_bytes(maker, ".debug_frame", &maker->cfi.bytes);
	add_section(maker, &(struct gg_elf_section){
				   .name = ".symtab",
				   .type = SHT_SYMTAB,
				   .bytes = maker->symtab.symbols.bytes,
				   .size = maker->symtab.symbols.size,
				   .alignment = 8,
				   .entry_size = is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym),
				   .link = ".strtab",
				   .info = maker->symtab.local_count,
			   });
	add_section(maker, &(struct gg_elf_section){ .name = ".strtab",
						     .type = SHT_STRTAB,
						     .bytes = maker->symtab.strings.bytes,
						     .size = maker->symtab.strings.size,
						     .alignment = 1 });
	return gg_elf_write(fd, maker->kernel->arch, maker->sections, maker->section_count, ret);
}

struct gg_error *gg_vmlinux_write(const struct gg_answerers *kernel,
				  const struct gg_vmlinux_plan *plan, int fd,
				  struct gg_vmlinux_facts *ret)
{
	struct maker maker = { .kernel = kernel, .plan = plan };
	if (!kernel->arch->vmlinux)
		return gg_arch_not_yet(kernel->arch, "a made vmlinux");
	struct gg_error *err = add_parts(&maker);
	if (!err)
		err = add_symbols(&maker);
	if (!err)
		err = add_dwarf(&maker);
	gg_cfi_init(&maker.cfi, kernel->arch->big_endian, kernel->arch->word);
	if (!err)
		err = kernel->arch->vmlinux->append_frames(kernel, plan->displacement, &maker.cfi);
	if (!err)
		err = write_file(&maker, fd, &ret->size);
	ret->symbols = maker.symtab.count;
	ret->functions = maker.function_count;
	gg_cfi_deinit(&maker.cfi);
	gg_symtab_deinit(&maker.symtab);
	gg_dwarf_deinit(&maker.dwarf);
	gg_buffer_deinit(&maker.note);
	for (size_t i = 0; i < maker.content_count; i++)
		free(maker.contents[i]);
	free(maker.code);
	free(maker.taken);
	return err;
}
