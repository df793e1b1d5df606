// SPDX-License-Identifier: GPL-3.0-or-later
//
// The commands: their names, options and help, once for all front ends; the parser of what a user
// typed.
#ifndef GDB_GUEST_COMMAND_H
#define GDB_GUEST_COMMAND_H

#include "guest.h"
#include "kernels.h"
#include "log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

enum gg_value_kind {
	GG_VALUE_FLAG,    // no value
	GG_VALUE_INTEGER, // a number from LOW to HIGH
	GG_VALUE_CPU,     // the number of a CPU
	GG_VALUE_CPUS,    // a list of such numbers, a text
	GG_VALUE_WORD,    // one of the option's words
	GG_VALUE_WORDS,   // some of them, with commas in between
	GG_VALUE_LEVELS,  // such a list, in which WORD+ is WORD and all before it
	GG_VALUE_FILE,
	GG_VALUE_TEXT,
	GG_VALUE_TIME,    // seconds of the log's clock, or a time in UTC
	GG_VALUE_MODULE,  // name of a module of the guest's kernel
	GG_VALUE_NESTED,  // the number of a nested guest, any text
	GG_VALUE_ADDRESS, // in the guest: a symbol or a number
	GG_VALUE_SYMBOLS, // a list of symbols with commas in between
	GG_VALUE_FORMAT,  // of gdb's x; a word that starts with "/" is one wherever it stands
	GG_VALUE_KEY,     // of SysRq
	GG_VALUE_TYPE,    // of the kernel: TYPE or TYPE.MEMBER,MEMBER ...
};

// An option, "-NAME VALUE", or an argument, which has no dash.
struct gg_option {
	const char *name; // without the dash
	enum gg_value_kind kind;
	const char *help;   // of an option; no newline at its end
	uint64_t low, high; // of GG_VALUE_INTEGER
	// The words: up to a NULL, or by number, where a number below COUNT may have none.
	const char *const *words;
	const char *(*word)(unsigned int number);
	unsigned int word_count;
	const char *needs;   // the option that must be given with this option, or NULL
	bool needs_debugger; // it does not exist in another front end
	const char *label;   // of an argument: "FILE", or "[N]" where it may be left out
};

struct gg_options;

// A front end, for what only it can do.
struct gg_front_end {
	// Evaluates TEXT to a whole number, to RET as decimal digits behind a "-" where it is
	// negative; the caller frees them. GG_INVALID says that TEXT is not EXPECTED ("a number").
	struct gg_error *(*evaluate)(void *data, const char *text, const char *expected,
				     char **ret);
	void *data;
	bool is_debugger; // its commands have the names GDB_NAME
	// Sets the variable NAME to *VALUE, or with NULL to none; NULL without a debugger.
	struct gg_error *(*set_variable)(void *data, const char *name, const uint64_t *value);
	// Shows TEXT, how far the work is after SECONDS, in place of the text before; NULL where nobody
	// looks. An error ends the work.
	struct gg_error *(*progress)(void *data, const char *text, double seconds);
	// Loads the symbol file PATH into the debugger when the command has ended, with IS_NEW also
	// where an older PATH is loaded; NULL without a debugger.
	struct gg_error *(*load_symbols)(void *data, const char *path, bool is_new);
	// Called with each kernel that is listed, as gg_kernels_options.visit; may be NULL.
	gg_visit_kernel_fn *listed;
	bool colour; // the output goes to a terminal that shows colours
	bool intel;  // instructions in Intel's syntax rather than AT&T's
	// The target's kind ("core", "process", "gdbstub") and its file, number or address; of a
	// gdbstub's guest whether it ran before ("ran", "paused", "resumed", "unknown"), and that
	// as a sentence.
	const char *target_kind, *target, *state_before, *state_text;
	// The number that the gdbstub gives the thread which the debugger has selected; 0 without.
	unsigned int stub_thread;
	// Lets the target, a process that stands still, run for MILLISECONDS, at least 1; it stands still
	// afterwards. RET stays NULL, or is the reason for which it stopped before, which the caller frees.
	// NULL for another target.
	struct gg_error *(*run)(void *data, unsigned int milliseconds, char **ret);
	// Finds the stacks of all threads of the target, as text that the caller frees; NULL without a
	// debugger.
	struct gg_error *(*threads)(void *data, char **ret);
};

