# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel that a guest runs, and the others in its RAM."""

import json
import re
import shutil
import struct
import tempfile
import time
from pathlib import Path

import pytest

import gdb
import vmcore
from machines import lab

STUB = ["-gdb", "unix:gdbstub,server=on,wait=off"]


def unwrapped(info):
    """The output of guest-info, with its long lines in one."""
    return gdb.unwrapped("\n".join(info))


def kernel_of(series):
    folder = Path(lab.lab("kernel", series))
    return folder / "vmlinuz", (folder / "release").read_text().strip()


def answers(session, commands):
    """{command: the lines that GDB prints for it}"""
    return {command: session.command(command) for command in commands}


def answers_on_core(guest, folder, commands):
    """The answers in a GDB with the stopped guest's core."""
    with gdb.Session(guest.qemu, guest.core(folder / "core")) as session:
        return answers(session, commands)


def notes_in(lines):
    return [line for line in lines if line.startswith("note:")]


def texts_of(lines):
    """The lines of a log, without their times."""
    return [match.group(1) for line in lines if (match := re.match(r"\[ *[0-9.]+\] (.*\S)", line))]


def missing_in(log, console):
    """The lines of the console's log, which is long, that the log lacks."""
    shown, of_console = set(texts_of(log)), texts_of(console)
    assert len(of_console) > 100
    return [line for line in of_console if line not in shown]


# ---- Roots ----

def roots_of(guest):
    """The CPUs' CR3, by QEMU's monitor."""
    return [int(value, 16) for value in re.findall(r"CR3=([0-9a-f]+)", guest.hmp("info registers -a"))]


def test_roots_of_one_page(folder):
    """The stub finds a kernel of 2026, without PTI, whether bit 12 of CR3 is set or not: at all of 20 stops"""
    image, release = kernel_of("sid")
    seen = {0: 0, 1: 0}
    with lab.Guest(kernel=image, smp=1, append="lab.spin=8", directory=folder, extra=STUB) as guest, gdb.Session() as session:
        deadline = time.monotonic() + gdb.PATIENCE
        while sum(seen.values()) < 20 or not all(seen.values()):
            assert time.monotonic() < deadline, seen
            session.command(f"target remote {guest.directory}/gdbstub")
            root, = roots_of(guest)
            lines = session.command("guest-klog")
            assert f"Linux version {release}" in lines[0] and notes_in(lines) == [], lines
            seen[root >> 12 & 1] += 1
            session.command("detach")


# ---- Reset ----

EM_386, EM_X86_64, NT_PRSTATUS = 3, 62, 1


def reset(guest):
    """Resets a stopped guest; its RAM stays as it is."""
    guest.qmp("set-action", reboot="reset")
    guest.qmp("system_reset")
    lab.wait_until(lambda: "RIP=000000000000fff0" in guest.hmp("info registers -a") or
                   "EIP=0000fff0" in guest.hmp("info registers -a"), 60, "the reset")


