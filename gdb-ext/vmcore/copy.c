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
	struct gg_workers workers;
	uint8_t *buffers; // GG_PIECE_SIZE bytes for each thread
};

static bool is_zero(const uint8_t *bytes, size_t size)
{
	// Most pages that are not zero differ early.
	return !bytes[0] && !memcmp(bytes, bytes + 1, size - 1);
}

struct gg_error *gg_copy_write(struct gg_output *output, uint64_t offset, const uint8_t *bytes,
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
	struct gg_piece run;
	for (uint64_t position = 0; gg_piece_next_run(&state->workers, piece, &position, &run);
	     buffer += run.size) {
		struct gg_error *err = gg_backing_read_present(state->copy->backing, run.hva,
							       buffer, run.size, absent);
		if (!err)
			err = gg_copy_write(state->copy->output, run.offset, buffer, run.size);
		if (err)
			return err;
	}
	return NULL;
}

static void show_piece(void *data, unsigned int worker, const struct gg_piece *piece)
{
	struct state *state = data;
	const uint8_t *buffer = own_buffer(state, worker);
	struct gg_piece run;
	for (uint64_t position = 0; gg_piece_next_run(&state->workers, piece, &position, &run);
	     buffer += run.size)
		state->copy->seen(state->copy->data, run.gpa, buffer, run.size);
}

static bool try_clone(struct gg_copy *copy, const struct gg_piece *piece)
{
	const int file = gg_output_file(copy->output);
	if (!copy->backing->ops->clone || file < 0 || copy->excluded ||
	    !copy->backing->ops->clone(copy->backing, piece->hva, piece->size, file, piece->offset))
		return false;
	copy->cloned = true;
	return true;
}

static bool pass(void *data, const struct gg_piece *piece)
{
	struct state *state = data;
	return piece->kind == GG_EXTENT_HOLE || try_clone(state->copy, piece);
}

static struct gg_error *do_meanwhile(void *data)
{
	struct state *state = data;
	return state->copy->meanwhile(state->copy->data);
}

static struct gg_error *show_progress(void *data, size_t job, uint64_t done)
{
	struct state *state = data;
	return state->copy->progress(state->copy->data, job, done);
}

struct gg_error *gg_copy_run(struct gg_copy *copy)
{
	// A stream wants its bytes in order.
	const unsigned int wanted = gg_output_is_sequential(copy->output) ? 1 : copy->threads;
	const unsigned int threads = gg_workers_count(copy->backing, wanted, MAX_THREADS);
	_cleanup_free_ uint8_t *buffers = calloc(threads, GG_PIECE_SIZE);
	if (!buffers)
		return gg_enomem;
	struct state state = { .copy = copy, .buffers = buffers };
	state.workers = (struct gg_workers){
		.backing = copy->backing,
		.jobs = copy->jobs,
		.count = copy->count,
		.excluded = copy->excluded,
		.page_size = copy->page_size,
		.threads = threads,
		.pass = pass,
		.work = copy_piece,
		.finish = show_piece,
		.meanwhile = copy->meanwhile ? do_meanwhile : NULL,
		.progress = show_progress,
		.data = &state,
		.find_absent = copy->find_absent,
	};
	struct gg_error *err = gg_workers_run(&state.workers);
	copy->absent = state.workers.absent;
	return err;
}
