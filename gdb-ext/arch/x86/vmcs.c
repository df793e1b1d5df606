// SPDX-License-Identifier: GPL-3.0-or-later
//
// The formats of a VMCS that are known, and the registers in one.
//
// In:  a page of memory.
// Out: the guest's registers, and the host's.
// Trusts nothing it reads: the page must meet what holds of each VMCS.
//
// Software defines two formats: vmcs12, which KVM gives the hypervisors that run in its guests (Linux
// arch/x86/kvm/vmx/vmcs12.h; its offsets never change, vmx_check_vmcs12_offsets()), and Hyper-V's enlightened VMCS,
// version 1 (Hypervisor Top Level Functional Specification, HV_VMX_ENLIGHTENED_VMCS; Linux
// include/hyperv/hvgdk.h, struct hv_enlightened_vmcs). Processors keep theirs secret; the offsets here are measured:
// those of the layouts in the plugin Actaeon (eurecom-s3, plugin/hypervisors/vmcs_layouts), and for 0x12 of a
// Broadwell, where rekall's vmcs_layout was run (google/rekall, report 420), which has the same places.
#include "vmcs.h"
#include "base/cursor.h"

#include <inttypes.h>

// A segment register's selector, base, limit and access rights.
#define SEGMENT(segment, selector, base, limit, rights)                                            \
	[VMCS_SEGMENTS + (segment)-X86_ES] = (selector), (base), (limit), (rights)

// The same where all segments are alike.
#define WIDE_SEGMENT(segment, start)                                                               \
	SEGMENT(segment, start, (start) + 8, (start) + 16, (start) + 20)
#define PENRYN_SEGMENT(segment, start) SEGMENT(segment, start, (start) + 8, (start) + 16, 0)
#define NARROW_SEGMENT(segment, start) SEGMENT(segment, start, (start) + 8, (start) + 4, 0)

// The fields of Nehalem, Westmere and Sandy Bridge.
#define WIDE_FIELDS                                                                                \
	WIDE_SEGMENT(X86_ES, 512), WIDE_SEGMENT(X86_CS, 536), WIDE_SEGMENT(X86_SS, 560),           \
		WIDE_SEGMENT(X86_DS, 584), WIDE_SEGMENT(X86_FS, 608), WIDE_SEGMENT(X86_GS, 632),   \
		WIDE_SEGMENT(X86_LDT, 656), WIDE_SEGMENT(X86_TR, 680),                             \
		[VMCS_GDT_BASE] = 704, [VMCS_IDT_BASE] = 712, [VMCS_GDT_LIMIT] = 720,              \
		[VMCS_IDT_LIMIT] = 724, [VMCS_CR0] = 728, [VMCS_CR3] = 736, [VMCS_CR4] = 744,      \
		[VMCS_DR7] = 456, [VMCS_RSP] = 464, [VMCS_RIP] = 472, [VMCS_RFLAGS] = 480,         \
		[VMCS_SYSENTER_ESP] = 496, [VMCS_SYSENTER_EIP] = 504, [VMCS_LINK] = 248,           \
		[VMCS_HOST_CR0] = 824, [VMCS_HOST_CR3] = 832, [VMCS_HOST_CR4] = 840,               \
		[VMCS_HOST_FS_BASE] = 848, [VMCS_HOST_GS_BASE] = 856, [VMCS_HOST_TR_BASE] = 864,   \
		[VMCS_HOST_GDT_BASE] = 872, [VMCS_HOST_IDT_BASE] = 880,                            \
		[VMCS_HOST_SYSENTER_ESP] = 888, [VMCS_HOST_SYSENTER_EIP] = 896,                    \
		[VMCS_HOST_RSP] = 904, [VMCS_HOST_RIP] = 912

