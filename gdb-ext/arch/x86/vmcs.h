// SPDX-License-Identifier: GPL-3.0-or-later
//
// A VMCS: the page to which VMX writes a guest's registers, and from which it loads the host's. Its format is the
// processor's own, and the revision at its start names the format.
#ifndef GG_X86_VMCS_H
#define GG_X86_VMCS_H

#include "x86.h"

enum {
	X86_VMCS_SIZE = 4096,
	X86_VMCS_FIRST_FIELD = 8, // behind the revision and the abort indicator
};

// Revisions that software defines.
enum { X86_VMCS12_REVISION = 0x11e57ed0, X86_EVMCS_REVISION = 1 };

enum x86_vmcs_field {
	// The segments ES to TR, in the order of enum x86_register, with X86_SEGMENT_PARTS fields each.
	VMCS_SEGMENTS,
	VMCS_GDT_BASE = VMCS_SEGMENTS + (X86_GDT - X86_ES),
	VMCS_GDT_LIMIT,
	VMCS_IDT_BASE,
	VMCS_IDT_LIMIT,
	VMCS_CR0,
	VMCS_CR3,
	VMCS_CR4,
	VMCS_DR7,
	VMCS_RSP,
	VMCS_RIP,
	VMCS_RFLAGS,
	VMCS_SYSENTER_CS,
	VMCS_SYSENTER_ESP,
	VMCS_SYSENTER_EIP,
	VMCS_LINK, // the address of a further VMCS; all ones without
	VMCS_EXIT_CONTROLS,
	// The registers that the processor loads when it leaves the guest.
	VMCS_HOST_SELECTORS, // ES, CS, SS, DS, FS, GS, TR
	VMCS_HOST_CR0 = VMCS_HOST_SELECTORS + 7,
	VMCS_HOST_CR3,
	VMCS_HOST_CR4,
	VMCS_HOST_FS_BASE,
	VMCS_HOST_GS_BASE,
	VMCS_HOST_TR_BASE,
	VMCS_HOST_GDT_BASE,
	VMCS_HOST_IDT_BASE,
	VMCS_HOST_SYSENTER_CS,
	VMCS_HOST_SYSENTER_ESP,
	VMCS_HOST_SYSENTER_EIP,
	VMCS_HOST_RSP,
	VMCS_HOST_RIP,
	X86_VMCS_FIELDS,
};

struct x86_vmcs_layout {
	const char *name; // for people
	uint32_t revision;
	uint16_t offsets[X86_VMCS_FIELDS]; // 0: not known
};

// Returns the layout of a revision; NULL where it is not known.
const struct x86_vmcs_layout *x86_vmcs_layout(uint32_t revision);

// Returns the field's bytes: 2, 4 or 8.
unsigned int x86_vmcs_width(enum x86_vmcs_field field);

// Returns the revision of the VMCS in X86_VMCS_SIZE BYTES, without the bit of a shadow VMCS.
uint32_t x86_vmcs_revision(const uint8_t *bytes);

// Reads a field of the VMCS in X86_VMCS_SIZE BYTES; false where LAYOUT does not know the field.
bool x86_vmcs_field(const struct x86_vmcs_layout *layout, const uint8_t *bytes,
		    enum x86_vmcs_field field, uint64_t *ret);

// Tests whether LAYOUT has the fields A and B at places that share bytes.
bool x86_vmcs_overlap(const struct x86_vmcs_layout *layout, enum x86_vmcs_field a,
		      enum x86_vmcs_field b);

// Checks that no two fields share bytes. GG_BAD_DATA names the place.
struct gg_error *x86_vmcs_check_places(const struct x86_vmcs_layout *layout);

// Checks what holds of each VMCS: no abort, a link, and the bits that VMX asks of the host's CR0 and CR4.
struct gg_error *x86_vmcs_check(const struct x86_vmcs_layout *layout, const uint8_t *bytes);

// Sets the guest's registers that LAYOUT knows; CR0 and CR4 are the hardware's. Others stay as they are.
void x86_vmcs_read_guest(const struct x86_vmcs_layout *layout, const uint8_t *bytes,
			 struct gg_registers *ret);

// Reads the host's registers, those after the next exit; others are unknown. The machine's A20 is that of NESTED.
void x86_vmcs_read_host(const struct x86_vmcs_layout *layout, const uint8_t *bytes,
			const struct gg_registers *nested, struct gg_registers *ret);

// Sets a segment register's flags by its access rights of VMX (Intel SDM, volume 3, table 25-2).
void x86_vmcs_set_rights(struct gg_registers *registers, unsigned int segment, uint64_t rights);

#endif
