// SPDX-License-Identifier: GPL-3.0-or-later
//
// VMCSINFO: the places of the fields in a processor's VMCS, as a kernel has measured them (Linux kernel mailing list, April 2012,
// "[PATCH 0/4] Export offsets of VMCS fields as note information for kdump"; in no released kernel). The text is that of an
// ELF note whose name is VMCSINFO:
//
//     REVISION_ID=d
//     FIELD(PIN_BASED_VM_EXEC_CONTROL)=01840180
//     FIELD(GUEST_ES_SELECTOR)=0500
//
// In:  the text.
// Out: a layout.
// Trusts nothing it reads: a field has a place only if all of its bytes are side by side.
//
// The kernel writes to each pair of bytes of a VMCS a value that names the pair's offset, and reads the fields. The value at
// offset O is 0x100 * (2 * (O / 128) + 1) + 2 * (O % 128). The mails do not say so: the values are those of a processor of revision
// 0xd (a Core 2 Duo E7500), and lead to the places that Actaeon's penryn.py has for the same revision.
#include "vmcsinfo.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { HALF = 2 }; // the bytes of a pair

// The names of Linux arch/x86/include/asm/vmx.h, enum vmcs_field.
#define SEGMENT_NAMES(segment, name)                                                               \
	[VMCS_SEGMENTS + (segment)-X86_ES] = "GUEST_" name "_SELECTOR", "GUEST_" name "_BASE",     \
			 "GUEST_" name "_LIMIT", "GUEST_" name "_AR_BYTES"

static const char *const names[X86_VMCS_FIELDS] = {
	SEGMENT_NAMES(X86_ES, "ES"),
	SEGMENT_NAMES(X86_CS, "CS"),
	SEGMENT_NAMES(X86_SS, "SS"),
	SEGMENT_NAMES(X86_DS, "DS"),
	SEGMENT_NAMES(X86_FS, "FS"),
	SEGMENT_NAMES(X86_GS, "GS"),
	SEGMENT_NAMES(X86_LDT, "LDTR"),
	SEGMENT_NAMES(X86_TR, "TR"),
	[VMCS_GDT_BASE] = "GUEST_GDTR_BASE",
	[VMCS_GDT_LIMIT] = "GUEST_GDTR_LIMIT",
	[VMCS_IDT_BASE] = "GUEST_IDTR_BASE",
	[VMCS_IDT_LIMIT] = "GUEST_IDTR_LIMIT",
	[VMCS_CR0] = "GUEST_CR0",
	[VMCS_CR3] = "GUEST_CR3",
	[VMCS_CR4] = "GUEST_CR4",
	[VMCS_DR7] = "GUEST_DR7",
	[VMCS_RSP] = "GUEST_RSP",
	[VMCS_RIP] = "GUEST_RIP",
	[VMCS_RFLAGS] = "GUEST_RFLAGS",
	[VMCS_SYSENTER_CS] = "GUEST_SYSENTER_CS",
	[VMCS_SYSENTER_ESP] = "GUEST_SYSENTER_ESP",
	[VMCS_SYSENTER_EIP] = "GUEST_SYSENTER_EIP",
	[VMCS_LINK] = "VMCS_LINK_POINTER",
	[VMCS_EXIT_CONTROLS] = "VM_EXIT_CONTROLS",
	[VMCS_HOST_SELECTORS] = "HOST_ES_SELECTOR",
	"HOST_CS_SELECTOR",
	"HOST_SS_SELECTOR",
	"HOST_DS_SELECTOR",
	"HOST_FS_SELECTOR",
	"HOST_GS_SELECTOR",
	"HOST_TR_SELECTOR",
	[VMCS_HOST_CR0] = "HOST_CR0",
	[VMCS_HOST_CR3] = "HOST_CR3",
	[VMCS_HOST_CR4] = "HOST_CR4",
	[VMCS_HOST_FS_BASE] = "HOST_FS_BASE",
	[VMCS_HOST_GS_BASE] = "HOST_GS_BASE",
	[VMCS_HOST_TR_BASE] = "HOST_TR_BASE",
	[VMCS_HOST_GDT_BASE] = "HOST_GDTR_BASE",
	[VMCS_HOST_IDT_BASE] = "HOST_IDTR_BASE",
	[VMCS_HOST_SYSENTER_CS] = "HOST_IA32_SYSENTER_CS",
	[VMCS_HOST_SYSENTER_ESP] = "HOST_IA32_SYSENTER_ESP",
	[VMCS_HOST_SYSENTER_EIP] = "HOST_IA32_SYSENTER_EIP",
	[VMCS_HOST_RSP] = "HOST_RSP",
	[VMCS_HOST_RIP] = "HOST_RIP",
};

