// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the host; a CPU's type and address.
// Out: registers.
// Trusts nothing it reads: the size of each member is compared with its use.
#include "members.h"
#include "base/cleanup.h"
#include "host/host.h"

#include <inttypes.h>
#include <string.h>

enum { WIDEST = 256 }; // bytes of an element: a vector of SVE

static struct gg_error *set_element(const struct gg_host *host, const uint8_t *bytes, size_t size,
				    struct gg_registers *registers, unsigned int id)
{
	uint8_t lowest_first[WIDEST];
	const size_t room = gg_register_size(registers, id);
	for (size_t i = 0; i < size; i++)
		lowest_first[i] = bytes[host->big_endian ? size - 1 - i : i];
	// An integer may be narrower or wider in QEMU.
	if (size <= 8 && room <= 8) {
		uint64_t value = 0;
		for (size_t i = size; i-- > 0;)
			value = value << 8 | lowest_first[i];
		gg_register_set(registers, id, value);
	} else {
		gg_register_set_bytes(registers, id, lowest_first, size);
	}
	return NULL;
}

static struct gg_error *read_member(const struct gg_host *host, uint64_t address,
				    const struct gg_register_member *row,
				    const struct gg_member *member, struct gg_registers *registers)
{
	const uint64_t size = member->size / row->count;
	if (!size || size > WIDEST || size * row->count != member->size ||
	    (size > 8 && size > gg_register_size(registers, row->first)))
		return gg_error_create(GG_BAD_DATA, "%s has %" PRIu64 " bytes for %u registers",
				       row->path, member->size, row->count);
	_cleanup_free_ uint8_t *bytes = malloc(member->size);
	if (!bytes)
		return gg_enomem;
	struct gg_error *err = gg_host_read(host, address + member->offset, bytes, member->size);
	for (unsigned int i = 0; !err && i < row->count; i++)
		err = set_element(host, bytes + i * size, size, registers, row->first + i);
	return err;
}

struct gg_error *gg_registers_read_members(const struct gg_host *host, const char *type,
					   uint64_t address,
					   const struct gg_register_member *members, size_t count,
					   struct gg_registers *registers)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++) {
		struct gg_member member;
		err = host->ops->member(host->data, type, members[i].path, &member);
		if (!err) {
			err = read_member(host, address, &members[i], &member, registers);
		} else if (gg_error_kind(err) == GG_NOT_FOUND && !members[i].needed) {
			gg_error_destroy(err);
			err = NULL;
		}
	}
	return err;
}

struct gg_error *gg_registers_ask(const struct gg_host *host, unsigned int thread, const char *name,
				  struct gg_registers *registers, unsigned int id)
{
	uint8_t bytes[WIDEST];
	size_t size;
	uint64_t answer;
	struct gg_error *err =
		host->ops->registers(host->data, thread, name, bytes, sizeof(bytes), &size);
	if (err || size < 1 || size > 8)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, size, host->big_endian, name);
	err = gg_cursor_uint(&cursor, (unsigned int)size, &answer);
	if (err)
		return err;
	const uint64_t mask = size < registers->word ? (UINT64_C(1) << 8 * size) - 1 : UINT64_MAX;
	gg_register_learn(registers, id, answer, gg_register_unknown(registers, id) & mask);
	return NULL;
}
