// SPDX-License-Identifier: GPL-3.0-or-later
//
// The parser of options and arguments.
//
// In:  a command's row and the words that the user typed.
// Out: a value for each option and argument that was given, or one line that says what is wrong.
// Evaluates no expression: the front end does.
#include "command.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/vector.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct slot {
	const struct gg_option *option;
	bool is_set;
	char *text; // owned
	struct gg_value value;
};

// The command's options, then its arguments.
struct gg_options {
	size_t count;
	struct slot slots[];
};

// ---- Words ----

void gg_words_deinit(struct gg_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->words[i]);
	free(words->words);
	*words = (struct gg_words){ 0 };
}

static struct gg_error *add_word(struct gg_words *words, const struct gg_buffer *word)
{
	struct gg_error *err = gg_vector_grow(&words->words, words->count, sizeof(*words->words));
	if (err)
		return err;
	char *text = strndup(word->size ? (const char *)word->bytes : "", word->size);
	if (!text)
		return gg_enomem;
	words->words[words->count++] = text;
	return NULL;
}

// Appends the word at TEXT to WORD. Returns the end of the word.
static const char *scan_word(const char *text, const char *end, struct gg_buffer *word)
{
	char quote = 0;
	for (; text < end; text++) {
		if (*text == '\\' && text + 1 < end)
			gg_buffer_append(word, ++text, 1);
		else if (quote && *text == quote)
			quote = 0;
		else if (!quote && (*text == '\'' || *text == '"'))
			quote = *text;
		else if (!quote && isspace((unsigned char)*text))
			break;
		else if (*text != '\\')
			gg_buffer_append(word, text, 1);
	}
	return text;
}

struct gg_error *gg_words_split(const char *text, size_t size, struct gg_words *ret)
{
	const char *end = text + size;
	struct gg_words words = { 0 };
	struct gg_error *err = NULL;
	while (!err) {
		while (text < end && isspace((unsigned char)*text))
			text++;
		if (text == end)
			break;
		struct gg_buffer word = { 0 };
		text = scan_word(text, end, &word);
		err = gg_buffer_check(&word);
		if (!err)
			err = add_word(&words, &word);
		gg_buffer_deinit(&word);
	}
	if (err)
		gg_words_deinit(&words);
	*ret = words;
	return err;
}

// ---- Rows ----

size_t gg_option_count(const struct gg_option *rows)
{
	size_t count = 0;
	while (rows && rows[count].name)
		count++;
	return count;
}

bool gg_option_exists(const struct gg_option *row, bool is_debugger)
{
	return is_debugger || !row->needs_debugger;
}

const struct gg_option *gg_option_find(const struct gg_command *command, const char *word,
				       bool is_debugger)
{
	for (const struct gg_option *option = command->options; option && option->name; option++)
		if (*word == '-' && !strcmp(option->name, word + 1) &&
		    gg_option_exists(option, is_debugger))
			return option;
	return NULL;
}

unsigned int gg_option_word_count(const struct gg_option *option)
{
	unsigned int count = option->word_count;
	while (option->words && option->words[count])
		count++;
	return count;
}

const char *gg_option_word(const struct gg_option *option, unsigned int number)
{
	return option->words ? option->words[number] : option->word(number);
}

bool gg_argument_is_optional(const struct gg_option *argument)
{
	return *argument->label == '[';
}

// ---- Texts of errors ----

// Appends TEXT in quotes.
static void append_quoted(struct gg_buffer *buffer, const char *text)
{
	gg_buffer_append(buffer, "\"", 1);
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			gg_buffer_append(buffer, "\\", 1);
		if (c < ' ' || c == 0x7f)
			gg_buffer_format(buffer, "\\x%02x", c);
		else
			gg_buffer_append(buffer, text, 1);
	}
	gg_buffer_append(buffer, "\"", 1);
}

static void append_text(struct gg_buffer *buffer, const char *text)
{
	gg_buffer_append(buffer, text, strlen(text));
}

// Creates GG_INVALID with the text in BUFFER, which is consumed.
static struct gg_error *invalid(struct gg_buffer *buffer)
{
	gg_buffer_append(buffer, "", 1);
	struct gg_error *err = gg_buffer_check(buffer);
	if (!err)
		err = gg_error_create(GG_INVALID, "%s", (const char *)buffer->bytes);
	gg_buffer_deinit(buffer);
	return err;
}

