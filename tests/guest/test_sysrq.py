# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-sysrq, against what the guest's console shows."""

import re
import time
from pathlib import Path

import pytest

import gdb
import selection
from living import sees_pause
from machines import lab

pytestmark = pytest.mark.gdb

STUB = "unix:gdbstub,server=on,wait=off"
LOUD = "loglevel=8 sysrq_always_enabled lab.procs=30"
# Lines that the kernel prints of its own accord, some seconds after it has booted, or on a slow machine.
CHATTER = re.compile(r"random: crng init done|hrtimer: interrupt took|clocksource: |sched: ")


class Connected:
    """A guest, and a GDB at its gdbstub."""

    def __init__(self, folder, append=LOUD, extra=(), **options):
        self.guest = lab.Guest(directory=folder, append=append, extra=["-gdb", STUB, *extra], **options)
        try:
            self.session = gdb.Session("-ex", f"target remote {self.guest.directory}/gdbstub")
        except BaseException:
            self.guest.kill()
            raise
        self.shown = len(self.console())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()
        self.guest.kill()

    def console(self):
        return Path(self.guest.serial).read_text(errors="replace").splitlines()

    def new_on_console(self):
        """The kernel's output there since the last call."""
        lines = self.console()[self.shown:]
        self.shown += len(lines)
        return [line.rstrip() for line in lines if re.match(r"\[ *\d+\.\d{6}\]", line) and not CHATTER.search(line)]

    def send(self, arguments):
        lines = self.session.command(f"guest-sysrq {arguments}")
        return [line.rstrip() for line in lines if not CHATTER.search(line)]

    def is_stopped(self):
        return not self.guest.qmp("query-status")["running"]


@pytest.fixture(scope="module")
def connected(top_folder):
    with Connected(top_folder) as connected:
        yield connected


@pytest.mark.parametrize("key, first, last", [
    ("m", "sysrq: Show Memory", r"\] \d+ pages (reserved|hwpoisoned)$"),
    ("t", "sysrq: Show State", r"Showing busy workqueues and worker pools:|^\[[^]]*\] +(workqueue|pool|pwq|pending|in-flight|idle)\b.*"),
    ("l", "sysrq: Show backtrace of all active CPUs", r".*"),
    ("7", "sysrq: Changing Loglevel", r"sysrq: Loglevel set to 7")])
def test_answer(key, first, last, connected):
    """{key}: what the kernel logs is printed, complete, line for line what its console shows, and the guest is stopped"""
    connected.new_on_console()
    lines = connected.send(key)
    assert first in lines[0] and re.search(last, lines[-1]), (lines[0], lines[-1])
    assert lines == connected.new_on_console()
    if key == "t":
        assert sum("task:lab-sleeper" in line for line in lines) == 30
    assert connected.is_stopped() and connected.session.is_alive()


@pytest.mark.expensive
def test_settled(connected):
    """A second key is another key: the first one is not held"""
    for _ in range(3):
        lines = connected.send("h")
        assert len(lines) == 1 and "sysrq: HELP : " in lines[0], lines


def test_interrupt(connected):
    """Ctrl-C at 8 moments of it: the prompt is back within half a second, the guest stopped, and no key is held"""
    connected.session.command("guest-sysrq 1")
    interrupted = 0
    for i in range(8):
        connected.session.start("guest-sysrq t -wait 60")
        # No condition stands for these.
        time.sleep(0.06 * i)
        text = connected.session.stop(typed=True)
        # The answer may be there before Ctrl-C.
        assert "Quit" in text or "sysrq: Show State" in text, text
        interrupted += "Quit" in text
        connected.session.settle()
        assert connected.is_stopped()
    assert interrupted
    lines = connected.send("h")
    assert "sysrq: HELP : " in lines[-1], lines


def test_asks(connected):
    """A key at which work is lost asks first; without a yes nothing is sent; -force and set confirm off do without"""
    session = connected.session
    session.command("set confirm on")
    connected.new_on_console()
    for answer in ("n", "", "what\nn"):
        session.send("guest-sysrq e")
        session.wait(r"sends SIGTERM to all processes but init\.  Send e to the guest\? \(y or n\) ")
        session.send(answer)
        assert "guest-sysrq: not confirmed" in session.wait_prompt()
    session.send("guest-sysrq e")
    session.wait(r"\(y or n\) ")
    assert "Quit" in session.stop(typed=True)
    session.settle()
    assert connected.send("7")[0].endswith("sysrq: Changing Loglevel")
    assert not any("Terminate" in line for line in connected.new_on_console())
    session.send("guest-sysrq e")
    session.wait(r"\(y or n\) ")
    session.send("y")
    assert "sysrq: Terminate All Tasks" in session.wait_prompt()
    assert "sysrq: Terminate All Tasks" in connected.send("-force e")[0]
    session.command("set confirm off")
    assert "sysrq: Terminate All Tasks" in connected.send("e")[0]


