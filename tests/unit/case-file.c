// SPDX-License-Identifier: GPL-3.0-or-later
#include "case-file.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *unescape(const char **text, char end, size_t *size)
{
	char *result = malloc(strlen(*text) + 1), *to = result;
	const char *from = *text;
	assert_non_null(result);
	while (*from && *from != '\n' && *from != end) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		const char escape = from[1];
		from += 2;
		if (escape == 'x') {
			unsigned int value;
			assert_int_equal(sscanf(from, "%2x", &value), 1);
			*to++ = (char)value;
			from += 2;
		} else {
			*to++ = escape == 'n' ? '\n' : escape == 'e' ? '\033' : escape;
		}
	}
	*to = 0;
	*size = (size_t)(to - result);
	*text = *from && *from == end ? from + 1 : from;
	return result;
}

void add_expected(struct gg_buffer *expected, const char *text)
{
	size_t size;
	text += *text == ' ';
	char *line = unescape(&text, '\n', &size);
	gg_buffer_append(expected, line, size);
	gg_buffer_append(expected, "\n", 1);
	free(line);
}

void assert_same_text(struct gg_buffer *got, struct gg_buffer *expected)
{
	gg_buffer_append(got, "", 1);
	gg_buffer_append(expected, "", 1);
	assert_string_equal((char *)got->bytes, (char *)expected->bytes);
	gg_buffer_deinit(got);
	gg_buffer_deinit(expected);
}

void for_lines(const char *path, void (*function)(void *data, const char *line), void *data)
{
	char *line = NULL;
	size_t capacity = 0;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (getline(&line, &capacity, file) >= 0)
		function(data, line);
	free(line);
	fclose(file);
}

// Returns the case's first line without "# ", which the caller frees.
static char *sentence_of(const char *path)
{
	char line[256] = "";
	FILE *file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file) || strncmp(line, "# ", 2)) {
		fprintf(stderr, "%s does not start with a sentence\n", path);
		exit(1);
	}
	fclose(file);
	line[strcspn(line, "\n")] = 0;
	return strdup(line + 2);
}

int run_cases(const char *folder, CMUnitTestFunction function)
{
	const char *source = getenv("srcdir");
	char pattern[4096];
	glob_t files;
	snprintf(pattern, sizeof(pattern), "%s/tests/%s/*.case", source ? source : ".", folder);
	if (glob(pattern, 0, NULL, &files)) {
		fprintf(stderr, "no cases: %s\n", pattern);
		return 1;
	}
	struct CMUnitTest *tests = calloc(files.gl_pathc, sizeof(*tests));
	for (size_t i = 0; i < files.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){ .name = sentence_of(files.gl_pathv[i]),
						.test_func = function,
						.initial_state = files.gl_pathv[i] };
	int failed = _cmocka_run_group_tests(folder, tests, files.gl_pathc, NULL, NULL);
	for (size_t i = 0; i < files.gl_pathc; i++)
		free((char *)tests[i].name);
	free(tests);
	globfree(&files);
	return failed;
}
