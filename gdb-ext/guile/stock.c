// SPDX-License-Identifier: GPL-3.0-or-later
//
// Guile inside a GDB that has none. scheme/stock/debugger.py loads this library into GDB's process
// and starts libguile there; scheme/stock/gdb.scm is the module (gdb) then, and what it wants of
// GDB it asks Python.
//
// In:  questions, lists of Scheme values of which the first is the question's name; answers of
// Python's. Out: the same as structures that both sides read. Never: an exception that crosses.
// Python's callback returns a description of what it caught, which becomes a Scheme exception here;
// calls into Scheme return whether they came to their end.
#include "guile.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

// The same numbers as in debugger.py.
enum item_kind {
	ITEM_NONE,
	ITEM_FALSE,
	ITEM_TRUE,
	ITEM_UNSIGNED,  // number
	ITEM_SIGNED,    // number, as two's complement
	ITEM_TEXT,      // size bytes of UTF-8
	ITEM_BYTES,     // size bytes; in a question they may be written to
	ITEM_OBJECT,    // number is what Python knows a thing of GDB's by
	ITEM_LIST,      // size items
	ITEM_EXCEPTION, // a list: its key, the procedure or false, the message
};

struct item {
	uint64_t kind;
	uint64_t number;
	const void *data;
	uint64_t size;
};

// Answers QUESTION, a list; *RET is an exception until it is written. What it points to lasts until
// the next call.
typedef void answer_function(const struct item *question, struct item *ret);

__attribute__((visibility("default"))) const char *gg_stock_start(const char *folder,
								  answer_function *answer);
__attribute__((visibility("default"))) bool gg_stock_enter(void);
__attribute__((visibility("default"))) void gg_stock_stop(void);

static answer_function *debugger; // NULL before the start and after the end
static SCM object_type, enter_variable;
static unsigned int depth;

// The collector does not know how large an object is that Python holds: of so many it is called.
enum { OBJECTS_BETWEEN_COLLECTIONS = 8192 };
static size_t object_count, collect_at = OBJECTS_BETWEEN_COLLECTIONS;

// ---- Questions ----

// The memory that a question's structures point to, for the collector to see.
struct question {
	SCM kept;
};

static void put_value(struct question *question, SCM value, struct item *item);

static void put_bytes(struct question *question, SCM bytes, enum item_kind kind, struct item *item)
{
	question->kept = scm_cons(bytes, question->kept);
	item->kind = kind;
	item->data = SCM_BYTEVECTOR_CONTENTS(bytes);
	item->size = SCM_BYTEVECTOR_LENGTH(bytes);
}

static void put_list(struct question *question, SCM list, struct item *item)
{
	const size_t count = scm_to_size_t(scm_length(list));
	SCM bytes = scm_c_make_bytevector(count * sizeof(struct item));
	put_bytes(question, bytes, ITEM_LIST, item);
	item->size = count;
	struct item *items = (struct item *)SCM_BYTEVECTOR_CONTENTS(bytes);
	for (size_t i = 0; i < count; i++, list = scm_cdr(list)) {
		items[i] = (struct item){ 0 };
		put_value(question, scm_car(list), &items[i]);
	}
}

static void put_value(struct question *question, SCM value, struct item *item)
{
	if (scm_is_eq(value, SCM_UNSPECIFIED)) {
		item->kind = ITEM_NONE;
	} else if (scm_is_false(value)) {
		item->kind = ITEM_FALSE;
	} else if (scm_is_eq(value, SCM_BOOL_T)) {
		item->kind = ITEM_TRUE;
	} else if (scm_is_unsigned_integer(value, 0, UINT64_MAX)) {
		item->kind = ITEM_UNSIGNED;
		item->number = scm_to_uint64(value);
	} else if (scm_is_signed_integer(value, INT64_MIN, INT64_MAX)) {
		item->kind = ITEM_SIGNED;
		item->number = (uint64_t)scm_to_int64(value);
	} else if (scm_is_string(value)) {
		put_bytes(question, scm_string_to_utf8(value), ITEM_TEXT, item);
	} else if (scm_is_bytevector(value)) {
		put_bytes(question, value, ITEM_BYTES, item);
	} else if (scm_is_true(scm_list_p(value))) {
		put_list(question, value, item);
	} else {
		scm_assert_foreign_object_type(object_type, value);
		item->kind = ITEM_OBJECT;
		item->number = (uintptr_t)scm_foreign_object_unsigned_ref(value, 0);
	}
}

// ---- Answers ----

static SCM text_of(const struct item *item)
{
	return scm_from_stringn(item->data, item->size, "UTF-8",
				SCM_FAILED_CONVERSION_QUESTION_MARK);
}

static SCM bytes_of(const struct item *item)
{
	SCM bytes = scm_c_make_bytevector(item->size);
	if (item->size)
		memcpy(SCM_BYTEVECTOR_CONTENTS(bytes), item->data, item->size);
	return bytes;
}

static SCM value_of(const struct item *item);

static SCM list_of(const struct item *item)
{
	const struct item *items = item->data;
	SCM list = SCM_EOL;
	for (size_t i = item->size; i-- > 0;)
		list = scm_cons(value_of(&items[i]), list);
	return list;
}

static SCM value_of(const struct item *item)
{
	switch ((enum item_kind)item->kind) {
	case ITEM_FALSE:
		return SCM_BOOL_F;
	case ITEM_TRUE:
		return SCM_BOOL_T;
	case ITEM_UNSIGNED:
		return scm_from_uint64(item->number);
	case ITEM_SIGNED:
		return scm_from_int64((int64_t)item->number);
	case ITEM_TEXT:
		return text_of(item);
	case ITEM_BYTES:
		return bytes_of(item);
	case ITEM_OBJECT:
		object_count++;
		return scm_make_foreign_object_1(object_type, (void *)(uintptr_t)item->number);
	case ITEM_LIST:
		return list_of(item);
	case ITEM_NONE:
	case ITEM_EXCEPTION:
		break;
	}
	return SCM_UNSPECIFIED;
}

