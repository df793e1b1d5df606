// SPDX-License-Identifier: GPL-3.0-or-later
//
// An ELF note that a kernel makes for its dump, as a variable of its own, like that of VMCOREINFO.
//
// In:  the kernel's symbols and memory.
// Out: the note's descriptor.
// Trusts nothing it reads: the bytes that are read are bounded, and so is the descriptor.
#include "image-note.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 4096,
	WORD = 4,
	HEADER = 3 * WORD, // the sizes of the name and of the descriptor, and the type
	MAX_NAME = 16,
	MAX_TEXT = 64 << 10,
	MAX_DATA = 512 << 20,
};

struct look {
	const struct gg_host *host;
	const char *name;
	size_t name_size;                        // with its NUL
	uint8_t bytes[MAX_NAME + HEADER + PAGE]; // the end of the page before, and a page
	char *text;
	size_t size;
};

// Reads the descriptor of the note at ADDRESS, if it is one.
static struct gg_error *read_note(struct look *look, gg_gva_t address)
{
	uint64_t name_size, size;
	const uint64_t padded = (look->name_size + WORD - 1) / WORD * WORD;
	struct gg_error *err = gg_host_read_uint(look->host, address, WORD, &name_size);
	if (!err)
		err = gg_host_read_uint(look->host, address + WORD, WORD, &size);
	if (err || name_size != look->name_size || !size || size > MAX_TEXT)
		return gg_error_unless_final(err);
	look->text = malloc(size);
	if (!look->text)
		return gg_enomem;
	err = gg_host_read(look->host, address + HEADER + padded, look->text, size);
	look->size = size;
	if (err)
		free(look->text);
	look->text = err ? NULL : look->text;
	return gg_error_unless_final(err);
}

// Looks for the note's name at the words of the page at ADDRESS, and at those before it that BEFORE bytes of are held.
static struct gg_error *look_at(struct look *look, gg_gva_t address, size_t before)
{
	const uint8_t *start = look->bytes + sizeof(look->bytes) - PAGE - before;
	struct gg_error *err = NULL;
	for (size_t at = 0; !err && !look->text && at + look->name_size <= before + PAGE;
	     at += WORD)
		if (!memcmp(start + at, look->name, look->name_size))
			err = read_note(look, address - before + at - HEADER);
	return err;
}

static struct gg_error *look_at_all(struct look *look, gg_gva_t first, gg_gva_t end)
{
	uint8_t *const page = look->bytes + sizeof(look->bytes) - PAGE;
	size_t before = 0;
	struct gg_error *err = NULL;
	for (gg_gva_t at = first; !err && !look->text && at < end; at += PAGE) {
		memcpy(page - MAX_NAME, page + PAGE - MAX_NAME, MAX_NAME);
		err = gg_interrupt_check();
		if (err)
			break;
		struct gg_error *fault = gg_host_read(look->host, at, page, PAGE);
		if (!fault)
			err = look_at(look, at, before);
		before = fault ? 0 : MAX_NAME;
		if (!err)
			err = gg_error_unless_final(fault);
	}
	return err;
}

struct gg_error *gg_image_note(const struct gg_answerers *kernel, const char *name, char **text,
			       size_t *size)
{
	struct look look = { .host = &kernel->host, .name = name, .name_size = strlen(name) + 1 };
	gg_gva_t first, end;
	struct gg_error *err = gg_symbols_address(kernel->symbols, "_sdata", &first);
	if (!err)
		err = gg_symbols_address(kernel->symbols, "_end", &end);
	if (!err && (end < first || end - first > MAX_DATA))
		err = gg_error_create(GG_BAD_DATA,
				      "the kernel's data is 0x%" PRIx64 " to 0x%" PRIx64, first,
				      end);
	if (!err)
		err = look_at_all(&look, first & ~(gg_gva_t)(PAGE - 1), end);
	if (!err && !look.text)
		err = gg_error_create(GG_NOT_FOUND, "the kernel has no note %s", name);
	*text = look.text;
	*size = look.size;
	return err;
}
