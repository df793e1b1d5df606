# SPDX-License-Identifier: GPL-3.0-or-later
"""GDB, for Scheme code in a GDB that has no Guile: starts libguile in GDB's process, and answers what gdb.scm asks.

In:  questions, as structures of gdb-ext/guile/stock.c's; commands as the user types them.
Out: answers; GDB's errors as Scheme exceptions with the keys that a GDB with Guile throws.
Never: a Python exception that leaves a callback.

Guile runs in GDB's main thread only, and without Python's lock, so that Python's other threads run beside it; a callback
takes the lock again.
"""

import atexit
import ctypes
import itertools
import os
import re
import sys
import threading

import gdb

NONE, FALSE, TRUE, UNSIGNED, SIGNED, TEXT, BYTES, OBJECT, LIST, EXCEPTION = range(10)

# The time for which another Python thread that only computes may keep a callback waiting; Python's own is 5 ms.
SWITCH_INTERVAL = 1e-4


class Item(ctypes.Structure):
    """struct item of stock.c."""
    _fields_ = [("kind", ctypes.c_uint64), ("number", ctypes.c_uint64), ("data", ctypes.c_void_p),
                ("size", ctypes.c_uint64)]


Answer = ctypes.CFUNCTYPE(None, ctypes.POINTER(Item), ctypes.POINTER(Item))


class Thrown(Exception):
    """To be thrown in Scheme: the key, the procedure, the message."""


def parts_of(field):
    """A field, and what it has of a name, a position in bits, a value."""
    return field, field.name or False, getattr(field, "bitpos", False), getattr(field, "enumval", False)


def integer_like(value):
    return value.type.strip_typedefs().code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_BOOL,
                                                gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_PTR)


# ---- Questions: each a function, by the name that gdb.scm has for it ----

class Questions:
    """The questions that GDB answers."""

    def execute(self, command, from_tty, to_string):
        if to_string and RESUMES.match(command):
            return self.resume(command, from_tty)
        return execute_to_string(command, from_tty) if to_string else gdb.execute(command, from_tty)

    def parameter_value(self, name):
        value = gdb.parameter(name)
        return -1 if value is None else value

    # Values and symbols.

    def parse_and_eval(self, expression):
        if not expression.strip():
            raise gdb.error("Argument required (expression to compute).")
        # GDB keeps the values that an evaluation goes through until the command ends: so it has one of its own.
        self.evaluation = expression, KeyboardInterrupt()
        try:
            gdb.execute("python gdb._gdb_guest.evaluate()", False, True)
        except gdb.error:
            pass  # a Ctrl-C before that could catch it
        _, outcome = self.evaluation
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def evaluate(self):
        expression, _ = self.evaluation
        try:
            self.evaluation = expression, gdb.parse_and_eval(expression)
        except (gdb.error, KeyboardInterrupt) as error:
            self.evaluation = expression, error

    def make_lazy_value(self, type_, address):
        return gdb.Value(address).cast(type_.pointer()).dereference()

    def value_to_integer(self, value):
        if not integer_like(value):
            raise Thrown("wrong-type-arg", "value->integer", "Wrong type argument in position 1 (expecting "
                         f"integer-like gdb value): #<gdb:value {value}>")
        return int(value)

    def value_to_bytevector(self, value):
        # A connection that breaks in its read_memory ends GDB 16, which has Value.bytes; 13 it does not.
        if value.address is not None and not hasattr(value, "bytes"):
            return bytes(gdb.selected_inferior().read_memory(int(value.address), value.type.sizeof))
        return bytes_of(value)

    def lookup_symbol(self, name):
        return gdb.lookup_symbol(name)[0] or False

    def lookup_global_symbol(self, name):
        return gdb.lookup_global_symbol(name) or False

    def symbol_type(self, symbol):
        return symbol.type or False

    # Types.

    def lookup_type(self, name):
        try:
            return gdb.lookup_type(name)
        except gdb.error:
            return False

    def type_array(self, type_, low, high):
        return type_.array(low, high)

    def type_code(self, type_):
        return type_.code

    def type_name(self, type_):
        return type_.name or False

    def type_sizeof(self, type_):
        return type_.sizeof

    def type_strip_typedefs(self, type_):
        return type_.strip_typedefs()

    def type_has_field(self, type_, name):
        return type_.has_key(name)

    def type_field(self, type_, name):
        return parts_of(type_[name])

    def type_fields(self, type_):
        return [parts_of(field) for field in type_.fields()]

    def field_type(self, field):
        return field.type or False

    def constant(self, name):
        return getattr(gdb, name)

    # Program spaces, symbol files.

    def current_progspace(self):
        return gdb.current_progspace()

    def progspace_filename(self, progspace):
        return progspace.filename or False

    def objfiles(self):
        return gdb.objfiles()

    def objfile_filename(self, objfile):
        return objfile.filename or ""

    # Memory and streams.

    def read_memory(self, address, place, offset, size):
        try:
            memory = gdb.selected_inferior().read_memory(address, size)
        except gdb.MemoryError:
            raise Thrown("gdb:memory-error", "read-memory", "error reading memory") from None
        data, room = place
        if offset + size > room:
            raise Thrown("out-of-range", "read-memory", "the bytes do not fit")
        ctypes.memmove(data + offset, (ctypes.c_char * size).from_buffer(memory), size)


