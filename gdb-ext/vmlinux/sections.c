// SPDX-License-Identifier: GPL-3.0-or-later
//
// The sections of a made vmlinux that have memory.
//
// In:  the kernel's symbols, the modules' ranges, memory.
// Out: sections with the bytes that memory has. A section without bytes (SHT_NOBITS) reads as zeros in
//      GDB where the target lacks the memory: so memory that cannot be read, and data that changes, is
//      in no section, and the symbols there are absolute.
// Trusts nothing it reads: a section has a limit, and a part of the image a limit of sections.
#include "base/cleanup.h"
#include "base/vector.h"
#include "maker.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 4096, MAX_RUNS = 64 };

// A section that the kernel's image has, by the symbols at its ends.
struct part {
	const char *name;
	const char *start, *end;
	uint64_t flags;
	const char *load; // where the bytes are, if not at START
	bool is_main;     // all but a few functions that the kernel keeps are there
	bool is_freed;    // the kernel frees the memory, which has other bytes then
};

static const struct part parts[] = {
	// riscv64's code that CPUs start by.
	{ .name = ".head.text",
	  .start = "_start",
	  .end = "_stext",
	  .flags = SHF_ALLOC | SHF_EXECINSTR },
	{ .name = ".text",
	  .start = "_stext",
	  .end = "_etext",
	  .flags = SHF_ALLOC | SHF_EXECINSTR,
	  .is_main = true },
	{ .name = ".rodata", .start = "__start_rodata", .end = "__end_rodata", .flags = SHF_ALLOC },
	{ .name = ".data", .start = "_sdata", .end = "_edata", .flags = SHF_ALLOC | SHF_WRITE },
	{ .name = ".data..percpu",
	  .start = "__per_cpu_start",
	  .end = "__per_cpu_end",
	  .flags = SHF_ALLOC | SHF_WRITE,
	  .load = "__per_cpu_load" },
	{ 0 }
};

// The parts behind the modules: readers take the end of the last for the end of the kernel.
static const struct part last_parts[] = {
	// Without SHF_ALLOC no reader takes the bytes for memory. GDB finds the functions by their symbols
	// and DWARF; drgn takes a file for a kernel's by this section.
	{ .name = ".init.text",
	  .start = "_sinittext",
	  .end = "_einittext",
	  .flags = SHF_EXECINSTR,
	  .is_freed = true },
	// A section .bss has no bytes (ELF, "Special Sections").
	{ .name = ".data..bss",
	  .start = "__bss_start",
	  .end = "__bss_stop",
	  .flags = SHF_ALLOC | SHF_WRITE },
	{ 0 }
};

gg_gva_t gg_vmlinux_displaced(const struct gg_vmlinux_maker *maker, gg_gva_t address)
{
	const bool is_absolute = address < maker->plan->kernel_area;
	return is_absolute ? address : address - maker->plan->displacement;
}

struct gg_error *gg_vmlinux_add_section(struct gg_vmlinux_maker *maker,
					const struct gg_elf_section *section)
{
	if (maker->section_count == SHN_LORESERVE - 2)
		return gg_error_create(GG_BAD_DATA, "more than %zu sections", maker->section_count);
	struct gg_error *err =
		gg_vector_grow(&maker->sections, maker->section_count, sizeof(*maker->sections));
	if (!err)
		maker->sections[maker->section_count++] = *section;
	return err;
}

// Keeps BYTES, which MAKER owns from now on, as long as MAKER.
static struct gg_error *keep(struct gg_vmlinux_maker *maker, void *bytes)
{
	struct gg_error *err =
		gg_vector_grow(&maker->owned, maker->owned_count, sizeof(*maker->owned));
	if (err)
		free(bytes);
	else
		maker->owned[maker->owned_count++] = bytes;
	return err;
}

uint16_t gg_vmlinux_section_of(struct gg_vmlinux_maker *maker, gg_gva_t address)
{
	uint16_t at_end = SHN_ABS;
	// Most symbols are in the section of the symbol before.
	for (size_t i = 0; i <= maker->section_count; i++) {
		const size_t index = i ? i - 1 : maker->last_section;
		if (index >= maker->section_count)
			continue;
		const struct gg_elf_section *section = &maker->sections[index];
		if (address - section->address < section->size) {
			maker->last_section = index;
			return (uint16_t)(index + 1);
		}
		if (i && section->size && address == section->address + section->size)
			at_end = (uint16_t)(index + 1);
	}
	return at_end;
}

// ---- The kernel's image ----