// Throws as GDB's own procedures do: KEY, the procedure, the message's format and its arguments,
// #f.
static void throw_exception(const struct item *item)
{
	SCM parts = item->kind == ITEM_EXCEPTION ? list_of(item) : SCM_EOL;
	if (scm_ilength(parts) != 3) // nothing was written: a Ctrl-C came before Python could
		scm_throw(scm_from_utf8_symbol("signal"),
			  scm_list_4(SCM_BOOL_F, scm_from_utf8_string("~A"),
				     scm_list_1(scm_from_utf8_string("interrupted")), SCM_BOOL_F));
	scm_throw(scm_string_to_symbol(scm_car(parts)),
		  scm_list_4(scm_cadr(parts), scm_from_utf8_string("~A"),
			     scm_list_1(scm_caddr(parts)), SCM_BOOL_F));
}

static void collect_objects(void)
{
	if (object_count < collect_at)
		return;
	scm_gc();
	scm_run_finalizers();
	collect_at = object_count + OBJECTS_BETWEEN_COLLECTIONS;
}

// GDB's execute, asked by Python, puts GDB's own handler of SIGINT in place of whose it was, and
// leaves it there. A Ctrl-C that comes in between is an exception of Python's, which ends whatever
// is under way. Where SIGINT is the library's, it waits: no question takes long.
static void call_debugger(const struct item *question, struct item *answer)
{
	struct sigaction owners;
	sigset_t interrupt, before;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	const bool waits = gg_interrupt_previous() &&
			   !pthread_sigmask(SIG_BLOCK, &interrupt, &before) &&
			   !sigismember(&before, SIGINT);
	sigaction(SIGINT, NULL, &owners);
	debugger(question, answer);
	sigaction(SIGINT, &owners, NULL);
	if (waits)
		pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
}

// (%ask NAME ARGUMENT...): what GDB's Python answers.
static SCM ask(SCM list)
{
	if (!debugger)
		scm_misc_error("%ask", "GDB is no longer there", SCM_EOL);
	collect_objects();
	struct question question = { .kept = SCM_EOL };
	struct item item = { 0 }, answer = { .kind = ITEM_EXCEPTION };
	put_list(&question, list, &item);
	call_debugger(&item, &answer);
	scm_remember_upto_here_1(question.kept);
	if (answer.kind == ITEM_EXCEPTION)
		throw_exception(&answer);
	return value_of(&answer);
}

// Called in scm_run_finalizers, when no question is under way.
static void release_object(SCM object)
{
	static const char name[] = "release";
	const struct item items[] = {
		{ .kind = ITEM_TEXT, .data = name, .size = strlen(name) },
		{ .kind = ITEM_UNSIGNED,
		  .number = (uintptr_t)scm_foreign_object_unsigned_ref(object, 0) },
	};
	const struct item question = { .kind = ITEM_LIST, .data = items, .size = 2 };
	struct item answer = { .kind = ITEM_NONE };
	object_count--;
	if (debugger)
		debugger(&question, &answer);
}

// ---- Calls from Python into Scheme ----

static void define_module(void *unused)
{
	(void)unused;
	scm_c_define_gsubr("%ask", 0, 0, 1, (scm_t_subr)ask);
	scm_c_export("%ask", NULL);
	object_type = scm_permanent_object(scm_make_foreign_object_type(
		scm_from_utf8_symbol("gdb-object"), scm_list_1(scm_from_utf8_symbol("number")),
		release_object));
}

static void add_to_path(const char *variable, SCM folder)
{
	SCM path = scm_c_lookup(variable);
	scm_variable_set_x(path, scm_cons(folder, scm_variable_ref(path)));
}

static void *load_module(void *data)
{
	SCM folder = scm_from_locale_string(data);
	scm_c_define_module("gdb-guest stock", define_module, NULL);
	add_to_path("%load-path", folder);
	add_to_path("%load-compiled-path", folder);
	enter_variable = scm_permanent_object(scm_c_private_lookup("gdb", "enter"));
	return data;
}

// Neither the collector's threads nor the finalizers' are wanted in GDB: a heap this small needs
// none. An inferior does not learn how that is said.
static void init_guile(void)
{
	const bool is_set = getenv("GC_MARKERS");
	setenv("GC_MARKERS", "1", 0);
	scm_init_guile();
	scm_set_automatic_finalization_enabled(0);
	if (!is_set)
		unsetenv("GC_MARKERS");
}

// Starts Guile in this thread, which is to be GDB's main one, and loads the module (gdb) from
// FOLDER. Returns NULL, or what went wrong, of which Guile has printed more. May be called once.
const char *gg_stock_start(const char *folder, answer_function *answer)
{
	if (debugger)
		return "Guile runs in this GDB already";
	debugger = answer;
	init_guile();
	if (scm_c_with_continuation_barrier(load_module, (void *)folder))
		return NULL;
	debugger = NULL;
	return "Guile could not load its module (gdb)";
}

static void *enter(void *data)
{
	scm_call_0(scm_variable_ref(enter_variable));
	return data;
}

// Lets Scheme ask for its work, do it, and tell the result: all by questions. False where it
// could not even tell, of which Guile has printed why.
bool gg_stock_enter(void)
{
	bool done;
	depth++;
	done = scm_c_with_continuation_barrier(enter, &done);
	if (--depth == 0)
		scm_run_finalizers();
	return done;
}

// No question reaches Python after this.
void gg_stock_stop(void)
{
	debugger = NULL;
}
