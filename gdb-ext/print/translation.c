// SPDX-License-Identifier: GPL-3.0-or-later
//
// The way of a virtual address through the page tables, as text and as JSON.
#include "base/json.h"
#include "words.h"
#include "guest/address.h"
#include "rows.h"
#include "run.h"

#include <gdb-guest/virtual.h>

#include <inttypes.h>
#include <stdio.h>

struct walk {
	const struct gg_translation_options *options;
	struct gg_buffer text;
	size_t entries;
	// The last entry, for the error.
	char level[16];
	gg_gpa_t gpa;
	uint64_t value;
};

static struct gg_error *append_entry(void *data, const struct gg_walk_entry *entry)
{
	struct walk *walk = data;
	struct gg_buffer *text = &walk->text;
	walk->entries++;
	snprintf(walk->level, sizeof(walk->level), "%s", entry->level);
	walk->gpa = entry->gpa;
	walk->value = entry->value;
	if (walk->options->json) {
		gg_json_open_object(text, NULL);
		gg_json_string(text, "level", entry->level);
		gg_json_address(text, "gpa", entry->gpa);
		gg_json_address(text, "value", entry->value);
		gg_json_string(text, "flags", entry->flags);
		gg_json_close_object(text);
	} else {
		gg_buffer_format(text, "%-5s at 0x%016" PRIx64 "  0x%016" PRIx64 "%s%s\n",
				 entry->level, entry->gpa, entry->value, *entry->flags ? "  " : "",
				 entry->flags);
	}
	return gg_buffer_check(text);
}

static void append_result(struct walk *walk, const struct gg_translation *translation)
{
	struct gg_buffer *text = &walk->text;
	gg_buffer_format(text, "guest-physical 0x%" PRIx64, translation->gpa);
	if (walk->entries) {
		gg_buffer_format(text, " in a page of ");
		gg_append_size(text, translation->page_size);
	} else {
		gg_buffer_format(text, ", paging is off");
	}
	if (translation->block)
		gg_buffer_format(text, ", %s + 0x%" PRIx64, translation->block,
				 translation->block_offset);
	else
		gg_buffer_format(text, ", not RAM");
	gg_buffer_format(text, "%s\n", translation->absent ? ", absent" : "");
}

static void append_json_result(struct walk *walk, const struct gg_translation *translation)
{
	struct gg_buffer *text = &walk->text;
	gg_json_close_array(text);
	gg_json_bool(text, "mapped", translation->mapped);
	if (translation->mapped)
		gg_json_address(text, "gpa", translation->gpa);
	else
		gg_json_null(text, "gpa");
	if (translation->mapped && walk->entries)
		gg_json_uint(text, "page_size", translation->page_size);
	else
		gg_json_null(text, "page_size");
	gg_json_string(text, "block", translation->block);
	if (translation->block)
		gg_json_address(text, "offset", translation->block_offset);
	else
		gg_json_null(text, "offset");
	gg_json_bool(text, "absent", translation->absent);
	gg_json_close_object(text);
	gg_json_end_line(text);
}

static struct gg_error *walk_tables(struct gg_guest *guest, gg_gva_t address, struct walk *walk,
				    const struct gg_writer *writer,
				    const struct gg_notices *notices)
{
	struct gg_address_space *space;
	struct gg_translation translation = { 0 };
	struct gg_error *err =
		gg_guest_address_space(guest, walk->options->address.cpu, notices, &space);
	if (err)
		return err;
	if (walk->options->json) {
		gg_json_open_object(&walk->text, NULL);
		gg_json_address(&walk->text, "address", address);
		gg_json_open_array(&walk->text, "entries");
	}
	err = gg_address_space_walk(space, address, append_entry, walk, &translation);
	if (err)
		return err;
	if (walk->options->json)
		append_json_result(walk, &translation);
	else if (translation.mapped)
		append_result(walk, &translation);
	err = gg_write_out(&walk->text, writer);
	if (err || translation.mapped)
		return err;
	return gg_error_fault(address,
			      "0x%" PRIx64 " is not mapped: its %s at guest-physical 0x%" PRIx64
			      " is 0x%" PRIx64 ", not present",
			      address, walk->level, walk->gpa, walk->value);
}

struct gg_error *gg_print_translation(struct gg_guest *guest,
				      const struct gg_translation_options *options,
				      const struct gg_writer *writer,
				      const struct gg_notices *notices)
{
	struct walk walk = { .options = options };
	struct gg_named_address named;
	struct gg_error *err = gg_guest_evaluate(guest, &options->address, notices, &named);
	if (err)
		return err;
	err = walk_tables(guest, named.address, &walk, writer, notices);
	gg_buffer_deinit(&walk.text);
	gg_named_address_deinit(&named);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option vtop_options[] = {
	{ .name = "cpu",
	  .kind = GG_VALUE_CPU,
	  .help = "Through the page tables of CPU N; without -cpu, through the page tables of\n"
		  "    the guest's kernel." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "One JSON object: the entries, and the guest-physical address." },
	{ 0 }
};

static const struct gg_option vtop_arguments[] = {
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "ADDR" }, { 0 }
};

const struct gg_command gg_command_vtop = {
	.name = "vtop",
	.gdb_name = "guest-vtop",
	.summary = "Show how the guest's page tables translate the virtual address ADDR.",
	.targets = GG_ALL_TARGETS,
	.help = "ADDR is as in guest-x.  Each entry on the way is shown with its\n"
		"guest-physical address, its value and its flags; the last line shows\n"
		"the guest-physical address, and its place in QEMU's memory.",
	.options = vtop_options,
	.run = gg_run_vtop,
	.arguments = vtop_arguments,
};
