// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parser of options, completion, and help.
#include "unit.h"

#include "base/buffer.h"
#include "print/command.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const formats[] = { "elf", "kdump", "kdump-zstd", NULL };
static const char *const colours[] = { "red", "green", "grey", NULL };
static const char *const severities[] = { "bad", "middling", "good", NULL };

static const struct gg_option options[] = {
	{ .name = "force", .kind = GG_VALUE_FLAG, .help = "Replace it." },
	{ .name = "format", .kind = GG_VALUE_WORD, .words = formats, .help = "How to write it." },
	{ .name = "first", .kind = GG_VALUE_INTEGER, .high = UINT64_MAX, .help = "The beginning." },
	{ .name = "count",
	  .kind = GG_VALUE_INTEGER,
	  .low = 1,
	  .high = UINT64_MAX,
	  .help = "How many." },
	{ .name = "seconds", .kind = GG_VALUE_INTEGER, .low = 1, .high = 60, .help = "How long." },
	{ .name = "cpu", .kind = GG_VALUE_CPU, .help = "Whose." },
	{ .name = "map", .kind = GG_VALUE_FILE, .help = "The map." },
	{ .name = "only", .kind = GG_VALUE_WORDS, .words = colours, .help = "Which of them." },
	{ .name = "level", .kind = GG_VALUE_LEVELS, .words = severities, .help = "How bad." },
	{ .name = "like", .kind = GG_VALUE_TEXT, .help = "A text." },
	{ .name = "at", .kind = GG_VALUE_TIME, .help = "When." },
	{ .name = "run", .kind = GG_VALUE_FLAG, .needs_debugger = true, .help = "Run." },
	{ 0 }
};
static const struct gg_option file[] = { { .name = "file", .kind = GG_VALUE_FILE, .label = "FILE" },
					 { 0 } };
static const struct gg_option two[] = {
	{ .name = "address", .kind = GG_VALUE_ADDRESS, .label = "ADDR" },
	{ .name = "format", .kind = GG_VALUE_FORMAT, .label = "[COUNT][FORMAT]" },
	{ 0 }
};

static const struct gg_command one_file = { .name = "write",
					    .gdb_name = "guest-write",
					    .summary = "Write it.",
					    .targets = "It works.",
					    .help = "It writes.",
					    .debugger_help = "By GDB.",
					    .alone_help = "By itself.",
					    .arguments = file,
					    .options = options };
static const struct gg_command two_arguments = { .name = "look",
						 .gdb_name = "guest-look",
						 .summary = "Look.",
						 .help = "It looks.",
						 .arguments = two };
static const struct gg_command force_and_two = { .name = "look",
						 .gdb_name = "guest-look",
						 .summary = "Look.",
						 .help = "It looks.",
						 .arguments = two,
						 .options = options };
static const struct gg_command bare = {
	.name = "rest", .gdb_name = "guest-rest", .summary = "Rest.", .help = "It rests."
};

static const struct gg_front_end shell = { .evaluate = gg_number_evaluate };
static const struct gg_front_end debugger = { .evaluate = gg_number_evaluate, .is_debugger = true };

static struct gg_options *parse(const struct gg_command *command, const char *text)
{
	struct gg_options *parsed = NULL;
	assert_success(gg_options_parse_text(command, text, &debugger, &parsed));
	return parsed;
}

// Parses TEXT for the command with one file, which must give "vmcore" for that, and NAME the value
// TEXT.
static void assert_text(const char *text, const char *name, const char *expected)
{
	struct gg_options *parsed = parse(&one_file, text);
	assert_string_equal(gg_options_text(parsed, "file"), "vmcore");
	assert_string_equal(gg_options_text(parsed, name), expected);
	gg_options_destroy(parsed);
}

static void assert_number(const char *text, const char *name, uint64_t expected)
{
	struct gg_options *parsed = parse(&one_file, text);
	assert_true(gg_options_number(parsed, name, 77) == expected);
	gg_options_destroy(parsed);
}

static void refuse_as(const struct gg_front_end *front, const struct gg_command *command,
		      const char *text, const char *message)
{
	struct gg_options *parsed = NULL;
	struct gg_error *err = gg_options_parse_text(command, text, front, &parsed);
	assert_non_null(err);
	assert_int_equal(gg_error_kind(err), GG_INVALID);
	assert_string_equal(gg_error_message(err), message);
	gg_error_destroy(err);
}

