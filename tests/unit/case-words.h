// SPDX-License-Identifier: GPL-3.0-or-later
//
// The words of a case's line. Each function takes what it finds from the start of LINE.
#ifndef CASE_WORDS_H
#define CASE_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Takes the word KEY.
static inline bool take_word(const char **line, const char *key)
{
	const size_t size = strlen(key);
	*line += strspn(*line, " ");
	if (strncmp(*line, key, size))
		return false;
	*line += size;
	return true;
}

// Takes a number, which may be negative.
static inline bool take_number(const char **line, uint64_t *ret)
{
	char *end;
	*line += strspn(*line, " ");
	if ((**line < '0' || **line > '9') && **line != '-')
		return false;
	*ret = **line == '-' ? (uint64_t)strtoll(*line, &end, 0) : strtoull(*line, &end, 0);
	*line = end;
	return true;
}

// Tests whether nothing follows.
static inline bool at_end(const char *line)
{
	line += strspn(line, " ");
	return !*line || *line == '\n';
}

#endif
