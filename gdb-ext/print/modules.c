// SPDX-License-Identifier: GPL-3.0-or-later
//
// The list of modules, and the symbols of a module, as text or as JSON, an object on a line for each.
#include "modules.h"
#include "base/json.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *gg_module_state_word(const struct gg_module *module)
{
	static const char *const words[] = { [GG_MODULE_LIVE] = "Live",
					     [GG_MODULE_COMING] = "Loading",
					     [GG_MODULE_GOING] = "Unloading" };
	return words[module->state];
}

// Makes the digits of the build ID; empty without.
static void build_id_text(const struct gg_module_facts *facts, char ret[2 * GG_BUILD_ID_MAX + 1])
{
	ret[0] = 0;
	for (size_t i = 0; i < facts->build_id_size; i++)
		snprintf(ret + 2 * i, 3, "%02x", facts->build_id[i]);
}

// ---- JSON ----

static void append_ranges_json(struct gg_buffer *out, const struct gg_module *module)
{
	gg_json_open_array(out, "ranges");
	for (size_t i = 0; i < GG_MODULE_RANGES; i++) {
		if (!module->ranges[i].size)
			continue;
		gg_json_open_object(out, NULL);
		gg_json_address(out, "start", module->ranges[i].start);
		gg_json_uint(out, "size", module->ranges[i].size);
		gg_json_close_object(out);
	}
	gg_json_close_array(out);
}

static void append_json(struct gg_buffer *out, const struct gg_module_facts *facts)
{
	const struct gg_module *module = facts->module;
	char build_id[2 * GG_BUILD_ID_MAX + 1];
	build_id_text(facts, build_id);
	gg_json_open_object(out, NULL);
	gg_json_string(out, "name", module->name);
	gg_json_address(out, "address", module->ranges[0].start);
	gg_json_uint(out, "size", module->size);
	if (module->references < 0)
		gg_json_null(out, "references");
	else
		gg_json_uint(out, "references", (uint64_t)module->references);
	gg_json_open_array(out, "users");
	for (size_t i = 0; i < facts->user_count; i++)
		gg_json_string(out, NULL, facts->users[i]);
	gg_json_close_array(out);
	gg_json_string(out, "state", gg_module_state_word(module));
	gg_json_bool(out, "permanent", module->is_permanent);
	gg_json_string(out, "taints", facts->taints);
	gg_json_string(out, "build_id", *build_id ? build_id : NULL);
	append_ranges_json(out, module);
	gg_json_address(out, "module", module->address);
	gg_json_close_object(out);
	gg_json_end_line(out);
}

// ---- Text ----

static void append_details(struct gg_buffer *out, const struct gg_module_facts *facts)
{
	const struct gg_module *module = facts->module;
	char build_id[2 * GG_BUILD_ID_MAX + 1];
	build_id_text(facts, build_id);
	gg_buffer_format(out, "    build ID %s\n", *build_id ? build_id : "not known");
	gg_buffer_format(out, "    struct module at 0x%" PRIx64 "\n", module->address);
	for (size_t i = 0; i < GG_MODULE_RANGES; i++) {
		const struct gg_module_range *range = &module->ranges[i];
		if (!range->size)
			continue;
		gg_buffer_format(out, "    0x%016" PRIx64 "-0x%016" PRIx64 "  ", range->start,
				 range->start + range->size - 1);
		gg_append_size(out, range->size);
		gg_buffer_format(out, "\n");
	}
}

// Appends the state where it is not "Live", the taints, the users: what is rare stands last.
static void append_rest(struct gg_buffer *out, const struct gg_module_facts *facts)
{
	const struct gg_module *module = facts->module;
	for (size_t i = 0; i < facts->user_count; i++)
		gg_buffer_format(out, "%s%s", i ? "," : "  ", facts->users[i]);
	if (module->is_permanent)
		gg_buffer_format(out, "  [permanent]");
	if (module->state != GG_MODULE_LIVE)
		gg_buffer_format(out, "  %s", gg_module_state_word(module));
	if (facts->taints[0])
		gg_buffer_format(out, "  (%s)", facts->taints);
	gg_buffer_format(out, "\n");
}

static void append_text(struct gg_buffer *out, const struct gg_module_facts *facts, int width)
{
	const struct gg_module *module = facts->module;
	gg_buffer_format(out, "%-*s 0x%016" PRIx64 " %9" PRIu64, width, module->name,
			 module->ranges[0].start, module->size);
	if (module->references < 0)
		gg_buffer_format(out, "     ?");
	else
		gg_buffer_format(out, " %5" PRId64, module->references);
	append_rest(out, facts);
}

// ---- Commands ----

