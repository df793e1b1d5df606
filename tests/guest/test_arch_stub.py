# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of other architectures than x86 at QEMU's gdbstub: that stand still, and that run."""

import collections
import contextlib
import random
import re
import time

import pytest

import gdb
from archs import MULTIARCH, TRIXIE, WITH_TASKS, ask_stub, is_at_entry, objects

HZ = 250  # of Debian's kernels: CONFIG_HZ, by which jiffies count
# Samples of each CPU by which a share of both CPUs' time is known to less than FAR: that is four deviations of 100 independent
# samples, and more where the time between samples varies, as on a busy host.
ROUNDS, FAR = (100, 1000), 0.1


class StubSession:
    """A GDB at the stub of the guest, which goes on from the record's state and stands still."""

    def __init__(self, guest, typed=b""):
        self.guest, self.typed = guest, typed

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            running = stack.enter_context(self.guest.record.resume(extra=["-gdb", "unix:gdbstub,server=on,wait=off"],
                                                                   typed=bool(self.typed)))
            if self.typed:
                stack.enter_context(running.open_console()).sendall(self.typed)
            self.session = stack.enter_context(gdb.Session(gdb_path=MULTIARCH))
            # GDB 13 does not take the byte order from QEMU.
            self.session.command(f"set endian {'big' if self.guest.arch == 's390x' else 'little'}")
            self.session.command(f"target remote {running.directory}/gdbstub")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def json(self, command):
        """The objects that a command prints."""
        return objects("\n".join(self.session.command(command)))

    def counters(self):
        """As the guest counts them: the jiffies, and each task's nanoseconds on a CPU."""
        jiffies = int(self.session.command("guest-x/1dg jiffies_64")[-1].split()[-1])
        return jiffies, {task["pid"]: task["time_ns"] for task in self.json("guest-ps -threads -json") if task["pid"]}

    def check_shares(self):
        """Each task's share of a profile's samples is its share of the time by the guest's own counters, and so is that of CPUs
        without a task; the task that never waits is seen in its program."""
        counts, rounds = collections.Counter(), 0
        begin, times = self.counters()
        while True:
            *rows, profile = self.json("guest-profile -seconds 2 -hz 300 -stacks -json")
            assert profile["samples"] == 2 * profile["rounds"] and not profile["interrupted"] and profile["ended"] is None, profile
            rounds += profile["rounds"]
            counts[0] += profile["idle"]
            for row in rows:
                counts[row["pid"]] += row["samples"]
                counts["program"] += row["samples"] * (row["comm"] == "sh" and row["mode"] == "user")
            end, times_after = self.counters()
            whole = 2e9 * (end - begin) / HZ
            # The CPUs of ppc64el go on from a state without timer interrupts, which count: the task that never waits stays where it is.
            never_waits = max(times, key=times.get)
            is_counted = self.guest.name != "ppc64el-sid"
            used = {pid: (time - times.get(pid, 0)) / whole for pid, time in times_after.items()} if is_counted else {never_waits: 0.5}
            # The time of a task that has ended is counted no more.
            ended = sum(count for pid, count in counts.items() if pid not in ("program", 0, *used))
            counts_of = {**counts, 0: counts[0] + ended}
            if is_counted:
                used[0] = 1 - sum(used.values())
            far = [(pid, share, count) for pid, share in used.items()
                   if abs((count := counts_of.get(pid, 0) / 2 / max(rounds, 1)) - share) >= FAR]
            if rounds >= ROUNDS[0] and not far and counts["program"] or rounds >= ROUNDS[1]:
                break
        assert not far and counts["program"], (far, counts, used, rounds)

    def check_trace(self):
        """A trace has the timer interrupts that the kernel has counted, each with its CPU's timer, and their returns."""
        def count():
            return sum(self.value("hrtimer_cpu_base.nr_events hrtimer_bases", cpu) for cpu in (0, 1))

        timers = [self.value("tick_device.evtdev tick_cpu_device", cpu) for cpu in (0, 1)]
        before = count()
        stacks = [[frame["symbol"] for frame in stack["frames"]] for stack in self.json("guest-bt -json")]
        *events, _, summary = self.json("guest-trace -args -return -stack -json -seconds 2 -limit 1000000 hrtimer_interrupt")
        counted = count() - before
        calls = [event for event in events if event["event"] == "call"]
        returned = {event["call"] for event in events if event["event"] == "return"}
        # The CPUs of ppc64el go on from a state without timer interrupts.
        assert calls or self.guest.name == "ppc64el-sid"
        # An interrupt that began before the trace may be counted in it. A function whose frame is not made yet is not in the stack.
        names = {"hrtimer_interrupt", *(call["stack"][1]["symbol"] for call in calls)}
        begun = sum(not names.isdisjoint(stack) for stack in stacks)
        # A CPU that stops at the function's beginning has not counted the interrupt yet.
        assert len(returned) <= counted <= len(calls) + begun, (len(returned), counted, len(calls), begun, summary)
        assert len(calls) == summary["calls"] and len(calls) - len(returned) == summary["pending"] <= 2, summary
        assert summary["ended"] is None
        assert all(call["arguments"][0]["value"] == timers[call["cpu"]] for call in calls), (calls, timers)
        assert all(call["stack"][0]["symbol"] == "hrtimer_interrupt" and len(call["stack"]) >= 3 for call in calls), calls

    def value(self, words, cpu):
        """A member of a per-CPU variable."""
        value, = self.json(f"guest-struct {words} -cpu {cpu} -json")[0]["value"].values()
        return value


