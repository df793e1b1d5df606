# SPDX-License-Identifier: GPL-3.0-or-later
"""CPUs in the kernel's entries, before and while the entry saves registers: stopped there by a breakpoint at QEMU's gdbstub."""

import itertools
import re
import shutil

import pytest

import machines
from archs import MULTIARCH, Guest, ask_stub, objects

# A guest, an entry that it takes often, or the code that leaves one, the entry's code up to the call of the handler, the place of the
# interrupted pc, and what is typed at the console: the CPUs of ppc64el go on from a state without timer interrupts.
ENTRIES = {
    "riscv64-sid": ("handle_exception", r"handle_exception$", "$sepc", b""),
    "arm64-sid": ("vectors + 0x280", r"(vectors|el1h_64_irq)$", "$ELR_EL1", b""),
    "s390x-sid": ("ext_int_handler", r"ext_int_handler$", "*(long *)0x138", b""),
    "s390x-sid-machine-check": ("mcck_int_handler", r"mcck_int_handler$", "*(long *)0x168", b""),
    "ppc64el-sid": ("exc_virt_0x4500_hardware_interrupt", r"(exc_virt_0x4500_)?hardware_interrupt(_common_virt)?$", "$srr0", b"\n"),
    # The saved registers are at the stack pointer.
    "riscv64-sid-return": ("ret_from_exception", r"ret_from_exception$", "*(long *)$sp", b""),
    "arm64-sid-return": ("ret_to_user", r"ret_to_user$", "*(long *)($sp + 256)", b""),
    "i386-6.1": ("asm_sysvec_apic_timer_interrupt", r"(asm_sysvec_apic_timer_interrupt|handle_exception)$", "*(unsigned *)$sp", b"\n"),
    "i386-6.1-return": ("restore_all_switch_stack", r"restore_all_switch_stack$", "*(unsigned *)($sp + 48)", b"\n"),
}
# The place of the interrupted stack pointer, where it is not in sp: i386 keeps a program's, and leaves the kernel's above.
STACK_POINTERS = {
    "riscv64-sid-return": "*(long *)($sp + 16)",
    "arm64-sid-return": "*(long *)($sp + 248)",
    "i386-6.1": "(*(int *)($sp + 4) & 3 ? *(unsigned *)($sp + 12) : (unsigned)$sp + 12)",
    "i386-6.1-return": "*(unsigned *)($sp + 60)",
}
# What has QEMU make an interruption that a guest rarely has.
CAUSES = {"s390x-sid-machine-check": "monitor device_add virtio-rng-ccw"}
# A program's pc.
PROGRAM = 0x10203040
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
    """{name}: from an entry's first instruction to the handler's call, or from there to the return, the stack is the entry's frame,
    then the interrupted code, at the pc that the hardware has and the stack pointer that the first instruction finds, then that
    code's callers; with the made vmlinux GDB's stack ends in the entry, or goes on at that pc"""
    guest = Guest(name.removesuffix("-return").removesuffix("-machine-check"), folder)
    entry, code, interrupted, typed = ENTRIES[name]
    above = STACK_POINTERS.get(name, "$sp")
    symbol, _, offset = entry.partition(" + ")
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    guest.show("vmlinux", "-guest-addresses", "-output", folder / "vmlinux")
    start = re.search(rf"^([0-9a-f]+) . {symbol}$", (folder / "kallsyms").read_text(), re.MULTILINE)[1]
    steps = [word for _ in range(STEPS) for word in (f"stepi {SIZE}", "guest-bt -json", "bt 2")]
    parts = ask_stub(guest, [CAUSES.get(name, "echo"), f"symbol-file {folder}/vmlinux", "set scheduler-locking step",
                             f"break *{int(start, 16) + int(offset or '0', 16):#x}", "continue",
                             'printf "%d\\n", $_thread - 1', f"print/x (long){interrupted}", f"print/x (long){above}", "guest-bt -json", "bt 2", *steps],
                     typed)[5:]
    cpu, pc, sp = (int(part.split()[-1], 0) for part in parts[:3])
    stacks = [next(stack for stack in objects(part) if stack["on_cpu"] == cpu) for part in parts[3::3]]
    # Behind the call, or behind an interrupt that Linux puts off, is other code. The way out may call a function first.
    choose = filter if name.endswith("-return") else itertools.takewhile
    stacks = list(choose(lambda stack: stack["frames"] and re.match(code, stack["frames"][0]["symbol"] or ""), stacks))
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
    parts = ask_stub(guest, ["set scheduler-locking step", f"break *{start:#x}", "continue", 'printf "%d\n", $_thread - 1',
                             f"print/x (long){interrupted}", "print/x (long)$sp", "guest-bt -json", *(MOST * [f"source {folder}/stepi"]),
                             f"print/x (long){LINKS[name]}",
                             *(word for _ in range(HANDLER) for word in ("print/x (long)$pc", "guest-bt -json", "stepi"))])[3:]
    cpu, pc, sp = map(number_of, parts[:3])
    first, *stacks = (next(stack for stack in objects(part) if stack["on_cpu"] == cpu) for part in [parts[3], *parts[6 + MOST::3]])
    assert [int(word, 16) for word in place_of(first)[0][2:]] == [pc, sp], first
    assert [int(stack["frames"][0]["pc"], 16) for stack in stacks] == [number_of(part) for part in parts[5 + MOST::3]], stacks
    assert int(stacks[0]["frames"][1]["pc"], 16) == number_of(parts[4 + MOST]), stacks[0]
    assert [stack for stack in stacks if place_of(stack) != place_of(first)] == [], first
    shutil.rmtree(guest.folder)


