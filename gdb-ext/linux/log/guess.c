// SPDX-License-Identifier: GPL-3.0-or-later
#include "guess.h"

#include <inttypes.h>
#include <string.h>

// The address of the made-up variables, at which no kernel has anything.
enum { VARIABLES_AT = 0x1000, LONG_SIZE = 8 };

static const struct {
	const char *name;
	enum gg_guess_format format;
	unsigned int offset;
} variables[] = {
	{ "prb", GG_GUESS_RING, 0 },
	{ "log_buf", GG_GUESS_RECORDS, 0 },
	{ "log_buf_len", GG_GUESS_RECORDS, 8 },
	{ "log_first_idx", GG_GUESS_RECORDS, 16 },
	{ "log_next_idx", GG_GUESS_RECORDS, 24 },
	{ "log_buf", GG_GUESS_BYTES, 0 },
	{ "log_buf_len", GG_GUESS_BYTES, 8 },
	{ "log_end", GG_GUESS_BYTES, 16 },
};

enum { RING = 64, VARIABLES = sizeof(variables) / sizeof(*variables) };

// The members of v5.10 to v6.18 and of v3.11 to v5.9: kernel/printk/printk_ringbuffer.h and
// printk.c. The guess has the values that vary.
enum varies { FIXED, AT_DATA_RING, RING_SIZE, INFO_SIZE, DEV_INFO, HEADER_SIZE };

static const struct {
	const char *type, *path;
	enum gg_guess_format format;
	unsigned int offset, size;
	enum varies varies;
} members[] = {
	{ "printk_ringbuffer", "", GG_GUESS_RING, 0, 0, RING_SIZE },
	{ "printk_ringbuffer", "desc_ring", GG_GUESS_RING, 0, 0, FIXED },
	{ "printk_ringbuffer", "text_data_ring", GG_GUESS_RING, 0, 0, AT_DATA_RING },
	{ "prb_desc_ring", "count_bits", GG_GUESS_RING, 0, 4, FIXED },
	{ "prb_desc_ring", "descs", GG_GUESS_RING, 8, 8, FIXED },
	{ "prb_desc_ring", "infos", GG_GUESS_RING, 16, 8, FIXED },
	{ "prb_desc_ring", "head_id", GG_GUESS_RING, 24, 8, FIXED },
	{ "prb_desc_ring", "tail_id", GG_GUESS_RING, 32, 8, FIXED },
	{ "prb_data_ring", "size_bits", GG_GUESS_RING, 0, 4, FIXED },
	{ "prb_data_ring", "data", GG_GUESS_RING, 8, 8, FIXED },
	{ "prb_data_ring", "head_lpos", GG_GUESS_RING, 16, 8, FIXED },
	{ "prb_desc", "", GG_GUESS_RING, 0, 24, FIXED },
	{ "prb_desc", "state_var", GG_GUESS_RING, 0, 8, FIXED },
	{ "prb_desc", "text_blk_lpos", GG_GUESS_RING, 8, 16, FIXED },
	{ "prb_data_blk_lpos", "", GG_GUESS_RING, 0, 16, FIXED },
	{ "prb_data_blk_lpos", "begin", GG_GUESS_RING, 0, 8, FIXED },
	{ "prb_data_blk_lpos", "next", GG_GUESS_RING, 8, 8, FIXED },
	{ "printk_info", "", GG_GUESS_RING, 0, 0, INFO_SIZE },
	{ "printk_info", "seq", GG_GUESS_RING, 0, 8, FIXED },
	{ "printk_info", "ts_nsec", GG_GUESS_RING, 8, 8, FIXED },
	{ "printk_info", "text_len", GG_GUESS_RING, 16, 2, FIXED },
	{ "printk_info", "caller_id", GG_GUESS_RING, 20, 4, FIXED },
	{ "printk_info", "dev_info", GG_GUESS_RING, 0, 64, DEV_INFO },
	{ "dev_printk_info", "", GG_GUESS_RING, 0, 64, FIXED },
	{ "dev_printk_info", "subsystem", GG_GUESS_RING, 0, 16, FIXED },
	{ "dev_printk_info", "device", GG_GUESS_RING, 16, 48, FIXED },
	{ "printk_log", "", GG_GUESS_RECORDS, 0, 0, HEADER_SIZE },
	{ "printk_log", "ts_nsec", GG_GUESS_RECORDS, 0, 8, FIXED },
	{ "printk_log", "len", GG_GUESS_RECORDS, 8, 2, FIXED },
	{ "printk_log", "text_len", GG_GUESS_RECORDS, 10, 2, FIXED },
	{ "printk_log", "dict_len", GG_GUESS_RECORDS, 12, 2, FIXED },
};

