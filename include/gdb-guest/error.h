// SPDX-License-Identifier: GPL-3.0-or-later
//
// Errors: objects with a kind, and a message of one line.
#ifndef GDB_GUEST_ERROR_H
#define GDB_GUEST_ERROR_H

#include "types.h"

#include <stdint.h>

#pragma GCC visibility push(default)

// X(name, word): the word is what a script sees as the error's kind.
#define GG_ERROR_KINDS(X)                                                                          \
	X(NOT_FOUND, "not-found")     /* no such symbol, type, member, register */                 \
	X(FAULT, "fault")             /* an address that cannot be read; see gg_error_address() */ \
	X(ABSENT, "absent")           /* memory that existed, and that the core does not hold */   \
	X(BAD_DATA, "bad-data")       /* what was read contradicts itself or its limits */         \
	X(INVALID, "invalid")         /* the caller asked for something that makes no sense */     \
	X(UNSUPPORTED, "unsupported") /* known, and not handled here */                            \
	X(INTERRUPTED, "interrupted") /* the user stopped it */                                    \
	X(SYSTEM, "system")           /* the operating system refused */                           \
	X(LOST, "lost")               /* the target does not answer any more */                    \
	X(NO_MEMORY, "no-memory")     /* this process has no memory left */

enum gg_error_kind {
#define X(name, word) GG_##name,
	GG_ERROR_KINDS(X)
#undef X
};

struct gg_error;

// A new error of KIND. It never fails: without memory it is an error of the kind GG_NO_MEMORY.
struct gg_error *gg_error_create(enum gg_error_kind kind, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// An error of the kind GG_SYSTEM; the text of ERRNUM (an errno value) is appended to the message.
struct gg_error *gg_error_system(int errnum, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// An error of the kind GG_FAULT for ADDRESS.
struct gg_error *gg_error_fault(uint64_t address, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Puts "FORMAT...: " before ERR's message and returns ERR: each level says what it was about to do.
struct gg_error *gg_error_context(struct gg_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

enum gg_error_kind gg_error_kind(const struct gg_error *err);
const char *gg_error_kind_word(enum gg_error_kind kind);

// Returns the message, one line, valid as long as ERR is.
const char *gg_error_message(const struct gg_error *err);

// The address that could not be read; 0 for other kinds than GG_FAULT.
uint64_t gg_error_address(const struct gg_error *err);

// NULL is allowed.
void gg_error_destroy(struct gg_error *err);

// No memory: an error that needs none. gg_error_destroy() leaves it alone.
extern struct gg_error *const gg_enomem;

// Tests whether ERR, which may be NULL, ends all that is under way. Any other error may be the
// guest's or QEMU's affair.
bool gg_error_is_final(const struct gg_error *err);

// Returns ERR, which may be NULL, where it is final; else destroys it and returns NULL.
struct gg_error *gg_error_unless_final(struct gg_error *err);

#pragma GCC visibility pop

#endif
