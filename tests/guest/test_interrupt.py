# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C. GDB's own way of stopping ends GDB when it comes in the middle of a read by Guile."""

import itertools
import os
import re
import signal
import time

import pytest

import gdb
import machines
import selection
import vmcore
from machines import MIB

pytestmark = pytest.mark.gdb

POINTS = 6


def wait_for_size(folder, size, is_running):
    """Until a file is being written in the folder, and has that size."""
    deadline = time.monotonic() + gdb.PATIENCE
    while True:
        files = list(os.scandir(folder))
        if files and files[0].stat().st_size >= size:
            return
        assert time.monotonic() < deadline and is_running(), f"the file did not come to have {size} bytes"
        time.sleep(0.001)


def check_interrupt(session, folder, via, size, typed):
    text = session.stop_dump(f"dump-guest-memory -via {via} {folder}/vmcore", folder / "vmcore",
                             lambda: wait_for_size(folder, size, lambda: session.process.poll() is None), typed)
    assert gdb.quits(text), text
    assert os.listdir(folder) == []
    assert session.is_alive()


@pytest.fixture(params=[pytest.param("process", marks=pytest.mark.attach), "core"])
def target(request):
    """GDB's arguments for a guest of 5 GiB. Each takes seconds to be written."""
    if request.param == "process":
        return ["-p", request.getfixturevalue("large_process").pid]
    core, program = request.getfixturevalue("large")
    return [program, core]


@pytest.mark.parametrize("via", ["gdb", "fastest"])
@pytest.mark.parametrize("way", selection.mostly_expensive(["a typed Ctrl-C", "SIGINT"], ["a typed Ctrl-C"]))
def test_interrupt(way, via, target, quiet, folder):
    """{way} at 6 points of a dump -via {via} from a {target}: GDB is back within half a second and leaves no file"""
    with gdb.Session(*target) as session:
        for point in range(POINTS):
            # The first as soon as there is a file, the others where the guest's memory is full.
            size = machines.FILLED_FROM + point * 100 * MIB if point else 0
            check_interrupt(session, folder, via, size, typed=way != "SIGINT")
        check_gdbs_own(session)


def flood(session):
    """SIGINTs, some milliseconds apart, until GDB prompts; then what it printed."""
    deadline = time.monotonic() + gdb.PATIENCE
    while time.monotonic() < deadline:
        session.interrupt()
        try:
            text = session.wait_prompt(seconds=0.003)
        except gdb.Silence:
            continue
        # The last one came behind the prompt, perhaps.
        session.settle()
        return text
    raise AssertionError(f"GDB does not come back; it printed:\n{session.log[-4000:]}")


def test_flood(large, folder):
    """A stream of SIGINTs from before a dump to behind it, 10 times: GDB is alive, and there is no file"""
    core, program = large
    with gdb.Session(program, core) as session:
        interrupted = 0
        for _ in range(10):
            session.start(f"dump-guest-memory -via gdb {folder}/vmcore")
            text = flood(session)
            # The dump may be whole before the first SIGINT.
            if (folder / "vmcore").exists():
                (folder / "vmcore").unlink()
            else:
                assert "Quit" in text, text
                interrupted += 1
            assert os.listdir(folder) == []
            assert session.is_alive()
        assert interrupted


# The first question of a command to GDB.
AT_FIRST = """
define info hook-inferiors
  shell kill -INT $PPID
end
"""


@pytest.mark.parametrize("command", ["guest-klog", "guest-info", "guest-regs", "guest-x jiffies", "guest-vtop jiffies",
                                     "dump-guest-memory {folder}/vmcore"])
def test_at_first(small, command, folder):
    """A Ctrl-C at the first question that `{command}` asks GDB is the library's already"""
    (folder / "at-first").write_text(AT_FIRST)
    core, program = small
    lines = gdb.attempt([program, core, "-x", folder / "at-first"], command.format(folder=folder))
    assert lines[-1] == "Quit", lines


# A SIGINT that Readline's handler has noted, as a command begins.
CAUGHT_BY_READLINE = """
define hook-guest-klog
  guile (use-modules (system foreign) (rnrs bytevectors))
  guile (define caught (pointer->bytevector (dynamic-pointer "_rl_caught_signal" (dynamic-link)) 4))
  guile (bytevector-s32-native-set! caught 0 2)
end
"""


def test_in_readline(small, folder):
    """A Ctrl-C that Readline has caught behind the end of the command's line is not lost"""
    (folder / "caught").write_text(CAUGHT_BY_READLINE)
    core, program = small
    with gdb.Session(program, core, "-x", folder / "caught") as session:
        assert "Quit" in session.command("guest-klog")
        session.settle()
        assert "Quit" in session.command("guest-klog")


