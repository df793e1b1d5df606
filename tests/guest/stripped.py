# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of QEMUs without debuginfo: those of Debian's suites."""

import functools
import os
import subprocess
from pathlib import Path

import pytest

import gdb
import machines
from machines import MIB, QTEST, Machine, QTest, lab

HERE = Path(__file__).resolve().parent

MODULES = lab.MODULES

# GDB's options: no debuginfo of QEMU's, whatever is installed.
NO_DEBUGINFO = ("-iex", "set debug-file-directory /nonexistent")


class NoSuchQEMU(Exception):
    """A QEMU is not to be had here."""


def of_suite(suite, target="x86_64"):
    @functools.cache
    def find():
        try:
            return lab.lab("qemu-suite", suite, target)
        except lab.GuestError:
            raise NoSuchQEMU(f"lab/qemu-suite {suite} {target} has none: is the suite on the mirror?") from None

    return find


BOOKWORM = of_suite("bookworm")

# A QEMU of each series that Debian has.
QEMUS = {"Debian 12's QEMU": BOOKWORM,
         "Debian 11's QEMU, 5.2": of_suite("bullseye"),
         "Debian 13's QEMU, 10.0": of_suite("trixie"),
         "QEMU of Debian sid": of_suite("sid")}
CHEAP_QEMUS = ["Debian 12's QEMU", "QEMU of Debian sid"]


def qemu_or_skip(name):
    """The path of that one of QEMUS."""
    try:
        return QEMUS[name]()
    except NoSuchQEMU as missing:
        pytest.skip(str(missing))


class Dumps(machines.Dumps):
    options = NO_DEBUGINFO


class DumpsOfMemory(Dumps):
    """Without the CPUs' registers."""

    command = "dump-guest-memory -no-notes"


# ---- What is done to them ----

def plug_filled_dimm(guest):
    machines.plug_dimm(guest)
    guest.stop()
    with QTest(guest.directory, "qtest") as qtest:
        machines.fill_dimms(guest, qtest)


# The address where a machine's RAM starts.
RAM_AT = {"virt": 1 << 30, "raspi3b": 0, "sbsa-ref": 1 << 40, "microvm": 0}


def filled_at(machine):
    """The first byte that fill_ram() writes, which is 0xa1."""
    return RAM_AT[machine.split(",")[0]] + 0x1234


def fill_ram(guest):
    guest.stop()
    with QTest(guest.directory, "qtest") as qtest:
        for i in range(8):
            qtest.fill(filled_at(guest.machine) + i * 0x1800000, 0x4321, 0xa1 + i)


