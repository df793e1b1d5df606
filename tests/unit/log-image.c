// SPDX-License-Identifier: GPL-3.0-or-later
#include "log-image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING, RECORDS, BYTES };

// The addresses of the parts: far apart, and none at the start of a page.
enum {
	VARIABLES = 0x10040,
	RING_AT = 0x20040,
	DESCS = 0x100040,
	INFOS = 0x200040,
	DATA = 0x400040,
	VARIABLES_SIZE = 0x80,
	RING_SIZE = 0x80,
};

struct layout {
	const char *name;
	int format;
	unsigned int word; // bytes of an unsigned long
	bool big_endian;
	// The ring buffer: of desc_ring, info and dev_info; does a block that fills the ring to its
	// end wrap; is clear_seq a latch.
	unsigned int desc_ring_size, info_size;
	bool wraps_at_end, latched;
	// Records: the type's name, its size, to what records are aligned, is there a caller.
	const char *type;
	unsigned int header_size, alignment;
	bool has_caller;
	// Bytes: is the time printed.
	bool has_time;
};

static const struct layout layouts[] = {
	// kernel/printk/printk_ringbuffer.h as of v5.10: no last_finalized_id; clear_seq a u64.
	{ "ring-v5.10", RING, 8, .desc_ring_size = 40, .info_size = 88, .wraps_at_end = true },
	// v5.18 to v6.12: prb_desc_ring.last_finalized_id, later last_finalized_seq; v5.13: a
	// latched clear_seq.
	{ "ring-v6.1", RING, 8, .desc_ring_size = 48, .info_size = 88, .wraps_at_end = true,
	  .latched = true },
	// A kernel of 32 bits: 30 bits of an id, words of 4 bytes.
	{ "ring-v6.1-32", RING, 4, .desc_ring_size = 24, .info_size = 88, .wraps_at_end = true,
	  .latched = true },
	// A big-endian kernel, as s390x: bit fields start at the other end.
	{ "ring-v6.1-big-endian", RING, 8, .big_endian = true, .desc_ring_size = 48,
	  .info_size = 88, .wraps_at_end = true, .latched = true },
	// Since late 2025 a block may end exactly where the ring does, and does not wrap
	// (is_blk_wrapped). Here with a larger printk_info, as one with more of the caller in it.
	{ "ring-2025", RING, 8, .desc_ring_size = 48, .info_size = 112, .latched = true },
	// kernel/printk.c as of v3.5: struct log, records aligned to 8 bytes.
	{ "records-v3.5", RECORDS, 8, .type = "log", .header_size = 16, .alignment = 8 },
	// v3.11: printk_log; packed where unaligned access is cheap, as on x86.
	{ "records-v3.11", RECORDS, 8, .type = "printk_log", .header_size = 16, .alignment = 4 },
	// v5.1 with CONFIG_PRINTK_CALLER: caller_id behind the flags.
	{ "records-v5.1-caller", RECORDS, 8, .type = "printk_log", .header_size = 20,
	  .alignment = 4, .has_caller = true },
	{ "records-v3.11-32", RECORDS, 4, .type = "printk_log", .header_size = 16, .alignment = 4 },
	{ "records-v3.11-big-endian", RECORDS, 8, .big_endian = true, .type = "printk_log",
	  .header_size = 16, .alignment = 8 },
	// kernel/printk.c as of v2.6.24 to v3.4: emit_log_char().
	{ "bytes-v3.4", BYTES, 8, .has_time = true },
	{ "bytes-v2.6.32-no-time", BYTES, 8, .has_time = false },
	{ "bytes-v2.6.32-32", BYTES, 4, .has_time = true },
	{ "bytes-v3.4-big-endian", BYTES, 8, .big_endian = true, .has_time = true },
};

enum { LAYOUTS = sizeof(layouts) / sizeof(*layouts) };

const char *const log_image_layouts[] = {
	"ring-v5.10",
	"ring-v6.1",
	"ring-v6.1-32",
	"ring-v6.1-big-endian",
	"ring-2025",
	"records-v3.5",
	"records-v3.11",
	"records-v5.1-caller",
	"records-v3.11-32",
	"records-v3.11-big-endian",
	"bytes-v3.4",
	"bytes-v2.6.32-no-time",
	"bytes-v2.6.32-32",
	"bytes-v3.4-big-endian",
	NULL,
};

