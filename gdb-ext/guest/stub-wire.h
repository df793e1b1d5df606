// SPDX-License-Identifier: GPL-3.0-or-later
//
// The debugger's own connection to QEMU's gdbstub, used for packets beside the debugger's: many of them go
// out in one write. The debugger must be between two packets, and its guest stopped, whenever it gets the
// connection back.
#ifndef GG_STUB_WIRE_H
#define GG_STUB_WIRE_H

#include "base/buffer.h"

#include <stdbool.h>

enum { GG_WIRE_REPLY = 8192 }; // bytes of a reply, at most: two of QEMU's packets

struct gg_wire {
	int fd; // borrowed
	uint8_t in[4 * GG_WIRE_REPLY];
	size_t start, end;         // of the bytes in IN that no reply has consumed
	struct gg_buffer out;      // packets that were not sent yet
	char reply[GG_WIRE_REPLY]; // the last reply, without its frame
};

// Finds the connection to the gdbstub at ADDRESS, the debugger's name for it, among the descriptors of
// this process. GG_UNSUPPORTED where none is for sure the gdbstub's. The caller calls gg_wire_deinit().
struct gg_error *gg_wire_init(struct gg_wire *wire, const char *address);
void gg_wire_deinit(struct gg_wire *wire);

// Adds a packet, or the byte that stops a guest that runs.
void gg_wire_add(struct gg_wire *wire, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void gg_wire_add_stop(struct gg_wire *wire);

// Sends what was added, in one write if the connection takes it.
struct gg_error *gg_wire_send(struct gg_wire *wire);

// Waits for the next reply, to WIRE->reply. GG_LOST if the connection ends, or after 10 s.
struct gg_error *gg_wire_receive(struct gg_wire *wire);

// Waits until a packet arrives that nobody asked for, at most until the time DEADLINE (CLOCK_MONOTONIC, in ns) or a
// signal. *RET says whether a packet has come.
struct gg_error *gg_wire_wait(struct gg_wire *wire, uint64_t deadline, bool *ret);

// Sends the packet TEXT and waits for its reply.
struct gg_error *gg_wire_ask(struct gg_wire *wire, const char *text);

// Decodes the last reply as SIZE bytes in hexadecimal. GG_FAULT for an error of the stub's, GG_BAD_DATA for
// another text.
struct gg_error *gg_wire_bytes(const struct gg_wire *wire, void *ret, size_t size);

// Returns the time of CLOCK_MONOTONIC in ns.
uint64_t gg_wire_now(void);

#endif