static const struct x86_vmcs_layout layouts[] = {
	{ .name = "KVM's vmcs12",
	  .revision = X86_VMCS12_REVISION,
	  .offsets = { SEGMENT(X86_ES, 964, 448, 840, 880),
		       SEGMENT(X86_CS, 966, 456, 844, 884),
		       SEGMENT(X86_SS, 968, 464, 848, 888),
		       SEGMENT(X86_DS, 970, 472, 852, 892),
		       SEGMENT(X86_FS, 972, 480, 856, 896),
		       SEGMENT(X86_GS, 974, 488, 860, 900),
		       SEGMENT(X86_LDT, 976, 496, 864, 904),
		       SEGMENT(X86_TR, 978, 504, 868, 908),
		       [VMCS_GDT_BASE] = 512,
		       [VMCS_GDT_LIMIT] = 872,
		       [VMCS_IDT_BASE] = 520,
		       [VMCS_IDT_LIMIT] = 876,
		       [VMCS_CR0] = 424,
		       [VMCS_CR3] = 432,
		       [VMCS_CR4] = 440,
		       [VMCS_DR7] = 528,
		       [VMCS_RSP] = 536,
		       [VMCS_RIP] = 544,
		       [VMCS_RFLAGS] = 552,
		       [VMCS_SYSENTER_CS] = 920,
		       [VMCS_SYSENTER_ESP] = 568,
		       [VMCS_SYSENTER_EIP] = 576,
		       [VMCS_LINK] = 176,
		       [VMCS_EXIT_CONTROLS] = 768,
		       [VMCS_HOST_SELECTORS] = 982,
		       984,
		       986,
		       988,
		       990,
		       992,
		       994,
		       [VMCS_HOST_CR0] = 584,
		       [VMCS_HOST_CR3] = 592,
		       [VMCS_HOST_CR4] = 600,
		       [VMCS_HOST_FS_BASE] = 608,
		       [VMCS_HOST_GS_BASE] = 616,
		       [VMCS_HOST_TR_BASE] = 624,
		       [VMCS_HOST_GDT_BASE] = 632,
		       [VMCS_HOST_IDT_BASE] = 640,
		       [VMCS_HOST_SYSENTER_CS] = 924,
		       [VMCS_HOST_SYSENTER_ESP] = 648,
		       [VMCS_HOST_SYSENTER_EIP] = 656,
		       [VMCS_HOST_RSP] = 664,
		       [VMCS_HOST_RIP] = 672 } },
	{ .name = "Hyper-V's enlightened VMCS",
	  .revision = X86_EVMCS_REVISION,
	  .offsets = { SEGMENT(X86_ES, 128, 216, 144, 184),
		       SEGMENT(X86_CS, 130, 224, 148, 188),
		       SEGMENT(X86_SS, 132, 232, 152, 192),
		       SEGMENT(X86_DS, 134, 240, 156, 196),
		       SEGMENT(X86_FS, 136, 248, 160, 200),
		       SEGMENT(X86_GS, 138, 256, 164, 204),
		       SEGMENT(X86_LDT, 140, 264, 168, 208),
		       SEGMENT(X86_TR, 142, 272, 172, 212),
		       [VMCS_GDT_BASE] = 280,
		       [VMCS_GDT_LIMIT] = 176,
		       [VMCS_IDT_BASE] = 288,
		       [VMCS_IDT_LIMIT] = 180,
		       [VMCS_CR0] = 544,
		       [VMCS_CR3] = 552,
		       [VMCS_CR4] = 560,
		       [VMCS_DR7] = 568,
		       [VMCS_RSP] = 768,
		       [VMCS_RIP] = 816,
		       [VMCS_RFLAGS] = 776,
		       [VMCS_SYSENTER_CS] = 508,
		       [VMCS_SYSENTER_ESP] = 488,
		       [VMCS_SYSENTER_EIP] = 496,
		       [VMCS_LINK] = 416,
		       [VMCS_EXIT_CONTROLS] = 96,
		       [VMCS_HOST_SELECTORS] = 8,
		       10,
		       12,
		       14,
		       16,
		       18,
		       20,
		       [VMCS_HOST_CR0] = 40,
		       [VMCS_HOST_CR3] = 48,
		       [VMCS_HOST_CR4] = 56,
		       [VMCS_HOST_FS_BASE] = 576,
		       [VMCS_HOST_GS_BASE] = 584,
		       [VMCS_HOST_TR_BASE] = 592,
		       [VMCS_HOST_GDT_BASE] = 600,
		       [VMCS_HOST_IDT_BASE] = 608,
		       [VMCS_HOST_SYSENTER_CS] = 88,
		       [VMCS_HOST_SYSENTER_ESP] = 64,
		       [VMCS_HOST_SYSENTER_EIP] = 72,
		       [VMCS_HOST_RSP] = 616,
		       [VMCS_HOST_RIP] = 80 } },
	{ .name = "Penryn's VMCS",
	  .revision = 0xd,
	  .offsets = { SEGMENT(X86_DS, 0, 336, 344, 0),
		       PENRYN_SEGMENT(X86_ES, 256),
		       PENRYN_SEGMENT(X86_CS, 280),
		       PENRYN_SEGMENT(X86_SS, 304),
		       PENRYN_SEGMENT(X86_FS, 352),
		       PENRYN_SEGMENT(X86_GS, 376),
		       PENRYN_SEGMENT(X86_LDT, 400),
		       PENRYN_SEGMENT(X86_TR, 424),
		       [VMCS_CR0] = 768,
		       [VMCS_CR3] = 776,
		       [VMCS_CR4] = 784,
		       [VMCS_GDT_BASE] = 792,
		       [VMCS_IDT_BASE] = 800,
		       [VMCS_GDT_LIMIT] = 576,
		       [VMCS_IDT_LIMIT] = 584,
		       [VMCS_DR7] = 808,
		       [VMCS_RSP] = 816,
		       [VMCS_RIP] = 824,
		       [VMCS_RFLAGS] = 832,
		       [VMCS_SYSENTER_CS] = 616,
		       [VMCS_SYSENTER_ESP] = 848,
		       [VMCS_SYSENTER_EIP] = 856,
		       [VMCS_LINK] = 32,
		       [VMCS_HOST_CR0] = 896,
		       [VMCS_HOST_CR3] = 904,
		       [VMCS_HOST_CR4] = 912,
		       [VMCS_HOST_FS_BASE] = 920,
		       [VMCS_HOST_GS_BASE] = 928,
		       [VMCS_HOST_TR_BASE] = 936,
		       [VMCS_HOST_GDT_BASE] = 944,
		       [VMCS_HOST_IDT_BASE] = 952,
		       [VMCS_HOST_SYSENTER_ESP] = 960,
		       [VMCS_HOST_SYSENTER_EIP] = 968,
		       [VMCS_HOST_RSP] = 976,
		       [VMCS_HOST_RIP] = 984 } },
	{ .name = "Nehalem's VMCS",
	  .revision = 0xe,
	  .offsets = { WIDE_FIELDS, [VMCS_SYSENTER_CS] = 404 } },
	{ .name = "Westmere's VMCS",
	  .revision = 0xf,
	  .offsets = { WIDE_FIELDS, [VMCS_SYSENTER_CS] = 588 } },
	{ .name = "Sandy Bridge's VMCS",
	  .revision = 0x10,
	  .offsets = { WIDE_FIELDS, [VMCS_SYSENTER_CS] = 404 } },
	{ .name = "Haswell's VMCS",
	  .revision = 0x12,
	  .offsets = { NARROW_SEGMENT(X86_ES, 32),
		       NARROW_SEGMENT(X86_CS, 48),
		       NARROW_SEGMENT(X86_SS, 64),
		       NARROW_SEGMENT(X86_DS, 80),
		       NARROW_SEGMENT(X86_LDT, 96),
		       NARROW_SEGMENT(X86_TR, 112),
		       NARROW_SEGMENT(X86_FS, 128),
		       NARROW_SEGMENT(X86_GS, 144),
		       [VMCS_GDT_LIMIT] = 164,
		       [VMCS_GDT_BASE] = 168,
		       [VMCS_IDT_LIMIT] = 180,
		       [VMCS_IDT_BASE] = 184,
		       [VMCS_CR0] = 520,
		       [VMCS_CR3] = 528,
		       [VMCS_CR4] = 536,
		       [VMCS_DR7] = 456,
		       [VMCS_RSP] = 464,
		       [VMCS_RIP] = 472,
		       [VMCS_RFLAGS] = 480,
		       [VMCS_SYSENTER_CS] = 512,
		       [VMCS_SYSENTER_ESP] = 496,
		       [VMCS_SYSENTER_EIP] = 504,
		       [VMCS_LINK] = 248,
		       [VMCS_HOST_SELECTORS] = 192,
		       194,
		       196,
		       198,
		       200,
		       202,
		       204,
		       [VMCS_HOST_CR0] = 808,
		       [VMCS_HOST_CR3] = 816,
		       [VMCS_HOST_CR4] = 824,
		       [VMCS_HOST_IDT_BASE] = 832,
		       [VMCS_HOST_GDT_BASE] = 840,
		       [VMCS_HOST_FS_BASE] = 848,
		       [VMCS_HOST_GS_BASE] = 856,
		       [VMCS_HOST_TR_BASE] = 864,
		       [VMCS_HOST_SYSENTER_ESP] = 872,
		       [VMCS_HOST_SYSENTER_EIP] = 880,
		       [VMCS_HOST_SYSENTER_CS] = 888,
		       [VMCS_HOST_RSP] = 768,
		       [VMCS_HOST_RIP] = 776 } },
};

