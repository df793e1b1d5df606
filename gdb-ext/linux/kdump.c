// SPDX-License-Identifier: GPL-3.0-or-later
//
// From a kernel that was booted after a crash (kdump) to the kernel that crashed: the loader made
// ELF headers of the crashed kernel's memory, and gave their address on the command line (Linux
// Documentation/admin-guide/kdump/kdump.rst; kernel/crash_dump.c).
//
// In:  the log of the kernel that runs, or its variable elfcorehdr_addr; guest-physical memory.
// Out: places of VMCOREINFO notes: candidates only.
// Trusts nothing it reads: the number of headers has a limit, and each place must have a note.
#include "kdump.h"
#include "base/cursor.h"
#include "linux/log/log.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

// ---- The place of the headers ----

// Parses a size as the kernel's memparse() (lib/cmdline.c) does.
static bool parse_size(const char *text, const char **end, uint64_t *ret)
{
	static const char suffixes[] = "kmgtpe";
	char *behind;
	*ret = strtoull(text, &behind, 0);
	*end = behind;
	if (behind == text || *text == '-')
		return false;
	const char *suffix = *behind ? strchr(suffixes, *behind | 0x20) : NULL;
	if (suffix) {
		const unsigned int shift = 10 * (unsigned int)(suffix - suffixes + 1);
		if (*ret > UINT64_MAX >> shift)
			return false;
		*ret <<= shift;
		(*end)++;
	}
	return true;
}

bool gg_kdump_parse(const char *command_line, gg_gpa_t *ret)
{
	static const char name[] = "elfcorehdr=";
	const char *at = command_line;
	while ((at = strstr(at, name)) && at > command_line && at[-1] != ' ')
		at++;
	if (!at || !parse_size(at + strlen(name), &at, ret))
		return false;
	if (*at == '@' && !parse_size(at + 1, &at, ret))
		return false;
	return !*at || *at == ' ';
}

struct search {
	unsigned int records;
	bool ended;
	bool found;
	gg_gpa_t headers;
};

// The command line is among the first lines that a kernel logs; a program cannot log as the kernel.
static struct gg_error *look_at_record(void *data, const struct gg_log_record *record)
{
	enum { MAX_RECORDS = 256, MAX_TEXT = 4096 };
	static const char command_line[] = "ommand line: ";
	struct search *search = data;
	char text[MAX_TEXT];
	const size_t size = record->text_size < MAX_TEXT ? record->text_size : MAX_TEXT - 1;
	memcpy(text, record->text, size);
	text[size] = 0;
	const char *line = record->facility ? NULL : strstr(text, command_line);
	if (line)
		search->found = gg_kdump_parse(line + strlen(command_line), &search->headers);
	search->ended = line || ++search->records == MAX_RECORDS;
	return search->ended ? gg_error_create(GG_INVALID, "that is enough") : NULL;
}

static struct gg_error *search_log(const struct gg_kernel *kernel, struct search *search)
{
	struct gg_log_sink sink = { .record = look_at_record, .data = search };
	struct gg_error *err = gg_log_read(gg_kernel_host(kernel), &sink);
	gg_log_sink_deinit(&sink);
	return gg_error_unless_final(err);
}

// Linux kernel/crash_dump.c: ELFCORE_ADDR_MAX and ELFCORE_ADDR_ERR stand for no address.
static struct gg_error *read_variable(const struct gg_kernel *kernel, struct search *search)
{
	gg_gva_t address;
	struct gg_error *err = gg_host_symbol(gg_kernel_host(kernel), "elfcorehdr_addr", &address);
	if (!err)
		err = gg_host_read_uint(gg_kernel_host(kernel), address, 8, &search->headers);
	search->found = !err && search->headers < UINT64_MAX - 1;
	return gg_error_unless_final(err);
}

// ---- The headers ----

enum { MAX_HEADERS = 16384 }; // a note for each CPU that there may be, and the areas of memory

struct elf {
	bool is_64;
	uint64_t headers, size, count;
};

