// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's lockless log: Linux kernel/printk/printk_ringbuffer.[ch], since v5.10 (commit
// 896fbe20b4e2 "printk: use the lockless ringbuffer").
//
// Three arrays: descriptors and infos, of one size and indexed by the low bits of a record's id;
// and blocks of text, which start with the id of theirs. A block that would wrap leaves a lone id
// at the end of its array, and is whole at the start.
//
// In:  guest memory by virtual address, and who knows the kernel's symbols and members.
// Out: one record, by its id.
// Trusts nothing it reads: every index is masked, every length bounded by its block, a record must
// have the id and the number that follow from where it is.
#include "ring-record.h"

#include <inttypes.h>
#include <string.h>

enum {
	// The kernel's log_buf_len is 2 GiB at most, and it has a descriptor for 32 bytes.
	MAX_SIZE_BITS = 31,
	MAX_COUNT_BITS = 26,
	MAX_ITEM = 4096, // bytes of a descriptor or an info, which have 24 and 88
};

// Values of both members of prb_data_blk_lpos that stand for no block: the first bit is set.
enum { NO_BLOCK = 1, EMPTY_LINE = 3 };

// ---- Where things are ----

static const struct gg_layout_row rows[] = {
	GG_LAYOUT_ROW(struct gg_ring_layout, ring, "printk_ringbuffer", ""),
	GG_LAYOUT_ROW(struct gg_ring_layout, desc_ring, "printk_ringbuffer", "desc_ring"),
	GG_LAYOUT_ROW(struct gg_ring_layout, text_data_ring, "printk_ringbuffer", "text_data_ring"),
	GG_LAYOUT_ROW(struct gg_ring_layout, count_bits, "prb_desc_ring", "count_bits"),
	GG_LAYOUT_ROW(struct gg_ring_layout, descs, "prb_desc_ring", "descs"),
	GG_LAYOUT_ROW(struct gg_ring_layout, infos, "prb_desc_ring", "infos"),
	GG_LAYOUT_ROW(struct gg_ring_layout, head_id, "prb_desc_ring", "head_id"),
	GG_LAYOUT_ROW(struct gg_ring_layout, tail_id, "prb_desc_ring", "tail_id"),
	GG_LAYOUT_ROW(struct gg_ring_layout, size_bits, "prb_data_ring", "size_bits"),
	GG_LAYOUT_ROW(struct gg_ring_layout, data, "prb_data_ring", "data"),
	GG_LAYOUT_ROW(struct gg_ring_layout, head_lpos, "prb_data_ring", "head_lpos"),
	GG_LAYOUT_ROW(struct gg_ring_layout, desc, "prb_desc", ""),
	GG_LAYOUT_ROW(struct gg_ring_layout, state_var, "prb_desc", "state_var"),
	GG_LAYOUT_ROW(struct gg_ring_layout, text_blk_lpos, "prb_desc", "text_blk_lpos"),
	GG_LAYOUT_ROW(struct gg_ring_layout, blk_lpos, "prb_data_blk_lpos", ""),
	GG_LAYOUT_ROW(struct gg_ring_layout, begin, "prb_data_blk_lpos", "begin"),
	GG_LAYOUT_ROW(struct gg_ring_layout, next, "prb_data_blk_lpos", "next"),
	GG_LAYOUT_ROW(struct gg_ring_layout, info, "printk_info", ""),
	GG_LAYOUT_ROW(struct gg_ring_layout, seq, "printk_info", "seq"),
	GG_LAYOUT_ROW(struct gg_ring_layout, ts_nsec, "printk_info", "ts_nsec"),
	GG_LAYOUT_ROW(struct gg_ring_layout, text_len, "printk_info", "text_len"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, caller_id, "printk_info", "caller_id"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, dev_info, "printk_info", "dev_info"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, dev, "dev_printk_info", ""),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, subsystem, "dev_printk_info", "subsystem"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, device, "dev_printk_info", "device"),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, counter, "atomic_long_t", "counter"),
	// Since v5.13 (commit 7d7a23a91c91) clear_seq is one; before, it was a plain integer.
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, latched_seq, "latched_seq", ""),
	GG_LAYOUT_ROW_OPTIONAL(struct gg_ring_layout, latched_val, "latched_seq", "val"),
};