static void refuse(const struct gg_command *command, const char *text, const char *message)
{
	refuse_as(&debugger, command, text, message);
}

// ---- Options ----

static void test_values(void **state)
{
	(void)state;
	assert_text("vmcore", "file", "vmcore");
	assert_text("-force vmcore", "force", "");
	assert_text("vmcore -force", "force", "");
	assert_text("-format kdump vmcore", "format", "kdump");
	assert_text("-map -odd vmcore", "map", "-odd");
	assert_text("-only red,grey vmcore", "only", "red,grey");
	assert_text("-like '-a b' vmcore", "like", "-a b");
	assert_text("-format elf -format kdump vmcore", "format", "kdump");
}

static void test_missing(void **state)
{
	(void)state;
	struct gg_options *parsed = parse(&one_file, "vmcore");
	assert_null(gg_options_value(parsed, "force"));
	assert_false(gg_options_has(parsed, "force"));
	assert_null(gg_options_text(parsed, "format"));
	assert_int_equal(gg_options_number(parsed, "count", 7), 7);
	gg_options_destroy(parsed);
	gg_options_destroy(parse(&bare, "  "));
}

static void test_words(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t format, only, level;
	} rows[] = {
		{ "-format kdump-zstd f", 4, 0, 0 }, { "-only red,grey f", 0, 5, 0 },
		{ "-level good f", 0, 0, 4 },        { "-level middling+ f", 0, 0, 3 },
		{ "-level bad,good+ f", 0, 0, 7 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gg_options *parsed = parse(&one_file, rows[i].text);
		const struct gg_value *format = gg_options_value(parsed, "format");
		const struct gg_value *only = gg_options_value(parsed, "only");
		const struct gg_value *level = gg_options_value(parsed, "level");
		assert_int_equal(format ? format->bits : 0, rows[i].format);
		assert_int_equal(only ? only->bits : 0, rows[i].only);
		assert_int_equal(level ? level->bits : 0, rows[i].level);
		gg_options_destroy(parsed);
	}
}

static void test_two_arguments(void **state)
{
	(void)state;
	static const char *const texts[] = { "jiffies -force 4x", "-force jiffies 4x",
					     "/4x -force jiffies", "jiffies /4x -force" };
	for (size_t i = 0; i < 4; i++) {
		struct gg_options *parsed = parse(&force_and_two, texts[i]);
		assert_string_equal(gg_options_text(parsed, "address"), "jiffies");
		assert_true(gg_options_has(parsed, "force"));
		gg_options_destroy(parsed);
	}
}

static void test_format(void **state)
{
	(void)state;
	static const char *const texts[] = { "a 16gx", "/16gx a", "a /16gx" };
	for (size_t i = 0; i < 3; i++) {
		struct gg_options *parsed = parse(&two_arguments, texts[i]);
		assert_string_equal(gg_options_text(parsed, "address"), "a");
		assert_string_equal(gg_options_text(parsed, "format"), "16gx");
		gg_options_destroy(parsed);
	}
}

static void test_optional(void **state)
{
	(void)state;
	struct gg_options *parsed = parse(&two_arguments, "jiffies");
	assert_false(gg_options_has(parsed, "format"));
	gg_options_destroy(parsed);
	refuse(&two_arguments, "", "it takes ADDR [COUNT][FORMAT]; help guest-look");
}

static void test_dashes(void **state)
{
	(void)state;
	struct gg_options *parsed = parse(&one_file, "-");
	assert_string_equal(gg_options_text(parsed, "file"), "-");
	gg_options_destroy(parsed);
	parsed = parse(&two_arguments, "-1 -4x");
	assert_string_equal(gg_options_text(parsed, "address"), "-1");
	assert_string_equal(gg_options_text(parsed, "format"), "-4x");
	gg_options_destroy(parsed);
}

