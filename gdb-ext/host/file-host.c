// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a core or /proc/PID; the program's ELF symbol tables.
// Out: the answers of a debugger that has no debuginfo.
// Trusts nothing of the program: libelf bounds each section, and a name without its end is none.
#include "base/cleanup.h"
#include "base/cursor.h"
#include "files/mapped-files.h"
#include "files/vmcore-file.h"

#include <errno.h>
#include <fcntl.h>
#include <gdb-guest/file-host.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct gg_file_host {
	struct gg_host host;
	struct gg_core_file *core;     // NULL: a process
	struct gg_mapped_files *files; // of the core
	char *program_path;            // or NULL
	int memory;                    // of the process
	int program;                   // -1: not known, and there are no symbols
	Elf *elf;
	uint64_t bias; // of the program's addresses in memory
};

// ---- Memory ----

static struct gg_error *read_process(const struct gg_file_host *host, uint64_t address,
				     void *buffer, size_t size)
{
	uint8_t *bytes = buffer;
	while (size) {
		const ssize_t got = pread64(host->memory, bytes, size, (off64_t)address);
		if (got < 0 && errno == EINTR)
			continue;
		if (!got)
			return gg_error_create(GG_LOST, "the process is gone");
		if (got < 0)
			return gg_error_fault(address, "0x%" PRIx64 ": %s", address,
					      strerror(errno));
		bytes += got;
		address += (uint64_t)got;
		size -= (size_t)got;
	}
	return NULL;
}

static struct gg_error *file_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_file_host *host = data;
	if (host->core)
		return gg_core_file_read(host->core, address, buffer, size);
	return host->memory >= 0 ? read_process(host, address, buffer, size)
				 : gg_error_fault(address, "there is no process");
}

// ---- Symbols ----

static bool is_defined(const GElf_Sym *symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
	       GELF_ST_TYPE(symbol->st_info) != STT_TLS;
}

// Tests whether the text at OFFSET of NAMES, up to its NUL, is the SIZE bytes of NAME.
static bool has_name(const Elf_Data *names, uint64_t offset, const char *name, size_t size)
{
	return offset < names->d_size && size <= names->d_size - offset &&
	       !memcmp((const char *)names->d_buf + offset, name, size);
}

// Looks for NAME in a symbol table: a global symbol counts more than a local one. RET stays as it
// is where there is none.
static bool search_section(Elf *elf, Elf_Scn *section, const char *name, uint64_t *ret)
{
	GElf_Shdr header;
	GElf_Sym symbol;
	bool found = false;
	if (!gelf_getshdr(section, &header) || !header.sh_entsize ||
	    (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
		return false;
	const size_t size = strlen(name) + 1;
	Elf_Data *data = elf_getdata(section, NULL);
	const Elf_Data *names = elf_getdata(elf_getscn(elf, header.sh_link), NULL);
	if (!names || !names->d_buf)
		return false;
	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		const bool is_global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL;
		if (!is_defined(&symbol) || !has_name(names, symbol.st_name, name, size) ||
		    (found && !is_global))
			continue;
		*ret = symbol.st_value;
		found = true;
		if (is_global)
			break;
	}
	return found;
}

static struct gg_error *file_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct gg_file_host *host = data;
	Elf_Scn *section = NULL;
	uint64_t value;
	while (host->elf && (section = elf_nextscn(host->elf, section)))
		if (search_section(host->elf, section, name, &value)) {
			*ret = value + host->bias;
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "no symbol %s", name);
}

// ---- Types and registers ----

static struct gg_error *file_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	(void)data, (void)path, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "no type %s", type);
}

static struct gg_error *file_registers(void *data, unsigned int thread, const char *name,
				       void *buffer, size_t size, size_t *ret)
{
	(void)data, (void)thread, (void)buffer, (void)size, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "no register %s", name);
}

static const struct gg_host_ops file_ops = {
	.read = file_read,
	.symbol = file_symbol,
	.member = file_member,
	.registers = file_registers,
};

// ---- The program ----

// Finds the program's entry point in memory by the auxiliary vector (pairs of words); 0 without
// one.
static uint64_t find_entry(const struct gg_file_host *host, const uint8_t *vector, size_t size)
{
	struct gg_cursor cursor = gg_cursor(vector, size, host->host.big_endian, "auxv");
	uint64_t key, value = 0;
	struct gg_error *err;
	do {
		err = gg_cursor_uint(&cursor, host->host.address_size, &key);
		if (!err)
			err = gg_cursor_uint(&cursor, host->host.address_size, &value);
	} while (!err && key != AT_NULL && key != AT_ENTRY);
	const bool found = !err && key == AT_ENTRY;
	gg_error_destroy(err);
	return found ? value : 0;
}

