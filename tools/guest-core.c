// SPDX-License-Identifier: GPL-3.0-or-later
//
// gdb-guest's commands without a debugger: on the core of a QEMU, a vmcore, or a QEMU that runs.
//
// In:  a file or a process, a command of the table and its options.
// Out: the command's text on standard output, notes and progress on standard error, a status.
#include "attach.h"

#include <gdb-guest.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum status {
	DONE = 0,
	FAILED = 1,
	WRONG_USAGE = 2,
	NOTHING_FOUND = 3, // the command is done, and had nothing to print
	INTERRUPTED = 128 + SIGINT,
};

struct arguments {
	const char *program; // QEMU's
	const char *file;
	const char *process;
	const char *kernel; // its number
	const char *nested; // numbers with dots between
	const char *vmlinux;
	bool debug;
	const char *command;
	const char *const *words; // behind the command
	size_t count;
};

// ---- Standard output and standard error ----

struct output {
	bool has_written;
	bool has_bar; // the terminal's line has progress on it
};

static void erase_bar(struct output *output)
{
	if (output->has_bar)
		fputs("\r\033[K", stderr);
	output->has_bar = false;
}

static struct gg_error *write_text(void *data, const char *text, size_t size)
{
	struct output *output = data;
	erase_bar(output);
	output->has_written = true;
	return fwrite(text, 1, size, stdout) == size ? NULL
						     : gg_error_system(errno, "standard output");
}

// Writes a note behind the text so far: both may go to the same file.
static struct gg_error *write_notice(void *data, const char *text)
{
	erase_bar(data);
	fflush(stdout);
	fprintf(stderr, "note: %s\n", text);
	return NULL;
}

static void write_debug(void *data, const char *line)
{
	erase_bar(data);
	fflush(stdout);
	fprintf(stderr, "%s\n", line);
}

static bool shows_colours(void)
{
	const char *terminal = getenv("TERM"), *none = getenv("NO_COLOR");
	return isatty(STDOUT_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0 &&
	       !(none && *none);
}

// ---- The target ----

struct session {
	struct output output;
	struct attachment *attachment; // of a process
	struct gg_file_host *host;
	struct gg_target target;
	struct gg_guest *guest;
	struct gg_notices notices;
	struct gg_writer writer;
	struct gg_debug debug;
	char *path; // of the file, absolute, as GDB shows it
	uint64_t nested[GG_NESTED_DEPTH];
};

static struct gg_error *parse_number(const char *option, const char *text, unsigned long most,
				     unsigned long *ret)
{
	char *end;
	errno = 0;
	*ret = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !*ret || *ret > most)
		return gg_error_create(GG_INVALID, "%s is \"%s\", not a number from 1", option,
				       text);
	return NULL;
}

static char *absolute(const char *path)
{
	char *result = NULL;
	char *folder = *path == '/' ? NULL : getcwd(NULL, 0);
	if (!folder)
		return strdup(path);
	if (asprintf(&result, "%s/%s", folder, path) < 0)
		result = NULL;
	free(folder);
	return result;
}

// A QEMU that a signal has stopped may well have its guest running, as far as its memory tells.
static struct gg_error *tell_stopped(struct session *session, pid_t pid)
{
	static const char format[] = "process %d is stopped by a signal, and its guest stands "
				     "still: \"kill -CONT %d\" lets it go on";
	char text[160];
	if (!gg_process_is_stopped(pid))
		return NULL;
	snprintf(text, sizeof(text), format, (int)pid, (int)pid);
	return session->notices.tell(session->notices.data, text);
}

static struct gg_error *open_process(struct session *session, const char *text)
{
	unsigned long pid;
	struct gg_error *err = parse_number("-p", text, INT32_MAX, &pid);
	if (!err)
		err = tell_stopped(session, (pid_t)pid);
	if (!err)
		err = attach((pid_t)pid, &session->attachment);
	session->target.pid = (pid_t)pid;
	return err;
}

