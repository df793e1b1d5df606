# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the GDB under test: in batch mode, and with a terminal of its own."""

import codecs
import functools
import os
import re
import select
import signal
import subprocess
import termios
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LAUNCHER = os.environ.get("GDB_GUEST") or str(TOP / "gdb-guest")
PROMPT = "(ready) "

# For all that GDB does in a test; one that takes so long hangs.
PATIENCE = 300

# From Ctrl-C to GDB's prompt.
BACK_WITHIN = 0.5

# The GDBs that this process has started; who gets to know of each, with look(words, gdb), or None.
started = 0
observer = None


@functools.cache
def name_of(path):
    """A GDB's version, and the language that the extension is loaded by."""
    text = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    version = re.search(r"(\d+\.\d+)\S*$", text.split("\n")[0])
    language = "Python" if path == tested() and loads_by_python() else "Guile" if path == tested() else "first"
    if "multiarch" in path:
        language = "all architectures"
    return f"GDB {version[1] if version else path}, {language}"


def count(words, path=None):
    """Counts a GDB's start, or what else looks at a guest."""
    global started
    started += 1
    if observer:
        observer.look(words, name_of(str(path or tested())))


@functools.cache
def told():
    """Returns the launcher's words about the GDB that it takes."""
    run = subprocess.run([LAUNCHER, "-v"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 0 and not run.stderr, run
    return run.stdout


def tested():
    """The path of the GDB under test, as the launcher tells it."""
    return re.match(r"gdb-guest \S+ in (.*), loaded from ", told())[1]


def loads_by_python():
    """Tests whether that GDB has no Guile."""
    return "/guest.py," in told().splitlines()[0]


def environment(gdb_path=None):
    """Nothing of the user's that changes what GDB prints; another GDB than the one under test, by its path."""
    own = {"GDB": str(gdb_path)} if gdb_path else {}
    return dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb", INPUTRC="/dev/null", **own)


def quote(name):
    """A file's name, as one word of a GDB command."""
    return '"' + str(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def shown(line):
    """Returns a line as a terminal shows it in the end: after a carriage return it is written over, as progress is."""
    last, *texts = line.rstrip("\r").split("\r")
    for text in texts:
        last = (text + last[len(text):]).rstrip(" ")
    return last


def lines_of(text):
    """Returns the lines that a terminal shows, without empty ones."""
    return [line for line in (shown(line) for line in text.split("\n")) if line.strip()]


def errors(lines):
    """Returns the lines that are errors of the commands' under test, or of GDB's Scheme."""
    return [line for line in lines if re.match(r"(guest-[a-z]+|dump-guest-memory): |(ERROR|Error) |(\^C)?Quit\r?$", line)]


def quits(text):
    """Tests whether a command said that it was interrupted; the terminal's echo of Ctrl-C may stand beside."""
    # The echo moves what is written behind it, progress too, and may stand in a line that had not ended.
    return any(line.strip() == "Quit" for echo in ("", "\n") for line in lines_of(text.replace("^C", echo)))


def notes(lines):
    return [line for line in lines if line.startswith("note: ")]


def unwrapped(text):
    """Joins the long lines that guest-info wraps."""
    return re.sub(r"([,;])\n {10}(?=\S)", r"\1 ", text)


class Run:
    """A GDB that has ended."""

    def __init__(self, command, status, output):
        self.command = command
        self.status = status
        self.output = output

    def __repr__(self):
        return f"{' '.join(map(str, self.command))}\nstatus {self.status}\n{self.output}"


def _batch_command(arguments, commands, launcher=None, prefix=()):
    return [*prefix, launcher or LAUNCHER, "-nx", "-batch", *map(str, arguments),
            *(word for line in commands for word in ("-ex", line))]


def start_batch(*arguments, commands=()):
    """Starts GDB with -batch: a Popen, with both outputs in stdout."""
    command = _batch_command(arguments, commands)
    count(command)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=environment())


def batch(*arguments, commands=(), launcher=None, prefix=(), gdb_path=None):
    """Runs GDB with -batch on the arguments and commands. Its two outputs are one text."""
    command = _batch_command(arguments, commands, launcher, prefix)
    count(command, gdb_path)
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors="replace", timeout=PATIENCE, env=environment(gdb_path))
    return Run(command, result.returncode, result.stdout)


def attempts(arguments, commands, prefix=()):
    """Returns what GDB prints for each of the commands, which should fail, as lines; checks that GDB is alive afterwards, and
    exits with 1.

    The last command is given twice: GDB's exit status is that of its last command, and it must be alive before that.
    """
    marked = [line for command in commands for line in (command, r"echo @next\n")]
    run = batch(*arguments, prefix=prefix, commands=[r"echo @next\n", *marked, "print 6 * 7", commands[-1]])
    _, *printed, end = run.output.split("@next\n")
    assert len(printed) == len(commands), f"GDB did not get through: {run}"
    assert "$1 = 42" in end, f"GDB did not go on: {run}"
    assert run.status == 1, f"the exit status should be 1: {run}"
    return [lines_of(text) for text in printed]


def attempt(arguments, command, prefix=()):
    """Returns what GDB prints for a command that should fail."""
    return attempts(arguments, [command], prefix)[0]


def delays():
    """For how many seconds each thread of GDB, QEMU and what else this process has started has been ready to run while other work
    had the CPU, and how long another machine had the CPUs."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_bytes().rpartition(b")")[2].split()[1]) == os.getpid():
                found |= {path: int(path.read_text().split()[1]) / 1e9 for path in stat.parent.glob("task/*/schedstat")}
        except OSError:
            # It has ended.
            pass
    return {"stolen": int(Path("/proc/stat").read_text().split()[8]) / os.sysconf("SC_CLK_TCK"), **found}


def delayed(before):
    """The sum of what has been added to the delays before."""
    return sum(seconds - before.get(what, 0) for what, seconds in delays().items())


def states(pid):
    """What a process that hangs and those that it traces wait for, a line for each thread, and the process's calls."""
    lines = []
    for status in Path("/proc").glob("[0-9]*/task/*/status"):
        try:
            facts = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            if str(pid) in (facts["Tgid"], facts["TracerPid"]):
                lines.append(f"{facts['Name']} {facts['Pid']}: {facts['State']}, {(status.parent / 'wchan').read_text()}, signals "
                             f"pending {facts['SigPnd']} {facts['ShdPnd']}, blocked {facts['SigBlk']}, caught {facts['SigCgt']}")
        except (OSError, KeyError):
            # It has ended.
            pass
    try:
        text = subprocess.run(["gdb", "-nx", "-batch", "-p", str(pid), "-ex", "bt 40"], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE).stdout
    except subprocess.TimeoutExpired:
        text = "#0 unknown"
    return "\n".join([*lines, "calls: " + " < ".join(re.findall(r"^#\d+ +(?:0x\w+ in )?(\S+)", text, re.MULTILINE))])


class Silence(AssertionError):
    """GDB does not print what it should."""


class Session:
    """A GDB that is being typed to."""

    def __init__(self, *arguments, launcher=None, term="dumb", gdb_path=None):
        command = [launcher or LAUNCHER, "-nx", "-q"]
        for setting in (f"set prompt {PROMPT}", "set pagination off", "set confirm off", "set width 0"):
            command += ["-iex", setting]
        count([*command, *arguments])
        self.terminal, slave = os.openpty()
        # Wide enough that no line is ever wrapped.
        termios.tcsetwinsize(slave, (50, 1000))
        self.process = subprocess.Popen([*command, *map(str, arguments)], env=dict(environment(gdb_path), TERM=term),
                                        preexec_fn=lambda: os.login_tty(slave))
        os.close(slave)
        # A read may end within a character.
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.unread = ""
        self.log = ""
        try:
            self.wait_prompt()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    def type(self, text):
        os.write(self.terminal, text.encode())

    def send(self, line):
        if observer and line.startswith("target remote"):
            observer.look([line], name_of(tested()))
        self.type(line + "\n")

    def start(self, line):
        """Sends a command, and waits until GDB has it."""
        self.send(line)
        # Readline may show its prompt once more before it has the line.
        self.wait(re.escape(line) + r"\r?\n", may_prompt=True)

    def interrupt(self, typed=False):
        if typed:
            self.type("\x03")
        else:
            self.process.send_signal(signal.SIGINT)

    def stop(self, typed=False):
        """Interrupts a command: what GDB prints then. Its prompt must be there soon; what delays all is not GDB's fault."""
        before, began = delays(), time.monotonic()
        self.interrupt(typed)
        text = self.wait_prompt()
        seconds = time.monotonic() - began - delayed(before)
        assert seconds < BACK_WITHIN, f"the prompt was back after {seconds:.2f} s; GDB printed:\n{self.log[-2000:]}"
        return text

    def stop_dump(self, command, path, wait_until_it_writes, typed=False):
        """Interrupts the command, which dumps to the path, while it writes: what GDB prints then."""
        for _ in range(10):
            self.send(command)
            wait_until_it_writes()
            if not path.exists():
                return self.stop(typed)
            # The dump was faster than the test, which has not interrupted it.
            self.wait_prompt()
            path.unlink()
        raise AssertionError(f"{command} is too fast to be interrupted")

    def wait(self, pattern, seconds=PATIENCE, may_prompt=False):
        """Returns what GDB prints up to the end of the pattern; more than so many seconds are an error, and so is a prompt, unless
        GDB may prompt."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.unread)):
            left = deadline - time.monotonic()
            if left <= 0 or (self.unread.endswith(PROMPT) and not may_prompt):
                # A wait that is short is one of several.
                where = states(self.pid) if left <= 0 and seconds > 10 else ""
                raise Silence(f"GDB did not print {pattern!r} in {seconds} s, or prompts; it printed:\n"
                              f"{self.log[-4000:]}\n{where}")
            if select.select([self.terminal], [], [], left)[0]:
                self.read(pattern)
        text, self.unread = self.unread[:match.end()], self.unread[match.end():]
        return text

    def wait_prompt(self, seconds=PATIENCE):
        return self.wait(re.escape(PROMPT), seconds)

    def command(self, line, seconds=PATIENCE):
        """Returns what GDB prints for a command, as lines."""
        self.send(line)
        text = self.wait_prompt(seconds)
        return lines_of(text.removesuffix(PROMPT).removeprefix(line))

    def is_alive(self):
        """Tests whether GDB answers. Before the answer it may prompt more than once, as when its process has died."""
        self.send("print 6 * 7")
        return any("= 42" in self.wait_prompt() for _ in range(3))

    def settle(self):
        """Reads on until GDB has answered a new command, whatever Ctrl-C has thrown away of what was typed."""
        for i in range(60):
            self.send(f"echo @settled-{i}\\n")
            deadline = time.monotonic() + 1
            while time.monotonic() < deadline:
                try:
                    # At the start of a line: not what the terminal echoes.
                    self.wait(rf"\n@settled-{i}\r?\n", seconds=1)
                    self.wait_prompt()
                    return
                except Silence:
                    self.unread = ""
        raise Silence(f"GDB does not answer; it printed:\n{self.log[-4000:]}")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def read(self, pattern):
        """Adds what GDB prints to what is unread; waits for it."""
        try:
            data = os.read(self.terminal, 65536)
        except OSError:
            data = b""
        if not data:
            status = self.process.wait()
            raise AssertionError(f"GDB ended with status {status} before it printed {pattern!r}; it printed:\n"
                                 f"{self.log[-4000:]}")
        text = self.decoder.decode(data)
        self.unread += text
        self.log += text


class Views:
    """One GDB for all views of a core, started by the first view; a GDB that has died is followed by another."""

    def __init__(self, *arguments):
        self._arguments, self._session = arguments, None

    def lines(self, command):
        """Returns what GDB prints for a command, an error too; GDB must be alive afterwards."""
        if not self._session or self._session.process.poll() is not None:
            self.close()
            self._session = Session(*self._arguments)
        shown = self._session.command(command)
        assert self._session.is_alive(), f"{command}: GDB does not go on: {shown}"
        return shown

    def text(self, *commands):
        """Returns what GDB prints for commands that must succeed."""
        shown = [line for command in commands for line in self.lines(command)]
        assert not errors(shown), shown
        return "".join(f"{line}\n" for line in shown)

    def error(self, command):
        """Returns the line of a command that must fail, and must print nothing else."""
        shown = self.lines(command)
        assert len(shown) == 1 and errors(shown), shown
        return shown[0]

    def close(self):
        if self._session:
            self._session.close()
            self._session = None