static struct gg_error *check_item(const char *type, const struct gg_member *item)
{
	if (item->size && item->size <= MAX_ITEM)
		return NULL;
	return gg_error_create(GG_BAD_DATA, "a %s has %" PRIu64 " bytes, not 1 to %d", type,
			       item->size, MAX_ITEM);
}

// Sets the sizes that a finder of members may not know. An unsigned long is as large as half a
// prb_data_blk_lpos.
static struct gg_error *set_sizes(struct gg_ring_layout *layout)
{
	const uint64_t word = layout->blk_lpos.size / 2;
	struct gg_member *const words[] = {
		&layout->descs,     &layout->infos, &layout->head_id,
		&layout->tail_id,   &layout->data,  &layout->begin,
		&layout->head_lpos, &layout->next,  &layout->state_var
	};
	struct gg_member *const atomics[] = { &layout->head_id, &layout->tail_id,
					      &layout->head_lpos, &layout->state_var };
	if (word != 4 && word != 8)
		return gg_error_create(GG_BAD_DATA, "a prb_data_blk_lpos has %" PRIu64 " bytes",
				       layout->blk_lpos.size);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		words[i]->size = word;
	for (size_t i = 0; i < sizeof(atomics) / sizeof(*atomics); i++)
		atomics[i]->offset += layout->counter.offset;
	layout->begin.offset += layout->text_blk_lpos.offset;
	layout->next.offset += layout->text_blk_lpos.offset;
	layout->count_bits.size = layout->size_bits.size = layout->caller_id.size = 4;
	layout->seq.size = layout->ts_nsec.size = 8;
	layout->text_len.size = 2;
	struct gg_error *err = check_item("prb_desc", &layout->desc);
	if (!err)
		err = check_item("printk_info", &layout->info);
	return err ? err : check_item("printk_ringbuffer", &layout->ring);
}

static struct gg_error *read_layout(const struct gg_host *kernel, struct gg_ring_layout *ret)
{
	struct gg_error *err = gg_layout_resolve(kernel, rows, sizeof(rows) / sizeof(*rows), ret);
	return err ? err : set_sizes(ret);
}

// ---- The ring ----

static uint64_t word_mask(const struct gg_log_ring *ring)
{
	return UINT64_MAX >> (64 - 8 * ring->word);
}

static struct gg_error *get_member(struct gg_cursor *cursor, uint64_t base,
				   const struct gg_member *member, uint64_t *ret)
{
	const struct gg_member inner = { base + member->offset, member->size };
	return gg_cursor_member(cursor, &inner, ret);
}

static struct gg_error *check_bits(const char *name, uint64_t bits, uint64_t limit)
{
	if (bits && bits <= limit)
		return NULL;
	return gg_error_create(GG_BAD_DATA, "%s is %" PRIu64 ", not 1 to %" PRIu64, name, bits,
			       limit);
}

static struct gg_error *decode_ring(struct gg_log_ring *ring, struct gg_cursor *cursor)
{
	const struct gg_ring_layout *layout = &ring->layout;
	const uint64_t desc_ring = layout->desc_ring.offset,
		       data_ring = layout->text_data_ring.offset;
	uint64_t count_bits = 0, size_bits = 0, descs = 0, infos = 0, data = 0;
	struct gg_error *err = get_member(cursor, desc_ring, &layout->count_bits, &count_bits);
	if (!err)
		err = check_bits("count_bits", count_bits, MAX_COUNT_BITS);
	if (!err)
		err = get_member(cursor, desc_ring, &layout->descs, &descs);
	if (!err)
		err = get_member(cursor, desc_ring, &layout->infos, &infos);
	if (!err)
		err = get_member(cursor, desc_ring, &layout->head_id, &ring->head_id);
	if (!err)
		err = get_member(cursor, desc_ring, &layout->tail_id, &ring->tail_id);
	if (!err)
		err = get_member(cursor, data_ring, &layout->size_bits, &size_bits);
	if (!err)
		err = check_bits("size_bits", size_bits, MAX_SIZE_BITS);
	if (!err)
		err = get_member(cursor, data_ring, &layout->data, &data);
	if (!err)
		err = get_member(cursor, data_ring, &layout->head_lpos, &ring->head_lpos);
	if (err)
		return err;
	ring->count = UINT64_C(1) << count_bits;
	ring->data_size = UINT64_C(1) << size_bits;
	ring->head_id &= ring->id_mask;
	ring->tail_id &= ring->id_mask;
	gg_window_init(&ring->descs, ring->kernel, descs, ring->count * layout->desc.size);
	gg_window_init(&ring->infos, ring->kernel, infos, ring->count * layout->info.size);
	gg_window_init(&ring->data, ring->kernel, data, ring->data_size);
	return NULL;
}

