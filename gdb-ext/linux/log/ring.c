// SPDX-License-Identifier: GPL-3.0-or-later
//
// The records of the kernel's lockless log in their order: from the oldest on, from where a look
// before this one came to, or the newest alone. A log whose ends are damaged is gone through by its
// descriptors.
#include "ring-record.h"

#include <gdb-guest/interrupt.h>
#include <inttypes.h>

// More that cannot be trusted, or pages that cannot be read, are too many to go through.
enum { MAX_UNTRUSTED = 1 << 20, MAX_FAULTS = 1 << 14 };

// ---- All records ----

// The record after which the log was cleared last; 0 where that is not known.
static uint64_t read_clear_seq(struct gg_log_ring *ring)
{
	const struct gg_ring_layout *layout = &ring->layout;
	uint64_t address, latch = 0, seq = 0;
	struct gg_error *err = gg_host_symbol(ring->kernel, "clear_seq", &address);
	// A latch: two copies, and a counter that says by its last bit which one is not being
	// written.
	if (!err && layout->latched_seq.size) {
		err = gg_host_read_uint(ring->kernel, address, 4, &latch);
		address += layout->latched_val.offset + latch % 2 * 8;
	}
	if (!err)
		err = gg_host_read_uint(ring->kernel, address, 8, &seq);
	ring->sink->clear_known = !err;
	gg_error_destroy(err);
	return seq;
}

static struct gg_error *put_record(struct gg_log_ring *ring, uint64_t clear_seq,
				   const struct gg_buffer *dict, struct gg_log_record *record)
{
	record->dict = (const char *)dict->bytes;
	record->dict_size = dict->size;
	if (record->seq > ring->next_seq)
		record->lost = record->seq - ring->next_seq;
	ring->next_seq = record->seq + 1;
	if (record->seq < clear_seq)
		record->flags |= GG_LOG_CLEARED;
	return gg_log_emit(ring->sink, record);
}

static bool is_enough(const struct gg_log_ring *ring)
{
	return ring->sink->untrusted + ring->sink->pending >= MAX_UNTRUSTED ||
	       ring->descs.faults + ring->infos.faults + ring->data.faults >= MAX_FAULTS;
}

// Behind the record ID, or at it if it is waited for: then nothing behind it is wanted yet.
static bool move_position(struct gg_log_ring *ring, uint64_t id, enum gg_ring_outcome outcome)
{
	struct gg_log_position *position = ring->sink->position;
	if (!position)
		return false;
	const bool waits = outcome == GG_RING_PENDING && !position->skips_pending;
	position->is_known = true;
	position->id = waits ? id : (id + 1) & ring->id_mask;
	position->seq = ring->next_seq;
	if (outcome == GG_RING_PENDING)
		position->skips_pending = false;
	return waits;
}

static struct gg_error *walk_one(struct gg_log_ring *ring, uint64_t id, uint64_t ahead,
				 uint64_t clear_seq, bool *waits)
{
	struct gg_log_record record = { 0 };
	struct gg_buffer dict = { 0 };
	enum gg_ring_outcome outcome = GG_RING_GONE;
	struct gg_error *err = gg_ring_read_record(ring, id, ahead, &dict, &record, &outcome);
	if (err)
		err = gg_log_distrust(ring->sink,
				      gg_error_context(err, "%" PRIu64, gg_ring_number(ring, id)));
	else if (outcome == GG_RING_READY)
		err = put_record(ring, clear_seq, &dict, &record);
	else if (outcome == GG_RING_PENDING)
		ring->sink->pending++;
	*waits = move_position(ring, id, outcome);
	gg_buffer_deinit(&dict);
	return err;
}

// COUNT records from id FIRST on.
static struct gg_error *walk(struct gg_log_ring *ring, uint64_t first, uint64_t count)
{
	const uint64_t clear_seq = read_clear_seq(ring);
	struct gg_error *err = NULL;
	bool waits = false;
	for (uint64_t i = 0; !err && !waits && i < count; i++) {
		const uint64_t id = (first + i) & ring->id_mask;
		err = gg_interrupt_check();
		ring->sink->gave_up = is_enough(ring);
		if (ring->sink->gave_up || ring->sink->full)
			break;
		if (!err)
			err = walk_one(ring, id, count - i - 1, clear_seq, &waits);
	}
	return err;
}

// Tests whether DESC and its info are in their places. RECORD gets the info then.
static bool is_sound(struct gg_log_ring *ring, const struct gg_ring_desc *desc, uint64_t index,
		     struct gg_log_record *record)
{
	struct gg_buffer dict = { 0 };
	*record = (struct gg_log_record){ 0 };
	if ((desc->id & (ring->count - 1)) != index ||
	    (desc->state != GG_RING_COMMITTED && desc->state != GG_RING_FINALIZED))
		return false;
	struct gg_error *err =
		gg_ring_read_info(ring, desc->id, ring->count - index - 1, &dict, record);
	const bool sound = !err;
	gg_error_destroy(err);
	gg_buffer_deinit(&dict);
	return sound;
}

