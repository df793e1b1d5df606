// SPDX-License-Identifier: GPL-3.0-or-later
#include "copy.h"
#include "base/cleanup.h"

#include <string.h>

enum {
	PAGE = 4096,
	// Reading and writing are bound by memory: more threads than this do not help.
	MAX_THREADS = 4,
};

struct state {
	struct gg_copy *copy;
	uint8_t *buffers; // GG_PIECE_SIZE bytes for each thread
};

static bool is_zero(const uint8_t *bytes, size_t size)
{
	// Most pages that are not zero differ early.
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

// Writes the runs of pages that are not zero.
static struct gg_error *write_runs(struct gg_output *output, uint64_t offset, const uint8_t *bytes,
				   size_t size)
{
	for (size_t run = 0, end; run < size; run = end) {
		bool zero = false;
		for (end = run; end < size;) {
			size_t page = size - end < PAGE ? size - end : PAGE;
			bool page_zero = is_zero(bytes + end, page);
			if (end > run && page_zero != zero)
				break;
			zero = page_zero;
			end += page;
		}
		if (zero)
			continue;
		struct gg_error *err =
			gg_output_write(output, offset + run, bytes + run, end - run);
		if (err)
			return err;
	}
	return NULL;
}

static uint8_t *own_buffer(const struct state *state, unsigned int worker)
{
	return state->buffers + (size_t)worker * GG_PIECE_SIZE;
}

static struct gg_error *copy_piece(void *data, unsigned int worker, const struct gg_piece *piece,
				   uint64_t *absent)
{
	struct state *state = data;
	uint8_t *buffer = own_buffer(state, worker);
	struct gg_error *err = gg_backing_read_present(state->copy->backing, piece->hva, buffer,
						       piece->size, absent);
	return err ? err : write_runs(state->copy->output, piece->offset, buffer, piece->size);
}

static void show_piece(void *data, unsigned int worker, const struct gg_piece *piece)
{
	struct state *state = data;
	state->copy->seen(state->copy->data, piece->gpa, own_buffer(state, worker), piece->size);
}

static bool try_clone(struct gg_copy *copy, const struct gg_piece *piece)
{
	const int file = gg_output_file(copy->output);
	if (!copy->backing->ops->clone || file < 0 ||
	    !copy->backing->ops->clone(copy->backing, piece->hva, piece->size, file, piece->offset))
		return false;
	copy->cloned = true;
	return true;
}

static bool pass(void *data, const struct gg_piece *piece, enum gg_extent_kind kind)
{
	struct state *state = data;
	return kind == GG_EXTENT_HOLE || try_clone(state->copy, piece);
}

static struct gg_error *show_progress(void *data, size_t job, uint64_t done)
{
	struct state *state = data;
	return state->copy->progress(state->copy->data, job, done);
}

struct gg_error *gg_copy_run(struct gg_copy *copy)
{
	// A stream wants its bytes in order.
	const unsigned int most = gg_output_is_sequential(copy->output) ? 1 : MAX_THREADS;
	const unsigned int threads = gg_workers_count(copy->backing, most);
	_cleanup_free_ uint8_t *buffers = calloc(threads, GG_PIECE_SIZE);
	if (!buffers)
		return gg_enomem;
	struct state state = { .copy = copy, .buffers = buffers };
	struct gg_workers workers = {
		.backing = copy->backing,
		.jobs = copy->jobs,
		.count = copy->count,
		.threads = threads,
		.pass = pass,
		.work = copy_piece,
		.finish = show_piece,
		.progress = show_progress,
		.data = &state,
		.find_absent = copy->find_absent,
	};
	struct gg_error *err = gg_workers_run(&workers);
	copy->absent = workers.absent;
	return err;
}
