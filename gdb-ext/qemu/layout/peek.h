// SPDX-License-Identifier: GPL-3.0-or-later
//
// Reading on suspicion: a wrong guess is an answer and no error.
#ifndef GG_PEEK_H
#define GG_PEEK_H

#include "host/host.h"

struct gg_peek;

// Creates it over HOST, which outlives it, and whose memory must not change meanwhile: pages are
// kept.
struct gg_error *gg_peek_create(const struct gg_host *host, struct gg_peek **ret);

// Destroys PEEK, which may be NULL.
void gg_peek_destroy(struct gg_peek *peek);

// Returns the error that ends all guessing (Ctrl-C, no memory, far too many guesses), once; every
// peek fails from then on. A finder without a result asks here first.
struct gg_error *gg_peek_error(struct gg_peek *peek);

// Reads the SIZE bytes at ADDRESS, as far as the first that cannot be read; returns their number.
// The rest of BUFFER becomes zeros.
size_t gg_peek_some(struct gg_peek *peek, uint64_t address, void *buffer, size_t size);

bool gg_peek_bytes(struct gg_peek *peek, uint64_t address, void *buffer, size_t size);

// Reads a word of 8 bytes, at an address that is a multiple of 8.
bool gg_peek_word(struct gg_peek *peek, uint64_t address, uint64_t *ret);

// Reads the text at ADDRESS, if it is 1 to SIZE - 1 printable ASCII characters and a NUL.
bool gg_peek_text(struct gg_peek *peek, uint64_t address, char *buffer, size_t size);

// The bytes at an address, as a structure that is being looked at.
enum { GG_GLIMPSE_SIZE = 1024 };

struct gg_glimpse {
	uint64_t address;
	size_t size; // of bytes
	bool big_endian;
	uint8_t bytes[GG_GLIMPSE_SIZE];
};

// Reads up to SIZE (at most GG_GLIMPSE_SIZE) bytes; fewer where the memory ends.
void gg_peek_glimpse(struct gg_peek *peek, uint64_t address, size_t size, struct gg_glimpse *ret);

// Returns the word at OFFSET, or 0 beyond the end.
uint64_t gg_glimpse_word(const struct gg_glimpse *glimpse, size_t offset);

// Returns the 4 bytes at OFFSET, or 0 beyond the end.
uint32_t gg_glimpse_half(const struct gg_glimpse *glimpse, size_t offset);

#endif