// Finds the ends of PART. *FOUND is false where the kernel lacks the symbols.
static struct gg_error *find_part(const struct gg_vmlinux_maker *maker, const struct part *part,
				  gg_gva_t *start, gg_gva_t *end, bool *found)
{
	struct gg_symbols *symbols = maker->kernel->symbols;
	struct gg_error *err = gg_symbols_address(symbols, part->start, start);
	if (!err)
		err = gg_symbols_address(symbols, part->end, end);
	*found = !err && *start < *end && *end - *start <= GG_VMLINUX_MAX_CODE;
	return err ? gg_error_unless_final(err) : NULL;
}

// ---- Bytes ----

// Adds SIZE bytes at OFFSET of WHOLE, whose bytes are BYTES, as a section.
static struct gg_error *add_run(struct gg_vmlinux_maker *maker, const struct gg_elf_section *whole,
				const uint8_t *bytes, uint64_t offset, uint64_t size)
{
	struct gg_elf_section run = *whole;
	run.address += offset;
	run.bytes = bytes + offset;
	run.size = size;
	return size ? gg_vmlinux_add_section(maker, &run) : NULL;
}

// Reads WHOLE, which is at START in memory, to BYTES, and adds a section for each run of pages that
// can be read.
static struct gg_error *add_runs(struct gg_vmlinux_maker *maker, const struct gg_elf_section *whole,
				 gg_gva_t start, uint8_t *bytes)
{
	const struct gg_host *host = &maker->kernel->host;
	unsigned int runs = 0;
	uint64_t begin = 0, offset = 0;
	while (offset < whole->size && runs < MAX_RUNS) {
		const uint64_t room = PAGE - (start + offset) % PAGE;
		const uint64_t rest = whole->size - offset, size = room < rest ? room : rest;
		struct gg_error *err = gg_host_read(host, start + offset, bytes + offset, size);
		if (err) {
			runs += offset > begin;
			err = gg_error_unless_final(err);
			if (!err)
				err = add_run(maker, whole, bytes, begin, offset - begin);
			if (err)
				return err;
			begin = offset + size;
		}
		offset += size;
	}
	return add_run(maker, whole, bytes, begin, offset - begin);
}

// Adds WHOLE, which is at START in memory, as sections with the bytes that can be read.
static struct gg_error *add_readable(struct gg_vmlinux_maker *maker,
				     const struct gg_elf_section *whole, gg_gva_t start)
{
	uint8_t *bytes = malloc(whole->size);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = keep(maker, bytes);
	if (err)
		return err;
	err = gg_host_read(&maker->kernel->host, start, bytes, whole->size);
	if (!err)
		return add_run(maker, whole, bytes, 0, whole->size);
	err = gg_error_unless_final(err);
	return err ? err : add_runs(maker, whole, start, bytes);
}

// Tests whether the file has memory of FLAGS.
static bool is_wanted(const struct gg_vmlinux_maker *maker, uint64_t flags)
{
	return maker->plan->has_data || !(flags & SHF_WRITE);
}

void gg_vmlinux_copy(const struct gg_vmlinux_maker *maker, gg_gva_t address, uint8_t *ret,
		     uint64_t size)
{
	for (size_t i = 0; i < maker->section_count; i++) {
		const struct gg_elf_section *section = &maker->sections[i];
		if (section->bytes && section->flags & SHF_ALLOC &&
		    section->address - address < size &&
		    section->size <= size - (section->address - address))
			memcpy(ret + (section->address - address), section->bytes, section->size);
	}
}

const uint8_t *gg_vmlinux_code(const struct gg_vmlinux_maker *maker, gg_gva_t address,
			       uint64_t size)
{
	enum { CODE = SHF_ALLOC | SHF_EXECINSTR };
	for (size_t i = 0; i < maker->section_count; i++) {
		const struct gg_elf_section *section = &maker->sections[i];
		const uint64_t offset = address - section->address;
		if (section->bytes && (section->flags & CODE) == CODE && offset < section->size &&
		    size <= section->size - offset)
			return (const uint8_t *)section->bytes + offset;
	}
	return NULL;
}

// ---- The kernel's image ----

// Adds SECTION, whose memory has other bytes by now: it gets the bytes that Linux fills freed code with,
// POISON_FREE_INITMEM.
static struct gg_error *add_freed(struct gg_vmlinux_maker *maker,
				  const struct gg_elf_section *section)
{
	enum { POISON = 0xcc };
	uint8_t *bytes = malloc(section->size);
	if (!bytes)
		return gg_enomem;
	memset(bytes, POISON, section->size);
	struct gg_error *err = keep(maker, bytes);
	return err ? err : add_run(maker, section, bytes, 0, section->size);
}