static struct gg_error *open_guest(struct session *session)
{
	gg_guest_destroy(session->guest);
	session->guest = NULL;
	return gg_guest_create(gg_file_host(session->host), &session->target, &session->guest);
}

// The kernel that -kernel names, by its number in the list.
struct wanted {
	unsigned long number;
	struct gg_kernel_choice choice;
};

static struct gg_error *count_kernel(void *data, const struct gg_kernel_info *kernel)
{
	struct wanted *wanted = data;
	if (wanted->number && !--wanted->number)
		wanted->choice = kernel->choice;
	return NULL;
}

static struct gg_error *choose_kernel(struct session *session, const char *text)
{
	struct wanted wanted = { 0 };
	struct gg_error *err = parse_number("-kernel", text, INT32_MAX, &wanted.number);
	if (!err)
		err = gg_guest_kernels(session->guest, true, count_kernel, &wanted);
	if (err)
		return err;
	if (wanted.number)
		return gg_error_create(
			GG_NOT_FOUND, "there is no kernel %s; the command kernel lists them", text);
	session->target.choice = wanted.choice;
	return open_guest(session);
}

static struct gg_error *open_target(struct session *session, const struct arguments *arguments)
{
	struct gg_error *err = NULL;
	session->target.program_path = arguments->program;
	session->target.vmlinux_path = arguments->vmlinux;
	session->target.debug = arguments->debug ? &session->debug : NULL;
	session->target.nested = session->nested;
	if (arguments->nested)
		err = gg_nested_parse(arguments->nested, session->nested,
				      &session->target.nested_count);
	if (err)
		return gg_error_context(err, "-nested");
	if (arguments->process)
		err = open_process(session, arguments->process);
	else if (!(session->path = absolute(arguments->file)))
		err = gg_error_create(GG_NO_MEMORY, "out of memory");
	if (err)
		return err;
	session->target.core_path = session->path;
	err = gg_file_host_create(&session->target, &session->host);
	if (err)
		return err;
	session->target.program_path = gg_file_host_program(session->host);
	err = open_guest(session);
	if (!err && arguments->kernel)
		err = choose_kernel(session, arguments->kernel);
	return err;
}

// Closes all; the process goes on first.
static void close_target(struct session *session)
{
	detach(session->attachment);
	gg_guest_destroy(session->guest);
	gg_file_host_destroy(session->host);
	free(session->path);
}

// ---- The command ----

// Finds the command; "x/16gx" is the command x with the argument "/16gx".
static const struct gg_command *find_command(const char *word, const char **ret_format)
{
	const char *slash = strchr(word, '/');
	char *name = strndup(word, slash ? (size_t)(slash - word) : strlen(word));
	const struct gg_command *command = name ? gg_command_find(name, false) : NULL;
	free(name);
	if (ret_format)
		*ret_format = slash;
	return command && command->run ? command : NULL;
}

static struct gg_error *parse_options(const struct gg_command *command, const char *format,
				      const struct arguments *arguments,
				      const struct gg_front_end *front, struct gg_options **ret)
{
	const char **words = calloc(arguments->count + 1, sizeof(*words));
	if (!words)
		return gg_error_create(GG_NO_MEMORY, "out of memory");
	size_t count = 0;
	if (format)
		words[count++] = format;
	for (size_t i = 0; i < arguments->count; i++)
		words[count++] = arguments->words[i];
	struct gg_error *err = gg_options_parse(command, words, count, front, ret);
	free(words);
	return err;
}

// Shows progress as GDB does: after half a second, on a terminal.
static struct gg_error *show_progress(void *data, const char *text, double seconds)
{
	struct session *session = data;
	struct output *output = &session->output;
	if (seconds <= 0.5)
		return NULL;
	fflush(stdout);
	erase_bar(output);
	output->has_bar = true;
	fputs(text, stderr);
	return NULL;
}

