// SPDX-License-Identifier: GPL-3.0-or-later
//
// A BTF begins with a header, then the types, one behind the other, and the names (Linux
// Documentation/bpf/btf.rst). Kernels until v6.15 have the types in the order of their use in the
// kernel's sources, so that those of the scheduler and of memory management come first.
//
// In:  kernel memory.
// Out: ids and offsets; a whole BTF, with a header of its own.
// Trusts nothing it reads: sections lie in the BTF's bytes, and types in their section; of a whole BTF
// libbpf and btf-check.c check the rest.
#include "btf-part.h"
#include "base/cleanup.h"
#include "base/find.h"
#include "base/vector.h"

#include <bpf/btf.h>
#include <gdb-guest/interrupt.h>
#include <inttypes.h>
#include <string.h>

enum { HEADER_SIZE = 24, BTF_FORMAT = 1, STEP = 32 << 10 };

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
	free(part->offsets);
	*part = (struct gg_btf_part){ 0 };
}

// ---- Reading ----

// Reads on until SECTION holds SIZE bytes, or all.
static struct gg_error *read_section(const struct gg_btf_part *part, struct gg_btf_section *section,
				     uint64_t size)
{
	const size_t end = size < section->size ? size : section->size;
	if (end <= section->held)
		return NULL;
	uint8_t *bytes = realloc(section->bytes, end);
	if (!bytes)
		return gg_enomem;
	section->bytes = bytes;
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_host_read(part->memory, section->address + section->held,
				   bytes + section->held, end - section->held);
	if (!err)
		section->held = end;
	return err;
}

// ---- Types ----

uint64_t gg_btf_tail(uint64_t info)
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

static struct gg_error *read_word(const struct gg_btf_part *part, uint64_t offset, uint64_t *ret)
{
	struct gg_cursor cursor = gg_cursor(part->types.bytes, part->types.held,
					    part->memory->big_endian, "the BTF's types");
	struct gg_error *err = gg_cursor_seek(&cursor, offset);
	return err ? err : gg_cursor_uint(&cursor, 4, ret);
}

// Counts the next type, which is read if it is not held. GG_NOT_FOUND behind the last.
static struct gg_error *count_type(struct gg_btf_part *part)
{
	struct gg_btf_section *types = &part->types;
	const uint64_t head = part->end + GG_BTF_HEAD;
	uint64_t info = 0;
	if (part->end == types->size)
		return gg_error_create(GG_NOT_FOUND, "the BTF has no more than %zu types",
				       part->count);
	struct gg_error *err =
		head > types->held ? read_section(part, types, types->held + STEP) : NULL;
	if (!err)
		err = gg_vector_grow(&part->offsets, part->count, sizeof(*part->offsets));
	if (!err)
		err = read_word(part, part->end + 4, &info);
	const uint64_t end = head + gg_btf_tail(info);
	if (!err && end > types->held)
		err = read_section(part, types, end + STEP);
	if (!err && end > types->held)
		err = gg_error_create(GG_BAD_DATA, "the type %zu leaves the BTF's types",
				      part->count + 1);
	if (err)
		return err;
	part->offsets[part->count++] = (uint32_t)part->end;
	part->end = end;
	return NULL;
}

struct gg_error *gg_btf_part_type(struct gg_btf_part *part, uint32_t id, uint32_t *ret)
{
	struct gg_error *err = NULL;
	while (!err && part->count < id)
		err = count_type(part);
	if (!err)
		*ret = part->offsets[id - 1];
	return err;
}

// ---- By name ----

bool gg_btf_is_findable(unsigned int kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM ||
	       kind == BTF_KIND_ENUM64 || kind == BTF_KIND_TYPEDEF;
}

// Finds the SIZE bytes at NAME in what is held of NAMES, from AT on.
static const uint8_t *find_bytes(const struct gg_btf_section *names, const uint8_t *at,
				 const char *name, size_t size)
{
	return gg_find_bytes(at, (size_t)(names->bytes + names->held - at), name, size);
}

// Finds the offset of NAME, which is read if it is not held. GG_NOT_FOUND.
static struct gg_error *find_name(struct gg_btf_part *part, const char *name, uint64_t *ret)
{
	struct gg_btf_section *names = &part->names;
	const size_t size = strlen(name) + 1;
	for (size_t start = 0;;) {
		// The NUL of another name stands before each name.
		const uint8_t *at = names->held ? names->bytes + start : NULL;
		for (; at && (at = find_bytes(names, at, name, size)); at++) {
			*ret = (uint64_t)(at - names->bytes);
			if (*ret && !at[-1])
				return NULL;
		}
		if (names->held == names->size)
			return gg_error_create(GG_NOT_FOUND, "the kernel has no type %s", name);
		start = names->held > size ? names->held - size : 0;
		struct gg_error *err = read_section(part, names, names->held + STEP);
		if (err)
			return err;
	}
}

// Tests whether the type ID has its name at NAME, and is of a kind that gg_btf_find() finds.
static struct gg_error *has_name(struct gg_btf_part *part, uint32_t id, uint64_t name, bool *ret)
{
	uint32_t offset = 0;
	uint64_t own = 0, info = 0;
	struct gg_error *err = gg_btf_part_type(part, id, &offset);
	if (!err)
		err = read_word(part, offset, &own);
	if (!err && own == name)
		err = read_word(part, offset + 4, &info);
	*ret = !err && own == name && gg_btf_is_findable(BTF_INFO_KIND(info));
	return err;
}

struct gg_error *gg_btf_part_find(struct gg_btf_part *part, const char *name, uint32_t *ret)
{
	uint64_t offset = 0;
	bool found = false;
	*ret = 0;
	struct gg_error *err = find_name(part, name, &offset);
	while (!err && !found)
		err = has_name(part, ++*ret, offset, &found);
	if (err && gg_error_kind(err) == GG_NOT_FOUND) {
		gg_error_destroy(err);
		err = gg_error_create(GG_NOT_FOUND, "the kernel has no type %s", name);
	}
	return err;
}

// ---- All ----

struct gg_error *gg_btf_part_whole(struct gg_btf_part *part, struct gg_buffer *out)
{
	const uint64_t types = part->types.size, names = part->names.size;
	struct gg_error *err = read_section(part, &part->types, types);
	if (!err)
		err = read_section(part, &part->names, names);
	if (err)
		return err;
	out->big_endian = part->memory->big_endian;
	gg_buffer_uint(out, 2, BTF_MAGIC);
	gg_buffer_uint(out, 1, BTF_FORMAT);
	gg_buffer_uint(out, 1, 0);
	gg_buffer_uint(out, 4, HEADER_SIZE);
	gg_buffer_uint(out, 4, 0);
	gg_buffer_uint(out, 4, types);
	gg_buffer_uint(out, 4, types);
	gg_buffer_uint(out, 4, names);
	gg_buffer_append(out, part->types.bytes, types);
	gg_buffer_append(out, part->names.bytes, names);
	return gg_buffer_check(out);
}
