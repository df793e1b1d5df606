// SPDX-License-Identifier: GPL-3.0-or-later
//
// In:  a copy of the debugger's connection, and a pipe whose other end the debugger alone has.
// Out: packets, when the pipe ends without a byte.
// The guard is a child of a child, which the debugger need not wait for, in a session of its own, which no signal of
// the terminal reaches. It calls what is safe in a child of a process with threads.
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

static bool try(const char *packets, const char *answer)
{
	return send(SOCKET, packets, strlen(packets), MSG_NOSIGNAL) == (ssize_t)strlen(packets) &&
	       wait_for(answer);
}

// The first byte stops a guest that runs, and #00 ends a packet that the debugger has not sent as a whole. QEMU
// drops all breakpoints at "?", keeps its physical mode until told otherwise, and lets the guest run at "D".
static void tidy_up(bool let_run)
{
	bool is_done = false;
	for (unsigned int i = 0; !is_done && i < TRIES; i++)
		is_done =
			try("\003#00+$?#3f+$Qqemu.PhyMemMode:0#76+$qqemu.sstepbits#38", "$ENABLE=");
	if (is_done && let_run)
		try("+$D;1#b0", "$OK#9a");
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

static _Noreturn void be_guard(int socket, int alive, bool let_run)
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
		tidy_up(let_run);
	_exit(0);
}

struct gg_error *gg_stub_guard_start(struct gg_stub_guard *guard, int socket, bool let_run)
{
	int ends[2];
	*guard = (struct gg_stub_guard){ -1 };
	if (pipe2(ends, O_CLOEXEC))
		return gg_error_system(errno, "a pipe");
	const pid_t child = fork();
	if (!child) {
		close(ends[1]);
		const pid_t grandchild = fork();
		if (!grandchild)
			be_guard(socket, ends[0], let_run);
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
