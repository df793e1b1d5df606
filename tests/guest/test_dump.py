# SPDX-License-Identifier: GPL-3.0-or-later
"""dump-guest-memory against QEMU's own dump of the same stopped guest."""

import re
import subprocess
from pathlib import Path

import pytest

import crash
import gdb
import machines
import vmcore
from machines import lab

GUEST_CORE = Path(gdb.LAUNCHER).with_name("guest-core")

# The cheapest of each kind of map, and the one with RAM on both sides of the PCI hole.
FOR_CRASH = [machines.MACHINES[0], machines.MACHINES[3], machines.LA57]

RANGE_LINE = re.compile(r"^0x([0-9a-f]{16})-0x([0-9a-f]{16})  .{10}  (\S+)$", re.MULTILINE)


@pytest.mark.attach
def test_attached(dumps):
    """{dumps}: from the process, what QEMU's own dump holds is in ours at the same address, and nothing else"""
    assert dumps.attached_run.status == 0, dumps.attached_run
    assert vmcore.difference(dumps.attached, dumps.truth) is None


def test_core(dumps):
    """{dumps}: from the core, what QEMU's own dump holds is in ours at the same address, and nothing else"""
    assert dumps.core_run.status == 0, dumps.core_run
    assert vmcore.difference(dumps.from_core, dumps.truth) is None


@pytest.mark.attach
def test_alike(dumps):
    """{dumps}: the dump from the process and that from the core are the same file"""
    assert vmcore.files_differ(dumps.attached, dumps.from_core) is None


# GDB takes its time for each page, which is no test of ours.
@pytest.mark.machines(*(machine for machine in machines.ALL if machine.memory <= 1024))
def test_through_gdb(dumps, folder):
    """{dumps}: the dump from the core and that which reads it through GDB are the same file"""
    run = dumps.look(f"dump-guest-memory -via gdb {folder}/through-gdb")
    assert run.status == 0, run
    assert vmcore.files_differ(dumps.from_core, folder / "through-gdb") is None


def test_notes(dumps):
    """{dumps}: the notes of QEMU's own dump are in ours, in the same order, with the same bytes"""
    with vmcore.Vmcore(dumps.from_core) as ours, vmcore.Vmcore(dumps.truth) as truth:
        expected = truth.notes()
        cpus = dumps.machine.smp
        assert [(name, kind) for name, kind, _ in expected] == cpus * [("CORE", 1)] + cpus * [("QEMU", 0)]
        assert [note for note in ours.notes() if note[0] in ("CORE", "QEMU")] == expected


@pytest.mark.expensive
def test_many_cpus(folder):
    """A core of a QEMU with 240 CPUs, whose notes are larger than the room that is kept: one thread and two write the same file"""
    cpus = 240
    with lab.Guest(memory=32, smp=cpus, kernel=False, extra=["-S"], directory=folder) as guest:
        core, qemu = guest.core(folder / "core"), guest.qemu
    files = [folder / "one", folder / "two"]
    for threads, path in enumerate(files, 1):
        # The kernel leaves out memory that nobody has touched.
        subprocess.run([GUEST_CORE, "-qemu", qemu, core, "dump", "-absent", "skip", "-threads", str(threads), path], check=True)
    assert vmcore.files_differ(*files) is None
    with vmcore.Vmcore(files[1]) as ours:
        notes = [note for note in ours.notes() if note[0] in ("CORE", "QEMU")]
    # pr_pid counts the CPUs; i386's is at 24.
    assert [int.from_bytes(note[2][24:28], "little") for note in notes[:cpus]] == [cpu + 1 for cpu in range(cpus)]
    assert len(notes) == 2 * cpus and sum(len(note[2]) for note in notes) > 128 << 10


@pytest.mark.attach
def test_unchanged(dumps):
    """{dumps}: QEMU is as it was after a dump from its process"""
    assert dumps.status_after == "paused"


def test_shown_map(dumps):
    """{dumps}: the map that the command shows is that of QEMU's own dump"""
    shown = [(int(start, 16), int(last, 16) + 1) for start, last, _ in RANGE_LINE.findall(dumps.core_run.output)]
    with vmcore.Vmcore(dumps.truth) as truth:
        assert shown == [(load.address, load.end) for load in truth.loads]


def test_layout(dumps):
    """{dumps}: the vmcore's e_ehsize is 64, and its segments start at multiples of 4 KiB"""
    with vmcore.Vmcore(dumps.from_core) as core:
        assert core.header_size == 64
        assert [hex(load.offset) for load in core.loads if load.offset % 4096] == []


def test_holes(dumps):
    """{dumps}: the vmcore takes no more room on the disk than QEMU's dump when its zeros are made holes"""
    ours, truth = (path.stat().st_blocks * 512 for path in (dumps.from_core, dumps.truth))
    assert ours < truth + 65536 < dumps.truth.stat().st_size


def test_readelf(dumps):
    """{dumps}: readelf -aW warns of nothing in the vmcore"""
    run = subprocess.run(["readelf", "-aW", dumps.from_core], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.machines(*FOR_CRASH)
def test_crash(dumps):
    """{dumps}: crash opens the vmcore, and the log that it prints has all that the console showed"""
    log = crash.log(dumps)
    shown = re.findall(r"^\[ *\d+\.\d+\] .*\S", dumps.console.replace("\r", ""), re.MULTILINE)
    assert len(shown) > 100, "the console shows next to nothing of the kernel's log"
    printed = {line.strip() for line in log.split("\n")}
    # A record with several lines: the console has the time before each and crash before the first.
    missing = [line for line in shown if line not in printed and line.split("] ", 1)[1].strip() not in printed]
    assert not missing, log[-2000:]


@pytest.mark.machines(machines.RICH)
def test_rich_map(dumps):
    """{dumps}: all of these are in the map, and of virtio-mem the 3 runs of blocks that are plugged in"""
    blocks = [block.split("/")[-1] for _, _, block in RANGE_LINE.findall(dumps.core_run.output)]
    for block in ("node0", "node1", "vga.vram", "shared", "hotplugged", "nonvolatile", "pc.bios"):
        assert block in blocks
    assert blocks.count("growing") == 3


@pytest.mark.machines(machines.EMPTY_VIRTIO_MEM)
def test_empty_virtio_mem(dumps):
    """{dumps}: the map has no word of it"""
    # GDB itself may show QEMU's command line.
    blocks = [match[3] for match in RANGE_LINE.finditer(dumps.core_run.output)]
    assert blocks and "growing" not in blocks, dumps.core_run
