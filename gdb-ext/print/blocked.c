// SPDX-License-Identifier: GPL-3.0-or-later
//
// The blocked tasks as trees: a task that holds others up, and below it, indented, the tasks that wait
// for it. The deadlocks come first.
#include "blocked.h"
#include "base/cleanup.h"
#include "base/notices.h"
#include "words.h"
#include "rows.h"
#include "run.h"

#include <inttypes.h>
#include <string.h>

enum {
	MAX_INDENT = 16,
	NAME_WIDTH = 15,
	REST = 23, // the indentation of the rest of a long line
};

struct printer {
	struct gg_guest_blocked blocked;
	const struct gg_blocked_options *options;
	const struct gg_writer *writer;
	struct gg_buffer text;
	int column;       // where the line in TEXT ends
	int rest;         // where the rest of the line begins
	bool *is_printed; // of each task
};

bool gg_blocked_is_shown(const struct gg_guest_blocked *blocked, const struct gg_task *task,
			 bool all)
{
	const struct gg_wait *wait = gg_wait_of(&blocked->waits, task);
	if (wait->deadlock || wait->behind)
		return true;
	return wait->kind && (task->state == 'D' || gg_wait_is_lock(wait) || all);
}

// ---- A line ----

// Appends "NAME+0xOFFSET [MODULE]", or without a symbol the address.
static struct gg_error *append_address(const struct printer *printer, struct gg_buffer *text,
				       gg_gva_t address)
{
	struct gg_symbol symbol = { 0 };
	struct gg_error *err =
		gg_symbols_at(printer->blocked.stacks.kernel->symbols, address, &symbol);
	if (err || !symbol.name)
		gg_buffer_format(text, "0x%" PRIx64, address);
	else
		gg_buffer_format(text, "%s", symbol.name);
	if (!err && symbol.name && address != symbol.address)
		gg_buffer_format(text, "+0x%" PRIx64, address - symbol.address);
	if (!err && symbol.module)
		gg_buffer_format(text, " [%s]", symbol.module);
	return gg_error_unless_final(err);
}

static const char *kind_words(const struct gg_wait *wait)
{
	static const char *const words[] = {
		[GG_WAIT_MUTEX] = "mutex",
		[GG_WAIT_RWSEM] = "rwsem",
		[GG_WAIT_SEMAPHORE] = "semaphore",
		[GG_WAIT_RT_MUTEX] = "rt_mutex",
		[GG_WAIT_PERCPU_RWSEM] = "percpu_rwsem",
		[GG_WAIT_FILE_LOCK] = "lock of a file",
		[GG_WAIT_COMPLETION] = "completion",
		[GG_WAIT_PAGE] = "page",
		[GG_WAIT_BUFFER] = "buffer",
		[GG_WAIT_BIT] = "bit",
		[GG_WAIT_BIO] = "bio",
	};
	return words[wait->kind];
}

// Appends the owner, unless the line above is the owner's.
static void append_owner(struct gg_buffer *text, const struct gg_wait *wait, unsigned int depth)
{
	if (wait->holder && depth && wait->owner == GG_OWNER_KNOWN)
		return;
	if (wait->holder)
		gg_buffer_format(text, "held by %" PRId32 "%s", wait->holder->pid,
				 wait->owner == GG_OWNER_MAYBE ? "?" : "");
	else if (wait->owner == GG_OWNER_GONE)
		gg_buffer_format(text, "held by a task that is gone (0x%" PRIx64 ")",
				 wait->owner_address);
}

// Appends the lock or page that the task waits for.
static struct gg_error *append_wait(const struct printer *printer, struct gg_buffer *text,
				    const struct gg_wait *wait)
{
	static const char *const modes[] = { "", " to read", " to write" };
	struct gg_error *err = NULL;
	gg_buffer_format(text, "%s ", kind_words(wait));
	if (wait->mmap_of)
		gg_buffer_format(text, "mmap_lock of %" PRId32 " ", wait->mmap_of->tgid);
	if (wait->lock)
		err = append_address(printer, text, wait->lock);
	else
		gg_buffer_format(text, "?");
	gg_buffer_format(text, "%s", modes[wait->mode]);
	return err;
}

