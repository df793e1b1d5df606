// SPDX-License-Identifier: GPL-3.0-or-later
#include "pread.h"

#include <gdb-guest/interrupt.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

struct gg_error *gg_vmcore_pread(int fd, void *buffer, size_t size, uint64_t offset)
{
	uint8_t *bytes = buffer;
	if (offset > INT64_MAX)
		return gg_error_create(GG_BAD_DATA, "the offset %" PRIu64 " is beyond any file",
				       offset);
	while (size) {
		ssize_t got = pread(fd, bytes, size, (off_t)offset);
		if (got < 0 && errno == EINTR && !gg_interrupt_pending())
			continue;
		if (got < 0)
			return gg_error_system(errno, "reading at offset %" PRIu64, offset);
		if (!got)
			return gg_error_create(GG_BAD_DATA, "the file ends at offset %" PRIu64,
					       offset);
		bytes += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return NULL;
}
