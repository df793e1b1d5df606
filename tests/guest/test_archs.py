# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of other architectures than x86, against QEMU's monitor and dump and the guest's own /proc (lab/arch.sh)."""

import gzip
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

import gdb
import machines
import vmcore
from archs import CHEAP, Guest, MULTIARCH, WITH_TASKS
from machines import lab
from test_arch_stub import check_i386_running, check_walks
from test_guest_core import guest_core
from test_readers import run_python
from test_tasks import PF_KTHREAD


def test_registers(guest):
    """{guest}: each line of guest-regs -all is a line of QEMU's monitor, the general registers' lines are all there"""
    # QEMU's text of ppc64 has TCG's own state too, and the CPU's number once more.
    text = re.sub(r"(?<=[0-9a-f]{16}) ( HF .*|CPU#\d+)$", "", guest.record.text("registers").replace("\r", ""), flags=re.MULTILINE)
    monitor = re.split(r"^CPU#\d+$", text, flags=re.MULTILINE)[1:]
    shown = re.split(r"^CPU#\d+$", guest.show("regs", "-all"), flags=re.MULTILINE)[1:]
    assert len(monitor) == len(shown) == 2
    for theirs, ours in zip(monitor, shown):
        assert len(re.findall(rf"\b[0-9a-f]{{{guest.digits}}}\b", ours)) > 30, ours
        # Our text ends with registers that QEMU's has not, or begins with fewer.
        lines = [line for line in ours.splitlines() if re.search(rf"\b[0-9a-f]{{{guest.digits}}}\b", line)]
        lines = [line for line in lines if not re.match(r"\w+_EL\d=|SYSENTER_", line)]
        # A CPU with SVE shows its longer registers.
        lines = [line for line in lines if not line.startswith("Q") or "Q00=" in theirs]
        patterns = [re.escape(line).replace(r"\?", "?").replace("?", ".") for line in lines]
        assert [line for line in patterns if not re.search(f"^{line}$", theirs, re.MULTILINE)] == []


@pytest.mark.machines("s390x-6.1", "s390x-sid")
def test_psw(guest):
    """{guest}: guest-regs -all has each CPU's PSW in words; the CPU's prefix leads to the lowcore of that CPU's number"""
    masks = [int(mask, 16) for mask in re.findall(r"^PSW=mask ([0-9a-f]{16})", guest.record.text("registers"), re.MULTILINE)]
    shown = re.split(r"^CPU#\d+$", guest.show("regs", "-all"), flags=re.MULTILINE)[1:]
    assert len(masks) == len(shown) == 2
    for number, (mask, text) in enumerate(zip(masks, shown)):
        # z/Architecture Principles of Operation, chapter 4: bits 5 DAT, 6 I/O, 7 external, 13 machine check, 14 wait, 15 problem state,
        # 16 and 17 the space; Linux has 64-bit addresses and key 0 everywhere.
        bits = f"{mask:064b}"
        space = ["primary", "access-register", "secondary", "home"][int(bits[16:18], 2)]
        words = [f"{'problem' if bits[15] == '1' else 'supervisor'} state, key 0, 64-bit addresses, DAT in {space} space"]
        words += [name for bit, name in ((14, "wait state"), (6, "I/O interrupts"), (7, "external interrupts"), (13, "machine checks"))
                  if bits[bit] == "1"]
        assert bits[5] == "1" and f"PSW    {', '.join(words)}\n" in text
        prefix = int(re.search(r"^prefix ([0-9a-f]{8})$", text, re.MULTILINE)[1], 16)
        if guest.name in WITH_TASKS:
            fields = guest.json("struct", "lowcore.cpu_nr", hex(prefix))[0]["value"]
            assert fields == {"cpu_nr": number}


