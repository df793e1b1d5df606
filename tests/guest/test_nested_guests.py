# SPDX-License-Identifier: GPL-3.0-or-later
"""The nested guests that a guest's Linux runs by KVM: guest-nested.

The truth is what lab/nested.c says of itself, by /proc/self/pagemap, and the registers that QEMU's monitor shows at the stop.
"""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import gdb
import records
import registers
import truth
from test_guest_core import guest_core

GUESTS = ["6.1"]
# The address at which the nested guest's first vCPU loops.
LOOP = 0x1008


class Nested:
    def __init__(self, series, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.record = records.Opened(f"nested-{series}", self.folder)
        self.arguments = ["-qemu", self.record.qemu, self.record.core]
        said = truth.parse(self.record.bytes("truth"))["/nested/said"].decode()
        self.pid = int(re.search(r"^pid (\d+)$", said, re.MULTILINE)[1])
        self.slots = [list(map(lambda number: int(number, 0), found))
                      for found in re.findall(r"^slot \d gpa (\S+) size (\d+) there (\d+) swapped (\d+)$", said, re.MULTILINE)]
        cpus = registers.by_name(self.record.text("registers"))
        self.cpu, = [i for i, values in enumerate(cpus) if values.get("RIP") == LOOP]
        self.shown, = map(json.loads, guest_core(*self.arguments, "nested", "-json").splitlines())


@pytest.fixture(scope="session", params=GUESTS)
def nested(request, top_folder):
    result = Nested(request.param, top_folder)
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def sums(nested):
    """The bytes of the nested guest's RAM: all, those in the process's memory, swapped ones."""
    return [sum(slot[i] for slot in nested.slots) for i in (1, 2, 3)]


def test_process(nested):
    """{nested}: a nested guest has the process that runs it, and the memory slots that the process gave it"""
    assert (nested.shown["number"], nested.shown["pid"], nested.shown["comm"]) == (1, nested.pid, "nested")
    assert {(int(slot["start"], 16), slot["size"]) for slot in nested.shown["ram"]} == {(slot[0], slot[1]) for slot in nested.slots}


def test_memory(nested):
    """{nested}: its memory that is there and its swapped memory are what the process's own pagemap said, byte for byte"""
    size, there, swapped = sums(nested)
    assert there and swapped == 1 << 20
    assert [nested.shown[key] for key in ("size", "there", "swapped", "absent")] == [size, there, swapped, 0]


def test_vcpus(nested):
    """{nested}: its vCPUs are on the CPU whose registers QEMU shows in the loop, and halted, each with its last exit"""
    first, second = nested.shown["vcpus"]
    assert (first["id"], first["state"], first["cpu"]) == (0, "on a CPU", nested.cpu)
    assert (second["id"], second["state"], second["cpu"], second["exit"]) == (1, "halted", None, "HLT")
    assert first["exit"] in ("INTR", "VINTR")


def test_text(nested):
    """{nested}: guest-nested shows a line for the nested guest, and with -vcpus a line for each vCPU"""
    head, line, *vcpus = guest_core(*nested.arguments, "nested", "-vcpus").splitlines()
    assert head.split() == ["NR", "PID", "COMMAND", "RAM", "THERE", "SWAPPED", "ABSENT", "VCPUS"]
    _, there, _ = sums(nested)
    assert re.split(r"  +", line.strip()) == ["1", f"{nested.pid}", "nested", "52 MiB", f"{there >> 10} KiB", "1 MiB", "0 bytes",
                                             "2: 1 on a CPU, 1 halted"]
    assert vcpus == [f"       vCPU 0  on CPU {nested.cpu}, last exit {nested.shown['vcpus'][0]['exit']}",
                     "       vCPU 1  halted, last exit HLT"]


def test_kdump(nested):
    """{nested}: a kdump of the host at level 31 shows the same, but for the nested guest's memory, which is absent; at level 0 all"""
    for level in (0, 31):
        path = nested.folder / f"level-{level}"
        guest_core(*nested.arguments, "dump", "-format", "kdump-zlib", "-level", level, path)
        shown, = map(json.loads, guest_core(path, "nested", "-json").splitlines())
        there = nested.shown["there"]
        counts = {"there": 0, "absent": there} if level else {}
        assert shown == nested.shown | counts


def test_gdb(nested):
    """{nested}: GDB shows what guest-core shows"""
    run = gdb.batch(nested.record.qemu, nested.record.core, commands=[r"echo @begin\n", "guest-nested -json", "guest-nested -vcpus"])
    assert run.output.split("@begin\n")[1].splitlines() == (guest_core(*nested.arguments, "nested", "-json") +
                                                          guest_core(*nested.arguments, "nested", "-vcpus")).splitlines()