const struct x86_vmcs_layout *x86_vmcs_layout(uint32_t revision)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (layouts[i].revision == revision)
			return &layouts[i];
	return NULL;
}

// ---- Fields ----

unsigned int x86_vmcs_width(enum x86_vmcs_field field)
{
	static const unsigned int parts[] = { 2, 8, 4, 4 };
	if (field < VMCS_GDT_BASE)
		return parts[field % X86_SEGMENT_PARTS];
	if (field >= VMCS_HOST_SELECTORS && field < VMCS_HOST_CR0)
		return 2;
	switch (field) {
	case VMCS_GDT_LIMIT:
	case VMCS_IDT_LIMIT:
	case VMCS_SYSENTER_CS:
	case VMCS_EXIT_CONTROLS:
	case VMCS_HOST_SYSENTER_CS:
		return 4;
	default:
		return 8;
	}
}

static uint64_t read_at(const uint8_t *bytes, uint64_t offset, unsigned int width)
{
	struct gg_cursor cursor = gg_cursor(bytes, X86_VMCS_SIZE, false, "the VMCS");
	uint64_t value = 0;
	gg_error_destroy(gg_cursor_member(&cursor, &(struct gg_member){ offset, width }, &value));
	return value;
}

uint32_t x86_vmcs_revision(const uint8_t *bytes)
{
	const uint32_t is_shadow = UINT32_C(1) << 31;
	return (uint32_t)read_at(bytes, 0, 4) & ~is_shadow;
}

