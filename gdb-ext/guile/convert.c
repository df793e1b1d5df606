// SPDX-License-Identifier: GPL-3.0-or-later
//
// Values, errors and calls between C and Scheme.
//
// In:  Scheme values; procedures.
// Out: C values; every gg_error as one exception, (throw 'gdb-guest-error KIND MESSAGE), and every
//      exception of a procedure as a gg_error.
// Never: a Scheme exception that unwinds the C core's frames.
#include "guile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static SCM error_key;

// ---- Errors, both ways ----

SCM gg_guile_string(const char *text)
{
	return scm_from_stringn(text, strlen(text), "UTF-8", SCM_FAILED_CONVERSION_QUESTION_MARK);
}

void gg_guile_throw(struct gg_error *err)
{
	if (!err)
		return;
	SCM arguments = scm_list_2(scm_from_utf8_symbol(gg_error_kind_word(gg_error_kind(err))),
				   gg_guile_string(gg_error_message(err)));
	gg_error_destroy(err);
	scm_throw(error_key, arguments);
}

static char *integer_error(SCM value, const char *name, uint64_t low, uint64_t high)
{
	char *text = NULL;
	_cleanup_free_ char *given = scm_to_utf8_string(
		scm_is_exact_integer(value) ? scm_number_to_string(value, SCM_UNDEFINED)
					    : scm_object_to_string(value, SCM_UNDEFINED));
	const int size =
		high == UINT64_MAX
			? asprintf(&text, "%s is %s, not %" PRIu64 " to 2^64 - 1", name, given, low)
			: asprintf(&text, "%s is %s, not %" PRIu64 " to %" PRIu64, name, given, low,
				   high);
	return size < 0 ? NULL : text;
}

uint64_t gg_guile_integer(SCM value, const char *name, uint64_t low, uint64_t high)
{
	if (scm_is_exact_integer(value) && scm_is_unsigned_integer(value, low, high))
		return scm_to_uint64(value);
	char *text = integer_error(value, name, low, high);
	struct gg_error *err = text ? gg_error_create(GG_INVALID, "%s", text) : gg_enomem;
	free(text);
	gg_guile_throw(err);
	return 0;
}

uint64_t gg_guile_address(SCM value)
{
	return gg_guile_integer(value, "the address", 0, UINT64_MAX);
}

size_t gg_guile_size(SCM value)
{
	enum { MAX_SIZE = 1 << 30 };
	return gg_guile_integer(value, "the size", 0, MAX_SIZE);
}

static enum gg_error_kind kind_of_word(SCM symbol)
{
	static const enum gg_error_kind kinds[] = {
#define X(name, word) GG_##name,
		GG_ERROR_KINDS(X)
#undef X
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (scm_is_eq(symbol, scm_from_utf8_symbol(gg_error_kind_word(kinds[i]))))
			return kinds[i];
	return GG_SYSTEM;
}

static struct gg_error *error_from_exception(SCM key, SCM arguments)
{
	// GDB's key for a Ctrl-C, and for a "q" where it asks whether to show the next page.
	if (scm_is_eq(key, scm_from_utf8_symbol("signal")))
		return gg_error_create(GG_INTERRUPTED, "interrupted");
	SCM kind = SCM_BOOL_F, text;
	if (scm_is_eq(key, error_key) && scm_ilength(arguments) == 2) {
		kind = scm_car(arguments);
		text = scm_cadr(arguments);
	} else {
		text = scm_object_to_string(scm_cons(key, arguments), SCM_UNDEFINED);
	}
	_cleanup_free_ char *message = scm_to_utf8_string(text);
	return gg_error_create(kind_of_word(kind), "%s", message);
}

// ---- Calls from C into Scheme ----

struct call {
	SCM procedure;
	SCM arguments; // a list
	SCM result;
	struct gg_error *err;
};

static SCM apply_call(void *data)
{
	struct call *call = data;
	call->result = scm_apply_0(call->procedure, call->arguments);
	return SCM_UNSPECIFIED;
}

static SCM keep_exception(void *data, SCM key, SCM arguments)
{
	struct call *call = data;
	call->err = error_from_exception(key, arguments);
	return SCM_UNSPECIFIED;
}

struct gg_error *gg_guile_call(SCM procedure, SCM arguments, SCM *ret)
{
	struct call call = { .procedure = procedure, .arguments = arguments };
	scm_internal_catch(SCM_BOOL_T, apply_call, &call, keep_exception, &call);
	*ret = call.result;
	return call.err;
}

SCM gg_guile_range(const struct gg_ram_range *range)
{
	return scm_vector(scm_list_4(scm_from_uint64(range->start), scm_from_uint64(range->size),
				     scm_from_uint64(range->hva), gg_guile_string(range->block)));
}

// ---- Text ----

static struct gg_error *report_notice(void *data, const char *text)
{
	SCM result;
	return gg_guile_call(*(const SCM *)data, scm_list_1(gg_guile_string(text)), &result);
}

static struct gg_error *write_text(void *data, const char *text, size_t size)
{
	SCM result, bytes = scm_c_make_bytevector(size);
	memcpy(SCM_BYTEVECTOR_CONTENTS(bytes), text, size);
	return gg_guile_call(*(const SCM *)data, scm_list_1(bytes), &result);
}

struct gg_writer gg_guile_writer(const SCM *procedure)
{
	return (struct gg_writer){ .write = write_text, .data = (void *)procedure };
}

char *gg_guile_optional_text(SCM value)
{
	return scm_is_true(value) ? scm_to_utf8_string(value) : NULL;
}

struct gg_notices gg_guile_notices(const SCM *procedure)
{
	return (struct gg_notices){ .tell = report_notice, .data = (void *)procedure };
}

// ---- Objects that Scheme ends ----

void gg_guile_type_init(struct gg_guile_type *type)
{
	type->type = scm_permanent_object(scm_make_foreign_object_type(
		scm_from_utf8_symbol(type->name), scm_list_1(scm_from_utf8_symbol("state")), NULL));
}

SCM gg_guile_object(const struct gg_guile_type *type, void *state)
{
	return scm_make_foreign_object_1(type->type, state);
}

void *gg_guile_state(const struct gg_guile_type *type, SCM object)
{
	scm_assert_foreign_object_type(type->type, object);
	void *state = scm_foreign_object_ref(object, 0);
	if (!state)
		scm_misc_error(NULL, type->ended, SCM_EOL);
	return state;
}

void *gg_guile_end(const struct gg_guile_type *type, SCM object)
{
	scm_assert_foreign_object_type(type->type, object);
	void *state = scm_foreign_object_ref(object, 0);
	scm_foreign_object_set_x(object, 0, NULL);
	return state;
}

void gg_guile_init_convert(void)
{
	error_key = scm_permanent_object(scm_from_utf8_symbol("gdb-guest-error"));
}
