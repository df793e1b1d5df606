// SPDX-License-Identifier: GPL-3.0-or-later
//
// The completion of a command's options and arguments.
//
// In:  a command's row, what was typed behind its name, and perhaps the guest.
// Out: each text that the last word may become.
#include "command.h"
#include "base/cleanup.h"

#include <dirent.h>
#include <gdb-guest/cpus.h>
#include <gdb-guest/modules.h>
#include <gdb-guest/nested.h>
#include <gdb-guest/struct.h>
#include <gdb-guest/symbols.h>
#include <gdb-guest/sysrq.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_SYMBOLS = 300 }; // GDB shows 200 (set max-completions)

struct completion {
	const char *word; // the last one, which candidates start with
	struct gg_guest *guest;
	struct gg_error *(*visit)(void *data, const char *candidate);
	void *data;
};

// ---- Candidates ----

// Visits LEAD, of LEAD_SIZE bytes, with TEXT and TAIL behind, if the word may become that.
static struct gg_error *offer(const struct completion *completion, const char *lead,
			      size_t lead_size, const char *text, const char *tail)
{
	_cleanup_free_ char *candidate = NULL;
	if (asprintf(&candidate, "%.*s%s%s", (int)lead_size, lead, text, tail) < 0)
		return gg_enomem;
	if (strncmp(candidate, completion->word, strlen(completion->word)))
		return NULL;
	return completion->visit(completion->data, candidate);
}

static bool is_folder(const char *path)
{
	struct stat status;
	_cleanup_free_ char *expanded = gg_expand_home(path);
	return expanded && !stat(expanded, &status) && S_ISDIR(status.st_mode);
}

static struct gg_error *offer_file(const struct completion *completion, const char *folder,
				   size_t folder_size, const char *name)
{
	_cleanup_free_ char *path = NULL;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return NULL;
	if (asprintf(&path, "%.*s%s", (int)folder_size, folder, name) < 0)
		return gg_enomem;
	return offer(completion, path, strlen(path), is_folder(path) ? "/" : "", "");
}