@pytest.mark.gdb(expensive=True)
@pytest.mark.expensive
def test_sweep(small, folder):
    """SIGINT at 40 moments or more from before a dump to behind it: GDB is alive, and there is a whole file or none"""
    core, program = small
    outcomes = set()
    with gdb.Session(program, core) as session:
        session.command(f"dump-guest-memory -via gdb {folder}/whole")
        began = time.monotonic()
        session.command(f"dump-guest-memory -via gdb -force {folder}/whole")
        step = 1.2 * (time.monotonic() - began) / 40
        for i in itertools.count():
            # Further than behind the dump's end, where the machine is slower now than it was.
            if i >= 40 and outcomes == {1, 2} or i == 400:
                break
            session.start(f"dump-guest-memory -via gdb {folder}/vmcore")
            # The one thing here that no condition stands for.
            time.sleep(i * step)
            session.interrupt()
            session.wait_prompt()
            session.settle()
            files = sorted(os.listdir(folder))
            outcomes.add(len(files))
            assert files in (["whole"], ["vmcore", "whole"])
            if "vmcore" in files:
                assert vmcore.files_differ(folder / "vmcore", folder / "whole") is None
                os.unlink(folder / "vmcore")
    assert outcomes == {1, 2}, "no dump was interrupted, or all were"


# SIGINT reaches GDB's own handler; then the library takes over, and its read would let GDB's exception out: past Guile,
# which so leaves the library's handler in place.
SIGNAL_BEFORE = r"""
(use-modules (gdb-guest gdb execute) (gdb-guest gdb host) (gdb-guest gdb selection) (gdb-guest native))

(define target (current-target))

(define (read-behind-signal)
  (raise SIGINT)
  (call-with-host target
    (lambda (guest)
      (%guest-read guest (%guest-symbol guest "address_space_memory") 16))))
"""


def test_before(small, folder):
    """SIGINT just before the library takes over from GDB's handler is an error, and GDB's handler is there again"""
    core, program = small
    script = folder / "signal.scm"
    script.write_text(SIGNAL_BEFORE)
    with gdb.Session(program, core) as session:
        assert session.command(f'guile (primitive-load "{script}")') == []
        text = " ".join(session.command("guile (read-behind-signal)"))
        assert "(interrupted " in text, text
        check_gdbs_own(session)


# While GDB is asked something, and who asked takes whatever GDB throws for an answer.
SIGNAL_WITHIN = r"""
(use-modules (gdb-guest gdb execute) (gdb-guest native))

(define (signal-within)
  (interruptible
    (lambda ()
      (catch #t
        (lambda () (execute-to-string "COMMAND"))
        (const #f))
      (%check-interrupt))))
"""


def test_within(small, folder):
    """SIGINT while GDB executes something for a command is not lost"""
    core, program = small
    script = folder / "signal.scm"
    # In its Python GDB has its own handler in place.
    command = "python import os; os.kill(os.getpid(), 2)" if gdb.loads_by_python() else "shell kill -INT $PPID"
    script.write_text(SIGNAL_WITHIN.replace("COMMAND", command))
    with gdb.Session(program, core) as session:
        assert session.command(f'guile (primitive-load "{script}")') == []
        text = " ".join(session.command("guile (signal-within)"))
        assert "(interrupted " in text, text
        check_gdbs_own(session)


def check_gdbs_own(session):
    """Ctrl-C ends what GDB itself does."""
    session.send("while 1")
    session.send(r"echo @looping\n")
    session.send("end")
    session.wait(r"\n@looping\r?\n")
    session.interrupt(typed=True)
    assert "Quit" in session.wait_prompt()
    session.settle()


PAGED = ["guest-klog", "guest-info", "guest-regs -all", "guest-x linux_banner 200xb", "guest-sysrq -list"]


def test_pager(small):
    """Ctrl-C, and q, where GDB's pager waits within a command: GDB says Quit at once, and the next command prints as ever"""
    core, program = small
    with gdb.Session(program, core) as session:
        whole = session.command("guest-vtop jiffies")
        for command in PAGED:
            for end in ("\x03", "q\n"):
                session.command("set pagination on")
                session.command("set height 5")
                session.send(command)
                session.wait("--Type <RET> for more, q to quit, c to continue without paging--")
                session.type(end)
                assert re.search(r"Quit\r?\n", session.wait_prompt(gdb.PATIENCE)), session.log[-500:]
                session.settle()
                session.command("set pagination off")
                assert session.command("guest-vtop jiffies") == whole


def test_fifo(small, folder):
    """Ctrl-C ends the wait for a FIFO's reader"""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    core, program = small
    with gdb.Session(program, core) as session:
        session.start(f"dump-guest-memory {fifo}")
        # Nothing shows that GDB waits: so more than one.
        assert "Quit" in flood(session)
        assert session.is_alive()


@pytest.mark.attach
def test_batch(large_process, folder):
    """SIGINT in batch mode: GDB ends with a status of its own, not of a signal, and leaves no file"""
    with gdb.start_batch("-p", large_process.pid, commands=[f"dump-guest-memory -via gdb {folder}/vmcore"]) as process:
        wait_for_size(folder, machines.FILLED_FROM, lambda: process.poll() is None)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=gdb.PATIENCE)
    assert process.returncode == 1, output
    assert gdb.quits(output)
    assert os.listdir(folder) == []
