# SPDX-License-Identifier: GPL-3.0-or-later
"""Long sessions: what commands leave behind in GDB, and who else is at work there."""

import re

import pytest

import gdb
import vmcore
from machines import MIB
from test_interrupt import check_gdbs_own, flood
from test_memory import SHOW_SIZE, sizes

pytestmark = pytest.mark.gdb

COMMANDS = ["guest-info", "guest-klog -tail 3", "guest-regs", "guest-x jiffies 4g", "guest-vtop jiffies",
            "dump-guest-memory -force -length 0x1000000 -begin 0 {folder}/vmcore"]

# Threads of another extension of GDB's: a thread that only computes, one that waits, and one that makes GDB work.
PYTHON_THREADS = """
import threading, time

counts = dict(computed=0, waited=0, posted=0)

def count(name):
    counts[name] += 1

def compute():
    while True:
        count("computed")

def wait():
    while True:
        time.sleep(0.001)
        count("waited")

def post():
    while True:
        time.sleep(0.01)
        gdb.post_event(lambda: count("posted"))

for work in compute, wait, post:
    threading.Thread(target=work, daemon=True).start()
"""


@pytest.fixture(scope="module")
def has_python():
    return "6" in gdb.batch(commands=["python print(2 * 3)"]).output.split()


def prepare(session, folder):
    """Python's threads, where GDB has Python."""
    script = folder / "threads.py"
    script.write_text(PYTHON_THREADS)
    assert session.command(f"source {script}") == []


def counts(session):
    return [int(word) for word in session.command("python print(*counts.values())")[0].split()]


def run(session, command, folder):
    lines = session.command(command.format(folder=folder))
    assert not gdb.errors(lines), lines
    # The line with the duration differs.
    return [line for line in lines if "of guest memory in" not in line]


def collect(session, has_python):
    assert session.command("guile (gc)") == []
    if has_python:
        assert session.command("python import gc; gc.collect()") == []


@pytest.mark.gdb(expensive=True)
@pytest.mark.expensive
def test_hundred(small, folder, has_python):
    """100 times a dump and a log in one session, with all collectors in between and Python's threads beside: memory stays"""
    core, program = small
    shown = []
    with gdb.Session(program, core) as session:
        if has_python:
            prepare(session, folder)
        before = counts(session) if has_python else []
        first = {}
        for _ in range(100):
            for command in (COMMANDS[-1], "guest-klog -tail 20"):
                lines = run(session, command, folder)
                assert lines == first.setdefault(command, lines)
            collect(session, has_python)
            shown += sizes("\n".join(session.command(SHOW_SIZE.replace("$PPID", str(session.pid)))))
        if has_python:
            assert all(now > then + 100 for now, then in zip(counts(session), before)), counts(session)
        assert session.is_alive()
    assert len(shown) == 100
    assert shown[-1] - shown[20] < 4 * MIB, shown


def test_hundred_dumps(small, folder):
    """The last of many dumps in a session is that of a session of its own"""
    core, program = small
    with gdb.Session(program, core) as session:
        for _ in range(5):
            run(session, f"dump-guest-memory -force {folder}/many", folder)
            session.command("guile (gc)")
    gdb.batch(program, core, commands=[f"dump-guest-memory {folder}/one"])
    assert vmcore.files_differ(folder / "many", folder / "one") is None


def is_interrupted(session, command, folder):
    session.start(command.format(folder=folder))
    return "Quit" in flood(session)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[0])
def test_interrupted(command, small, folder):
    """A stream of SIGINTs stops `{command}`, and the next one shows what it did before"""
    core, program = small
    with gdb.Session(program, core) as session:
        whole = run(session, command, folder)
        for _ in range(3):
            # A command may be done before the first SIGINT.
            assert any(is_interrupted(session, command, folder) for _ in range(10))
            assert session.is_alive()
            assert run(session, command, folder) == whole
        check_gdbs_own(session)


def test_second_inferior(small, sleeper_core, folder):
    """Commands are about the inferior that is selected, and the other one's are not mixed in"""
    core, program = small
    with gdb.Session(program, core) as session:
        shown = {command: run(session, command, folder) for command in COMMANDS}
        # On a connection of its own: else GDB, on its own, ends when it has a core and is given a program.
        session.command("add-inferior -no-connection")
        session.command("inferior 2")
        session.command(f"file {sleeper_core[1]}")
        assert re.search("guest-info: no core, no process", " ".join(session.command("guest-info")))
        session.command(f"core-file {sleeper_core[0]}")
        lines = session.command("guest-info")
        assert lines[-1].startswith("guest-info: "), lines
        session.command("inferior 1")
        for command in COMMANDS:
            assert run(session, command, folder) == shown[command]