RESUMES = re.compile(r"\s*(c|fg|continue|finish|until|advance|si?|ni?|stepi?|nexti?)\b")


def execute_to_string(command, from_tty):
    """A command's output.

    Where GDB has its text user interface, as Debian's has, its execute does not catch what is printed of an event: a thread
    that is selected, a stop. Of the former nothing is printed here; the latter resume() catches.
    """
    if not command.strip():
        return gdb.execute(command, from_tty, True)
    try:
        gdb.parameter("suppress-cli-notifications")
    except RuntimeError:
        return gdb.execute(command, from_tty, True)
    return gdb.execute("with suppress-cli-notifications on -- " + command, from_tty, True)


def forget_interrupt():
    """Has GDB and Python let out a Ctrl-C that they remember, and that was handled elsewhere."""
    while True:
        try:
            gdb.execute("output 0", False, True)
            return
        except KeyboardInterrupt:
            pass


class Output:
    """The text that goes to GDB's standard output meanwhile."""

    def __enter__(self):
        self.text = ""
        gdb.flush(gdb.STDOUT)
        self.file = os.fdopen(os.memfd_create("gdb-guest"), "rb")
        self.saved = os.dup(1)
        os.dup2(self.file.fileno(), 1)
        return self

    def __exit__(self, *_):
        gdb.flush(gdb.STDOUT)
        os.dup2(self.saved, 1)
        os.close(self.saved)
        self.file.seek(0)
        self.text = self.file.read().decode(errors="replace")
        self.file.close()


def bytes_of(value):
    """The bytes of a value that is not in memory: a register's. GDB has Value.bytes since version 15."""
    if hasattr(value, "bytes"):
        return value.bytes
    type_ = value.type.strip_typedefs()
    if integer_like(value):
        return (int(value) % (1 << 8 * type_.sizeof)).to_bytes(type_.sizeof, byte_order())
    if type_.code == gdb.TYPE_CODE_FLAGS:
        return int(value.format_string(format="x"), 16).to_bytes(type_.sizeof, byte_order())
    if type_.code == gdb.TYPE_CODE_ARRAY:
        low, high = type_.range()
        return b"".join(bytes_of(value[i]) for i in range(low, high + 1))
    if type_.code == gdb.TYPE_CODE_UNION:
        for field in type_.fields():
            if field.type.sizeof == type_.sizeof and is_array_of_integers(field.type.strip_typedefs()):
                return bytes_of(value[field])
    raise gdb.error(f"GDB {gdb.VERSION} has no way to get at the bytes of a value of the type {type_}")


def is_array_of_integers(type_):
    return type_.code == gdb.TYPE_CODE_ARRAY and type_.target().strip_typedefs().code == gdb.TYPE_CODE_INT


def byte_order():
    return "big" if "big endian" in gdb.execute("show endian", False, True) else "little"


# ---- The border ----

