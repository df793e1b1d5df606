// SPDX-License-Identifier: GPL-3.0-or-later
//
// Error objects: a kind for the caller to decide by, and one line for the user to which every level
// adds its context.
#include "error.h"
#include "cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct gg_error {
	enum gg_error_kind kind;
	uint64_t address;
	char *message;
};

static struct gg_error no_memory = { .kind = GG_NO_MEMORY, .message = "out of memory" };
struct gg_error *const gg_enomem = &no_memory;

static struct gg_error *create(enum gg_error_kind kind, uint64_t address, const char *format,
			       va_list arguments)
{
	struct gg_error *err = malloc(sizeof(*err));
	if (!err)
		return gg_enomem;
	*err = (struct gg_error){ .kind = kind, .address = address };
	if (vasprintf(&err->message, format, arguments) < 0) {
		free(err);
		return gg_enomem;
	}
	return err;
}

struct gg_error *gg_error_create(enum gg_error_kind kind, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct gg_error *err = create(kind, 0, format, arguments);
	va_end(arguments);
	return err;
}

struct gg_error *gg_error_fault(uint64_t address, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct gg_error *err = create(GG_FAULT, address, format, arguments);
	va_end(arguments);
	return err;
}

struct gg_error *gg_error_system(int errnum, const char *format, ...)
{
	if (errnum == ENOMEM)
		return gg_enomem;
	va_list arguments;
	va_start(arguments, format);
	struct gg_error *what = create(GG_SYSTEM, 0, format, arguments);
	va_end(arguments);
	struct gg_error *err =
		gg_error_create(GG_SYSTEM, "%s: %s", what->message, strerror(errnum));
	gg_error_destroy(what);
	return err;
}

struct gg_error *gg_error_copy(const struct gg_error *err)
{
	if (err == gg_enomem)
		return gg_enomem;
	struct gg_error *copy = gg_error_create(err->kind, "%s", err->message);
	if (copy != gg_enomem)
		copy->address = err->address;
	return copy;
}

struct gg_error *gg_error_context(struct gg_error *err, const char *format, ...)
{
	if (err == gg_enomem)
		return err;

	va_list arguments;
	va_start(arguments, format);
	_cleanup_free_ char *context = NULL;
	int length = vasprintf(&context, format, arguments);
	va_end(arguments);

	char *message;
	if (length < 0 || asprintf(&message, "%s: %s", context, err->message) < 0)
		return err; // less context is better than no error
	free(err->message);
	err->message = message;
	return err;
}

bool gg_error_is_final(const struct gg_error *err)
{
	return err && (gg_error_kind(err) == GG_INTERRUPTED || gg_error_kind(err) == GG_LOST ||
		       gg_error_kind(err) == GG_NO_MEMORY);
}

struct gg_error *gg_error_unless_final(struct gg_error *err)
{
	if (gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	return NULL;
}

enum gg_error_kind gg_error_kind(const struct gg_error *err)
{
	return err->kind;
}

const char *gg_error_kind_word(enum gg_error_kind kind)
{
	static const char *const words[] = {
#define X(name, word) word,
		GG_ERROR_KINDS(X)
#undef X
	};
	return words[kind];
}

const char *gg_error_message(const struct gg_error *err)
{
	return err->message;
}

uint64_t gg_error_address(const struct gg_error *err)
{
	return err->address;
}

void gg_error_destroy(struct gg_error *err)
{
	if (!err || err == gg_enomem)
		return;
	free(err->message);
	free(err);
}
