# SPDX-License-Identifier: GPL-3.0-or-later
"""The made vmlinux of guests of other architectures than x86, in a plain GDB."""

import collections
import re
import struct
import subprocess

import pytest

import gdb
import vmcore
from archs import MULTIARCH, TRIXIE, ask_stub, is_at_entry
from test_vmlinux import names_of, unnumbered


def functions_of(text):
    """The functions of each CPU's stack, by GDB's "thread apply all bt"; those whose names GDB hides are None."""
    threads = re.split(r"^Thread (\d+) .*$", text, flags=re.MULTILINE)[1:]
    return {int(number): [None if name.startswith("<") else name for name in names_of(lines.splitlines())]
            for number, lines in zip(threads[::2], threads[1::2])}


def check_stacks(shown, stacks):
    """Holds GDB's stacks against guest-bt's, up to a program and to code that the kernel has freed, which GDB cannot read, and to an
    entry that has not saved all registers."""
    for number, stack in enumerate(stacks, 1):
        ours = [unnumbered(frame["symbol"]) for frame in stack["frames"]]
        theirs = [name or ours[i] for i, name in enumerate(shown[number][:len(ours)])]
        assert theirs == ours[:len(theirs)] and not any(shown[number][len(ours):]), (shown[number], ours)
        missing = ours[len(theirs):]
        entry = stack["frames"][0]["entry"] if stack["frames"] else None
        is_entering = len(theirs) == 1 and entry and not entry["registers"]
        assert not missing or is_entering or "rest_init" in theirs, (theirs, ours)