// Lets the process run for MILLISECONDS, or until Ctrl-C, and has it stand still again.
static struct gg_error *run_process(void *data, unsigned int milliseconds, char **ret)
{
	enum { STEP = 50, MILLISECOND = 1000000 };
	struct session *session = data;
	const struct timespec step = { 0, (long)STEP * MILLISECOND };
	struct gg_error *interrupted = NULL;
	(void)ret;
	detach(session->attachment);
	session->attachment = NULL;
	for (unsigned int passed = 0; !interrupted && passed < milliseconds; passed += STEP) {
		nanosleep(&step, NULL);
		interrupted = gg_interrupt_check();
	}
	struct gg_error *err = attach(session->target.pid, &session->attachment);
	gg_guest_ran(session->guest);
	if (!err)
		return interrupted;
	gg_error_destroy(interrupted);
	return err;
}

static enum status report(const char *name, struct gg_error *err, enum status status)
{
	if (gg_error_kind(err) == GG_INTERRUPTED) {
		fprintf(stderr, "Quit\n");
		status = INTERRUPTED;
	} else {
		fprintf(stderr, "guest-core: %s%s%s\n", name, *name ? ": " : "",
			gg_error_message(err));
	}
	gg_error_destroy(err);
	return status;
}

// Takes a request to end as Ctrl-C: no file is left half-written.
static void end(int number)
{
	(void)number;
	raise(SIGINT);
}

static struct gg_error *run_command(struct session *session, const struct gg_command *command,
				    const struct gg_options *options, struct gg_front_end *front,
				    const struct arguments *arguments)
{
	struct gg_error *err = NULL;
	const struct sigaction ending = { .sa_handler = end };
	gg_interrupt_begin();
	sigaction(SIGTERM, &ending, NULL);
	sigaction(SIGHUP, &ending, NULL);
	if (gg_command_takes_guest(command, options))
		err = open_target(session, arguments);
	front->target_kind = arguments->process ? "process" : "core";
	front->target = arguments->process ? arguments->process : session->path;
	front->run = arguments->process ? run_process : NULL;
	if (!err)
		err = command->run(session->guest, options, front, &session->writer,
				   &session->notices);
	close_target(session);
	erase_bar(&session->output);
	gg_interrupt_end();
	if (fflush(stdout) && !err)
		err = gg_error_system(errno, "standard output");
	return err;
}

static enum status run(const struct arguments *arguments)
{
	const char *format;
	struct gg_options *options;
	const struct gg_command *command = find_command(arguments->command, &format);
	struct session session = {
		.notices = { write_notice, &session.output },
		.writer = { write_text, &session.output },
		.debug = { write_debug, &session.output },
	};
	struct gg_front_end front = { .evaluate = gg_number_evaluate,
				      .data = &session,
				      .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
				      .colour = shows_colours() };
	struct gg_error *err = parse_options(command, format, arguments, &front, &options);
	if (err)
		return report(command->name, err, WRONG_USAGE);
	if (!arguments->file && !arguments->process && gg_command_takes_guest(command, options)) {
		fprintf(stderr, "guest-core: %s: FILE is missing: guest-core FILE %s\n",
			command->name, command->name);
		gg_options_destroy(options);
		return WRONG_USAGE;
	}
	err = run_command(&session, command, options, &front, arguments);
	gg_options_destroy(options);
	if (err)
		return report(command->name, err, FAILED);
	return session.output.has_written ? DONE : NOTHING_FOUND;
}

// ---- Help ----

static const char usage[] =
	"Usage: guest-core [-qemu PROGRAM] [-nested N] [-kernel N] [-vmlinux FILE] "
	"[-debug] FILE COMMAND [OPTION]...\n"
	"       guest-core [-nested N] [-kernel N] -p PID COMMAND [OPTION]...\n"
	"       guest-core COMMAND -help\n";