static void test_wrong(void **state)
{
	(void)state;
	refuse(&two_arguments, "a b c",
	       "it takes ADDR [COUNT][FORMAT]; \"c\" is one too many (quote what has spaces)");
	refuse(&one_file, "-force", "it takes FILE; help guest-write");
	refuse(&one_file, "a b",
	       "it takes one FILE; \"b\" is one too many (quote a name with spaces)");
	refuse(&bare, "a", "it takes no argument; \"a\" was given");
	refuse(&bare, "-x", "no option -x; it has none");
	refuse(&one_file, "-formt elf vmcore",
	       "no option -formt; it has -force, -format, -first, -count, -seconds, -cpu, -map, "
	       "-only, "
	       "-level, -like, -at, -run");
	refuse(&one_file, "-1",
	       "no option -1; it has -force, -format, -first, -count, -seconds, -cpu, -map, -only, "
	       "-level, -like, -at, -run");
	refuse(&one_file, "-format elv f", "-format is one of elf, kdump, kdump-zstd, not \"elv\"");
	refuse(&one_file, "-only red,blue f",
	       "-only is some of red, green, grey, with commas in between, not \"blue\"");
	refuse(&one_file, "-only '' f",
	       "-only is some of red, green, grey, with commas in between, not \"\"");
	refuse(&one_file, "-only red+ f",
	       "-only is some of red, green, grey, with commas in between, not \"red+\"");
	refuse(&one_file, "-level + f",
	       "-level is some of bad, middling, good, each alone or with + for it and worse, with "
	       "commas in between, not \"+\"");
	refuse(&one_file, "f -format", "-format takes a value");
	refuse(&one_file, "-format 'a\"\\b' f",
	       "-format is one of elf, kdump, kdump-zstd, not \"a\\\"b\"");
}

static void test_needs(void **state)
{
	(void)state;
	const struct gg_command *klog = gg_command_find("klog", false);
	struct gg_options *parsed;
	refuse(klog, "-before 2", "-before goes with -grep");
	refuse(klog, "-tail 1 -context 0", "-context goes with -grep");
	assert_success(gg_options_parse_text(klog, "-before 2 -grep x", &debugger, &parsed));
	gg_options_destroy(parsed);
	refuse(gg_command_find("dump", false), "-length 1 f", "-length goes with -begin");
	refuse(gg_command_find("dump", false), "-begin 1 f", "-begin goes with -length");
}

static void test_without_debugger(void **state)
{
	(void)state;
	refuse_as(&shell, &one_file, "-run f",
		  "no option -run; it has -force, -format, -first, -count, -seconds, -cpu, -map, "
		  "-only, -level, -like, -at");
	refuse_as(&shell, &one_file, "", "it takes FILE; guest-core write -help");
}

// ---- Numbers ----

static void test_numbers(void **state)
{
	(void)state;
	assert_number("-first '0x1000 + 16' f", "first", 4112);
	assert_number("-first 0xfffffffffffff000 f", "first", UINT64_MAX - 4095);
	assert_number("-count 18446744073709551615 f", "count", UINT64_MAX);
	assert_number("-first 010 f", "first", 8);
	assert_number("-first '20 - 0x10+1' f", "first", 5);
	assert_number("-seconds 60 f", "seconds", 60);
	assert_number("f", "seconds", 77);
}

static void test_ranges(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "-3", "-3" },
		{ "0", "0" },
		{ "-0x1", "-1" },
		{ "'2 - 5'", "-3" },
		{ "18446744073709551616", "18446744073709551616" },
		{ "0x10000000000000000", "18446744073709551616" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "99999999999999999999999", "99999999999999999999999" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[64], message[128];
		snprintf(text, sizeof(text), "-count %s f", rows[i][0]);
		snprintf(message, sizeof(message), "-count is %s, not 1 to 2^64 - 1", rows[i][1]);
		refuse(&one_file, text, message);
	}
	refuse(&one_file, "-seconds 61 f", "-seconds is 61, not 1 to 60");
	refuse(&one_file, "-cpu -1 f", "-cpu is -1, not 0 to 4294967295");
	refuse(&one_file, "-cpu 4294967296 f", "-cpu is 4294967296, not 0 to 4294967295");
}

static void test_no_numbers(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"1.5", "$guest_rip", "0x",  "'1 +'",   "'1 2'", "jiffies",
		"08",  "''",         "1e3", "'1 * 2'", "0xg",   "123456789012345678901234567890123"
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char text[64];
		struct gg_options *parsed;
		snprintf(text, sizeof(text), "-first %s f", texts[i]);
		assert_error(gg_options_parse_text(&one_file, text, &debugger, &parsed), GG_INVALID,
			     " is not a number: without GDB ");
	}
}

