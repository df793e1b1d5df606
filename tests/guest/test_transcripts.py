# SPDX-License-Identifier: GPL-3.0-or-later
"""All commands in another GDB, against what the first GDB prints for the same stop of a guest.

FIRST_GDB is the GDB that all tests run in: it is the truth here. What GDBs may print otherwise is normalised, by name.
"""

import difflib
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import bare
import gdb
import stripped
from machines import lab

pytestmark = [pytest.mark.gdb, pytest.mark.others]

STUB = ["-gdb", "unix:gdbstub,server=on,wait=off"]
WHOLE = "dump-guest-memory {folder}/vmcore"
# GDBs differ in what they print of an error of Scheme's.
TRY = "guile (catch #t (lambda () (display ({}))) (lambda arguments (display arguments)))"
LINUX = ["guest-info", "guest-info -layout", "guest-kernel", "guest-kernel -json", "guest-kernel 1", "guest-kernel -auto",
         "guest-klog", "guest-klog -json", "guest-klog -T -decode -level err+", "guest-klog -grep 'no such' -tail 2",
         "guest-regs", "guest-regs -all", "guest-regs -json", "guest-regs -cpu 1", "print/x $guest_rip", "print $guest_current",
         "guest-ps", "guest-ps -json", "guest-ps -threads -state S", "guest-ps -tree -args -paths", "guest-ps -memory -json -args",
         "guest-x linux_banner s", "guest-x/4gx jiffies", "guest-x/12i schedule", "guest-x -cpu 1 $guest_rsp 8xb",
         "guest-bt", "guest-bt -all", "guest-bt -json", "guest-bt -state SD -group", "guest-bt -pid 1 -raw", "guest-bt -pid x",
         'guile (display (length (guest-data "guest-bt" "-all")))',
         "guest-struct task_struct.pid,comm init_task -list tasks", "guest-struct page", "guest-struct list_head init_task -json",
         "complete guest-struct task_struct.com",
         "guest-blocked", "guest-blocked -all", "guest-blocked -json", 'guile (display (length (guest-data "guest-blocked" "-all")))',
         "guest-nested", "guest-nested -json", "guest-nested -scan", "guest-report /dev/null", "guest-report -text -redact /dev/null", "guest-report /nonexistent/report.html",
         'guile (display (length (assq-ref (car (guest-data "guest-report" "/dev/null")) (quote parts))))',
         "guest-x/2a sys_call_table", "guest-mod", "guest-mod -json", "guest-mem", "guest-mem -zones", "guest-profile -hz 0", "guest-trace -limit 0 vfs_read", "guest-profile -cpu x",
         "guest-mem -slabs", "guest-mem -pages", "guest-mem -pages -zeros -json",
         "guest-vmlinux -output {folder}/vmlinux -force", "guest-vmlinux -guest-addresses", "guest-vtop jiffies", "guest-vtop -cpu 1 $guest_rip", "guest-vtop 0x1000",
         "complete guest-x/2gx __per_cpu_", "complete guest-vtop s", "complete guest-klog -level err,w",
         "help guest-x", "apropos guest-", "guest-x no_such_symbol", "guest-klog -nosuch", "guest-sysrq -list",
         "guile (display (length (guest-log)))", TRY.format("guest-walk 4096"), TRY.format("guest-read 4096 16 #:cpu 0"),
         "guile (display (map car (car (guest-cpus))))",
         "dump-guest-memory /nonexistent/vmcore", WHOLE,
         "dump-guest-memory -via gdb -begin 0x1000000 -length 0x1000000 {folder}/vmcore-via-gdb"]
BARE = ["guest-info", "guest-regs", "guest-regs -all", "guest-regs -json", "guest-x 0x100000 8xw", "guest-x/8i 0x100000",
        "guest-vtop 0x100000 -cpu 0", "guest-klog", WHOLE,
        "dump-guest-memory -begin 0x100000 -length 0x100000 {folder}/vmcore-part"]

