// SPDX-License-Identifier: GPL-3.0-or-later
//
// The table's rows.
#include "unit.h"

#include "print/command.h"

#include <stdlib.h>
#include <string.h>

static bool has_option(const struct gg_command *command, const char *name)
{
	for (const struct gg_option *row = command->options; row->name; row++)
		if (!strcmp(row->name, name))
			return true;
	return false;
}

static void test_rows(void **state)
{
	(void)state;
	const struct gg_command *command;
	for (size_t i = 0; (command = gg_command_at(i)); i++) {
		assert_ptr_equal(gg_command_find(command->name, false), command);
		assert_ptr_equal(gg_command_find(command->gdb_name, true), command);
		assert_null(gg_command_find(command->gdb_name, false));
		for (const struct gg_option *row = command->options; row && row->name; row++) {
			assert_non_null(row->help);
			assert_int_equal(row->kind == GG_VALUE_INTEGER, row->high != 0);
			assert_true(row->kind < GG_VALUE_ADDRESS);
			assert_true(!row->needs || has_option(command, row->needs));
		}
		for (const struct gg_option *row = command->arguments; row && row->name; row++)
			assert_non_null(row->label);
	}
	assert_null(gg_command_find("", true));
}

// No line of help is wider than a terminal that GDB's own help fits into, but a list of words.
static void test_help_width(void **state)
{
	(void)state;
	const struct gg_command *command;
	for (size_t i = 0; (command = gg_command_at(i)); i++)
		for (int is_debugger = 0; is_debugger < 2; is_debugger++) {
			char *help = gg_command_help(command, is_debugger);
			for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
				if (!strchr(line, '|') && strlen(line) > 79)
					fail_msg("%s: %s", command->name, line);
			free(help);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST(
			"Each command of the table is found by its two names, and all its options "
			"have help",
			test_rows),
		UNIT_TEST("Help is not wider than its window", test_help_width),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