static struct gg_error *interrupted(void *data, const char *text, const char *expected, char **ret)
{
	(void)data, (void)text, (void)expected, (void)ret;
	return gg_error_create(GG_INTERRUPTED, "interrupted");
}

static void test_interrupted(void **state)
{
	(void)state;
	const struct gg_front_end front = { .evaluate = interrupted, .is_debugger = true };
	struct gg_options *parsed;
	struct gg_error *err = gg_options_parse_text(&one_file, "-first 1 f", &front, &parsed);
	assert_int_equal(gg_error_kind(err), GG_INTERRUPTED);
	assert_string_equal(gg_error_message(err), "interrupted");
	gg_error_destroy(err);
}

// ---- Times ----

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is_wall;
		int64_t time;
	} rows[] = {
		{ "12", false, 12000000000 },
		{ "12.5", false, 12500000000 },
		{ "0.000000001", false, 1 },
		{ "999999999.999999999", false, 999999999999999999 },
		{ "1970-01-01", true, 0 },
		{ "2026-11-26T15:03:39", true, 1795705419000000000 },
		{ "'2026-11-26 15:03:39Z'", true, 1795705419000000000 },
		{ "2026-11-26T15:03Z", true, 1795705380000000000 },
		{ "2024-02-29", true, 1709164800000000000 },
		{ "2262-04-11T23:47:16", true, 9223372036000000000 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[64];
		snprintf(text, sizeof(text), "-at %s f", rows[i].text);
		struct gg_options *parsed = parse(&one_file, text);
		const struct gg_value *value = gg_options_value(parsed, "at");
		assert_true(value->time.is_set);
		assert_int_equal(value->time.is_wall, rows[i].is_wall);
		assert_true(value->time.time == rows[i].time);
		gg_options_destroy(parsed);
	}
}

static void test_wrong_times(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"1234567890",
		"1.",
		".5",
		"1.1234567890",
		"-1",
		"2026-02-30",
		"2025-02-29",
		"2026-13-01",
		"2026-11-26T24:00",
		"2026-11-26T15",
		"2026-11-26T15:60",
		"2026-11-26T15:03:60",
		"2026-11-26T15:03:39ZZ",
		"2026-11-26T",
		"26-11-26",
		"",
		"now",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char text[64], message[128];
		snprintf(text, sizeof(text), "-at '%s' f", wrong[i]);
		snprintf(message, sizeof(message),
			 "-at is seconds (12.5) or a time in UTC (2026-11-26T15:03:39), not \"%s\"",
			 wrong[i]);
		refuse(&one_file, text, message);
	}
	refuse(&one_file, "-at 1969-12-31 f",
	       "-at is a time from 1970 to 2262, not \"1969-12-31\"");
	refuse(&one_file, "-at 9999-01-01 f",
	       "-at is a time from 1970 to 2262, not \"9999-01-01\"");
}

// ---- Words of a line ----

static void test_split(void **state)
{
	(void)state;
	static const char *const rows[][4] = {
		{ " a  b\t", "a", "b", NULL },         { "'a b' c", "a b", "c", NULL },
		{ "a\\ b c", "a b", "c", NULL },       { "\"a'b\" ''", "a'b", "", NULL },
		{ "a'b c'd \"e", "ab cd", "e", NULL }, { "x\\\"y z\\", "x\"y", "z", NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gg_words words;
		assert_success(gg_words_split(rows[i][0], strlen(rows[i][0]), &words));
		assert_int_equal(words.count, 2);
		assert_string_equal(words.words[0], rows[i][1]);
		assert_string_equal(words.words[1], rows[i][2]);
		gg_words_deinit(&words);
	}
}

static void test_nothing_to_split(void **state)
{
	(void)state;
	struct gg_words words;
	assert_success(gg_words_split(" \t ", 3, &words));
	assert_int_equal(words.count, 0);
	gg_words_deinit(&words);
}

// ---- Completion ----

static char *tree; // a folder with files

static int make_tree(void **state)
{
	(void)state;
	static const char *const files[] = { "vmcore", "vmlinux", "sub/inner", ".hidden" };
	char path[128];
	char name[] = "/tmp/test-command-XXXXXX";
	tree = strdup(mkdtemp(name));
	snprintf(path, sizeof(path), "%s/sub", tree);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/other", tree);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", tree, files[i]);
		FILE *opened = fopen(path, "w");
		assert_non_null(opened);
		fclose(opened);
	}
	return 0;
}

