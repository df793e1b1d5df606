// SPDX-License-Identifier: GPL-3.0-or-later
#include "bytes.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <inttypes.h>
#include <string.h>

struct piece {
	uint64_t address;
	size_t size;
	uint8_t *bytes;
};

struct symbol {
	const char *name;
	uint64_t address;
};

struct type_member {
	const char *type, *path;
	uint32_t hash; // of both: fuzzing asks a million times
	struct gg_member member;
};

struct gg_bytes_host {
	struct gg_host host;
	struct piece *pieces;
	size_t piece_count;
	struct symbol *symbols;
	size_t symbol_count;
	struct type_member *members;
	size_t member_count;
	uint64_t reads;
};

static struct gg_error *read_bytes(void *data, uint64_t address, void *buffer, size_t size)
{
	struct gg_bytes_host *bytes = data;
	bytes->reads++;
	for (size_t i = 0; i < bytes->piece_count; i++) {
		const struct piece *piece = &bytes->pieces[i];
		uint64_t offset = address - piece->address;
		if (offset < piece->size && size <= piece->size - offset) {
			memcpy(buffer, piece->bytes + offset, size);
			return NULL;
		}
	}
	return gg_error_fault(address, "no memory at 0x%" PRIx64, address);
}

static struct gg_error *find_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct gg_bytes_host *bytes = data;
	for (size_t i = 0; i < bytes->symbol_count; i++) {
		if (!strcmp(bytes->symbols[i].name, name)) {
			*ret = bytes->symbols[i].address;
			return NULL;
		}
	}
	return gg_error_create(GG_NOT_FOUND, "no symbol %s", name);
}

// Computes FNV-1a of TEXT, on top of VALUE.
static uint32_t hash(uint32_t value, const char *text)
{
	for (; *text; text++)
		value = (value ^ (uint8_t)*text) * 16777619u;
	return value;
}

static uint32_t hash_member(const char *type, const char *path)
{
	return hash(hash(2166136261u, type) ^ '.', path);
}

static struct gg_error *find_member(void *data, const char *type, const char *path,
				    struct gg_member *ret)
{
	const struct gg_bytes_host *bytes = data;
	const uint32_t wanted = hash_member(type, path);
	for (size_t i = 0; i < bytes->member_count; i++) {
		const struct type_member *member = &bytes->members[i];
		if (member->hash == wanted && !strcmp(member->type, type) &&
		    !strcmp(member->path, path)) {
			*ret = member->member;
			return NULL;
		}
	}
	return gg_error_create(GG_NOT_FOUND, "no type %s, or it has no member %s", type, path);
}

static struct gg_error *find_register(void *data, unsigned int thread, const char *name,
				      void *buffer, size_t size, size_t *ret)
{
	(void)data, (void)buffer, (void)size, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "thread %u has no register %s", thread, name);
}

static const struct gg_host_ops bytes_ops = {
	.read = read_bytes,
	.symbol = find_symbol,
	.member = find_member,
	.registers = find_register,
};

struct gg_error *gg_bytes_host_create(struct gg_bytes_host **ret)
{
	struct gg_bytes_host *bytes = calloc(1, sizeof(*bytes));
	if (!bytes)
		return gg_enomem;
	bytes->host = (struct gg_host){ .ops = &bytes_ops, .data = bytes, .address_size = 8 };
	*ret = bytes;
	return NULL;
}

void gg_bytes_host_destroy(struct gg_bytes_host *bytes)
{
	if (!bytes)
		return;
	for (size_t i = 0; i < bytes->piece_count; i++)
		free(bytes->pieces[i].bytes);
	free(bytes->pieces);
	free(bytes->symbols);
	free(bytes->members);
	free(bytes);
}

struct gg_host *gg_bytes_host(struct gg_bytes_host *bytes)
{
	return &bytes->host;
}

uint64_t gg_bytes_host_reads(const struct gg_bytes_host *bytes)
{
	return bytes->reads;
}

struct gg_error *gg_bytes_host_add_memory(struct gg_bytes_host *bytes, uint64_t address,
					  size_t size, void **ret)
{
	struct gg_error *err =
		gg_vector_grow(&bytes->pieces, bytes->piece_count, sizeof(*bytes->pieces));
	if (err)
		return err;
	uint8_t *memory = calloc(1, size);
	if (!memory)
		return gg_enomem;
	bytes->pieces[bytes->piece_count++] =
		(struct piece){ .address = address, .size = size, .bytes = memory };
	*ret = memory;
	return NULL;
}

struct gg_error *gg_bytes_host_add_symbol(struct gg_bytes_host *bytes, const char *name,
					  uint64_t address)
{
	struct gg_error *err =
		gg_vector_grow(&bytes->symbols, bytes->symbol_count, sizeof(*bytes->symbols));
	if (err)
		return err;
	bytes->symbols[bytes->symbol_count++] = (struct symbol){ .name = name, .address = address };
	return NULL;
}

struct gg_error *gg_bytes_host_add_member(struct gg_bytes_host *bytes, const char *type,
					  const char *path, uint64_t offset, uint64_t size)
{
	struct gg_error *err =
		gg_vector_grow(&bytes->members, bytes->member_count, sizeof(*bytes->members));
	if (err)
		return err;
	bytes->members[bytes->member_count++] =
		(struct type_member){ .type = type,
				      .path = path,
				      .hash = hash_member(type, path),
				      .member = { offset, size } };
	return NULL;
}
