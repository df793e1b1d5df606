// SPDX-License-Identifier: GPL-3.0-or-later
//
// QEMU's vmcoreinfo device (QEMU hw/misc/vmcoreinfo.c, since v2.11), to which a guest's driver
// writes the place of the kernel's note.
//
// In:  the list that QEMU saves on migration (migration/savevm.c), with every device's state.
// Out: a guest-physical address, for the caller to look at.
// Trusts nothing it reads: the list is bounded, names are compared within their arrays.
#include "vmcoreinfo-device.h"
#include "base/cleanup.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_ENTRIES = 65536, MAX_IDSTR = 256, FORMAT_ELF = 1 };

struct device_layout {
	struct gg_member first, next, idstr, opaque;
	struct gg_member has_vmcoreinfo, format, address;
};

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct device_layout, first, "SaveState", "handlers.tqh_first"),
	GG_LAYOUT_ROW(struct device_layout, next, "SaveStateEntry", "entry.tqe_next"),
	GG_LAYOUT_ROW(struct device_layout, idstr, "SaveStateEntry", "idstr"),
	GG_LAYOUT_ROW(struct device_layout, opaque, "SaveStateEntry", "opaque"),
	GG_LAYOUT_ROW(struct device_layout, has_vmcoreinfo, "VMCoreInfoState", "has_vmcoreinfo"),
	GG_LAYOUT_ROW(struct device_layout, format, "VMCoreInfoState", "vmcoreinfo.guest_format"),
	GG_LAYOUT_ROW(struct device_layout, address, "VMCoreInfoState", "vmcoreinfo.paddr"),
};

// Tests whether ENTRY is the device's: its name is the device's, perhaps behind a path.
static struct gg_error *is_device(const struct gg_host *host, const struct device_layout *layout,
				  uint64_t entry, bool *ret)
{
	static const char name[] = "vmcoreinfo";
	char idstr[MAX_IDSTR + 1] = "";
	const size_t size = layout->idstr.size < MAX_IDSTR ? layout->idstr.size : MAX_IDSTR;
	struct gg_error *err = gg_host_read(host, entry + layout->idstr.offset, idstr, size);
	const size_t length = strlen(idstr);
	*ret = !err && length >= strlen(name) && !strcmp(idstr + length - strlen(name), name);
	return err;
}

static struct gg_error *find_device(const struct gg_host *host, const struct device_layout *layout,
				    uint64_t *ret)
{
	uint64_t list, entry;
	struct gg_error *err = gg_host_symbol(host, "savevm_state", &list);
	if (!err)
		err = gg_host_read_member(host, list, &layout->first, &entry);
	for (unsigned int i = 0; !err && entry; i++) {
		bool found = false;
		if (i == MAX_ENTRIES)
			return gg_error_create(GG_BAD_DATA, "savevm_state has more than %d entries",
					       MAX_ENTRIES);
		err = is_device(host, layout, entry, &found);
		if (!err && found)
			return gg_host_read_member(host, entry, &layout->opaque, ret);
		if (!err)
			err = gg_interrupt_check();
		if (!err)
			err = gg_host_read_member(host, entry, &layout->next, &entry);
	}
	return err ? err : gg_error_create(GG_NOT_FOUND, "QEMU has no vmcoreinfo device");
}

// Reads a word of the guest's, little-endian whatever the guest or QEMU's host is.
static struct gg_error *read_word(const struct gg_host *host, uint64_t device,
				  const struct gg_member *member, uint64_t *ret)
{
	uint8_t bytes[8];
	if (member->size > sizeof(bytes))
		return gg_error_create(GG_BAD_DATA, "a word of %" PRIu64 " bytes", member->size);
	struct gg_error *err = gg_host_read(host, device + member->offset, bytes, member->size);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, member->size, false, "FWCfgVMCoreInfo");
	return gg_cursor_uint(&cursor, (unsigned int)member->size, ret);
}

struct gg_error *gg_qemu_vmcoreinfo_device(const struct gg_host *host, gg_gpa_t *ret)
{
	struct device_layout layout;
	uint64_t device, told, format;
	struct gg_error *err = gg_layout_resolve(host, rows, sizeof(rows) / sizeof(*rows), &layout);
	if (!err)
		err = find_device(host, &layout, &device);
	if (!err)
		err = gg_host_read_member(host, device, &layout.has_vmcoreinfo, &told);
	if (!err && !told)
		err = gg_error_create(GG_NOT_FOUND, "the guest has registered no note with it");
	if (!err)
		err = read_word(host, device, &layout.format, &format);
	if (!err && format != FORMAT_ELF)
		err = gg_error_create(GG_BAD_DATA, "its guest_format is %" PRIu64 ", not %d",
				      format, FORMAT_ELF);
	if (!err)
		err = read_word(host, device, &layout.address, ret);
	return err ? gg_error_context(err, "the vmcoreinfo device") : NULL;
}