static int remove_tree(void **state)
{
	(void)state;
	static const char *const names[] = { "vmcore", "vmlinux", "sub/inner", ".hidden",
					     "sub",    "other",   "" };
	char path[128];
	for (size_t i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "%s/%s", tree, names[i]);
		remove(path);
	}
	free(tree);
	return 0;
}

static struct gg_error *join(void *data, const char *candidate)
{
	struct gg_buffer *all = data;
	gg_buffer_append(all, " ", all->size != 0);
	gg_buffer_append(all, candidate, strlen(candidate));
	return NULL;
}

// In TEXT and EXPECTED, "@" is the tree.
static char *in_tree(const char *text)
{
	struct gg_buffer buffer = { 0 };
	for (; *text; text++)
		if (*text == '@')
			gg_buffer_append(&buffer, tree, strlen(tree));
		else
			gg_buffer_append(&buffer, text, 1);
	gg_buffer_append(&buffer, "", 1);
	return (char *)buffer.bytes;
}

static void assert_completes(const struct gg_command *command, const char *text,
			     const char *expected)
{
	struct gg_buffer all = { 0 };
	char *typed = in_tree(text), *wanted = in_tree(expected);
	assert_success(gg_command_complete(command, typed, false, NULL, join, &all));
	gg_buffer_append(&all, "", 1);
	assert_string_equal((const char *)all.bytes, wanted);
	gg_buffer_deinit(&all);
	free(typed);
	free(wanted);
}

static void test_complete_options(void **state)
{
	(void)state;
	assert_completes(&one_file, "-",
			 "-force -format -first -count -seconds -cpu -map -only -level -like -at");
	assert_completes(&one_file, "-fo", "-force -format");
	assert_completes(&one_file, "-force -m", "-map");
	assert_completes(&one_file, "-ru", "");
	assert_completes(&bare, "-", "");
}

static void test_complete_words(void **state)
{
	(void)state;
	assert_completes(&one_file, "-format k", "kdump kdump-zstd");
	assert_completes(&one_file, "-format ", "elf kdump kdump-zstd");
	assert_completes(&one_file, "-only ", "red green grey");
	assert_completes(&one_file, "-only red,gr", "red,green red,grey");
	assert_completes(&one_file, "-level bad,m", "bad,middling bad,middling+");
	assert_completes(&one_file, "-like a", "");
	assert_completes(&one_file, "-first 0", "");
}

static void test_complete_files(void **state)
{
	(void)state;
	assert_completes(&one_file, "@/", "@/.hidden @/other/ @/sub/ @/vmcore @/vmlinux");
	assert_completes(&one_file, "@/vmc", "@/vmcore");
	assert_completes(&one_file, "-force @/vmc", "@/vmcore");
	assert_completes(&one_file, "-map @/s", "@/sub/");
	assert_completes(&one_file, "@/none/x", "");
	assert_completes(&two_arguments, "@/vmc", "");
	assert_completes(&bare, "@/vmc", "");
	assert_completes(&one_file, "@/vmcore @/v", "");
}

static void test_homes(void **state)
{
	(void)state;
	char *home = strdup(getenv("HOME") ? getenv("HOME") : "/");
	setenv("HOME", tree, 1);
	assert_completes(&one_file, "~/s", "~/sub/");
	static const char *const rows[][2] = { { "~/vmcore", "@/vmcore" },
					       { "~", "@" },
					       { "~no-one/vmcore", "~no-one/vmcore" },
					       { "a~/b", "a~/b" } };
	for (size_t i = 0; i < 4; i++) {
		char *expected = in_tree(rows[i][1]);
		struct gg_options *parsed = parse(&one_file, rows[i][0]);
		assert_string_equal(gg_options_text(parsed, "file"), expected);
		gg_options_destroy(parsed);
		free(expected);
	}
	char expected[256];
	const struct passwd *root = getpwnam("root");
	snprintf(expected, sizeof(expected), "%s/vmcore", root->pw_dir);
	struct gg_options *parsed = parse(&one_file, "f -map ~root/vmcore");
	assert_string_equal(gg_options_text(parsed, "map"), expected);
	gg_options_destroy(parsed);
	setenv("HOME", home, 1);
	free(home);
}