void gg_ring_close(struct gg_log_ring *ring)
{
	gg_window_deinit(&ring->descs);
	gg_window_deinit(&ring->infos);
	gg_window_deinit(&ring->data);
}

struct gg_error *gg_ring_open(const struct gg_host *kernel, struct gg_log_sink *sink,
			      struct gg_log_ring *ret)
{
	uint64_t variable, address = 0;
	uint8_t bytes[MAX_ITEM];
	*ret = (struct gg_log_ring){ .kernel = kernel, .sink = sink };
	struct gg_error *err = gg_host_symbol(kernel, "prb", &variable);
	if (!err)
		err = read_layout(kernel, &ret->layout);
	if (err)
		return err;
	ret->word = (unsigned int)ret->layout.begin.size;
	ret->id_mask = word_mask(ret) >> 2;
	err = gg_host_read_uint(kernel, variable, ret->word, &address);
	if (!err)
		err = gg_host_read(kernel, address, bytes, ret->layout.ring.size);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, ret->layout.ring.size, kernel->big_endian,
					    "the printk_ringbuffer");
	return decode_ring(ret, &cursor);
}

// ---- One record ----

// AHEAD is how many more will be asked for.
struct gg_error *gg_ring_read_desc(struct gg_log_ring *ring, uint64_t id, uint64_t ahead,
				   struct gg_ring_desc *ret)
{
	const struct gg_ring_layout *layout = &ring->layout;
	const uint64_t size = layout->desc.size;
	const uint8_t *bytes;
	uint64_t state;
	struct gg_error *err = gg_window_get(&ring->descs, (id & (ring->count - 1)) * size, size,
					     (ahead + 1) * size, &bytes);
	if (err)
		return gg_error_context(err, "its descriptor");
	struct gg_cursor cursor = gg_cursor(bytes, size, ring->kernel->big_endian, "a prb_desc");
	err = gg_cursor_member(&cursor, &layout->state_var, &state);
	if (!err)
		err = gg_cursor_member(&cursor, &layout->begin, &ret->begin);
	if (!err)
		err = gg_cursor_member(&cursor, &layout->next, &ret->next);
	if (err)
		return err;
	ret->id = state & ring->id_mask;
	ret->state = (enum gg_ring_state)(state >> (8 * ring->word - 2));
	return NULL;
}

// "KEY=VALUE" of a field of dev_printk_info that is terminated by a NUL, or by what is behind it.
static void add_dict(struct gg_buffer *dict, const char *key, const uint8_t *field, size_t size)
{
	size = strnlen((const char *)field, size);
	if (!size)
		return;
	if (dict->size)
		gg_buffer_zeros(dict, 1);
	gg_buffer_append(dict, key, strlen(key));
	gg_buffer_append(dict, "=", 1);
	gg_buffer_append(dict, field, size);
}

static struct gg_error *decode_dev_info(const struct gg_log_ring *ring, const uint8_t *info,
					struct gg_buffer *dict)
{
	const struct gg_ring_layout *layout = &ring->layout;
	const uint64_t size = layout->dev.size, subsystem = layout->subsystem.offset,
		       device = layout->device.offset;
	if (!size || subsystem > device || device > size ||
	    layout->dev_info.offset > layout->info.size ||
	    size > layout->info.size - layout->dev_info.offset)
		return NULL;
	info += layout->dev_info.offset;
	add_dict(dict, "SUBSYSTEM", info + subsystem, device - subsystem);
	add_dict(dict, "DEVICE", info + device, size - device);
	return gg_buffer_check(dict);
}

