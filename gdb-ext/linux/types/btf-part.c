// SPDX-License-Identifier: GPL-3.0-or-later
//
// A BTF begins with a header, then the types, one behind the other, and the names (Linux
// Documentation/bpf/btf.rst). Kernels until v6.15 have the types in the order of their use in the
// kernel's sources, so that those of the scheduler and of memory management come first; later kernels
// sort them by name.
//
// In:  kernel memory.
// Out: a BTF with a header of its own, whose sections are cut off between two types and two names.
// Trusts nothing it reads: sections lie in the BTF's bytes; libbpf and btf-check.c check the rest.
#include "btf-part.h"
#include "base/buffer.h"
#include "base/cleanup.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <string.h>

enum { HEADER_SIZE = 24, TYPE_SIZE = 12, BTF_FORMAT = 1 };

// ---- The header ----

struct header {
	uint64_t size, types, types_size, names, names_size;
};

static struct gg_error *read_header(struct gg_cursor *cursor, struct header *ret)
{
	uint64_t magic, version;
	uint64_t *const fields[] = { &ret->size, &ret->types, &ret->types_size, &ret->names,
				     &ret->names_size };
	struct gg_error *err = gg_cursor_uint(cursor, 2, &magic);
	if (!err)
		err = gg_cursor_uint(cursor, 1, &version);
	if (!err)
		err = gg_cursor_seek(cursor, 4);
	for (size_t i = 0; !err && i < sizeof(fields) / sizeof(*fields); i++)
		err = gg_cursor_uint(cursor, 4, fields[i]);
	if (!err && (magic != BTF_MAGIC || version != BTF_FORMAT || ret->size < HEADER_SIZE))
		err = gg_error_create(GG_BAD_DATA,
				      "the magic number is 0x%" PRIx64 ", the version %" PRIu64
				      ", the header's size %" PRIu64,
				      magic, version, ret->size);
	return err;
}

// Places a section that is at OFFSET behind the header.
static struct gg_error *place(struct gg_btf_section *section, uint64_t address, uint64_t size,
			      const struct header *header, uint64_t offset, uint64_t section_size)
{
	const uint64_t start = header->size + offset;
	if (start + section_size > size)
		return gg_error_create(GG_BAD_DATA,
				       "a section of %" PRIu64 " bytes at %" PRIu64
				       " is not in its %" PRIu64 " bytes",
				       section_size, start, size);
	section->address = address + start;
	section->size = section_size;
	return NULL;
}

struct gg_error *gg_btf_part_init(struct gg_btf_part *part, const struct gg_host *memory,
				  uint64_t address, uint64_t size)
{
	uint8_t bytes[HEADER_SIZE];
	struct header header = { 0 };
	*part = (struct gg_btf_part){ .memory = memory };
	struct gg_error *err = gg_host_read(memory, address, bytes, sizeof(bytes));
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, sizeof(bytes), memory->big_endian, "the header");
	err = read_header(&cursor, &header);
	if (!err)
		err = place(&part->types, address, size, &header, header.types, header.types_size);
	if (!err)
		err = place(&part->names, address, size, &header, header.names, header.names_size);
	return err;
}

void gg_btf_part_deinit(struct gg_btf_part *part)
{
	free(part->types.bytes);
	free(part->names.bytes);
	*part = (struct gg_btf_part){ 0 };
}

// ---- Reading ----

struct gg_error *gg_btf_part_read(struct gg_btf_part *part, struct gg_btf_section *section,
				  uint64_t size)
{
	const size_t end = size < section->size ? size : section->size;
	if (end <= section->held)
		return NULL;
	uint8_t *bytes = realloc(section->bytes, end);
	if (!bytes)
		return gg_enomem;
	section->bytes = bytes;
	struct gg_error *err = gg_host_read(part->memory, section->address + section->held,
					    bytes + section->held, end - section->held);
	if (!err)
		section->held = end;
	return err;
}

bool gg_btf_part_is_whole(const struct gg_btf_part *part)
{
	return part->types.held == part->types.size && part->names.held == part->names.size;
}

bool gg_btf_part_has_name(const struct gg_btf_part *part, const char *name)
{
	const size_t size = strlen(name) + 1;
	const struct gg_btf_section *names = &part->names;
	const uint8_t *at = names->bytes, *end = at + names->held;
	// A name has the NUL of another before it.
	for (; at && (at = memmem(at, (size_t)(end - at), name, size)); at++)
		if (at > names->bytes && !at[-1])
			return true;
	return false;
}

// ---- Opening ----

// Returns the bytes behind the head of a type that INFO begins; the kinds are those of v6.0.
static uint64_t tail_of(uint64_t info)
{
	const uint64_t count = BTF_INFO_VLEN(info);
	switch (BTF_INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return count * 12;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return count * 8;
	default:
		return 0;
	}
}

// Returns the size of the types that were read to their end.
static size_t whole_types(const struct gg_btf_part *part)
{
	const struct gg_btf_section *types = &part->types;
	struct gg_cursor cursor =
		gg_cursor(types->bytes, types->held, part->memory->big_endian, "the types");
	size_t end = 0;
	if (types->held == types->size)
		return types->held;
	for (struct gg_error *err = NULL; !err;) {
		uint64_t info;
		err = gg_cursor_seek(&cursor, end + 4);
		if (!err)
			err = gg_cursor_uint(&cursor, 4, &info);
		if (!err)
			err = gg_cursor_seek(&cursor, end + TYPE_SIZE + tail_of(info));
		if (!err)
			end = cursor.position;
		else
			gg_error_destroy(err);
	}
	return end;
}

// Returns the size of the names that were read to their end.
static size_t whole_names(const struct gg_btf_part *part)
{
	const struct gg_btf_section *names = &part->names;
	size_t end = names->held;
	while (names->held < names->size && end && names->bytes[end - 1])
		end--;
	return end;
}

struct gg_error *gg_btf_part_open(const struct gg_btf_part *part, struct gg_btf **ret)
{
	const size_t types = whole_types(part), names = whole_names(part);
	const unsigned int word = part->memory->address_size;
	struct gg_buffer out = { .big_endian = part->memory->big_endian };
	gg_buffer_uint(&out, 2, BTF_MAGIC);
	gg_buffer_uint(&out, 1, BTF_FORMAT);
	gg_buffer_uint(&out, 1, 0);
	gg_buffer_uint(&out, 4, HEADER_SIZE);
	gg_buffer_uint(&out, 4, 0);
	gg_buffer_uint(&out, 4, types);
	gg_buffer_uint(&out, 4, types);
	gg_buffer_uint(&out, 4, names);
	gg_buffer_append(&out, part->types.bytes, types);
	gg_buffer_append(&out, part->names.bytes, names);
	struct gg_error *err = gg_buffer_check(&out);
	if (!err && gg_btf_part_is_whole(part))
		err = gg_btf_create(out.bytes, out.size, word, NULL, ret);
	else if (!err)
		err = gg_btf_create_part(out.bytes, out.size, word, ret);
	gg_buffer_deinit(&out);
	return err;
}
