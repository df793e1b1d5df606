// SPDX-License-Identifier: GPL-3.0-or-later
#include "copy.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE = 4096 };

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

static struct gg_error *copy_bytes(const struct gg_copy *copy, gg_gpa_t gpa, gg_hva_t hva,
				   uint64_t size, uint64_t offset)
{
	for (uint64_t done = 0; done < size;) {
		size_t chunk = size - done < GG_COPY_CHUNK ? (size_t)(size - done) : GG_COPY_CHUNK;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = copy->backing->ops->read(copy->backing, hva + done, copy->buffer,
						       chunk);
		if (!err)
			err = write_runs(copy->output, offset + done, copy->buffer, chunk);
		if (!err)
			err = copy->copied(copy->data, gpa + done, copy->buffer, chunk);
		if (err)
			return err;
		done += chunk;
	}
	return NULL;
}

static bool try_clone(struct gg_copy *copy, gg_hva_t hva, uint64_t size, uint64_t offset)
{
	const int file = gg_output_file(copy->output);
	if (!copy->backing->ops->clone || file < 0 ||
	    !copy->backing->ops->clone(copy->backing, hva, size, file, offset))
		return false;
	copy->cloned = true;
	return true;
}

struct gg_error *gg_copy_range(struct gg_copy *copy, gg_gpa_t gpa, gg_hva_t hva, uint64_t size,
			       uint64_t offset)
{
	for (uint64_t done = 0; done < size;) {
		struct gg_extent extent;
		struct gg_error *err = gg_interrupt_check();
		if (!err)
			err = copy->backing->ops->extent(copy->backing, hva + done, size - done,
							 true, &extent);
		if (!err && extent.kind == GG_EXTENT_ABSENT)
			err = gg_error_create(GG_ABSENT, "the memory at 0x%" PRIx64 " went away",
					      hva + done);
		if (err)
			return err;
		if (extent.kind == GG_EXTENT_HOLE ||
		    try_clone(copy, hva + done, extent.size, offset + done))
			err = copy->copied(copy->data, gpa + done, NULL, extent.size);
		else
			err = copy_bytes(copy, gpa + done, hva + done, extent.size, offset + done);
		if (err)
			return err;
		done += extent.size;
	}
	return NULL;
}