// Offers the files of the word's folder; none where the folder cannot be read.
static struct gg_error *offer_files(const struct completion *completion)
{
	const char *slash = strrchr(completion->word, '/');
	const size_t size = slash ? (size_t)(slash + 1 - completion->word) : 0;
	_cleanup_free_ char *folder = strndup(completion->word, size);
	_cleanup_free_ char *expanded = folder ? gg_expand_home(size ? folder : ".") : NULL;
	if (!expanded)
		return gg_enomem;
	struct dirent **entries;
	const int count = scandir(expanded, &entries, NULL, alphasort);
	struct gg_error *err = NULL;
	for (int i = 0; i < count; i++) {
		if (!err)
			err = offer_file(completion, completion->word, size, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return err;
}

static struct gg_error *offer_words(const struct completion *completion,
				    const struct gg_option *option)
{
	const char *comma = option->kind == GG_VALUE_WORD ? NULL : strrchr(completion->word, ',');
	const size_t size = comma ? (size_t)(comma + 1 - completion->word) : 0;
	struct gg_error *err = NULL;
	for (unsigned int i = 0; !err && i < gg_option_word_count(option); i++)
		if (gg_option_word(option, i))
			err = offer(completion, completion->word, size, gg_option_word(option, i),
				    "");
	for (unsigned int i = 0;
	     !err && option->kind == GG_VALUE_LEVELS && i < gg_option_word_count(option); i++)
		err = offer(completion, completion->word, size, gg_option_word(option, i), "+");
	return err;
}

// Offers NAME in the place of what follows the word's last comma.
static struct gg_error *offer_in_list(void *data, const char *name)
{
	const struct completion *completion = data;
	const char *comma = strrchr(completion->word, ',');
	return offer(completion, completion->word,
		     comma ? (size_t)(comma + 1 - completion->word) : 0, name, "");
}

static struct gg_error *offer_cpu(void *data, const struct gg_cpu *cpu)
{
	char number[16];
	snprintf(number, sizeof(number), "%" PRIu32, cpu->index);
	return offer_in_list(data, number);
}

static struct gg_error *offer_name(void *data, const char *name)
{
	return offer(data, "", 0, name, "");
}

// Offers the symbols that the part of the word behind its last comma may become.
static struct gg_error *offer_symbols(struct completion *completion)
{
	const char *comma = strrchr(completion->word, ',');
	const char *start = comma ? comma + 1 : completion->word;
	return *start ? gg_guest_complete_symbol(completion->guest, start, MOST_SYMBOLS,
						 offer_in_list, completion)
		      : NULL;
}

static struct gg_error *offer_keys(const struct completion *completion)
{
	size_t count;
	const struct gg_sysrq_key *keys = gg_sysrq_keys(&count);
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < count; i++)
		err = offer(completion, &keys[i].key, 1, "", "");
	return err;
}

// Offers the numbers of the nested guests of a guest that is none itself: numbers count from the outermost guest on.
static struct gg_error *offer_nested(struct completion *completion)
{
	struct gg_nested_name name;
	size_t count = 0;
	char number[24];
	struct gg_error *err = gg_guest_nested_name(completion->guest, &name);
	if (!err && !name.number)
		err = gg_guest_nested_count(completion->guest, &count);
	for (size_t i = 0; !err && i < count; i++) {
		snprintf(number, sizeof(number), "%zu", i + 1);
		err = offer_name(completion, number);
	}
	gg_nested_name_deinit(&name);
	return err;
}

static struct gg_error *offer_options(const struct completion *completion,
				      const struct gg_command *command, bool is_debugger)
{
	struct gg_error *err = NULL;
	for (const struct gg_option *row = command->options; !err && row && row->name; row++)
		if (gg_option_exists(row, is_debugger))
			err = offer(completion, "-", 1, row->name, "");
	return err;
}

// Offers the values of a row; none of a guest that cannot be read.
static struct gg_error *offer_values(struct completion *completion, const struct gg_option *row)
{
	struct gg_error *err = NULL;
	switch (row->kind) {
	case GG_VALUE_FILE:
		return offer_files(completion);
	case GG_VALUE_WORD:
	case GG_VALUE_WORDS:
	case GG_VALUE_LEVELS:
		return offer_words(completion, row);
	case GG_VALUE_KEY:
		return offer_keys(completion);
	case GG_VALUE_CPU:
	case GG_VALUE_CPUS:
		err = completion->guest ? gg_guest_cpus(completion->guest, offer_cpu, completion)
					: NULL;
		break;
	case GG_VALUE_ADDRESS:
		if (completion->guest && *completion->word)
			err = gg_guest_complete_symbol(completion->guest, completion->word,
						       MOST_SYMBOLS, offer_name, completion);
		break;
	case GG_VALUE_SYMBOLS:
		if (completion->guest)
			err = offer_symbols(completion);
		break;
	case GG_VALUE_MODULE:
		err = completion->guest
			      ? gg_guest_module_names(completion->guest, offer_name, completion)
			      : NULL;
		break;
	case GG_VALUE_NESTED:
		err = completion->guest ? offer_nested(completion) : NULL;
		break;
	case GG_VALUE_TYPE:
		if (completion->guest && *completion->word)
			err = gg_guest_complete_type(completion->guest, completion->word,
						     MOST_SYMBOLS, offer_name, completion);
		break;
	default:
		break;
	}
	gg_error_destroy(err);
	return NULL;
}

// ---- The row that the last word belongs to ----

// Tests whether WORD, which is no option, is one of the arguments in their order.
static bool is_in_order(const struct gg_command *command, const char *word)
{
	bool has_format = false;
	for (const struct gg_option *row = command->arguments; row && row->name; row++)
		has_format = has_format || row->kind == GG_VALUE_FORMAT;
	return *word != '/' || !has_format;
}

// Returns the argument behind WORDS, or NULL.
static const struct gg_option *argument_behind(const struct gg_command *command,
					       const struct gg_words *words)
{
	const struct gg_option *next = command->arguments;
	for (size_t i = 0; i < words->count; i++) {
		const struct gg_option *option = gg_option_find(command, words->words[i], true);
		if (option && option->kind != GG_VALUE_FLAG)
			i++;
		else if (!option && next && next->name && is_in_order(command, words->words[i]))
			next++;
	}
	return next && next->name ? next : NULL;
}

struct place {
	struct gg_words words; // before the last one
	const char *word;
	const struct gg_option *row; // whose value the last one is, or NULL
	bool is_option;              // the last one is an option, not a value
};

static struct gg_error *find_place(const struct gg_command *command, const char *text,
				   struct place *ret)
{
	const char *space = strrchr(text, ' ');
	ret->word = space ? space + 1 : text;
	struct gg_error *err = gg_words_split(text, (size_t)(ret->word - text), &ret->words);
	if (err)
		return err;
	const char *previous = ret->words.count ? ret->words.words[ret->words.count - 1] : "";
	const struct gg_option *option = gg_option_find(command, previous, true);
	const bool is_value = option && option->kind != GG_VALUE_FLAG;
	ret->is_option = *ret->word == '-' && !is_value;
	ret->row = ret->is_option ? NULL
		   : is_value     ? option
				  : argument_behind(command, &ret->words);
	return NULL;
}

struct gg_error *gg_command_complete(const struct gg_command *command, const char *text,
				     bool is_debugger, struct gg_guest *guest,
				     struct gg_error *(*visit)(void *data, const char *candidate),
				     void *data)
{
	struct place place;
	struct gg_error *err = find_place(command, text, &place);
	if (err)
		return err;
	struct completion completion = { place.word, guest, visit, data };
	if (place.is_option)
		err = offer_options(&completion, command, is_debugger);
	else if (place.row)
		err = offer_values(&completion, place.row);
	gg_words_deinit(&place.words);
	return err;
}

bool gg_command_completes_guest(const struct gg_command *command, const char *text)
{
	struct place place;
	struct gg_error *err = find_place(command, text, &place);
	const struct gg_option *row = err ? NULL : place.row;
	const bool result =
		row &&
		(row->kind == GG_VALUE_CPU || row->kind == GG_VALUE_CPUS ||
		 row->kind == GG_VALUE_MODULE || row->kind == GG_VALUE_NESTED ||
		 (row->kind == GG_VALUE_TYPE && *place.word) ||
		 ((row->kind == GG_VALUE_ADDRESS || row->kind == GG_VALUE_SYMBOLS) && *place.word));
	if (!err)
		gg_words_deinit(&place.words);
	gg_error_destroy(err);
	return result;
}
