# SPDX-License-Identifier: GPL-3.0-or-later
"""The vmcores of one stop of a guest, in all the formats that QEMU, makedumpfile and gdb-guest write."""

import shutil
import subprocess
from pathlib import Path

import pytest

import gdb
import machines
from machines import lab

# The commands for each vmcore in one GDB, and for the core. The log and the symbols need pages of all kinds.
COMMANDS = ["guest-info", "guest-regs", "guest-regs -all", "guest-klog", "guest-x/64xg sys_call_table",
            "guest-x/8i _stext", "guest-x linux_banner 1s", "guest-vtop jiffies", "guest-x -cpu 1 jiffies",
            "guest-kernel"]

# makedumpfile's files: the program's suite, or None for the machine's own, and its options.
MADE = {
    "zlib -d 0": (None, ["-c", "-d", "0"]),
    "zlib -d 31": (None, ["-c", "-d", "31"]),
    "lzo -d 31": (None, ["-l", "-d", "31"]),
    "raw -d 1": (None, ["-d", "1"]),
    "ELF -d 31": (None, ["-E", "-d", "31"]),
    "zlib -d 31 flattened": (None, ["-F", "-c", "-d", "31"]),
    "zstd -d 0": ("sid", ["-z", "-d", "0"]),
    "zstd -d 31": ("sid", ["-z", "-d", "31"]),
}
WRITTEN = ["ours", "QEMU's ELF", "QEMU's kdump-zlib"]
ALL = [*WRITTEN, *MADE]
# The formats that make check has: each of the readers, each of the writers.
CHEAP = ["ours", "QEMU's kdump-zlib", "zlib -d 31", "ELF -d 31", "zstd -d 31"]
EXCLUDING = [name for name in MADE if "-d 31" in name]


def parts(run, commands):
    """GDB's output for each of the commands, by command."""
    _, *texts = run.output.split("@part\n")
    assert run.status == 0 and len(texts) == len(commands) + 1, run
    return dict(zip(commands, texts))


def ask(*arguments, before=(), commands=tuple(COMMANDS)):
    """Asks one GDB all of the commands."""
    marked = [line for command in commands for line in (r"echo @part\n", command)]
    return parts(gdb.batch(*arguments, commands=[*before, *marked, r"echo @part\n"]), commands)


def makedumpfile(suite):
    if suite:
        return lab.lab("program-suite", "makedumpfile", suite)
    return shutil.which("makedumpfile")


class Vmcores:
    """The core of a guest's QEMU, and vmcores of the same stop by name."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.core = self.folder / "core"
        self.paths = {name: self.folder / name.replace(" ", "_").replace("'", "") for name in ALL}
        self.answers = {}
        with lab.Guest(directory=self.folder) as guest:
            guest.stop()
            self.qemu = guest.qemu
            self.registers = guest.hmp("info registers -a").replace("\r", "")
            guest.dump(self.paths["QEMU's ELF"])
            guest.dump(self.paths["QEMU's kdump-zlib"], format="kdump-zlib")
            guest.core(self.core)
        self.truth = ask(self.qemu, self.core, before=[f"dump-guest-memory {gdb.quote(self.paths['ours'])}"])

    def make(self, name):
        """The path of the vmcore NAME, by makedumpfile where that writes it."""
        path = self.paths[name]
        if name in MADE and not path.exists():
            suite, options = MADE[name]
            program = makedumpfile(suite)
            if not program:
                pytest.skip("makedumpfile is missing: Debian has it in makedumpfile")
            target = [] if "-F" in options else [path]
            with open(path if not target else "/dev/null", "wb") as out:
                run = subprocess.run([program, *options, self.paths["ours"], *target], stdout=out,
                                     stderr=subprocess.PIPE, text=True, timeout=gdb.PATIENCE)
            assert run.returncode == 0, run.stderr
        return path

    def ask(self, name):
        """The commands' output on the vmcore NAME: one GDB for all tests of it."""
        if name not in self.answers:
            self.answers[name] = ask(before=[f"guest-select -file {gdb.quote(self.make(name))}"])
        return self.answers[name]
