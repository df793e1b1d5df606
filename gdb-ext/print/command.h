// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parser's view of a command, which completion and help share.
#ifndef GG_COMMAND_H
#define GG_COMMAND_H

#include "base/error.h"

#include <gdb-guest/command.h>

// A command line's words.
struct gg_words {
	char **words;
	size_t count;
};

// Splits the SIZE bytes at TEXT as GDB does: at white space, but for what quotes or a backslash
// protect.
struct gg_error *gg_words_split(const char *text, size_t size, struct gg_words *ret);
void gg_words_deinit(struct gg_words *words);

size_t gg_option_count(const struct gg_option *rows);

// The option that WORD, with its dash, names; NULL without one. Options that need a debugger exist only
// where there is one.
const struct gg_option *gg_option_find(const struct gg_command *command, const char *word,
				       bool is_debugger);

// Tests whether the row exists in the front end.
bool gg_option_exists(const struct gg_option *row, bool is_debugger);

// The row's word NUMBER, NULL where the number has none.
const char *gg_option_word(const struct gg_option *option, unsigned int number);
unsigned int gg_option_word_count(const struct gg_option *option);

bool gg_argument_is_optional(const struct gg_option *argument);

// NAME with a home in the place of a leading ~ or ~USER, as in GDB's own commands. The caller frees it; NULL
// without memory.
char *gg_expand_home(const char *name);

#endif
