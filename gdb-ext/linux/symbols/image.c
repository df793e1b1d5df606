// SPDX-License-Identifier: GPL-3.0-or-later
#include "image.h"

#include <gdb-guest/interrupt.h>
#include <string.h>

enum { PIECE = 1 << 20, PAGE = 4096 };

static struct gg_error *read_piece(const struct gg_host *kernel, gg_gva_t gva, uint8_t *bytes,
				   size_t size)
{
	struct gg_error *err = gg_host_read(kernel, gva, bytes, size);
	if (!err || gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	memset(bytes, 0, size);
	for (size_t done = 0; size > PAGE && done < size; done += PAGE) {
		err = read_piece(kernel, gva + done, bytes + done,
				 size - done < PAGE ? size - done : PAGE);
		if (err)
			return err;
	}
	return NULL;
}

struct gg_error *gg_image_read(const struct gg_host *kernel, gg_gva_t gva, uint8_t *bytes,
			       size_t size)
{
	struct gg_error *err = NULL;
	for (size_t done = 0; !err && done < size; done += PIECE) {
		err = gg_interrupt_check();
		if (!err)
			err = read_piece(kernel, gva + done, bytes + done,
					 size - done < PIECE ? size - done : PIECE);
	}
	return err;
}
