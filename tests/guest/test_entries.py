# SPDX-License-Identifier: GPL-3.0-or-later
"""CPUs in the kernel's entries, before and while the entry saves registers: stopped there by a breakpoint at QEMU's gdbstub."""

import itertools
import re
import shutil

import pytest

import machines
from archs import MULTIARCH, Guest, ask_stub, objects
from test_guest_core import GUEST_CORE

# A guest, an entry that it takes often, the entry's code up to the call of the handler, the place of the interrupted pc, and what is
# typed at the console: the CPUs of ppc64el go on from a state without timer interrupts.
ENTRIES = {
    "riscv64-sid": ("handle_exception", r"handle_exception$", "$sepc", b""),
    "arm64-sid": ("vectors + 0x280", r"(vectors|el1h_64_irq)$", "$ELR_EL1", b""),
    "s390x-sid": ("ext_int_handler", r"ext_int_handler$", "*(long *)0x138", b""),
    "ppc64el-sid": ("exc_virt_0x4500_hardware_interrupt", r"(exc_virt_0x4500_)?hardware_interrupt(_common_virt)?$", "$srr0", b"\n"),
}
# Several instructions at once are left out, others in each guest.
STEPS, SIZE = 9, 6


def place_of(stack):
    """The interrupted code's place, and the rest of the stack."""
    number, entry = next((number, frame["entry"]) for number, frame in enumerate(stack["frames"]) if frame["entry"])
    return [entry[key] for key in ("kind", "user", "pc", "sp")], stack["frames"][number + 1:], stack["end"], stack["user_pc"]


@pytest.mark.expensive
@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.skipif(not machines.may_attach(), reason="processes may not be attached to here")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_entry(name, folder):
    """{name}: from an entry's first instruction to the handler's call the stack is the entry's frame, then the interrupted code, at
    the pc that the hardware has and the stack pointer that the first instruction finds, then that code's callers; with the made
    vmlinux GDB's stack ends in the entry, or goes on at that pc"""
    guest = Guest(name, folder)
    entry, code, interrupted, typed = ENTRIES[name]
    symbol, _, offset = entry.partition(" + ")
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    guest.show("vmlinux", "-guest-addresses", "-output", folder / "vmlinux")
    start = re.search(rf"^([0-9a-f]+) . {symbol}$", (folder / "kallsyms").read_text(), re.MULTILINE)[1]
    # QEMU's gdbstub has no prefix register of s390x, which the process has.
    question = f"shell {GUEST_CORE} -p {{pid}} bt -json" if guest.arch == "s390x" else "guest-bt -json"
    steps = [word for _ in range(STEPS) for word in (f"stepi {SIZE}", question, "bt 2")]
    parts = ask_stub(guest, [f"symbol-file {folder}/vmlinux", "set scheduler-locking step",
                             f"break *{int(start, 16) + int(offset or '0', 16):#x}", "continue",
                             'printf "%d\\n", $_thread - 1', f"print/x (long){interrupted}", "print/x (long)$sp", question, "bt 2", *steps],
                     typed)[4:]
    cpu, pc, sp = (int(part.split()[-1], 0) for part in parts[:3])
    stacks = [next(stack for stack in objects(part) if stack["cpu"] == cpu) for part in parts[3::3]]
    # Behind the call, or behind an interrupt that Linux puts off, is other code.
    stacks = list(itertools.takewhile(lambda stack: re.match(code, stack["frames"][0]["symbol"] or ""), stacks))
    places = [place_of(stack) for stack in stacks]
    assert [int(word, 16) for word in places[0][0][2:]] == [pc, sp], places[0]
    assert len(places) > 3 and [place for place in places if place != places[0]] == [], places
    callers = [re.search(r"^#1 +(0x[0-9a-f]+)", part, re.MULTILINE) for part in parts[4::3]][:len(places)]
    # A program's pc on s390x gets the highest bit.
    assert {int(caller[1], 16) & ~(1 << 63) for caller in callers if caller} <= {pc & ~(1 << 63)}, (parts[4::3], hex(pc))
    shutil.rmtree(guest.folder)


# The register of return addresses; the CPUs of ppc64el have one interrupt, which Linux puts off.
LINKS = {"riscv64-sid": "$ra", "arm64-sid": "$x30", "s390x-sid": "$r14"}
# Instructions of an entry, at most, and of the handler, in C, which makes its frame by them.
MOST, HANDLER = 100, 12


def number_of(part):
    return int(part.split()[-1], 0) % (1 << 64)


@pytest.mark.expensive
@pytest.mark.parametrize("name", LINKS)
@pytest.mark.skipif(not machines.may_attach(), reason="processes may not be attached to here")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_handler(name, folder):
    """{name}: at each of the first instructions of an entry's handler the stack is the handler's frame, that of the entry, which the
    handler returns to, then the interrupted code, at the pc and the stack pointer that the entry found"""
    guest = Guest(name, folder)
    entry, code, interrupted, _ = ENTRIES[name][:4]
    symbol, _, offset = entry.partition(" + ")
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    symbols = [(int(address, 16), text) for address, text in
               re.findall(r"^([0-9a-f]+) . (\S+)$", (folder / "kallsyms").read_text(), re.MULTILINE)]
    start = next(address for address, text in symbols if text == symbol) + int(offset or "0", 16)
    ranges = [(address, min(end for end, _ in symbols if end > address)) for address, text in symbols if re.match(code, text)]
    # Behind some steps GDB has an error of its own, which ends a script.
    (folder / "stepi").write_text("if %s\nstepi\nend\n" % " || ".join(
        f"((unsigned long)$pc >= {first:#x} && (unsigned long)$pc < {end:#x})" for first, end in ranges))
    # QEMU's gdbstub has no prefix register of s390x, which the process has.
    question = f"shell {GUEST_CORE} -p {{pid}} bt -json" if guest.arch == "s390x" else "guest-bt -json"
    parts = ask_stub(guest, ["set scheduler-locking step", f"break *{start:#x}", "continue", 'printf "%d\n", $_thread - 1',
                             f"print/x (long){interrupted}", "print/x (long)$sp", question, *(MOST * [f"source {folder}/stepi"]),
                             f"print/x (long){LINKS[name]}",
                             *(word for _ in range(HANDLER) for word in ("print/x (long)$pc", question, "stepi"))])[3:]
    cpu, pc, sp = map(number_of, parts[:3])
    first, *stacks = (next(stack for stack in objects(part) if stack["cpu"] == cpu) for part in [parts[3], *parts[6 + MOST::3]])
    assert [int(word, 16) for word in place_of(first)[0][2:]] == [pc, sp], first
    assert [int(stack["frames"][0]["pc"], 16) for stack in stacks] == [number_of(part) for part in parts[5 + MOST::3]], stacks
    assert int(stacks[0]["frames"][1]["pc"], 16) == number_of(parts[4 + MOST]), stacks[0]
    assert [stack for stack in stacks if place_of(stack) != place_of(first)] == [], first
    shutil.rmtree(guest.folder)
