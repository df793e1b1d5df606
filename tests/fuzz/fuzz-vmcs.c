// SPDX-License-Identifier: GPL-3.0-or-later
//
// Damaged VMCSINFO, and what KVM is said to know of VMCSs. An input that begins with an R is a text; a byte of it that is no text
// stands for a hex digit. Any other is a list of changes to a sound text, and of known fields: the offset u16 at which a VMCS
// has the value, the field u8, the value u64, little-endian. Bits 12 and 13 of the offset are the sample; with bit 15 the VMCS does
// not have the value.
#include "fuzz.h"

#include "arch/x86/vmcs-derive.h"
#include "arch/x86/vmcsinfo.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 4, FACT_SIZE = 11, SAMPLE_SHIFT = 12, NOT_THERE = 1 << 15, FIRST_FIELD = 8 };

static struct x86_vmcs_sample samples[SAMPLES];

// Checks that the places are in the page, and no two share bytes.
static void check_places(const struct x86_vmcs_layout *layout)
{
	for (unsigned int field = 0; field < X86_VMCS_FIELDS; field++) {
		const unsigned int place = layout->offsets[field];
		if (place && (place < FIRST_FIELD || place + x86_vmcs_width(field) > X86_VMCS_SIZE))
			abort();
	}
	struct gg_error *err = x86_vmcs_check_places(layout);
	if (err)
		abort();
}

static void use_text(const uint8_t *data, size_t size)
{
	struct x86_vmcs_layout layout;
	char *text = malloc(size);
	if (!text)
		abort();
	for (size_t i = 0; i < size; i++)
		text[i] = data[i] == '\n' || (data[i] >= ' ' && data[i] <= '~')
				  ? (char)data[i]
				  : "0123456789abcdef"[data[i] & 15];
	struct gg_error *err = x86_vmcsinfo_parse(text, size, &layout);
	if (!err)
		check_places(&layout);
	gg_error_destroy(err);
	free(text);
}

static void use_changes(const uint8_t *data, size_t size)
{
	static const char sound[] =
		"REVISION_ID=4\nFIELD(GUEST_CS_SELECTOR)=0500\nFIELD(GUEST_CS_AR_BYTES)=01e401e0\n"
		"FIELD(GUEST_RIP)=319c319831943190\nFIELD(HOST_RSP)=117c117811741170\n";
	uint8_t text[sizeof(sound)];
	memcpy(text, sound, sizeof(sound));
	for (size_t at = 0; at + FACT_SIZE <= size; at += FACT_SIZE)
		text[(data[at] | data[at + 1] << 8) % (int)sizeof(sound)] = data[at + 3];
	use_text(text, sizeof(text) - 1);
}

static void add_fact(const uint8_t *fact)
{
	const unsigned int head = fact[0] | (unsigned int)fact[1] << 8;
	struct x86_vmcs_sample *sample = &samples[head >> SAMPLE_SHIFT & (SAMPLES - 1)];
	const unsigned int field = fact[2] % X86_VMCS_FIELDS, width = x86_vmcs_width(field);
	const size_t offset = head % X86_VMCS_SIZE / width * width;
	uint64_t value = 0;
	memcpy(&value, fact + 3, width);
	sample->known[field] = true;
	sample->values[field] = value;
	if (!(head & NOT_THERE))
		memcpy(sample->page + offset, &value, width);
}

// Checks that each sample has what is known of it at the places.
static void check_samples(const struct x86_vmcs_layout *layout)
{
	uint64_t value;
	for (size_t i = 0; i < SAMPLES; i++)
		for (unsigned int field = 0; field < X86_VMCS_FIELDS; field++)
			if (samples[i].known[field] &&
			    x86_vmcs_field(layout, samples[i].page, field, &value) &&
			    value != samples[i].values[field])
				abort();
}

static void use_facts(const uint8_t *data, size_t size)
{
	struct x86_vmcs_layout layout;
	memset(samples, 0, sizeof(samples));
	for (size_t at = 0; at + FACT_SIZE <= size; at += FACT_SIZE)
		add_fact(data + at);
	struct gg_error *err = x86_vmcs_derive(samples, SAMPLES, &layout);
	if (!err) {
		check_places(&layout);
		check_samples(&layout);
	}
	gg_error_destroy(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && *data == 'R') {
		use_text(data, size);
		return 0;
	}
	use_changes(data, size);
	use_facts(data, size);
	return 0;
}
