# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-blocked, on guests in which it is known who waits for whom: lab/module/lab_waits.c has made it so."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import gdb
import patch
from machines import records

GUEST_CORE = Path(gdb.LAUNCHER).with_name("guest-core")

SERIES = ["6.1", "6.12", "sid"]
RT = "6.12-rt"
# The waiting task: the kind, the lock, what it wants it for, the holder, whether that is certain. A semaphore has its holder
# since Linux 6.16 only.
WAITS = {
    "lab-two-0": ("mutex", "lab_two", None, "lab-two-1", True),
    "lab-two-1": ("mutex", "lab_two", None, "lab-two-0", True),
    "lab-three-0": ("mutex", "lab_three", None, "lab-three-1", True),
    "lab-three-1": ("mutex", "lab_three", None, "lab-three-2", True),
    "lab-three-2": ("mutex", "lab_three", None, "lab-three-0", True),
    "lab-self": ("mutex", "lab_self_mutex", None, "lab-self", True),
    "lab-mutex-wait": ("mutex", "lab_mutex", None, "lab-mutex", True),
    "lab-chain-a": ("mutex", "lab_chain_b_mutex", None, "lab-chain-b", True),
    "lab-chain-b": ("mutex", "lab_chain_c_mutex", None, "lab-chain-c", True),
    "lab-write-r": ("rwsem", "lab_write_sem", "read", "lab-write", True),
    "lab-write-w": ("rwsem", "lab_write_sem", "write", "lab-write", True),
    "lab-read-w": ("rwsem", "lab_read_sem", "write", "lab-read", False),
    "lab-read-r": ("rwsem", "lab_read_sem", "read", "lab-read", False),
    "lab-rt-wait": ("rt_mutex", "lab_rt_mutex", None, "lab-rt", True),
    "lab-pcpu-r": ("percpu_rwsem", "lab_percpu_sem", "read", None, None),
    "lab-pcpur-w": ("percpu_rwsem", "lab_percpu_read_sem", "write", None, None),
    "lab-done": ("completion", "lab_completion", None, None, None),
    "lab-buffer": ("buffer", "lab_buffer", None, None, None),
}
# Linux with PREEMPT_RT: a mutex is an rt_mutex, the readers of a rwsem are not recorded. A task that takes its own mutex is not
# in the queue: Linux warns, and stops the task.
RT_WAITS = {name: ("rt_mutex", *wait[1:]) if wait[0] == "mutex" else wait for name, wait in WAITS.items()} | {
    "lab-self": ("rt_mutex", None, None, None, None),
    "lab-read-w": ("rwsem", "lab_read_sem", "write", None, None),
    "lab-read-r": ("rwsem", "lab_read_sem", "read", "lab-read-w", True),
}
HEALTHY = ["programs", "idle", "tasks-6.1", "kallsyms-sid"]