static struct gg_error *invalid_value(const struct gg_option *option, const char *expected,
				      const char *text)
{
	struct gg_buffer buffer = { 0 };
	gg_buffer_format(&buffer, "-%s is ", option->name);
	append_text(&buffer, expected);
	append_text(&buffer, ", not ");
	append_quoted(&buffer, text);
	return invalid(&buffer);
}

static void append_words(struct gg_buffer *buffer, const struct gg_option *option)
{
	const char *separator = "";
	for (unsigned int i = 0; i < gg_option_word_count(option); i++)
		if (gg_option_word(option, i)) {
			append_text(buffer, separator);
			append_text(buffer, gg_option_word(option, i));
			separator = ", ";
		}
}

static struct gg_error *invalid_word(const struct gg_option *option, const char *text)
{
	struct gg_buffer buffer = { 0 };
	gg_buffer_format(&buffer, "-%s is %s of ", option->name,
			 option->kind == GG_VALUE_WORD ? "one" : "some");
	append_words(&buffer, option);
	if (option->kind == GG_VALUE_LEVELS)
		append_text(&buffer, ", each alone or with + for it and worse");
	if (option->kind != GG_VALUE_WORD)
		append_text(&buffer, ", with commas in between");
	append_text(&buffer, ", not ");
	append_quoted(&buffer, text);
	return invalid(&buffer);
}

// ---- Numbers ----

// Checks that DIGITS are a number from LOW to HIGH.
static struct gg_error *check_range(const struct gg_option *option, const char *digits,
				    uint64_t low, uint64_t high, uint64_t *ret)
{
	const bool is_negative = *digits == '-';
	errno = 0;
	const unsigned long long number = is_negative ? 0 : strtoull(digits, NULL, 10);
	*ret = number;
	if (!is_negative && !errno && number >= low && number <= high)
		return NULL;
	char last[32] = "2^64 - 1";
	if (high != UINT64_MAX)
		snprintf(last, sizeof(last), "%" PRIu64, high);
	return gg_error_create(GG_INVALID, "-%s is %s, not %" PRIu64 " to %s", option->name, digits,
			       low, last);
}

static struct gg_error *parse_number(const struct gg_option *option, const char *text,
				     const struct gg_front_end *front, struct gg_value *ret)
{
	const bool is_cpu = option->kind == GG_VALUE_CPU;
	_cleanup_free_ char *digits = NULL;
	struct gg_error *err = front->evaluate(front->data, text, "a number", &digits);
	if (err)
		return gg_error_is_final(err) ? err : gg_error_context(err, "-%s", option->name);
	return check_range(option, digits, is_cpu ? 0 : option->low,
			   is_cpu ? UINT32_MAX : option->high, &ret->number);
}

// ---- Words of a list ----

static bool has_plus(const struct gg_option *option, const char *text, size_t size)
{
	return option->kind == GG_VALUE_LEVELS && size && text[size - 1] == '+';
}

// Returns the bits of the SIZE bytes at TEXT, if they are a word of the option; else 0.
static uint64_t bits_of(const struct gg_option *option, const char *text, size_t size)
{
	const bool plus = has_plus(option, text, size);
	for (unsigned int i = 0; i < gg_option_word_count(option); i++) {
		const char *word = gg_option_word(option, i);
		if (word && strlen(word) == size - plus && !strncmp(word, text, size - plus))
			return plus ? (UINT64_C(2) << i) - 1 : UINT64_C(1) << i;
	}
	return 0;
}

static struct gg_error *parse_words(const struct gg_option *option, const char *text,
				    struct gg_value *ret)
{
	ret->bits = 0;
	for (const char *at = text;;) {
		const size_t size = option->kind == GG_VALUE_WORD ? strlen(at) : strcspn(at, ",");
		const uint64_t bits = bits_of(option, at, size);
		if (!bits) {
			_cleanup_free_ char *word = strndup(at, size);
			return word ? invalid_word(option, word) : gg_enomem;
		}
		ret->bits |= bits;
		at += size;
		if (!*at++)
			return NULL;
	}
}

