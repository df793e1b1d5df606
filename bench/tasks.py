#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long guest-ps and guest-bt -all take on 1,000 tasks, and how much memory, against drgn with the kernel's debuginfo.

In:  a guest with 1,000 processes (--tasks), its QEMU's core, and a vmcore of the same stop by gdb-guest.
Out: seconds and MiB above GDB's start, for each source and front end; the ratios to drgn's time, start included. Only the ratios
     mean something elsewhere. drgn's script prints the columns of guest-ps; drgn 0.0.22 goes on behind a system call, up to 1,024
     frames a task. With --stub: the same commands at the guest's gdbstub, above GDB's start and connection; and no drgn.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "lab"))
import guest as lab  # noqa: E402

COMMANDS = {"guest-ps": "ps", "guest-ps -args": "ps -args", "guest-bt -all": "bt -all"}

# For 6.1, the guest's kernel: the counters of RSS are in the mm_struct.
DRGN = """
import sys
import drgn
from drgn.helpers.linux.mm import cmdline
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.sched import task_cpu, task_state_to_char
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])

def rss(task):
    if not task.mm:
        return 0
    counts = task.mm.rss_stat.count
    return sum(max(counts[i].counter.value_(), 0) for i in (0, 1, 3)) * 4

def arguments(task):
    try:
        return b" ".join(cmdline(task)) if task.mm else b""
    except drgn.FaultError:
        return b"?"

def row(task):
    cpu = task_cpu(task)
    queue = per_cpu(program["runqueues"], cpu)
    since = queue.clock - task.sched_info.last_arrival
    is_current = queue.curr.value_() == task.value_()
    command = arguments(task) if sys.argv[3] == "guest-ps -args" else b""
    return (">" if is_current else " ", task.pid.value_(), task.real_parent.tgid.value_(), cpu, task_state_to_char(task),
            rss(task), task.se.sum_exec_runtime.value_() / 1e9, since.value_() / 1e9, command or task.comm.string_())

for task in for_each_task(program):
    if sys.argv[3] == "guest-bt -all":
        try:
            print(task.pid.value_(), task_state_to_char(task), task.comm.string_(), program.stack_trace(task))
        except ValueError:
            print(task.pid.value_(), "runs")
    elif task.pid.value_() == task.tgid.value_():
        print(*row(task))
"""


def run(words):
    """The seconds that a program takes, those of them on a CPU, its peak memory in MiB, and the lines that it prints."""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if status:
            sys.exit(f"{' '.join(map(str, words))} failed")
        out.seek(0)
        return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, sum(1 for _ in out)


def median(words, repeat):
    runs = [run(words) for _ in range(repeat)]
    return [statistics.median(values) for values in zip(*runs)]


def print_row(name, measured, start, reference):
    seconds, cpu, memory, lines = measured
    print(f"{name:34} {seconds:6.2f} s, {seconds - start[0]:5.2f} above (CPU {cpu - start[1]:5.2f})  {memory:4.0f} MiB, "
          f"{memory - start[2]:3.0f} above  {reference / seconds:5.1f} times faster than drgn  {lines:.0f} lines")


def at_stub(arguments):
    """The commands at the gdbstub, each by a GDB of its own, so that each finds the kernel and its types anew."""
    with tempfile.TemporaryDirectory(prefix="gdb-guest-bench-") as folder, lab.Guest(
            append=f"lab.procs={arguments.tasks}", directory=Path(folder), memory=512,
            extra=["-gdb", "unix:gdbstub,server=on,wait=off"]) as guest:
        guest.stop()
        words = [arguments.gdb_guest, "-nx", "-batch", "-ex", f"target remote {guest.directory}/gdbstub"]
        start = median([*words, "-ex", "disconnect"], arguments.repeat)
        for command in COMMANDS:
            seconds, cpu, memory, lines = median([*words, "-ex", command, "-ex", "disconnect"], arguments.repeat)
            print(f"{command + ', stub':34} {seconds:6.2f} s, {seconds - start[0]:5.2f} above (CPU {cpu - start[1]:5.2f})  "
                  f"{memory:4.0f} MiB, {memory - start[2]:3.0f} above  {lines:.0f} lines")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--gdb-guest", default=str(TOP / "gdb-guest"), help="the launcher (%(default)s)")
    parser.add_argument("--tasks", type=int, default=1000, help="processes in the guest (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the median counts (%(default)s)")
    parser.add_argument("--stub", action="store_true", help="at the gdbstub alone")
    arguments = parser.parse_args()
    if arguments.stub:
        at_stub(arguments)
        return
    launcher = arguments.gdb_guest
    guest_core = Path(launcher).with_name("guest-core")
    with tempfile.TemporaryDirectory(prefix="gdb-guest-bench-") as folder:
        core, vmcore = Path(folder) / "core", Path(folder) / "vmcore"
        with lab.Guest(append=f"lab.procs={arguments.tasks}", directory=Path(folder), memory=512) as guest:
            qemu = guest.qemu
            guest.stop()
            guest.core(core)
        subprocess.run([guest_core, core, "dump", vmcore], check=True, capture_output=True)
        at_core, at_vmcore = [launcher, "-nx", "-batch", qemu, core], [launcher, "-nx", "-batch", "-ex", f"guest-select -file {vmcore}"]
        starts = {"core": median(at_core, arguments.repeat), "vmcore": median([launcher, "-nx", "-batch"], arguments.repeat)}
        for command, of_core in COMMANDS.items():
            theirs = median(["/usr/bin/python3", "-c", DRGN, vmcore, lab.lab("vmlinux"), command], arguments.repeat)
            print(f"\n{command}, drgn on the vmcore: {theirs[0]:.2f} s (CPU {theirs[1]:.2f}), {theirs[2]:.0f} MiB, "
                  f"{theirs[3]:.0f} lines")
            for name, words, start in (
                    ("core in GDB", [*at_core, "-ex", command], starts["core"]),
                    ("vmcore in GDB", [*at_vmcore, "-ex", command], starts["vmcore"]),
                    ("core by guest-core", [guest_core, core, *of_core.split()], (0, 0, 0)),
                    ("vmcore by guest-core", [guest_core, vmcore, *of_core.split()], (0, 0, 0))):
                print_row(f"{command}, {name}", median(words, arguments.repeat), start, theirs[0])


if __name__ == "__main__":
    main()
