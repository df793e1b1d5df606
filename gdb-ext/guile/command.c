// SPDX-License-Identifier: GPL-3.0-or-later
//
// The table of commands: their help, options, completion, and what they print.
#include "guile.h"
#include "base/cleanup.h"

#include <gdb-guest/command.h>
#include <string.h>

// ---- The table ----

static const struct gg_command *to_command(SCM name)
{
	_cleanup_free_ char *text = scm_to_utf8_string(name);
	const struct gg_command *command = gg_command_find(text, true);
	if (command)
		return command;
	free(no_cleanup_ptr(text));
	scm_misc_error(NULL, "the table of commands has no ~S", scm_list_1(name));
}

// (%commands) => a list of (NAME . HELP).
static SCM all_commands(void)
{
	const struct gg_command *command;
	SCM list = SCM_EOL;
	for (size_t i = 0; (command = gg_command_at(i)); i++) {
		_cleanup_free_ char *help = gg_command_help(command, true);
		list = scm_acons(gg_guile_string(command->gdb_name),
				 gg_guile_string(help ? help : ""), list);
	}
	return scm_reverse_x(list, SCM_UNDEFINED);
}

// ---- Options ----

// The front end in Scheme: #(EVALUATE SET-VARIABLE COLOUR? INTEL? TARGET-KIND TARGET STATE
// STATE-TEXT PROGRESS LISTED THREADS LOAD STUB-THREAD RUN). EVALUATE takes an expression and the words for the expected text,
// and returns an integer; PROGRESS takes a text and the seconds of the work;
// LISTED takes (NOTE . IDENTITY) of a kernel; THREADS returns text; LOAD takes a symbol file and whether
// it is new; RUN takes milliseconds, and returns #t or the reason for which the target stopped before. The texts and
// the last six may be #f.
enum {
	EVALUATE,
	SET_VARIABLE,
	COLOUR,
	INTEL,
	TARGET_KIND,
	TARGET,
	STATE,
	STATE_TEXT,
	PROGRESS,
	LISTED,
	THREADS,
	LOAD,
	STUB_THREAD,
	RUN
};

static struct gg_error *evaluate(void *data, const char *text, const char *expected, char **ret)
{
	SCM result;
	struct gg_error *err = gg_guile_call(
		scm_c_vector_ref(*(SCM *)data, EVALUATE),
		scm_list_2(scm_from_locale_string(text), gg_guile_string(expected)), &result);
	if (err)
		return err;
	if (!scm_is_exact_integer(result))
		return gg_error_create(GG_SYSTEM, "the value of %s is of the wrong type", text);
	*ret = scm_to_utf8_string(scm_number_to_string(result, SCM_UNDEFINED));
	return NULL;
}

static struct gg_guile_type options_type = { .name = "options",
					     .ended = "the options are no longer in use" };

static SCM to_list(const char *text)
{
	return scm_string_split(scm_from_locale_string(text), SCM_MAKE_CHAR(','));
}

static SCM to_time(const struct gg_log_bound *bound)
{
	const SCM time = scm_from_int64(bound->time);
	return bound->is_wall ? scm_cons(scm_from_utf8_symbol("wall"), time) : time;
}

static SCM to_value(enum gg_value_kind kind, const struct gg_value *value)
{
	switch (kind) {
	case GG_VALUE_FLAG:
		return SCM_BOOL_T;
	case GG_VALUE_INTEGER:
	case GG_VALUE_CPU:
		return scm_from_uint64(value->number);
	case GG_VALUE_WORDS:
	case GG_VALUE_LEVELS:
		return to_list(value->text);
	case GG_VALUE_TIME:
		return to_time(&value->time);
	default:
		return scm_from_locale_string(value->text);
	}
}

static SCM add_values(SCM list, const struct gg_options *options, const struct gg_option *rows)
{
	for (; rows && rows->name; rows++) {
		const struct gg_value *value = gg_options_value(options, rows->name);
		if (value)
			list = scm_acons(scm_from_utf8_symbol(rows->name),
					 to_value(rows->kind, value), list);
	}
	return list;
}

// (%parse-options NAME TEXT FRONT) => (OBJECT . ALIST): parses what was typed behind the command's
// name, to an object to be ended, and to data.
static SCM parse_options(SCM name, SCM text, SCM front_vector)
{
	const struct gg_command *command = to_command(name);
	const struct gg_front_end front = { evaluate, &front_vector, .is_debugger = true };
	struct gg_options *options = NULL;
	char *typed = scm_to_locale_string(text);
	struct gg_error *err = gg_options_parse_text(command, typed, &front, &options);
	free(typed);
	gg_guile_throw(err);
	SCM list = add_values(SCM_EOL, options, command->arguments);
	list = add_values(list, options, command->options);
	return scm_cons(gg_guile_object(&options_type, options), list);
}

static SCM options_end(SCM object)
{
	gg_options_destroy(gg_guile_end(&options_type, object));
	return SCM_UNSPECIFIED;
}

// ---- Running ----

static struct gg_error *set_variable(void *data, const char *name, const uint64_t *value)
{
	SCM result;
	return gg_guile_call(
		scm_c_vector_ref(*(SCM *)data, SET_VARIABLE),
		scm_list_2(gg_guile_string(name), value ? scm_from_uint64(*value) : SCM_BOOL_F),
		&result);
}

static struct gg_error *show_progress(void *data, const char *text, double seconds)
{
	SCM result;
	return gg_guile_call(scm_c_vector_ref(*(SCM *)data, PROGRESS),
			     scm_list_2(gg_guile_string(text), scm_from_double(seconds)), &result);
}