class Debugger(Questions):
    def __init__(self, folder):
        self.folder = folder
        self.library = None
        self.objects = {}
        self.numbers = itertools.count(1)
        self.commands = {}
        self.entries = []  # [what Scheme is to do, what it replied], the innermost last
        self.kept = []  # what the last answer points to
        self.unwritten = {}  # the beginning of a character, by stream
        self.names = {"type-has-field?": self.type_has_field, "value->integer": self.value_to_integer,
                      "value->bytevector": self.value_to_bytevector}
        self.evaluation = None
        self.callback = Answer(self.answer)

    def start(self):
        self.library = ctypes.CDLL(os.path.join(self.folder, "libgdb-guest-guile.so"))
        self.library.gg_stock_start.argtypes = [ctypes.c_char_p, Answer]
        self.library.gg_stock_start.restype = ctypes.c_char_p
        self.library.gg_stock_enter.restype = ctypes.c_bool
        # Python is gone before Guile is.
        atexit.register(self.library.gg_stock_stop)
        problem = self.library.gg_stock_start(os.fsencode(os.path.join(self.folder, "stock")), self.callback)
        if problem:
            raise gdb.GdbError(f"gdb-guest: {problem.decode()}")
        gdb._gdb_guest = self
        self.enter("load", os.path.join(self.folder, "guest.scm"))

    def resume(self, command, from_tty):
        """Executes a command that lets the target run; what is printed of its stop comes first."""
        texts = []
        try:
            with Output() as output:
                # In one step with what comes of it: a Ctrl-C that stopped the target is Python's too, behind that.
                texts.extend(map(gdb.execute, [command], [from_tty], [True]))
        except KeyboardInterrupt:
            if not texts:
                raise
        forget_interrupt()
        return output.text + texts[0]

    # Into Scheme.

    def enter(self, *request):
        """Has Scheme do something; returns the result, or raises gdb.GdbError with the text that GDB prints."""
        if threading.current_thread() is not threading.main_thread():
            raise gdb.GdbError("gdb-guest works in GDB's main thread only")
        entry = [request, ("error", None)]
        self.entries.append(entry)
        interval = sys.getswitchinterval()
        hook = sys.unraisablehook
        sys.setswitchinterval(min(interval, SWITCH_INTERVAL))
        sys.unraisablehook = Interrupted(hook)
        try:
            self.library.gg_stock_enter()
        finally:
            self.entries.pop()
            sys.unraisablehook = hook
            sys.setswitchinterval(interval)
        kind, value = entry[1]
        if kind == "user-error":
            raise gdb.GdbError(value)
        if kind == "error":
            raise gdb.GdbError("Error while executing Scheme code." if request[0] == "evaluate"
                               else "Error occurred in Scheme-implemented GDB command.")
        return value

    def request(self):
        return self.entries[-1][0]

    def reply(self, kind, value):
        self.entries[-1][1] = (kind, value)

    # Commands.

    def register_command(self, number, name, class_, doc):
        self.commands[number] = make_command(self, number, name, getattr(gdb, class_), doc)

    def register_parameter(self, *description):
        make_parameter(*description)

    def dont_repeat(self, number):
        self.commands[number].dont_repeat()

    # Streams. GDB takes text, and writes its bytes as UTF-8.

    def write(self, stream, place):
        data = self.unwritten.pop(stream, b"") + ctypes.string_at(*place)
        try:
            text, rest = data.decode(), b""
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data" and len(data) - error.start < 4:
                text, rest = data[:error.start].decode(), data[error.start:]
            else:
                text, rest = None, b""
        if rest:
            self.unwritten[stream] = rest
        if text is None or "\0" in text:
            text = data.decode("ascii", "backslashreplace")
        gdb.write(text, getattr(gdb, stream))

    # Objects that Scheme has.

    def release(self, number):
        del self.objects[number]

    # The callback.

    def answer(self, question, answer):
        try:
            try:
                name, *arguments = self.value_of(question.contents)
                result = self.find(name)(*arguments)
                kept = []
                self.put(result, answer.contents, kept)
                self.kept = kept
            except Thrown as thrown:
                self.throw(answer, *thrown.args)
            except KeyboardInterrupt:
                self.throw(answer, "signal", False, "interrupted")
            except gdb.MemoryError as error:
                self.throw(answer, "gdb:memory-error", False, str(error))
            except gdb.error as error:
                self.throw(answer, "gdb:error", False, str(error))
            except Exception as error:
                self.throw(answer, "gdb:error", False, f"{type(error).__name__}: {error}")
        except KeyboardInterrupt:
            # The answer is an exception until it is written.
            answer.contents.kind, answer.contents.size = EXCEPTION, 0

    def find(self, name):
        return self.names.get(name) or getattr(self, name.replace("-", "_"))

    def throw(self, answer, key, procedure, message):
        kept = []
        self.put((key, procedure, message), answer.contents, kept)
        answer.contents.kind = EXCEPTION
        self.kept = kept

    def value_of(self, item):
        kind = item.kind
        if kind == LIST:
            items = ctypes.cast(item.data, ctypes.POINTER(Item))
            return [self.value_of(items[i]) for i in range(item.size)]
        if kind == TEXT:
            return ctypes.string_at(item.data, item.size).decode()
        if kind == UNSIGNED:
            return item.number
        if kind == SIGNED:
            return item.number - (1 << 64)
        if kind == OBJECT:
            return self.objects[item.number]
        if kind == BYTES:
            return item.data, item.size
        return {FALSE: False, TRUE: True}.get(kind)

    def put(self, value, item, kept):
        """Writes a value into an item; what that points to goes into kept."""
        if value is None:
            item.kind = NONE
        elif isinstance(value, bool):
            item.kind = TRUE if value else FALSE
        elif isinstance(value, int):
            if not -(1 << 63) <= value < 1 << 64:
                raise gdb.error("the integer has more than 64 bits")
            item.kind = UNSIGNED if value >= 0 else SIGNED
            item.number = value % (1 << 64)
        elif isinstance(value, (str, bytes)):
            is_text = isinstance(value, str)
            data = value.encode(errors="replace") if is_text else value
            kept.append(data)
            item.kind = TEXT if is_text else BYTES
            item.data = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
            item.size = len(data)
        elif isinstance(value, (list, tuple)):
            items = (Item * len(value))()
            kept.append(items)
            for part, place in zip(value, items):
                self.put(part, place, kept)
            item.kind = LIST
            item.data = ctypes.addressof(items)
            item.size = len(value)
        else:
            item.kind = OBJECT
            item.number = next(self.numbers)
            self.objects[item.number] = value