// The number of the record that ID stands for. Both grow together, and number 0 has the id that is
// as many before 2^32 (of 32 bits: before the ids wrap) as there are descriptors
// (printk_ringbuffer.h, DESC0_ID). So all but these bits are known of a number:
#define NUMBER_BITS UINT64_C(0x3fffffff)

uint64_t gg_ring_number(const struct gg_log_ring *ring, uint64_t id)
{
	return (id + ring->count) & ring->id_mask & UINT32_MAX;
}

// Decodes the bytes behind text_len: facility, then a byte of three bits of level and five of flags.
// Bit fields start at the end of the byte that the byte order has first.
static void decode_flags(const struct gg_log_ring *ring, uint64_t facility, uint64_t byte,
			 struct gg_log_record *ret)
{
	enum { NEWLINE = 2, CONT = 8 }; // enum printk_info_flags, kernel/printk/internal.h
	const bool big_endian = ring->kernel->big_endian;
	const uint64_t flags = big_endian ? byte >> 3 : byte & 0x1f;
	ret->facility = (unsigned int)facility;
	ret->level = (unsigned int)(big_endian ? byte & 7 : byte >> 5);
	ret->flags |= GG_LOG_LEVEL;
	if (flags & NEWLINE)
		ret->flags |= GG_LOG_NEWLINE;
	if (flags & CONT)
		ret->flags |= GG_LOG_CONT;
}

static struct gg_error *decode_info(const struct gg_log_ring *ring, struct gg_cursor *cursor,
				    struct gg_log_record *ret)
{
	const struct gg_ring_layout *layout = &ring->layout;
	uint64_t text_len = 0, facility = 0, flags = 0, caller = 0;
	struct gg_error *err = gg_cursor_member(cursor, &layout->seq, &ret->seq);
	if (!err)
		err = gg_cursor_member(cursor, &layout->ts_nsec, &ret->time);
	if (!err)
		err = gg_cursor_member(cursor, &layout->text_len, &text_len);
	if (!err)
		err = gg_cursor_uint(cursor, 1, &facility);
	if (!err)
		err = gg_cursor_uint(cursor, 1, &flags);
	if (!err && layout->caller_id.offset) {
		err = gg_cursor_member(cursor, &layout->caller_id, &caller);
		ret->flags |= GG_LOG_CALLER;
	}
	if (err)
		return err;
	ret->flags |= GG_LOG_SEQ | GG_LOG_TIME;
	ret->text_size = text_len;
	ret->caller = (uint32_t)caller;
	decode_flags(ring, facility, flags, ret);
	return NULL;
}

struct gg_error *gg_ring_read_info(struct gg_log_ring *ring, uint64_t id, uint64_t ahead,
				   struct gg_buffer *dict, struct gg_log_record *ret)
{
	const uint64_t size = ring->layout.info.size;
	const uint8_t *bytes;
	struct gg_error *err = gg_window_get(&ring->infos, (id & (ring->count - 1)) * size, size,
					     (ahead + 1) * size, &bytes);
	if (err)
		return gg_error_context(err, "its info");
	struct gg_cursor cursor = gg_cursor(bytes, size, ring->kernel->big_endian, "a printk_info");
	err = decode_info(ring, &cursor, ret);
	if (err)
		return err;
	if ((ret->seq ^ gg_ring_number(ring, id)) & NUMBER_BITS)
		return gg_error_create(GG_BAD_DATA, "its info is that of %" PRIu64, ret->seq);
	return decode_dev_info(ring, bytes, dict);
}

// Finds a block's id and text: SIZE bytes at OFFSET. The place behind a block may be the ring's
// very end without the block wrapping: since late 2025 the kernel too asks where its last byte is.
static struct gg_error *find_block(const struct gg_log_ring *ring, const struct gg_ring_desc *desc,
				   uint64_t *offset, uint64_t *size)
{
	const uint64_t mask = word_mask(ring), in_ring = ring->data_size - 1;
	const uint64_t last = (desc->next - 1) & mask;
	const uint64_t begin_turn = desc->begin & ~in_ring, last_turn = last & ~in_ring;
	*offset = 0;
	*size = 0;
	if (begin_turn == last_turn) {
		*offset = desc->begin & in_ring;
		*size = (desc->next - desc->begin) & mask;
	} else if (((begin_turn + ring->data_size) & mask) == last_turn) {
		*size = (last & in_ring) + 1;
	}
	if (desc->begin % ring->word || desc->next % ring->word || *size < ring->word ||
	    *size > ring->data_size - *offset)
		return gg_error_create(GG_BAD_DATA,
				       "its block is said to be from 0x%" PRIx64 " to 0x%" PRIx64
				       " of a ring of 0x%" PRIx64 " bytes",
				       desc->begin, desc->next, ring->data_size);
	return NULL;
}

