#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long dump-guest-memory takes, against its peers, in one run on one machine.

In:  a guest of 1 GiB with about half of its pages in use; its QEMU's core, on a RAM-backed file system and on the disk.
     The process of one with 4 GiB, all of which QEMU has read before.
     For the first command of a session, both kinds of core, the kernel's and GDB's gcore, of a QEMU with debuginfo and of
     Debian's stripped QEMU, in RAM.
Out: tables of times and ratios. Only the ratios mean something elsewhere.

A GDB has to start and read symbols before any command; the table has the times with that and without.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "lab"))
import guest as lab  # noqa: E402

MEMORY, FILL = 1024, 420  # MiB; what the kernel itself uses comes on top
PROCESS_MEMORY = 4096
OURS, SCRIPT = "dump-guest-memory", "QEMU's script"


def timed(command, repeat, before=None, **options):
    """The median time of a command that must succeed."""
    times = []
    for _ in range(repeat):
        if before:
            before()
        start = time.monotonic()
        subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        times.append(time.monotonic() - start)
    return statistics.median(times)


class Place:
    """A folder on one kind of storage, with the core in it."""

    def __init__(self, name, folder, core, arguments):
        self.name, self.folder, self.repeat = name, folder, arguments.repeat
        self.core, self.qemu, self.launcher = core, lab.lab("qemu"), arguments.gdb_guest
        self.out = folder / "vmcore"
        self.same = folder / "same-bytes"

    def remove_out(self):
        self.out.unlink(missing_ok=True)

    def time(self, command, **options):
        seconds = timed(command, self.repeat, before=self.remove_out, **options)
        self.remove_out()
        return seconds

    def ours(self, options=""):
        return self.time([self.launcher, "-nx", "-batch", self.qemu, self.core,
                          "-ex", f"dump-guest-memory {options} {self.out}"])

    def ours_plain(self):
        """Through a FIFO, which takes every byte."""
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        seconds = self.time(["sh", "-c", 'cat "$0" >"$1" & "$2" -nx -batch "$3" "$4" -ex "dump-guest-memory $0"; wait',
                             fifo, self.out, self.launcher, self.qemu, self.core])
        fifo.unlink()
        return seconds

    def script(self):
        return self.time(["/usr/bin/gdb", "-nx", "-batch", self.qemu, self.core, "-ex", f"source {lab.lab('qemu-script')}",
                          "-ex", f"dump-guest-memory {self.out} X86_64"])

    def start(self, gdb):
        return self.time([gdb, "-nx", "-batch", self.qemu, self.core])

    def copy(self, sparse):
        return self.time(["cp", f"--sparse={sparse}", self.same, self.out])

    def rows(self):
        """(name, time, the part of it that is GDB's start)"""
        self.ours()
        subprocess.run([self.launcher, "-nx", "-batch", self.qemu, self.core, "-ex", f"dump-guest-memory {self.same}"],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True)
        our_start, script_start = self.start(self.launcher), self.start("/usr/bin/gdb")
        return [
            (OURS, self.ours(), our_start),
            ("dump-guest-memory, to a FIFO", self.ours_plain(), our_start),
            ("dump-guest-memory -via gdb", self.ours("-via gdb"), our_start),
            (SCRIPT, self.script(), script_start),
            ("guest-klog", self.time([self.launcher, "-nx", "-batch", self.qemu, self.core, "-ex", "guest-klog"]),
             our_start),
            ("cp --sparse=always", self.copy("always"), 0),
            ("cp --sparse=never", self.copy("never"), 0),
        ]


def print_table(place, rows):
    base = next(seconds for name, seconds, _ in rows if name == "cp --sparse=always")
    print(f"\n{place.name}: {place.folder}")
    print(f"{'':32}{'with GDB':>10}{'/ cp':>8}{'without':>10}{'/ cp':>8}")
    for name, seconds, start in rows:
        work = seconds - start
        print(f"{name:32}{seconds:9.2f}s{seconds / base:8.2f}{work:9.2f}s{work / base:8.2f}")
    work = {name: seconds - start for name, seconds, start in rows}
    print(f"{SCRIPT} takes {work[SCRIPT] / work[OURS]:.1f} times as long as {OURS}, without GDB's start")


