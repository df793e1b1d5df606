# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of other architectures in the QEMUs of Debian's suites, and guests of which the memory alone is known."""

import copy
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import gdb
import machines
import selection
import vmcore
from archs import MULTIARCH
from machines import QTEST, lab, records
from stripped import NoSuchQEMU, of_suite
from test_archs import vectors_of
from test_guest_core import guest_core

class Booted:
    """A record's guest in another QEMU, with another CPU: the monitor's texts, QEMU's dump, the core."""

    def __init__(self, name, suite, folder, cpu=None):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.name = name
        self._record = copy.copy(records.TABLE[name])
        self._record.qemu = suite, self._record.qemu[1]
        if cpu:
            self._record.guest = dict(self._record.guest, extra=["-cpu", cpu])
        with self._record.boot(self.folder, extra=["-gdb", "unix:gdbstub,server=on,wait=off"]) as guest:
            self.qemu = guest.qemu
            guest.stop()
            self.registers = guest.hmp("info registers -a").replace("\r", "")
            self.texts = records.truth.parse_console(guest.serial.read_text(errors="replace"))
            self.process = guest_core("-p", guest.pid, "regs", "-all")
            self.stub = self._ask_stub(guest) if MULTIARCH else None
            guest.dump(self.folder / "dump")
            guest.dump(self.folder / "kdump", format="kdump-zlib")
            self.core = guest.core(self.folder / "core")

    def _ask_stub(self, guest):
        """The log, the registers and the answer to guest-sysrq at the gdbstub."""
        run = gdb.batch("-ex", f"set endian {'big' if 's390x' in self.name else 'little'}",
                        "-ex", f"target remote {guest.directory}/gdbstub",
                        commands=["guest-klog -raw", "echo @@\\n", "guest-regs -all", "echo @@\\n", "guest-sysrq t",
                                  "disconnect"], gdb_path=MULTIARCH)
        return run.output.split("@@\n")

    def show(self, *arguments):
        return guest_core("-qemu", self.qemu, self.core, *arguments)


@pytest.fixture(scope="module", params=[f"{name} {suite}" for suite in ("trixie", "sid")
                                        for name in ("arm64-sid", "s390x-sid", "riscv64-sid", "ppc64el-sid")]
                + ["ppc64el-sid sid power10"])
def booted(request, top_folder):
    name, suite, *cpu = request.param.split()
    try:
        of_suite(suite, records.TABLE[name].qemu[1])()
    except NoSuchQEMU as error:
        pytest.skip(str(error))
    result = Booted(name, suite, top_folder, *cpu)
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def values(text):
    """The lines with registers of each CPU, without the words that versions of QEMU write in other ways."""
    text = re.sub(r" (RES|cc|HF) .*$|(?<=[0-9a-f]{16}) +CPU#\d+$", "", text, flags=re.MULTILINE)
    cpus = re.split(r"^CPU#\d+$", text, flags=re.MULTILINE)[1:]
    return [[" ".join(line.split()) for line in cpu.splitlines() if re.search(r"\b[0-9a-f?]{16}\b", line)] for cpu in cpus]


def check_registers(text, monitor):
    """Each line is a line of the monitor's; a question mark stands for an unknown digit."""
    ours, theirs = values(text), values(monitor)
    assert len(ours) == len(theirs) == 2
    for cpu, lines in zip(ours, theirs):
        # The monitor's text has no system registers of aarch64, and longer registers of a CPU with SVE; riscv64's has other
        # ones since 11.1.
        named = [line for line in cpu if not re.match(r"\w+_EL\d=|Q\d\d=|\w*(hartid|status|ip|ie|deleg) ", line)]
        differing = [line for line in named
                     if not any(re.fullmatch(re.escape(line).replace(r"\?", "."), other) for other in lines)]
        assert len(named) > 8 and differing == [], differing


@pytest.mark.expensive
def test_registers(booted):
    """{booted}: out of a stripped QEMU's core and process the registers are the monitor's"""
    run = gdb.batch(booted.qemu, booted.core, commands=["guest-regs -all"])
    assert run.status == 0 and booted.show("regs", "-all") in run.output, run
    check_registers(booted.show("regs", "-all"), booted.registers)
    check_registers(booted.process, booted.registers)


def without_condition(booted, prstatus):
    """The note without s390x's condition code, which TCG derives from the last results: it is unknown, and 0 in our note."""
    at, code = 114, 0x30  # of the PSW's mask
    if not booted.name.startswith("s390x"):
        return prstatus
    return prstatus[:at] + bytes([prstatus[at] & ~code]) + prstatus[at + 1:]


@pytest.mark.expensive
def test_dump(booted, folder):
    """{booted}: the vmcore has the bytes of QEMU's own dump, its NT_PRSTATUS and NT_ARM_SVE"""
    booted.show("dump", folder / "vmcore")
    assert vmcore.difference(folder / "vmcore", booted.folder / "dump") is None
    with vmcore.Vmcore(folder / "vmcore") as ours, vmcore.Vmcore(booted.folder / "dump") as theirs:
        assert vectors_of(ours) == vectors_of(theirs)
        notes = [[(name, kind, desc) for name, kind, desc in core.notes() if name in ("CORE", "LINUX")] for core in (ours, theirs)]
        assert [note[:2] for note in notes[0]] == [note[:2] for note in notes[1]]
        for (_, kind, ours), (_, _, theirs) in zip(*notes):
            assert kind != 1 or without_condition(booted, ours) == without_condition(booted, theirs)


