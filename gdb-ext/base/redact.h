// SPDX-License-Identifier: GPL-3.0-or-later
//
// Removes from texts what names a machine, its network and its users: names of hosts and users, addresses of the
// network, command lines, variables of an environment. A word in brackets stands in its place.
//
// In:  any bytes, in whole lines; the host names that are known.
// Out: the same text with [host], [user], [IPv4], [IPv6], [MAC], [redacted].
// The forms of such data are without number: a text of another form stays.
#ifndef GG_REDACT_H
#define GG_REDACT_H

#include "buffer.h"

enum { GG_REDACT_NAMES = 8 };

struct gg_redact {
	char *names[GG_REDACT_NAMES]; // of hosts, owned
	size_t count;
};

void gg_redact_deinit(struct gg_redact *redact);

// Adds the host name NAME, its first label, and its domain. A name that names no host in particular,
// such as "localhost", is not added.
struct gg_error *gg_redact_add_host(struct gg_redact *redact, const char *name);

// Appends SIZE bytes of TEXT to OUT, redacted.
void gg_redact_append(const struct gg_redact *redact, struct gg_buffer *out, const char *text,
		      size_t size);

#endif
