# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of dump-guest-memory that leave something out, and what it leaves alone, on guests of their own."""

import re
import struct
import subprocess
from pathlib import Path

import pytest

import crash
import fw_cfg
import gdb
import vmcore
from machines import MIB, QTEST, lab
from test_guest_core import guest_core
from virtio_mem import QTest

GIB = 1 << 30


@pytest.fixture
def guest(folder):
    """Stopped; beside 256 MiB of RAM it has a DIMM of 64 MiB at 4 GiB, which its kernel does not use and no core holds."""
    extra = ["-m", "256M,slots=2,maxmem=4G", *QTEST,
             "-object", "memory-backend-ram,id=undumped,size=64M,dump=off"]
    with lab.Guest(memory=256, extra=extra, directory=folder) as guest:
        guest.stop()
        guest.qmp("device_add", driver="pc-dimm", id="dimm", memdev="undumped")
        yield guest


def dump(arguments, options, out):
    run = gdb.batch(*arguments, commands=[f"dump-guest-memory {options} {out}"])
    assert run.status == 0, run
    return run.output


@pytest.mark.attach
def test_filter(guest, folder):
    """-begin and -length leave what QMP's begin and length leave"""
    for begin, length in ((0x1000, 0x5000), (0x123000, 0x800000), (200 * MIB, 5 * GIB)):
        truth, ours = folder / "truth", folder / "ours"
        guest.dump(truth, begin=begin, length=length)
        dump(["-p", guest.pid], f"-begin {begin:#x} -length {length:#x}", ours)
        assert vmcore.difference(ours, truth) is None
        truth.unlink()
        ours.unlink()


def test_absent(guest, folder):
    """A core without the DIMM: the error lists just that, and with -absent skip the rest is there and crash opens it"""
    truth, ours = folder / "truth", folder / "ours"
    qemu = guest.qemu
    guest.dump(truth, begin=0, length=4 * GIB)
    core = guest.core(folder / "core")

    lines = gdb.attempt([qemu, core], f"dump-guest-memory {ours}")
    assert len(lines) == 1
    assert re.search(r": 1 range of the guest's memory is missing: 0x100000000-0x103ffffff \(\S*undumped\); ", lines[0])
    assert not ours.exists()

    output = dump([qemu, core], "-absent skip", ours)
    assert re.search(r"^note: left out, .*: 0x100000000-0x103ffffff \(\S*undumped\)$", output, re.MULTILINE)
    assert vmcore.difference(ours, truth) is None
    assert "RELEASE: " in (output := crash.text(ours, "sys", truth)), output


def test_no_notes(small, folder):
    """-no-notes leaves the notes out, and nothing else"""
    core, program = small
    for options, name in (("", "with"), ("-no-notes", "without")):
        dump([program, core], options, folder / name)
    with vmcore.Vmcore(folder / "without") as without:
        assert without.notes() == []
    assert vmcore.difference(folder / "without", folder / "with") is None


def note(text):
    return struct.pack("<III12s", 11, len(text), 0, b"VMCOREINFO\0\0") + text


@pytest.mark.attach
def test_decoys(guest, folder):
    """Of notes planted in RAM - another kernel's, one cut off, an absurd one, one that only looks like one - none is taken"""
    first = folder / "first"
    dump(["-p", guest.pid], "", first)
    with vmcore.Vmcore(first) as core:
        real, = [desc for name, _, desc in core.notes() if name == "VMCOREINFO"]
    release = re.match(rb"OSRELEASE=(\S+)", real).group(1)
    other = real.replace(release, b"5.10.0-other").replace(b"NUMBER(phys_base)=", b"NUMBER(phys_base)=1")
    planted = [note(other), note(real[:1000]), note(re.sub(rb"SYMBOL\(_stext\)=\w+", b"SYMBOL(_stext)=123", real)),
               b"OSRELEASE=" + real]
    with QTest(guest.directory, "qtest") as qtest:
        for index, data in enumerate(planted):
            qtest.write(4 * GIB + index * 0x10000, data)

    second = folder / "second"
    output = dump(["-p", guest.pid], "", second)
    with vmcore.Vmcore(second) as core:
        assert [desc for name, _, desc in core.notes() if name == "VMCOREINFO"] == [real]
    told = re.findall(r"^note: the VMCOREINFO at guest-physical (0x[0-9a-f]+) is rejected: (.*)$", output, re.MULTILINE)
    assert [address for address, _ in told] == ["0x100000000", "0x100010000", "0x100020000"], output


