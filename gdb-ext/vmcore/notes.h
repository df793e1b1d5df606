// SPDX-License-Identifier: GPL-3.0-or-later
#ifndef GG_VMCORE_NOTES_H
#define GG_VMCORE_NOTES_H

#include "arch/notes.h"
#include "guest/guest.h"

// Appends the CPUs' notes in the order of QEMU's own dump (dump/dump.c, write_elf64_notes): all
// NT_PRSTATUS, then all of QEMU's own. What keeps them from being had, and CPUs whose registers are
// not current, are told to NOTICES.
struct gg_error *gg_vmcore_cpu_notes(struct gg_guest *guest, const struct gg_arch *arch,
				     const struct gg_notices *notices, struct gg_buffer *notes);

#endif