// Appends the state of a task whose wait is not known.
static void append_doing(struct gg_buffer *text, const struct gg_task *task)
{
	if (task->on_cpu)
		gg_buffer_format(text, "runs on CPU %" PRIu32, task->cpu);
	else if (task->state == 'R')
		gg_buffer_format(text, "is ready to run");
	else if (task->state == 'Z' || task->state == 'X')
		gg_buffer_format(text, "is dead");
	else if (task->state == 'T' || task->state == 't')
		gg_buffer_format(text, "is stopped");
	else
		gg_buffer_format(text, "sleeps");
}

static void append_age(struct printer *printer, const struct gg_task *task)
{
	enum { TENTHS = 100000000, MINUTE = 600, WIDTH = 10 };
	struct gg_buffer age = { 0 };
	uint64_t nanoseconds;
	if (gg_guest_blocked_age(&printer->blocked, task, &nanoseconds)) {
		const uint64_t tenths = nanoseconds / TENTHS;
		if (tenths < MINUTE)
			gg_buffer_format(&age, "%" PRIu64 ".%" PRIu64 " s", tenths / 10,
					 tenths % 10);
		else
			gg_append_duration(&age, tenths / 10);
	} else {
		gg_buffer_format(&age, "?");
	}
	gg_buffer_format(&printer->text, " %*.*s", WIDTH - 1, (int)age.size,
			 age.bytes ? (const char *)age.bytes : "");
	gg_buffer_deinit(&age);
}

// Moves PART, which is ASCII, to the end of the line, behind GLUE; to a line of its own where the line
// would be wider than a terminal.
static void append_part(struct printer *printer, const char *glue, struct gg_buffer *part)
{
	struct gg_buffer *text = &printer->text;
	// The next part's comma too.
	const int size = (int)(strlen(glue) + part->size) + 1;
	text->failed |= part->failed;
	if (part->size && *glue && printer->column + size > GG_COLUMNS) {
		gg_buffer_format(text, "%c\n%*s", *glue, printer->rest, "");
		printer->column = printer->rest;
	} else if (part->size) {
		gg_buffer_format(text, "%s", glue);
		printer->column += (int)strlen(glue);
	}
	gg_buffer_append(text, part->bytes, part->size);
	printer->column += (int)part->size;
	gg_buffer_deinit(part);
	*part = (struct gg_buffer){ 0 };
}

// Appends the place where the task waits, and the way by which the lock was found.
static struct gg_error *append_place(const struct printer *printer, struct gg_buffer *part,
				     const struct gg_wait *wait)
{
	static const char *const ways[] = { "", " (waiter)", " (task)", " (stack)" };
	struct gg_error *err = NULL;
	if (wait->place) {
		gg_buffer_format(part, "%s", wait->is_guess ? "in ? " : "in ");
		err = append_address(printer, part, wait->place);
	}
	if (wait->found)
		gg_buffer_format(part, "%s", ways[wait->found] + !part->size);
	return err;
}

// Begins the line of TASK.
static void append_task(struct printer *printer, const struct gg_task *task, unsigned int depth)
{
	struct gg_buffer *text = &printer->text;
	const int indent = 2 * (int)(depth < MAX_INDENT ? depth : MAX_INDENT);
	const size_t start = text->size;
	gg_buffer_format(text, "%*s%7" PRId32 " %c", indent, "", task->pid, task->state);
	append_age(printer, task);
	gg_buffer_format(text, "  ");
	printer->rest = REST + indent;
	printer->column = (int)(text->size - start);
	const int columns = gg_append_name(text, task->name);
	const int padding = columns < NAME_WIDTH ? NAME_WIDTH - columns : 0;
	gg_buffer_format(text, "%*s", padding + 1, "");
	printer->column += columns + padding + 1;
}

static struct gg_error *print_task(struct printer *printer, const struct gg_task *task,
				   unsigned int depth)
{
	struct gg_buffer part = { 0 };
	const struct gg_wait *wait = gg_wait_of(&printer->blocked.waits, task);
	struct gg_error *err = NULL;
	printer->is_printed[task - printer->blocked.stacks.tasks.tasks] = true;
	append_task(printer, task, depth);
	if (wait->kind > GG_WAIT_PLAIN)
		err = append_wait(printer, &part, wait);
	else
		append_doing(&part, task);
	append_part(printer, "", &part);
	if (wait->kind > GG_WAIT_PLAIN)
		gg_buffer_format(&part, "%s", wait->about);
	append_part(printer, ", ", &part);
	if (wait->kind > GG_WAIT_PLAIN)
		append_owner(&part, wait, depth);
	append_part(printer, ", ", &part);
	if (!err)
		err = append_place(printer, &part, wait);
	append_part(printer, ", ", &part);
	if (!err && wait->behind && !wait->deadlock && !wait->holder)
		gg_buffer_format(&part, "%zu task%s for it", wait->behind,
				 wait->behind == 1 ? " waits" : "s wait");
	append_part(printer, "; ", &part);
	gg_buffer_format(&printer->text, "\n");
	return err ? err : gg_write_out(&printer->text, printer->writer);
}

