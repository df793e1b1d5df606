// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the kernel's page tables and VMCOREINFO.
// Out: the newest record's time.
// Trusts nothing it reads: indices are masked, the walk back ends after one round, a descriptor
// must be of the id that was asked for.
#include "printk-ring.h"

#include <inttypes.h>

enum {
	WORD = 8,            // of the 64-bit kernels whose page tables are walked
	MAX_COUNT_BITS = 32, // of descriptors; kernels have 10 to 20
	// The two top bits of prb_desc.state_var, the rest of which is the id.
	COMMITTED = 1,
	FINALIZED = 2,
	STATE_SHIFT = 62,
};

#define ID_MASK ((UINT64_C(1) << STATE_SHIFT) - 1)

struct ring_layout {
	uint64_t desc_ring, count_bits, descs, infos, head_id, counter;
	uint64_t desc_size, state_var, info_size, ts_nsec;
};

static const struct {
	const char *kind, *name;
	size_t where;
} values[] = {
	{ "OFFSET", "printk_ringbuffer.desc_ring", offsetof(struct ring_layout, desc_ring) },
	{ "OFFSET", "prb_desc_ring.count_bits", offsetof(struct ring_layout, count_bits) },
	{ "OFFSET", "prb_desc_ring.descs", offsetof(struct ring_layout, descs) },
	{ "OFFSET", "prb_desc_ring.infos", offsetof(struct ring_layout, infos) },
	{ "OFFSET", "prb_desc_ring.head_id", offsetof(struct ring_layout, head_id) },
	{ "OFFSET", "atomic_long_t.counter", offsetof(struct ring_layout, counter) },
	{ "SIZE", "prb_desc", offsetof(struct ring_layout, desc_size) },
	{ "OFFSET", "prb_desc.state_var", offsetof(struct ring_layout, state_var) },
	{ "SIZE", "printk_info", offsetof(struct ring_layout, info_size) },
	{ "OFFSET", "printk_info.ts_nsec", offsetof(struct ring_layout, ts_nsec) },
};

static struct gg_error *read_layout(const struct gg_vmcoreinfo *info, struct ring_layout *ret)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < sizeof(values) / sizeof(*values); i++)
		err = gg_vmcoreinfo_size(info, values[i].kind, values[i].name,
					 (uint64_t *)((char *)ret + values[i].where));
	return err;
}

static struct gg_error *read_word(const struct gg_kernel *kernel, gg_gva_t gva, unsigned int size,
				  uint64_t *ret)
{
	uint8_t bytes[WORD];
	struct gg_error *err = gg_page_table_read(kernel->table, gva, bytes, size);
	if (err)
		return err;
	struct gg_cursor cursor = gg_cursor(bytes, size, false, "the log");
	return gg_cursor_uint(&cursor, size, ret);
}

// From the newest id back to one whose record is written.
static struct gg_error *find_newest(const struct gg_kernel *kernel,
				    const struct ring_layout *layout, gg_gva_t descs, uint64_t head,
				    uint64_t count, uint64_t *ret)
{
	for (uint64_t back = 0; back < count; back++) {
		const uint64_t id = (head - back) & ID_MASK;
		uint64_t state;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = read_word(kernel,
					descs + (id & (count - 1)) * layout->desc_size +
						layout->state_var + layout->counter,
					WORD, &state);
		if (err)
			return err;
		if ((state & ID_MASK) != id)
			break; // nothing older is there either
		if (state >> STATE_SHIFT == COMMITTED || state >> STATE_SHIFT == FINALIZED) {
			*ret = id;
			return NULL;
		}
	}
	return gg_error_create(GG_NOT_FOUND, "it has no record");
}

static struct gg_error *read_newest(const struct gg_kernel *kernel,
				    const struct ring_layout *layout, gg_gva_t variable,
				    uint64_t *ret)
{
	uint64_t ring, bits, descs, infos, head, id = 0;
	struct gg_error *err = read_word(kernel, variable, WORD, &ring);
	const gg_gva_t desc_ring = err ? 0 : ring + layout->desc_ring;
	if (!err)
		err = read_word(kernel, desc_ring + layout->count_bits, 4, &bits);
	if (!err && (!bits || bits > MAX_COUNT_BITS))
		err = gg_error_create(GG_BAD_DATA, "count_bits is %" PRIu64 ", not 1 to %d", bits,
				      MAX_COUNT_BITS);
	if (!err)
		err = read_word(kernel, desc_ring + layout->descs, WORD, &descs);
	if (!err)
		err = read_word(kernel, desc_ring + layout->infos, WORD, &infos);
	if (!err)
		err = read_word(kernel, desc_ring + layout->head_id + layout->counter, WORD, &head);
	const uint64_t count = err ? 0 : UINT64_C(1) << bits;
	if (!err)
		err = find_newest(kernel, layout, descs, head & ID_MASK, count, &id);
	if (!err)
		err = read_word(kernel,
				infos + (id & (count - 1)) * layout->info_size + layout->ts_nsec,
				WORD, ret);
	return err;
}

struct gg_error *gg_printk_ring_newest(const struct gg_kernel *kernel, uint64_t *ret)
{
	struct ring_layout layout;
	gg_gva_t variable;
	struct gg_error *err = gg_vmcoreinfo_symbol(
		&kernel->info, (const char *const[]){ "prb", NULL }, &variable);
	if (!err)
		err = read_layout(&kernel->info, &layout);
	if (!err)
		err = read_newest(kernel, &layout, variable, ret);
	return err ? gg_error_context(err, "the kernel's log") : NULL;
}