// Prints what a command shows. GUEST is NULL only with the option WITHOUT_GUEST.
typedef struct gg_error *gg_command_run(struct gg_guest *guest, const struct gg_options *options,
					const struct gg_front_end *front,
					const struct gg_writer *writer,
					const struct gg_notices *notices);

struct gg_command {
	const char *name;                  // guest-core's: "klog"
	const char *gdb_name;              // a debugger's: "guest-klog"
	const char *summary;               // a sentence
	const char *targets;               // a paragraph: where it works, in a debugger; or NULL
	const char *help;                  // further paragraphs
	const char *debugger_help;         // paragraphs that only a debugger has, or NULL
	const char *alone_help;            // paragraphs that only another front end has, or NULL
	const struct gg_option *arguments; // up to a row without a name; or NULL
	const struct gg_option *options;   // the same
	const char *without_guest;         // the option with which RUN takes no guest, or NULL
	gg_command_run *run;               // NULL where the front end does all of it itself
};

// Evaluates a number as gg_front_end.evaluate does, without a debugger: whole numbers as in C, with
// + and - between them.
struct gg_error *gg_number_evaluate(void *data, const char *text, const char *expected, char **ret);

// Returns the table's row INDEX; NULL behind the last row.
const struct gg_command *gg_command_at(size_t index);

// Finds the row of NAME, a debugger's name with IS_DEBUGGER; NULL where there is none.
const struct gg_command *gg_command_find(const char *name, bool is_debugger);

// Tests whether COMMAND's run takes a guest with OPTIONS.
bool gg_command_takes_guest(const struct gg_command *command, const struct gg_options *options);

// Makes the help text, which the caller frees; NULL without memory.
char *gg_command_help(const struct gg_command *command, bool is_debugger);

// Parses what follows the command's name: TEXT, split into words as GDB does, or COUNT words.
// GG_INVALID says what is wrong, without the command's name.
struct gg_error *gg_options_parse_text(const struct gg_command *command, const char *text,
				       const struct gg_front_end *front, struct gg_options **ret);
struct gg_error *gg_options_parse(const struct gg_command *command, const char *const *words,
				  size_t count, const struct gg_front_end *front,
				  struct gg_options **ret);

// Destroys OPTIONS, which may be NULL.
void gg_options_destroy(struct gg_options *options);

// The value of an option or argument.
struct gg_value {
	const char *text; // as it was typed; of a file with the home in place of "~"
	uint64_t number;  // of a number
	uint64_t bits;    // of words: bit N for word N
	struct gg_log_bound time;
};

// Returns the value of NAME; NULL where it was not given. Valid as long as OPTIONS is.
const struct gg_value *gg_options_value(const struct gg_options *options, const char *name);

// Return, in short, whether the option was given, its text or NULL, its number or INSTEAD.
bool gg_options_has(const struct gg_options *options, const char *name);
const char *gg_options_text(const struct gg_options *options, const char *name);
uint64_t gg_options_number(const struct gg_options *options, const char *name, uint64_t instead);

// Calls VISIT with each text that the last word of TEXT, which follows the command's name, may
// become. GUEST may be NULL, and then has no symbols and no CPUs; gg_command_completes_guest()
// tests whether that would make a difference. An error of VISIT's ends it.
struct gg_error *gg_command_complete(const struct gg_command *command, const char *text,
				     bool is_debugger, struct gg_guest *guest,
				     struct gg_error *(*visit)(void *data, const char *candidate),
				     void *data);
bool gg_command_completes_guest(const struct gg_command *command, const char *text);

#pragma GCC visibility pop

#endif