@pytest.fixture(scope="module")
def huge(top_folder):
    """Stopped, of 64 GiB, of which it has touched little."""
    extra = ["-object", "memory-backend-ram,id=ram,size=64G,reserve=off", "-machine", "memory-backend=ram"]
    with lab.Guest(memory=65536, extra=extra, directory=top_folder) as guest:
        guest.stop()
        yield guest


def resident(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024


@pytest.mark.attach
def test_untouched(huge, folder):
    """A guest of 64 GiB that touched little: the dump reads and writes only that, and QEMU does not grow"""
    before = resident(huge.pid)
    out = folder / "vmcore"
    dump(["-p", huge.pid], "", out)
    assert resident(huge.pid) - before < MIB
    assert out.stat().st_size > 64 * GIB
    assert out.stat().st_blocks * 512 < before


@pytest.mark.attach
def test_pages(huge):
    """A guest of 64 GiB that touched little: its pages are counted by a look at one struct page of a thousand"""
    text = guest_core("-debug", "-p", huge.pid, "mem", "-pages")
    pages, reads = map(int, re.search(r"^debug: a memmap of .*: (\d+) pages in (\d+) reads, in \d+ parts$", text, re.MULTILINE).groups())
    assert pages * 4096 >= 64 * GIB and reads < pages / 512
    free, lists = map(int, re.search(r"^debug: the memmap has (\d+) free pages, the free lists have (\d+)", text, re.MULTILINE).groups())
    assert abs(free - lists) < 1024 < pages * 0.9 < free


@pytest.mark.attach
def test_shared_untouched(folder):
    """Shared memory that the guest did not touch is not allocated by the dump"""
    extra = ["-object", "memory-backend-memfd,id=ram,size=4G,share=on", "-machine", "memory-backend=ram"]
    with lab.Guest(memory=4096, extra=extra, directory=folder) as guest:
        guest.stop()
        before = allocated(guest.pid)
        out = folder / "vmcore"
        dump(["-p", guest.pid], "", out)
        assert allocated(guest.pid) - before < MIB
        assert out.stat().st_blocks * 512 < before


def allocated(pid):
    """The size of the memfd of QEMU's RAM."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if "memfd:" in str(link.readlink()) and link.stat().st_size == 4 * GIB:
            return link.stat().st_blocks * 512
    raise AssertionError("QEMU has no memfd of 4 GiB")


def where_is_vmcoreinfo(pid):
    run = gdb.batch("-p", pid, commands=["guest-info"])
    assert run.status == 0, run
    return re.search(r"VMCOREINFO at guest-physical (0x[0-9a-f]+),\s+(.*?),", run.output).groups()


@pytest.mark.attach
def test_device(folder):
    """A note that a guest registered with the vmcoreinfo device is taken, unless it is wrong"""
    with lab.Guest(memory=256, extra=["-device", "vmcoreinfo", *QTEST], directory=folder) as guest:
        guest.stop()
        address, how = where_is_vmcoreinfo(guest.pid)
        assert how == "found by the CPUs' page tables"
        with QTest(guest.directory, "qtest") as qtest:
            for told, expected in ((int(address, 16), "as the vmcoreinfo device has it"), (0x12345, "found by the CPUs' page tables")):
                fw_cfg.write_file(qtest, "etc/vmcoreinfo", struct.pack("<HHIQ", 0, 1, 4096, told))
                assert where_is_vmcoreinfo(guest.pid) == (address, expected)


@pytest.mark.attach
def test_16_bits(folder):
    """A guest without a kernel in its BIOS's 16 bits: memory and notes are those of QEMU's own dump, for an i386"""
    truth, ours = folder / "truth", folder / "ours"
    with lab.Guest(kernel=False, memory=64, extra=["-S"], directory=folder) as guest:
        guest.dump(truth)
        dump(["-p", guest.pid], "", ours)
    assert vmcore.difference(ours, truth) is None
    with vmcore.Vmcore(truth) as expected, vmcore.Vmcore(ours) as found:
        assert [note for note in found.notes() if note[0] in ("CORE", "QEMU")] == expected.notes()
        assert len(expected.notes()) == 4
    header = subprocess.run(["readelf", "-hW", ours], capture_output=True, text=True).stdout
    assert re.search(r"Machine: +Intel 80386", header)