def test_more(connected):
    """When the time is over and the kernel still logs, it is said how to go on"""
    lines = connected.send("-wait 1 h")
    if lines[0].startswith("note: the kernel logged nothing within 1 s"):
        # The guest had no CPU for so long: the next command has the answer, too.
        lines = connected.send("h")
    else:
        assert lines[1:] in ([], ["note: the 1 s are over, and the kernel still logs: -wait 3 has it run longer"])
    assert "sysrq: HELP" in lines[0]


def test_output(connected, folder):
    """-output writes the answer to a file; a file that is there is not replaced, and no key sent, but with -force"""
    connected.new_on_console()
    file = folder / "answer"
    assert connected.send(f"h -output {file}") == []
    answer = [line.rstrip() for line in file.read_text().splitlines() if not CHATTER.search(line)]
    assert answer == connected.new_on_console()
    lines = connected.send(f"7 -output {file}")
    assert lines == [f"guest-sysrq: {file}: it exists; -force replaces it"] and "HELP" in file.read_text()
    assert connected.new_on_console() == []
    assert connected.send(f"7 -force -output {file}") == [] and "Loglevel" in file.read_text()


def test_paused(connected):
    """A guest that was paused when GDB connected is paused when GDB leaves after a guest-sysrq, which let it run"""
    session = connected.session
    session.command("disconnect")
    connect = f"target remote {connected.guest.directory}/gdbstub"
    session.command(connect)
    assert "sysrq: HELP" in connected.send("h")[0]
    if sees_pause(connected.guest):
        assert "the guest was paused when GDB connected, and stays so" in " ".join(" ".join(session.command("guest-info")).split())
        session.send("quit")
        session.process.wait(gdb.PATIENCE)
        assert connected.is_stopped()
        session.close()
        connected.session = gdb.Session("-ex", connect)


@pytest.mark.parametrize("arguments, message", [
    ("ö", "is not a SysRq key; guest-sysrq -list shows the keys"),
    ("tt", "\"tt\" is not a SysRq key; guest-sysrq -list shows the keys"),
    ("", "it takes a KEY; -list shows the keys"),
    ("t m", "it takes one [KEY]; \"m\" is one too many (quote a name with spaces)"),
    ("-wait 0 t", "-wait is 0, not 1 to 3600")])
def test_wrong(arguments, message, connected):
    """guest-sysrq {arguments} is an error that says what is right"""
    lines = connected.send(arguments)
    assert len(lines) == 1 and lines[0].startswith("guest-sysrq: ") and lines[0].endswith(message), lines


def test_list():
    """-list has a line for each key, without any guest"""
    run = gdb.batch(commands=["guest-sysrq -list"])
    assert run.status == 0
    lines = run.output.splitlines()
    assert [line[0] for line in lines] == list("abcdefghijklmnopqrstuvwxyzR0123456789")
    assert [line[0] for line in lines if "asks first" in line] == list("bcefgikou")


OFF = {"sysctl.kernel.sysrq=0": r"note: the kernel logged nothing within 2 s: SysRq may be off in the guest",
       "": r"\[ *[0-9.]+\] sysrq: This sysrq operation is disabled\.",
       "i8042.nokbd": r"guest-sysrq: the guest does not read its keyboard: "}


@pytest.mark.parametrize("append", selection.mostly_further(OFF, ["i8042.nokbd"]))
def test_off(append, folder):
    """A kernel with `{append}` does not answer: it is said why, or what it says"""
    with Connected(folder, append=append) as connected:
        lines = connected.send(f"t -wait {2 if 'within 2 s' in OFF[append] else 60}")
        assert len(lines) == 1 and re.match(OFF[append], lines[0]), lines
        assert connected.is_stopped() and connected.session.is_alive()


def test_no_keyboard(folder):
    """A machine without a keyboard controller is said to have none"""
    with Connected(folder, machine="q35,i8042=off") as connected:
        lines = connected.send("t")
        assert len(lines) == 1 and "the guest has no PS/2 keyboard (i8042)" in lines[0], lines


def test_power_off(folder):
    """The guest switches itself off: it is said to have stopped, and GDB does not wait for it"""
    with Connected(folder, extra=["-no-shutdown"]) as connected:
        lines = connected.send("-force o")
        assert "sysrq: Power Off" in lines[0] and re.match("note: the guest stopped: .*SIGQUIT", lines[-1]), lines
        lines = connected.send("t")
        assert len(lines) == 1 and "QEMU says shutdown" in lines[0], lines


def test_gone(folder):
    """QEMU ends with its guest: a line says so, and GDB is alive"""
    with Connected(folder) as connected:
        lines = connected.send("-force b")
        assert lines[-1].startswith("guest-sysrq: the key was sent, and the guest is gone: "), lines
        assert connected.session.is_alive()


@pytest.mark.attach
def test_process(large_process):
    """At a process it is said that the gdbstub is needed"""
    lines = gdb.attempt(["-p", large_process.pid], "guest-sysrq t")
    assert "keys are typed through QEMU's monitor, which is at its gdbstub" in lines[-1], lines


def test_core(views):
    """A core cannot run"""
    assert "a core cannot run" in views.error("guest-sysrq t")