def multiarch(*words):
    arguments = [word for line in ("set width 0", *words) for word in ("-ex", line)]
    gdb.count(arguments, MULTIARCH)
    return subprocess.run([MULTIARCH, "-nx", "-batch", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=gdb.PATIENCE).stdout


def check_by_elflint(path):
    lint = subprocess.run(["eu-elflint", path], capture_output=True, text=True)
    assert (lint.returncode, lint.stdout) == (0, "No errors\n")


def names_of_code(guest, folder):
    """The first name, in kallsyms' order, of each address of code that has several; not names that GDB does not show as they are,
    with a dot or capital letters."""
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    names = collections.defaultdict(list)
    for address, name in re.findall(r"^(\S+) [tTwW] (\S+)$", (folder / "kallsyms").read_text(), re.MULTILINE):
        names[int(address, 16)].append(name)
    return {address: row[0] for address, row in names.items() if len(row) > 1 and re.fullmatch("[a-z0-9_]+", row[0])}


def check_vmlinux(guest, folder):
    """Makes a vmlinux and a vmcore; holds a plain GDB's stacks of the CPUs, types and symbols against guest-core's."""
    guest.show("vmlinux", "-guest-addresses", "-output", folder / "vmlinux")
    guest.show("dump", folder / "vmcore")
    check_by_elflint(folder / "vmlinux")
    with vmcore.Vmcore(folder / "vmcore") as core:
        header = (folder / "vmlinux").read_bytes()[:64]
        assert struct.unpack_from(f"{core.order}H", header, 18)[0] == core.machine and header[5] == (2 if core.order == ">" else 1)
    names = names_of_code(guest, folder)
    text = multiarch(f"core-file {folder}/vmcore", f"symbol-file {folder}/vmlinux", "print init_task.comm", "print/d &((struct task_struct *)0)->comm",
                     "info symbol schedule", "echo @@\\n", *(f"info symbol {address}" for address in names), "echo @@\\n", "thread apply all bt")
    facts, shown, stacks = text.split("@@\n")
    # Of several names of a function the kernel's own messages have the first. Code that is freed has no section.
    shown = [(line.split()[0], name) for line, name in zip(shown.splitlines(), names.values(), strict=True) if " in section " in line]
    assert len(shown) > 10 and [theirs for theirs, _ in shown] == [name for _, name in shown], shown
    offset, = (row["offset"] for row in guest.json("struct", "task_struct") if row["path"] == "comm")
    assert '"swapper/0\\000' in facts and "schedule in section .text" in facts, text
    assert f"= {offset}\n" in facts, (facts, offset)
    shown = functions_of(stacks)
    # A CPU at the first instruction of an entry has the program's stack, which is not in the vmcore.
    ours = [stack for stack in guest.json("bt") if not is_at_entry(stack)]
    check_stacks({number: shown[stack["cpu"] + 1] for number, stack in enumerate(ours, 1)}, ours)


@pytest.mark.machines("arm64-sid", "s390x-sid")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_vmlinux(guest, folder):
    """{guest}: with the made vmlinux on the vmcore a plain gdb-multiarch shows the stack of each CPU, types and symbols"""
    check_vmlinux(guest, folder)


@pytest.mark.expensive
@pytest.mark.machines("riscv64-sid", "ppc64el-sid", *TRIXIE)
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_further_vmlinux(guest, folder):
    """{guest}: with the made vmlinux on the vmcore a plain gdb-multiarch shows the stack of each CPU, types and symbols"""
    check_vmlinux(guest, folder)
    if guest.arch == "riscv64":
        # Where a CPU that has started is called from, in front of .text.
        assert "secondary_start_sbi in section .head.text" in multiarch(f"symbol-file {folder}/vmlinux", "info symbol secondary_start_sbi")
    # The file with data.
    guest.show("vmlinux", "-output", folder / "whole")
    check_by_elflint(folder / "whole")


@pytest.mark.machines("s390x-6.1", "ppc64el-6.1", "i386-6.1")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_vmlinux_without_types(guest, folder):
    """{guest}: of a kernel without BTF the made vmlinux has symbols and frames, and a plain gdb-multiarch shows the stack of each CPU
    of i386, up to a program"""
    assert "the kernel has no BTF" in guest.show("vmlinux", "-guest-addresses", "-output", folder / "vmlinux")
    guest.show("dump", folder / "vmcore")
    text = multiarch(f"core-file {folder}/vmcore", f"symbol-file {folder}/vmlinux", "info symbol schedule", "echo @@\\n", "thread apply all bt")
    facts, _, stacks = text.partition("@@\n")
    assert "schedule in section .text" in facts, text
    # The place of struct pt_regs follows from types elsewhere: an entry ends the stack there.
    if guest.arch == "i386":
        shown = functions_of(stacks)
        stacks = [stack for stack in guest.json("bt") if not is_at_entry(stack)]
        check_stacks({number: shown[stack["on_cpu"] + 1] for number, stack in enumerate(stacks, 1)}, stacks)


@pytest.mark.expensive
@pytest.mark.machines("arm64-sid", "s390x-sid", "riscv64-sid", "ppc64el-sid")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_vmlinux_at_the_stub(guest, folder):
    """{guest}: at QEMU's gdbstub the made vmlinux gives gdb-multiarch the stack of each CPU, variables, types, symbols, and a breakpoint
    that is hit"""
    guest.show("vmlinux", "-guest-addresses", "-output", folder / "vmlinux")
    # The CPUs of ppc64el may go on from a state without timer interrupts, and then what is typed has schedule() called.
    # A CPU in a program may not read the kernel's memory.
    _, stacks, layout, symbol, _, hit, innermost, variable = ask_stub(guest, [
        f"symbol-file {folder}/vmlinux", "thread apply all bt", "ptype struct list_head", "info symbol schedule",
        "break schedule", "continue", "bt 1", "print init_task.comm"], b"\n" if guest.arch == "ppc64le" else b"")
    shown = functions_of(stacks)
    ours = [stack for stack in guest.json("bt") if not is_at_entry(stack)]
    check_stacks({number: shown[stack["cpu"] + 1] for number, stack in enumerate(ours, 1)}, ours)
    assert '= "swapper/0\\000' in variable and "struct list_head *next;" in layout
    assert symbol.startswith("schedule in section .text")
    assert re.search(r"Breakpoint 1, 0x[0-9a-f]+ in schedule ", hit) and re.match(r"#0 +0x[0-9a-f]+ in schedule ", innermost), (hit, innermost)
