// SPDX-License-Identifier: GPL-3.0-or-later
#include "host.h"
#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct gg_error *gg_host_read(const struct gg_host *host, uint64_t address, void *buffer,
			      size_t size)
{
	if (!size)
		return NULL;
	if (address + size - 1 < address)
		return gg_error_fault(address, "%zu bytes at 0x%" PRIx64 " wrap around", size,
				      address);
	return host->ops->read(host->data, address, buffer, size);
}

struct gg_error *gg_host_read_uint(const struct gg_host *host, uint64_t address, uint64_t size,
				   uint64_t *ret)
{
	uint8_t bytes[8];
	if (size < 1 || size > sizeof(bytes))
		return gg_error_create(GG_BAD_DATA, "an integer of %" PRIu64 " bytes at 0x%" PRIx64,
				       size, address);
	struct gg_error *err = gg_host_read(host, address, bytes, size);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, size, host->big_endian, "integer");
	return gg_cursor_uint(&cursor, (unsigned int)size, ret);
}

struct gg_error *gg_host_read_member(const struct gg_host *host, uint64_t address,
				     const struct gg_member *member, uint64_t *ret)
{
	return gg_host_read_uint(host, address + member->offset, member->size, ret);
}

struct gg_error *gg_host_read_text(const struct gg_host *host, uint64_t address, size_t limit,
				   char **ret)
{
	_cleanup_free_ char *text = malloc(limit);
	if (!text)
		return gg_enomem;

	// In pieces that never cross a page before the NUL is seen: the next page may not exist.
	enum { PIECE = 64 };
	for (size_t length = 0; length < limit;) {
		size_t piece = PIECE - (address + length) % PIECE;
		if (piece > limit - length)
			piece = limit - length;
		struct gg_error *err = gg_host_read(host, address + length, text + length, piece);
		if (err)
			return err;
		if (memchr(text + length, 0, piece)) {
			*ret = no_cleanup_ptr(text);
			return NULL;
		}
		length += piece;
	}
	return gg_error_create(GG_BAD_DATA,
			       "the text at 0x%" PRIx64 " does not end within %zu bytes", address,
			       limit);
}

struct gg_error *gg_host_symbol(const struct gg_host *host, const char *name, uint64_t *ret)
{
	return host->ops->symbol(host->data, name, ret);
}

// The error names all names: "ram_block (nor ram_addr)".
static struct gg_error *missing_member(const struct gg_layout_row *row)
{
	struct gg_error *err =
		gg_error_create(GG_NOT_FOUND, "type %s has no member %s", row->type, row->paths[0]);
	if (!row->paths[1])
		return err;
	char older[128] = "";
	for (size_t i = 1; row->paths[i]; i++) {
		size_t used = strlen(older);
		snprintf(older + used, sizeof(older) - used, "%s%s", i > 1 ? ", " : "",
			 row->paths[i]);
	}
	gg_error_destroy(err);
	return gg_error_create(GG_NOT_FOUND, "type %s has no member %s (nor, as older ones, %s)",
			       row->type, row->paths[0], older);
}

static struct gg_error *resolve_row(const struct gg_host *host, const struct gg_layout_row *row,
				    struct gg_member *ret)
{
	for (size_t i = 0; row->paths[i]; i++) {
		struct gg_error *err = host->ops->member(host->data, row->type, row->paths[i], ret);
		if (!err)
			return NULL;
		if (gg_error_kind(err) != GG_NOT_FOUND)
			return err;
		gg_error_destroy(err);
	}
	*ret = (struct gg_member){ 0 };
	if (row->optional)
		return NULL;

	struct gg_member whole;
	struct gg_error *err = host->ops->member(host->data, row->type, "", &whole);
	return err ? err : missing_member(row);
}

struct gg_error *gg_layout_resolve(const struct gg_host *host, const struct gg_layout_row *rows,
				   size_t count, void *layout)
{
	for (size_t i = 0; i < count; i++) {
		struct gg_member *member = (struct gg_member *)((char *)layout + rows[i].where);
		struct gg_error *err = resolve_row(host, &rows[i], member);
		if (err)
			return err;
	}
	return NULL;
}
