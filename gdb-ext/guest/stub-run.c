// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  the connection to the gdbstub.
// Out: replies; the connection as it was.
#include "stub-run.h"
#include "base/cursor.h"
#include "linux/tasks/tasks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	SIGNAL_STOP = 2, // GDB_SIGNAL_INT: the stop that was asked for
	PID = 4,         // bytes
	NEAR = 1024,     // bytes that are less to read than a packet more
};

struct gg_error *gg_stub_run_open(struct gg_stub_run *run, const char *address, unsigned int thread,
				  bool big_endian)
{
	struct gg_wire *wire = &run->wire;
	*run = (struct gg_stub_run){ .big_endian = big_endian, .thread = thread };
	struct gg_error *err = gg_wire_init(wire, address);
	if (!err)
		err = gg_wire_ask(wire, "qqemu.PhyMemMode");
	if (err)
		return err;
	run->was_physical = !strcmp(wire->reply, "1");
	run->is_open = true;
	return gg_wire_ask(wire, "Qqemu.PhyMemMode:1");
}

void gg_stub_run_deinit(struct gg_stub_run *run)
{
	gg_wire_deinit(&run->wire);
}

// ---- Replies ----

struct gg_error *gg_stub_receive_bytes(struct gg_stub_run *run, void *ret, size_t size)
{
	struct gg_error *err = gg_wire_receive(&run->wire);
	return err ? err : gg_wire_bytes(&run->wire, ret, size);
}

static struct gg_error *to_number(const struct gg_stub_run *run, const uint8_t *bytes, size_t size,
				  uint64_t *ret)
{
	struct gg_cursor cursor = gg_cursor(bytes, size, run->big_endian, "gdbstub");
	return gg_cursor_uint(&cursor, (unsigned int)size, ret);
}

struct gg_error *gg_stub_receive_word(struct gg_stub_run *run, size_t size, uint64_t *ret)
{
	uint8_t bytes[sizeof(*ret)] = { 0 };
	struct gg_error *err = gg_stub_receive_bytes(run, bytes, size);
	return err ? err : to_number(run, bytes, size, ret);
}

struct gg_error *gg_stub_receive_register(struct gg_stub_run *run, uint64_t *ret)
{
	uint8_t bytes[sizeof(*ret)] = { 0 };
	struct gg_error *err = gg_wire_receive(&run->wire);
	const size_t size = err ? 0 : strlen(run->wire.reply) / 2;
	if (!err && size > sizeof(bytes))
		err = gg_error_create(GG_BAD_DATA, "a register has %zu bytes", size);
	if (!err)
		err = gg_wire_bytes(&run->wire, bytes, size ? size : 1);
	return err ? err : to_number(run, bytes, size, ret);
}

struct gg_error *gg_stub_receive_ok(struct gg_stub_run *run)
{
	struct gg_error *err = gg_wire_receive(&run->wire);
	if (!err && strcmp(run->wire.reply, "OK") != 0)
		err = gg_error_create(GG_BAD_DATA, "the gdbstub answers \"%.40s\", not OK",
				      run->wire.reply);
	return err;
}

// ---- Tasks ----

// Returns the bytes from the first of both to the end of the last, which start at *RET; 0 if both are not near.
static size_t span(uint64_t pid, uint64_t comm, uint64_t *ret)
{
	const uint64_t start = pid < comm ? pid : comm;
	const uint64_t pid_at = pid - start, comm_at = comm - start;
	*ret = start;
	if (pid_at + comm_at > NEAR - GG_TASK_COMM)
		return 0;
	return pid_at + PID > comm_at + GG_TASK_COMM ? pid_at + PID : comm_at + GG_TASK_COMM;
}

void gg_stub_ask_identity(struct gg_stub_run *run, uint64_t pid, uint64_t comm)
{
	uint64_t start;
	const size_t size = span(pid, comm, &start);
	if (size) {
		gg_wire_add(&run->wire, "m%" PRIx64 ",%zx", start, size);
		return;
	}
	gg_wire_add(&run->wire, "m%" PRIx64 ",%x", pid, PID);
	gg_wire_add(&run->wire, "m%" PRIx64 ",%x", comm, GG_TASK_COMM);
}

struct gg_error *gg_stub_receive_identity(struct gg_stub_run *run, uint64_t pid, uint64_t comm,
					  uint64_t *ret, char *name)
{
	uint8_t bytes[NEAR];
	uint64_t start;
	const size_t size = span(pid, comm, &start);
	struct gg_error *err;
	if (!size) {
		err = gg_stub_receive_word(run, PID, ret);
		return err ? err : gg_stub_receive_bytes(run, name, GG_TASK_COMM);
	}
	err = gg_stub_receive_bytes(run, bytes, size);
	if (err)
		return err;
	memcpy(name, bytes + (comm - start), GG_TASK_COMM);
	return to_number(run, bytes + (pid - start), PID, ret);
}

// ---- Runs ----

struct gg_error *gg_stub_run_continue(struct gg_stub_run *run)
{
	gg_wire_add(&run->wire, "vCont;c");
	struct gg_error *err = gg_wire_send(&run->wire);
	run->is_running = !err;
	return err;
}

void gg_stub_run_stopped(struct gg_stub_run *run, char ended[GG_STUB_ENDED])
{
	const char *reply = run->wire.reply;
	unsigned int signal = 0;
	run->is_running = false;
	if (reply[0] == 'T' && sscanf(reply + 1, "%2x", &signal) == 1 && signal == SIGNAL_STOP)
		return;
	if (reply[0] == 'T')
		snprintf(ended, GG_STUB_ENDED, "at a breakpoint, or with the signal %u", signal);
	else
		snprintf(ended, GG_STUB_ENDED, "with \"%.40s\"", reply);
}

// ---- The end ----

// Receives and drops replies, the stop's and those that an error has left behind, up to the reply of a question that QEMU
// alone answers in this way.
static struct gg_error *drain(struct gg_stub_run *run)
{
	enum { MOST = 100000 };
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < MOST; i++) {
		err = gg_wire_receive(&run->wire);
		if (!err && !strncmp(run->wire.reply, "ENABLE=", strlen("ENABLE=")))
			return NULL;
	}
	return err ? err : gg_error_create(GG_BAD_DATA, "the gdbstub's replies have no end");
}

static struct gg_error *not_given_back(struct gg_error *err)
{
	return err ? gg_error_context(err, "the connection cannot be given back to the debugger "
					   "(disconnect, and connect again)")
		   : NULL;
}

struct gg_error *gg_stub_run_settle(struct gg_stub_run *run)
{
	struct gg_wire *wire = &run->wire;
	if (!run->is_open)
		return NULL;
	wire->out.size = 0;
	if (run->is_running)
		gg_wire_add_stop(wire);
	gg_wire_add(wire, "qqemu.sstepbits");
	struct gg_error *err = gg_wire_send(wire);
	if (!err)
		err = drain(run);
	run->is_running = false;
	return not_given_back(err);
}

struct gg_error *gg_stub_run_close(struct gg_stub_run *run)
{
	struct gg_wire *wire = &run->wire;
	struct gg_error *err = gg_stub_run_settle(run);
	if (err || !run->is_open)
		return err;
	gg_wire_add(wire, "Qqemu.PhyMemMode:%d", run->was_physical);
	gg_wire_add(wire, "Hg%x", run->thread);
	err = gg_wire_send(wire);
	if (!err)
		err = gg_stub_receive_ok(run);
	if (!err)
		err = gg_stub_receive_ok(run);
	gg_buffer_format(&wire->out, "+");
	if (!err)
		err = gg_wire_send(wire);
	return not_given_back(err);
}
