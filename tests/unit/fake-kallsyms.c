// SPDX-License-Identifier: GPL-3.0-or-later
#include "fake-kallsyms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct fake_kallsyms fake_kallsyms[] = {
	{ "v4.6, absolute", FAKE_ABSOLUTE, 8, 8, false, false, false, 100, 0 },
	{ "v4.6, relative, per-CPU absolute", FAKE_PER_CPU, 8, 8, false, false, false, 100, 0 },
	{ "v4.6 of 32 bits", FAKE_BASE_RELATIVE, 4, 4, false, false, false, 100, 0 },
	{ "v4.20", FAKE_PER_CPU, 8, 4, false, false, false, 100, 0 },
	{ "v5.10, a name of 127 bytes", FAKE_PER_CPU, 8, 4, false, false, false, 127, 0 },
	{ "v6.1", FAKE_PER_CPU, 8, 4, true, false, false, 300, 0 },
	{ "v6.2", FAKE_PER_CPU, 8, 4, true, true, false, 300, 0 },
	{ "v6.2 of 32 bits", FAKE_BASE_RELATIVE, 4, 4, true, true, false, 300, 0 },
	{ "v6.4", FAKE_PER_CPU, 8, 4, true, true, true, 300, 0 },
	{ "v6.15", FAKE_BASE_RELATIVE, 8, 4, true, true, true, 300, 0 },
	{ "v7.0", FAKE_PLACE_RELATIVE, 8, 4, true, true, true, 300, 0 },
	{ "v7.2", FAKE_PLACE_RELATIVE, 8, 4, true, true, true, 300, 4 },
};

const size_t fake_kallsyms_count = sizeof(fake_kallsyms) / sizeof(*fake_kallsyms);

static uint64_t image_start(const struct fake_kallsyms *kallsyms)
{
	return kallsyms->word == 4 ? (uint32_t)FAKE_IMAGE : FAKE_IMAGE;
}

void fake_symbol(const struct fake_kallsyms *kallsyms, unsigned int number, char name[512],
		 char *type, uint64_t *address)
{
	// Offsets of per-CPU variables come first.
	const unsigned int absolute = kallsyms->addresses == FAKE_PER_CPU ? 3 : 0;
	*type = number % 3 ? 't' : 'T';
	if (number == FAKE_LONG_NAME) {
		memset(name, 'q', kallsyms->long_name_size);
		name[kallsyms->long_name_size] = 0;
	} else if (number == absolute) {
		strcpy(name, "_stext");
	} else {
		snprintf(name, 512, number % 2 ? "sys_call_%u" : "function.part.%u", number % 550);
	}
	if (number < absolute) {
		*type = 'A';
		*address = number * 0x1000;
	} else {
		const unsigned int place = number == FAKE_ALIAS ? number - 1 : number;
		*address = image_start(kallsyms) + FAKE_STEXT + (place - absolute) * 0x40;
	}
}

// ---- Writing ----

struct writer {
	uint8_t *image;
	size_t at;
	unsigned int alignment;
};

static void put(struct writer *writer, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		writer->image[writer->at++] = (uint8_t)(value >> 8 * i);
}

// Returns the offset of the next table.
static size_t align(struct writer *writer)
{
	while (writer->at % writer->alignment)
		writer->at++;
	return writer->at;
}

// The token for several characters; the others are one character each, or empty.
enum { SYS_CALL = 0x80, PART = 0x81 };

static size_t encode_name(const char *name, char type, uint8_t tokens[512])
{
	size_t count = 0;
	tokens[count++] = (uint8_t)type;
	while (*name) {
		if (!strncmp(name, "sys_call_", 9)) {
			tokens[count++] = SYS_CALL;
			name += 9;
		} else if (!strncmp(name, ".part.", 6)) {
			tokens[count++] = PART;
			name += 6;
		} else {
			tokens[count++] = (uint8_t)*name++;
		}
	}
	return count;
}

static void write_names(struct writer *writer, const struct fake_kallsyms *kallsyms,
			size_t markers[FAKE_SYMBOLS / 256 + 1])
{
	const size_t start = writer->at;
	for (unsigned int i = 0; i < FAKE_SYMBOLS; i++) {
		char name[512], type;
		uint8_t tokens[512];
		uint64_t address;
		fake_symbol(kallsyms, i, name, &type, &address);
		const size_t count = encode_name(name, type, tokens);
		if (i % 256 == 0)
			markers[i / 256] = writer->at - start;
		if (kallsyms->long_lengths && count >= 0x80) {
			put(writer, 1, 0x80 | (count & 0x7f));
			put(writer, 1, count >> 7);
		} else {
			put(writer, 1, count);
		}
		memcpy(writer->image + writer->at, tokens, count);
		writer->at += count;
	}
}

