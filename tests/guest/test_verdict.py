# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-info's verdict on the guest's kernel, against what the guest and its console say of themselves."""

import json
import re
from pathlib import Path

import pytest

import gdb
import selection
from machines import lab
from proxy import Proxy
from test_guest_core import guest_core

MIB = 1 << 20
STUB = ["-gdb", "unix:gdbstub,server=on,wait=off"]
TROUBLES = "hung,warn,oom,oops"


def boot(folder, words, series="6.1", append="", extra=(), **options):
    return lab.Guest(kernel=Path(lab.lab("kernel", series)) / "vmlinuz", initrd=lab.lab("troubles", series), directory=folder,
                     append=f"printk.devkmsg=on lab.script=/troubles/script lab.troubles={words} {append}".strip(),
                     extra=[*STUB, *extra], **options)


def verdict(guest):
    """Returns guest-core's answers about the guest's process: the object, and the text from the state or the first trouble on."""
    text = guest_core("-p", guest.pid, "info")
    wide = [line for line in text.splitlines() if len(line) > 79 and not line.startswith("note:")]
    assert not wide, wide
    return json.loads(guest_core("-p", guest.pid, "info", "-json"))["guest"], text


def by_kind(shown):
    return {trouble["kind"]: trouble for trouble in shown["troubles"]}


def all_logged(guest, pattern):
    """The times and the texts of the console's lines with the pattern."""
    return re.findall(rf"\[ *([0-9.]+)\] ({pattern}.*?)\r?\n", guest.serial.read_text(errors="replace"))


def logged(guest, pattern):
    return all_logged(guest, pattern)[-1]


def line_of(trouble):
    """The trouble's line, as logged() has it."""
    seconds, rest = divmod(trouble["time_ns"], 10**9)
    return f"{seconds}.{rest // 1000:06d}", trouble["line"]


class Troubled:
    """A guest whose kernel has gone through troubles and goes on: what it says itself, and what is said of it."""

    def __init__(self, folder, series):
        with boot(folder, TROUBLES, series, "lab.truth=1", ["-serial", "file:truth"]) as guest:
            guest.stop()
            truth = (guest.directory / "truth").read_text()
            self.truth = dict(line.split(maxsplit=1) for line in truth.splitlines() if " " in line)
            self.hung_lines = len(all_logged(guest, PATTERNS["hung-task"]))
            self.lines = {kind: logged(guest, pattern) for kind, pattern in PATTERNS.items()}
            self.shown, self.text = verdict(guest)
            self.asleep = [json.loads(line) for line in guest_core("-p", guest.pid, "ps", "-threads", "-state", "D", "-json").splitlines()]
            with Proxy(guest.directory, "gdbstub") as proxy, gdb.Session() as session:
                session.command(f"target remote {proxy.address}")
                self.by_stub, self.bytes_read = {}, {}
                for command in ("guest-info", "guest-info -json", "guest-info -all -json"):
                    before = proxy.bytes_read
                    self.by_stub[command] = session.command(command)
                    self.bytes_read[command] = proxy.bytes_read - before


PATTERNS = {"oops": "BUG: kernel NULL pointer", "hung-task": r"INFO: task \S+ blocked for more", "oom-kill": "Out of memory: Kill",
            "warning": "WARNING: "}


@pytest.fixture(scope="module", params=selection.mostly_further(["6.1", "6.12", "sid"], ["6.1"]))
def troubled(request, top_folder):
    return Troubled(top_folder, request.param)


def test_troubles(troubled):
    """An oops, hung tasks, OOM kills and a warning are counted as the guest counts them, and each has its last line's time"""
    troubles = by_kind(troubled.shown)
    assert list(troubles) == ["oops", "hung-task", "oom-kill", "warning"] and troubled.shown["verdict"] == "oops"
    assert troubles["oops"]["count"] == int(troubled.truth["oopses"]) == 1
    assert troubles["warning"]["count"] == int(troubled.truth["warnings"]) == 1
    assert troubles["oom-kill"]["count"] == int(troubled.truth["oom_kill"]) == 2
    # The kernel may see the second of two tasks hung before the script lets it look no longer, or not.
    assert troubles["hung-task"]["lines"] == troubled.hung_lines in (1, 2)
    assert {kind: line_of(trouble) for kind, trouble in troubles.items()} == troubled.lines
    starts = [line[:10].strip() for line in troubled.text.splitlines() if line[:10].strip()]
    after = starts[starts.index("kernel") + 1:]
    assert after == ["OOPS", "HUNG TASK", "OOM KILL", "warning", "DEADLOCK", "state", "uptime", "load", "tasks", "taint"], troubled.text


