// SPDX-License-Identifier: GPL-3.0-or-later
//
// Bytes of a gdbstub, any at all. The input is what the gdbstub sends.
#include "fuzz.h"

#include "guest/stub-wire.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { MOST = 65536, BYTES = 64 };
	int ends[2];
	uint8_t bytes[BYTES];
	if (size > MOST || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return 0;
	struct gg_wire *wire = calloc(1, sizeof(*wire));
	if (!wire || (size && write(ends[1], data, size) != (ssize_t)size))
		abort();
	close(ends[1]);
	wire->fd = ends[0];
	struct gg_error *err = NULL;
	// Each reply takes at least four bytes; the end is an error.
	for (size_t i = 0; !err; i++) {
		err = gg_wire_receive(wire);
		if (!err)
			gg_error_destroy(gg_wire_bytes(wire, bytes, sizeof(bytes)));
		if (i > MOST)
			abort();
	}
	gg_error_destroy(err);
	gg_wire_deinit(wire);
	close(wire->fd);
	free(wire);
	return 0;
}