def print_process(folder, arguments):
    """A dump from the process beside QEMU's own, which writes each of its zeros."""
    ours, theirs = folder / "vmcore", folder / "own"
    with lab.Guest(memory=PROCESS_MEMORY, append=f"lab.fill={FILL}", directory=folder) as guest:
        guest.stop()

        def dump():
            theirs.unlink(missing_ok=True)
            begin = time.monotonic()
            guest.qmp("dump-guest-memory", paging=False, protocol=f"file:{theirs}")
            return time.monotonic() - begin

        own = statistics.median(dump() for _ in range(arguments.repeat))
        theirs.unlink()
        attached = [arguments.gdb_guest, "-nx", "-batch", "-p", guest.pid]
        start = timed(attached, arguments.repeat)
        work = timed([*attached, "-ex", f"dump-guest-memory -force {ours}"], arguments.repeat) - start
    print(f"\nthe process of a guest of {PROCESS_MEMORY} MiB: {OURS} {work:.2f} s without GDB's start, QEMU's own {own:.2f} s: "
          f"{work / own:.2f}")


def smallest(command, repeat, out):
    """The smallest time of a command that writes OUT, or nothing."""
    times = []
    for _ in range(repeat):
        times.append(timed(command, 1, before=lambda: out.unlink(missing_ok=True)))
    out.unlink(missing_ok=True)
    return min(times)


def first_command(launcher, qemu, core, repeat):
    """cp's times of the vmcore and of the core, and that of a session's first dump without GDB's start."""
    same, out = core.with_name("same"), core.with_name("out")
    session = [launcher, "-nx", "-batch", qemu, core]
    smallest([*session, "-ex", f"dump-guest-memory -force {same}"], 1, out)
    copies = [smallest(["cp", "--sparse=always", file, out], repeat, out) for file in (same, core)]
    start = smallest(session, repeat, out)
    dump = smallest([*session, "-ex", f"dump-guest-memory {out}"], repeat, out)
    same.unlink()
    return copies, dump - start


def take_both_cores(folder, qemu):
    """gcore's core of a QEMU, and the kernel's."""
    with lab.Guest(qemu=qemu, memory=MEMORY, append=f"lab.fill={FILL}", directory=folder) as guest:
        guest.stop()
        subprocess.run(["/usr/bin/gdb", "-nx", "-batch", "-p", str(guest.pid), "-ex", f"generate-core-file {folder / 'gcore'}"],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True)
        return guest.qemu, folder / "gcore", guest.core(folder / "core")


def print_first_commands(folder, arguments):
    """Beside cp of the vmcore, whose zeros are holes already, and cp of the core, whose zeros gcore writes."""
    print(f"\nthe first command of a session, in RAM, without GDB's start; the smallest of {arguments.repeat}\n"
          f"{'':32}{OURS:>18}{'cp vmcore':>11}{'ratio':>7}{'cp core':>11}{'ratio':>7}")
    for name, wanted in (("debuginfo", None), ("stripped", lab.lab("qemu-suite", "bookworm"))):
        qemu, *cores = take_both_cores(folder, wanted)
        for core, kind in zip(cores, ("gcore", "the kernel's core")):
            copies, dump = first_command(arguments.gdb_guest, qemu, core, arguments.repeat)
            ratios = "".join(f"{copy:10.2f}s{dump / copy:7.2f}" for copy in copies)
            print(f"{f'{kind}, {name}':32}{dump:17.2f}s{ratios}", flush=True)
            core.unlink()


def take_core(folder):
    with lab.Guest(memory=MEMORY, append=f"lab.fill={FILL}", directory=folder) as guest:
        guest.stop()
        return guest.core(folder / "core")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--gdb-guest", default=str(TOP / "gdb-guest"), help="the launcher (%(default)s)")
    parser.add_argument("--ram", default="/dev/shm", help="a folder on a RAM-backed file system (%(default)s)")
    parser.add_argument("--disk", default=tempfile.gettempdir(), help="a folder on a disk (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the median counts (%(default)s)")
    parser.add_argument("--first", action="store_true", help="only the first command of a session")
    arguments = parser.parse_args()
    if arguments.first:
        with tempfile.TemporaryDirectory(dir=arguments.ram) as folder:
            print_first_commands(Path(folder), arguments)
        return
    lab.lab("qemu-script")
    print(f"a guest of {MEMORY} MiB, {FILL} MiB of them filled; the median of {arguments.repeat}")
    for name, parent in (("RAM", arguments.ram), ("disk", arguments.disk)):
        folder = Path(tempfile.mkdtemp(prefix="gdb-guest-bench-", dir=parent))
        try:
            place = Place(name, folder, take_core(folder), arguments)
            print_table(place, place.rows())
            place.core.unlink()
            print_process(folder, arguments)
            if name == "RAM":
                print_first_commands(folder, arguments)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