// A part of the text.
struct words {
	const char *at;
	size_t size;
};

// Takes the line at the start of REST, without its end.
static struct words take_line(struct words *rest)
{
	const char *end = memchr(rest->at, '\n', rest->size);
	const struct words line = { rest->at, end ? (size_t)(end - rest->at) : rest->size };
	const size_t taken = line.size + (end != NULL);
	rest->at += taken;
	rest->size -= taken;
	return line;
}

// Takes the word WORD off the start of WORDS; false where they start otherwise.
static bool take_word(struct words *words, const char *word)
{
	const size_t size = strlen(word);
	if (words->size < size || memcmp(words->at, word, size) != 0)
		return false;
	words->at += size;
	words->size -= size;
	return true;
}

static bool read_hex(const struct words *words, uint64_t *ret)
{
	enum { DIGIT_BITS = 4, MOST_DIGITS = 16 };
	*ret = 0;
	for (size_t i = 0; i < words->size; i++) {
		const char digit = words->at[i];
		if (!isxdigit((unsigned char)digit))
			return false;
		const int value = isdigit((unsigned char)digit)
					  ? digit - '0'
					  : tolower((unsigned char)digit) - 'a' + 10;
		*ret = *ret << DIGIT_BITS | (uint64_t)value;
	}
	return words->size && words->size <= MOST_DIGITS;
}

// Decodes the offset that a pair of bytes names; 0 where it names none.
static unsigned int decode(uint64_t pair)
{
	enum { BLOCK = 128 };
	const unsigned int high = pair >> 8 & 0xff, low = pair & 0xff;
	const unsigned int offset = high / 2 * BLOCK + low / 2;
	return high % 2 && low % 4 == 0 ? offset : 0;
}

// Finds the offset of a field of WIDTH bytes by its VALUE; 0 where its bytes are not side by side in the VMCS.
static unsigned int find_offset(uint64_t value, unsigned int width)
{
	const unsigned int offset = decode(value);
	if (offset < X86_VMCS_FIRST_FIELD || offset > X86_VMCS_SIZE - width)
		return 0;
	for (unsigned int at = HALF; at < width; at += HALF)
		if (decode(value >> 8 * at) != offset + at)
			return 0;
	return width < 8 && value >> 8 * width ? 0 : offset;
}

// Sets the place of the field of LINE, which is behind FIELD(. Fields without a register are passed over.
static struct gg_error *set_field(struct words line, struct x86_vmcs_layout *layout)
{
	uint64_t value;
	for (unsigned int field = 0; field < X86_VMCS_FIELDS; field++) {
		struct words rest = line;
		if (!take_word(&rest, names[field]) || !take_word(&rest, ")="))
			continue;
		if (!read_hex(&rest, &value))
			return gg_error_create(GG_BAD_DATA, "%s has no value", names[field]);
		const unsigned int offset = find_offset(value, x86_vmcs_width(field));
		if (layout->offsets[field] && layout->offsets[field] != offset)
			return gg_error_create(GG_BAD_DATA, "%s is there twice, at %u and %u",
					       names[field], layout->offsets[field], offset);
		layout->offsets[field] = (uint16_t)offset;
		return NULL;
	}
	return NULL;
}

struct gg_error *x86_vmcsinfo_parse(const char *text, size_t size, struct x86_vmcs_layout *ret)
{
	struct words rest = { text, size };
	bool has_revision = false;
	uint64_t revision = 0;
	struct gg_error *err = NULL;
	*ret = (struct x86_vmcs_layout){ .name = "its format by VMCSINFO" };
	while (!err && rest.size) {
		struct words line = take_line(&rest);
		if (take_word(&line, "FIELD(")) {
			err = set_field(line, ret);
		} else if (take_word(&line, "REVISION_ID=")) {
			if (has_revision || !read_hex(&line, &revision) || revision > INT32_MAX)
				err = gg_error_create(GG_BAD_DATA, "it has no single revision");
			has_revision = true;
		}
	}
	if (!err && !has_revision)
		err = gg_error_create(GG_BAD_DATA, "it has no revision");
	if (!err)
		err = x86_vmcs_check_places(ret);
	ret->revision = (uint32_t)revision;
	return err ? gg_error_context(err, "VMCSINFO") : NULL;
}