class BootSector(Machine):
    """With boot.S on its disk: a guest for machines that the lab's kernel is not for."""

    def __init__(self, name, machine, qemu, extra=()):
        super().__init__(name, machine, 128, extra, qemu=qemu, kernel=False)

    def boot(self, folder):
        guest = super().boot(folder, ["-drive", f"if=ide,format=raw,file={self._disk(folder)}"])
        lab.wait_until(lambda: lab.READY in guest.serial.read_text(), gdb.PATIENCE, "the boot sector's word")
        return guest

    def _disk(self, folder):
        parts, disk = folder / "boot.o", folder / "disk"
        subprocess.run(["as", "--32", "-o", parts, HERE / "boot.S"], check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", disk, parts], check=True)
        os.truncate(disk, MIB)
        return disk


# ---- x86 ----

# SeaBIOS in a flash, in place of a ROM: what is read like memory and is none.
FLASH = ["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/seabios/bios-256k.bin"]
SHARED_MEMORY = ["-object", "memory-backend-memfd,id=main,size=256M,share=on", "-m", "256M,slots=2,maxmem=4G", *QTEST]

RICH_BOOKWORM = Machine("7.2, q35 with NUMA, VGA, DIMMs, virtio-mem, shared memory", "q35,nvdimm=on", 512,
                        machines.RICH_EXTRA, machines.plug_memory, qemu=BOOKWORM)
LINUX = [
    Machine("7.2, pc with 256 MiB, 1 vCPU", "pc", 256, smp=1, qemu=BOOKWORM),
    Machine("7.2, q35 with 256 MiB, 8 vCPUs, VGA", "q35", 256, ["-device", "VGA"], smp=8, qemu=BOOKWORM),
    Machine("7.2, pc with RAM on both sides of the PCI hole, 2 vCPUs, VGA", "pc,max-ram-below-4g=512M", 1024,
            ["-device", "VGA"], qemu=BOOKWORM),
    Machine("7.2, pc with shared memory, a DIMM plugged in", "pc,memory-backend=main", 256, SHARED_MEMORY,
            plug_filled_dimm, qemu=BOOKWORM),
    Machine("7.2, q35 with its firmware in a flash", "q35", 256, FLASH, qemu=BOOKWORM),
    RICH_BOOKWORM,
]
for version, suite in (("5.2", "bullseye"), ("10.0", "trixie"), ("sid's", "sid")):
    LINUX += [
        Machine(f"{version}, pc with 256 MiB", "pc", 256, qemu=of_suite(suite)),
        Machine(f"{version}, q35 with NUMA, VGA, DIMMs, virtio-mem, shared memory", "q35,nvdimm=on", 512,
                machines.RICH_EXTRA, machines.plug_memory, qemu=of_suite(suite)),
    ]

I386 = [BootSector("i386, 7.2, pc", "pc", of_suite("bookworm", "i386"))]
# Without a kernel: under TCG it hangs on that machine now and then.
MICROVM = Machine("7.2, microvm", "microvm", 256, QTEST, fill_ram, qemu=BOOKWORM, kernel=False)
for version, suite in (("5.2", "bullseye"), ("10.0", "trixie"), ("sid's", "sid")):
    I386.append(BootSector(f"i386, {version}, q35 with VGA", "q35", of_suite(suite, "i386"), ["-device", "VGA"]))

ALL = [*LINUX, MICROVM, *I386]
# Machines of the oldest QEMU, of the newest, and of each kind of board.
CHEAP = [machine for machine in ALL if str(machine) in (
    "7.2, pc with 256 MiB, 1 vCPU", "7.2, q35 with NUMA, VGA, DIMMs, virtio-mem, shared memory", "5.2, pc with 256 MiB",
    "sid's, q35 with NUMA, VGA, DIMMs, virtio-mem, shared memory", "7.2, microvm", "i386, 7.2, pc")]

# ---- Others ----

NUMA = ["-object", "memory-backend-ram,id=node0,size=128M", "-object", "memory-backend-memfd,id=node1,size=128M",
        "-numa", "node,nodeid=0,cpus=0,memdev=node0", "-numa", "node,nodeid=1,cpus=1,memdev=node1"]
ARM = []
for version, suite in (("7.2", "bookworm"), ("5.2", "bullseye"), ("10.0", "trixie"), ("sid's", "sid")):
    ARM += [
        Machine(f"aarch64, {version}, virt", "virt", 256, ["-cpu", "cortex-a57", *QTEST], fill_ram,
                qemu=of_suite(suite, "aarch64"), kernel=False),
        Machine(f"aarch64, {version}, virt with NUMA, secure memory, a display", "virt,secure=on", 256,
                ["-cpu", "max", *NUMA, "-device", "bochs-display,romfile=", *QTEST], fill_ram,
                qemu=of_suite(suite, "aarch64"), kernel=False),
    ]
ARM += [
    Machine("aarch64, 10.0, raspi3b", "raspi3b", 1024, QTEST, fill_ram, smp=4, qemu=of_suite("trixie", "aarch64"),
            kernel=False),
    Machine("aarch64, sid's, sbsa-ref", "sbsa-ref", 256, QTEST, fill_ram, qemu=of_suite("sid", "aarch64"),
            kernel=False),
]
CHEAP_ARM = [ARM[0], ARM[-3], ARM[-1]]
