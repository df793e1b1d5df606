# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-ps, against the guest's own /proc, with the tasks of lab/sleepers.c."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import registers
import selection
from machines import records
from test_guest_core import GUEST_CORE, guest_core

SERIES = ["6.1", "6.12", "sid"]
PAGE = 4096
# proc_pid_stat(5): the flags of a task have this where the task is the kernel's own.
PF_KTHREAD = 0x00200000
CLOCK_TICK_NS = 10_000_000
# The tasks of lab/sleepers.c that are woken when the truth is written.
WORKERS = (b"s-busy-user", b"s-busy-kernel", b"s-runnable")


class Task:
    """A task, as /proc shows it."""

    def __init__(self, texts, pid, tid):
        self.texts, self.pid, self.tid = texts, pid, tid
        self.folder = f"/proc/{pid}/task/{tid}/"
        tail = texts[self.folder + "stat"].rpartition(b")")[2]
        self.name = texts[self.folder + "comm"][:-1]
        # The third field and those behind.
        self.fields = tail.decode().split()
        self.state, self.ppid, self.session = self.fields[0], int(self.fields[1]), int(self.fields[3])
        self.is_kernel = bool(int(self.fields[6]) & PF_KTHREAD)
        self.start_ns = int(self.fields[19]) * CLOCK_TICK_NS
        self.vsz, self.cpu = int(self.fields[20]), int(self.fields[36])
        self.time_ns = int(texts[self.folder + "schedstat"].split()[0])
        self.threads = int(self.status("Threads") or 0)

    def __repr__(self):
        return f"{self.tid} ({self.name.decode(errors='replace')}) {self.state}"

    def status(self, name):
        match = re.search(rf"^{name}:\s*(.*)$".encode(), self.texts[self.folder + "status"], re.MULTILINE)
        return match and match[1].decode()

    def kib(self, name):
        text = self.status(name)
        return text and int(text.split()[0]) * 1024


def tasks_of(texts):
    """The tasks in a truth, but for those that began or ended while the truth was written."""
    found = [re.match(r"(/proc/(\d+)/task/(\d+)/)schedstat$", path) for path in texts]
    return [Task(texts, int(match[2]), int(match[3])) for match in found if match and match[1] + "syscall" in texts]