// ---- Times ----

enum { SECOND = 1000000000 };

// Reads COUNT digits at *TEXT as a number, and moves *TEXT behind them.
static bool scan_digits(const char **text, unsigned int count, int *ret)
{
	*ret = 0;
	for (; count; count--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		*ret = *ret * 10 + **text - '0';
	}
	return true;
}

static bool scan_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

// Reads seconds of the log's clock: up to 9 digits, and as many behind a point.
static bool scan_log_time(const char *text, int64_t *ret)
{
	const size_t whole = strspn(text, "0123456789");
	const char *fraction = text + whole + (text[whole] == '.');
	const size_t digits = strspn(fraction, "0123456789");
	if (!whole || whole > 9 || digits > 9 || fraction[digits] ||
	    (text[whole] == '.' && !digits))
		return false;
	int64_t nanoseconds = 0;
	for (size_t i = 0; i < 9; i++)
		nanoseconds = nanoseconds * 10 + (i < digits ? fraction[i] - '0' : 0);
	*ret = strtoll(text, NULL, 10) * SECOND + nanoseconds;
	return true;
}

// Reads "HH:MM" or "HH:MM:SS" behind a T or a space; an empty text is midnight.
static bool scan_time_of_day(const char **text, struct tm *time)
{
	if (!scan_char(text, 'T') && !scan_char(text, ' '))
		return true;
	if (!scan_digits(text, 2, &time->tm_hour) || !scan_char(text, ':') ||
	    !scan_digits(text, 2, &time->tm_min))
		return false;
	return !scan_char(text, ':') || scan_digits(text, 2, &time->tm_sec);
}

// Reads a date in UTC, with or without a time of the day. Days that a month does not have are
// refused.
static bool scan_wall_time(const char *text, time_t *ret)
{
	struct tm time = { 0 };
	if (!scan_digits(&text, 4, &time.tm_year) || !scan_char(&text, '-') ||
	    !scan_digits(&text, 2, &time.tm_mon) || !scan_char(&text, '-') ||
	    !scan_digits(&text, 2, &time.tm_mday) || !scan_time_of_day(&text, &time))
		return false;
	scan_char(&text, 'Z');
	time.tm_year -= 1900;
	time.tm_mon -= 1;
	const struct tm given = time;
	*ret = timegm(&time);
	return !*text && given.tm_mon == time.tm_mon && given.tm_mday == time.tm_mday &&
	       given.tm_hour == time.tm_hour && given.tm_min == time.tm_min &&
	       given.tm_sec == time.tm_sec;
}

static struct gg_error *parse_time(const struct gg_option *option, const char *text,
				   struct gg_value *ret)
{
	time_t seconds;
	ret->time = (struct gg_log_bound){ .is_set = true };
	if (scan_log_time(text, &ret->time.time))
		return NULL;
	ret->time.is_wall = true;
	if (!scan_wall_time(text, &seconds))
		return invalid_value(option,
				     "seconds (12.5) or a time in UTC (2026-11-26T15:03:39)", text);
	if (seconds < 0 || seconds > INT64_MAX / SECOND)
		return invalid_value(option, "a time from 1970 to 2262", text);
	ret->time.time = seconds * SECOND;
	return NULL;
}

// ---- Files ----

// Returns the home of USER, or of this process's user for "".
static const char *home_of(const char *user)
{
	if (!*user && getenv("HOME"))
		return getenv("HOME");
	const struct passwd *entry = *user ? getpwnam(user) : getpwuid(getuid());
	return entry ? entry->pw_dir : NULL;
}

char *gg_expand_home(const char *name)
{
	if (*name != '~')
		return strdup(name);
	const size_t size = strcspn(name + 1, "/");
	_cleanup_free_ char *user = strndup(name + 1, size);
	char *expanded = NULL;
	const char *home = user ? home_of(user) : NULL;
	if (!home)
		return strdup(name);
	return asprintf(&expanded, "%s%s", home, name + 1 + size) < 0 ? NULL : expanded;
}

// ---- Values ----