def test_facts(troubled):
    """Uptime, date, load, CPUs, taint and the tasks' states are the guest's own, but for what changes with time"""
    shown, truth = troubled.shown, troubled.truth
    assert shown["phase"] == "running" and shown["cpus_online"] == int(truth["online"]) == 2
    # A busy host may let the guest wait for minutes between its words and the stop.
    assert -1 <= shown["uptime"] - float(truth["uptime"].split()[0]) < 600
    assert -1 <= shown["clock"] - int(truth["date"]) < 600
    assert abs(shown["load"][2] - float(truth["load"].split()[2])) <= 0.1
    assert shown["taint"] == int(truth["tainted"])
    letters = re.findall(r"Tainted: ([A-Z ]+?) +\d", troubled.lines["oops"][1])
    assert set(shown["taint_letters"]) == set("DWOE"), (shown, letters)
    states = dict(zip(truth["states"].split()[1::2], map(int, truth["states"].split()[::2])))
    # The two of the deadlock; another thread of the kernel's may wait for a moment.
    assert {"lab-two-0", "lab-two-1"} <= {task["comm"] for task in troubled.asleep} and all(task["kernel"] for task in troubled.asleep)
    assert shown["states"]["D"] == len(troubled.asleep) and states["D"] >= 2
    assert sum(shown["states"].values()) == shown["tasks"] and shown["tasks"] > 40
    # Tasks that run, sleep and are idle in turn, but for the programs that wrote the truth.
    assert abs(shown["tasks"] - sum(states.values())) <= 12


def test_stub(troubled):
    """At the gdbstub guest-info judges by the log, reads less than 1 MiB for that, and all of the rest with -all"""
    plain = json.loads(troubled.by_stub["guest-info -json"][0])["guest"]
    assert (plain["verdict"], plain["log_alone"], plain["tasks"], plain["taint"]) == ("oops", True, None, None)
    assert {kind: trouble["line"] for kind, trouble in by_kind(plain).items()} == \
        {kind: trouble["line"] for kind, trouble in by_kind(troubled.shown).items()}
    assert any(line.endswith("guest-info -all") for line in troubled.by_stub["guest-info"]), troubled.by_stub
    everything = json.loads(troubled.by_stub["guest-info -all -json"][0])["guest"]
    assert everything == troubled.shown
    assert troubled.bytes_read["guest-info -json"] < MIB, troubled.bytes_read
    assert troubled.bytes_read["guest-info -all -json"] < 12 * MIB, troubled.bytes_read


def test_panic(folder):
    """A kernel that panicked: the CPU and the task are those that its console names, the line is the panic's"""
    with lab.Guest(append="panic=0 sysrq_always_enabled lab.spin=2", directory=folder) as guest:
        guest.hmp("sendkey alt-sysrq-c")
        lab.wait_until(lambda: "---[ end Kernel panic" in guest.serial.read_text(errors="replace"), 60, "the panic")
        guest.stop()
        line = logged(guest, "Kernel panic - not syncing")
        said = re.search(r"CPU: (\d+) PID: (\d+) Comm: (\S+) ", logged(guest, "CPU: ")[1])
        shown, text = verdict(guest)
    assert shown["verdict"] == "panic" and line_of(by_kind(shown)["panic"]) == line, shown
    assert (shown["panic_cpu"], shown["panic_pid"], shown["panic_comm"]) == (int(said[1]), int(said[2]), said[3])
    assert f"\nPANIC     on CPU {said[1]}, in {said[3]} (pid {said[2]}), at {line[0]} s" in text, text
    assert shown["silent_cpus"] == [] and "\nstate" not in text, text


def flags(guest, cpu):
    text = guest.hmp("info registers -a").split(f"CPU#{cpu}")[1]
    return int(re.search(r"RFL=([0-9a-f]+)", text)[1], 16)


