# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of other architectures than x86 (lab/arch.sh): records, and a GDB at the stub of one."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import gdb
from machines import records
from test_guest_core import guest_core

# Debian 13's kernels.
TRIXIE = ["arm64-6.12", "riscv64-6.12", "s390x-6.12", "ppc64el-6.12"]
SERIES = ["arm64-6.1", "arm64-sid", "riscv64-sid", "s390x-6.1", "s390x-sid", "ppc64el-6.1", "ppc64el-sid", "ppc64el-hash", "i386-6.1",
          *TRIXIE]
CHEAP = ["arm64-sid", "riscv64-sid", "s390x-sid", "ppc64el-sid", "i386-6.1"]
# Kernels that have types: Debian's 6.1 of s390x, ppc64el and i386 has no BTF, and no list of tasks; the stacks of their CPUs are
# shown. The 6.1 of arm64 has symbols of its code alone in kallsyms.
WITH_TASKS = ["arm64-6.1", "arm64-sid", "riscv64-sid", "s390x-sid", "ppc64el-sid", "ppc64el-hash", *TRIXIE]
# Linux's names of the architectures.
NAMES = {"arm64": "aarch64", "ppc64el": "ppc64le"}

# Debian's GDB of all architectures.
MULTIARCH = shutil.which("gdb-multiarch")


class Guest:
    """A record, opened by guest-core."""

    def __init__(self, name, folder):
        self.name = name
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.record = records.Opened(name, self.folder)
        self.texts = records.truth.parse_console(self.record.text("serial.log"))
        self.arch = NAMES.get(name.partition("-")[0], name.partition("-")[0])
        self.digits = 8 if self.arch == "i386" else 16

    # The file that -vmlinux names, or None.
    vmlinux = None

    def show(self, *arguments, status=0):
        words = ("-vmlinux", self.vmlinux) if self.vmlinux else ()
        return guest_core("-qemu", self.record.qemu, *words, self.record.core, *arguments, status=status)

    def json(self, *arguments):
        return [json.loads(line) for line in self.show(*arguments, "-json").splitlines() if line.startswith("{")]

    def tasks(self):
        """The folders of /proc by TID, but for the tasks that made them."""
        folders = [re.match(r"(/proc/\d+/task/(\d+)/)stat$", path) for path in self.texts]
        return {int(match[2]): match[1] for match in folders if match and match[1] + "stack" in self.texts}


def objects(part):
    return [json.loads(line) for line in part.splitlines() if line.startswith("{")]


# Code that enters or leaves the kernel, on no stack or page tables of the kernel's.
ENTRIES = re.compile(r"vectors$|handle_exception|restore_all_|ret_to_user$|asm_|entry_")


def is_at_entry(stack):
    """Tests whether the CPU enters or leaves the kernel: a stop is often at an entry's first instruction, and GDB's stack may end there."""
    if not stack["frames"]:
        return False
    first = stack["frames"][0]
    if len(stack["frames"]) == 1 and first["offset"] == 0:
        return True
    return bool(ENTRIES.match(first["symbol"] or "")) and (len(stack["frames"]) > 1 or stack["end"] != "user")


def ask_stub(guest, commands, typed=b""):
    """What GDB prints for each command at the stub of the guest, which goes on from the record's state and stands still; TYPED is
    waiting at the guest's console. {pid} in a command is QEMU's process."""
    with guest.record.resume(extra=["-gdb", "unix:gdbstub,server=on,wait=off"], typed=bool(typed)) as running, \
            running.open_console() if typed else contextlib.nullcontext() as console:
        if typed:
            console.sendall(typed)
        # GDB 13 does not take the byte order from QEMU.
        order = "big" if guest.arch == "s390x" else "little"
        words = ["set confirm off", f"set endian {order}", f"target remote {running.directory}/gdbstub", "echo @@\\n"]
        for command in commands:
            words += [command.replace("{pid}", str(running.pid)), "echo @@\\n"]
        arguments = [word for line in words for word in ("-ex", line)]
        gdb.count(arguments, MULTIARCH)
        run = subprocess.run([gdb.LAUNCHER, "-nx", "-batch", *arguments], env=gdb.environment(MULTIARCH),
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=gdb.PATIENCE)
    parts = run.stdout.split("@@\n")[1:]
    assert len(parts) == len(commands) + 1, run
    return parts[:-1]
