# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-klog -follow: the log of a guest that runs, stands still for each look, and is found stopped at the end."""

import json
import random
import re
import time

import pytest

import gdb
import interrupts
import selection
from living import Living
from machines import lab

pytestmark = pytest.mark.gdb


@pytest.fixture(params=[pytest.param("process", marks=pytest.mark.attach), "stub"])
def way(request):
    return request.param


# Tests to which a process makes little difference.
mostly_stub = pytest.mark.parametrize("way", indirect=True, argvalues=[
    pytest.param("process", marks=[pytest.mark.attach, pytest.mark.expensive]), "stub"])


@pytest.fixture
def living(way, folder):
    with Living(way, folder) as living:
        yield living


def ticks_of(text):
    return [int(number) for number in re.findall(r"lab: tick (\d+)", text)]


def test_thousand(living):
    """By a {way}: 1,000 records written by the guest are shown, each once and in order, until Ctrl-C"""
    living.follow()
    living.write_ticks(1000)
    text = living.session.wait(r"lab: tick 999\r?\n") + living.stop()
    assert ticks_of(text) == list(range(1000))
    lines = [line.removeprefix("^C") for line in gdb.lines_of(text)]
    assert gdb.notes(lines) == ['note: the guest stands still now; "continue" lets it run on'] and not gdb.errors(lines), lines[-5:]
    living.check()
    # Records that are there already are shown first, and only those that were asked for.
    living.write_ticks(1)
    living.session.send("guest-klog -follow -json -grep 'tick [0-9]*9$' -tail 2")
    living.session.wait(r'"lab: tick 999"')
    living.write_ticks(20)
    text = living.session.wait(r'"lab: tick 1019".*\n') + living.stop(typed=False)
    assert [json.loads(line)["text"] for line in text.splitlines() if line.startswith("{")] == \
        ["lab: tick 1009", "lab: tick 1019"]
    living.check()


@mostly_stub
def test_batch(living):
    """By a {way}: in batch mode SIGINT ends it as Ctrl-C does, the commands behind it follow, and the status is 0"""
    living.session.command("detach")
    with gdb.start_batch(*living.arguments(), commands=["guest-klog -follow -tail 1", "print 6 * 7"]) as process:
        for line in process.stdout:
            if line.startswith("["):
                living.write_ticks(3)
            if "tick 2" in line:
                break
        process.send_signal(2)
        rest = process.stdout.read()
        assert process.wait(gdb.PATIENCE) == 0, rest
    assert "$1 = 42" in rest and not gdb.errors(rest.split("\n")), rest
    assert living.guest.qmp("query-status")["running"]


@mostly_stub
def test_interrupted_often(living):
    """By a {way}: Ctrl-C at 15 moments, and many at once, find the guest stopped, and GDB asks nothing"""
    for i in range(15):
        living.session.start("guest-klog -follow -tail 1")
        # No condition stands for these.
        time.sleep(0.02 * i)
        living.session.interrupt(typed=i % 2)
        living.session.wait_prompt()
        living.session.settle()
        assert living.is_stopped()
    living.follow()
    for i in range(20):
        living.session.interrupt(typed=i % 2)
        time.sleep(0.003)
    living.session.settle()
    living.check()
    assert living.session.command("output $_thread") == ["1"] or living.way == "process"


@pytest.mark.gdb(expensive=True)
@pytest.mark.expensive
def test_interrupted_at_random(living):
    """By a {way}: of 300 SIGINTs at random moments, some of them at the first command of a GDB, none is lost"""
    losses = []
    interrupts.hunt(living, 300, random.Random(1), per_session=15, report=losses.append)
    assert not losses, losses[0]


# Whatever GDB does with its Python at a stop takes SIGINT from its owner.
INTERRUPTED_STOP = r"""
set $stops = 0
define hook-stop
  set $stops = $stops + 1
  if $stops == {stop}
    {other}
    shell kill -INT $PPID
  end
end
"""


@pytest.mark.parametrize("stop", selection.mostly_expensive([1, 4], [1]))
def test_interrupted_stop(stop, living, folder):
    """By a {way}: Ctrl-C while GDB tells of stop {stop} ends it, too"""
    script = folder / "stop.gdb"
    script.write_text(INTERRUPTED_STOP.format(stop=stop, other="python pass" if gdb.loads_by_python() else "output 0"))
    living.session.command(f"source {script}")
    living.write_ticks(50)
    lines = living.session.command("guest-klog -follow -tail 1")
    assert not gdb.errors(lines), lines
    assert living.session.command("output $stops") == [str(stop)]
    living.check()