class Reset:
    """A guest that was just reset: its console before that, its vmcore, and what is said of its core."""

    def __init__(self, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.vmcore = self.folder / "vmcore"
        with lab.Guest(directory=self.folder) as guest:
            guest.stop()
            self.console = guest.serial.read_text(errors="replace").splitlines()
            reset(guest)
            self.says = answers_on_core(guest, self.folder,
                                        ["guest-klog", "guest-info", f"dump-guest-memory {self.vmcore}"])


@pytest.fixture(scope="session")
def just_reset(background, top_folder):
    result = background.start("just reset", Reset, top_folder).result()
    yield result
    shutil.rmtree(result.folder)


def test_reset(just_reset):
    """A 64-bit guest that was just reset shows the dead kernel's log, with a note that no CPU runs it"""
    log = just_reset.says["guest-klog"]
    note, = notes_in(log)
    assert "no CPU runs the kernel" in note
    assert missing_in(log, just_reset.console) == []


def test_vmcore_of_reset(just_reset):
    """The vmcore of a guest that was just reset is of its kernel's architecture, with VMCOREINFO"""
    with vmcore.Vmcore(just_reset.vmcore) as core:
        assert core.machine == EM_X86_64
        notes = core.notes()
        statuses = [desc for name, kind, desc in notes if (name, kind) == ("CORE", NT_PRSTATUS)]
        # struct elf_prstatus of 64 bits; rip is the reset vector's offset.
        assert [len(desc) for desc in statuses] == [336, 336]
        assert all(struct.unpack_from("<Q", desc, 112 + 16 * 8)[0] == 0xfff0 for desc in statuses)
        assert [desc.split(b"\n")[0] for name, _, desc in notes if name == "VMCOREINFO"] != []


# ---- 32 bits ----

@pytest.mark.parametrize("series, levels", [("686", 2), ("686-pae", 3)])
def test_32_bits(series, levels, folder):
    """A kernel of 32 bits ({series}) has its log, symbols and page tables: those of its console and /proc; types it lacks,
    and the stacks of its CPUs go to their ends without"""
    image, release = kernel_of(series)
    with lab.Guest(kernel=image, initrd=lab.lab("initramfs", "i386"), directory=folder) as guest:
        guest.stop()
        console = guest.serial.read_text(errors="replace").splitlines()
        log, info, regs, code, tasks, stacks = answers_on_core(
            guest, folder,
            ["guest-klog", "guest-info", "guest-regs", "guest-x/2i schedule", "guest-ps", "guest-bt -json"]).values()
    assert missing_in(log, console) == []
    assert any(f"Linux {release}, " in line for line in info)
    assert re.search(rf"{levels}-level page tables,\s+image at 0x", "\n".join(info)), info
    assert all(re.match(r"CPU \d+ +\S+ +32-bit ", line) for line in regs[::2]), regs
    assert re.match(r"[ =>]+0xc\w+ <schedule>:\t", code[0]) and re.match(r"[ =>]+0xc\w+ <schedule\+0x\w>:\t", code[1]), code
    assert notes_in(log + info) == []
    # Debian builds these kernels without BTF.
    objects = [json.loads(line) for line in stacks if line.startswith("{")]
    # A CPU may have been stopped within an entry's code.
    broken = [stack["broken"] for stack in objects if not stack["broken"].endswith("an entry into the kernel, has no frame")]
    assert len(objects) == 2 and not any(broken) and all(stack["no_task"] for stack in objects), objects
    ends = [stack["frames"][-1]["symbol"] for stack in objects if stack["end"] == "end"]
    # A CPU is idle, or executes a thread of the kernel's.
    assert set(ends) <= {"startup_32_smp", "ret_from_fork"}, ends
    assert sum("the CPUs' stacks are without their tasks" in line for line in stacks) == 1
    assert len(tasks) == 1 and "the kernel's BTF: it has none (guest-kernel -vmlinux FILE, or guest-core " in tasks[0], tasks


# ---- Without VMCOREINFO ----

def test_no_vmcoreinfo(folder):
    """At the stub a Linux that has no VMCOREINFO, as one that hangs before it has made that, is told by its banner"""
    release = (Path(lab.lab("kernel")) / "release").read_text().strip()
    with lab.Guest(append="initcall_blacklist=crash_save_vmcoreinfo_init", memory=128, smp=1, directory=folder,
                   extra=STUB) as guest, gdb.Session() as session:
        session.command(f"target remote {guest.directory}/gdbstub")
        notes = [line for line in session.command("guest-info") if line.startswith("note: no VMCOREINFO")]
    assert len(notes) == 1 and f'"Linux version {release}"): the kernel has not come so far' in notes[0], notes


# ---- After a crash ----

PANIC = "Kernel panic - not syncing: sysrq triggered crash"
LOOKS = ["guest-kernel", "guest-klog", "guest-info", "guest-x linux_banner s", "guest-kernel -json", "guest-bt -json"]


class Crash:
    """A guest in its kernel for crashes: the console of both kernels, and what is said of it by its stub and its core.

    Of each there is what is said first, when the crashed kernel (chosen) is chosen, and when none is any more (after).
    """

    def __init__(self, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.vmcore = self.folder / "vmcore"
        # Wherever KASLR puts the first kernel, there is room for the other one above 16 MiB.
        with lab.Guest(initrd=lab.lab("kdump"), append="crashkernel=128M lab.kdump=1 sysrq_always_enabled", memory=512,
                       directory=self.folder, extra=STUB) as guest:
            self.qemu = guest.qemu
            guest.hmp("sendkey alt-sysrq-c")
            lab.wait_until(lambda: guest.times_ready() > 1, 240, "the kernel for crashes")
            guest.stop()
            console = guest.serial.read_text(errors="replace")
            self.crashed, self.running = (text.splitlines() for text in re.split(r"(?=\[ *0\.0+\] Linux version)", console)
                                          if "Linux version" in text)
            with gdb.Session() as session:
                session.command(f"target remote {guest.directory}/gdbstub")
                self.stub = self._look(session)
            core = guest.core(self.folder / "core")
        with gdb.Session(self.qemu, core) as session:
            self.core = self._look(session)
            session.command("guest-kernel 2")
            session.command(f"dump-guest-memory {self.vmcore}")
            session.command("core-file")
            session.command(f"core-file {core}")
            self.still = session.command("guest-kernel")

    @staticmethod
    def _look(session):
        said = {"first": answers(session, LOOKS)}
        said["choose"] = session.command("guest-kernel 2")
        said["chosen"] = answers(session, LOOKS)
        said["regs"] = session.command("guest-regs")
        session.command("guest-kernel -auto")
        said["after"] = session.command("guest-klog")
        said["wrong"] = [session.command(f"guest-kernel {word}") for word in ("3", "x")]
        return said


@pytest.fixture(scope="session")
def crash(background, top_folder):
    result = background.start("crash", Crash, top_folder).result()
    yield result
    shutil.rmtree(result.folder)


@pytest.mark.parametrize("target", ["stub", "core"])
def test_kernels(crash, target):
    """A guest in its kernel for crashes, by its {target}, has both kernels listed, and a note has the crashed kernel's end"""
    said = getattr(crash, target)["first"]
    marks = [line[:2] for line in said["guest-kernel"] if line[1:2].isdigit()]
    assert marks == ["*1", " 2"], said["guest-kernel"]
    text = "\n".join(said["guest-kernel"])
    assert re.search(r"^ 2 .*crashed at 20\d\d-", text, re.MULTILINE) and f"panic: {PANIC}\n" in text, text
    for command in ("guest-klog", "guest-info"):
        note, = notes_in(said[command])
        assert "which has crashed" in note and f'"{PANIC}"' in note and "guest-kernel" in note
    running, crashed = map(json.loads, said["guest-kernel -json"])
    assert (running["chosen"], running["panic"], crashed["chosen"], crashed["panic"]) == (True, None, False, PANIC)


@pytest.mark.parametrize("target", ["stub", "core"])
def test_verdicts(crash, target):
    """guest-info's verdict, by the {target}: of two kernels the crashed one has panicked, the other saves its memory"""
    said = getattr(crash, target)
    first, chosen = ("\n".join(said[when]["guest-info"]) for when in ("first", "chosen"))
    assert re.search(r"^state .*to save the memory of a kernel that has crashed", first, re.MULTILINE), first
    assert "\nPANIC" not in first and f"          {PANIC}\n" not in first, first
    assert re.search(rf"^PANIC .*, 20\d\d-\d\d-\d\d .* UTC\n +{PANIC}$", gdb.unwrapped(chosen), re.MULTILINE), chosen
    assert "\nstate" not in chosen, chosen


@pytest.mark.parametrize("target", ["stub", "core"])
def test_logs(crash, target):
    """By the {target} guest-klog has the running kernel's log, after guest-kernel 2 the crashed one's, then again the first"""
    said = getattr(crash, target)
    for lines, console, other in ((said["first"]["guest-klog"], crash.running, crash.crashed),
                                  (said["chosen"]["guest-klog"], crash.crashed, crash.running),
                                  (said["after"], crash.running, crash.crashed)):
        assert missing_in(lines, console) == []
        assert missing_in(lines, other) != []
    assert re.match(r"kernel 2 is chosen: Linux \S+$", said["choose"][0]), said["choose"]
    (none,), (no_number,) = said["wrong"]
    assert none.startswith("guest-kernel: there is no kernel 3"), none
    assert no_number.startswith('guest-kernel: "x" is not a kernel\'s number'), no_number


@pytest.mark.parametrize("target", ["stub", "core"])
def test_choice(crash, target):
    """By the {target} the chosen kernel is guest-info's and guest-x's, and a CPU gets symbols of its own kernel alone"""
    said = getattr(crash, target)
    first, chosen = said["first"], said["chosen"]
    assert [line[:2] for line in chosen["guest-kernel"] if line[1:2].isdigit()] == [" 1", "*2"]
    images = [re.search(r"image at (0x\w+)", unwrapped(info["guest-info"])).group(1) for info in (first, chosen)]
    assert images[0] != images[1]
    banners = [info["guest-x linux_banner s"][-1] for info in (first, chosen)]
    assert all("Linux version" in banner for banner in banners) and banners[0] != banners[1]
    symbols = [line for line in said["regs"] if re.search(r"0xffffffff\w+  \w+\+0x", line)]
    of_crashed = json.loads(chosen["guest-kernel -json"][1])["cpus"]
    assert [int(line.split()[1]) for line in symbols] == of_crashed, said["regs"]


def functions_of(stack):
    return [f"{frame['symbol']}+{frame['offset']:#x}/{frame['size']:#x}" for frame in stack["frames"]]


@pytest.mark.parametrize("target", ["stub", "core"])
def test_stacks(crash, target):
    """By the {target} the crashed kernel's CPUs are walked from their own registers, or from those that the kernel saved when it
    crashed; a CPU that executes the other kernel has no stack"""
    said = getattr(crash, target)
    stacks = [json.loads(line) for line in said["chosen"]["guest-bt -json"] if line.startswith("{")]
    saved, = [stack for stack in stacks if stack["start"] == "crash"]
    assert "does not execute this kernel" in saved["why"]
    # The kernel's own trace, which the console may lack where the other CPU had the console.
    shown, truth = functions_of(saved), [text.strip() for text in texts_of(said["chosen"]["guest-klog"])]
    from_crash = shown[next(i for i, name in enumerate(shown) if name.startswith("sysrq_handle_crash+")):]
    assert len(from_crash) > 10 and set(from_crash) - {text.removeprefix("RIP: 0010:") for text in truth} == set()
    for stack in stacks:
        if stack is not saved:
            assert stack["start"] == "registers" and any("crash_nmi_callback" in name for name in functions_of(stack))
    first = [json.loads(line) for line in said["first"]["guest-bt -json"] if line.startswith("{")]
    # The other CPU may execute a program of this kernel's, without frames.
    of_other, = [stack for stack in first if stack["cpu"] is None]
    assert len(first) == 2 and of_other["comm"] is None and of_other["frames"] == [], first


def test_vmcore_of_choice(crash):
    """The vmcore has the chosen kernel's VMCOREINFO, which says when it crashed; the choice is the core's while GDB lasts"""
    with vmcore.Vmcore(crash.vmcore) as core:
        info, = [desc for name, _, desc in core.notes() if name == "VMCOREINFO"]
    assert b"\nCRASHTIME=" in info
    assert [line[:2] for line in crash.still if line[1:2].isdigit()] == [" 1", "*2"]
