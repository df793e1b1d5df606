// SPDX-License-Identifier: GPL-3.0-or-later
#include "mapped-runs.h"

#include <gdb-guest/interrupt.h>

// The run that may still grow.
struct growing {
	struct gg_mapped_run run;
	gg_visit_run_fn *visit;
	void *data;
};

static struct gg_error *end_run(struct growing *growing)
{
	struct gg_error *err =
		growing->run.size ? growing->visit(growing->data, &growing->run) : NULL;
	growing->run = (struct gg_mapped_run){ 0 };
	return err;
}

static struct gg_error *add(struct growing *growing, const struct gg_mapped_run *piece)
{
	struct gg_mapped_run *run = &growing->run;
	struct gg_error *err = NULL;
	if (run->size && run->gva + run->size == piece->gva && run->gpa + run->size == piece->gpa) {
		run->size += piece->size;
		return NULL;
	}
	err = end_run(growing);
	*run = *piece;
	return err;
}

// Maps GVA; an unreadable table counts as unmapped, as far as it reaches, and so do equal entries
// behind GVA's.
static struct gg_error *look(struct gg_page_table *table, struct gg_page_leaf *leaf, gg_gva_t gva,
			     struct gg_mapping *ret)
{
	struct gg_error *err = gg_interrupt_check();
	if (!err)
		err = gg_page_table_map_near(table, leaf, gva, ret);
	if (!err || gg_error_is_final(err))
		return err;
	gg_error_destroy(err);
	*ret = (struct gg_mapping){ .size = gg_page_table_reach(table, gva) };
	return NULL;
}

struct gg_error *gg_mapped_runs(struct gg_page_table *table, gg_gva_t start, gg_gva_t last,
				uint64_t *looks, gg_visit_run_fn *visit, void *data)
{
	struct growing growing = { .visit = visit, .data = data };
	struct gg_page_leaf leaf;
	leaf.size = 0;
	for (gg_gva_t gva = start; *looks; (*looks)--) {
		struct gg_mapping mapping;
		struct gg_error *err = look(table, &leaf, gva, &mapping);
		const bool is_last = !err && mapping.size > last - gva;
		const struct gg_mapped_run piece = {
			.gva = gva,
			.gpa = mapping.gpa,
			.size = is_last ? last - gva + 1 : mapping.size,
		};
		if (!err && mapping.present)
			err = add(&growing, &piece);
		if (err)
			return err;
		if (is_last)
			break;
		gva += mapping.size;
	}
	return end_run(&growing);
}