@pytest.mark.expensive
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_vectored_call(folder):
    """ppc64el-sid: a CPU at the vector of the instruction scv, and on its way to the common code, is in a system call of a program, at
    the pc that LR has; the vector's first name is a mark, the end of the code before"""
    guest = Guest("ppc64el-sid", folder)
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    start, = re.findall(r"^([0-9a-f]+) . exc_virt_0x4500_hardware_interrupt$", (folder / "kallsyms").read_text(), re.MULTILINE)
    looks = [word for _ in range(5) for word in ("guest-bt -json", "stepi 3")]
    # The hardware leaves r1 and LR, and goes to the vector; the code of the way is real.
    parts = ask_stub(guest, ["set scheduler-locking step", f"break *0x{start}", "continue", "delete", 'printf "%d\\n", $_thread - 1',
                             "print/x (long)$r1", f"set $lr = {PROGRAM}", "set $pc = 0xc000000000003000", *looks], b"\n")[4:]
    cpu, sp = map(number_of, parts[:2])
    stacks = [next(stack for stack in objects(part) if stack["on_cpu"] == cpu) for part in parts[4::2]]
    assert len({stack["frames"][0]["symbol"] for stack in stacks}) == 3, stacks
    for stack in stacks:
        assert place_of(stack) == (["syscall", True, f"{PROGRAM:#018x}", f"{sp:#018x}"], [], "user", f"{PROGRAM:#018x}"), stack
    shutil.rmtree(guest.folder)


# No program and no kernel has anything below.
NOWHERE = 0x8000