class Interrupted:
    """A sys.unraisablehook: a Ctrl-C of GDB's that comes before a callback can catch it is an error in Scheme already."""

    def __init__(self, hook):
        self.hook = hook

    def __call__(self, unraisable):
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            self.hook(unraisable)


def make_command(debugger, number, name, class_, doc):
    class Command(gdb.Command):
        __doc__ = doc

        def __init__(self):
            super().__init__(name, class_)

        def invoke(self, text, from_tty):
            try:
                debugger.enter("invoke", number, text, from_tty)
            except KeyboardInterrupt:
                raise gdb.GdbError("Quit") from None

        def complete(self, text, word):
            # Without a word GDB only wants to know where words end: where they do without this.
            return [] if word is None else debugger.enter("complete", number, text, word)

    return Command()


def make_parameter(name, class_, initial, set_doc_, show_doc_, doc, shown):
    """A setting that is on or off; shown has a tilde for its value."""
    class Parameter(gdb.Parameter):
        __doc__ = doc
        set_doc = set_doc_
        show_doc = show_doc_

        def __init__(self):
            super().__init__(name, getattr(gdb, class_), gdb.PARAM_BOOLEAN)
            self.value = initial

        def get_set_string(self):
            return ""

        def get_show_string(self, value):
            return shown.replace("~", value)

    return Parameter()


class GuileCommand(gdb.Command):
    """Evaluate one or more Guile expressions, and print the value of the last.

This GDB has no Guile of its own: it is gdb-guest's, with the procedures of the modules (gdb-guest ...) and of (gdb)
those that they use. It takes one line.
Usage: guile EXPRESSION..."""

    def __init__(self, debugger):
        super().__init__("guile", gdb.COMMAND_SUPPORT)
        self.debugger = debugger

    def invoke(self, text, _):
        self.debugger.enter("evaluate", text)


def load(folder):
    """Loads gdb-guest: once in a GDB."""
    debugger = Debugger(folder)
    debugger.start()
    GuileCommand(debugger)