bool x86_vmcs_field(const struct x86_vmcs_layout *layout, const uint8_t *bytes,
		    enum x86_vmcs_field field, uint64_t *ret)
{
	const uint16_t offset = layout->offsets[field];
	const unsigned int width = x86_vmcs_width(field);
	*ret = 0;
	if (!offset || offset + width > X86_VMCS_SIZE)
		return false;
	*ret = read_at(bytes, offset, width);
	return true;
}

// ---- Checks ----

bool x86_vmcs_overlap(const struct x86_vmcs_layout *layout, enum x86_vmcs_field a,
		      enum x86_vmcs_field b)
{
	const uint16_t first = layout->offsets[a], second = layout->offsets[b];
	return first && second && first < second + x86_vmcs_width(b) &&
	       second < first + x86_vmcs_width(a);
}

struct gg_error *x86_vmcs_check_places(const struct x86_vmcs_layout *layout)
{
	for (unsigned int i = 0; i < X86_VMCS_FIELDS; i++)
		for (unsigned int j = 0; j < i; j++)
			if (x86_vmcs_overlap(layout, i, j))
				return gg_error_create(GG_BAD_DATA, "two fields are at %u",
						       layout->offsets[i]);
	return NULL;
}

struct gg_error *x86_vmcs_check(const struct x86_vmcs_layout *layout, const uint8_t *bytes)
{
	enum { ABORT = 4, CR0_PE = 1, CR4_VMXE = 1 << 13, PAGE_BITS = 0xfff };
	const uint64_t cr0_paging = UINT64_C(1) << 31, abort = read_at(bytes, ABORT, 4);
	uint64_t link, cr0, cr4;
	// An enlightened VMCS has no indicator of an abort.
	if (layout->revision != X86_EVMCS_REVISION && abort)
		return gg_error_create(GG_BAD_DATA, "its abort indicator is %" PRIu64, abort);
	if (x86_vmcs_field(layout, bytes, VMCS_LINK, &link) && link != UINT64_MAX &&
	    (link & PAGE_BITS || link >> 52))
		return gg_error_create(GG_BAD_DATA, "its link pointer is 0x%" PRIx64, link);
	if (x86_vmcs_field(layout, bytes, VMCS_HOST_CR0, &cr0) &&
	    (cr0 & (CR0_PE | cr0_paging)) != (CR0_PE | cr0_paging))
		return gg_error_create(GG_BAD_DATA, "its host CR0 is 0x%" PRIx64, cr0);
	if (x86_vmcs_field(layout, bytes, VMCS_HOST_CR4, &cr4) && !(cr4 & CR4_VMXE))
		return gg_error_create(GG_BAD_DATA, "its host CR4 is 0x%" PRIx64 ", without VMXE",
				       cr4);
	return NULL;
}