@pytest.mark.expensive
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_double_fault(folder):
    """i386-6.1: a stack pointer that leads nowhere is a double fault, a task of its own: the stack goes on from there, from its first
    instruction and from its handler on, at the pc and the stack pointer that the kernel's own message has"""
    guest = Guest("i386-6.1", folder)
    guest.show("vmlinux", "-guest-addresses", "-output", folder / "vmlinux")
    handler = "sysvec_apic_timer_interrupt"
    parts = ask_stub(guest, [f"symbol-file {folder}/vmlinux", f"break *{handler}", "continue", 'printf "%d\\n", $_thread - 1',
                             "print/x (int)$pc", "guest-bt -json", f"set $sp = {NOWHERE}", "delete", "break *asm_exc_double_fault", "continue",
                             "guest-bt -json", "break *exc_double_fault", "continue", "guest-bt -json", "break panic", "continue", "guest-klog"], b"\n")[3:]
    cpu, pc = map(number_of, parts[:2])
    before, first, later = (next(stack for stack in objects(part) if stack["on_cpu"] == cpu) for part in (parts[2], parts[7], parts[10]))
    for stack, names in (first, ["asm_exc_double_fault"]), (later, ["exc_double_fault", "doublefault_shim", "asm_exc_double_fault"]):
        frames = stack["frames"][:len(names)]
        assert [frame["symbol"] for frame in frames] == names, stack
        assert not any(frame["guess"] for frame in stack["frames"][:len(names) + 1]), stack
        kind, name, *place = (frames[-1]["entry"][key] for key in ("kind", "name", "pc", "sp"))
        assert (kind, name, [int(word, 16) for word in place]) == ("exception", "double_fault", [pc, NOWHERE]), stack
        # Nothing is where the return address should be: the frame pointer leads to the caller's caller.
        assert [frame["pc"] for frame in stack["frames"][len(names) + 1:]] == [frame["pc"] for frame in before["frames"][2:]], stack
        assert all(frame["guess"] for frame in stack["frames"][len(names) + 1:]), stack
    log = parts[-1]
    assert "PANIC: double fault" in log and f"EIP: {handler}+0x0/" in log and f"ESP: {NOWHERE:08x}" in log, log[-3000:]
    shutil.rmtree(guest.folder)


# More instructions than the trampoline has, more bytes than the image.
TRAMPOLINE, IMAGE = 24, 256 << 20


@pytest.mark.expensive
@pytest.mark.skipif(not machines.may_attach(), reason="processes may not be attached to here")
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_trampoline(folder):
    """arm64-6.1: a CPU in the trampoline on its way to a program, and in the program, whose page tables lack the kernel, executes the
    kernel all the same; its stack has the trampoline's frame, or none, and the program's place"""
    guest = Guest("arm64-6.1", folder)
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    place = {name: int(address, 16) for address, name in
             re.findall(r"^([0-9a-f]+) . (ret_to_user|_stext)$", (folder / "kallsyms").read_text(), re.MULTILINE)}
    (folder / "leave").write_text(f"while (unsigned long)$pc >= {place['_stext']:#x} && (unsigned long)$pc < {place['_stext'] + IMAGE:#x}\nstepi\nend\n")
    looks = [word for _ in range(TRAMPOLINE) for word in ("stepi", "print/x (long)$pc", "print/x (long)$sp", "guest-bt -json")]
    parts = ask_stub(guest, ["set scheduler-locking step", f"break *{place['ret_to_user']:#x}", "continue", "delete",
                             'printf "%d\\n", $_thread - 1', f"source {folder}/leave", *looks, "guest-kernel -json"])[4:]
    cpu = number_of(parts[0])
    seen = [(number_of(pc), number_of(sp), next(stack for stack in objects(look) if stack["cpu"] == cpu))
            for pc, sp, look in zip(parts[3:-1:4], parts[4:-1:4], parts[5:-1:4])]
    inside = [stack for pc, _, stack in itertools.takewhile(lambda look: look[0] >> 63, seen)]
    user_pc, user_sp, _ = seen[len(inside)]
    assert len(inside) > 4
    for stack in inside:
        assert [frame["symbol"] for frame in stack["frames"]] == [None] and place_of(stack)[0][1:] == [
            True, f"{user_pc:#018x}", f"{user_sp:#018x}"], stack
    # The program may come back by the trampoline.
    for pc, sp, stack in itertools.takewhile(lambda look: not look[0] >> 63, seen[len(inside):]):
        assert (stack["frames"], stack["end"], stack["user_pc"], stack["user_sp"]) == ([], "user", f"{pc:#018x}", f"{sp:#018x}"), stack
    assert objects(parts[-1])[0]["cpus"] == [0, 1]
    shutil.rmtree(guest.folder)


