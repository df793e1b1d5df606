// SPDX-License-Identifier: GPL-3.0-or-later
//
// Reading on suspicion: what is not there, or not as it was guessed, is an answer and no error.
#ifndef GG_PEEK_H
#define GG_PEEK_H

#include "host/host.h"

struct gg_peek;

// HOST must outlive it, and what it reads must not change meanwhile: pages are kept.
struct gg_error *gg_peek_create(const struct gg_host *host, struct gg_peek **ret);

// NULL is allowed.
void gg_peek_destroy(struct gg_peek *peek);

// What ends all guessing (Ctrl-C, no memory, far too many guesses) makes every peek fail from then
// on. Whoever found nothing asks here first; the error is handed out once.
struct gg_error *gg_peek_error(struct gg_peek *peek);

// How many of the SIZE bytes at ADDRESS can be read, from the first on; they go to BUFFER, the rest
// of which becomes zeros.
size_t gg_peek_some(struct gg_peek *peek, uint64_t address, void *buffer, size_t size);

bool gg_peek_bytes(struct gg_peek *peek, uint64_t address, void *buffer, size_t size);

// A word of 8 bytes, at an address that is a multiple of 8.
bool gg_peek_word(struct gg_peek *peek, uint64_t address, uint64_t *ret);

// The text at ADDRESS, if it is 1 to SIZE - 1 printable ASCII characters and a NUL.
bool gg_peek_text(struct gg_peek *peek, uint64_t address, char *buffer, size_t size);

// The bytes at an address, as a structure that is being looked at.
enum { GG_GLIMPSE_SIZE = 1024 };

struct gg_glimpse {
	uint64_t address;
	size_t size; // of bytes
	bool big_endian;
	uint8_t bytes[GG_GLIMPSE_SIZE];
};

// Up to SIZE (at most GG_GLIMPSE_SIZE) bytes; fewer where the memory ends.
void gg_peek_glimpse(struct gg_peek *peek, uint64_t address, size_t size, struct gg_glimpse *ret);

// The word at OFFSET, or 0 beyond its end.
uint64_t gg_glimpse_word(const struct gg_glimpse *glimpse, size_t offset);

// The same for 4 bytes.
uint32_t gg_glimpse_half(const struct gg_glimpse *glimpse, size_t offset);

#endif
