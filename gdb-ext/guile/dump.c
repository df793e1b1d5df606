// SPDX-License-Identifier: GPL-3.0-or-later
//
// The guest's memory as a vmcore.
#include "guile.h"

#include <stdlib.h>

static bool has_flag(SCM flags, const char *flag)
{
	return scm_is_true(scm_memq(scm_from_utf8_symbol(flag), flags));
}

static struct gg_error *report_progress(void *data, const struct gg_dump_progress *progress)
{
	SCM result;
	return gg_guile_call(
		*(const SCM *)data,
		scm_list_5(gg_guile_range(progress->range), scm_from_uint64(progress->done),
			   scm_from_uint64(progress->total), scm_from_double(progress->seconds),
			   scm_from_uint64(progress->written)),
		&result);
}

// The options of a dump, without its file and format. FLAGS is a list of the symbols force, no-notes,
// skip-absent, small, flattened; FILTER is (BEGIN . LENGTH) or #f.
static struct gg_dump_options to_options(SCM flags, SCM filter, SCM level, const SCM *progress)
{
	struct gg_dump_options options = {
		.force = has_flag(flags, "force"),
		.no_notes = has_flag(flags, "no-notes"),
		.skip_absent = has_flag(flags, "skip-absent"),
		.small = has_flag(flags, "small"),
		.flattened = has_flag(flags, "flattened"),
		.level = (unsigned int)gg_guile_integer(level, "level", 0, GG_LEVEL_ALL),
		.filter = scm_is_true(filter),
		.progress = report_progress,
		.data = (void *)progress,
	};
	if (options.filter) {
		options.begin = gg_guile_integer(scm_car(filter), "begin", 0, UINT64_MAX);
		options.length = gg_guile_integer(scm_cdr(filter), "length", 1, UINT64_MAX);
	}
	return options;
}

// (%guest-dump GUEST FILE FLAGS FILTER FORMAT LEVEL PROGRESS NOTICE) => #(MEMORY-SIZE FILE-SIZE SECONDS).
// PROGRESS is called with a range, the bytes done and to do, the seconds so far, and the bytes of memory in a
// compressed file; NOTICE with a line.
static SCM guest_dump(SCM object, SCM path, SCM flags, SCM filter, SCM format, SCM level,
		      SCM progress, SCM notice)
{
	struct gg_guest *guest = gg_guile_guest(object);
	const struct gg_notices notices = gg_guile_notices(&notice);
	struct gg_dump_options options = to_options(flags, filter, level, &progress);
	struct gg_dump_result result = { 0 };
	char *format_text = scm_to_utf8_string(format);
	char *path_text = scm_to_locale_string(path);
	options.format = format_text;
	options.path = path_text;
	options.notices = &notices;
	struct gg_error *err = gg_dump(guest, &options, &result);
	free(path_text);
	free(format_text);
	gg_guile_throw(err);
	return scm_vector(scm_list_3(scm_from_uint64(result.memory_size),
				     scm_from_uint64(result.file_size),
				     scm_from_double(result.seconds)));
}

// (%progress-text DONE TOTAL WRITTEN SECONDS) => "1 GiB of 64 GiB, 14.9 MiB/s, 1 h 12 min left".
static SCM progress_text(SCM done, SCM total, SCM written, SCM seconds)
{
	char *text = gg_progress_text(gg_guile_integer(done, "what is done", 0, UINT64_MAX),
				      gg_guile_integer(total, "what is to do", 0, UINT64_MAX),
				      gg_guile_integer(written, "what is written", 0, UINT64_MAX),
				      scm_to_double(seconds));
	gg_guile_throw(text ? NULL : gg_error_create(GG_NO_MEMORY, "out of memory"));
	SCM value = gg_guile_string(text);
	free(text);
	return value;
}

void gg_guile_init_dump(void)
{
	gg_guile_define("%guest-dump", 8, (scm_t_subr)guest_dump);
	gg_guile_define("%progress-text", 4, (scm_t_subr)progress_text);
}