static struct gg_error *parse_value(const struct gg_option *option, const char *text,
				    const struct gg_front_end *front, struct gg_value *ret)
{
	switch (option->kind) {
	case GG_VALUE_INTEGER:
	case GG_VALUE_CPU:
		return parse_number(option, text, front, ret);
	case GG_VALUE_WORD:
	case GG_VALUE_WORDS:
	case GG_VALUE_LEVELS:
		return parse_words(option, text, ret);
	case GG_VALUE_TIME:
		return parse_time(option, text, ret);
	default:
		return NULL;
	}
}

static struct slot *slot_of(struct gg_options *options, const struct gg_option *option)
{
	for (size_t i = 0; i < options->count; i++)
		if (options->slots[i].option == option)
			return &options->slots[i];
	return NULL;
}

// Sets the value of OPTION, in the place of an earlier value.
static struct gg_error *set_value(struct gg_options *options, const struct gg_option *option,
				  const char *text, const struct gg_front_end *front)
{
	struct slot *slot = slot_of(options, option);
	struct gg_error *err = parse_value(option, text, front, &slot->value);
	if (err)
		return err;
	free(slot->text);
	slot->text = option->kind == GG_VALUE_FILE ? gg_expand_home(text) : strdup(text);
	slot->value.text = slot->text;
	slot->is_set = true;
	return slot->text ? NULL : gg_enomem;
}

// ---- Parsing ----

struct parser {
	const struct gg_command *command;
	const struct gg_front_end *front;
	struct gg_options *options;
};

static struct gg_error *no_option(const struct parser *parser, const char *word)
{
	struct gg_buffer buffer = { 0 };
	const char *separator = "it has ";
	append_text(&buffer, "no option ");
	append_text(&buffer, word);
	append_text(&buffer, "; ");
	for (const struct gg_option *option = parser->command->options; option && option->name;
	     option++) {
		if (!gg_option_exists(option, parser->front->is_debugger))
			continue;
		append_text(&buffer, separator);
		gg_buffer_format(&buffer, "-%s", option->name);
		separator = ", ";
	}
	if (*separator != ',')
		append_text(&buffer, "it has none");
	return invalid(&buffer);
}

// Appends the arguments' labels. Returns the number of arguments.
static size_t append_labels(struct gg_buffer *buffer, const struct parser *parser)
{
	size_t count = 0;
	for (const struct gg_option *row = parser->command->arguments; row && row->name; row++) {
		if (!gg_option_exists(row, parser->front->is_debugger))
			continue;
		append_text(buffer, count++ ? " " : "");
		append_text(buffer, row->label);
	}
	return count;
}

static struct gg_error *too_many(const struct parser *parser, const char *word)
{
	struct gg_buffer labels = { 0 }, buffer = { 0 };
	const size_t count = append_labels(&labels, parser);
	append_text(&buffer, count == 0   ? "it takes no argument"
			     : count == 1 ? "it takes one "
					  : "it takes ");
	gg_buffer_append(&buffer, labels.bytes, labels.size);
	gg_buffer_deinit(&labels);
	append_text(&buffer, "; ");
	append_quoted(&buffer, word);
	append_text(&buffer, count == 0   ? " was given"
			     : count == 1 ? " is one too many (quote a name with spaces)"
					  : " is one too many (quote what has spaces)");
	return invalid(&buffer);
}

static struct gg_error *too_few(const struct parser *parser)
{
	struct gg_buffer buffer = { 0 };
	append_text(&buffer, "it takes ");
	append_labels(&buffer, parser);
	if (parser->front->is_debugger)
		gg_buffer_format(&buffer, "; help %s", parser->command->gdb_name);
	else
		gg_buffer_format(&buffer, "; guest-core %s -help", parser->command->name);
	return invalid(&buffer);
}

// Returns the first argument that was not given yet, or NULL.
static const struct gg_option *next_argument(const struct parser *parser)
{
	for (const struct gg_option *row = parser->command->arguments; row && row->name; row++)
		if (!slot_of(parser->options, row)->is_set &&
		    gg_option_exists(row, parser->front->is_debugger))
			return row;
	return NULL;
}

// Returns the argument for a word that starts with "/", or NULL.
static const struct gg_option *format_argument(const struct parser *parser)
{
	for (const struct gg_option *row = parser->command->arguments; row && row->name; row++)
		if (row->kind == GG_VALUE_FORMAT && !slot_of(parser->options, row)->is_set)
			return row;
	return NULL;
}