static void write_tokens(struct writer *writer, uint64_t start, struct gg_kallsyms_hints *hints)
{
	size_t index[256];
	hints->token_table = start + align(writer);
	const size_t table = writer->at;
	for (unsigned int i = 0; i < 256; i++) {
		index[i] = writer->at - table;
		if (i == SYS_CALL)
			writer->at +=
				(size_t)sprintf((char *)writer->image + writer->at, "sys_call_");
		else if (i == PART)
			writer->at += (size_t)sprintf((char *)writer->image + writer->at, ".part.");
		else if (i > ' ' && i <= '~')
			put(writer, 1, i);
		put(writer, 1, 0);
	}
	hints->token_index = start + align(writer);
	for (unsigned int i = 0; i < 256; i++)
		put(writer, 2, index[i]);
}

static uint64_t encode_address(const struct fake_kallsyms *kallsyms, uint64_t address,
			       uint64_t base, uint64_t place)
{
	switch (kallsyms->addresses) {
	case FAKE_BASE_RELATIVE:
		return address - base;
	case FAKE_PER_CPU:
		return address < base ? address : base - 1 - address;
	case FAKE_PLACE_RELATIVE:
		return address - place;
	default:
		return address;
	}
}

static void write_addresses(struct writer *writer, const struct fake_kallsyms *kallsyms,
			    struct gg_kallsyms_hints *hints)
{
	const uint64_t start = image_start(kallsyms), base = start + FAKE_STEXT;
	const bool absolute = kallsyms->addresses == FAKE_ABSOLUTE;
	const unsigned int width = absolute ? kallsyms->word : 4;
	*(absolute ? &hints->addresses : &hints->offsets) = start + align(writer);
	for (unsigned int i = 0; i < FAKE_SYMBOLS; i++) {
		char name[512], type;
		uint64_t address;
		fake_symbol(kallsyms, i, name, &type, &address);
		put(writer, width, encode_address(kallsyms, address, base, start + writer->at));
	}
	align(writer);
	if (!absolute && kallsyms->addresses != FAKE_PLACE_RELATIVE) {
		hints->relative_base = start + writer->at;
		put(writer, kallsyms->word, base);
	}
}

// A symbol's number, and its name.
struct sequence {
	unsigned int number;
	char name[512];
};

static int compare_sequences(const void *a, const void *b)
{
	const struct sequence *x = a, *y = b;
	const int order = strcmp(x->name, y->name);
	return order ? order : (int)x->number - (int)y->number;
}

static void write_sequences(struct writer *writer, const struct fake_kallsyms *kallsyms)
{
	static struct sequence sequences[FAKE_SYMBOLS];
	for (unsigned int i = 0; i < FAKE_SYMBOLS; i++) {
		char type;
		uint64_t address;
		sequences[i].number = i;
		fake_symbol(kallsyms, i, sequences[i].name, &type, &address);
	}
	qsort(sequences, FAKE_SYMBOLS, sizeof(*sequences), compare_sequences);
	align(writer);
	for (unsigned int i = 0; i < FAKE_SYMBOLS; i++)
		for (int shift = 16; shift >= 0; shift -= 8)
			put(writer, 1, sequences[i].number >> shift);
}

size_t fake_kallsyms_write(const struct fake_kallsyms *kallsyms, uint8_t *image,
			   struct gg_kallsyms_hints *hints)
{
	const uint64_t start = image_start(kallsyms);
	// Such a place may be one of words too: this is not.
	struct writer writer = { image, FAKE_TABLES + kallsyms->alignment,
				 kallsyms->alignment ? kallsyms->alignment : kallsyms->word };
	size_t markers[FAKE_SYMBOLS / 256 + 1];
	*hints = (struct gg_kallsyms_hints){ .image = start,
					     .image_size = FAKE_IMAGE_SIZE,
					     .text = start + FAKE_STEXT,
					     .word = kallsyms->word };
	if (!kallsyms->addresses_behind)
		write_addresses(&writer, kallsyms, hints);
	hints->num_syms = start + align(&writer);
	// An unsigned long until v4.19, and there the same bytes.
	put(&writer, 4, FAKE_SYMBOLS);
	hints->names = start + align(&writer);
	write_names(&writer, kallsyms, markers);
	align(&writer);
	for (size_t i = 0; i < sizeof(markers) / sizeof(*markers); i++)
		put(&writer, kallsyms->marker, markers[i]);
	if (kallsyms->sequences && !kallsyms->addresses_behind)
		write_sequences(&writer, kallsyms);
	write_tokens(&writer, start, hints);
	if (kallsyms->addresses_behind)
		write_addresses(&writer, kallsyms, hints);
	if (kallsyms->sequences && kallsyms->addresses_behind)
		write_sequences(&writer, kallsyms);
	return writer.at;
}

// ---- Reading ----

static struct gg_error *read_image(void *data, gg_gva_t gva, void *buffer, size_t size)
{
	// Both halves lead to the same bytes.
	const uint64_t offset = (uint32_t)gva - (uint32_t)FAKE_IMAGE;
	if (offset >= FAKE_IMAGE_SIZE || size > FAKE_IMAGE_SIZE - offset)
		return gg_error_fault(gva, "not in the image");
	memcpy(buffer, (uint8_t *)data + offset, size);
	return NULL;
}

static const struct gg_host_ops image_ops = { .read = read_image };

struct gg_host fake_image_host(uint8_t *image)
{
	return (struct gg_host){ .ops = &image_ops, .data = image, .address_size = 8 };
}