static struct gg_error *read_header(const struct gg_ram_map *map, gg_gpa_t gpa, struct elf *ret)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)];
	struct gg_error *err = gg_ram_map_read(map, gpa, bytes, sizeof(bytes));
	if (err)
		return err;
	if (memcmp(bytes, ELFMAG, SELFMAG))
		return gg_error_create(GG_BAD_DATA, "no ELF header");
	ret->is_64 = bytes[EI_CLASS] == ELFCLASS64;
	struct gg_cursor cursor = gg_cursor(bytes, sizeof(bytes), bytes[EI_DATA] == ELFDATA2MSB,
					    "a crashed kernel's headers");
	const struct gg_member place = { ret->is_64 ? 32 : 28, ret->is_64 ? 8 : 4 };
	const struct gg_member size = { ret->is_64 ? 54 : 42, 2 }, count = { size.offset + 2, 2 };
	err = gg_cursor_member(&cursor, &place, &ret->headers);
	if (!err)
		err = gg_cursor_member(&cursor, &size, &ret->size);
	if (!err)
		err = gg_cursor_member(&cursor, &count, &ret->count);
	const size_t expected = ret->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (!err && (ret->size != expected || ret->count > MAX_HEADERS))
		err = gg_error_create(GG_BAD_DATA,
				      "its program headers are not a crashed kernel's");
	return err;
}

// Adds the note at GPA if it is VMCOREINFO.
static struct gg_error *add_note(const struct gg_ram_map *map, gg_gpa_t gpa,
				 struct gg_vmcoreinfo_scan *ret)
{
	uint8_t bytes[GG_VMCOREINFO_HEADER];
	size_t size;
	struct gg_error *err = gg_ram_map_read(map, gpa, bytes, sizeof(bytes));
	if (!err && gg_vmcoreinfo_header(bytes, ret->big_endian, &size) && ret->count < GG_SCAN_MAX)
		ret->found[ret->count++] = gpa;
	return gg_error_unless_final(err);
}

static struct gg_error *look_at_headers(const struct gg_ram_map *map, const struct elf *elf,
					const uint8_t *bytes, struct gg_vmcoreinfo_scan *ret)
{
	struct gg_error *err = NULL;
	for (uint64_t i = 0; !err && i < elf->count; i++) {
		struct gg_cursor cursor = gg_cursor(bytes + i * elf->size, elf->size,
						    ret->big_endian, "a program header");
		const struct gg_member type = { 0, 4 };
		const struct gg_member place = { elf->is_64 ? 24 : 12, elf->is_64 ? 8 : 4 };
		uint64_t kind, gpa;
		err = gg_cursor_member(&cursor, &type, &kind);
		if (!err)
			err = gg_cursor_member(&cursor, &place, &gpa);
		if (!err && kind == PT_NOTE)
			err = add_note(map, gpa, ret);
	}
	return err;
}

struct gg_error *gg_kdump_read_headers(const struct gg_ram_map *map, gg_gpa_t gpa,
				       struct gg_vmcoreinfo_scan *ret)
{
	struct elf elf;
	struct gg_error *err = read_header(map, gpa, &elf);
	if (err || !elf.count)
		return err;
	uint8_t *bytes = malloc(elf.count * elf.size);
	if (!bytes)
		return gg_enomem;
	err = gg_ram_map_read(map, gpa + elf.headers, bytes, elf.count * elf.size);
	if (!err)
		err = look_at_headers(map, &elf, bytes, ret);
	free(bytes);
	return err;
}

struct gg_error *gg_kdump_notes(const struct gg_kernel_site *site, const struct gg_kernel *kernel,
				bool by_symbol, struct gg_vmcoreinfo_scan *ret)
{
	struct search search = { .found = false };
	*ret = (struct gg_vmcoreinfo_scan){ .big_endian = kernel->arch->big_endian };
	struct gg_error *err = search_log(kernel, &search);
	if (!err && !search.found && by_symbol)
		err = read_variable(kernel, &search);
	if (!err && search.found)
		err = gg_kdump_read_headers(site->map, search.headers, ret);
	return gg_error_unless_final(err);
}