struct log_image {
	const struct layout *layout;
	struct gg_bytes_host *host;
	uint8_t *variables, *ring, *descs, *infos, *data;
	uint64_t count, size; // of descriptors; of the data
	uint64_t seq;         // of the next record
	uint64_t head,
		tail; // ring buffer: lpos; records: index of the next, of the first; bytes: end
	uint64_t head_id;
	uint64_t first_seq, clear_seq, clear;
	bool empty;
};

// ---- Memory ----

static void must(struct gg_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "log-image: %s\n", gg_error_message(err));
	abort();
}

static void put(const struct log_image *image, uint8_t *where, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		where[image->layout->big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const struct log_image *image, const uint8_t *where, unsigned int size)
{
	uint64_t value = 0;
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)where[image->layout->big_endian ? size - 1 - i : i] << 8 * i;
	return value;
}

static uint8_t *add_part(struct log_image *image, uint64_t address, uint64_t size)
{
	void *bytes;
	must(gg_bytes_host_add_memory(image->host, address, size, &bytes));
	return bytes;
}

static void symbol(struct log_image *image, const char *name, uint64_t offset)
{
	must(gg_bytes_host_add_symbol(image->host, name, VARIABLES + offset));
}

static void member(struct log_image *image, const char *type, const char *path, uint64_t offset,
		   uint64_t size)
{
	must(gg_bytes_host_add_member(image->host, type, path, offset, size));
}