def stop_told(guest):
    """Stops the guest when its console has all of its log: a report that is being written is in the log first."""
    def is_told():
        guest.stop()
        if guest_core("-p", guest.pid, "klog", "-tail", "1").strip() in guest.serial.read_text(errors="replace"):
            return True
        guest.cont()
        return False

    lab.wait_until(is_told, 120, "a log that the console has")


def test_soft_lockup(folder):
    """A loop in the kernel is a soft lockup and an RCU stall by its log, and its CPU, which ticks, switches no tasks"""
    with boot(folder, "softlockup") as guest:
        stop_told(guest)
        line, stall = logged(guest, "watchdog: BUG: soft lockup"), logged(guest, r"rcu: INFO: rcu_\w+ .*detected stall")
        cpu = int(re.search(r"CPU#(\d+)", line[1])[1])
        shown, text = verdict(guest)
    troubles = by_kind(shown)
    assert (shown["verdict"], list(troubles)) == ("soft-lockup", ["soft-lockup", "rcu-stall"])
    assert (line_of(troubles["soft-lockup"]), line_of(troubles["rcu-stall"])) == (line, stall)
    assert (cpu, True) in [(silent["cpu"], silent["ticks"]) for silent in shown["silent_cpus"]], shown
    assert f"\nCPU {cpu}     no switch of tasks for " in text and "L" in shown["taint_letters"], text


def test_no_ticks(folder):
    """A CPU that loops with interrupts off is no lockup before the kernel says so: its timer does not tick, as observed"""
    def without_ticks(shown):
        return [silent["cpu"] for silent in shown["silent_cpus"] if not silent["ticks"]]

    def is_silent():
        # The guest stands still for no longer than that takes.
        return without_ticks(json.loads(guest_core("-p", guest.pid, "info", "-json"))["guest"])

    def stop_locked():
        # The other CPU may have them off for a moment.
        guest.stop()
        locked = [cpu for cpu in range(2) if not flags(guest, cpu) & 0x200]
        if len(locked) == 1:
            return locked
        guest.cont()
        return None

    with boot(folder, "hardlockup") as guest:
        lab.wait_until(is_silent, 120, "a silent CPU")
        locked = lab.wait_until(stop_locked, 60, "a stop with interrupts off on one CPU alone")
        shown, text = verdict(guest)
        log = guest_core("-p", guest.pid, "klog")
    assert without_ticks(shown) == locked, shown
    assert f"\nCPU {locked[0]}     no timer tick for " in text, text
    # The other CPU may have waited for this one for long, which the kernel calls a soft lockup.
    said = {kind for kind, words in (("hard-lockup", "hard LOCKUP"), ("soft-lockup", "BUG: soft lockup")) if words in log}
    assert {"hard-lockup", "soft-lockup"} & set(by_kind(shown)) == said, shown


def test_forged(folder):
    """A panic, an oops and a hung task that a program wrote into the log, and programs called like an oops, are no trouble"""
    with boot(folder, "forge", append="loglevel=3") as guest:
        guest.stop()
        log = guest_core("-p", guest.pid, "klog")
        shown, text = verdict(guest)
        with gdb.Session() as session:
            session.command(f"target remote {guest.directory}/gdbstub")
            by_log = json.loads(session.command("guest-info -json")[0])["guest"]
    assert re.search(r"\] Kernel panic - not syncing: a program wrote this\n", log), log
    assert re.search(r"\] INFO: task forged:1 blocked for more than", log), log
    assert (shown["verdict"], shown["troubles"], shown["silent_cpus"]) == ("running", [], [])
    assert (by_log["verdict"], by_log["troubles"], by_log["log_alone"]) == ("running", [], True)
    assert "\nstate     running; no panic, oops, lockup, hung task or OOM kill\n" in text, text


@pytest.mark.expensive
def test_rebooted(folder):
    """A guest that was started anew by its panic is running: the panic was the other kernel's"""
    with lab.Guest(append="sysrq_always_enabled", directory=folder) as guest:
        guest.qmp("set-action", reboot="reset")
        guest.hmp("sendkey alt-sysrq-c")
        lab.wait_until(lambda: guest.times_ready() > 1, 240, "the guest's second boot")
        guest.stop()
        assert "Kernel panic - not syncing: sysrq triggered crash" in guest.serial.read_text(errors="replace")
        shown, _ = verdict(guest)
    assert (shown["verdict"], shown["troubles"]) == ("running", [])
