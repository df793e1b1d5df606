// SPDX-License-Identifier: GPL-3.0-or-later
//
// Files that Scheme writes in pieces (gdb-guest/output.h).
#include "guile.h"

#include <stdlib.h>

struct output {
	struct gg_output *output;
	uint64_t size;
};

static struct gg_guile_type output_type = { .name = "output",
					    .ended = "the file is no longer written" };

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
	return gg_guile_object(&output_type, output);
}

// (%output-write OUTPUT BYTES)
static SCM output_write(SCM object, SCM bytes)
{
	struct output *output = gg_guile_state(&output_type, object);
	const size_t size = SCM_BYTEVECTOR_LENGTH(bytes);
	gg_guile_throw(gg_output_write(output->output, output->size, SCM_BYTEVECTOR_CONTENTS(bytes),
				       size));
	output->size += size;
	return SCM_UNSPECIFIED;
}

// (%output-end OUTPUT KEEP?): gives the file its name, or removes it.
static SCM output_end(SCM object, SCM keep)
{
	struct output *output = gg_guile_state(&output_type, object);
	struct gg_error *err =
		scm_is_true(keep) ? gg_output_commit(output->output, output->size) : NULL;
	gg_output_destroy(output->output);
	free(output);
	gg_guile_end(&output_type, object);
	gg_guile_throw(err);
	return SCM_UNSPECIFIED;
}

void gg_guile_init_output(void)
{
	gg_guile_type_init(&output_type);
	gg_guile_define("%output", 2, (scm_t_subr)output_create);
	gg_guile_define("%output-write", 2, (scm_t_subr)output_write);
	gg_guile_define("%output-end", 2, (scm_t_subr)output_end);
}
