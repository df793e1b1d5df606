# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-profile: samples of a guest that runs, against the guest's own counters; what the guest and GDB are left as."""

import json
import random
import re
import time

import pytest

import gdb
from living import Living
from machines import lab, records
from test_guest_core import FAILED, guest_core

pytestmark = pytest.mark.gdb

HZ = 250  # of the lab's kernel: CONFIG_HZ, by which jiffies count


class Busy(Living):
    """A guest of two CPUs with one task that never waits."""

    def __init__(self, way, folder):
        super().__init__(way, folder, append="lab.spin=1")

    def counters(self):
        """The jiffies, and the nanoseconds that each task has been on a CPU, as the guest counts them."""
        line = self.session.command("guest-x/1dg jiffies_64")[-1]
        tasks = self.json("guest-ps -threads -json")
        return int(line.split()[-1]), {task["pid"]: task["time_ns"] for task in tasks if task["pid"]}

    def check(self):
        """The guest stands still, and GDB knows its registers and threads: the session goes on."""
        super().check()
        if self.way == "process":
            return
        thread, pc = self.session.command("output $_thread")[-1], self.session.command("output/x $pc")[-1]
        shown = re.search(r"RIP=([0-9a-f]+)", self.guest.hmp("info registers -a").split(f"CPU#{int(thread) - 1}")[1])[1]
        assert int(pc, 16) == int(shown, 16)


@pytest.fixture
def busy(folder):
    with Busy("stub", folder) as busy:
        yield busy


def check_shares(before, after, rows):
    """The spinner's share, and that of idle CPUs, are the guest's own counters'; returns the profile."""
    (start, times), (end, times_after) = before, after
    seconds = (end - start) / HZ
    *rows, profile = rows
    used = {pid: time - times.get(pid, 0) for pid, time in times_after.items()}
    spinner = max(used, key=used.get)
    assert profile["samples"] == profile["idle"] + sum(row["samples"] for row in rows) == 2 * profile["rounds"] > 100
    share = sum(row["share"] for row in rows if row["pid"] == spinner)
    assert abs(share - used[spinner] / 1e9 / seconds / 2) < 0.03, (rows, profile, seconds)
    idle = 1 - sum(used.values()) / 1e9 / seconds / 2
    assert abs(profile["idle"] / profile["samples"] - idle) < 0.03, (idle, profile)
    assert not profile["interrupted"] and profile["ended"] is None
    return profile


def test_shares(busy, folder):
    """A task's share of the samples, and that of idle CPUs, are the guest's own counters' within 3 points; each file has all samples"""
    before = busy.counters()
    busy.session.command("thread 2")
    rows = busy.json(f"guest-profile -seconds 5 -json -stacks -top 1 -folded {folder}/folded -perf {folder}/perf")
    profile = check_shares(before, busy.counters(), rows)
    assert 0 < profile["stopped"] < 0.21 and profile["delay_ns"]
    folded = [line.rsplit(" ", 1) for line in (folder / "folded").read_text().splitlines()]
    assert sum(int(count) for _, count in folded) == profile["samples"] - profile["idle"]
    assert {stack.split(";")[0] for stack, _ in folded} == {row["comm"] for row in rows[:-1]}
    perf = (folder / "perf").read_text()
    assert len(re.findall(r"^\S+ +\d+ \[00[01]\] \d+\.\d{6}: 1 cpu-clock: \n(?:\t *[0-9a-f]+ \S+ \(\[\S+\]\)\n)+\n", perf,
                          re.MULTILINE)) == profile["samples"]
    assert "native_safe_halt+0x" in perf
    busy.check()
    assert busy.session.command("output $_thread") == ["2"]


@pytest.mark.attach
def test_process(folder):
    """Of a QEMU process, which nothing stops meanwhile, the shares are the guest's own counters' too, by GDB and by guest-core"""
    with Busy("process", folder) as busy:
        before = busy.counters()
        rows = busy.json("guest-profile -seconds 3 -json")
        profile = check_shares(before, busy.counters(), rows)
        assert profile["stopped"] == 0 and profile["delay_ns"] is None
        assert gdb.errors(busy.session.command("guest-profile -stacks"))[0].startswith("guest-profile: -stacks needs a guest that stops")
        busy.session.start("guest-profile -seconds 600")
        lab.wait_until(lambda: not busy.is_stopped(), 60, "a process that runs")
        busy.session.interrupt(typed=True)
        assert re.search(r"samples? of 2 CPUs in |Quit", busy.session.wait_prompt())
        assert busy.is_stopped() and busy.session.is_alive()
        busy.session.command("detach")
        *rows, profile = map(json.loads, guest_core("-p", busy.guest.pid, "profile", "-seconds", 2, "-json").splitlines())
        assert abs(profile["idle"] / profile["samples"] - 0.5) < 0.03, profile
        assert abs(sum(row["share"] for row in rows if row["mode"] == "user") - 0.5) < 0.05, rows
        assert not busy.is_stopped()
        busy.guest.stop()
        assert "QEMU has the guest paused" in guest_core("-p", busy.guest.pid, "profile", status=FAILED)


def test_ended(busy):
    """Ctrl-C at ten moments ends it with the samples so far, and GDB's session goes on; QEMU's end is an error"""
    for moment in range(10):
        busy.session.start("guest-profile -seconds 600 -hz 50")
        # No condition stands for these.
        time.sleep(random.Random(moment).random() * 0.6)
        busy.session.interrupt(typed=moment % 2)
        text = busy.session.wait_prompt()
        assert re.search(r"\d+ samples? of 2 CPUs in |Quit", text), text
        busy.session.settle()
        busy.check()
    address = re.search("0x[0-9a-f]+", busy.session.command("guest-x scheduler_tick 1a")[0])[0]
    busy.session.command(f"hbreak *{address}")
    assert not gdb.errors(busy.session.command("guest-profile -seconds 1 -cpu 1"))
    assert "Breakpoint 1, " in " ".join(busy.session.command("continue"))
    busy.session.start("guest-profile -seconds 600")
    lab.wait_until(lambda: not busy.is_stopped(), 60, "a guest that runs")
    busy.guest.process.kill()
    assert re.search(r"guest-profile: .*(has closed the connection|Target disconnected)", busy.session.wait_prompt())
    assert busy.session.is_alive()


@pytest.mark.attach
@pytest.mark.expensive
@pytest.mark.parametrize("name", ["arm64-sid", "riscv64-sid", "ppc64el-sid"])
def test_process_of_other_architecture(name, folder):
    """Of a process with a guest of another architecture, one task that never waits has half of the time of two CPUs, idle the rest"""
    with records.Opened(name, folder).resume() as guest:
        guest.qmp("cont")
        guest.wait_for_execution()
        *rows, profile = map(json.loads, guest_core("-p", guest.pid, "profile", "-seconds", 2, "-json").splitlines())
        assert abs(profile["idle"] / profile["samples"] - 0.5) < 0.1, profile
        assert abs(sum(row["share"] for row in rows if row["mode"] == "user") - 0.5) < 0.1, rows
