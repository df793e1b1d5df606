// SPDX-License-Identifier: GPL-3.0-or-later
//
// Packets of GDB's remote protocol (its manual, "Overview" of the appendix) on a socket of the debugger's.
//
// In:  the descriptors of this process; bytes of QEMU's gdbstub.
// Out: packets and their replies.
// Trusts nothing it reads: a reply's length is bounded, and its checksum must be right.
#include "stub-wire.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000000, MILLISECOND = 1000000, PATIENCE = 10 };

uint64_t gg_wire_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

// ---- The descriptor ----

union socket_address {
	struct sockaddr any;
	struct sockaddr_un local;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	struct sockaddr_storage room;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

// Tests whether PEER may be the gdbstub at ADDRESS: a socket's file, HOST:PORT, or "|" of a command.
static bool is_peer(const union socket_address *peer, const char *address)
{
	const char *colon = strrchr(address, ':');
	const in_port_t port = htons((uint16_t)strtoul(colon ? colon + 1 : "0", NULL, 10));
	switch (peer->any.sa_family) {
	case AF_UNIX:
		if (*address == '|')
			return !peer->local.sun_path[0];
		return !strcmp(base_name(peer->local.sun_path), base_name(address));
	case AF_INET:
		return peer->ipv4.sin_port == port;
	case AF_INET6:
		return peer->ipv6.sin6_port == port;
	default:
		return false;
	}
}

static bool is_connection(int fd, const char *address)
{
	union socket_address peer;
	int type = 0;
	socklen_t size = sizeof(type), peer_size = sizeof(peer);
	memset(&peer, 0, sizeof(peer));
	return fd > STDERR_FILENO && !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
	       type == SOCK_STREAM && !getpeername(fd, &peer.any, &peer_size) &&
	       is_peer(&peer, address);
}

struct gg_error *gg_wire_init(struct gg_wire *wire, const char *address)
{
	size_t count = 0;
	const struct dirent *entry;
	*wire = (struct gg_wire){ .fd = -1 };
	DIR *folder = opendir("/proc/self/fd");
	if (!folder)
		return gg_error_system(errno, "/proc/self/fd");
	while ((entry = readdir(folder))) {
		const int fd = atoi(entry->d_name);
		if (!is_connection(fd, address))
			continue;
		wire->fd = fd;
		count++;
	}
	closedir(folder);
	if (count == 1)
		return NULL;
	return gg_error_create(GG_UNSUPPORTED,
			       "%zu of the debugger's connections may be the gdbstub at %s: "
			       "connect to it alone, by a socket's file or HOST:PORT",
			       count, address);
}

void gg_wire_deinit(struct gg_wire *wire)
{
	gg_buffer_deinit(&wire->out);
}

// ---- Packets ----

void gg_wire_add(struct gg_wire *wire, const char *format, ...)
{
	char text[256];
	unsigned int sum = 0;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	for (const char *at = text; *at; at++)
		sum += (unsigned char)*at;
	gg_buffer_format(&wire->out, "$%s#%02x", text, sum & 0xff);
}

void gg_wire_add_stop(struct gg_wire *wire)
{
	gg_buffer_uint(&wire->out, 1, 3);
}

// Waits for EVENTS until DEADLINE. *RET is false if the time is over, or a signal came.
static struct gg_error *wait_for(const struct gg_wire *wire, short events, uint64_t deadline,
				 bool *ret)
{
	struct pollfd descriptor = { .fd = wire->fd, .events = events };
	const uint64_t now = gg_wire_now(), left = deadline > now ? deadline - now : 0;
	const struct timespec time = { .tv_sec = (time_t)(left / SECOND),
				       .tv_nsec = (long)(left % SECOND) };
	const int count = ppoll(&descriptor, 1, &time, NULL);
	*ret = count > 0;
	return count >= 0 || errno == EINTR ? NULL : gg_error_system(errno, "the gdbstub");
}

static struct gg_error *lost(const char *how)
{
	return gg_error_create(GG_LOST, "the gdbstub %s", how);
}

// Waits for EVENTS, whatever signals come.
static struct gg_error *insist(const struct gg_wire *wire, short events)
{
	const uint64_t deadline = gg_wire_now() + (uint64_t)PATIENCE * SECOND;
	bool ready = false;
	struct gg_error *err = NULL;
	while (!err && !ready && gg_wire_now() < deadline)
		err = wait_for(wire, events, deadline, &ready);
	return err || ready ? err : lost("does not answer");
}

struct gg_error *gg_wire_send(struct gg_wire *wire)
{
	struct gg_error *err = gg_buffer_check(&wire->out);
	size_t done = 0;
	while (!err && done < wire->out.size) {
		const ssize_t sent = send(wire->fd, wire->out.bytes + done, wire->out.size - done,
					  MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0)
			done += (size_t)sent;
		else if (errno == EAGAIN)
			err = insist(wire, POLLOUT);
		else if (errno != EINTR)
			err = lost("has closed the connection");
	}
	wire->out.size = 0;
	return err;
}

static struct gg_error *read_some(struct gg_wire *wire)
{
	if (wire->start) {
		memmove(wire->in, wire->in + wire->start, wire->end - wire->start);
		wire->end -= wire->start;
		wire->start = 0;
	}
	if (wire->end == sizeof(wire->in))
		return gg_error_create(GG_BAD_DATA, "the gdbstub sends more than %zu bytes",
				       sizeof(wire->in));
	const ssize_t got =
		recv(wire->fd, wire->in + wire->end, sizeof(wire->in) - wire->end, MSG_DONTWAIT);
	if (got > 0)
		wire->end += (size_t)got;
	else if (!got || (errno != EAGAIN && errno != EINTR))
		return lost("has closed the connection");
	return NULL;
}

// Moves the next packet of what was read to the reply. *RET is false as long as the packet is not whole.
static struct gg_error *take_packet(struct gg_wire *wire, bool *ret)
{
	enum { SUM = 3 };
	*ret = false;
	while (wire->start < wire->end && wire->in[wire->start] == '+')
		wire->start++;
	if (wire->start == wire->end)
		return NULL;
	if (wire->in[wire->start] != '$')
		return gg_error_create(GG_BAD_DATA, "the gdbstub sends 0x%02x, which is no packet",
				       wire->in[wire->start]);
	const uint8_t *text = wire->in + wire->start + 1;
	const size_t left = wire->end - wire->start - 1;
	const uint8_t *end = memchr(text, '#', left);
	const size_t size = end ? (size_t)(end - text) : left;
	if (size >= sizeof(wire->reply))
		return gg_error_create(GG_BAD_DATA, "the gdbstub's packet is longer than %zu bytes",
				       sizeof(wire->reply));
	if (!end || left - size < SUM)
		return NULL;
	unsigned int sum = 0, told = 0;
	for (size_t i = 0; i < size; i++)
		sum += text[i];
	if (sscanf((const char[]){ (char)end[1], (char)end[2], 0 }, "%x", &told) != 1 ||
	    told != (sum & 0xff))
		return gg_error_create(GG_BAD_DATA, "a packet of the gdbstub is damaged");
	memcpy(wire->reply, text, size);
	wire->reply[size] = 0;
	wire->start += 1 + size + SUM;
	*ret = true;
	return NULL;
}

struct gg_error *gg_wire_receive(struct gg_wire *wire)
{
	bool whole = false;
	struct gg_error *err = take_packet(wire, &whole);
	while (!err && !whole) {
		err = insist(wire, POLLIN);
		if (!err)
			err = read_some(wire);
		if (!err)
			err = take_packet(wire, &whole);
	}
	return err;
}

struct gg_error *gg_wire_wait(struct gg_wire *wire, uint64_t deadline, bool *ret)
{
	bool ready = true;
	struct gg_error *err = take_packet(wire, ret);
	while (!err && !*ret && ready) {
		err = wait_for(wire, POLLIN, deadline, &ready);
		if (!err && ready)
			err = read_some(wire);
		if (!err && ready)
			err = take_packet(wire, ret);
	}
	return err;
}

struct gg_error *gg_wire_ask(struct gg_wire *wire, const char *text)
{
	gg_wire_add(wire, "%s", text);
	struct gg_error *err = gg_wire_send(wire);
	return err ? err : gg_wire_receive(wire);
}

static int digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

struct gg_error *gg_wire_bytes(const struct gg_wire *wire, void *ret, size_t size)
{
	uint8_t *bytes = ret;
	if (wire->reply[0] == 'E' || !wire->reply[0])
		return gg_error_create(GG_FAULT, "the gdbstub refuses to read");
	for (size_t i = 0; i < size; i++) {
		const int high = digit(wire->reply[2 * i]);
		const int low = high < 0 ? -1 : digit(wire->reply[2 * i + 1]);
		if (low < 0)
			return gg_error_create(GG_BAD_DATA,
					       "the gdbstub's reply \"%.40s\" is not %zu bytes",
					       wire->reply, size);
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return NULL;
}