def words(core, desc):
    """The words of NT_PRSTATUS behind the task."""
    if core.machine == vmcore.EM_386:
        return struct.unpack("<27I", desc[36:])
    return struct.unpack(f"{core.order}{len(desc) // 8 - 5}Q", desc[40:len(desc) // 8 * 8])


def known_words(core, desc):
    """The same without the condition code of s390x, which TCG keeps elsewhere: QEMU's dump has that of the PSW that was loaded last
    (target/s390x/arch_dump.c)."""
    found = words(core, desc)
    if core.machine == vmcore.EM_S390:
        found = (*found[:9], found[9] & ~(3 << 44), *found[10:])
    return found


def vectors_of(core):
    """The notes of SVE's registers, but for FPSR and FPCR at their ends, which QEMU does not save by name."""
    return [desc[:-16] for name, kind, desc in core.notes() if (name, kind) == ("LINUX", 0x405)]


def test_dump(guest, folder):
    """{guest}: a vmcore has the bytes of QEMU's own, the words of its NT_PRSTATUS, and its NT_ARM_SVE"""
    shown = guest.show("dump", folder / "vmcore")
    # FPSR and FPCR of aarch64, VSCR of ppc64 are not among what QEMU saves by name: their place in the notes has 0, and a note
    # says so.
    assert ("unknown registers are 0" in shown) == (guest.arch in ("aarch64", "ppc64le")), shown
    with vmcore.Vmcore(folder / "vmcore") as ours, vmcore.Vmcore(guest.record.dump) as theirs:
        ours.check()
        assert ours.machine == theirs.machine and ours.order == ("<" if guest.arch == "ppc64le" else theirs.order)
        assert vmcore.difference(folder / "vmcore", guest.record.dump) is None
        # QEMU writes the registers of a little-endian guest of ppc64 big-endian (target/ppc/arch_dump.c asks for the
        # hypervisor's order): the file has the guest's own order.
        assert vectors_of(ours) == vectors_of(theirs) and len(vectors_of(ours)) == (2 if guest.name in ("arm64-6.12", "arm64-sid", "arm64-16k") else 0)
        registers = [[known_words(core, desc) for name, kind, desc in core.notes() if kind == 1] for core in (ours, theirs)]
        assert registers[0] == registers[1] and len(registers[0]) == 2


def pcs_of(text):
    """The CPUs' program counters, as guest-regs prints them."""
    return [int(pc, 16) for pc in re.findall(r"(?:64|32)-bit \S+ +0x([0-9a-f]{16})", text)]


def test_own_dump(guest):
    """{guest}: QEMU's own dump is a vmcore, whose notes have each CPU's pc, in whatever byte order QEMU wrote them"""
    pcs = [pcs_of(text) for text in (guest.show("regs"), guest_core(guest.record.dump, "regs"))]
    assert pcs[0] == pcs[1] and len(pcs[0]) == 2


def test_kernel(guest):
    """{guest}: guest-info names the kernel by its banner, the CPUs run it, and it is in no trouble"""
    text = guest.show("info")
    release = guest.texts["/proc/version"].split()[2].decode()
    assert f"Linux {release}, host name lab-guest" in text
    # A slow machine's kernel may have complained at its boot.
    assert "no panic" in text or re.search(rb"rcu: INFO: |soft lockup|blocked for more than", guest.texts["/arch/log"]), text
    assert ("the linear map alone (hash MMU)" in text) == (guest.record.name == "ppc64el-hash")
    # LPA2, and Sv57, which later kernels of riscv64 do not ask for.
    assert ("5-level page tables" in text) == (guest.name in ("arm64-6.12", "arm64-sid", "riscv64-6.12")), text
    kernel, = guest.json("kernel")
    assert kernel["release"] == release and kernel["cpus"] == [0, 1] and kernel["architecture"] == guest.arch


def test_log(guest):
    """{guest}: guest-klog -raw is dmesg -r"""
    lines = guest.texts["/arch/log"].decode().splitlines()
    ours = guest.show("klog", "-raw").splitlines()
    assert len(lines) > 100 and ours[:len(lines)] == lines


def test_symbols(guest, folder):
    """{guest}: all symbols are /proc/kallsyms', line by line; one that a command names has its address"""
    lines = guest.texts["/proc/kallsyms"].decode().splitlines()
    guest.show("vmlinux", "-kallsyms", folder / "kallsyms")
    ours = (folder / "kallsyms").read_text().splitlines()
    # BPF programs and probes' slots come and go.
    ours, lines = ([line for line in some if not re.search(r"\t\[(bpf|__builtin__\w+)\]$", line)] for some in (ours, lines))
    differing = [pair for pair in zip(ours, lines) if pair[0] != pair[1]]
    assert (len(ours), differing[:5]) == (len(lines), []) and len(ours) > 30000
    address, _, name = next(line for line in lines if line.endswith(" schedule")).split()
    assert int(guest.json("x/x", name)[0]["address"], 16) == int(address, 16)


@pytest.mark.machines("arm64-6.1", "arm64-sid")
def test_instructions(guest):
    """{guest}: guest-x/i shows instructions with the symbols that they branch to"""
    lines = guest.show("x/40i", "schedule").splitlines()
    assert len(lines) == 40 and not any("(bad)" in line for line in lines)
    assert any(re.search(r"\tbl #0x[0-9a-f]+ <__?schedule(\+0x[0-9a-f]+)?>$", line) for line in lines), lines


def check_tasks(guest):
    """Holds the tasks against /proc's."""
    rows = {row["pid"]: row for row in guest.json("ps", "-threads", "-args", "-paths") if row["pid"]}
    checked = 0
    for tid, place in guest.tasks().items():
        fields = guest.texts[place + "stat"].rpartition(b")")[2].decode().split()
        name = guest.texts[place + "comm"][:-1].decode()
        # The programs that wrote the truth are gone, and a worker changes its name.
        if name in ("sh", "gzip", "cat") and tid not in rows or name.startswith("kworker"):
            continue
        row, parent = rows[tid], int(fields[1])
        if not int(fields[6]) & PF_KTHREAD:
            # Process 1 inherits from those that are gone.
            assert (row["comm"], row["ppid"]) == (name, parent if parent in rows or not parent else 1), row
        if name == "arch-sleeper":
            assert row["state"] == fields[0] == "S"
            process = re.match(r"/proc/\d+/", place)[0]
            arguments = guest.texts[process + "cmdline"].decode().split("\0")[:-1]
            # The hash MMU's tables are not read: a program's memory is unknown.
            assert row["args"] == ([None] if guest.record.name == "ppc64el-hash" else arguments), row
            assert row["exe"] == guest.texts[process + "exe"].decode() and row["cwd"] == guest.texts[process + "cwd"].decode()
            checked += 1
    assert checked == 2


@pytest.mark.machines(*WITH_TASKS)
def test_tasks(guest):
    """{guest}: name, parent, state of all tasks, arguments, programs and working directories are /proc's"""
    check_tasks(guest)


def line_of(frame):
    module = f" [{frame['module']}]" if frame["module"] else ""
    return f"{frame['symbol']}+{frame['offset']:#x}/{frame['size']:#x}{module}"


SCHEDULER = re.compile(r"(__schedule|schedule\w*|do_nanosleep|preempt_schedule\w*|wait_for_completion\w*|__wait_for_common|io_schedule\w*"
                       r"|__switch_to)\+")
# The programs that lab/arch.sh starts and that never wake up.
ASLEEP = {"arch-sleeper", "sleep", "cat", "ash"}


def has_run(guest, pid, place):
    """Tests whether a task has run since the truth was written, by the kernel's counts of its switches."""
    counts = guest.json("struct", "task_struct.nvcsw,nivcsw", "-pid", str(pid))[0]["value"]
    truth = re.findall(rb"^(?:non)?voluntary_ctxt_switches:\s*(\d+)$", guest.texts[place + "status"], re.MULTILINE)
    return [counts["nvcsw"], counts["nivcsw"]] != [int(count) for count in truth]


def check_sleeping(guest):
    """Holds the stack of each task that sleeps against /proc's."""
    stacks = {stack["pid"]: stack for stack in guest.json("bt", "-all") if stack["pid"]}
    assert all(int(frame["sp"], 16) % 4 == 0 for stack in stacks.values() for frame in stack["frames"])
    same, differing = [], []
    for tid, place in guest.tasks().items():
        name = guest.texts[place + "comm"][:-1].decode()
        state = guest.texts[place + "stat"].rpartition(b")")[2].split()[0]
        lines = re.findall(r"^\[<0>\] (.*)$", guest.texts[place + "stack"].decode(), re.MULTILINE)
        if tid not in stacks or stacks[tid]["on_cpu"] is not None or state not in (b"S", b"T", b"I"):
            continue
        if name.startswith("kworker") or not lines:
            continue
        # On ppc64 /proc begins with the switch's own frame, which has a stale word for the return address.
        while guest.arch == "ppc64le" and any("__switch_to+" in line for line in lines):
            del lines[0]
        ours = [line_of(frame) for frame in stacks[tid]["frames"]]
        while ours and ours[0] != lines[0] and SCHEDULER.match(ours[0]):
            del ours[0]
        if ours == lines:
            same.append(name)
        else:
            differing.append((tid, name, ours, lines))
    assert len(same) > 10 and ASLEEP <= set(same), (same, differing)
    if guest.vmlinux:
        # guest-struct lacks types, and so nothing tells which of the others have run.
        assert ASLEEP.isdisjoint(name for _, name, *_ in differing) and len(differing) < len(same) // 2, differing
    else:
        assert [task for task in differing if not has_run(guest, task[0], guest.tasks()[task[0]])] == []


@pytest.mark.machines(*WITH_TASKS)
def test_stacks(guest):
    """{guest}: the stack of each task that sleeps is /proc's line by line, without the scheduler's own functions"""
    check_sleeping(guest)


@pytest.mark.expensive
def test_i386_vmlinux(folder):
    """With the vmlinux of its kernel a guest of i386 has its tasks, modules, system calls, and the stack of each task that sleeps is
    /proc's; page walks are QEMU's; it is profiled and traced at the stub"""
    guest = Guest("i386-6.1", folder)
    guest.vmlinux = lab.lab("vmlinux", "686-pae")
    tasks = {row["pid"]: row["comm"] for row in guest.json("ps", "-threads")}
    names = {tid: guest.texts[place + "comm"][:-1].decode() for tid, place in guest.tasks().items()}
    # Those that wrote the truth are gone, and a worker may be.
    missing = [name for tid, name in names.items()
               if tid not in tasks and name not in ("sh", "gzip", "cat", "arch") and not name.startswith("kworker")]
    assert missing == [] and sum(name == "arch-sleeper" for name in tasks.values()) == 2
    check_sleeping(guest)
    check_running(guest)
    waiting = next(tid for tid, name in names.items() if name == "ash")
    assert "<system call 114 wait4>" in guest.show("bt", "-pid", str(waiting))
    check_others(guest)
    check_pages(guest)
    if MULTIARCH:
        check_walks(guest)
        check_i386_running(guest)
    shutil.rmtree(guest.folder)


@pytest.mark.expensive
@pytest.mark.parametrize("name", ["s390x-6.1", "ppc64el-6.1"])
def test_vmlinux_of_kernel(name, folder):
    """With the vmlinux of its kernel, which has no BTF, a guest of {name} has the tasks, stacks, modules and pages that it has itself"""
    guest = Guest(name, folder)
    guest.vmlinux = lab.lab("vmlinux", name)
    check_tasks(guest)
    check_sleeping(guest)
    check_running(guest)
    check_pages(guest)
    check_others(guest)
    shutil.rmtree(guest.folder)


@pytest.mark.expensive
def test_arm64_modules(folder):
    """Of an arm64 kernel whose kallsyms has code alone guest-mod lists the modules that /proc/modules lists, with /proc/kallsyms' symbols"""
    modules = lab.lab("modules", "arm64-6.1", "nf_tables", "tun")
    script = ("for module in /modules/*.ko; do insmod $module; done; echo 0 >/proc/sys/kernel/kptr_restrict\n"
              "echo @@; cat /proc/modules; echo @@; grep '\\[' /proc/kallsyms; echo @@\n")
    shutil.copytree(modules, folder / "root/modules")
    (folder / "root/modules/script").write_text(script)
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=folder / "root", stdout=subprocess.PIPE, check=True,
                             input="".join(f"{path.relative_to(folder / 'root')}\n"
                                           for path in [folder / "root/modules", *(folder / "root/modules").iterdir()]).encode()).stdout
    (folder / "initrd").write_bytes(Path(lab.lab("initramfs", "arm64")).read_bytes() + gzip.compress(archive, 1))
    qemu = lab.lab("qemu-suite", "bookworm", "aarch64")
    with lab.Guest(qemu=qemu, machine="virt", kernel=Path(lab.lab("kernel", "arm64-6.1")) / "vmlinuz", initrd=folder / "initrd",
                   console="ttyAMA0", append="loglevel=1 lab.script=/modules/script", extra=["-cpu", "cortex-a72"], directory=folder,
                   seconds=600, fresh=True) as running:
        _, listed, symbols, _ = running.serial.read_text().replace("\r", "").split("@@\n")
        running.stop()
        core = running.core(folder / "core")
    ours = [json.loads(line) for line in guest_core("-qemu", qemu, core, "mod", "-json").splitlines()]
    truths = [line.split()[:6] for line in listed.splitlines()]
    assert [[row["name"], str(row["size"]), str(row["references"]), sorted(row["users"]), row["state"], row["address"]] for row in ours] == \
        [[name, size, uses, sorted(filter(None, users.strip("-").split(","))), state, address] for name, size, uses, users, state, address in truths]
    assert {"nf_tables", "nfnetlink", "tun"} <= {row["name"] for row in ours}
    rows = guest_core("-qemu", qemu, core, "mod", "-symbols", "nf_tables", "-json").splitlines()
    assert sorted((row["name"], int(row["address"], 16)) for row in map(json.loads, rows) if row["type"] in "tT") == \
        sorted((name, int(address, 16)) for address, _, name, module in map(str.split, symbols.splitlines()) if module == "[nf_tables]")


def ends_well(stack):
    """Tests whether the stack goes to its end, or to i386's SYSENTER, of which no place has the program's pc."""
    return stack["end"] in ("user", "end") and not stack["broken"] or "does not keep the pc of the program" in stack["broken"]


def check_running(guest):
    """Tests whether the stack of a CPU in the kernel goes to the stack's end."""
    for stack in guest.json("bt"):
        assert ends_well(stack), stack


@pytest.mark.machines(*WITH_TASKS)
def test_running(guest):
    """{guest}: the stack of a CPU in the kernel goes to the stack's end; a CPU in a program has the program's pc"""
    check_running(guest)


@pytest.mark.machines("s390x-6.1", "ppc64el-6.1", "i386-6.1")
def test_running_without_types(guest):
    """{guest}: of a kernel without BTF the stack of a CPU in the kernel goes to the stack's end, by symbols alone"""
    for stack in guest.json("bt"):
        names = [frame["symbol"] for frame in stack["frames"]]
        assert (stack["pid"], stack["no_task"]) == (None, "the kernel's tasks are not known"), stack
        assert ends_well(stack) and None not in names, stack
        assert stack["end"] != "end" or len(names) > 3, stack


def check_pages(guest):
    """Holds the free pages by the memmap against what the kernel counts."""
    memory, = guest.json("mem")
    assert 0 < memory["free"] < memory["total"] < 512 << 20
    pages, = guest.json("mem", "-pages")
    assert abs(pages["free"] * pages["page_size"] - memory["free"]) <= memory["free"] // 100, (pages, memory)


def check_nothing(guest):
    """The guest has no module, and no blocked task."""
    # A thread of the kernel's may wait at this very moment.
    if not any(row["state"] == "D" for row in guest.json("ps", "-threads")):
        assert "no task is blocked" in guest.show("blocked", status=3)
    assert "the kernel has loaded no module" in guest.show("mod", status=3)


def check_others(guest):
    """Asks a guest whose types are its vmlinux's what has no test of its own."""
    check_nothing(guest)
    assert all(row["since_ns"] is not None for row in guest.json("ps") if row["pid"])
    # By the vmlinux's symbols: kallsyms has code alone.
    assert guest.texts["/proc/version"].decode().strip() in guest.show("x/s", "linux_banner")
    assert "types are read from BTF alone" in guest.show("struct", "task_struct", status=1)


@pytest.mark.machines(*WITH_TASKS)
def test_other_commands(guest, folder):
    """{guest}: guest-vtop finds the kernel's code where /proc/iomem has it; guest-struct, -mem, -mod, -blocked and -report work"""
    walk, = guest.json("vtop", "_stext")
    code = re.search(r"^ *([0-9a-f]+)-([0-9a-f]+) : Kernel code$", guest.texts["/proc/iomem"].decode(), re.MULTILINE)
    # ppc64 does not name the kernel's code there; its image is at 0.
    first, last = (int(word, 16) for word in code.groups()) if code else (0, 0)
    assert first <= int(walk["gpa"], 16) <= last, walk
    assert '  comm = "init"\n  pid = 1\n' in guest.show("struct", "task_struct.comm,pid", "-pid", "1")
    if guest.name != "ppc64el-hash":  # whose memmap is not in the linear map
        check_pages(guest)
    check_nothing(guest)
    guest.show("report", folder / "report.html")
    page = (folder / "report.html").read_text()
    assert "arch-sleeper" in page and guest.texts["/proc/version"].split()[2].decode() in page


@pytest.mark.expensive
@pytest.mark.machines(*WITH_TASKS, "i386-6.1")
@pytest.mark.skipif(not machines.may_attach(), reason="processes may not be attached to here")
def test_process(guest):
    """{guest}: out of a QEMU process the registers, the tasks and the log are the core's"""
    with guest.record.resume() as running:
        for command in (("regs", "-all"), ("klog", "-raw"), ("ps", "-user"))[:None if guest.name in WITH_TASKS else 2]:
            assert guest_core("-p", running.pid, *command) == guest.show(*command), command


# What guest-sysrq says to do: a break at the serial port, and the characters that are typed at the console.
TYPED = {"aarch64": (True, b"h"), "riscv64": (True, b"h"), "s390x": (False, b"\x0fh"), "ppc64le": (False, b"\x0fh")}


@pytest.mark.expensive
@pytest.mark.machines("arm64-sid", "riscv64-sid", "s390x-sid", "ppc64el-sid")
@pytest.mark.skipif(not machines.may_attach(), reason="processes may not be attached to here")
def test_sysrq(guest):
    """{guest}: the way that guest-sysrq names for the guest's console has the kernel show the help on SysRq"""
    has_break, characters = TYPED[guest.arch]
    with guest.record.resume(typed=True) as running, running.open_console() as console:
        running.cont()
        if has_break:
            running.hmp("chardev-send-break port1")
        console.sendall(characters)
        lab.wait_until(lambda: "sysrq: HELP : " in guest_core("-p", running.pid, "klog", "-tail", "5"), gdb.PATIENCE,
                       "the help on SysRq in the log")


KDUMPFILE_CPUS = """
import sys
import kdumpfile
dump = kdumpfile.Context()
file = open(sys.argv[1], "rb")
dump.attr["file.fd"] = file.fileno()
names = [dict(dump.attr[f"cpu.{number}.reg"].items()) for number in range(dump.attr["cpu.number"])]
print(dump.attr["arch.name"], dump.attr["arch.byte_order"], *(hex(next(names[number][pc] for pc in ("pc", "pswa", "eip") if pc in names[number])) for number in range(2)))
dump.attr["addrxlat.ostype"] = "linux"
print(bytes(dump.read(kdumpfile.KVADDR, int(sys.argv[2], 16), 400)))
"""
DRGN_MEMORY = """
import sys
import drgn
program = drgn.Program()
program.set_core_dump(sys.argv[1])
print(program.platform.arch.name, int(not program.platform.flags & drgn.PlatformFlags.IS_LITTLE_ENDIAN), program.flags.name)
print(program.read(int(sys.argv[2], 16), 400))
"""


@pytest.mark.expensive
@pytest.mark.machines(*CHEAP)
def test_readers(guest, folder):
    """{guest}: sid's libkdumpfile and drgn know the vmcore's architecture and byte order, libkdumpfile each CPU's pc; both read the kernel's
    name by its virtual address"""
    guest.show("dump", folder / "vmcore")
    with vmcore.Vmcore(folder / "vmcore") as core:
        info, = (desc.decode() for name, _, desc in core.notes() if name == "VMCOREINFO")
        is_little = int(core.order == "<")
    address = re.search(r"SYMBOL\(init_uts_ns\)=([0-9a-f]+)", info)[1]
    release = guest.texts["/proc/version"].split()[2].decode()
    pcs = [hex(pc) for pc in pcs_of(guest.show("regs"))]
    for module, script, facts in [
            ("kdumpfile", KDUMPFILE_CPUS, [{"ppc64le": "ppc64", "i386": "ia32"}.get(guest.arch, guest.arch), str(is_little), *pcs]),
            ("drgn", DRGN_MEMORY, [{"ppc64le": "PPC64"}.get(guest.arch, guest.arch.upper()), str(1 - is_little), "IS_LINUX_KERNEL"])]:
        package = {"kdumpfile": "python3-libkdumpfile"}.get(module, "python3-drgn")
        shown = run_python(module, package, script, folder / "vmcore", address,
                           python=lab.lab("program-suite", "python3", "sid", package)).decode().splitlines()
        assert shown[0].split() == facts, module
        assert "lab-guest" in shown[1] and release in shown[1], module


@pytest.mark.expensive
@pytest.mark.skipif(not MULTIARCH, reason="no gdb-multiarch: lab/packages test")
def test_large_pages(folder):
    """Of an arm64 kernel with pages of 16 KiB and addresses of 52 bits the log, tasks, stacks and pages are the guest's, page walks and the
    dump are QEMU's"""
    guest = Guest("arm64-16k", folder)
    assert "in a page of 16 KiB" in guest.show("vtop", "_stext")
    test_log(guest)
    check_tasks(guest)
    check_sleeping(guest)
    check_running(guest)
    check_pages(guest)
    check_walks(guest, 100)
    test_dump(guest, folder)
    shutil.rmtree(guest.folder)