def test_users_stop(living):
    """By a {way}: the user's breakpoint ends it, and a line says so"""
    session = living.session
    if living.way == "process":
        session.command("break qemu_clock_get_ns")
    else:
        address = re.search("0x[0-9a-f]+", session.command("guest-x scheduler_tick 1a")[0])[0]
        session.command(f"hbreak *{address}")
    session.command("display/x 6 * 7")
    lines = session.command("guest-klog -follow -tail 1")
    assert re.match(r"note: the guest stopped: (Thread .* hit )?Breakpoint 1(\.1)?, ", lines[-1], re.IGNORECASE), lines
    assert "already hit 1 time" in " ".join(session.command("info breakpoints"))
    living.check()


@mostly_stub
def test_settings(living):
    """By a {way}: what the user has set of SIGINT, of locking and of paging neither stops it nor is changed by it"""
    session = living.session
    for line in ("handle SIGINT nostop noprint pass", "set scheduler-locking on", "set pagination on", "set height 5",
                 "set confirm on"):
        session.command(line)
    living.follow()
    living.write_ticks(40)
    text = session.wait(r"lab: tick 39\r?\n") + living.stop()
    assert ticks_of(text) == list(range(40))
    assert re.search(r"SIGINT +No\tNo\tYes", session.command("info signals SIGINT")[-1])
    for name, value in (("scheduler-locking", '"on"'), ("pagination", "on"), ("confirm", "on")):
        assert session.command(f"show {name}")[-1].endswith(f" {value}.")
    # QEMU has not got one that would come now.
    session.command("set scheduler-locking off")
    living.follow()
    living.stop()
    living.check()
    assert living.guest.process.poll() is None


# GDB itself ends (infrun.c's normal_stop() asserts a thread) where a gdbstub closes the connection in the moment of a stop.
@pytest.mark.parametrize("way,state", indirect=["way"], argvalues=[
    pytest.param("process", "runs", marks=pytest.mark.attach), pytest.param("process", "stands", marks=pytest.mark.attach),
    ("stub", "runs")])
def test_killed(living, state):
    """By a {way}: QEMU killed while its guest {state} is an error, and GDB is alive"""
    living.follow()
    living.kill_guest(state == "runs")
    text = living.session.wait_prompt()
    error, = gdb.errors(gdb.lines_of(text))
    ended = f"QEMU's process {living.guest.pid} has ended" if living.way == "process" else "the gdbstub has closed the connection"
    assert error.startswith(f"guest-klog: {ended}: ") and not gdb.notes(gdb.lines_of(text)), text
    assert living.session.is_alive()


@mostly_stub
def test_started_anew(way, folder):
    """By a {way}: a guest that is reset is followed from its new kernel's start"""
    with Living(way, folder, extra=["-action", "reboot=reset"]) as living:
        living.follow()
        text = living.reset(r"Run /init as init process\r?\n")
        assert len(re.findall(r"note: (another kernel runs|the log starts anew)", text)) == 1, text
        assert len(re.findall(r"\] Linux version ", text)) == 1
        living.stop()
        living.check()


def test_running(living):
    """By a {way}: a guest that runs already is left alone, and it is said what to do"""
    living.session.command("continue &")
    lines = living.session.command("guest-klog -follow")
    assert len(lines) == 1 and "stop it first (interrupt)" in lines[0], lines
    assert not living.is_stopped()


def test_core(views):
    """A core cannot run"""
    assert "a core cannot run" in views.error("guest-klog -follow")


@pytest.mark.parametrize("option", ["output /nowhere", "hexdump /nowhere", "force"])
def test_options(option, views):
    """-follow does not go with -{option}"""
    assert f"it does not go with -{option.split()[0]}" in views.error(f"guest-klog -follow -{option}")


def test_shut_down(folder):
    """A guest that QEMU would not let go on is not let run: GDB would wait for ever"""
    with Living("stub", folder, extra=["-no-shutdown", "-action", "reboot=shutdown"]) as living:
        living.follow()
        # While a look keeps the guest still, QEMU forgets that it was to shut down.
        lab.wait_until(lambda: living.guest.qmp("query-status")["status"] == "shutdown" or living.guest.qmp("system_reset"), 60,
                       "a guest that is shut down")
        assert "note: the guest stopped: " in living.session.wait_prompt()
        lines = living.session.command("guest-klog -follow")
        assert len(lines) == 1 and "QEMU says shutdown" in lines[0], lines
        assert living.session.is_alive()
