// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parser's view of a command, which completion and help share.
#ifndef GG_COMMAND_H
#define GG_COMMAND_H

#include "base/error.h"

#include <gdb-guest/command.h>

// The words of a command line.
struct gg_words {
	char **words;
	size_t count;
};

// Splits the SIZE bytes at TEXT as GDB does: at white space, but for what quotes or a backslash
// protect.
struct gg_error *gg_words_split(const char *text, size_t size, struct gg_words *ret);
void gg_words_deinit(struct gg_words *words);

// Counts the rows before the row without a name; ROWS may be NULL.
size_t gg_option_count(const struct gg_option *rows);

// Finds the option that WORD, with its dash, names; NULL where COMMAND has no such option.
const struct gg_option *gg_option_find(const struct gg_command *command, const char *word,
				       bool is_debugger);

// Tests whether the row exists in the front end.
bool gg_option_exists(const struct gg_option *row, bool is_debugger);

// Returns the row's word NUMBER; NULL where the number has no word.
const char *gg_option_word(const struct gg_option *option, unsigned int number);
unsigned int gg_option_word_count(const struct gg_option *option);

bool gg_argument_is_optional(const struct gg_option *argument);

// Returns a copy of NAME with a home in the place of a leading ~ or ~USER, as in GDB's own
// commands. The caller frees the copy; NULL without memory.
char *gg_expand_home(const char *name);

#endif
