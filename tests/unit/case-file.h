// SPDX-License-Identifier: GPL-3.0-or-later
//
// Cases: texts in a folder of tests/, each a test. The first line is "# " and the sentence that the
// case proves.
#ifndef CASE_FILE_H
#define CASE_FILE_H

#include "unit.h"

#include "base/buffer.h"

// Runs FUNCTION for each tests/FOLDER/*.case; *state is the case's path. Returns the number of
// failed cases; no case is a failure too.
int run_cases(const char *folder, CMUnitTestFunction function);

// Calls FUNCTION with each line of the case at PATH.
void for_lines(const char *path, void (*function)(void *data, const char *line), void *data);

// Copies *TEXT up to END, a line's end or its own, with \n, \e, \\, \" and \xHH as in C; *TEXT moves
// behind END. The caller frees the copy, which has SIZE bytes and a NUL.
char *unescape(const char **text, char end, size_t *size);

// Appends to EXPECTED the text behind the word "expect", as a line.
void add_expected(struct gg_buffer *expected, const char *text);

// Fails unless both texts are the same, and empties them.
void assert_same_text(struct gg_buffer *got, struct gg_buffer *expected);

#endif
