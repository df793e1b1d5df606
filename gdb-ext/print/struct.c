// SPDX-License-Identifier: GPL-3.0-or-later
//
// The kernel's types and values of them.
//
// In:  types, and memory at addresses.
// Out: a layout, or a value at a time. What is not there is named so, and has no value.
#include "struct.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/notices.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- Values ----

static void append_name(struct gg_buffer *text, const struct gg_struct_query *query,
			const struct gg_type *type)
{
	const char *const keyword = type->kind == GG_TYPE_STRUCT  ? "struct "
				    : type->kind == GG_TYPE_UNION ? "union "
				    : type->kind == GG_TYPE_ENUM  ? "enum "
								  : "";
	// A typedef has the name of its own.
	gg_buffer_format(text, "%s%s", strcmp(type->name, query->type) ? "" : keyword, query->type);
}

// Appends "struct T at 0xADDRESS <symbol>", or opens the object.
static struct gg_error *append_head(struct gg_struct_print *print, const struct gg_type *type,
				    gg_gva_t address)
{
	_cleanup_free_ char *symbol = NULL;
	struct gg_buffer *text = &print->text;
	struct gg_error *err =
		gg_guest_symbol_text(print->guest, address, &print->named, print->notices, &symbol);
	if (err)
		return err;
	if (print->options->json) {
		gg_json_open_object(text, NULL);
		gg_json_string(text, "type", print->query.type);
		gg_json_address(text, "address", address);
		gg_json_string(text, "symbol", symbol);
		return NULL;
	}
	append_name(text, &print->query, type);
	gg_buffer_format(text, " at 0x%" PRIx64, address);
	if (symbol)
		gg_buffer_format(text, " <%s>", symbol);
	gg_buffer_format(text, "\n");
	return NULL;
}

static struct gg_error *append_named(struct gg_struct_print *print, const struct gg_object *object,
				     const char *name, const struct gg_btf_member *member)
{
	if (print->options->json)
		return gg_json_value(print, object, member, name);
	gg_buffer_format(&print->text, "  %s = ", name);
	struct gg_error *err = gg_append_value(print, object, member, 2);
	gg_buffer_format(&print->text, "\n");
	return err;
}

// Appends the members of OBJECT, a struct or union, those of anonymous members among them.
static struct gg_error *append_members(struct gg_struct_print *print,
				       const struct gg_object *object, const struct gg_type *type,
				       uint64_t bit_offset)
{
	struct gg_error *err = NULL;
	for (uint32_t i = 0; !err && i < type->count; i++) {
		struct gg_btf_member member;
		struct gg_type own;
		const char *name;
		err = gg_btf_member_at(print->query.btf, type, i, &name, &member);
		member.bit_offset += bit_offset;
		if (!err && *name)
			err = append_named(print, object, name, &member);
		else if (!err)
			err = gg_btf_type(print->query.btf, member.type, &own);
		if (!err && !*name && gg_type_is_composite(&own))
			err = append_members(print, object, &own, member.bit_offset);
	}
	return err;
}

static struct gg_error *tell_missing(const struct gg_struct_print *print,
				     const struct gg_object *object)
{
	return object->err ? gg_tell(print->notices, "not all of it is there: %s",
				     gg_error_message(object->err))
			   : NULL;
}

static struct gg_error *append_whole(struct gg_struct_print *print, const struct gg_type *type,
				     gg_gva_t address)
{
	const struct gg_btf_member whole = { .type = type->id, .size = type->size };
	struct gg_object object;
	struct gg_error *err =
		gg_object_read(&object, &print->query.kernel->memory.host, address, type->size);
	if (err)
		return err;
	if (gg_type_is_composite(type) && print->options->json)
		err = gg_json_value(print, &object, &whole, "value");
	else if (gg_type_is_composite(type))
		err = append_members(print, &object, type, 0);
	else
		err = append_named(print, &object, "value", &whole);
	if (!err)
		err = tell_missing(print, &object);
	gg_object_deinit(&object);
	return err;
}

// Appends the member PATH of the value at ADDRESS; reads no more than the member.
static struct gg_error *append_path(struct gg_struct_print *print, const char *path,
				    gg_gva_t address)
{
	struct gg_struct_place place;
	struct gg_object object;
	struct gg_error *err = gg_struct_find(&print->query, path, address, true, &place);
	if (err)
		return err;
	const uint64_t byte = place.member.bit_offset / 8;
	const uint64_t bits = place.member.bit_offset % 8 + place.member.bits;
	const uint64_t size = place.member.bits ? (bits + 7) / 8 : place.member.size;
	err = gg_object_read(&object, &print->query.kernel->memory.host, place.address + byte,
			     size);
	if (err)
		return gg_error_context(err, "%s.%s", print->query.type, path);
	place.member.bit_offset %= 8;
	err = append_named(print, &object, path, &place.member);
	if (!err)
		err = tell_missing(print, &object);
	gg_object_deinit(&object);
	return err;
}

static struct gg_error *append_paths(struct gg_struct_print *print, gg_gva_t address)
{
	struct gg_error *err = NULL;
	if (print->options->json)
		gg_json_open_object(&print->text, "value");
	for (size_t i = 0; !err && i < print->query.path_count; i++)
		err = append_path(print, print->query.paths[i], address);
	if (print->options->json)
		gg_json_close_object(&print->text);
	return err;
}

