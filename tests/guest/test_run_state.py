# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest's run state after GDB connected and left, as QEMU's QMP reports it."""

import os

import pytest

import gdb
import selection
import stripped
from living import sees_pause
from machines import lab

pytestmark = pytest.mark.gdb

# The guest has not run yet; has panicked, which QEMU takes for a reason to pause it.
STATES = ["prelaunch", "paused", "guest-panicked", "running"]
QEMUS = ["the lab's QEMU, 7.2", "Debian 13's QEMU, 10.0", "QEMU of Debian sid"]


@pytest.fixture(params=selection.mostly_expensive(QEMUS, QEMUS[:1]))
def bare(request, folder):
    """A guest without a kernel, before its first instruction."""
    qemu = None if request.param == QEMUS[0] else stripped.qemu_or_skip(request.param)
    extra = ["-gdb", "unix:gdbstub,server=on,wait=off", "-S", "-device", "pvpanic", "-action", "panic=pause"]
    with lab.Guest(qemu=qemu, directory=folder, kernel=False, extra=extra) as guest:
        yield guest


def status(guest):
    return guest.qmp("query-status")["status"]


def bring(guest, state):
    """The guest into a run state; it is in "prelaunch" first."""
    if state != "prelaunch":
        guest.qmp("cont")
    if state == "paused":
        guest.qmp("stop")
    elif state == "guest-panicked":
        guest.hmp("o /b 0x505 1")
    lab.wait_until(lambda: status(guest) == state, 60, state)


def stub(guest):
    return f"target remote {guest.directory}/gdbstub"


SAID = {"ran": "the guest ran until GDB connected, and runs on when GDB leaves",
        "paused": "the guest was paused when GDB connected, and stays so when GDB leaves",
        "paused, no events": "the guest was paused when GDB connected: end with disconnect, or GDB lets it run",
        "unknown": "whether the guest ran before GDB connected is not known: GDB lets it run when it leaves"}


def seen(state, bare):
    """The guest's run state before GDB connected, as far as GDB sees it. Only its Python gets to know when GDB connects, or leaves;
    and of the monitor's "stop" newer QEMUs tell nothing."""
    if state in ("prelaunch", "guest-panicked"):
        return "paused" if gdb.loads_by_python() else "paused, no events"
    if not sees_pause(bare):
        return "unknown"
    return "ran" if state == "running" else "paused"


@pytest.mark.parametrize("state", STATES)
def test_stub(state, bare):
    """A guest that is {state} when GDB connects to its stub is so when GDB has left, or it is said before that it will run"""
    bring(bare, state)
    run = gdb.batch(commands=[stub(bare), "guest-info", "add-inferior -no-connection", "inferior 2"])
    what = seen(state, bare)
    assert SAID[what] in " ".join(run.output.split()), run
    assert status(bare) == (state if what in ("ran", "paused") else "running"), run
    assert ("note: the guest stays paused" in run.output) == (what == "paused"), run
    assert ("note: GDB lets the guest run as it leaves" in run.output) == (what == "unknown" and gdb.loads_by_python()), run
    assert "[remote]" not in run.output and '""' not in run.output, run


def test_told(bare):
    """A paused guest that the user lets run, runs when GDB has left; disconnect leaves it paused in every GDB"""
    bring(bare, "paused")
    gdb.batch(commands=[stub(bare), "disconnect"])
    assert status(bare) == "paused"
    with gdb.Session() as session:
        session.command(stub(bare))
        assert SAID[seen("paused", bare)] in " ".join(" ".join(session.command("guest-info")).split())
        session.send("continue")
        lab.wait_until(lambda: status(bare) == "running", 60, "running")
        session.interrupt()
        session.wait_prompt()
        session.settle()
        text = " ".join(" ".join(session.command("guest-info")).split())
        assert "has been let run since GDB connected" in text or not gdb.loads_by_python(), text
        session.send("quit")
        session.process.wait(gdb.PATIENCE)
    assert status(bare) == "running"


def test_string(bare):
    """A script that gets what "target remote" prints as a string gets nothing of GDB's log"""
    bring(bare, "paused")
    connect = f'((@ (gdb) execute) "{stub(bare)}" #:to-string #t)'
    run = gdb.batch(commands=[f'guile (format #t "log: ~a~%" (string-contains {connect} "[remote]"))', "guest-info"])
    assert "log: #f\n" in run.output, run
    assert "0x0" in run.output and run.status == 0, run


def test_killed(bare):
    """A GDB that is killed leaves the guest paused, in whatever state it was"""
    bring(bare, "running")
    with gdb.Session("-ex", stub(bare)):
        pass
    assert status(bare) == "paused"


def test_late(bare):
    """Where gdb-guest is loaded after GDB has connected, guest-info says that it does not know"""
    bring(bare, "paused")
    stage = gdb.told().split("loaded from ")[1].split(",")[0]
    run = gdb.batch("-ex", stub(bare), launcher=gdb.tested(), commands=[f"source {stage}", "guest-info"])
    assert SAID["unknown"] in " ".join(run.output.split()), run


def test_failed(bare, folder):
    """GDB's words about a connection that fails are shown, at once or at the next guest command, and its log is off again"""
    with gdb.Session() as session:
        lines = session.command("target remote /nowhere")
        assert len(lines) == 1 and "No such file or directory" in lines[0], lines
        assert session.command("show debug remote") == ["Debugging of remote protocol is off."]
        descriptors = len(os.listdir(f"/proc/{session.pid}/fd"))
        for _ in range(3):
            session.command("target remote /nowhere")
        assert len(os.listdir(f"/proc/{session.pid}/fd")) == descriptors
    for commands in (["guest-info"], []):
        run = gdb.batch(commands=["target remote /nowhere", *commands])
        assert "No such file or directory" in run.output.splitlines()[0], run


@pytest.mark.attach
@pytest.mark.parametrize("state", selection.mostly_expensive(STATES, ["paused"]))
def test_process(state, bare):
    """A guest that is {state} when GDB attaches to its QEMU is {state} when GDB has left; guest-klog -follow says that it stands"""
    bring(bare, state)
    run = gdb.batch("-p", bare.pid, commands=["guest-info", "guest-klog -follow"])
    assert f", {state}," in run.output, run
    assert (f"note: QEMU has the guest {state}: it does not run until" in run.output) == (state != "running"), run
    assert status(bare) == state