struct newest {
	uint64_t found; // sound descriptors
	uint64_t id, seq;
};

// For a ring whose own ends are damaged.
static struct gg_error *find_newest_desc(struct gg_log_ring *ring, struct newest *ret)
{
	struct gg_error *err = NULL;
	*ret = (struct newest){ 0 };
	for (uint64_t i = 0; !err && i < ring->count; i++) {
		struct gg_ring_desc desc;
		struct gg_log_record record;
		err = gg_interrupt_check();
		if (err || i - ret->found >= MAX_UNTRUSTED || ring->descs.faults >= MAX_FAULTS)
			break;
		err = gg_ring_read_desc(ring, i, ring->count - i - 1, &desc);
		if (err) {
			err = gg_log_distrust(ring->sink, err);
			continue;
		}
		if (!is_sound(ring, &desc, i, &record))
			continue;
		if (!ret->found || record.seq > ret->seq) {
			ret->id = desc.id;
			ret->seq = record.seq;
		}
		ret->found++;
	}
	if (!err && !ret->found)
		err = gg_error_create(GG_BAD_DATA, "none of its %" PRIu64 " descriptors is sound",
				      ring->count);
	return err;
}

// A record of each descriptor, up to the newest; those of ids that never were are not there.
static struct gg_error *walk_all(struct gg_log_ring *ring)
{
	struct newest newest;
	struct gg_error *err = gg_tell(ring->sink->notices,
				       "the log's ends (ids 0x%" PRIx64 " to 0x%" PRIx64
				       ") are damaged: it was read by its descriptors",
				       ring->tail_id, ring->head_id);
	if (!err)
		err = find_newest_desc(ring, &newest);
	if (err)
		return err;
	const uint64_t count = newest.seq < ring->count ? newest.seq + 1 : ring->count;
	return walk(ring, (newest.id - (count - 1)) & ring->id_mask, count);
}

// ---- What is new ----

// From the sink's position on. One that is behind the ring's start has been overtaken: what is lost
// is told with the next record. One that is before its end is another log's.
static struct gg_error *walk_new(struct gg_log_ring *ring)
{
	struct gg_log_position *position = ring->sink->position;
	const uint64_t count = ((ring->head_id - ring->tail_id) & ring->id_mask) + 1;
	if (count > ring->count)
		return gg_error_create(GG_BAD_DATA,
				       "its ends (ids 0x%" PRIx64 " to 0x%" PRIx64
				       ") are damaged: it cannot be followed",
				       ring->tail_id, ring->head_id);
	uint64_t done = position->is_known ? (position->id - ring->tail_id) & ring->id_mask : 0;
	position->is_new_log = done > count && done <= ring->id_mask / 2;
	if (position->is_new_log)
		return NULL;
	if (done > count)
		done = 0;
	ring->next_seq = position->seq;
	return walk(ring, (ring->tail_id + done) & ring->id_mask, count - done);
}

struct gg_error *gg_log_ring_read(const struct gg_host *kernel, struct gg_log_sink *sink)
{
	struct gg_log_ring ring;
	struct gg_error *err = gg_ring_open(kernel, sink, &ring);
	if (!err && sink->position) {
		err = walk_new(&ring);
		gg_ring_close(&ring);
		return err;
	}
	const uint64_t distance = err ? 0 : (ring.head_id - ring.tail_id) & ring.id_mask;
	if (!err && distance < ring.count)
		err = walk(&ring, ring.tail_id, distance + 1);
	if (!err && !sink->records) {
		// The counts are those of records that never were.
		gg_log_sink_deinit(sink);
		sink->untrusted = sink->pending = 0;
		err = walk_all(&ring);
	}
	gg_ring_close(&ring);
	return err;
}

// ---- The newest ----

struct gg_error *gg_log_ring_newest(const struct gg_host *kernel, uint64_t *ret)
{
	enum { MAX_BACK = 64 }; // CPUs that may be writing at once, or so
	struct gg_log_ring ring;
	struct gg_buffer dict = { 0 };
	bool found = false;
	struct gg_error *err = gg_ring_open(kernel, NULL, &ring);
	for (uint64_t back = 0; !err && !found && back < MAX_BACK; back++) {
		const uint64_t id = (ring.head_id - back) & ring.id_mask;
		struct gg_log_record record = { 0 };
		enum gg_ring_outcome outcome;
		struct gg_ring_desc desc;
		err = gg_ring_read_desc(&ring, id, 0, &desc);
		if (!err)
			err = gg_ring_read_state(&ring, id, &desc, &outcome);
		if (!err && outcome == GG_RING_READY) {
			err = gg_ring_read_info(&ring, id, 0, &dict, &record);
			*ret = record.time;
			found = true;
		}
	}
	if (!err && !found)
		err = gg_error_create(GG_NOT_FOUND, "it has no record");
	gg_buffer_deinit(&dict);
	gg_ring_close(&ring);
	return err ? gg_error_context(err, "the kernel's log") : NULL;
}
