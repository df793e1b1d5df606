// SPDX-License-Identifier: GPL-3.0-or-later
//
// The input is a core file.
#include "fuzz.h"

#include "../../gdb-ext/host/core-file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void use(const struct gg_core_file *core)
{
	uint64_t address = 0;
	uint8_t buffer[64];
	for (int i = 0; i < 64; i++) {
		struct gg_core_extent extent;
		gg_core_file_extent(core, address, UINT64_MAX - address, &extent);
		if (!extent.size)
			abort();
		if (extent.held) {
			size_t size = extent.size < sizeof(buffer) ? extent.size : sizeof(buffer);
			gg_error_destroy(gg_core_file_read(core, address, buffer, size));
		}
		address += extent.size;
		if (address == UINT64_MAX)
			break;
	}
	gg_error_destroy(gg_core_file_check(core, 0x1000, UINT64_MAX - 0x1000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("core", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct gg_core_file *core;
	struct gg_error *err = gg_core_file_open(path, &core);
	if (!err) {
		use(core);
		gg_core_file_close(core);
	}
	gg_error_destroy(err);
	close(fd);
	return 0;
}
