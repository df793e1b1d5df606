// SPDX-License-Identifier: GPL-3.0-or-later
//
// Each CPU's NT_PRSTATUS, which crash_save_cpu() writes before the kernel for crashes is booted (Linux
// kernel/crash_core.c, v2.6.13 to v7.2): "crash_notes" points to a per-CPU buffer of ELF notes.
//
// In:  the kernel's symbols and memory.
// Out: registers.
// Trusts nothing it reads: name, type and size of the note are compared.
#include "crash-notes.h"
#include "machine/cpu-ops.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

// The name "CORE", padded, and the largest descriptor that is read.
enum { NAME_SIZE = 8, MAX_STATUS = 1024 };

static struct gg_error *find_note(const struct gg_answerers *kernel, uint64_t offset, gg_gva_t *ret)
{
	const struct gg_host *host = &kernel->typed;
	gg_gva_t variable;
	uint64_t buffer = 0;
	struct gg_error *err = gg_host_symbol(host, "crash_notes", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, host->address_size, &buffer);
	if (!err && !buffer)
		err = gg_error_create(GG_NOT_FOUND, "crash_notes is NULL");
	*ret = buffer + offset;
	return err;
}

// Checks the head of the note at ADDRESS, of 12 bytes: the sizes of name and descriptor, the type.
static struct gg_error *check_head(const struct gg_answerers *kernel, gg_gva_t address, size_t size)
{
	enum { WORD = 4 };
	const struct gg_host *host = &kernel->typed;
	uint64_t name_size, status_size, type;
	struct gg_error *err = gg_host_read_uint(host, address, WORD, &name_size);
	if (!err)
		err = gg_host_read_uint(host, address + WORD, WORD, &status_size);
	if (!err)
		err = gg_host_read_uint(host, address + 2 * WORD, WORD, &type);
	if (err)
		return err;
	if (name_size != sizeof("CORE") || status_size != size || type != NT_PRSTATUS)
		return gg_error_create(GG_NOT_FOUND,
				       "the kernel has not saved the CPU's registers");
	return NULL;
}

struct gg_error *gg_crash_registers(const struct gg_answerers *kernel, uint64_t offset,
				    struct gg_registers *ret)
{
	enum { HEAD = 12 };
	const size_t size = gg_arch_prstatus_size(kernel->arch);
	uint8_t status[MAX_STATUS];
	gg_gva_t address;
	if (!size || size > MAX_STATUS)
		return gg_error_create(GG_NOT_FOUND, "no notes of a crash are read of %s",
				       kernel->arch->name);
	struct gg_error *err = find_note(kernel, offset, &address);
	if (!err)
		err = check_head(kernel, address, size);
	if (!err)
		err = gg_host_read(&kernel->typed, address + HEAD + NAME_SIZE, status, size);
	return err ? err : gg_arch_read_prstatus(kernel->arch, status, ret);
}
