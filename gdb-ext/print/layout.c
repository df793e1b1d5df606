// SPDX-License-Identifier: GPL-3.0-or-later
//
// The members of QEMU's structures, each with its place by the debuginfo and as found without it,
// and the proof; or as JSON, an object on a line each:
//
//     {"type":"CPUState","member":"cpu_index","by_types":{"offset":680,"size":4},
//      "by_structure":{"offset":680,"size":4},"proof":"..."}
//
// "by_types" and "by_structure" are null where they are not known.
#include "info.h"
#include "words.h"
#include "base/json.h"
#include "guest/guest.h"

#include <inttypes.h>

struct printer {
	bool json;
	struct gg_buffer out;
};

static void append_place(struct gg_buffer *out, const char *words, const struct gg_member *member)
{
	gg_buffer_format(out, "%s", words);
	if (member)
		gg_buffer_format(out, "+%" PRIu64 ", %" PRIu64 " bytes", member->offset,
				 member->size);
	else
		gg_buffer_format(out, "unknown");
}

static void append_agreement(struct gg_buffer *out, const struct gg_member *types,
			     const struct gg_member *structure)
{
	const bool same_offset = types && structure && types->offset == structure->offset;
	if (!structure) {
		gg_buffer_format(out, "NOT FOUND");
	} else if (!types) {
		append_place(out, "by structure only, ", structure);
	} else if (same_offset && types->size >= structure->size) {
		append_place(out, "both agree, ", types);
		if (types->size > structure->size) // QEMU saves some arrays in part
			gg_buffer_format(out, ", of which %" PRIu64 " are saved", structure->size);
	} else {
		append_place(out, "DIFFER, by types ", types);
		append_place(out, ", by structure ", structure);
	}
}

void gg_append_layout(struct gg_buffer *out, const struct gg_structure_row *row)
{
	gg_buffer_format(out, "%s%s%s: ", row->type, *row->path ? "." : "", row->path);
	append_agreement(out, row->by_types, row->by_structure);
	gg_buffer_format(out, " (%s)\n", row->proof);
}

static void append_json_member(struct gg_buffer *out, const char *key,
			       const struct gg_member *member)
{
	if (!member) {
		gg_json_null(out, key);
		return;
	}
	gg_json_open_object(out, key);
	gg_json_uint(out, "offset", member->offset);
	gg_json_uint(out, "size", member->size);
	gg_json_close_object(out);
}

static struct gg_error *append_row(void *data, const struct gg_structure_row *row)
{
	struct printer *printer = data;
	struct gg_buffer *const out = &printer->out;
	if (printer->json) {
		gg_json_open_object(out, NULL);
		gg_json_string(out, "type", row->type);
		gg_json_string(out, "member", row->path);
		append_json_member(out, "by_types", row->by_types);
		append_json_member(out, "by_structure", row->by_structure);
		gg_json_string(out, "proof", row->proof);
		gg_json_close_object(out);
		gg_json_end_line(out);
		return NULL;
	}
	gg_append_layout(out, row);
	return NULL;
}

struct gg_error *gg_print_layout(struct gg_guest *guest, const struct gg_info_options *options,
				 const struct gg_writer *writer)
{
	struct printer printer = { .json = options->json };
	struct gg_error *err = gg_guest_compare_layouts(guest, append_row, &printer);
	if (!err)
		err = gg_write_out(&printer.out, writer);
	gg_buffer_deinit(&printer.out);
	return err;
}