def blocked(core, *options, status=0):
    run = subprocess.run([GUEST_CORE, core, "blocked", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    assert run.returncode == status, run.stderr
    return run.stdout


def objects_of(text):
    return [json.loads(line) for line in text.splitlines()]


def is_kernel_by_pid(core):
    """Tells of each task whether it is the kernel's own, by its PID."""
    run = subprocess.run([GUEST_CORE, core, "ps", "-threads", "-json"], stdout=subprocess.PIPE, check=True, text=True)
    return {task["pid"]: task["kernel"] for task in objects_of(run.stdout)}


class Waits:
    def __init__(self, series, folder):
        self.is_rt = series == RT
        self.record = records.Opened(f"waits-{series}", folder)
        self.objects = objects_of(blocked(self.record.core, "-json"))
        self.shown = blocked(self.record.core)
        # A line alone has each task.
        self.text = re.sub(r"(?<=[,;])\n +", " ", self.shown)
        self.by_name = {}
        for task in self.objects:
            self.by_name.setdefault(task["comm"], []).append(task)


@pytest.fixture(scope="module", params=[*SERIES, pytest.param(RT, marks=pytest.mark.expensive)])
def waits(request, top_folder):
    folder = top_folder / f"waits-{request.param}"
    folder.mkdir()
    return Waits(request.param, folder)


def test_list(waits):
    """The blocked tasks are those that the guest's own kernel lists, by sysrq-w"""
    kernel = {(name, int(pid)) for name, pid in
              re.findall(r"task:(\S+)\s+state:D .*?pid:\s*(\d+)", waits.record.text("serial.log"))}
    assert len(kernel) > 25
    shown = {(task["comm"], task["pid"]) for task in waits.objects if task["state"] == "D"}
    # A thread of the kernel's may have waited for a moment, then or at the stop.
    is_kernel = is_kernel_by_pid(waits.record.core)
    assert not [(name, pid) for name, pid in shown ^ kernel if name.startswith("lab-") or not is_kernel.get(pid, True)]


def test_locks(waits):
    """Each waiting task has its lock, what it wants the lock for, and the lock's holder, if the lock records that"""
    for name, (kind, lock, mode, holder, certain) in (RT_WAITS if waits.is_rt else WAITS).items():
        for task in waits.by_name[name]:
            owner, symbol = task["owner"], task["symbol"]
            assert (task["kind"], symbol and symbol["name"], task["mode"]) == (kind, lock, mode)
            assert not symbol or symbol["module"] == "lab_waits"
            assert (owner and owner["comm"], owner and owner["certain"]) == (holder, certain), name
    assert len(waits.by_name["lab-mutex-wait"]) == 5
    assert waits.by_name["lab-mutex"][0]["behind"] == 5 and waits.by_name["lab-chain-c"][0]["behind"] == 2
    for name, state in (("lab-sem-wait", "D"), ("lab-sem-sleep", "S")):
        task, = waits.by_name[name]
        assert (task["kind"], task["symbol"]["name"], task["state"]) == ("semaphore", "lab_semaphore", state)
        assert task["owner"] is None or (task["owner"]["comm"], task["owner"]["certain"]) == ("lab-sem", False)


def test_gone(waits):
    """A holder that has ended is gone; a task that was started in its memory since is no certain holder"""
    task, = waits.by_name["lab-gone-wait"]
    assert task["symbol"]["name"] == "lab_gone_mutex"
    assert task["owner"]["gone"] or not task["owner"]["certain"]


def test_deadlocks(waits):
    """Tasks that wait for each other are a deadlock with all its members, and no other tasks are"""
    found = {frozenset(task["deadlock"]) for task in waits.objects if task["deadlock"]}
    circles = [["lab-two-0", "lab-two-1"], ["lab-three-0", "lab-three-1", "lab-three-2"], *([] if waits.is_rt else [["lab-self"]])]
    assert found == {frozenset(waits.by_name[name][0]["pid"] for name in circle) for circle in circles}
    assert waits.text.count("DEADLOCK") == len(circles)
    assert re.search(r"^DEADLOCK: 2 tasks wait for each other\n +\d+ D .* lab-two-0 .*\n +\d+ D .* lab-two-1 .*\n\n", waits.text, re.M)


def info_of(core):
    run = subprocess.run([GUEST_CORE, core, "info", "-json"], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)["guest"]


def test_verdict(waits):
    """guest-info's verdict is the deadlock; it counts the tasks in D for half of the kernel's own time, and longer"""
    shown = info_of(waits.record.core)
    assert shown["verdict"] == "deadlock"
    assert (shown["blocked"]["deadlocks"], shown["blocked"]["deadlocked"]) == ((2, 5) if waits.is_rt else (3, 6))
    run = subprocess.run([GUEST_CORE, waits.record.dump, "vtop", "sysctl_hung_task_timeout_secs", "-json"], stdout=subprocess.PIPE,
                         check=True)
    asleep = [task["asleep_ns"] // 10**9 for task in waits.objects if task["state"] == "D"]
    # Linux has 120 s; a slow machine's guest may have taken half of that to be recorded.
    assert shown["blocked"]["tasks"] == sum(seconds >= 60 for seconds in asleep)
    for least in {1, max(asleep), max(asleep) + 1}:
        with patch.Core(waits.record.dump, physical=True) as dump:
            dump.write(int(json.loads(run.stdout)["gpa"], 16), (2 * least).to_bytes(8, "little"))
        shown = info_of(waits.record.dump)["blocked"]
        assert shown["tasks"] == sum(seconds >= least for seconds in asleep)
        assert shown["longest"] == (max(asleep) if shown["tasks"] else 0)


def test_disk(waits):
    """Reads that never end have the name of their disk, by the page cache and past it"""
    cached, direct = waits.by_name["dd-cached"][0], waits.by_name["dd-direct"][0]
    assert (cached["kind"], cached["about"]) == ("page", "lock of the disk lab_never")
    assert (direct["kind"], direct["about"]) == ("bio", "the disk lab_never")
    assert waits.by_name["lab-page"][0]["about"] == "lock"


def test_mmap(waits):
    """A task that waits for another's mmap_lock, as ps may, is told whose it is"""
    task, = waits.by_name["lab-mmap-wait"]
    holder, = waits.by_name["lab-mmap"]
    assert (task["kind"], task["mode"], task["mmap_of"], task["owner"]["pid"]) == ("rwsem", "read", holder["pid"], holder["pid"])
    assert f" rwsem mmap_lock of {holder['pid']} " in waits.text


def test_tree(waits):
    """A chain is indented, each task below the task that it waits for"""
    lines = waits.text.splitlines()
    at = next(i for i, line in enumerate(lines) if " lab-chain-c " in line)
    indents = [len(line) - len(line.lstrip()) - 7 + len(line.split()[0]) for line in lines[at:at + 3]]
    assert [line.split()[4] for line in lines[at:at + 3]] == ["lab-chain-c", "lab-chain-b", "lab-chain-a"]
    assert indents == [0, 2, 4] and lines[at].endswith("; 2 tasks wait for it")


def test_width(waits):
    """A line that is wider than a terminal goes on below the task's name, where that is possible"""
    wide = [line for line in waits.shown.splitlines() if len(line) > 80]
    # The lock's name alone is too long.
    assert all(line.endswith((",", ";")) and "," not in line[:-1] for line in wide) and len(wide) < 5, wide
    assert all(line.startswith(" " * 23) for line in re.findall(r"[,;]\n(.*)", waits.shown))


def test_times(waits):
    """The times are since the tasks fell asleep: those that were started first sleep longest"""
    names = ["lab-two-0", "lab-chain-b", "lab-rt-wait", "dd-direct"]
    times = [waits.by_name[name][0]["asleep_ns"] for name in names]
    assert times == sorted(times, reverse=True) and 0 < times[-1] and times[0] < 300e9


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy(name, folder):
    """The record {name}: no deadlock in a guest that has none"""
    core = records.Opened(name, folder).core
    if name.startswith("tasks"):
        tasks = {task["comm"]: task for task in objects_of(blocked(core, "-json"))}
        assert not any(task["deadlock"] for task in tasks.values())
        assert (tasks["s-futex-pi"]["owner"]["comm"], tasks["s-vfork"]["owner"]["comm"]) == ("s-futex-owner", "s-vfork-child")
        assert tasks["s-posix-lock"]["owner"]["comm"] == "s-lock-owner"
    else:
        run = subprocess.run([GUEST_CORE, core, "ps", "-threads", "-state", "D", "-json"], stdout=subprocess.PIPE, text=True)
        # A thread of the kernel's may wait at this very moment.
        asleep = objects_of(run.stdout)
        assert all(task["kernel"] for task in asleep)
        if asleep:
            assert not any(task["deadlock"] for task in objects_of(blocked(core, "-json")))
        else:
            assert blocked(core, status=3) == blocked(core, "-json", status=3) == ""


@pytest.mark.gdb
def test_stub(folder):
    """At QEMU's gdbstub the answer is the core's"""
    record = records.Opened("waits-6.1", folder)
    with record.resume(extra=["-gdb", "unix:stub,server=on,wait=off"]) as guest:
        run = gdb.batch(commands=[f"target remote {guest.directory}/stub", "guest-blocked -json"])
    found = objects_of("\n".join(line for line in run.output.splitlines() if line.startswith("{")))
    assert found == objects_of(blocked(record.core, "-json"))