static void print_help(void)
{
	const struct gg_command *command;
	printf("%s\n"
	       "Show the guest inside FILE, the core of a QEMU or a vmcore, or inside the QEMU "
	       "process\n"
	       "PID, without a debugger, with gdb-guest's commands:\n\n",
	       usage);
	for (size_t i = 0; (command = gg_command_at(i)); i++)
		if (command->run)
			printf("  %-7s %s\n", command->name, command->summary);
	printf("\nOptions:\n"
	       "  -qemu PROGRAM  The binary of the QEMU that dumped FILE, if it has left its old "
	       "path.\n"
	       "  -nested N      Show nested guest N of the command nested's list, in all "
	       "commands;\n"
	       "                 N.M is nested guest M of nested guest N.\n"
	       "  -kernel N      Show kernel N of the command kernel's list, in all commands.\n"
	       "  -vmlinux FILE  Types of a kernel without BTF: its vmlinux, with debuginfo.\n"
	       "  -p PID         Look at a process, which stands still meanwhile.\n"
	       "  -debug         Show on standard error what was tried, found and rejected.\n"
	       "  -help, -version\n"
	       "\n"
	       "Exit status: 0 when something was shown or written, 3 when there was nothing to "
	       "show\n"
	       "(no record of the log matches the options), 1 after an error, 2 for wrong "
	       "usage,\n"
	       "130 after Ctrl-C.  Notes and progress go to standard error.\n");
}

static enum status print_command_help(const char *word)
{
	const struct gg_command *command = find_command(word, NULL);
	char *help = gg_command_help(command, false);
	printf("%s\n", help ? help : command->summary);
	free(help);
	return DONE;
}

__attribute__((format(printf, 1, 0))) static enum status wrong_usage(const char *format,
								     const char *word)
{
	fprintf(stderr, "guest-core: ");
	fprintf(stderr, format, word);
	fprintf(stderr, "; guest-core -help\n");
	return WRONG_USAGE;
}

// ---- The command line ----

static bool is_option(const char *word, const char *name)
{
	return word[0] == '-' && !strcmp(word + (word[1] == '-' ? 2 : 1), name);
}

// Parses the options before FILE. Returns the number of their words; of a wrong word its index,
// with the error's format in WRONG.
static size_t parse_leading(char **words, size_t count, struct arguments *ret, const char **wrong)
{
	size_t i = 0;
	for (; i < count && words[i][0] == '-' && words[i][1]; i++) {
		const char **value = is_option(words[i], "qemu")      ? &ret->program
				     : is_option(words[i], "nested")  ? &ret->nested
				     : is_option(words[i], "kernel")  ? &ret->kernel
				     : is_option(words[i], "vmlinux") ? &ret->vmlinux
				     : is_option(words[i], "p")       ? &ret->process
								      : NULL;
		if (is_option(words[i], "debug"))
			ret->debug = true;
		else if (!value)
			*wrong = "no option %s";
		else if (i + 1 == count)
			*wrong = "%s takes a value";
		else
			*value = words[++i];
		if (*wrong)
			break;
	}
	return i;
}

// Parses all words. FILE may be left out where -p is given, or the command needs none.
static enum status parse_arguments(char **words, size_t count, struct arguments *ret)
{
	const char *wrong = NULL;
	size_t i = parse_leading(words, count, ret, &wrong);
	if (wrong)
		return wrong_usage(wrong, words[i]);
	const bool has_file = !ret->process && i < count &&
			      !(find_command(words[i], NULL) &&
				!(i + 1 < count && find_command(words[i + 1], NULL)));
	if (has_file)
		ret->file = words[i++];
	if (i == count)
		return wrong_usage("there is no %s",
				   ret->file || ret->process ? "COMMAND" : "FILE");
	ret->command = words[i++];
	if (!find_command(ret->command, NULL))
		return wrong_usage("no command %s", ret->command);
	ret->words = (const char *const *)words + i;
	ret->count = count - i;
	return DONE;
}