@pytest.mark.expensive
def test_kdump(booted):
    """{booted}: QEMU's kdump, whose header names no machine, shows the registers and the kernel of QEMU's ELF dump"""
    for command in (["regs", "-all"], ["kernel"]):
        texts = [guest_core(booted.folder / name, *command) for name in ("kdump", "dump")]
        assert texts[0] == texts[1] and texts[0].count("\n") > 1, command


@pytest.mark.expensive
def test_log(booted):
    """{booted}: the log of the core and at the gdbstub is dmesg -r, and the kernel is found by the CPUs' registers"""
    lines = booted.texts["/arch/log"].decode().splitlines()
    assert len(lines) > 100 and booted.show("klog", "-raw").splitlines()[:len(lines)] == lines
    info = " ".join(booted.show("info").split())
    assert re.search("found by (the CPUs' page tables|lowcore)", info), info
    if MULTIARCH:
        log, registers, _ = booted.stub
        assert "\n".join(lines) in log
        check_registers(registers, booted.registers)


# The way to type SysRq at a guest.
SYSRQ = {"arm64-sid": "chardev-send-break ID", "riscv64-sid": "chardev-send-break ID", "s390x-sid": "Ctrl-O and the key",
         "ppc64el-sid": "Ctrl-O and the key"}


@pytest.mark.expensive
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_sysrq_at_the_stub(booted):
    """{booted}: guest-sysrq has no keyboard to type at, and says in a line how the guest's console takes the key"""
    lines = [line for line in booted.stub[2].splitlines() if line.startswith("guest-sysrq: ")]
    assert len(lines) == 1 and SYSRQ[booted.name] in lines[0] and "no PS/2 keyboard" in lines[0], booted.stub[2]


@pytest.mark.expensive
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_registers_beside_devices(folder):
    """At the stub the registers are read without a search for callers, for which GDB may read a device: by a read of the interrupt
    controller QEMU 7.2 ends"""
    stack, code, controller = 0x40001000, 0x40002000, 0x8010000  # of the machine virt, whose MMU is off
    with lab.Guest(qemu=of_suite("bookworm", "aarch64")(), machine="virt", memory=64, smp=2, kernel=False, directory=folder,
                   extra=["-S", "-cpu", "cortex-a57", "-gdb", "unix:gdbstub,server=on,wait=off"]) as guest:
        caller = [f"set *(long *){place:#x} = {controller:#x}" for place in range(stack, stack + 64, 8)]
        run = gdb.batch("-ex", f"target remote {guest.directory}/gdbstub", commands=[
            *caller, f"set $x29 = {stack:#x}", f"set $sp = {stack:#x}", f"set $pc = {code:#x}", f"set $lr = {controller:#x}", "guest-regs"],
            gdb_path=MULTIARCH)
        assert guest.qmp("query-status")["status"] == "prelaunch", run
    assert f"0x{code:016x}\n        sp 0x{stack:016x}  ttbr0_el1 0x0" in run.output, run


# Machines whose CPUs are not known: the CPU's type is in the refusal. The machine "none" has a CPU and RAM, and needs no firmware.
REFUSED = {"arm": ("virt", ["-cpu", "cortex-a15"], "cortex-a15-arm-cpu", 1 << 30),
           "mips64el": ("none", ["-cpu", "5KEc"], "5KEc-mips64-cpu", 0),
           "m68k": ("virt", [], "m68040-m68k-cpu", 0),
           "loongarch64": ("none", ["-cpu", "la464"], "la464-loongarch-cpu", 0)}
CHEAP_REFUSED = ["arm"]


@pytest.mark.parametrize("target", selection.mostly_further(REFUSED, CHEAP_REFUSED))
def test_refused(target, folder):
    """{target}: the guest is refused by its CPU's type, in a line for each command, and its memory has the bytes that the monitor saves"""
    machine, extra, cpu, start = REFUSED[target]
    size = 64 << 20
    try:
        qemu = of_suite("bookworm", target)()
    except NoSuchQEMU as error:
        pytest.skip(str(error))
    with lab.Guest(qemu=qemu, machine=machine, memory=size >> 20, smp=1, kernel=False, directory=folder,
                   extra=["-S", *extra, *QTEST]) as guest:
        with machines.QTest(guest.directory, "qtest") as qtest:
            for i in range(4):
                qtest.fill(start + 0x1234 + i * 0x1000000, 0x4321, 0xa1 + i)
        guest.qmp("pmemsave", val=start, size=size, filename=str(folder / "truth"))
        core = guest.core(folder / "core")
    for command in (["regs"], ["bt"], ["vtop", "0x1000"], ["klog"], ["ps"], ["kernel"], ["x/4x", "0x1000"], ["dump", folder / "vmcore"]):
        lines = [line for line in guest_core("-qemu", qemu, core, *command, status=1).splitlines() if not line.startswith("note: ")]
        # A dump begins with the first range, and reads the CPUs meanwhile.
        if command[0] == "dump":
            lines = lines[-1:]
            assert not (folder / "vmcore").exists()
        assert len(lines) == 1 and re.search(rf"not of an architecture known here \(.*\): its CPU is a {cpu}$", lines[0]), lines
    assert f"its CPU is a {cpu}" in guest_core("-qemu", qemu, core, "info")
    run = gdb.batch(qemu, core, commands=[f"dump-guest-memory -no-notes {gdb.quote(folder / 'vmcore')}"])
    assert run.status == 0, run
    with vmcore.Vmcore(folder / "vmcore") as ours:
        offset, _ = ours.offset_of(start)
        with open(folder / "vmcore", "rb") as file:
            file.seek(offset)
            assert file.read(size) == (folder / "truth").read_bytes()