// ---- Registers ----

struct field_register {
	enum x86_vmcs_field field;
	enum x86_register id;
};

static void set_fields(const struct x86_vmcs_layout *layout, const uint8_t *bytes,
		       const struct field_register *fields, size_t count, struct gg_registers *ret)
{
	uint64_t value;
	for (size_t i = 0; i < count; i++)
		if (x86_vmcs_field(layout, bytes, fields[i].field, &value))
			gg_register_set(ret, fields[i].id, value);
}

// The parts of a descriptor's second word that repeat its base stay unknown; the limit's part is bits 16 to 19 of the
// limit before it was scaled.
void x86_vmcs_set_rights(struct gg_registers *registers, unsigned int segment, uint64_t rights)
{
	enum {
		TYPE = 0xff,
		HIGH = 0xf000,
		UNUSABLE = 1 << 16,
		GRANULARITY = 1 << 23,
		LIMIT_SHIFT = 16,
		SCALE = 12
	};
	const uint64_t base_parts = 0xff0000ff;
	const uint64_t limit = gg_register(registers, segment + X86_LIMIT);
	uint64_t flags = (rights & TYPE) << 8 | (rights & HIGH) << 8;
	if (rights & UNUSABLE)
		flags &= ~(uint64_t)X86_DESC_P;
	flags |= (limit >> (flags & GRANULARITY ? LIMIT_SHIFT + SCALE : LIMIT_SHIFT) & 0xf)
		 << LIMIT_SHIFT;
	gg_register_learn(registers, segment + X86_FLAGS, flags, (uint32_t)~base_parts);
}

void x86_vmcs_read_guest(const struct x86_vmcs_layout *layout, const uint8_t *bytes,
			 struct gg_registers *ret)
{
	static const struct field_register fields[] = {
		{ VMCS_GDT_BASE, X86_GDT + X86_BASE },
		{ VMCS_GDT_LIMIT, X86_GDT + X86_LIMIT },
		{ VMCS_IDT_BASE, X86_IDT + X86_BASE },
		{ VMCS_IDT_LIMIT, X86_IDT + X86_LIMIT },
		{ VMCS_CR0, X86_CR0 },
		{ VMCS_CR3, X86_CR0 + 3 },
		{ VMCS_CR4, X86_CR4 },
		{ VMCS_DR7, X86_DR7 },
		{ VMCS_RSP, X86_RSP },
		{ VMCS_RIP, X86_RIP },
		{ VMCS_RFLAGS, X86_RFLAGS },
		{ VMCS_RFLAGS, X86_RAW_EFLAGS },
		{ VMCS_SYSENTER_CS, X86_SYSENTER_CS },
		{ VMCS_SYSENTER_ESP, X86_SYSENTER_ESP },
		{ VMCS_SYSENTER_EIP, X86_SYSENTER_EIP },
	};
	uint64_t value;
	set_fields(layout, bytes, fields, sizeof(fields) / sizeof(*fields), ret);
	for (unsigned int id = X86_ES; id < X86_GDT; id += X86_SEGMENT_PARTS)
		for (unsigned int part = 0; part < X86_SEGMENT_PARTS; part++) {
			const enum x86_vmcs_field field = VMCS_SEGMENTS + (id - X86_ES) + part;
			if (!x86_vmcs_field(layout, bytes, field, &value))
				continue;
			if (part == X86_FLAGS)
				x86_vmcs_set_rights(ret, id, value);
			else
				gg_register_set(ret, id + part, value);
		}
}