static struct gg_error *add_part(struct gg_vmlinux_maker *maker, const struct part *part,
				 gg_gva_t start, gg_gva_t end)
{
	const struct gg_elf_section section = {
		.name = part->name,
		.type = SHT_PROGBITS,
		.flags = part->flags,
		.address = gg_vmlinux_displaced(maker, start),
		.size = end - start,
		.alignment = start % PAGE ? 16 : PAGE,
	};
	if (part->is_freed)
		return add_freed(maker, &section);
	struct gg_error *err =
		part->load ? gg_symbols_address(maker->kernel->symbols, part->load, &start) : NULL;
	return err ? gg_error_unless_final(err) : add_readable(maker, &section, start);
}

// Keeps the place of PART, if PART is code.
static void note_code(struct gg_vmlinux_maker *maker, const struct part *part, gg_gva_t start,
		      gg_gva_t end)
{
	const gg_gva_t last = gg_vmlinux_displaced(maker, end);
	if (part->is_main) {
		maker->code_start = gg_vmlinux_displaced(maker, start);
		maker->code_size = maker->code_span = end - start;
	} else if (part->is_freed && last - maker->code_start <= GG_VMLINUX_MAX_CODE &&
		   last - maker->code_start > maker->code_size) {
		maker->code_span = last - maker->code_start;
	}
}

// Adds the sections of the image, up to a row without a name, whose symbols the kernel has.
static struct gg_error *add_parts(struct gg_vmlinux_maker *maker, const struct part *part)
{
	for (gg_gva_t last_end = 0; part->name; part++) {
		gg_gva_t start, end;
		bool found;
		struct gg_error *err = find_part(maker, part, &start, &end, &found);
		if (err)
			return err;
		if (!found)
			continue;
		// riscv64 has .rodata between _sdata and .data.
		if (start < last_end && last_end < end)
			start = last_end;
		last_end = end;
		note_code(maker, part, start, end);
		if (is_wanted(maker, part->flags))
			err = add_part(maker, part, start, end);
		if (err)
			return err;
	}
	return NULL;
}

// ---- Modules ----

// Adds SIZE bytes at START of MODULE.
static struct gg_error *add_module_part(struct gg_vmlinux_maker *maker,
					const struct gg_module *module, gg_gva_t start,
					uint64_t size, bool is_code)
{
	char *name;
	const uint64_t flags = SHF_ALLOC | (is_code ? SHF_EXECINSTR : SHF_WRITE);
	if (!size || size > GG_VMLINUX_MAX_CODE || !is_wanted(maker, flags))
		return NULL;
	if (asprintf(&name, "%s%s", module->name, is_code ? ".text" : ".data") < 0)
		return gg_enomem;
	struct gg_error *err = keep(maker, name);
	return err ? err
		   : add_readable(maker,
				  &(struct gg_elf_section){
					  .name = name,
					  .type = SHT_PROGBITS,
					  .flags = flags,
					  .address = gg_vmlinux_displaced(maker, start),
					  .size = size,
					  .alignment = 16,
				  },
				  start);
}

static struct gg_error *add_module(struct gg_vmlinux_maker *maker, const struct gg_module *module)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < GG_MODULE_RANGES; i++) {
		const struct gg_module_range *range = &module->ranges[i];
		err = add_module_part(maker, module, range->start, range->code, true);
		if (!err)
			err = add_module_part(maker, module, range->start + range->code,
					      range->size - range->code, false);
	}
	return err;
}

// ---- The build ID ----

// Adds the note that has the kernel's build ID.
static struct gg_error *add_note(struct gg_vmlinux_maker *maker)
{
	static const char owner[] = "GNU";
	const char *digits = maker->plan->build_id;
	const size_t size = digits ? strlen(digits) / 2 : 0;
	struct gg_buffer *note = &maker->note;
	note->big_endian = maker->kernel->arch->big_endian;
	if (!size || size % 4 || strspn(digits, "0123456789abcdef") != strlen(digits))
		return NULL;
	gg_buffer_uint(note, 4, sizeof(owner));
	gg_buffer_uint(note, 4, size);
	gg_buffer_uint(note, 4, NT_GNU_BUILD_ID);
	gg_buffer_append(note, owner, sizeof(owner));
	for (size_t i = 0; i < size; i++) {
		unsigned int byte = 0;
		sscanf(digits + 2 * i, "%2x", &byte);
		gg_buffer_uint(note, 1, byte);
	}
	return gg_vmlinux_add_section(maker, &(struct gg_elf_section){ .name = ".note.gnu.build-id",
								       .type = SHT_NOTE,
								       .bytes = note->bytes,
								       .size = note->size,
								       .alignment = 4 });
}

struct gg_error *gg_vmlinux_add_memory(struct gg_vmlinux_maker *maker)
{
	struct gg_error *err = add_parts(maker, parts);
	for (size_t i = 0; !err && maker->modules && i < maker->modules->count; i++)
		err = add_module(maker, &maker->modules->modules[i]);
	if (!err)
		err = add_parts(maker, last_parts);
	return err ? err : add_note(maker);
}