@pytest.mark.expensive
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_switch(folder):
    """arm64-sid: a CPU that is about to leave the stack of a task for that of the next, which the run queue has already, is shown with
    the first; the next one's stack is that in memory"""
    guest = Guest("arm64-sid", folder)
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    start = re.search(r"^([0-9a-f]+) . __switch_to$", (folder / "kallsyms").read_text(), re.MULTILINE)[1]
    # The arguments are the two tasks.
    parts = ask_stub(guest, [f"break *0x{start}", "continue", 'printf "%d\\n", $_thread - 1', "print/x (long)$x0", "print/x (long)$x1",
                             "guest-bt -json", "guest-bt -all -json"])[2:]
    cpu, before, after = map(number_of, parts[:3])
    stack = next(stack for stack in objects(parts[3]) if stack["on_cpu"] == cpu)
    assert int(stack["task"], 16) == before != after and stack["frames"][0]["symbol"] == "__switch_to" and not stack["broken"], stack
    stack, = (stack for stack in objects(parts[4]) if int(stack["task"], 16) == after)
    assert (stack["on_cpu"], stack["why"], stack["broken"]) == (None, "", "") and stack["frames"], stack
    shutil.rmtree(guest.folder)


# More instructions than lead to the callee; stacks by GDB there.
SWITCH, LOOKS = 40, 4


@pytest.mark.expensive
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_interrupt_stacks(folder):
    """ppc64el-6.12: at each instruction of the functions that switch to a stack for interrupts, and of the beginning of what they call there, the
    stack goes on at the pc and the stack pointer that the function was called from, then with the callers before; with the made
    vmlinux GDB's stack in the callee does, too"""
    guest = Guest("ppc64el-6.12", folder)
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    guest.show("vmlinux", "-guest-addresses", "-output", folder / "vmlinux")
    symbols = {symbol: int(address, 16) for address, symbol in
               re.findall(r"^([0-9a-f]+) . (__do_IRQ|do_softirq_own_stack)$", (folder / "kallsyms").read_text(), re.MULTILINE)}
    for function in "__do_IRQ", "do_softirq_own_stack":
        # Behind the setting of r2. The one has what the other wants, which is seldom called.
        start = symbols[function] + 8
        parts = ask_stub(guest, [f"symbol-file {folder}/vmlinux", "set scheduler-locking step", f"break *{symbols['__do_IRQ'] + 8:#x}", "continue",
                                 'printf "%d\n", $_thread - 1', f"set $pc = {start:#x}", "print/x (long)$lr", "print/x (long)$r1",
                                 *(SWITCH * ["stepi", "guest-bt -json"]), *(LOOKS * ["bt 5", "stepi"])], b"\n")[4:]
        cpu, link, sp = number_of(parts[0]), *map(number_of, parts[2:4])
        seen = [next(stack for stack in objects(look) if stack["on_cpu"] == cpu)["frames"] for look in parts[5:4 + 2 * SWITCH:2]]
        if function in [frame["symbol"] for frame in seen[0][1:]]:
            # The interrupt came on the very stack.
            continue
        callers = [frames[next(i for i, frame in enumerate(frames) if frame["symbol"] == function) + 1:] for frames in seen]
        assert [int(callers[0][0][key], 16) for key in ("pc", "sp")] == [link, sp] and callers == [callers[0]] * SWITCH, callers
        assert {function} < {frames[0]["symbol"] for frames in seen}
        for shown in parts[4 + 2 * SWITCH::2]:
            assert int(re.search(r"<signal handler called>\n#\d+ +(0x[0-9a-f]+)", shown)[1], 16) == link, shown
    shutil.rmtree(guest.folder)
