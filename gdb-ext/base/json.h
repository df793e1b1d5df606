// SPDX-License-Identifier: GPL-3.0-or-later
//
// JSON (RFC 8259) in ASCII, without spaces, appended to a buffer:
//
//     gg_json_open_object(&text, NULL);
//     gg_json_uint(&text, "size", 4096);
//     gg_json_open_array(&text, "cpus");
//     gg_json_uint(&text, NULL, 0);
//     gg_json_close_array(&text);
//     gg_json_close_object(&text);
//     gg_json_end_line(&text);
//
// appends {"size":4096,"cpus":[0]} as a line. KEY is NULL in an array and for a line's own value.
//
// In every command's JSON a size, a count or a number is an integer, and an address or a register,
// which may need all of 64 bits, a string in hexadecimal: many readers of JSON have only 53 bits for
// an integer. A time is in seconds, or in nanoseconds where its key ends with _ns.
#ifndef GG_JSON_H
#define GG_JSON_H

#include "buffer.h"

void gg_json_open_object(struct gg_buffer *text, const char *key);
void gg_json_close_object(struct gg_buffer *text);
void gg_json_open_array(struct gg_buffer *text, const char *key);
void gg_json_close_array(struct gg_buffer *text);

// Appends the value VALUE, or null for NULL. A byte that is not UTF-8 is the lone surrogate \udc00
// + byte, which Python's "surrogateescape" turns back.
void gg_json_string(struct gg_buffer *text, const char *key, const char *value);

// Appends SIZE bytes, any at all, as a string. The first character of a text that looks like an
// address is an escape: who reads the JSON as text can tell the two apart (guile/data.c).
void gg_json_bytes(struct gg_buffer *text, const char *key, const char *bytes, size_t size);

void gg_json_uint(struct gg_buffer *text, const char *key, uint64_t value);
void gg_json_bool(struct gg_buffer *text, const char *key, bool value);
void gg_json_null(struct gg_buffer *text, const char *key);

// Appends ADDRESS as a string of 16 digits, "0x00000000000fd000".
void gg_json_address(struct gg_buffer *text, const char *key, uint64_t address);

// Appends a value that is JSON already and takes at most 255 characters: a number with decimals.
void gg_json_format(struct gg_buffer *text, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// Appends a key of SIZE bytes, any at all; the value is appended next, its KEY being NULL.
void gg_json_key(struct gg_buffer *text, const char *key, size_t size);

void gg_json_end_line(struct gg_buffer *text);

#endif
