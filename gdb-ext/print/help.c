// SPDX-License-Identifier: GPL-3.0-or-later
//
// The help text of a command, made from its row.
#include "command.h"
#include "base/buffer.h"

#include <ctype.h>
#include <string.h>

static void append(struct gg_buffer *text, const char *piece)
{
	gg_buffer_append(text, piece, strlen(piece));
}

static void append_paragraph(struct gg_buffer *text, const char *paragraph)
{
	append(text, paragraph ? "\n\n" : "");
	append(text, paragraph ? paragraph : "");
}

static void append_words(struct gg_buffer *text, const struct gg_option *option)
{
	const char *separator = "";
	for (unsigned int i = 0; i < gg_option_word_count(option); i++)
		if (gg_option_word(option, i)) {
			append(text, separator);
			append(text, gg_option_word(option, i));
			separator = "|";
		}
}

// Appends the place of the value in the option's line.
static void append_value(struct gg_buffer *text, const struct gg_option *option)
{
	static const char *const labels[] = {
		[GG_VALUE_INTEGER] = " N",     [GG_VALUE_CPU] = " N",     [GG_VALUE_CPUS] = " CPUS",
		[GG_VALUE_FILE] = " FILE",     [GG_VALUE_TEXT] = " TEXT", [GG_VALUE_TIME] = " TIME",
		[GG_VALUE_WORD] = " ",         [GG_VALUE_WORDS] = " ",    [GG_VALUE_LEVELS] = " ",
		[GG_VALUE_MODULE] = " MODULE", [GG_VALUE_NESTED] = " N",
	};
	if (option->kind == GG_VALUE_FLAG)
		return;
	append(text, labels[option->kind]);
	if (!option->words && !option->word)
		return;
	append_words(text, option);
	append(text, option->kind == GG_VALUE_LEVELS  ? "[+][,...]"
		     : option->kind == GG_VALUE_WORDS ? "[,...]"
						      : "");
}

static void append_usage(struct gg_buffer *text, const struct gg_command *command, bool is_debugger)
{
	append(text, is_debugger ? "\nUsage: " : "\nUsage: guest-core FILE ");
	append(text, is_debugger ? command->gdb_name : command->name);
	append(text, gg_option_count(command->options) ? " [OPTION]..." : "");
	for (const struct gg_option *row = command->arguments; row && row->name; row++) {
		append(text, gg_option_exists(row, is_debugger) ? " " : "");
		append(text, gg_option_exists(row, is_debugger) ? row->label : "");
	}
}

static void append_options(struct gg_buffer *text, const struct gg_command *command,
			   bool is_debugger)
{
	const char *separator = "\n\nOptions:\n  -";
	for (const struct gg_option *row = command->options; row && row->name; row++) {
		if (!gg_option_exists(row, is_debugger))
			continue;
		append(text, separator);
		append(text, row->name);
		append_value(text, row);
		append(text, "\n    ");
		append(text, row->help);
		separator = "\n  -";
	}
}

char *gg_command_help(const struct gg_command *command, bool is_debugger)
{
	struct gg_buffer text = { 0 };
	append(&text, command->summary);
	append_usage(&text, command, is_debugger);
	append_paragraph(&text, is_debugger ? command->targets : NULL);
	append_paragraph(&text, command->help);
	append_paragraph(&text, is_debugger ? command->debugger_help : command->alone_help);
	append_options(&text, command, is_debugger);
	gg_buffer_append(&text, "", 1);
	if (text.failed) {
		gg_buffer_deinit(&text);
		return NULL;
	}
	return (char *)text.bytes;
}