// Returns the width of the names, within limits.
static int width_of(const struct gg_module *modules, size_t count)
{
	enum { LEAST = 16, MOST = 34 };
	size_t width = LEAST;
	for (size_t i = 0; i < count; i++) {
		const size_t length = strlen(modules[i].name);
		width = length > width ? length : width;
	}
	return width < MOST ? (int)width : MOST;
}

static struct gg_error *print_one(struct gg_guest *guest, const struct gg_module *module,
				  const struct gg_modules_options *options, int width,
				  const struct gg_notices *notices, struct gg_buffer *out)
{
	struct gg_module_facts facts;
	struct gg_error *err = gg_guest_module_facts(guest, module, notices, &facts);
	if (err)
		return err;
	if (options->json)
		append_json(out, &facts);
	else
		append_text(out, &facts, width);
	if (!options->json && options->verbose)
		append_details(out, &facts);
	gg_module_facts_deinit(&facts);
	return NULL;
}

static struct gg_error *print_all(struct gg_guest *guest, const struct gg_modules_options *options,
				  const struct gg_notices *notices, struct gg_buffer *out)
{
	const struct gg_module_list *list = NULL;
	const struct gg_module *only = NULL;
	struct gg_error *err =
		options->name ? gg_guest_module(guest, options->name, notices, &only) : NULL;
	if (!err && !only)
		err = gg_guest_modules(guest, notices, &list);
	if (err)
		return err;
	const int width = only ? width_of(only, 1) : width_of(list->modules, list->count);
	if (!options->json && (only || list->count))
		gg_buffer_format(out, "%-*s %-18s %9s %5s  USED BY\n", width, "MODULE", "ADDRESS",
				 "SIZE", "REFS");
	if (only)
		return print_one(guest, only, options, width, notices, out);
	for (size_t i = 0; !err && i < list->count; i++)
		err = print_one(guest, &list->modules[i], options, width, notices, out);
	return err || list->count ? err : gg_tell(notices, "the kernel has loaded no module");
}

struct symbol_view {
	struct gg_buffer *out;
	bool json;
};

static struct gg_error *append_symbol(void *data, const struct gg_symbol *symbol)
{
	const struct symbol_view *view = data;
	if (!view->json) {
		gg_buffer_format(view->out, "0x%016" PRIx64 " %c %s\n", symbol->address,
				 symbol->type, symbol->name);
		return NULL;
	}
	gg_json_open_object(view->out, NULL);
	gg_json_address(view->out, "address", symbol->address);
	gg_json_string(view->out, "type", (const char[]){ symbol->type, 0 });
	gg_json_string(view->out, "name", symbol->name);
	gg_json_uint(view->out, "size", symbol->size);
	gg_json_string(view->out, "module", symbol->module);
	gg_json_close_object(view->out);
	gg_json_end_line(view->out);
	return NULL;
}

static struct gg_error *print_symbols(struct gg_guest *guest,
				      const struct gg_modules_options *options,
				      const struct gg_notices *notices, struct gg_buffer *out)
{
	const struct gg_module *module;
	struct symbol_view view = { .out = out, .json = options->json };
	struct gg_error *err = gg_guest_module(guest, options->symbols, notices, &module);
	return err ? err : gg_guest_module_symbols(guest, module, append_symbol, &view);
}

struct gg_error *gg_print_modules(struct gg_guest *guest, const struct gg_modules_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_buffer out = { 0 };
	struct gg_error *err = options->symbols ? print_symbols(guest, options, notices, &out)
						: print_all(guest, options, notices, &out);
	if (!err)
		err = gg_write_out(&out, writer);
	gg_buffer_deinit(&out);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option mod_options[] = {
	{ .name = "symbols",
	  .kind = GG_VALUE_MODULE,
	  .help = "The symbols of MODULE in place of the list, ascending by address." },
	{ .name = "v",
	  .kind = GG_VALUE_FLAG,
	  .help = "The build ID of each module, and where its parts are." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each module or symbol, on a line of its own." },
	{ 0 }
};

static const struct gg_option mod_arguments[] = {
	{ .name = "module", .kind = GG_VALUE_MODULE, .label = "[MODULE]" }, { 0 }
};

const struct gg_command gg_command_mod = {
	.name = "mod",
	.gdb_name = "guest-mod",
	.summary = "List the modules of the guest's Linux kernel, as lsmod in the guest would.",
	.targets = GG_ALL_TARGETS,
	.help = "Each module has the address of its code, its size, the number of its\n"
		"users and the modules among them, a state other than Live, and the\n"
		"letters of what it taints the kernel with, in parentheses.\n\n"
		"Symbols of modules serve in all commands: guest-x fuse_dev_read, or\n"
		"fuse:fuse_dev_read where several modules have the name.",
	.options = mod_options,
	.run = gg_run_mod,
	.arguments = mod_arguments,
};