class Sleepers:
    """A record of a guest with lab/sleepers.c: the tasks by /proc, and the rows of guest-ps by TID."""

    def __init__(self, name, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.record = records.Opened(name, self.folder)
        self.texts = records.truth.parse(self.record.bytes("truth"))
        self.tasks = {task.tid: task for task in tasks_of(self.texts)}
        self.rows = {row["pid"]: row for row in self.json("ps", "-threads", "-json") if row["pid"]}
        # A task that has run since has used time, which is not counted yet where it runs. A worker, and a thread of the kernel's,
        # may have been woken since, and wait for a CPU.
        self.unchanged = [task for tid, task in self.tasks.items()
                          if tid in self.rows and self.rows[tid]["time_ns"] == task.time_ns and not self.rows[tid]["running"]
                          and task.name not in WORKERS and not (task.is_kernel and self.rows[tid]["state"] == "R")]
        main, = [task for task in self.tasks.values() if task.name == b"sleepers" and task.ppid != 2]
        self.asleep = [task for task in self.tasks.values() if task.session == main.tid and task.tid != main.tid
                       and task.name not in WORKERS]
        self.main = main

    def show(self, *arguments):
        return guest_core("-qemu", self.record.qemu, self.record.core, *arguments)

    def json(self, *arguments):
        return [json.loads(line) for line in self.show(*arguments).splitlines() if line.startswith("{")]

    def named(self, name):
        task, = [task for task in self.tasks.values() if task.name == name.encode()]
        return task

    def begin(self):
        """The scheduler's clock when the truth began, in nanoseconds."""
        return int(re.search(rb"log \d+,\d+,(\d+),", self.texts["begin"])[1]) * 1000


def fixture_of(prefix, cheap, every=SERIES):
    """A fixture for the records of that prefix, one of each series."""
    @pytest.fixture(scope="session", params=selection.mostly_further(every, cheap), name=prefix)
    def fixture(request, background, top_folder):
        for series in selection.wanted(request, prefix):
            background.start((prefix, series), Sleepers, f"{prefix}-{series}", top_folder)
        result = background.start((prefix, request.param), Sleepers).result()
        yield result
        shutil.rmtree(result.folder, ignore_errors=True)

    return fixture


tasks = fixture_of("tasks", ["6.1", "6.12"])


def text_of(name):
    """A name as guest-ps -json has it."""
    return name.decode(errors="surrogateescape")


def differing(tasks, value_of_row, value_of_task, among=None):
    """The tasks of which guest-ps shows another value than /proc."""
    return [(task, value_of_row(tasks.rows[task.tid]), value_of_task(task)) for task in among or tasks.unchanged
            if value_of_row(tasks.rows[task.tid]) != value_of_task(task)]


def test_time(tasks):
    """{tasks}: TIME of all tasks that sleep is /proc's to the nanosecond, of 100 tasks of programs and most of the kernel's"""
    assert len(tasks.asleep) >= 100
    assert {task.tid for task in tasks.asleep} <= {task.tid for task in tasks.unchanged}
    kernels = [task for task in tasks.tasks.values() if task.is_kernel]
    assert sum(task.is_kernel for task in tasks.unchanged) > len(kernels) / 2


def test_complete(tasks):
    """{tasks}: each task of /proc is listed once, threads under their process; no other task but those that began later"""
    rows = [row for row in tasks.json("ps", "-threads", "-json") if row["pid"]]
    listed = [(row["tgid"], row["pid"]) for row in rows]
    assert len(set(listed)) == len(listed)
    # The shell of lab.script, and what it waits with, are gone when the guest is ready.
    gone = {task.tid for task in tasks.tasks.values() if task.name in (b"sh", b"gzip", b"usleep")}
    assert {(task.pid, task.tid) for task in tasks.tasks.values() if task.tid not in gone and not task.is_kernel} <= set(listed)
    assert {task.tid for task in tasks.asleep} <= {row["pid"] for row in rows}
    for row in rows:
        assert row["pid"] in tasks.tasks or row["start_ns"] > tasks.begin() - CLOCK_TICK_NS, row
    leaders = [row["pid"] for row in tasks.json("ps", "-json") if row["pid"]]
    assert leaders == [row["pid"] for row in rows if row["pid"] == row["tgid"]]


def test_state(tasks):
    """{tasks}: the state of each task that has not run since is /proc's: S, D, T, t, Z, I"""
    assert not differing(tasks, lambda row: row["state"], lambda task: task.state)
    assert {task.state for task in tasks.unchanged} >= set("SDTtZI")


def test_parent(tasks):
    """{tasks}: the parent of each task is /proc's; the child of a process that ended has its new parent"""
    shell = {task.tid for task in tasks.tasks.values() if task.name == b"sh"}
    assert not differing(tasks, lambda row: row["ppid"], lambda task: 1 if task.ppid in shell else task.ppid)


def test_name(tasks):
    """{tasks}: the name of each task is /proc's, of whatever bytes; of a kernel's thread whose name /proc cuts, all of it"""
    shown = {task: tasks.rows[task.tid]["comm"] for task in tasks.unchanged}
    wrong = [(task, shown[task]) for task in tasks.unchanged if shown[task] != text_of(task.name)]
    assert not [(task, name) for task, name in wrong
                if not (task.is_kernel and len(task.name) == 15 and name.startswith(text_of(task.name)))]
    assert {b"", b"a) R 1 (b", b"\xff\xfe\xc3(\xed\xa0\x80\xc2\x9bm"} <= {task.name for task in tasks.unchanged}


def test_memory(tasks):
    """{tasks}: RSS, size and swap of each process are /proc's to the byte: files, anonymous and shared memory"""
    for key, name in (("rss", "VmRSS"), ("vsz", "VmSize"), ("swap", "VmSwap")):
        assert not differing(tasks, lambda row: row[key], lambda task: task.kib(name)), key
    memory = tasks.named("s-memory")
    assert tasks.rows[memory.tid]["rss"] > 6 << 20
    # Linux 6.1 counts a task's pages 64 at a time.
    for name, size in (("RssAnon", 3), ("RssFile", 1), ("RssShmem", 2)):
        assert memory.kib(name) > (size << 20) - 64 * PAGE, name


def arguments_of(task):
    """The arguments in /proc/PID/cmdline; of a title that a process has written over them, the words up to its end."""
    text = task.texts[f"/proc/{task.pid}/cmdline"]
    return [text_of(word) for word in text.removesuffix(b"\0").split(b"\0")] if text else []


def test_arguments(tasks):
    """{tasks}: the arguments of each process are /proc's: empty ones, of odd bytes, of several pages, titles written over them"""
    shown = {row["pid"]: row for row in tasks.json("ps", "-json", "-args", "-paths", "-user")}
    processes = [task for task in tasks.unchanged if task.tid in shown and task.state != "Z"]
    assert len(processes) > 90
    assert not [(task, shown[task.tid]["args"], arguments_of(task)) for task in processes
                if shown[task.tid]["args"] != arguments_of(task)]
    for name in ("s-title", "s-short-title", "s-odd-arguments", "s-long-argument"):
        assert tasks.named(name) in processes


def test_paths(tasks):
    """{tasks}: program and working directory are /proc's: deleted, in a chroot, over mounts, in a mount that is gone"""
    shown = {row["pid"]: row for row in tasks.json("ps", "-json", "-args", "-paths", "-user")}
    processes = [task for task in tasks.unchanged if task.tid in shown and task.state != "Z"]
    for key in ("exe", "cwd"):
        truth = {task: text_of(tasks.texts[f"/proc/{task.pid}/{key}"]) for task in processes}
        assert not [(task, shown[task.tid][key], truth[task]) for task in processes if shown[task.tid][key] != truth[task]], key
    assert {shown[tasks.named(name).tid]["cwd"] for name in ("s-cwd-deleted", "s-cwd-bind", "s-chroot")} == {
        "/tmpfs/gone (deleted)", "/bind/inner", "/tmpfs/jail/cell"}
    assert shown[tasks.named("s-deleted").tid]["exe"] == "/tmpfs/deleted (deleted)"


def test_kernel(tasks):
    """{tasks}: the kernel's own tasks are those that /proc flags so; a thread of io_uring's is its process's"""
    assert not differing(tasks, lambda row: row["kernel"], lambda task: task.is_kernel)
    assert any(task.name.startswith(b"iou-") and not task.is_kernel for task in tasks.unchanged)


def test_start(tasks):
    """{tasks}: the time at which each task began, and the CPU that it was on, are /proc's"""
    assert not differing(tasks, lambda row: row["start_ns"] // CLOCK_TICK_NS, lambda task: task.start_ns // CLOCK_TICK_NS)
    assert not differing(tasks, lambda row: row["cpu"], lambda task: task.cpu)


def test_since(tasks):
    """{tasks}: of a task that has slept since before the truth, SINCE goes back to before the truth"""
    newest = min(row["since_ns"] for row in tasks.rows.values() if row["since_ns"] is not None)
    asleep = min(tasks.rows[task.tid]["since_ns"] for task in tasks.asleep if tasks.rows[task.tid]["since_ns"] is not None)
    begin = re.search(rb"monotonic (\d+)\.(\d+)", tasks.texts["begin"])
    end = re.search(rb"monotonic (\d+)\.(\d+)", tasks.texts["end"])
    seconds = [int(match[1]) + int(match[2]) / 1e9 for match in (begin, end)]
    assert asleep - newest > (seconds[1] - seconds[0]) * 1e9


def test_running(tasks):
    """{tasks}: the tasks on the CPUs are marked: the program that never sleeps on the first, which executes a program"""
    cpus = registers.by_name(tasks.record.text("registers"))
    running = {row["cpu"]: row for row in tasks.rows.values() if row["running"]}
    assert sorted(running) == [0, 1]
    # What is in the kernel may be about to sleep.
    assert all(row["state"] == "R" or cpus[cpu]["CPL"] == 0 and row["comm"] != "s-busy-kernel" for cpu, row in running.items())
    assert running[0]["comm"] in ("s-busy-user", "s-runnable") and cpus[0]["CPL"] == 3
    # The busy task of the second CPU is in the kernel for most of the time, and a kernel thread may have taken its place.
    assert not running[1]["kernel"] or cpus[1]["CPL"] == 0
    text = tasks.show("ps", "-threads")
    assert sorted(int(line[1:9]) for line in text.splitlines() if line.startswith(">")) == sorted(
        row["tgid"] for row in running.values())


def test_state_option(tasks):
    """{tasks}: -state D lists the tasks in D, of programs and the kernel's, and -state DTZ those in three states"""
    for letters in ("D", "DTZ"):
        shown = {row["pid"] for row in tasks.json("ps", "-threads", "-json", "-state", letters)}
        assert shown >= {task.tid for task in tasks.asleep if task.state in letters}
        assert shown == {row["pid"] for row in tasks.rows.values() if row["state"] in letters}


def test_terminal(tasks):
    """{tasks}: a name in UTF-8 is shown as it is where the terminal shows UTF-8; in escapes elsewhere, as other bytes always are"""
    def shown(locale):
        run = subprocess.run([GUEST_CORE, "-qemu", tasks.record.qemu, tasks.record.core, "ps"], stdout=subprocess.PIPE, check=True,
                             env=dict(os.environ, LC_ALL=locale))
        return {int(line[1:8]): line for line in run.stdout.splitlines()[1:]}

    plain, utf8 = shown("C"), shown("C.UTF-8")
    names = {task.pid: task.name for task in tasks.asleep if any(byte >= 0x80 for byte in task.name)}
    text = [pid for pid, name in names.items() if name.decode(errors="ignore").encode() == name]
    assert text and len(text) < len(names)
    for pid, name in names.items():
        escaped = "".join(chr(byte) if 0x20 <= byte < 0x7f else f"\\x{byte:02x}" for byte in name).encode()
        assert plain[pid].endswith(b" " + escaped)
        assert utf8[pid].endswith(b" " + (name if pid in text else escaped))