static bool is_negative_number(const char *word)
{
	return isdigit((unsigned char)word[1]);
}

static struct gg_error *take_argument(const struct parser *parser, const char *word)
{
	const struct gg_option *next = next_argument(parser);
	if (*word == '-' && word[1] &&
	    !(next && is_negative_number(word) && next->kind != GG_VALUE_FILE))
		return no_option(parser, word);
	if (*word == '/' && format_argument(parser))
		return set_value(parser->options, format_argument(parser), word + 1, parser->front);
	return next ? set_value(parser->options, next, word, parser->front)
		    : too_many(parser, word);
}

// Tests whether the options that others need were given.
static struct gg_error *check_needs(const struct parser *parser)
{
	for (const struct gg_option *row = parser->command->options; row && row->name; row++)
		if (row->needs && gg_options_has(parser->options, row->name) &&
		    !gg_options_has(parser->options, row->needs))
			return gg_error_create(GG_INVALID, "-%s goes with -%s", row->name,
					       row->needs);
	return NULL;
}

static struct gg_error *parse_all(const struct parser *parser, const char *const *words,
				  size_t count)
{
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++) {
		const struct gg_option *option =
			gg_option_find(parser->command, words[i], parser->front->is_debugger);
		if (!option)
			err = take_argument(parser, words[i]);
		else if (option->kind == GG_VALUE_FLAG)
			err = set_value(parser->options, option, "", parser->front);
		else if (++i == count)
			err = gg_error_create(GG_INVALID, "-%s takes a value", option->name);
		else
			err = set_value(parser->options, option, words[i], parser->front);
	}
	for (const struct gg_option *row = parser->command->arguments; !err && row && row->name;
	     row++)
		if (!gg_argument_is_optional(row) && !slot_of(parser->options, row)->is_set)
			err = too_few(parser);
	return err ? err : check_needs(parser);
}

struct gg_error *gg_options_parse(const struct gg_command *command, const char *const *words,
				  size_t count, const struct gg_front_end *front,
				  struct gg_options **ret)
{
	const size_t options = gg_option_count(command->options);
	const size_t arguments = gg_option_count(command->arguments);
	struct parser parser = { command, front, NULL };
	parser.options =
		calloc(1, sizeof(struct gg_options) + (options + arguments) * sizeof(struct slot));
	if (!parser.options)
		return gg_enomem;
	parser.options->count = options + arguments;
	for (size_t i = 0; i < options + arguments; i++)
		parser.options->slots[i].option =
			i < options ? &command->options[i] : &command->arguments[i - options];
	struct gg_error *err = parse_all(&parser, words, count);
	if (err) {
		gg_options_destroy(parser.options);
		return err;
	}
	*ret = parser.options;
	return NULL;
}

struct gg_error *gg_options_parse_text(const struct gg_command *command, const char *text,
				       const struct gg_front_end *front, struct gg_options **ret)
{
	struct gg_words words;
	struct gg_error *err = gg_words_split(text, strlen(text), &words);
	if (err)
		return err;
	err = gg_options_parse(command, (const char *const *)words.words, words.count, front, ret);
	gg_words_deinit(&words);
	return err;
}

void gg_options_destroy(struct gg_options *options)
{
	for (size_t i = 0; options && i < options->count; i++)
		free(options->slots[i].text);
	free(options);
}

// ---- Values, by name ----

const struct gg_value *gg_options_value(const struct gg_options *options, const char *name)
{
	for (size_t i = 0; i < options->count; i++)
		if (options->slots[i].is_set && !strcmp(options->slots[i].option->name, name))
			return &options->slots[i].value;
	return NULL;
}

bool gg_options_has(const struct gg_options *options, const char *name)
{
	return gg_options_value(options, name);
}

const char *gg_options_text(const struct gg_options *options, const char *name)
{
	const struct gg_value *value = gg_options_value(options, name);
	return value ? value->text : NULL;
}

uint64_t gg_options_number(const struct gg_options *options, const char *name, uint64_t instead)
{
	const struct gg_value *value = gg_options_value(options, name);
	return value ? value->number : instead;
}
