// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's log, as records and as text.
//
// A query, in Scheme, is a vector: #(TRANSCRIPT LEVELS FACILITIES PATTERN SINCE-CLEAR? TAIL SINCE
// UNTIL BEFORE AFTER); LEVELS and FACILITIES are lists of words, empty for all, the others may be
// #f. SINCE and UNTIL are nanoseconds of the log's clock, or (wall . NANOSECONDS) since 1970.
#include "guile.h"

#include <langinfo.h>
#include <string.h>

enum { LEVELS = 8, FACILITIES = 24 };

// ---- Words ----

// The bit of WORD, or of a level with a "+" behind it the bits of worse levels too; 0 where no name
// is WORD.
static unsigned int bit(const char *word, const char *name_of(unsigned int number),
			unsigned int count)
{
	const size_t length = strlen(word);
	const bool has_plus = name_of == gg_log_level_name && length && word[length - 1] == '+';
	for (unsigned int i = 0; i < count; i++) {
		const char *name = name_of(i);
		if (name && !strncmp(word, name, length - has_plus) && !name[length - has_plus])
			return has_plus ? (2u << i) - 1 : 1u << i;
	}
	return 0;
}

// The bits of WORDS, a list of strings; throws for a word without a bit, which it calls a WHAT.
static unsigned int bits(SCM words, const char *what, const char *name_of(unsigned int number),
			 unsigned int count)
{
	unsigned int result = 0;
	for (; scm_is_pair(words); words = scm_cdr(words)) {
		char *word = scm_to_utf8_string(scm_car(words));
		const unsigned int found = bit(word, name_of, count);
		struct gg_error *err =
			found ? NULL : gg_error_create(GG_INVALID, "there is no %s %s", what, word);
		free(word);
		gg_guile_throw(err);
		result |= found;
	}
	return result;
}

// ---- Queries ----

static char *optional_string(SCM value)
{
	return scm_is_true(value) ? scm_to_locale_string(value) : NULL;
}

static struct gg_log_bound to_bound(SCM value, const char *name)
{
	const bool is_wall = scm_is_pair(value);
	if (scm_is_false(value))
		return (struct gg_log_bound){ 0 };
	return (struct gg_log_bound){
		.is_set = true,
		.is_wall = is_wall,
		.time = (int64_t)gg_guile_integer(is_wall ? scm_cdr(value) : value, name, 0,
						  INT64_MAX),
	};
}

static uint64_t optional_count(SCM value, const char *name)
{
	enum { MANY = 1000000 };
	return scm_is_true(value) ? gg_guile_integer(value, name, 0, MANY) : 0;
}

static struct gg_log_query to_query(SCM vector)
{
	const SCM wanted = scm_c_vector_ref(vector, 5);
	const uint64_t tail =
		scm_is_true(wanted) ? gg_guile_integer(wanted, "the tail", 1, UINT64_MAX) : 0;
	const unsigned int levels =
		bits(scm_c_vector_ref(vector, 1), "level", gg_log_level_name, LEVELS);
	const unsigned int facilities =
		bits(scm_c_vector_ref(vector, 2), "facility", gg_log_facility_name, FACILITIES);
	const struct gg_log_bound since = to_bound(scm_c_vector_ref(vector, 6), "since");
	const struct gg_log_bound until = to_bound(scm_c_vector_ref(vector, 7), "until");
	const uint64_t before = optional_count(scm_c_vector_ref(vector, 8), "before");
	const uint64_t after = optional_count(scm_c_vector_ref(vector, 9), "after");
	return (struct gg_log_query){
		.since = since,
		.until = until,
		.before = before,
		.after = after,
		.levels = levels,
		.facilities = facilities,
		.since_clear = scm_is_true(scm_c_vector_ref(vector, 4)),
		.tail = tail,
		.transcript = optional_string(scm_c_vector_ref(vector, 0)),
		.pattern = optional_string(scm_c_vector_ref(vector, 3)),
	};
}

static void query_deinit(struct gg_log_query *query)
{
	free((char *)query->transcript);
	free((char *)query->pattern);
}

static struct gg_guest *optional_guest(SCM object)
{
	return scm_is_true(object) ? gg_guile_guest(object) : NULL;
}

// ---- Records ----

struct listener {
	SCM list;
	SCM text; // a list of bytevectors, newest first
};

static SCM bytevector(const char *bytes, size_t size)
{
	SCM result = scm_c_make_bytevector(size);
	if (size)
		memcpy(SCM_BYTEVECTOR_CONTENTS(result), bytes, size);
	return result;
}

static SCM add(SCM list, const char *name, SCM value)
{
	return scm_acons(scm_from_utf8_symbol(name), value, list);
}

static SCM name_or_number(const char *name, unsigned int number)
{
	return name ? scm_from_utf8_symbol(name) : scm_from_uint(number);
}

// The bytes as they are printed.
static SCM escaped(const char *bytes, size_t size)
{
	char *text = gg_log_text(bytes, size);
	SCM result = scm_from_utf8_string(text ? text : "");
	free(text);
	return result;
}

// ((KEY . VALUE) ...), strings.
static SCM dict_to_alist(const char *dict, size_t size)
{
	SCM list = SCM_EOL;
	while (size) {
		const size_t length = strnlen(dict, size);
		const char *equals = memchr(dict, '=', length);
		const size_t key = equals ? (size_t)(equals - dict) : length;
		const size_t done = length < size ? length + 1 : length;
		list = scm_acons(escaped(dict, key),
				 equals ? escaped(equals + 1, length - key - 1) : SCM_BOOL_F, list);
		dict += done;
		size -= done;
	}
	return scm_reverse_x(list, SCM_UNDEFINED);
}