static void test_complete_keys(void **state)
{
	(void)state;
	const struct gg_command *sysrq = gg_command_find("sysrq", false);
	struct gg_buffer all = { 0 };
	assert_success(gg_command_complete(sysrq, "", true, NULL, join, &all));
	gg_buffer_append(&all, "", 1);
	assert_non_null(strstr((const char *)all.bytes, "b c"));
	gg_buffer_deinit(&all);
}

static void test_needs_guest(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool needs;
	} rows[] = { { "", false },        { "ji", true },   { "-cpu ", true },
		     { "-cpu 1", true },   { "-fo", false }, { "/4x ji", true },
		     { "a ", false },      { "a 4", false }, { "-map ji", false },
		     { "-force ji", true } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(gg_command_completes_guest(&force_and_two, rows[i].text),
				 rows[i].needs);
}

// ---- Help ----

static void test_help(void **state)
{
	(void)state;
	char *help = gg_command_help(&force_and_two, false);
	assert_non_null(strstr(help, "Look.\nUsage: guest-core FILE look [OPTION]... ADDR "
				     "[COUNT][FORMAT]\n\nIt looks.\n\nOptions:\n  -force\n"
				     "    Replace it.\n  -format elf|kdump|kdump-zstd\n"
				     "    How to write it.\n  -first N\n"));
	assert_non_null(strstr(help, "\n  -only red|green|grey[,...]\n"));
	assert_non_null(strstr(help, "\n  -level bad|middling|good[+][,...]\n"));
	assert_non_null(strstr(help, "\n  -map FILE\n"));
	assert_null(strstr(help, "-run"));
	free(help);
	help = gg_command_help(&one_file, true);
	assert_non_null(strstr(help,
			       "Write it.\nUsage: guest-write [OPTION]... FILE\n\nIt works.\n\n"
			       "It writes.\n\nBy GDB.\n\nOptions:\n"));
	assert_non_null(strstr(help, "\n  -run\n    Run."));
	free(help);
	help = gg_command_help(&one_file, false);
	assert_non_null(strstr(help, "It writes.\n\nBy itself.\n\nOptions:\n"));
	free(help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("An option's value is what follows the option, and the last value counts",
			  test_values),
		UNIT_TEST("What was not given has no value", test_missing),
		UNIT_TEST("Words are bits, WORD+ all up to WORD", test_words),
		UNIT_TEST("Two arguments are told apart by their order, with options in between",
			  test_two_arguments),
		UNIT_TEST("A format with a slash stands before or behind the address", test_format),
		UNIT_TEST("An argument in brackets may be left out, another may not",
			  test_optional),
		UNIT_TEST("A dash alone is an argument, and so is a negative number but for a file",
			  test_dashes),
		UNIT_TEST("What is wrong is answered with what is right", test_wrong),
		UNIT_TEST("An option without the option that it needs is refused", test_needs),
		UNIT_TEST("Options that need a debugger exist only in a debugger",
			  test_without_debugger),
		UNIT_TEST("Numbers are decimal, octal, hexadecimal, sums and differences",
			  test_numbers),
		UNIT_TEST("A number out of its range is named with the range", test_ranges),
		UNIT_TEST("What is no number is refused", test_no_numbers),
		UNIT_TEST("Ctrl-C while an expression is evaluated ends the command",
			  test_interrupted),
		UNIT_TEST("A time is seconds, or a date with or without a time of the day",
			  test_times),
		UNIT_TEST("A time that does not exist is refused", test_wrong_times),
		UNIT_TEST("Quotes and backslashes keep a word together", test_split),
		UNIT_TEST("White space alone has no words", test_nothing_to_split),
		UNIT_TEST("Options complete", test_complete_options),
		UNIT_TEST("Words complete, behind a comma too", test_complete_words),
		UNIT_TEST_WITH(
			make_tree, remove_tree,
			"Files complete, folders with a slash, and nothing where none is taken",
			test_complete_files),
		UNIT_TEST_WITH(make_tree, remove_tree, "A leading tilde is a home", test_homes),
		UNIT_TEST("SysRq's keys complete", test_complete_keys),
		UNIT_TEST("Completion asks for the guest only where the guest has candidates",
			  test_needs_guest),
		UNIT_TEST("Help has usage, paragraphs and options as the row has them", test_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