// The number of bytes of the ring, from OFFSET on, that are in use.
static uint64_t data_ahead(const struct gg_log_ring *ring, uint64_t offset)
{
	const uint64_t end = ring->head_lpos & (ring->data_size - 1);
	return end > offset ? end - offset : ring->data_size - offset;
}

static struct gg_error *read_text(struct gg_log_ring *ring, uint64_t id,
				  const struct gg_ring_desc *desc, struct gg_log_record *record)
{
	uint64_t offset, size, found;
	const uint8_t *bytes;
	struct gg_error *err = find_block(ring, desc, &offset, &size);
	if (!err && record->text_size > size - ring->word)
		err = gg_error_create(GG_BAD_DATA, "its text has %zu bytes, its block %" PRIu64,
				      record->text_size, size);
	if (!err)
		err = gg_window_get(&ring->data, offset, ring->word + record->text_size,
				    data_ahead(ring, offset), &bytes);
	if (err)
		return err;
	struct gg_cursor cursor =
		gg_cursor(bytes, ring->word, ring->kernel->big_endian, "a data block");
	err = gg_cursor_uint(&cursor, ring->word, &found);
	if (!err && found != id)
		err = gg_error_create(GG_BAD_DATA,
				      "its block has the id 0x%" PRIx64 ", not 0x%" PRIx64, found,
				      id);
	// Texts do not overlap; twice the ring leaves room for one that is damaged.
	ring->text_size += ring->word + record->text_size;
	if (!err && ring->text_size > 2 * ring->data_size)
		err = gg_error_create(GG_BAD_DATA, "its block overlaps others");
	if (!err)
		record->text = (const char *)bytes + ring->word;
	return err;
}

struct gg_error *gg_ring_read_state(const struct gg_log_ring *ring, uint64_t id,
				    const struct gg_ring_desc *desc, enum gg_ring_outcome *ret)
{
	*ret = GG_RING_READY;
	// Before its state is set, a descriptor is still that of a round before, or of none.
	const uint64_t previous = (id - ring->count) & ring->id_mask;
	if (desc->id != id && ((desc->id == previous && desc->state == GG_RING_REUSABLE) ||
			       (!desc->id && !desc->state)))
		*ret = GG_RING_PENDING;
	else if (desc->id != id)
		return gg_error_create(GG_BAD_DATA,
				       "its descriptor has the id 0x%" PRIx64 ", not 0x%" PRIx64,
				       desc->id, id);
	else if (desc->state == GG_RING_RESERVED ||
		 (desc->state == GG_RING_COMMITTED && ring->sink && ring->sink->position))
		*ret = GG_RING_PENDING;
	else if (desc->state == GG_RING_REUSABLE)
		*ret = GG_RING_GONE;
	return NULL;
}

struct gg_error *gg_ring_read_record(struct gg_log_ring *ring, uint64_t id, uint64_t ahead,
				     struct gg_buffer *dict, struct gg_log_record *record,
				     enum gg_ring_outcome *ret)
{
	struct gg_ring_desc desc;
	struct gg_error *err = gg_ring_read_desc(ring, id, ahead, &desc);
	if (!err)
		err = gg_ring_read_state(ring, id, &desc, ret);
	if (err || *ret != GG_RING_READY)
		return err;
	err = gg_ring_read_info(ring, id, ahead, dict, record);
	if (err)
		return err;
	if (desc.begin == EMPTY_LINE && desc.next == EMPTY_LINE) {
		record->text = "";
		record->text_size = 0;
	} else if ((desc.begin & NO_BLOCK) && (desc.next & NO_BLOCK)) {
		*ret = GG_RING_GONE;
	} else {
		err = read_text(ring, id, &desc, record);
	}
	return err;
}