static SCM flags_to_list(unsigned int flags)
{
	SCM list = SCM_EOL;
	if (flags & GG_LOG_CLEARED)
		list = scm_cons(scm_from_utf8_symbol("cleared"), list);
	if (flags & GG_LOG_CONT)
		list = scm_cons(scm_from_utf8_symbol("cont"), list);
	if (flags & GG_LOG_NEWLINE)
		list = scm_cons(scm_from_utf8_symbol("newline"), list);
	return list;
}

static SCM record_to_alist(const struct gg_log_record *record)
{
	char caller[GG_LOG_CALLER_SIZE];
	SCM list = SCM_EOL;
	gg_log_caller(record, caller);
	list = add(list, "dict", dict_to_alist(record->dict, record->dict_size));
	list = add(list, "bytes", bytevector(record->text, record->text_size));
	list = add(list, "text", escaped(record->text, record->text_size));
	list = add(list, "lost", scm_from_uint64(record->lost));
	list = add(list, "flags", flags_to_list(record->flags));
	if (record->flags & GG_LOG_CALLER)
		list = add(list, "caller", gg_guile_string(caller));
	if (record->flags & GG_LOG_LEVEL) {
		list = add(
			list, "facility",
			name_or_number(gg_log_facility_name(record->facility), record->facility));
		list = add(list, "level",
			   name_or_number(gg_log_level_name(record->level), record->level));
	}
	if (record->flags & GG_LOG_TIME)
		list = add(list, "time", scm_from_uint64(record->time));
	if (record->flags & GG_LOG_SEQ)
		list = add(list, "seq", scm_from_uint64(record->seq));
	return list;
}

static struct gg_error *collect_record(void *data, const struct gg_log_record *record)
{
	struct listener *listener = data;
	listener->list = scm_cons(record_to_alist(record), listener->list);
	return NULL;
}

// (%guest-log GUEST QUERY NOTICE) => a list of association lists. GUEST may be #f where QUERY has a
// transcript. NOTICE is called with lines.
static SCM guest_log(SCM object, SCM query_vector, SCM notice)
{
	struct gg_guest *guest = optional_guest(object);
	struct listener listener = { .list = SCM_EOL };
	const struct gg_notices notices = gg_guile_notices(&notice);
	struct gg_log_query query = to_query(query_vector);
	struct gg_error *err = gg_guest_log(guest, &query, collect_record, &listener, &notices);
	query_deinit(&query);
	gg_guile_throw(err);
	return scm_reverse_x(listener.list, SCM_UNDEFINED);
}

// ---- Text ----

static bool has_flag(SCM flags, const char *flag)
{
	return scm_is_true(scm_memq(scm_from_utf8_symbol(flag), flags));
}

static struct gg_log_style to_style(SCM flags)
{
	return (struct gg_log_style){
		.raw = has_flag(flags, "raw"),
		.decode = has_flag(flags, "decode"),
		.caller = has_flag(flags, "caller"),
		.json = has_flag(flags, "json"),
		.colour = has_flag(flags, "colour"),
		.wall = has_flag(flags, "wall"),
	};
}

static struct gg_error *collect_text(void *data, const char *text, size_t size)
{
	struct listener *listener = data;
	listener->text = scm_cons(bytevector(text, size), listener->text);
	return NULL;
}

// ---- Following ----

static struct gg_guile_type follow_type = { .name = "log-follow",
					    .ended = "the log is no longer followed" };

// (%log-follow QUERY STYLE) => an object, to be ended.
static SCM log_follow(SCM query_vector, SCM flags)
{
	struct gg_log_style style = to_style(flags);
	style.ascii = strcmp(nl_langinfo(CODESET), "UTF-8");
	struct gg_log_query query = to_query(query_vector);
	struct gg_log_follow *follow = NULL;
	struct gg_error *err = gg_log_follow_create(&query, &style, &follow);
	query_deinit(&query);
	gg_guile_throw(err);
	return gg_guile_object(&follow_type, follow);
}

static SCM log_follow_end(SCM object)
{
	gg_log_follow_destroy(gg_guile_end(&follow_type, object));
	return SCM_UNSPECIFIED;
}

// (%log-follow-look FOLLOW GUEST NOTICE) => (LOG? . TEXT), TEXT being a list of bytevectors.
static SCM log_follow_look(SCM object, SCM guest_object, SCM notice)
{
	struct listener listener = { .text = SCM_EOL };
	const struct gg_writer writer = { collect_text, &listener };
	const struct gg_notices notices = gg_guile_notices(&notice);
	bool has_log = false;
	gg_guile_throw(gg_log_follow_look(gg_guile_state(&follow_type, object),
					  gg_guile_guest(guest_object), &writer, &notices,
					  &has_log));
	return scm_cons(scm_from_bool(has_log), scm_reverse_x(listener.text, SCM_UNDEFINED));
}

void gg_guile_init_log(void)
{
	gg_guile_type_init(&follow_type);
	gg_guile_define("%log-follow", 2, (scm_t_subr)log_follow);
	gg_guile_define("%log-follow-end", 1, (scm_t_subr)log_follow_end);
	gg_guile_define("%log-follow-look", 3, (scm_t_subr)log_follow_look);
	gg_guile_define("%guest-log", 3, (scm_t_subr)guest_log);
}