# Name: GDB's options, the commands, what boots in a folder.
STOPS = {
    "Linux 6.1, the lab's QEMU":
        ((), LINUX, lambda folder: lab.Guest(memory=256, append="lab.spin=4", extra=STUB, directory=folder)),
    "Linux 6.12, the QEMU of Debian sid":
        (stripped.NO_DEBUGINFO, LINUX, lambda folder: lab.Guest(
            qemu=stripped.qemu_or_skip("QEMU of Debian sid"), machine="q35", memory=256, extra=STUB, directory=folder,
            kernel=Path(lab.lab("kernel", "6.12")) / "vmlinuz")),
    "a nested guest, Debian 12's QEMU":
        (stripped.NO_DEBUGINFO, BARE, lambda folder: bare.boot(
            bare.build(64, folder, "nested"), folder, qemu=stripped.BOOKWORM(), extra=["-cpu", "EPYC,+svm", *STUB])),
}
WAYS = ["core", "core alone", "process", "stub"]
# Newer GDBs take a core's program, and its debuginfo, by themselves.
PAIRS = [(name, way) for name in STOPS for way in WAYS if STOPS[name][0] or way != "core alone"]

# In turn: guest-info's long lines in one; what only a GDB with Python sees of a guest's run state; how long a dump took; how
# far it was at times; GDB's own words about a name; functions that only a GDB with Python has.
DIFFERENCES = [(r"\n {10}(?=\S)", " "), (r",? (the guest was paused|whether the guest ran before GDB connected).*", ""),
               (r" in [0-9.]+ s \([^)]*\)", ""), (r"^.*/s, .* left\n", ""),
               (r"(?<=, nor a number: ).*", "GDB's words"), (r"^.*guest_(per_cpu|current_task) -- .*\n", "")]


def normal(text):
    for pattern, replacement in DIFFERENCES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return gdb.lines_of(text)


class Stop:
    """A stop of a guest, as each of the two GDBs shows it in each way: {way: [{command: lines}, the same]}."""

    def __init__(self, name, folder):
        self.options, commands, boot = STOPS[name]
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.says = {}
        with boot(self.folder) as guest:
            guest.stop()
            self.says["process"] = self.look(commands, "-p", guest.pid)
            # All of RAM takes a stub long.
            short = [command for command in commands if command != WHOLE]
            self.says["stub"] = self.look(short, "-ex", f"target remote {guest.directory}/gdbstub", end="disconnect")
            core = guest.core(self.folder / "core")
        self.says["core"] = self.look(commands, guest.qemu, core)
        self.says["core alone"] = self.look(commands, "-core", core)
        core.unlink()

    def look(self, commands, *arguments, end="print 6 * 7"):
        return [self.look_in(path, commands, arguments, end) for path in (os.environ["FIRST_GDB"], gdb.tested())]

    def look_in(self, path, commands, arguments, end):
        lines = [line for command in commands for line in (r"echo @next\n", command.format(folder=self.folder))]
        run = gdb.batch(*self.options, *arguments, commands=[*lines, r"echo @next\n", end], gdb_path=path)
        _, *texts, _ = run.output.split("@next\n")
        assert len(texts) == len(commands), run
        said = dict(zip(commands, map(normal, texts)))
        for vmcore in sorted(self.folder.glob("vmcore*")):
            with open(vmcore, "rb") as file:
                said[vmcore.name] = [hashlib.file_digest(file, "sha256").hexdigest()]
            vmcore.unlink()
        return said


@pytest.fixture(scope="session")
def stop(request, background, top_folder):
    for name in STOPS:
        background.start(("transcripts", name), Stop, name, top_folder)
    result = background.start(("transcripts", request.param), Stop).result()
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


@pytest.mark.parametrize("stop, way", PAIRS, indirect=["stop"])
def test_same(stop, way):
    """{stop}, {way}: all commands print what they print in the first GDB, and vmcores are the same bytes"""
    first, other = stop.says[way]
    assert [command for command in first if other[command] != first[command]] == [], differences(first, other)
    assert len([command for command, lines in first.items() if lines]) > len(first) * 3 // 4, first


def differences(first, other):
    return [(command, line) for command in first
            for line in difflib.unified_diff(first[command], other.get(command, []), "first", "other", lineterm="", n=1)]
