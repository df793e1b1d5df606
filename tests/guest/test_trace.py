# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-trace: the calls of functions in a guest that runs, against a program of the guest's that counts its own; what the guest
and GDB are left as."""

import json
import random
import re
import select
import time
from pathlib import Path

import pytest

import gdb
import selection
from living import Living, sees_pause
from machines import lab

pytestmark = pytest.mark.gdb

FUNCTION = "do_sys_openat2"
PATIENCE, LONG = gdb.PATIENCE, 900  # seconds, for the answer of the guest's program
EVER = "-seconds 3600 -limit 1000000"


class Calls(Living):
    """A guest whose program calls as often as it is asked to (lab/calls.c)."""

    def __init__(self, folder, series="6.1", append=""):
        super().__init__("stub", folder, append=f"lab.script=/calls-lab/script {append}",
                         extra=["-serial", "unix:calls,server=on,wait=off"],
                         kernel=f"{lab.lab('kernel', series)}/vmlinuz", initrd=lab.lab("calls-initramfs", series))
        self.calls = self.connect("calls")
        self.let_sleep()
        self.code = self.look()
        self.place = re.search(r"physical +(0x[0-9a-f]+)", "\n".join(self.session.command(f"guest-vtop {FUNCTION}")))[1]
        self.before = self.bytes()

    def __exit__(self, *arguments):
        self.calls.close()
        super().__exit__(*arguments)

    def let_sleep(self):
        """Lets the guest run until all of its programs sleep: its first one opens a file of its own when the guest is ready."""
        while any(task["state"] == "R" and not task["kernel"] for task in self.json("guest-ps -json")):
            self.session.command("guest-profile -seconds 1")

    def look(self):
        """The function's first bytes, by GDB's way to the guest's memory."""
        return self.session.command(f"guest-x/16bx {FUNCTION}")

    def bytes(self):
        """The same by QEMU's monitor, as physical memory."""
        return self.guest.hmp(f"xp /16xb {self.place}")

    def ask(self, words):
        self.calls.sendall(words.encode() + b"\n")

    def answer(self, seconds=PATIENCE):
        """The guest's own count, when it has made the calls. GDB's output is read meanwhile: a GDB that waits for its terminal
        keeps the guest at a breakpoint."""
        text = b""
        deadline = time.monotonic() + seconds
        while not text.endswith(b"\n"):
            terminal = [self.session.terminal] if self.session.process.poll() is None else []
            ready = select.select([self.calls, *terminal], [], [], max(deadline - time.monotonic(), 0))[0]
            assert ready, f"no answer within {seconds} s"
            if self.calls in ready:
                text += self.calls.recv(100)
            else:
                self.session.read("the guest's answer")
        return int(text)

    def trace(self, words, options, seconds=PATIENCE):
        """The objects of a trace that lasts until the guest has made the calls, and the guest's own count of these."""
        self.ask(words)
        self.session.start(f"guest-trace -json {EVER} {options}")
        count = self.answer(seconds)
        self.session.interrupt()
        text = self.session.wait_prompt()
        self.session.settle()
        objects = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        summary = objects.pop()
        assert summary["interrupted"] and not summary["limited"] and summary["ended"] is None, summary
        return [thing for thing in objects if "event" in thing], summary, count

    def check_free(self, count=3):
        """No breakpoint is left: the code's bytes are as before, and the guest makes calls without a stop."""
        assert self.bytes() == self.before
        if self.is_stopped():
            self.guest.cont()
        self.ask(f"open {count} 0")
        assert self.answer() == count and not self.is_stopped()


@pytest.fixture
def calls(folder):
    with Calls(folder) as calls:
        yield calls


def check_events(events, count, first=0):
    """All calls and returns of the program are there, in order, with the arguments that it gave and the errors that it got."""
    made = [event for event in events if event["event"] == "call"]
    assert len(made) == count
    returned = {event["call"]: event for event in events if event["event"] == "return"}
    for index, event in enumerate(made, first):
        arguments = {argument["name"]: argument for argument in event["arguments"]}
        assert event["comm"] == "calls" and event["function"] == FUNCTION and event["cpu"] in (0, 1)
        assert arguments["dfd"]["value"] == index + 100 and arguments["dfd"]["type"] == "int"
        assert arguments["filename"]["text"] == (f"/init/{index}" if index % 5 == 4 else f"/calls/{index}")
        assert arguments["how"]["type"] == "struct open_how *"
        result = returned[event["call"]]
        assert (result["error"], result["value"]) == (("ENOTDIR", -20) if index % 5 == 4 else ("ENOENT", -2))
        assert result["pid"] == event["pid"] and result["type"] in ("long int", "int")


