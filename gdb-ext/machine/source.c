// SPDX-License-Identifier: GPL-3.0-or-later
#include "source.h"

#include <stdlib.h>

void gg_source_destroy(struct gg_source *source)
{
	if (!source)
		return;
	gg_backing_destroy(source->backing);
	source->backing = NULL;
	source->ops->destroy(source);
}

void gg_source_add_file(struct gg_source *source, const char *path)
{
	size_t count = 0;
	while (source->files[count])
		count++;
	if (path && count < GG_SOURCE_FILES)
		source->files[count] = path;
}

// ---- Facts ----

struct gg_error *gg_source_read_facts(struct gg_source *source, struct gg_source_facts *ret)
{
	*ret = (struct gg_source_facts){ .layout = NULL };
	return source->ops->facts ? source->ops->facts(source, ret) : NULL;
}

static void deinit_fact(struct gg_fact *fact)
{
	free(fact->text);
	gg_error_destroy(fact->err);
}

void gg_nested_name_deinit(struct gg_nested_name *name)
{
	free(name->number);
	free(name->process);
	free(name->place);
	*name = (struct gg_nested_name){ NULL };
}

void gg_source_facts_deinit(struct gg_source_facts *facts)
{
	deinit_fact(&facts->version);
	deinit_fact(&facts->machine);
	deinit_fact(&facts->run_state);
	deinit_fact(&facts->accelerator);
	free(facts->notice);
	free(facts->origin);
	gg_nested_name_deinit(&facts->nested);
	*facts = (struct gg_source_facts){ .layout = NULL };
}

struct gg_error *gg_fact_read(struct gg_fact *fact, struct gg_source *source,
			      struct gg_error *(*read)(struct gg_source *source, char **ret))
{
	char *text = NULL;
	struct gg_error *err = read(source, &text);
	if (gg_error_is_final(err))
		return err;
	*fact = (struct gg_fact){ .text = err ? NULL : text, .err = err };
	return NULL;
}
