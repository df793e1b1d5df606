// SPDX-License-Identifier: GPL-3.0-or-later
//
// A host made of byte arrays: for tests, fuzzers, and whoever has no debugger.
#ifndef GG_BYTES_HOST_H
#define GG_BYTES_HOST_H

#include "host.h"

struct gg_bytes_host;

// Creates an empty host, little-endian, with pointers of 8 bytes.
struct gg_error *gg_bytes_host_create(struct gg_bytes_host **ret);

// Destroys BYTES, which may be NULL.
void gg_bytes_host_destroy(struct gg_bytes_host *bytes);

// Returns the host, valid as long as BYTES is. Its big_endian and address_size may be changed.
struct gg_host *gg_bytes_host(struct gg_bytes_host *bytes);

// Adds SIZE zeros at ADDRESS; the host owns them, the caller fills them in. No two pieces overlap.
struct gg_error *gg_bytes_host_add_memory(struct gg_bytes_host *bytes, uint64_t address,
					  size_t size, void **ret);

// Adds a symbol or a member. NAME, TYPE and PATH must outlive the host.
struct gg_error *gg_bytes_host_add_symbol(struct gg_bytes_host *bytes, const char *name,
					  uint64_t address);
struct gg_error *gg_bytes_host_add_member(struct gg_bytes_host *bytes, const char *type,
					  const char *path, uint64_t offset, uint64_t size);

// Returns the number of reads so far.
uint64_t gg_bytes_host_reads(const struct gg_bytes_host *bytes);

#endif