def test_calls(calls):
    """Each call is counted, with its arguments and result; a condition chooses calls; stacks lead to the system call; GDB's session
    and the guest are as before"""
    events, summary, count = calls.trace("open 20 1000", f"-args -return {FUNCTION}")
    check_events(events, count)
    assert summary["calls"] == summary["matched"] == count == 20 and summary["pending"] == 0
    calls.check()
    events, summary, count = calls.trace("open 10 0", f"-stack -if 'comm == calls && filename == \"/init/4\"' {FUNCTION},getname")
    assert (summary["calls"], summary["matched"]) == (20, 2), summary
    stacks = {event["function"]: [frame["symbol"] for frame in event["stack"]] for event in events}
    assert stacks[FUNCTION][:3] == [FUNCTION, "__x64_sys_openat", "do_syscall_64"], stacks
    assert stacks["getname"][:2] == ["getname", FUNCTION], stacks
    calls.ask("open 20000 0")
    lines = calls.session.command(f"guest-trace -summary -seconds 300 {FUNCTION}")
    assert re.fullmatch(r"\d{3,5} calls, in .* a second; the guest stood still for [\d.]+ % of the time", lines[0]), lines
    assert re.match("note: the trace has ended early: .*(the limit is 200|the last 200 stops)", lines[1])
    calls.check()
    calls.guest.cont()
    assert calls.answer() == 20000
    calls.check_free()


def check_system_call(calls):
    """The function of a system call has the program's arguments, by which a condition chooses, and the error."""
    events, summary, count = calls.trace("open 20 1000", "-args -return -if 'comm == calls && flags & 1' __x64_sys_openat")
    made = [event for event in events if event["event"] == "call"]
    assert (summary["calls"], len(made), count) == (20, 10, 20)
    for index, event in enumerate(made):
        index = 2 * index + 1
        path = f"/init/{index}" if index % 5 == 4 else f"/calls/{index}"
        assert [(argument["name"], argument["type"], argument["text"] or argument["value"]) for argument in event["arguments"]] == [
            ("dfd", "int", index + 100), ("filename", "const char *", path), ("flags", "int", 1), ("mode", "umode_t", 0)]
    errors = [event["error"] for event in events if event["event"] == "return"]
    assert errors == ["ENOTDIR" if (2 * index + 1) % 5 == 4 else "ENOENT" for index in range(10)]


def arguments_of(event):
    return {argument["name"]: argument["value"] for argument in event["arguments"]}


def check_module(calls):
    """A function of a module has the arguments and the result of its program's calls."""
    events, summary, count = calls.trace("ioctl 5", "-args -return tun_chr_ioctl")
    assert summary["calls"] == count == 5
    made = [event for event in events if event["event"] == "call"]
    assert [(event["module"], arguments_of(event)["cmd"], arguments_of(event)["arg"]) for event in made] == [
        ("tun", index + 4096, index + 7000) for index in range(5)]
    assert [event["error"] for event in events if event["event"] == "return"] == ["EBADFD"] * 5


def check_places(calls):
    """Arguments on the stack and in a structure have the program's values; a function without a result returns."""
    events, _, _ = calls.trace("wake 5", "-args -if comm==calls do_futex")
    given = [arguments_of(event) for event in events]
    assert [[values[name] for name in ("val", "val2", "val3")] for values in given] == [
        [index + 100, index + 200, index + 400] for index in range(5)]
    assert [[int(values[name], 16) for name in ("timeout", "uaddr2")] for values in given] == [[0, index + 300] for index in range(5)]
    events, _, _ = calls.trace("lines /calls-lab/owned", "-args -return -if 'comm == calls && kuid == 1234' from_kuid_munged")
    assert {(event["event"], event.get("value")) for event in events} == {("call", None), ("return", 1234)}
    assert {(argument["type"], argument["value"]) for event in events if event["event"] == "call"
            for argument in event["arguments"] if argument["name"] == "kuid"} == {("kuid_t", 1234)}
    events, _, count = calls.trace("open 5 0", "-return -if comm==calls putname")
    assert [event["event"] for event in events] == ["call", "return"] * count
    assert not any("value" in event for event in events)


def check_namesakes(calls):
    """Of a name all functions are traced, which is said; their arguments are registers, as the types do not say that both have the
    same."""
    both = [0, 0]
    for path in ("/proc/version", "/proc/self/status"):
        calls.ask(f"lines {path}")
        lines = calls.session.command("guest-trace -args -count 1 -seconds 60 -if comm==calls proc_single_open")
        notes = gdb.notes(lines)
        assert notes[0].startswith("note: 2 functions are called proc_single_open: all are traced"), lines
        assert len(notes) == 2 and "shown as registers: several functions have the name" in notes[1], lines
        assert any("proc_single_open(rdi=0x" in line for line in lines), lines
        counts = [int(line.split()[0]) for line in lines if re.fullmatch(r" +\d+ proc_single_open", line)]
        both = [before + count for before, count in zip(both, counts)]
        calls.guest.cont()
        calls.answer()
        calls.connect_anew()
    assert both == [1, 1]


def check_refused(calls):
    """What cannot be traced is said in a line."""
    symbols = calls.guest.directory / "symbols"
    calls.session.command(f"guest-vmlinux -kallsyms {symbols}")
    part = re.search(r" (\S+\.cold)$", symbols.read_text(), re.MULTILINE)[1]
    refused = {"nosuch": "no function", "tun:do_sys_openat2": "the module tun has no function", FUNCTION + " -if fd==1": "it has dfd",
               FUNCTION + " -if comm==": "a value is missing at the end", "0x10": "", f"0x1{0:016x}": "is no address",
               "jiffies": "no function", f"nosuch:{FUNCTION}": 'has no module "nosuch"', "start_kernel": "has freed the code of start_kernel",
               f"{part} -return": "jumped to and not called"}
    for words, why in refused.items():
        lines = gdb.errors(calls.session.command(f"guest-trace {words}"))
        assert len(lines) == 1 and why in lines[0], lines