static uint64_t find_entry_of_process(const struct gg_file_host *host, pid_t pid)
{
	enum { MOST = 4096 };
	char path[64];
	uint8_t vector[MOST];
	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t size = fd < 0 ? 0 : read(fd, vector, sizeof(vector));
	return size > 0 ? find_entry(host, vector, (size_t)size) : 0;
}

static uint64_t find_entry_of_core(const struct gg_file_host *host)
{
	size_t size;
	const uint8_t *vector = gg_core_file_note(host->core, NT_AUXV, &size);
	return vector ? find_entry(host, vector, size) : 0;
}

// Reads the program's headers, for its symbols. A program that is not ELF has none.
static void open_symbols(struct gg_file_host *host, uint64_t entry)
{
	GElf_Ehdr header;
	elf_version(EV_CURRENT);
	host->elf = host->program < 0 ? NULL : elf_begin(host->program, ELF_C_READ_MMAP, NULL);
	if (!host->elf)
		return;
	if (!entry || !gelf_getehdr(host->elf, &header)) {
		elf_end(host->elf);
		host->elf = NULL;
		return;
	}
	host->bias = entry - header.e_entry;
}

// Opens the program; one that cannot be opened has no symbols.
static struct gg_error *set_program(struct gg_file_host *host, const char *path)
{
	host->program = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	host->program_path = strdup(path);
	return host->program_path ? NULL : gg_enomem;
}

// ---- Cores and processes ----

static bool is_of_core(const struct gg_file_host *host, const char *path)
{
	return !access(path, R_OK) && !gg_mapped_files_is_other_program(host->files, path);
}

static struct gg_error *open_core(struct gg_file_host *host, const struct gg_target *target)
{
	// A vmcore has no process: the guest reads the file by itself.
	if (gg_vmcore_file_is_kdump(target->core_path) || gg_core_file_is_vmcore(target->core_path))
		return NULL;
	struct gg_error *err = gg_core_file_open(target->core_path, &host->core);
	if (!err)
		err = gg_mapped_files_create(host->core, target->program_path, &host->files);
	if (err)
		return err;
	host->host.big_endian = gg_core_file_big_endian(host->core);
	host->host.address_size = gg_core_file_address_size(host->core);
	const char *own = gg_mapped_files_program(host->files);
	if (target->program_path)
		err = set_program(host, target->program_path);
	else if (own && is_of_core(host, own))
		err = set_program(host, own);
	// Another program's symbols are wrong here.
	if (!err && host->program_path && is_of_core(host, host->program_path))
		open_symbols(host, find_entry_of_core(host));
	return err;
}

static struct gg_error *open_process(struct gg_file_host *host, const struct gg_target *target)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)target->pid);
	host->memory = open(path, O_RDONLY | O_CLOEXEC);
	if (host->memory < 0)
		return gg_error_system(errno, "%s", path);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)target->pid);
	struct gg_error *err =
		set_program(host, target->program_path ? target->program_path : path);
	if (!err)
		open_symbols(host, find_entry_of_process(host, target->pid));
	return err;
}

struct gg_error *gg_file_host_create(const struct gg_target *target, struct gg_file_host **ret)
{
	struct gg_file_host *host = calloc(1, sizeof(*host));
	if (!host)
		return gg_enomem;
	host->memory = host->program = -1;
	host->host = (struct gg_host){ .ops = &file_ops,
				       .data = host,
				       .address_size = sizeof(uint64_t) };
	struct gg_error *err =
		target->core_path ? open_core(host, target) : open_process(host, target);
	if (err) {
		gg_file_host_destroy(host);
		return err;
	}
	*ret = host;
	return NULL;
}

void gg_file_host_destroy(struct gg_file_host *host)
{
	if (!host)
		return;
	elf_end(host->elf);
	if (host->program >= 0)
		close(host->program);
	if (host->memory >= 0)
		close(host->memory);
	gg_mapped_files_destroy(host->files);
	gg_core_file_close(host->core);
	free(host->program_path);
	free(host);
}

const struct gg_host *gg_file_host(const struct gg_file_host *host)
{
	return &host->host;
}

const char *gg_file_host_program(const struct gg_file_host *host)
{
	return host->program_path;
}