// ---- Completion ----

static struct gg_error *print_candidate(void *data, const char *candidate)
{
	(void)data;
	printf("%s\n", candidate);
	return NULL;
}

// Joins the words behind the command to a text, which the caller frees; NULL without memory.
static char *join_words(const struct arguments *arguments, const char *format)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	if (format)
		fprintf(stream, "%s ", format);
	for (size_t i = 0; i < arguments->count; i++) {
		for (const char *at = arguments->words[i]; *at; at++)
			fprintf(stream, "%s%c", strchr(" \t'\"\\", *at) ? "\\" : "", *at);
		fputs(i + 1 < arguments->count ? " " : "", stream);
	}
	return fclose(stream) ? NULL : text;
}

// Prints the candidates for a command's last word; none of a guest that cannot be read.
static void complete_command(const struct arguments *arguments)
{
	const char *format;
	const struct gg_command *command = find_command(arguments->command, &format);
	struct session session = { 0 };
	struct gg_error *err = NULL;
	char *text = join_words(arguments, format);
	if (!text)
		return;
	gg_interrupt_begin();
	if ((arguments->file || arguments->process) && gg_command_completes_guest(command, text))
		err = open_target(&session, arguments);
	gg_error_destroy(err);
	err = gg_command_complete(command, text, false, session.guest, print_candidate, NULL);
	gg_error_destroy(err);
	close_target(&session);
	gg_interrupt_end();
	free(text);
}

static void complete_leading(const char *word, const struct arguments *arguments)
{
	static const char *const options[] = { "-qemu",  "-nested", "-kernel",  "-vmlinux", "-p",
					       "-debug", "-help",   "-version", NULL };
	const struct gg_command *command;
	for (size_t i = 0; options[i] && !arguments->file; i++)
		if (*word == '-' && !strncmp(options[i], word, strlen(word)))
			printf("%s\n", options[i]);
	for (size_t i = 0; (command = gg_command_at(i)); i++)
		if (command->run && (arguments->file || arguments->process) &&
		    !strncmp(command->name, word, strlen(word)))
			printf("%s\n", command->name);
}

// Prints what the last of WORDS may become, a candidate on a line. The shell completes files where
// nothing is printed.
static enum status complete(char **words, size_t count)
{
	struct arguments arguments = { 0 };
	const char *wrong = NULL;
	size_t i = count ? parse_leading(words, count - 1, &arguments, &wrong) : 0;
	if (!count || wrong)
		return DONE;
	if (i + 1 < count && !arguments.process && !find_command(words[i], NULL))
		arguments.file = words[i++];
	if (i + 1 == count || !find_command(words[i], NULL)) {
		complete_leading(words[count - 1], &arguments);
		return DONE;
	}
	arguments.command = words[i++];
	arguments.words = (const char *const *)words + i;
	arguments.count = count - i;
	complete_command(&arguments);
	return DONE;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	// Not the commas of numbers, which scripts read.
	setlocale(LC_CTYPE, "");
	if (argc > 1 && (is_option(argv[1], "help") || !strcmp(argv[1], "-h"))) {
		print_help();
		return DONE;
	}
	if (argc > 1 && is_option(argv[1], "version")) {
		printf("guest-core %s\n", PACKAGE_VERSION);
		return DONE;
	}
	if (argc < 2) {
		fputs(usage, stderr);
		return WRONG_USAGE;
	}
	if (!strcmp(argv[1], "-complete"))
		return complete(argv + 2, (size_t)argc - 2);
	const enum status status = parse_arguments(argv + 1, (size_t)argc - 1, &arguments);
	if (status != DONE)
		return status;
	for (size_t i = 0; i < arguments.count; i++)
		if (is_option(arguments.words[i], "help"))
			return print_command_help(arguments.command);
	return run(&arguments);
}