// An exit loads RFLAGS with its fixed bit, and the limits of GDT and IDT with their most (Intel SDM, volume 3,
// chapter 28.5).
void x86_vmcs_read_host(const struct x86_vmcs_layout *layout, const uint8_t *bytes,
			const struct gg_registers *nested, struct gg_registers *ret)
{
	enum { RFLAGS_FIXED = 1 << 1, TABLE_LIMIT = 0xffff, LONG_MODE = 1 << 9 };
	static const struct field_register fields[] = {
		{ VMCS_HOST_SELECTORS + 0, X86_ES },
		{ VMCS_HOST_SELECTORS + 1, X86_CS },
		{ VMCS_HOST_SELECTORS + 2, X86_SS },
		{ VMCS_HOST_SELECTORS + 3, X86_DS },
		{ VMCS_HOST_SELECTORS + 4, X86_FS },
		{ VMCS_HOST_SELECTORS + 5, X86_GS },
		{ VMCS_HOST_SELECTORS + 6, X86_TR },
		{ VMCS_HOST_CR0, X86_CR0 },
		{ VMCS_HOST_CR3, X86_CR0 + 3 },
		{ VMCS_HOST_CR4, X86_CR4 },
		{ VMCS_HOST_FS_BASE, X86_FS + X86_BASE },
		{ VMCS_HOST_GS_BASE, X86_GS + X86_BASE },
		{ VMCS_HOST_TR_BASE, X86_TR + X86_BASE },
		{ VMCS_HOST_GDT_BASE, X86_GDT + X86_BASE },
		{ VMCS_HOST_IDT_BASE, X86_IDT + X86_BASE },
		{ VMCS_HOST_SYSENTER_CS, X86_SYSENTER_CS },
		{ VMCS_HOST_SYSENTER_ESP, X86_SYSENTER_ESP },
		{ VMCS_HOST_SYSENTER_EIP, X86_SYSENTER_EIP },
		{ VMCS_HOST_RSP, X86_RSP },
		{ VMCS_HOST_RIP, X86_RIP },
	};
	const uint64_t known = X86_HF_CPL | X86_HF_PE | X86_HF_VM | X86_HF_GUEST;
	const uint64_t long_mode = X86_HF_LMA | X86_HF_CS64;
	uint64_t controls;
	gg_registers_init(ret, nested->set, nested->word);
	set_fields(layout, bytes, fields, sizeof(fields) / sizeof(*fields), ret);
	gg_register_set(ret, X86_RFLAGS, RFLAGS_FIXED);
	gg_register_set(ret, X86_RAW_EFLAGS, RFLAGS_FIXED);
	gg_register_set(ret, X86_GDT + X86_LIMIT, TABLE_LIMIT);
	gg_register_set(ret, X86_IDT + X86_LIMIT, TABLE_LIMIT);
	gg_register_learn(ret, X86_HFLAGS, X86_HF_PE, known);
	if (x86_vmcs_field(layout, bytes, VMCS_EXIT_CONTROLS, &controls)) {
		const bool is_long = controls & LONG_MODE;
		gg_register_learn(ret, X86_HFLAGS, is_long ? long_mode : 0, long_mode);
		gg_register_learn(ret, X86_EFER, is_long ? X86_EFER_LMA : 0, X86_EFER_LMA);
	}
	gg_register_copy(ret, X86_A20, nested);
}