enum { MEMBERS = sizeof(members) / sizeof(*members) };

static struct gg_error *read_mapped(const struct gg_log_guess *guess, uint64_t address,
				    void *buffer, size_t size)
{
	if (guess->mapping.table)
		return gg_page_table_read(guess->mapping.table, address, buffer, size);
	return gg_ram_map_read(guess->map, address - guess->mapping.offset, buffer, size);
}

static struct gg_error *guess_read(void *data, uint64_t address, void *buffer, size_t size)
{
	const struct gg_log_guess *guess = data;
	const uint64_t offset = address - VARIABLES_AT;
	if (offset >= sizeof(guess->memory) || size > sizeof(guess->memory) - offset)
		return read_mapped(guess, address, buffer, size);
	memcpy(buffer, guess->memory + offset, size);
	return NULL;
}

static struct gg_error *guess_symbol(void *data, const char *name, uint64_t *ret)
{
	const struct gg_log_guess *guess = data;
	for (size_t i = 0; i < VARIABLES; i++)
		if (variables[i].format == guess->format && !strcmp(variables[i].name, name)) {
			*ret = VARIABLES_AT + variables[i].offset;
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "without VMCOREINFO there is no symbol %s", name);
}

static void vary(const struct gg_log_guess *guess, enum varies varies, struct gg_member *member)
{
	enum { DATA_RING_AND_FAIL = 40, DEV_INFO_SIZE = 64 };
	switch (varies) {
	case AT_DATA_RING:
		member->offset = guess->data_ring;
		break;
	case RING_SIZE:
		member->size = guess->data_ring + DATA_RING_AND_FAIL;
		break;
	case INFO_SIZE:
		member->size = guess->info_size;
		break;
	case DEV_INFO:
		member->offset = guess->info_size - DEV_INFO_SIZE;
		break;
	case HEADER_SIZE:
		member->size = guess->header_size;
		break;
	case FIXED:
		break;
	}
}

static struct gg_error *guess_member(void *data, const char *type, const char *path,
				     struct gg_member *ret)
{
	const struct gg_log_guess *guess = data;
	for (size_t i = 0; i < MEMBERS; i++)
		if (members[i].format == guess->format && !strcmp(members[i].type, type) &&
		    !strcmp(members[i].path, path)) {
			*ret = (struct gg_member){ members[i].offset, members[i].size };
			vary(guess, members[i].varies, ret);
			return NULL;
		}
	return gg_error_create(GG_NOT_FOUND, "without VMCOREINFO there is no %s.%s", type, path);
}

static struct gg_error *guess_registers(void *data, unsigned int thread, const char *name,
					void *buffer, size_t size, size_t *ret)
{
	(void)data, (void)buffer, (void)size, (void)ret;
	return gg_error_create(GG_NOT_FOUND, "a kernel has no register %s of thread %u", name,
			       thread);
}

static const struct gg_host_ops guess_ops = {
	.read = guess_read,
	.symbol = guess_symbol,
	.member = guess_member,
	.registers = guess_registers,
};

void gg_log_guess_init(struct gg_log_guess *guess, enum gg_guess_format format,
		       const struct gg_ram_map *map, const struct gg_guess_mapping *mapping)
{
	*guess = (struct gg_log_guess){
		.host = { .ops = &guess_ops, .data = guess, .address_size = LONG_SIZE },
		.format = format,
		.map = map,
		.mapping = *mapping,
	};
}

void gg_log_guess_copy(struct gg_log_guess *guess, const struct gg_log_guess *from)
{
	*guess = *from;
	guess->host.data = guess;
}

static void put_word(struct gg_log_guess *guess, unsigned int offset, uint64_t value)
{
	for (unsigned int i = 0; i < LONG_SIZE; i++)
		guess->memory[offset + i] = (uint8_t)(value >> 8 * i);
}

void gg_log_guess_set_ring(struct gg_log_guess *guess, const uint8_t *ring)
{
	put_word(guess, 0, VARIABLES_AT + RING);
	memcpy(guess->memory + RING, ring, GG_GUESS_RING_SIZE);
}

void gg_log_guess_set(struct gg_log_guess *guess, const char *name, uint64_t value)
{
	for (size_t i = 0; i < VARIABLES; i++)
		if (variables[i].format == guess->format && !strcmp(variables[i].name, name))
			put_word(guess, variables[i].offset, value);
}