struct gg_error *gg_struct_value(struct gg_struct_print *print, gg_gva_t address)
{
	struct gg_type type;
	struct gg_error *err = gg_btf_type(print->query.btf, print->query.id, &type);
	if (!err && !type.size)
		err = gg_error_create(GG_INVALID, "%s has no size, and no values",
				      print->query.type);
	if (!err)
		err = append_head(print, &type, address);
	if (!err && print->query.path_count)
		err = append_paths(print, address);
	else if (!err)
		err = append_whole(print, &type, address);
	if (err)
		return err;
	if (print->options->json) {
		gg_json_close_object(&print->text);
		gg_json_end_line(&print->text);
	}
	return gg_write_out(&print->text, print->writer);
}

static struct gg_error *visit_value(void *data, gg_gva_t address)
{
	return gg_struct_value(data, address);
}

// ---- The address ----

static struct gg_error *find_task(struct gg_struct_print *print)
{
	struct gg_tasks tasks;
	char *end;
	const char *text = print->options->pid;
	const long pid = strtol(text, &end, 10);
	if (*end || end == text || pid < 0 || pid > INT32_MAX)
		return gg_error_create(GG_INVALID, "-pid is the number of a task, not \"%s\"",
				       text);
	if (strcmp(print->query.type, "task_struct"))
		return gg_error_create(GG_INVALID,
				       "-pid leads to a task_struct, not to a %s: "
				       "task_struct.MEMBER->MEMBER leads on",
				       print->query.type);
	struct gg_error *err = gg_guest_tasks(print->guest, print->notices, &tasks);
	if (err)
		return err;
	const struct gg_task *task = gg_tasks_of_pid(&tasks, (int32_t)pid);
	if (task)
		print->named.address = task->address;
	else
		err = gg_error_create(GG_NOT_FOUND, "no task has the PID %ld", pid);
	gg_tasks_deinit(&tasks);
	return err;
}

static struct gg_error *check_options(const struct gg_struct_options *options)
{
	if (options->pid && options->address.text)
		return gg_error_create(GG_INVALID, "-pid and an address do not go together");
	if (options->list && !options->address.text && !options->pid)
		return gg_error_create(GG_INVALID, "-list takes the address of the first value");
	if (options->is_head && !options->list)
		return gg_error_create(GG_INVALID, "-head goes with -list MEMBER");
	return NULL;
}

static struct gg_error *print_values(struct gg_struct_print *print)
{
	const struct gg_struct_options *options = print->options;
	struct gg_error *err = options->pid ? find_task(print)
					    : gg_guest_evaluate(print->guest, &options->address,
								print->notices, &print->named);
	if (err)
		return err;
	if (options->list)
		return gg_struct_walk(&print->query, options->list, print->named.address,
				      options->is_head, options->limit, print->notices, visit_value,
				      print);
	return gg_struct_value(print, print->named.address);
}

struct gg_error *gg_print_struct(struct gg_guest *guest, const struct gg_struct_options *options,
				 const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct gg_struct_print print = {
		.guest = guest, .options = options, .writer = writer, .notices = notices
	};
	struct gg_error *err = check_options(options);
	if (!err)
		err = gg_struct_query_init(&print.query, guest, options->type, notices);
	if (!err && (options->address.text || options->pid))
		err = print_values(&print);
	else if (!err)
		err = gg_struct_layout(&print);
	gg_struct_query_deinit(&print.query);
	gg_named_address_deinit(&print.named);
	gg_buffer_deinit(&print.text);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option struct_options[] = {
	{ .name = "pid",
	  .kind = GG_VALUE_TEXT,
	  .help = "The task_struct of this task, in the place of ADDRESS." },
	{ .name = "cpu",
	  .kind = GG_VALUE_CPU,
	  .help = "ADDRESS is of this CPU: its own per-CPU variable, its register." },
	{ .name = "list",
	  .kind = GG_VALUE_TEXT,
	  .help = "All values that are linked by this member, from the value at ADDRESS on: a\n"
		  "    list_head, a hlist_node, or a pointer to the next ..." },
	{ .name = "head",
	  .kind = GG_VALUE_FLAG,
	  .help = "... where ADDRESS is the list's head, which is in no value ..." },
	{ .name = "limit",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = UINT64_MAX,
	  .help = "... and at most so many of them (10000)." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each value, or of a layout for each member, on a line of\n"
		  "    its own." },
	{ 0 }
};

static const struct gg_option struct_arguments[] = {
	{ .name = "type", .kind = GG_VALUE_TYPE, .label = "TYPE[.MEMBER,...]" },
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "[ADDRESS]" },
	{ 0 }
};

const struct gg_command gg_command_struct = {
	.name = "struct",
	.gdb_name = "guest-struct",
	.summary = "Show the layout of a type of the guest's kernel, or memory as a value of it.",
	.targets = GG_ALL_TARGETS,
	.help = "TYPE is a struct, union, enumeration or typedef; no debuginfo is needed.\n"
		"Alone it is shown with the offset and the size of each member, in bytes\n"
		"(24:5 is bit 5 of byte 24).  With ADDRESS, a symbol or a number, the\n"
		"value there is shown.  With members only these are shown, and read;\n"
		"they are paths, \"mm->pgd\" and \"cpus_mask.bits[0]\" too, quoted\n"
		"because of the \">\" where a shell sees them.  Memory that is not there\n"
		"is called so.\n\n"
		"The tasks by name:  guest-struct task_struct.pid,comm init_task -list tasks\n"
		"The modules:  guest-struct module.name modules -head -list list\n"
		"A task's memory:  guest-struct 'task_struct.mm->total_vm' -pid 1",
	.options = struct_options,
	.run = gg_run_struct,
	.arguments = struct_arguments,
};
