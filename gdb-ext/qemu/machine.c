// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the host; the binary as a file, since no variable has the version.
// Out: texts.
// Trusts nothing it reads: numbers are held against the size of the table they index, texts are
// bounded and escaped.
#include "machine.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "qom.h"

#include <gelf.h>
#include <inttypes.h>
#include <string.h>

// ---- The version ----

// Finds the version as "-version" prints it (QEMU softmmu/vl.c, version()), up to the end of the
// line.
static char *find_version(const Elf_Data *data)
{
	static const char mark[] = "QEMU emulator version ";
	enum { MAX_VERSION = 128 };
	const char *bytes = data->d_buf, *end = bytes + data->d_size;
	const char *found = bytes ? memmem(bytes, data->d_size, mark, strlen(mark)) : NULL;
	if (!found)
		return NULL;
	found += strlen(mark);
	size_t length = 0;
	while (length < MAX_VERSION && found + length < end && found[length] >= ' ' &&
	       found[length] <= '~')
		length++;
	return strndup(found, length);
}

static char *search_sections(Elf *elf)
{
	size_t names;
	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr shdr;
		const char *name =
			gelf_getshdr(section, &shdr) ? elf_strptr(elf, names, shdr.sh_name) : NULL;
		Elf_Data *data =
			name && !strcmp(name, ".rodata") ? elf_rawdata(section, NULL) : NULL;
		char *version = data ? find_version(data) : NULL;
		if (version)
			return version;
	}
	return NULL;
}

struct gg_error *gg_qemu_version(int fd, char **ret)
{
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	_cleanup_free_ char *version = elf ? search_sections(elf) : NULL;
	elf_end(elf);
	if (!version)
		return gg_error_create(GG_NOT_FOUND, "QEMU's binary has no version in it");
	*ret = gg_text_escape(version);
	return *ret ? NULL : gg_enomem;
}

// ---- The machine ----

struct gg_error *gg_qemu_machine(const struct gg_host *host, char **ret)
{
	static const char suffix[] = "-machine";
	uint64_t variable, machine;
	struct gg_error *err = gg_host_symbol(host, "current_machine", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, host->address_size, &machine);
	if (!err && !machine)
		err = gg_error_create(GG_NOT_FOUND, "current_machine is NULL");
	if (!err)
		err = gg_qom_type_name(host, machine, ret);
	if (err)
		return gg_error_context(err, "QEMU's machine");
	size_t length = strlen(*ret);
	if (length > strlen(suffix) && !strcmp(*ret + length - strlen(suffix), suffix))
		(*ret)[length - strlen(suffix)] = 0;
	return NULL;
}

// ---- The run state ----

struct lookup_layout {
	struct gg_member array, size;
};

static const struct gg_layout_row lookup_rows[] = {
	GG_LAYOUT_ROW(struct lookup_layout, array, "QEnumLookup", "array"),
	GG_LAYOUT_ROW(struct lookup_layout, size, "QEnumLookup", "size"),
};

// Reads the name that the QEnumLookup (QEMU include/qapi/util.h) in the variable NAME has for
// VALUE.
static struct gg_error *read_enum(const struct gg_host *host, const char *name, uint64_t value,
				  char **ret)
{
	enum { MAX_NAME = 64 };
	struct lookup_layout layout;
	uint64_t lookup, array, size, text;
	struct gg_error *err = gg_layout_resolve(
		host, lookup_rows, sizeof(lookup_rows) / sizeof(*lookup_rows), &layout);
	if (!err)
		err = gg_host_symbol(host, name, &lookup);
	if (!err)
		err = gg_host_read_member(host, lookup, &layout.array, &array);
	if (!err)
		err = gg_host_read_member(host, lookup, &layout.size, &size);
	if (!err && value >= size)
		err = gg_error_create(GG_BAD_DATA, "%" PRIu64 " is not below %s.size, %" PRIu64,
				      value, name, size);
	if (!err)
		err = gg_host_read_uint(host, array + value * host->address_size,
					host->address_size, &text);
	_cleanup_free_ char *raw = NULL;
	if (!err)
		err = gg_host_read_text(host, text, MAX_NAME, &raw);
	if (err)
		return err;
	*ret = gg_text_escape(raw);
	return *ret ? NULL : gg_enomem;
}

struct gg_error *gg_qemu_run_state(const struct gg_host *host, char **ret)
{
	enum { ENUM_SIZE = 4 };
	uint64_t variable, state;
	struct gg_error *err = gg_host_symbol(host, "current_run_state", &variable);
	if (!err)
		err = gg_host_read_uint(host, variable, ENUM_SIZE, &state);
	if (!err)
		err = read_enum(host, "RunState_lookup", state, ret);
	return err ? gg_error_context(err, "QEMU's run state") : NULL;
}

// ---- The clock ----

struct timers_layout {
	struct gg_member enabled, offset;
};

// QEMU softmmu/timers-state.h (before v5.2 cpus.c): while the clock stands still the offset is its
// time.
static const struct gg_layout_row timers_rows[] = {
	GG_LAYOUT_ROW(struct timers_layout, enabled, "TimersState", "cpu_ticks_enabled"),
	GG_LAYOUT_ROW(struct timers_layout, offset, "TimersState", "cpu_clock_offset"),
};

struct gg_error *gg_qemu_virtual_clock(const struct gg_host *host, uint64_t *ret)
{
	struct timers_layout layout;
	uint64_t timers, enabled;
	struct gg_error *err = gg_host_symbol(host, "timers_state", &timers);
	if (!err)
		err = gg_layout_resolve(host, timers_rows,
					sizeof(timers_rows) / sizeof(*timers_rows), &layout);
	if (!err)
		err = gg_host_read_member(host, timers, &layout.enabled, &enabled);
	if (!err && enabled)
		err = gg_error_create(GG_NOT_FOUND, "it is running");
	if (!err)
		err = gg_host_read_member(host, timers, &layout.offset, ret);
	return err ? gg_error_context(err, "QEMU's virtual clock") : NULL;
}