def check_i386_running(guest):
    """Holds a profile and a trace at the stub against what the guest does."""
    with StubSession(guest) as stub:
        stub.session.command(f"guest-kernel -vmlinux {guest.vmlinux}")
        stub.check_shares()
        trace = stub.json("guest-trace -stack -return -json -count 5 hrtimer_interrupt")
    calls = [event for event in trace if event.get("event") == "call"]
    assert len(calls) == 5 and all(call["stack"][0]["symbol"] == "hrtimer_interrupt" and len(call["stack"]) >= 3 for call in calls), trace


@pytest.mark.machines(*WITH_TASKS, "i386-6.1")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_stub(guest):
    """{guest}: at QEMU's gdbstub the kernel is found by the CPUs' registers or low memory; tasks, stacks and the log are the core's"""
    commands = [("klog", "-tail", "3")]
    commands += [("ps", "-user"), ("bt", "-all")] if guest.name in WITH_TASKS else [("regs",), ("x/4i", "schedule")]
    for command, part in zip(commands, ask_stub(guest, [f"guest-{' '.join(command)}" for command in commands])):
        assert part == guest.show(*command), command


@pytest.mark.expensive
@pytest.mark.machines("arm64-sid", "riscv64-sid", "s390x-sid", "ppc64el-sid")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_profile_and_trace(guest):
    """{guest}: at the stub a profile of the running guest has the shares of its tasks and of idle CPUs; a trace has each timer interrupt
    that the kernel counts, with its argument, stack and return"""
    with StubSession(guest) as stub:
        stub.check_shares()
        stub.check_trace()


def let_run(session):
    """The guest runs for a second."""
    session.start("continue")
    time.sleep(1)
    session.type("\x03")
    session.wait_prompt()


@pytest.mark.expensive
@pytest.mark.machines("s390x-sid")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_ipl(guest):
    """{guest}: in one session at the stub, from the kernel to the firmware and back, three times, each is shown as what it is"""
    with guest.record.resume(extra=["-gdb", "unix:gdbstub,server=on,wait=off"]) as running, \
            gdb.Session(gdb_path=MULTIARCH) as session:
        running.qmp("set-action", reboot="reset")
        session.command("set endian big")
        session.command(f"target remote {running.directory}/gdbstub")
        logs = []
        for _ in range(3):
            logs.append(session.command("guest-klog"))
            assert "Linux version" in logs[-1][0] and len(logs[-1]) > 20, logs[-1]
            session.command("monitor system_reset")
            # The firmware's first instruction; the memory of the kernel before is still there.
            assert any(re.search(r"kernel +none found", line) for line in session.command("guest-info"))
            assert "no kernel of Linux" in "".join(session.command("guest-klog"))
            deadline = time.monotonic() + gdb.PATIENCE
            while len(session.command("guest-klog")) <= 20:
                assert time.monotonic() < deadline
                let_run(session)
        assert len({tuple(log) for log in logs}) == 3


# Walks that GDB is asked for at a time.
MANY = 250


def check_walks(guest, limit=1000):
    """Holds words of the kernel's stacks and code against what QEMU's own walk leads to."""
    stacks = guest.json("bt", "-all")
    # QEMU's walk is a CPU's, and a program's tables may have nothing of the kernel's.
    if all(not stack["frames"] or is_at_entry(stack) for stack in stacks if stack["on_cpu"] is not None):
        return
    frames = [frame for stack in stacks for frame in stack["frames"]]
    # At the first instruction of an entry the stack is a program's.
    places = sorted({int(frame[key], 16) & ~7 for frame in frames for key in ("pc", "sp") if key == "pc" or frame["offset"]})
    addresses = [place + 8 * random.Random(place).randrange(4) for place in places]
    addresses += [address + 0x400 for address in addresses]
    # Programs' addresses are those that the hash MMU alone translates.
    if guest.name == "ppc64el-hash":
        addresses = [address for address in addresses if address >> 62]
    chosen = random.Random(1).sample(addresses, min(limit, len(addresses)))
    assert len(chosen) > limit // 4, len(chosen)
    asked = []
    for cpu in (1, 2):
        theirs = ask_stub(guest, [f"thread {cpu}", *(f"x/gx {address:#x}" for address in chosen)])[1:]
        words = [re.search(r"(0x[0-9a-f]{16})$", part.strip()) for part in theirs]
        asked = max(asked, [(address, int(word[1], 16)) for address, word in zip(chosen, words) if word], key=len)
    # Behind some stacks nothing is mapped.
    assert len(asked) > limit // 4, theirs
    ours = []
    # A busy machine takes some 0.3 s for a walk.
    for first in range(0, len(asked), MANY):
        ours += ask_stub(guest, [f"guest-x/gx {address:#x}" for address, _ in asked[first:first + MANY]])
    differing = [(hex(address), hex(word), part) for (address, word), part in zip(asked, ours) if f"0x{word:016x}" not in part]
    assert differing == []


@pytest.mark.expensive
@pytest.mark.machines(*WITH_TASKS)
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_walks(guest):
    """{guest}: words of the kernel's stacks and code, by 1,000 addresses (100 of Debian 13's), are those that QEMU's own walk leads to"""
    check_walks(guest, 100 if guest.name in TRIXIE else 1000)