uint8_t *log_image_part(struct log_image *image, const char *name, size_t *size)
{
	const uint64_t word = image->layout->word;
	const struct {
		const char *name;
		uint8_t *bytes;
		size_t size;
	} parts[] = {
		{ "variables", image->variables, VARIABLES_SIZE },
		{ "ring", image->ring, RING_SIZE },
		{ "descs", image->descs, image->count * 3 * word },
		{ "infos", image->infos, image->count * image->layout->info_size },
		{ "data", image->data, image->size },
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (!strcmp(parts[i].name, name) && parts[i].bytes) {
			*size = parts[i].size;
			return parts[i].bytes;
		}
	return NULL;
}

// ---- The ring buffer ----

// The offsets of variables.
enum { AT_PRB = 0, AT_CLEAR_SEQ = 16 };

// VMCOREINFO tells no member's size, and so these are 0.
static void describe_ring(struct log_image *image)
{
	const struct layout *layout = image->layout;
	const uint64_t word = layout->word, desc_ring = layout->desc_ring_size;
	symbol(image, "prb", AT_PRB);
	symbol(image, "clear_seq", AT_CLEAR_SEQ);
	member(image, "printk_ringbuffer", "", 0, desc_ring + 5 * word);
	member(image, "printk_ringbuffer", "desc_ring", 0, 0);
	member(image, "printk_ringbuffer", "text_data_ring", desc_ring, 0);
	member(image, "prb_desc_ring", "count_bits", 0, 0);
	member(image, "prb_desc_ring", "descs", word, 0);
	member(image, "prb_desc_ring", "infos", 2 * word, 0);
	member(image, "prb_desc_ring", "head_id", 3 * word, 0);
	member(image, "prb_desc_ring", "tail_id", 4 * word, 0);
	member(image, "prb_data_ring", "size_bits", 0, 0);
	member(image, "prb_data_ring", "data", word, 0);
	member(image, "prb_data_ring", "head_lpos", 2 * word, 0);
	member(image, "prb_data_ring", "tail_lpos", 3 * word, 0);
	member(image, "prb_desc", "", 0, 3 * word);
	member(image, "prb_desc", "state_var", 0, 0);
	member(image, "prb_desc", "text_blk_lpos", word, 0);
	member(image, "prb_data_blk_lpos", "", 0, 2 * word);
	member(image, "prb_data_blk_lpos", "begin", 0, 0);
	member(image, "prb_data_blk_lpos", "next", word, 0);
	member(image, "printk_info", "", 0, layout->info_size);
	member(image, "printk_info", "seq", 0, 0);
	member(image, "printk_info", "ts_nsec", 8, 0);
	member(image, "printk_info", "text_len", 16, 0);
	member(image, "printk_info", "caller_id", 20, 0);
	member(image, "printk_info", "dev_info", layout->info_size - 64, 0);
	member(image, "dev_printk_info", "", 0, 64);
	member(image, "dev_printk_info", "subsystem", 0, 0);
	member(image, "dev_printk_info", "device", 16, 0);
	member(image, "atomic_long_t", "counter", 0, 0);
	if (layout->latched) {
		member(image, "latched_seq", "", 0, 24);
		member(image, "latched_seq", "val", 8, 0);
	}
}

static uint64_t word_mask(const struct log_image *image)
{
	return UINT64_MAX >> (64 - 8 * image->layout->word);
}

// Number 0 has the id 2^32 - count, of 32 bits without its two top bits.
static uint64_t id_of(const struct log_image *image, uint64_t seq)
{
	return (seq + UINT32_MAX + 1 - image->count) & word_mask(image) >> 2;
}

static uint8_t *desc_of(const struct log_image *image, uint64_t seq)
{
	return image->descs + id_of(image, seq) % image->count * 3 * image->layout->word;
}

static void put_state(struct log_image *image, uint64_t seq, uint64_t state)
{
	const unsigned int word = image->layout->word;
	put(image, desc_of(image, seq), word, state << (8 * word - 2) | id_of(image, seq));
}

static void create_ring(struct log_image *image)
{
	const unsigned int word = image->layout->word;
	image->ring = add_part(image, RING_AT, RING_SIZE);
	image->descs = add_part(image, DESCS, image->count * 3 * word);
	image->infos = add_part(image, INFOS, image->count * image->layout->info_size);
	// The one before the first is where head and tail start: reusable, and without a block.
	image->first_seq = image->seq;
	image->head = image->tail = -image->size & word_mask(image);
	put_state(image, image->seq - 1, 3);
	put(image, desc_of(image, image->seq - 1) + word, word, 1);
	put(image, desc_of(image, image->seq - 1) + 2 * word, word, 1);
	describe_ring(image);
}

static bool wraps(const struct log_image *image, uint64_t begin, uint64_t next)
{
	const uint64_t in_ring = image->size - 1;
	if (!image->layout->wraps_at_end)
		next--;
	return (begin & ~in_ring) != (next & ~in_ring);
}

// Makes a record reusable whose text is overwritten.
static void push_tail(struct log_image *image, uint64_t head)
{
	const unsigned int word = image->layout->word;
	const uint64_t oldest = image->seq > image->count ? image->seq - image->count : 0;
	for (uint64_t seq = oldest; seq < image->seq; seq++) {
		uint8_t *desc = desc_of(image, seq);
		const uint64_t begin = get(image, desc + word, word);
		const bool is_its =
			(get(image, desc, word) & word_mask(image) >> 2) == id_of(image, seq);
		if (is_its && !(begin & 1) && ((head - begin) & word_mask(image)) > image->size)
			put_state(image, seq, 3);
	}
	if (((head - image->tail) & word_mask(image)) > image->size)
		image->tail = (head - image->size) & word_mask(image);
}

static void put_block(struct log_image *image, const struct log_image_record *record)
{
	const unsigned int word = image->layout->word;
	const uint64_t in_ring = image->size - 1, id = id_of(image, image->seq);
	uint8_t *desc = desc_of(image, image->seq);
	if (record->no_room || !record->text_size) {
		const uint64_t lpos = record->no_room ? 1 : 3;
		put(image, desc + word, word, lpos);
		put(image, desc + 2 * word, word, lpos);
		return;
	}
	const uint64_t size = word + (record->text_size + word - 1) / word * word;
	const uint64_t begin = image->head;
	uint64_t next = (begin + size) & word_mask(image), at = begin & in_ring;
	if (wraps(image, begin, next)) {
		put(image, image->data + at, word, id);
		next = ((next & ~in_ring) + size) & word_mask(image);
		at = 0;
	}
	push_tail(image, next);
	memset(image->data + at, 0xaa, size);
	put(image, image->data + at, word, id);
	memcpy(image->data + at + word, record->text, record->text_size);
	put(image, desc + word, word, begin);
	put(image, desc + 2 * word, word, next);
	image->head = next;
}

// Five bits of flags and three of the level, from the end that the byte order has first.
static uint8_t flags_byte(const struct log_image *image, const struct log_image_record *record)
{
	return (uint8_t)(image->layout->big_endian ? record->flags << 3 | record->level
						   : record->level << 5 | record->flags);
}

static void add_to_ring(struct log_image *image, const struct log_image_record *record)
{
	const unsigned int info_size = image->layout->info_size;
	uint8_t *info = image->infos + id_of(image, image->seq) % image->count * info_size;
	put_block(image, record);
	put_state(image, image->seq, record->state);
	memset(info, 0, info_size);
	put(image, info, 8, image->seq);
	put(image, info + 8, 8, record->time);
	put(image, info + 16, 2, record->text_size);
	info[18] = (uint8_t)record->facility;
	info[19] = flags_byte(image, record);
	put(image, info + 20, 4, record->caller);
	if (record->subsystem)
		strncpy((char *)info + info_size - 64, record->subsystem, 16);
	if (record->device)
		strncpy((char *)info + info_size - 48, record->device, 48);
	image->seq++;
}

static void finish_ring(struct log_image *image)
{
	const struct layout *layout = image->layout;
	const unsigned int word = layout->word;
	uint8_t *data_ring = image->ring + layout->desc_ring_size;
	uint64_t tail = image->first_seq - 1;
	if (image->seq - image->first_seq > image->count - 1)
		tail = image->seq - image->count;
	put(image, image->variables + AT_PRB, word, RING_AT);
	put(image, image->ring, 4, (uint64_t)__builtin_ctzll(image->count));
	put(image, image->ring + word, word, DESCS);
	put(image, image->ring + 2 * word, word, INFOS);
	put(image, image->ring + 3 * word, word, id_of(image, image->seq - 1));
	put(image, image->ring + 4 * word, word, id_of(image, tail));
	put(image, data_ring, 4, (uint64_t)__builtin_ctzll(image->size));
	put(image, data_ring + word, word, DATA);
	put(image, data_ring + 2 * word, word, image->head);
	put(image, data_ring + 3 * word, word, image->tail);
	uint8_t *clear_seq = image->variables + AT_CLEAR_SEQ;
	if (layout->latched) {
		// The counter is odd: the second copy is the one to read.
		put(image, clear_seq, 4, 7);
		put(image, clear_seq + 8, 8, UINT64_MAX);
		clear_seq += 16;
	}
	put(image, clear_seq, 8, image->clear_seq);
}

// ---- Records ----

enum {
	AT_LOG_BUF = 0,
	AT_LOG_BUF_LEN = 8,
	AT_FIRST = 16,
	AT_NEXT = 24,
	AT_CLEAR = 32,
	AT_LOGGED = 40,
};

static void create_records(struct log_image *image)
{
	const struct layout *layout = image->layout;
	symbol(image, "log_buf", AT_LOG_BUF);
	symbol(image, "log_buf_len", AT_LOG_BUF_LEN);
	symbol(image, "log_first_idx", AT_FIRST);
	symbol(image, "log_next_idx", AT_NEXT);
	symbol(image, "clear_idx", AT_CLEAR);
	member(image, layout->type, "", 0, layout->header_size);
	member(image, layout->type, "ts_nsec", 0, 0);
	member(image, layout->type, "len", 8, 0);
	member(image, layout->type, "text_len", 10, 0);
	member(image, layout->type, "dict_len", 12, 0);
	if (layout->has_caller)
		member(image, layout->type, "caller_id", 16, 0);
}

// Tests for room as log_has_space() does: behind a record there is always room for a header.
static bool has_room(const struct log_image *image, uint64_t size)
{
	uint64_t free_bytes = image->tail - image->head;
	if (image->empty || image->head > image->tail) {
		const uint64_t behind = image->size - image->head;
		free_bytes = behind > image->tail ? behind : image->tail;
	}
	return free_bytes >= size + image->layout->header_size;
}

static void drop_oldest(struct log_image *image)
{
	const uint64_t len = get(image, image->data + image->tail + 8, 2);
	image->tail = len ? image->tail + len : get(image, image->data + 8, 2);
	image->first_seq++;
	image->empty = image->tail == image->head;
}

// "SUBSYSTEM=...\0DEVICE=...", as create_syslog_header() writes it. Returns its size.
static size_t make_dict(const struct log_image_record *record, char dict[128])
{
	size_t size = 0;
	if (record->subsystem)
		size = (size_t)snprintf(dict, 64, "SUBSYSTEM=%s", record->subsystem) + 1;
	if (record->device)
		size += (size_t)snprintf(dict + size, 64, "DEVICE=%s", record->device) + 1;
	return size ? size - 1 : 0;
}

static void add_to_records(struct log_image *image, const struct log_image_record *record)
{
	const struct layout *layout = image->layout;
	char dict[128];
	const size_t dict_size = make_dict(record, dict);
	const uint64_t needed = layout->header_size + record->text_size + dict_size;
	const uint64_t size =
		(needed + layout->alignment - 1) / layout->alignment * layout->alignment;
	while (!has_room(image, size) && !image->empty)
		drop_oldest(image);
	if (image->head + size + layout->header_size > image->size) {
		memset(image->data + image->head, 0, layout->header_size);
		image->head = 0;
	}
	uint8_t *at = image->data + image->head;
	memset(at, 0, size);
	put(image, at, 8, record->time);
	put(image, at + 8, 2, size);
	put(image, at + 10, 2, record->text_size);
	put(image, at + 12, 2, dict_size);
	at[14] = (uint8_t)record->facility;
	at[15] = flags_byte(image, record);
	if (layout->has_caller)
		put(image, at + 16, 4, record->caller);
	memcpy(at + layout->header_size, record->text, record->text_size);
	memcpy(at + layout->header_size + record->text_size, dict, dict_size);
	image->head += size;
	image->seq++;
	image->empty = false;
}

static void finish_records(struct log_image *image)
{
	put(image, image->variables + AT_LOG_BUF, image->layout->word, DATA);
	put(image, image->variables + AT_LOG_BUF_LEN, 4, image->size);
	put(image, image->variables + AT_FIRST, 4, image->tail);
	put(image, image->variables + AT_NEXT, 4, image->head);
	put(image, image->variables + AT_CLEAR, 4, image->clear);
}

// ---- Bytes ----

static void create_bytes(struct log_image *image)
{
	symbol(image, "log_buf", AT_LOG_BUF);
	symbol(image, "log_buf_len", AT_LOG_BUF_LEN);
	symbol(image, "log_end", AT_NEXT);
	symbol(image, "logged_chars", AT_LOGGED);
}

static void add_byte(struct log_image *image, char byte)
{
	image->data[image->head++ & (image->size - 1)] = (uint8_t)byte;
}

static void add_to_bytes(struct log_image *image, const struct log_image_record *record)
{
	char prefix[64];
	int length =
		snprintf(prefix, sizeof(prefix), "<%u>", record->facility << 3 | record->level);
	if (image->layout->has_time)
		length += snprintf(prefix + length, sizeof(prefix) - (size_t)length,
				   "[%5lu.%06lu] ", (unsigned long)(record->time / 1000000000),
				   (unsigned long)(record->time % 1000000000 / 1000));
	for (int i = 0; i < length; i++)
		add_byte(image, prefix[i]);
	for (size_t i = 0; i < record->text_size; i++)
		add_byte(image, record->text[i]);
	add_byte(image, '\n');
	image->seq++;
}

static void finish_bytes(struct log_image *image)
{
	const uint64_t since = image->head - image->clear;
	put(image, image->variables + AT_LOG_BUF, image->layout->word, DATA);
	put(image, image->variables + AT_LOG_BUF_LEN, 4, image->size);
	put(image, image->variables + AT_NEXT, 4, image->head);
	put(image, image->variables + AT_LOGGED, 4, since < image->size ? since : image->size);
}

// ---- All of them ----

static const struct {
	void (*create)(struct log_image *image);
	void (*add)(struct log_image *image, const struct log_image_record *record);
	void (*finish)(struct log_image *image);
} formats[] = {
	[RING] = { create_ring, add_to_ring, finish_ring },
	[RECORDS] = { create_records, add_to_records, finish_records },
	[BYTES] = { create_bytes, add_to_bytes, finish_bytes },
};

struct log_image *log_image_create(const char *name, unsigned int count_bits,
				   unsigned int size_bits, uint64_t first)
{
	const struct layout *layout = NULL;
	for (size_t i = 0; i < LAYOUTS; i++)
		if (!strcmp(layouts[i].name, name))
			layout = &layouts[i];
	struct log_image *image = layout ? calloc(1, sizeof(*image)) : NULL;
	if (!image)
		return NULL;
	image->layout = layout;
	image->count = UINT64_C(1) << count_bits;
	image->size = UINT64_C(1) << size_bits;
	image->seq = first;
	image->empty = true;
	must(gg_bytes_host_create(&image->host));
	gg_bytes_host(image->host)->big_endian = layout->big_endian;
	gg_bytes_host(image->host)->address_size = layout->word;
	image->variables = add_part(image, VARIABLES, VARIABLES_SIZE);
	image->data = add_part(image, DATA, image->size);
	formats[layout->format].create(image);
	return image;
}

void log_image_destroy(struct log_image *image)
{
	if (!image)
		return;
	gg_bytes_host_destroy(image->host);
	free(image);
}

void log_image_add(struct log_image *image, const struct log_image_record *record)
{
	formats[image->layout->format].add(image, record);
}

void log_image_clear(struct log_image *image)
{
	image->clear_seq = image->seq;
	image->clear = image->head;
}

void log_image_finish(struct log_image *image)
{
	formats[image->layout->format].finish(image);
}

const struct gg_host *log_image_host(struct log_image *image)
{
	return gg_bytes_host(image->host);
}
