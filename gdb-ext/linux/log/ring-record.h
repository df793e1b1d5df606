// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's lockless log, one record at a time.
#ifndef GG_LOG_RING_RECORD_H
#define GG_LOG_RING_RECORD_H

#include "base/buffer.h"
#include "log.h"
#include "memory/window.h"

struct gg_ring_layout {
	struct gg_member ring, desc_ring, text_data_ring;
	struct gg_member count_bits, descs, infos, head_id, tail_id;
	struct gg_member size_bits, data, head_lpos;
	struct gg_member desc, state_var, text_blk_lpos, blk_lpos, begin, next;
	struct gg_member info, seq, ts_nsec, text_len, caller_id, dev_info;
	struct gg_member dev, subsystem, device;
	struct gg_member counter, latched_seq, latched_val;
};

// A ring, its ends as the kernel has them: not checked yet against how many descriptors there are.
struct gg_log_ring {
	const struct gg_host *kernel;
	struct gg_log_sink *sink; // NULL where only the newest record is wanted
	struct gg_ring_layout layout;
	unsigned int word; // bytes of an unsigned long
	uint64_t id_mask;
	uint64_t count; // of descriptors
	uint64_t head_id, tail_id;
	uint64_t data_size, head_lpos;
	struct gg_window descs, infos, data;
	uint64_t next_seq;  // of the record behind the last one that went out
	uint64_t text_size; // of all blocks so far
};

// The two top bits of prb_desc.state_var; the rest is the id.
enum gg_ring_state { GG_RING_RESERVED, GG_RING_COMMITTED, GG_RING_FINALIZED, GG_RING_REUSABLE };

struct gg_ring_desc {
	uint64_t id; // as it has it
	enum gg_ring_state state;
	uint64_t begin, next; // of its block
};

// The outcome of reading a record, which is there only if it is GG_RING_READY.
enum gg_ring_outcome { GG_RING_READY, GG_RING_GONE, GG_RING_PENDING };

// The ring of KERNEL, which must outlive it, as must SINK. GG_NOT_FOUND where it has none. Is to be
// closed after an error too.
struct gg_error *gg_ring_open(const struct gg_host *kernel, struct gg_log_sink *sink,
			      struct gg_log_ring *ret);
void gg_ring_close(struct gg_log_ring *ring);

// The number of the record that ID stands for, as far as its id tells: its low bits.
uint64_t gg_ring_number(const struct gg_log_ring *ring, uint64_t id);

// Parts of the record ID, and all of it. AHEAD is how many records behind it will be asked for. The
// record's text is valid until the next call; DICT gets its dictionary. GG_BAD_DATA where what is
// there is not this record's.
struct gg_error *gg_ring_read_desc(struct gg_log_ring *ring, uint64_t id, uint64_t ahead,
				   struct gg_ring_desc *ret);
struct gg_error *gg_ring_read_state(const struct gg_log_ring *ring, uint64_t id,
				    const struct gg_ring_desc *desc, enum gg_ring_outcome *ret);
struct gg_error *gg_ring_read_info(struct gg_log_ring *ring, uint64_t id, uint64_t ahead,
				   struct gg_buffer *dict, struct gg_log_record *ret);
struct gg_error *gg_ring_read_record(struct gg_log_ring *ring, uint64_t id, uint64_t ahead,
				     struct gg_buffer *dict, struct gg_log_record *record,
				     enum gg_ring_outcome *ret);

#endif
