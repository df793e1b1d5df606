// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a copy of the debugger's connection, and a pipe whose other end the debugger alone has.
// Out: packets, when the pipe ends without a byte.
// The guard is a child of a child, which the debugger need not wait for, in a session of its own, which no signal of
// the terminal reaches. The guard calls functions that are safe in a child of a process with threads.
#include "stub-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOCKET = 3, ALIVE = 4, TRIES = 5, PATIENCE = 2000 }; // descriptors, attempts, milliseconds

// Reads until TEXT has arrived. Returns false if nothing more arrives.
static bool wait_for(const char *text)
{
	enum { ROOM = 512 };
	char bytes[ROOM + 1];
	size_t size = 0;
	struct pollfd ready = { .fd = SOCKET, .events = POLLIN };
	while (poll(&ready, 1, PATIENCE) > 0) {
		const ssize_t got = recv(SOCKET, bytes + size, ROOM - size, MSG_DONTWAIT);
		if (got <= 0)
			return false;
		size += (size_t)got;
		bytes[size] = 0;
		for (size_t i = 0; i < size; i++)
			if (!bytes[i])
				bytes[i] = ' ';
		if (strstr(bytes, text))
			return true;
		// The text may have begun at the end.
		const size_t keep = size < strlen(text) ? size : strlen(text);
		memmove(bytes, bytes + size - keep, keep);
		size = keep;
	}
	return false;
}

static bool try(const void *packets, size_t size, const char *answer)
{
	return send(SOCKET, packets, size, MSG_NOSIGNAL) == (ssize_t)size && wait_for(answer);
}

static void tidy_up(const struct gg_buffer *packets, bool let_run)
{
	static const char detach[] = "+$D;1#b0";
	bool is_done = false;
	for (unsigned int i = 0; !is_done && i < TRIES; i++)
		is_done = try(packets->bytes, packets->size, "$ENABLE=");
	if (is_done && let_run)
		try(detach, strlen(detach), "$OK#9a");
}

// Makes the packets that take the breakpoints out. The first byte stops a guest that runs, and #00 ends a packet that the
// debugger has not sent as a whole. At "?" QEMU drops the breakpoints of the CPU that Hc selects, and of no other; it keeps the
// physical mode until told otherwise. At "D" it drops all, and lets the guest run.
static struct gg_error *make_packets(struct gg_stub_run *run, const unsigned int *threads,
				     size_t count, struct gg_buffer *ret)
{
	gg_buffer_format(&run->wire.out, "\003#00+");
	for (size_t i = 0; i < count; i++) {
		gg_wire_add(&run->wire, "Hc%x", threads[i]);
		gg_wire_add(&run->wire, "?");
	}
	gg_wire_add(&run->wire, "Qqemu.PhyMemMode:0");
	gg_wire_add(&run->wire, "qqemu.sstepbits");
	*ret = run->wire.out;
	run->wire.out = (struct gg_buffer){ 0 };
	return gg_buffer_check(ret);
}

// Moves the two descriptors to their places, and closes all others.
static bool take_descriptors(int socket, int alive)
{
	enum { FAR = 100 };
	const int far_socket = fcntl(socket, F_DUPFD, FAR), far_alive = fcntl(alive, F_DUPFD, FAR);
	if (far_socket < 0 || far_alive < 0 || dup2(far_socket, SOCKET) < 0 ||
	    dup2(far_alive, ALIVE) < 0)
		return false;
	for (int fd = 0; fd < SOCKET; fd++)
		close(fd);
	close_range(ALIVE + 1, ~0U, 0);
	return true;
}

static _Noreturn void be_guard(int socket, int alive, const struct gg_buffer *packets, bool let_run)
{
	char byte;
	ssize_t got;
	signal(SIGPIPE, SIG_IGN);
	setsid();
	prctl(PR_SET_NAME, "gdb-guest-guard");
	if (!take_descriptors(socket, alive))
		_exit(1);
	while ((got = read(ALIVE, &byte, 1)) < 0 && errno == EINTR)
		;
	if (!got)
		tidy_up(packets, let_run);
	_exit(0);
}

// Starts the guard behind a child that ends at once.
static struct gg_error *start(struct gg_stub_guard *guard, int socket,
			      const struct gg_buffer *packets, bool let_run)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return gg_error_system(errno, "a pipe");
	const pid_t child = fork();
	if (!child) {
		close(ends[1]);
		const pid_t grandchild = fork();
		if (!grandchild)
			be_guard(socket, ends[0], packets, let_run);
		_exit(grandchild < 0);
	}
	const int error = errno;
	int status = 0;
	close(ends[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child < 0 || status) {
		close(ends[1]);
		return gg_error_system(child < 0 ? error : EAGAIN, "fork");
	}
	guard->alive = ends[1];
	return NULL;
}

struct gg_error *gg_stub_guard_start(struct gg_stub_guard *guard, struct gg_stub_run *run,
				     const unsigned int *threads, size_t count, bool let_run)
{
	struct gg_buffer packets = { 0 };
	*guard = (struct gg_stub_guard){ -1 };
	struct gg_error *err = make_packets(run, threads, count, &packets);
	if (!err)
		err = start(guard, run->wire.fd, &packets, let_run);
	gg_buffer_deinit(&packets);
	return err;
}

void gg_stub_guard_end(struct gg_stub_guard *guard)
{
	if (guard->alive < 0)
		return;
	// A guard that is gone already is no reason for a signal.
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	sigaction(SIGPIPE, &ignore, &before);
	const ssize_t written = write(guard->alive, "", 1);
	sigaction(SIGPIPE, &before, NULL);
	(void)written;
	close(guard->alive);
	guard->alive = -1;
}
