// SPDX-License-Identifier: GPL-3.0-or-later
#include "copy.h"

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

struct gg_error *gg_copy(struct gg_backing *backing, gg_hva_t hva, uint64_t size,
			 struct gg_output *output, uint64_t offset, uint8_t *buffer,
			 struct gg_error *(*copied)(void *data, uint64_t size), void *data)
{
	for (uint64_t done = 0; done < size;) {
		struct gg_error *err = gg_interrupt_check();
		if (err)
			return err;
		size_t chunk = size - done < GG_COPY_CHUNK ? size - done : GG_COPY_CHUNK;
		err = backing->ops->read(backing, hva + done, buffer, chunk);
		if (!err)
			err = write_runs(output, offset + done, buffer, chunk);
		if (!err)
			err = copied(data, chunk);
		if (err)
			return err;
		done += chunk;
	}
	return NULL;
}
