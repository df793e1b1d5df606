// SPDX-License-Identifier: GPL-3.0-or-later
//
// A file that Scheme writes piece by piece, as gdb-ext/output.h has it.
#include "guile.h"

#include <stdlib.h>

struct output {
	struct gg_output *output;
	uint64_t size;
};

// Allocated by the collector, which does not end it: (%output-end) does.
static SCM output_type;

static struct output *to_output(SCM object)
{
	scm_assert_foreign_object_type(output_type, object);
	struct output *output = scm_foreign_object_ref(object, 0);
	if (!output)
		scm_misc_error(NULL, "the file is not written any more", SCM_EOL);
	return output;
}

// (%output FILE FORCE?) => an object, to be ended.
static SCM output_create(SCM path, SCM force)
{
	struct output *output = calloc(1, sizeof(*output));
	if (!output)
		gg_guile_throw(gg_enomem);
	static const char *const looked_at[] = { NULL };
	char *path_text = scm_to_locale_string(path);
	struct gg_error *err =
		gg_output_create(path_text, scm_is_true(force), looked_at, &output->output);
	if (err)
		free(output);
	free(path_text);
	gg_guile_throw(err);
	return scm_make_foreign_object_1(output_type, output);
}

// (%output-write OUTPUT BYTES)
static SCM output_write(SCM object, SCM bytes)
{
	struct output *output = to_output(object);
	const size_t size = SCM_BYTEVECTOR_LENGTH(bytes);
	gg_guile_throw(gg_output_write(output->output, output->size, SCM_BYTEVECTOR_CONTENTS(bytes),
				       size));
	output->size += size;
	return SCM_UNSPECIFIED;
}

// (%output-end OUTPUT KEEP?): the file gets its name, or is thrown away.
static SCM output_end(SCM object, SCM keep)
{
	struct output *output = to_output(object);
	struct gg_error *err =
		scm_is_true(keep) ? gg_output_commit(output->output, output->size) : NULL;
	gg_output_destroy(output->output);
	free(output);
	scm_foreign_object_set_x(object, 0, NULL);
	gg_guile_throw(err);
	return SCM_UNSPECIFIED;
}

void gg_guile_init_output(void)
{
	output_type = scm_permanent_object(scm_make_foreign_object_type(
		scm_from_utf8_symbol("output"), scm_list_1(scm_from_utf8_symbol("state")), NULL));
	gg_guile_define("%output", 2, (scm_t_subr)output_create);
	gg_guile_define("%output-write", 2, (scm_t_subr)output_write);
	gg_guile_define("%output-end", 2, (scm_t_subr)output_end);
}