// ---- Trees ----

static const struct gg_task *task_of(const struct printer *printer, size_t number)
{
	return number ? &printer->blocked.stacks.tasks.tasks[number - 1] : NULL;
}

// Returns the task of ROOT's tree that is printed behind TASK, or NULL. DEPTH becomes its depth. A
// member of a deadlock starts a tree of its own.
static const struct gg_task *next_in_tree(const struct printer *printer, const struct gg_task *root,
					  const struct gg_task *task, unsigned int *depth)
{
	const struct gg_waits *waits = &printer->blocked.waits;
	const struct gg_task *next = task_of(printer, gg_wait_of(waits, task)->first_behind);
	++*depth;
	for (;;) {
		while (next && (printer->is_printed[next - waits->tasks->tasks] ||
				gg_wait_of(waits, next)->deadlock))
			next = task_of(printer, gg_wait_of(waits, next)->next_behind);
		if (next || task == root)
			return next;
		--*depth;
		next = task_of(printer, gg_wait_of(waits, task)->next_behind);
		task = gg_wait_of(waits, task)->holder;
	}
}

// Prints ROOT, and below it the tasks that wait for it.
static struct gg_error *print_tree(struct printer *printer, const struct gg_task *root)
{
	unsigned int depth = 0;
	struct gg_error *err = NULL;
	for (const struct gg_task *task = root; !err && task;
	     task = next_in_tree(printer, root, task, &depth))
		err = print_task(printer, task, depth);
	return err;
}

static struct gg_error *print_deadlock(struct printer *printer, const struct gg_task *first)
{
	const struct gg_waits *waits = &printer->blocked.waits;
	const struct gg_task *task = first;
	size_t count = 0;
	struct gg_error *err = NULL;
	do {
		count++;
		task = gg_wait_certain(waits, task);
	} while (task != first);
	if (count == 1)
		gg_buffer_format(&printer->text, "DEADLOCK: a task waits for itself\n");
	else
		gg_buffer_format(&printer->text, "DEADLOCK: %zu tasks wait for each other\n",
				 count);
	do {
		err = print_tree(printer, task);
		task = gg_wait_certain(waits, task);
	} while (!err && task != first);
	gg_buffer_format(&printer->text, "\n");
	return err;
}

static struct gg_error *print_deadlocks(struct printer *printer)
{
	const struct gg_tasks *tasks = &printer->blocked.stacks.tasks;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < tasks->count; i++)
		if (printer->blocked.waits.waits[i].deadlock && !printer->is_printed[i])
			err = print_deadlock(printer, &tasks->tasks[i]);
	return err;
}

struct root {
	const struct gg_task *task;
	size_t behind;
	uint64_t arrival;
};

// Sorts by the number of tasks behind, then by the time asleep, descending.
static int compare_roots(const void *a, const void *b)
{
	const struct root *x = a, *y = b;
	if (x->behind != y->behind)
		return x->behind < y->behind ? 1 : -1;
	if (x->arrival != y->arrival)
		return x->arrival < y->arrival ? -1 : 1;
	return x->task < y->task ? -1 : x->task > y->task;
}

