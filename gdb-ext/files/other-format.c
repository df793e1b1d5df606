// SPDX-License-Identifier: GPL-3.0-or-later
//
// Signatures: zstd, RFC 8878; lz4, lz4_Frame_format.md; xz, xz-file-format.txt; gzip, RFC 1952; bzip2, compress.c;
// QEMU 7.2 migration/savevm.h (QEMU_VM_FILE_MAGIC) and block/qcow2.h; libvirt 9.0 src/qemu/qemu_saveimage.h; Windows,
// QEMU 7.2 include/qemu/win_dump_defs.h; LiME, src/lime.h; VMware's checkpoint, crash 8.0 vmware_vmss.h; s390-tools 2.16
// zdump/df_s390.h.
#include "other-format.h"

#include <string.h>
#include <unistd.h>

enum { LONGEST = 16 };

static const struct {
	const char bytes[LONGEST + 1];
	const char *text; // the format, and what to do
} formats[] = {
	{ "\x28\xb5\x2f\xfd", "compressed by zstd; unpack it with \"zstd -d --sparse\"" },
	{ "\x04\x22\x4d\x18", "compressed by lz4; unpack it with \"lz4 -d\"" },
	{ "\xfd\x37zXZ", "compressed by xz; unpack it with \"xz -dk\"" },
	{ "\x1f\x8b", "compressed by gzip; unpack it with \"gunzip -k\"" },
	{ "BZh", "compressed by bzip2; unpack it with \"bunzip2 -k\"" },
	{ "LibvirtQemud",
	  "a guest that libvirt saved, which is not read; \"virsh restore --paused\" makes a "
	  "process of it" },
	{ "QEVM",
	  "a migration stream of QEMU, which is not read; \"virsh dump --memory-only\" writes a "
	  "vmcore, the process can be looked at" },
	{ "QFI\xfb", "a qcow2 image of a disk, not memory" },
	{ "PAGEDU", "a crash dump of Windows; only guests with Linux are read" },
	{ "EMiL", "memory in LiME's format, which is not read" },
	{ "\xd0\xbe\xd2\xbe", "a checkpoint of VMware's, which is not read; crash reads it" },
	{ "\xd2\xbe\xd2\xbe", "a checkpoint of VMware's, which is not read; crash reads it" },
	{ "\xa8\x19\x01\x73\x61\x8f\x23",
	  "a stand-alone dump of s390; \"zgetdump -f elf\" makes a vmcore of it" },
};

struct gg_error *gg_other_format_error(int fd, const char *otherwise)
{
	char start[LONGEST] = { 0 };
	if (pread(fd, start, sizeof(start), 0) > 0)
		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
			if (!memcmp(start, formats[i].bytes, strlen(formats[i].bytes)))
				return gg_error_create(GG_BAD_DATA, "%s", formats[i].text);
	return gg_error_create(GG_BAD_DATA, "%s", otherwise);
}
