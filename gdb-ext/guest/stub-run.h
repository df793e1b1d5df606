// SPDX-License-Identifier: GPL-3.0-or-later
//
// A guest at QEMU's gdbstub that runs behind the debugger's back: the debugger's connection is taken, used and
// given back.
#ifndef GG_STUB_RUN_H
#define GG_STUB_RUN_H

#include "stub-wire.h"

#include <gdb-guest/types.h>

enum { GG_STUB_ENDED = 128 }; // room for the reason of a stop

struct gg_stub_run {
	struct gg_wire wire;
	bool big_endian;     // the guest's registers and memory are
	unsigned int thread; // the thread that the debugger has selected
	bool is_open, is_running;
	bool was_physical; // the gdbstub's mode before
};

// Takes the connection to the gdbstub at ADDRESS, in the gdbstub's physical mode; THREAD is the gdbstub's number
// of the thread that the debugger has selected. The caller calls gg_stub_run_deinit(), also after an error.
struct gg_error *gg_stub_run_open(struct gg_stub_run *run, const char *address, unsigned int thread,
				  bool big_endian);

// Stops the guest, if it runs. Replies that an error has left behind are dropped.
struct gg_error *gg_stub_run_settle(struct gg_stub_run *run);

// Gives the connection back to the debugger: the guest stands still, and the gdbstub has the mode and the thread
// that the debugger takes it to have.
struct gg_error *gg_stub_run_close(struct gg_stub_run *run);
void gg_stub_run_deinit(struct gg_stub_run *run);

// Sends what was added, and lets the guest run.
struct gg_error *gg_stub_run_continue(struct gg_stub_run *run);

// Takes the last reply as the guest's stop. ENDED becomes the reason, unless the stop was asked for.
void gg_stub_run_stopped(struct gg_stub_run *run, char ended[GG_STUB_ENDED]);

// Receive a reply: OK; SIZE bytes; SIZE bytes, at most 8, as a number; a register as long as QEMU has it, at most
// 8 bytes.
struct gg_error *gg_stub_receive_ok(struct gg_stub_run *run);
struct gg_error *gg_stub_receive_bytes(struct gg_stub_run *run, void *ret, size_t size);
struct gg_error *gg_stub_receive_word(struct gg_stub_run *run, size_t size, uint64_t *ret);
struct gg_error *gg_stub_receive_register(struct gg_stub_run *run, uint64_t *ret);

// Asks for a task's number of 4 bytes at PID and its GG_TASK_COMM bytes at COMM: by one packet where both are near.
void gg_stub_ask_identity(struct gg_stub_run *run, uint64_t pid, uint64_t comm);

// Receives the reply of gg_stub_ask_identity() with the same addresses. NAME has room for GG_TASK_COMM bytes.
struct gg_error *gg_stub_receive_identity(struct gg_stub_run *run, uint64_t pid, uint64_t comm,
					  uint64_t *ret, char *name);

#endif