static struct gg_error *list_kernel(void *data, const struct gg_kernel_info *kernel)
{
	SCM result;
	return gg_guile_call(scm_c_vector_ref(*(SCM *)data, LISTED),
			     scm_list_1(gg_guile_choice(&kernel->choice)), &result);
}

static struct gg_error *find_threads(void *data, char **ret)
{
	SCM result;
	struct gg_error *err =
		gg_guile_call(scm_c_vector_ref(*(SCM *)data, THREADS), SCM_EOL, &result);
	if (!err)
		*ret = scm_to_utf8_string(result);
	return err;
}

static struct gg_error *load_symbols(void *data, const char *path, bool is_new)
{
	SCM result;
	return gg_guile_call(scm_c_vector_ref(*(SCM *)data, LOAD),
			     scm_list_2(scm_from_locale_string(path), scm_from_bool(is_new)),
			     &result);
}

static struct gg_error *run_target(void *data, unsigned int milliseconds, char **ret)
{
	SCM result;
	struct gg_error *err = gg_guile_call(scm_c_vector_ref(*(SCM *)data, RUN),
					     scm_list_1(scm_from_uint(milliseconds)), &result);
	if (!err && scm_is_string(result))
		*ret = scm_to_utf8_string(result);
	return err;
}

static bool front_has(SCM front_vector, size_t index)
{
	return scm_is_true(scm_c_vector_ref(front_vector, index));
}

static void free_texts(const struct gg_front_end *front)
{
	free((char *)front->target_kind);
	free((char *)front->target);
	free((char *)front->state_before);
	free((char *)front->state_text);
}

// (%takes-guest? NAME OPTIONS): tests whether %run-command needs a guest.
static SCM takes_guest(SCM name, SCM object)
{
	return scm_from_bool(
		gg_command_takes_guest(to_command(name), gg_guile_state(&options_type, object)));
}

// (%run-command NAME OPTIONS GUEST FRONT WRITE NOTICE): prints what the command shows. OPTIONS is
// the object of %parse-options, GUEST may be #f if they do without; WRITE is called with
// bytevectors, NOTICE with lines.
static SCM run_command(SCM name, SCM options_object, SCM object, SCM front_vector, SCM write,
		       SCM notice)
{
	const struct gg_command *command = to_command(name);
	const struct gg_options *options = gg_guile_state(&options_type, options_object);
	struct gg_guest *guest = scm_is_true(object) ? gg_guile_guest(object) : NULL;
	const struct gg_writer writer = gg_guile_writer(&write);
	const struct gg_notices notices = gg_guile_notices(&notice);
	const struct gg_front_end front = {
		.evaluate = evaluate,
		.set_variable = set_variable,
		.data = &front_vector,
		.is_debugger = true,
		.progress = front_has(front_vector, PROGRESS) ? show_progress : NULL,
		.listed = front_has(front_vector, LISTED) ? list_kernel : NULL,
		.threads = front_has(front_vector, THREADS) ? find_threads : NULL,
		.run = front_has(front_vector, RUN) ? run_target : NULL,
		.load_symbols = front_has(front_vector, LOAD) ? load_symbols : NULL,
		.colour = front_has(front_vector, COLOUR),
		.intel = front_has(front_vector, INTEL),
		.target_kind = gg_guile_optional_text(scm_c_vector_ref(front_vector, TARGET_KIND)),
		.target = gg_guile_optional_text(scm_c_vector_ref(front_vector, TARGET)),
		.state_before = gg_guile_optional_text(scm_c_vector_ref(front_vector, STATE)),
		.state_text = gg_guile_optional_text(scm_c_vector_ref(front_vector, STATE_TEXT)),
		.stub_thread = front_has(front_vector, STUB_THREAD)
				       ? scm_to_uint(scm_c_vector_ref(front_vector, STUB_THREAD))
				       : 0,
	};
	struct gg_error *err = command->run(guest, options, &front, &writer, &notices);
	free_texts(&front);
	gg_guile_throw(err);
	return SCM_UNSPECIFIED;
}

// ---- Completion ----

static struct gg_error *collect_candidate(void *data, const char *candidate)
{
	SCM *list = data;
	*list = scm_cons(scm_from_locale_string(candidate), *list);
	return NULL;
}

// (%complete NAME TEXT GUEST) => a list of texts that the last word of TEXT may become; GUEST may
// be #f.
static SCM complete(SCM name, SCM text, SCM object)
{
	const struct gg_command *command = to_command(name);
	struct gg_guest *guest = scm_is_true(object) ? gg_guile_guest(object) : NULL;
	SCM list = SCM_EOL;
	char *typed = scm_to_locale_string(text);
	struct gg_error *err =
		gg_command_complete(command, typed, true, guest, collect_candidate, &list);
	free(typed);
	gg_guile_throw(err);
	return scm_reverse_x(list, SCM_UNDEFINED);
}

// (%completes-guest? NAME TEXT): tests whether %complete needs the guest for TEXT.
static SCM completes_guest(SCM name, SCM text)
{
	const struct gg_command *command = to_command(name);
	_cleanup_free_ char *typed = scm_to_locale_string(text);
	return scm_from_bool(gg_command_completes_guest(command, typed));
}

void gg_guile_init_command(void)
{
	gg_guile_type_init(&options_type);
	gg_guile_define("%commands", 0, (scm_t_subr)all_commands);
	gg_guile_define("%parse-options", 3, (scm_t_subr)parse_options);
	gg_guile_define("%options-end", 1, (scm_t_subr)options_end);
	gg_guile_define("%takes-guest?", 2, (scm_t_subr)takes_guest);
	gg_guile_define("%run-command", 6, (scm_t_subr)run_command);
	gg_guile_define("%complete", 3, (scm_t_subr)complete);
	gg_guile_define("%completes-guest?", 2, (scm_t_subr)completes_guest);
}