def test_system_call(calls):
    """A system call's function has the arguments that the program gave, and its result, or the error; a condition takes them"""
    check_system_call(calls)


def test_functions(calls):
    """A module's function, arguments on the stack, a structure, a function without a result: all have what the program gave; of a
    name all functions are traced"""
    check_module(calls)
    check_places(calls)
    check_namesakes(calls)
    check_refused(calls)
    calls.check_free()


def start(calls, count, moment):
    """Starts a trace of so many calls, of which none but the first is sure to be seen at the random moment."""
    calls.ask(f"open {count} 0")
    calls.session.start(f"guest-trace -args -return {EVER} {FUNCTION}")
    calls.session.wait("CALL")
    # No condition stands for these.
    time.sleep(random.Random(moment).random() * 0.3)


@pytest.mark.parametrize("moments", selection.mostly_expensive([3, 25], [3]))
def test_ended(calls, moments):
    """Ctrl-C at random moments leaves no breakpoint and a guest that stands still, and GDB's session goes on; QEMU's end is an
    error"""
    for moment in range(moments):
        start(calls, 500, moment)
        calls.session.interrupt(typed=moment % 2)
        text = calls.session.wait_prompt()
        assert re.search(r"\d+ calls?, in |Quit", text), text
        calls.session.settle()
        calls.check()
        assert calls.bytes() == calls.before
        # The calls that the trace has not seen do not stop the guest.
        calls.session.start("continue")
        assert calls.answer() == 500 and not calls.is_stopped()
        calls.session.stop()
    start(calls, 1000000, 0)
    calls.kill_guest()
    assert re.search(r"guest-trace: .*(has closed the connection|Target disconnected)", calls.session.wait_prompt())
    assert calls.session.is_alive()


@pytest.mark.parametrize("moments", selection.mostly_expensive([1, 4], [1]))
@pytest.mark.parametrize("paused", [False, True])
def test_killed(calls, moments, paused):
    """Where GDB is killed at random moments the breakpoints go, and the guest runs on, or stays stopped where it was paused
    before GDB connected, as far as GDB knows"""
    stays = paused and sees_pause(calls.guest)
    others = guards()
    for moment in range(moments):
        if paused:
            # To a guest that stands still.
            calls.connect_anew()
        start(calls, 500, moment)
        calls.session.process.kill()
        calls.session.process.wait()
        if stays:
            lab.wait_until(lambda: not guards() - others and calls.is_stopped(), 60, "a guest that stands still")
            assert calls.bytes() == calls.before
            calls.guest.cont()
        assert calls.answer() == 500
        lab.wait_until(lambda: not guards() - others and not calls.is_stopped(), 60, "a guest that runs")
        calls.connect_anew()
        assert calls.look() == calls.code


def guards():
    """The processes that tidy up behind a GDB."""
    return {path for path in Path("/proc").glob("[0-9]*/comm") if "gdb-guest-guard" in read(path)}


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


@pytest.mark.further
@pytest.mark.parametrize("series", ["6.12", "sid"])
def test_kernels(folder, series):
    """Calls of other kernels are counted, with their arguments and results, those of system calls and of modules too"""
    with Calls(folder, series) as calls:
        events, summary, count = calls.trace("open 100 0", f"-args -return {FUNCTION}")
        check_events(events, count)
        assert summary["calls"] == count == 100
        check_system_call(calls)
        check_module(calls)
        if series == "6.12":
            check_places(calls)
        calls.check_free()


@pytest.mark.expensive
def test_many(calls):
    """1,000 calls are counted exactly, and the arguments and results of 100 are right"""
    _, summary, count = calls.trace("open 1000 0", f"-summary {FUNCTION}", LONG)
    assert summary["calls"] == count == 1000
    events, summary, count = calls.trace("open 100 0", f"-args -return {FUNCTION}", LONG)
    check_events(events, count)
    assert summary["calls"] == count == 100
    calls.check_free()


@pytest.mark.expensive
def test_ftrace(folder):
    """A function that the kernel itself traces is stepped into: the kernel's own tracing sees all calls too"""
    with Calls(folder, append="lab.ftrace=1") as calls:
        calls.ask("lines /sys/kernel/tracing/trace")
        calls.guest.cont()
        before = calls.answer()
        calls.connect_anew()
        events, summary, count = calls.trace("open 100 0", f"-args -return -if comm==calls {FUNCTION},do_filp_open")
        check_events([event for event in events if event["function"] == FUNCTION], count)
        assert summary["matched"] == 2 * count == 200
        calls.guest.cont()
        calls.ask("lines /sys/kernel/tracing/trace")
        # The opening of the file is a call too.
        assert calls.answer() - before in (count + 1, count + 2)