// Prints the trees of the tasks that wait for no other task, then the circles that are not certain.
static struct gg_error *print_trees(struct printer *printer)
{
	const struct gg_tasks *tasks = &printer->blocked.stacks.tasks;
	_cleanup_free_ struct root *roots = calloc(tasks->count + 1, sizeof(*roots));
	size_t count = 0;
	struct gg_error *err = NULL;
	if (!roots)
		return gg_enomem;
	for (size_t i = 0; i < tasks->count; i++) {
		const struct gg_task *task = &tasks->tasks[i];
		const struct gg_wait *wait = &printer->blocked.waits.waits[i];
		if (!wait->holder &&
		    gg_blocked_is_shown(&printer->blocked, task, printer->options->all))
			roots[count++] = (struct root){ task, wait->behind, task->last_arrival };
	}
	qsort(roots, count, sizeof(*roots), compare_roots);
	for (size_t i = 0; !err && i < count; i++) {
		// A tree is a paragraph of its own.
		if (i && (roots[i].behind || roots[i - 1].behind))
			gg_buffer_format(&printer->text, "\n");
		err = print_tree(printer, roots[i].task);
	}
	for (size_t i = 0; !err && i < tasks->count; i++) {
		if (printer->is_printed[i] || !printer->blocked.waits.waits[i].holder)
			continue;
		gg_buffer_format(&printer->text,
				 "\nperhaps a deadlock: \"?\" marks what is not certain\n");
		err = print_tree(printer, &tasks->tasks[i]);
	}
	return err;
}

static struct gg_error *print_text(struct printer *printer)
{
	gg_buffer_format(&printer->text, "    PID S    ASLEEP  COMMAND         WAITS FOR\n");
	struct gg_error *err = print_deadlocks(printer);
	return err ? err : print_trees(printer);
}

static bool has_any(const struct printer *printer)
{
	const struct gg_tasks *tasks = &printer->blocked.stacks.tasks;
	for (size_t i = 0; i < tasks->count; i++)
		if (gg_blocked_is_shown(&printer->blocked, &tasks->tasks[i], printer->options->all))
			return true;
	return false;
}

static struct gg_error *print_json(struct printer *printer)
{
	const struct gg_tasks *tasks = &printer->blocked.stacks.tasks;
	struct gg_error *err = NULL;
	for (size_t i = 0; !err && i < tasks->count; i++)
		if (gg_blocked_is_shown(&printer->blocked, &tasks->tasks[i], printer->options->all))
			err = gg_append_blocked_json(&printer->text, &printer->blocked,
						     &tasks->tasks[i]);
	return err;
}

struct gg_error *gg_print_blocked(struct gg_guest *guest, const struct gg_blocked_options *options,
				  const struct gg_writer *writer, const struct gg_notices *notices)
{
	struct printer printer = { .options = options, .writer = writer };
	struct gg_error *err =
		gg_guest_blocked(guest, options->all ? "DSI" : "DS", notices, &printer.blocked);
	if (!err) {
		printer.is_printed = calloc(printer.blocked.stacks.tasks.count + 1, sizeof(bool));
		err = printer.is_printed ? NULL : gg_enomem;
	}
	if (!err && !has_any(&printer))
		err = gg_tell(notices, "no task is blocked");
	else if (!err)
		err = (options->json ? print_json : print_text)(&printer);
	if (!err)
		err = gg_write_out(&printer.text, writer);
	gg_buffer_deinit(&printer.text);
	free(printer.is_printed);
	gg_guest_blocked_deinit(&printer.blocked);
	return err;
}

// ---- The row of the table of commands ----

static const struct gg_option blocked_options[] = {
	{ .name = "all", .kind = GG_VALUE_FLAG, .help = "All tasks that sleep." },
	{ .name = "json",
	  .kind = GG_VALUE_FLAG,
	  .help = "A JSON object for each task, on a line of its own." },
	{ 0 }
};

const struct gg_command gg_command_blocked = {
	.name = "blocked",
	.gdb_name = "guest-blocked",
	.summary = "Show which tasks of the guest's kernel wait for which lock or disk.",
	.targets = GG_ALL_TARGETS,
	.help = "Shows the tasks in the state D, and other tasks that wait for a lock:\n"
		"the time asleep, the lock, its holder, and the function that waits.\n"
		"The tasks that wait for a lock stand below its holder, indented.  Tasks\n"
		"that wait for each other are a DEADLOCK.\n\n"
		"A ? marks a holder that is not certain: the last of several readers, the\n"
		"last task that passed a semaphore, or a task that was started after the\n"
		"wait.  Behind each wait stands the evidence for its lock: the task's\n"
		"entry in the lock's queue (waiter), a member of its task_struct (task),\n"
		"or a word of its stack (stack), which the lock bears out.",
	.options = blocked_options,
	.run = gg_run_blocked,
};
