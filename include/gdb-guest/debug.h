// SPDX-License-Identifier: GPL-3.0-or-later
//
// The debug log: what was tried, found and rejected on the way to an answer.
#ifndef GDB_GUEST_DEBUG_H
#define GDB_GUEST_DEBUG_H

#pragma GCC visibility push(default)

// The receiver of the debug log's lines. A guest has its own.
struct gg_debug {
	// Takes a line, without its end, that starts with "debug: ". Control characters are escaped.
	void (*write)(void *data, const char *line);
	void *data;
};

#pragma GCC visibility pop

#endif
