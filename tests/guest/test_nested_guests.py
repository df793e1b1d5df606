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
import selection
import test_readers
import truth
from machines import lab
from test_guest_core import FAILED, guest_core

GUESTS = selection.mostly_further(["5.10", "6.1", "6.12", "sid"], ["6.1"])
# The address at which the nested guest's first vCPU loops.
LOOP = 0x1008
MAY_BE_INSIDE = "a CPU of the outer guest may be inside, and the registers are those of the last exit"


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
        self.threads = [int(thread) for thread in re.search(r"^threads (\d+) (\d+)$", said, re.MULTILINE).groups()]
        # Kernels before v5.16 have no struct folio: a page in the page cache alone is not found.
        self.has_folios = series != "5.10"
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
    """{nested}: its memory that is there and its swapped memory are what the process's own pagemap said, and of a memfd what
    mincore and fstat said, byte for byte"""
    size, there, swapped = sums(nested)
    assert there and swapped == (1 << 20) + 4096
    if not nested.has_folios:
        there, swapped = there - 4096, swapped - 4096
    assert [nested.shown[key] for key in ("size", "there", "swapped", "absent")] == [size, there, swapped, 0]


def test_vcpus(nested):
    """{nested}: its vCPUs are on the CPU whose registers QEMU shows in the loop, and halted, each with its last exit"""
    first, second = nested.shown["vcpus"]
    assert (first["id"], first["state"], first["cpu"]) == (0, "on a CPU", nested.cpu)
    assert (second["id"], second["state"], second["cpu"]) == (1, "halted", None)
    # Kernels before v5.11 have no types of kvm-amd's.
    exits = [(None, None)] if nested.record.name == "nested-5.10" else [("INTR", "HLT"), ("VINTR", "HLT")]
    assert (first["exit"], second["exit"]) in exits


def test_text(nested):
    """{nested}: guest-nested shows a line for the nested guest, and with -vcpus a line for each vCPU"""
    head, line, *vcpus = guest_core(*nested.arguments, "nested", "-vcpus").splitlines()
    assert head.split() == ["NR", "PID", "COMMAND", "RAM", "THERE", "SWAPPED", "ABSENT", "KERNEL", "VCPUS"]
    assert re.split(r"  +", line.strip()) == [
        "1", f"{nested.pid}", "nested", "52 MiB", f"{nested.shown['there'] >> 10} KiB", "1.0 MiB" if nested.has_folios else "1 MiB",
        "0 bytes", "no Linux found", "2: 1 on a CPU, 1 halted"]
    assert (nested.shown["kernel"], nested.shown["release"]) == ("not found", None)
    exits = [f", last exit {vcpu['exit']}" if vcpu["exit"] else "" for vcpu in nested.shown["vcpus"]]
    assert vcpus == [f"       vCPU 0  on CPU {nested.cpu}{exits[0]}", f"       vCPU 1  halted{exits[1]}"]


def test_kdump(nested):
    """{nested}: a kdump of the host at level 31 shows the same, but for the nested guest's memory, which is absent; at level 0 all"""
    for level in (0, 31):
        path = nested.folder / f"level-{level}"
        guest_core(*nested.arguments, "dump", "-format", "kdump-zlib", "-level", level, path)
        shown, = map(json.loads, guest_core(path, "nested", "-json").splitlines())
        there = nested.shown["there"]
        counts = {"there": 0, "absent": there, "kernel": "absent"} if level else {}
        assert shown == nested.shown | counts


def test_outer_registers(nested):
    """{nested}: guest-regs of the host says which nested guest, and which of its vCPUs, a CPU is in"""
    for cpu in map(json.loads, guest_core(*nested.arguments, "regs", "-json").splitlines()):
        inner = cpu["nested"]
        assert (inner and (inner["number"], inner["vcpu"])) == ((1, 0) if cpu["cpu"] == nested.cpu else None)
    assert "        in nested guest 1, vCPU 0:\n" in guest_core(*nested.arguments, "regs")
    title = f"CPU#{nested.cpu} in nested guest 1, vCPU 0; the nested guest's registers:\n"
    assert title in guest_core(*nested.arguments, "regs", "-all")


def test_outer_stack(nested):
    """{nested}: guest-bt of the host goes on behind the nested guest with the thread that entered it: from KVM's function with
    vmrun up to the ioctl of the program"""
    shown = guest_core(*nested.arguments, "bt", "-cpu", nested.cpu)
    title, inner, why, entry, *frames = [line for line in shown.strip().splitlines() if not line.startswith("    STATE: ")]
    assert title.startswith(f"PID: {nested.threads[0]} ") and ' COMMAND: "nested"' in title
    assert inner == f"    in nested guest 1, vCPU 0, pc {LOOP:#x} sp 0xc0de000000000006"
    assert (why, entry) == ("    note: the page tables lead to no kernel of Linux", "    <VM entry>")
    found = [re.match(r"#(\d+) +0x[0-9a-f]+ (\? )?(\w+)", line).groups() for line in frames if line.startswith("#")]
    functions = [name for _, _, name in found]
    assert [int(number) for number, _, _ in found] == list(range(len(found))) and functions[0] == "__svm_vcpu_run", shown
    wanted = iter(functions)
    assert all(name in wanted for name in ("svm_vcpu_run", "kvm_arch_vcpu_ioctl_run", "kvm_vcpu_ioctl", "__x64_sys_ioctl")), shown
    assert "<system call 16 ioctl>  from user mode" in frames[-1], shown
    # In later kernels KVM's function has its frame by rbp, which is the nested guest's: callers are found by a search, and marked.
    searched = any(line.startswith("    broken off: ") for line in frames)
    assert [guess is not None for _, guess, _ in found] == [False] + [searched] * (len(found) - 1), shown
    assert not (searched and nested.record.name == "nested-6.1"), shown
    parsed, = map(json.loads, guest_core(*nested.arguments, "bt", "-cpu", nested.cpu, "-json").splitlines())
    assert [frame["symbol"].partition(".")[0] for frame in parsed["frames"]] == functions
    assert parsed["nested"] == {"number": 1, "vcpu": 0, "pc": f"{LOOP:#018x}", "sp": "0xc0de000000000006", "why": why.split(": ")[1],
                                "frames": []}
    other, = map(json.loads, guest_core(*nested.arguments, "bt", "-cpu", 1 - nested.cpu, "-json").splitlines())
    assert other["nested"] is None


def inside(nested, *words):
    """Returns guest-core's output about the nested guest."""
    return guest_core("-nested", "1", *nested.arguments, *words)


def refusal(nested, *words, core=None):
    arguments = [core] if core else nested.arguments
    return guest_core("-nested", "1", *arguments, *words, status=FAILED).strip().removeprefix("guest-core: ")


def test_registers_inside(nested):
    """{nested}: the registers of the vCPU that is on a CPU are QEMU's, but for SVM's bit in EFER and CR4.MCE, which
    are the host's own"""
    shown, = registers.by_name(inside(nested, "regs", "-all", "-cpu", 0))
    truth_of_cpu = registers.by_name(nested.record.text("registers"))[nested.cpu]
    assert shown.pop("EFER") == truth_of_cpu.pop("EFER") & ~(1 << 12) == 0x500
    assert shown.pop("CR4") == truth_of_cpu.pop("CR4") & ~(1 << 6) == 0x20
    # The monitor does not print further registers, nor unknown bits as such.
    alike = {name for name in truth_of_cpu if name in shown and name != "MXCSR"}
    assert {"RAX", "R15", "RIP", "CR0", "CR3", "DR7", "RFL"} <= alike
    assert {name: shown[name] for name in alike} == {name: truth_of_cpu[name] for name in alike}


def test_registers_outside(nested):
    """{nested}: the registers of the halted vCPU are those that it was given, and RIP is behind its hlt"""
    shown, = registers.by_name(inside(nested, "regs", "-all", "-cpu", 1))
    names = ["RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RSP", "RBP", *(f"R{i}" for i in range(8, 16))]
    assert [shown[name] for name in names] == [0xc0de000000000100 + i for i in range(16)]
    assert [shown[name] for name in ("RIP", "CR0", "CR3", "CR4", "EFER")] == [0x1109, 0x80000011, 0x2000, 0x20, 0x500]
    assert json.loads(inside(nested, "regs", "-json", "-cpu", 1))["activity"] == "halted"


def test_memory_inside(nested):
    """{nested}: its memory is read by physical and by virtual addresses, in all slots; also a memfd's"""
    assert inside(nested, "x", "-cpu", 0, "/s", "0x6000").split(":", 1)[1].strip() == '"in the nested guest\'s RAM"'
    for address, text in ((0x100010000, "above 4 GiB"), (0xfd003000, "in a memfd"), (0xfd100000, "in the page cache")):
        if address == 0xfd100000 and not nested.has_folios:
            continue
        assert inside(nested, "x", "-physical", "/s", hex(address)) == f'{address:#x}:\t"{text}"\n'
    assert "guest-physical 0x6000 in a page of 2 MiB" in inside(nested, "vtop", "-cpu", 1, "0x6000")


def test_absent_inside(nested):
    """{nested}: a page that the host has swapped out is an error, and never zeros, also a memfd's; memory that nobody ever touched is
    zeros, also a memfd's, unless the kernel's page cache is not known"""
    swapped = "the outer guest has swapped it out"
    missing = "the process that runs the nested guest has no page at"
    for address, reason in ((0x800000, swapped), (0x8ff000, swapped), (0xfd300000, swapped if nested.has_folios else missing)):
        assert reason in refusal(nested, "x", "-physical", "/4xb", hex(address))
    assert inside(nested, "x", "-physical", "/2xw", "0x200000") == "0x200000:\t0x00000000\t0x00000000\n"
    if nested.has_folios:
        assert inside(nested, "x", "-physical", "/2xw", "0xfd200000") == "0xfd200000:\t0x00000000\t0x00000000\n"
    else:
        assert missing in refusal(nested, "x", "-physical", "/4xb", "0xfd200000")


def test_dump_inside(nested):
    """{nested}: its vmcore has its registers and its memory; without -absent skip there is an error instead"""
    path = nested.folder / "nested.vmcore"
    assert "are missing" in refusal(nested, "dump", path) and not path.exists()
    inside(nested, "dump", "-absent", "skip", path)
    assert guest_core(path, "x", "-physical", "/s", "0x6000") == inside(nested, "x", "-physical", "/s", "0x6000")
    for cpu in (0, 1):
        noted, shown = (json.loads(text)["registers"] for text in (guest_core(path, "regs", "-json", "-cpu", cpu),
                                                                  inside(nested, "regs", "-json", "-cpu", cpu)))
        names = ("rax", "r15", "rip", "rsp", "cr3", "cr4", "gs_base")
        assert {name: noted[name] for name in names} == {name: shown[name] for name in names}


def test_kdump_inside(nested):
    """{nested}: in a kdump of the host it is the same at level 0; at level 31 its memory is excluded, which is said, and its halted
    vCPU's registers are there"""
    questions = [["x", "-physical", "/s", address] for address in ("0x6000", "0xfd003000", "0x100010000")]
    for level in (0, 31):
        path = nested.folder / f"level-{level}"
        if not path.exists():
            guest_core(*nested.arguments, "dump", "-format", "kdump-zlib", "-level", level, path)
        first, shown = map(json.loads, guest_core("-nested", "1", path, "regs", "-json").splitlines())
        assert int(shown["registers"]["rip"], 16) == 0x1109
        # The vmcore does not have the registers of the CPU that was inside.
        assert (first["state"], first["why"], shown["state"]) == ("unknown", MAY_BE_INSIDE, "current")
        for question in questions:
            if level:
                assert refusal(nested, *question, core=path).endswith("left out when the vmcore was written (dump level 31)")
            else:
                assert guest_core("-nested", "1", path, *question) == inside(nested, *question)
        assert "the outer guest has swapped it out" in refusal(nested, "x", "-physical", "/4xb", "0x800000", core=path)


@pytest.mark.gdb
@pytest.mark.parametrize("nested", ["6.1"], indirect=True)
def test_at_stub(nested):
    """{nested}: at QEMU's gdbstub guest-nested shows the same, but for the memory's counts; guest-select -nested shows the same
    registers, of the vCPU on a CPU and of the halted one, and a memfd's memory; a swapped page is an error"""
    commands = ["guest-nested -json", "guest-select -nested 1", "guest-regs -json", "guest-x -physical /s 0xfd003000",
                "guest-x -physical /4xb 0x800000"]
    with nested.record.resume() as guest:
        run = gdb.batch("-ex", f"target remote {guest.directory}/gdbstub", commands=[
            *(word for command in commands for word in (r"echo @next\n", command)), r"echo @next\n", "disconnect"])
    listed, _, cpus, text, swapped, _ = (text.strip("\n") for text in run.output.split("@next\n")[1:])
    uncounted = {"there": None, "swapped": None, "absent": None, "kernel": None}
    assert json.loads(listed.splitlines()[-1]) == nested.shown | uncounted
    names = ("rax", "rbx", "r15", "rip", "rsp", "rflags", "cr0", "cr3")
    assert [[cpu["state"], cpu["activity"], *(cpu["registers"][name] for name in names)] for cpu in map(json.loads, cpus.splitlines())] == \
        [[cpu["state"], cpu["activity"], *(cpu["registers"][name] for name in names)]
         for cpu in map(json.loads, inside(nested, "regs", "-json").splitlines())]
    assert text == '0xfd003000:\t"in a memfd"' and "the outer guest has swapped it out" in swapped


def test_wrong_numbers(nested):
    """{nested}: a nested guest that is not there, and a number that is none, are errors that say what to try"""
    for number, message in (("2", "there is no nested guest 2: the guest runs 1; guest-nested lists them"),
                            ("x", '-nested: "x" is not the number of a nested guest'),
                            ("1.1.1.1.1", '-nested: "1.1.1.1.1" is more than 4 guests deep'),
                            ("1.1", "the outer guest: no VMCOREINFO")):
        assert message in guest_core("-nested", number, *nested.arguments, "info", status=FAILED)


def tables_of(nested):
    """What guest-nested -scan finds, and the place of the only nested guest's tables."""
    found, = map(json.loads, guest_core(*nested.arguments, "nested", "-scan", "-json").splitlines())
    return found, found["nested_tables"]


def test_scan(nested):
    """{nested}: without KVM's lists, it is found by the VMCBs that the hardware used, one of which the CPU in the loop executes; its
    memory and registers are the same as by the lists, as far as the nested page tables map and the VMCB has them"""
    found, place = tables_of(nested)
    assert [vcpu["state"] for vcpu in found["vcpus"]].count("on a CPU") == 1 and len(found["vcpus"]) == 2
    running, = [vcpu["id"] for vcpu in found["vcpus"] if vcpu["cpu"] == nested.cpu]
    by_lists = {vcpu["exit"] for vcpu in nested.shown["vcpus"]}
    assert {vcpu["exit"] for vcpu in found["vcpus"]} in ([by_lists] if by_lists != {None} else [{"INTR", "HLT"}, {"VINTR", "HLT"}])
    by_scan = [registers.by_name(guest_core("-nested", place, *nested.arguments, "regs", "-all", "-cpu", cpu))[0]
               for cpu in (running, 1 - running)]
    # KVM's own bits in CR4 and EFER are those that the hardware had.
    own_bits = {name: by_scan[0][name] for name in ("CR4", "EFER")}
    assert by_scan[0] == registers.by_name(inside(nested, "regs", "-all", "-cpu", 0))[0] | own_bits
    # KVM has gone behind the hlt in its own copy alone.
    assert {name: by_scan[1][name] for name in ("RAX", "RSP", "RIP", "CR3")} == {
        "RAX": 0xc0de000000000100, "RSP": 0xc0de000000000106, "RIP": 0x1108, "CR3": 0x2000}
    code = ["x", "-physical", "/10xb", hex(LOOP - 8)]
    assert guest_core("-nested", place, *nested.arguments, *code) == inside(nested, *code)
    # The nested page tables map what the nested guest has touched: with as many levels as the kernel's own. In a dump by QEMU a CPU's
    # note is the nested guest's.
    assert 4096 < found["mapped"] <= nested.shown["there"]
    dump, = map(json.loads, guest_core(nested.record.dump, "nested", "-scan", "-json").splitlines())
    assert dump["mapped"] == found["mapped"]


@pytest.mark.gdb
def test_select(nested):
    """{nested}: guest-select -nested, which completes the numbers that there are, has all commands look at the nested guest, until
    -target"""
    commands = ["guest-select -nested 1", "guest-regs -all -cpu 1", "guest-select -target", "guest-nested -json", "guest-select -nested 2",
                "complete guest-select -nested "]
    run = gdb.batch(nested.record.qemu, nested.record.core,
                    commands=[word for command in commands for word in (r"echo @next\n", command)])
    chosen, inner, target, outer, wrong, completed = (text.strip("\n").splitlines() for text in run.output.split("@next\n")[1:])
    assert chosen[0].startswith("  1  core") and chosen[1].split(maxsplit=3) == ["*", "1", "nested", f"process {nested.pid} (nested)"]
    assert inner == inside(nested, "regs", "-all", "-cpu", 1).strip("\n").splitlines()
    assert len(target) == 1 and target[0].startswith("* 1  core")
    assert json.loads(outer[0]) == nested.shown
    assert wrong[0].startswith("guest-select: there is no nested guest 2: the guest runs 1")
    assert completed == ["guest-select -nested 1"]


def test_gdb(nested):
    """{nested}: GDB shows what guest-core shows"""
    run = gdb.batch(nested.record.qemu, nested.record.core, commands=[r"echo @begin\n", "guest-nested -json", "guest-nested -vcpus"])
    assert run.output.split("@begin\n")[1].splitlines() == (guest_core(*nested.arguments, "nested", "-json") +
                                                          guest_core(*nested.arguments, "nested", "-vcpus")).splitlines()


# ---- A Linux in the guest's Linux ----


class NestedLinux:
    """The record of a guest whose QEMU runs a Linux by KVM, and what that Linux said of itself: {part: lines}."""

    def __init__(self, series, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.record = records.Opened(f"nested-linux-{series}", self.folder)
        self.arguments = ["-nested", "1", "-qemu", self.record.qemu, self.record.core]
        said = truth.parse(self.record.bytes("truth"))["/nested/serial"].decode().replace("\r", "")
        parts = re.split(r"^inner: (\w+)\n", said, flags=re.MULTILINE)
        self.said = {name: text.splitlines() for name, text in zip(parts[1::2], parts[2::2])}

    def cpus(self):
        """What guest-regs shows of the nested guest's CPUs."""
        return [json.loads(line) for line in guest_core(*self.arguments, "regs", "-json").splitlines()]

    def log(self):
        """The records of /dev/kmsg, as guest-klog prints their first lines."""
        lines = []
        for line in self.said["kmsg"]:
            found = re.match(r"\d+,\d+,(\d+),[^;]*;(.*)", line)
            if found:
                time = int(found[1])
                text = re.sub(r"\\x([0-9a-f]{2})", lambda byte: chr(int(byte[1], 16)), found[2])
                lines.append(f"[{time // 1000000:5d}.{time % 1000000:06d}] {text}".splitlines()[0])
        return lines


@pytest.fixture(scope="session", params=selection.mostly_further(["6.1"], []))
def linux(request, top_folder):
    result = NestedLinux(request.param, top_folder)
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def test_linux_kernel(linux):
    """guest-nested has the release of a nested {linux} that its own uname said"""
    shown, = map(json.loads, guest_core(*linux.arguments[2:], "nested", "-json").splitlines())
    assert (shown["kernel"], shown["release"]) == ("linux", linux.said["uname"][0].split()[2])
    # A CPU inside has page tables of the host's own.
    assert json.loads(guest_core(*linux.arguments[2:], "info", "-json"))["kernel"]["vmcoreinfo_by"] == "tables"


def test_linux_stack(linux):
    """The stack of a CPU in a nested {linux} is that of the nested guest's vCPU, from the monitor's registers up to the program's
    system call, and behind it the host's; a vCPU whose CPU is not in the nested guest at the stop is not behind a host's stack,
    and halted, or its registers are stale"""
    host = linux.arguments[2:]
    rows = [json.loads(row) for row in guest_core(*linux.arguments, "bt", "-json").splitlines()]
    inner = {row["on_cpu"]: row["frames"] for row in rows}
    outer = [json.loads(row) for row in guest_core(*host, "bt", "-json").splitlines()]
    inside = {row["on_cpu"]: row for row in outer if row["nested"]}
    cpus = [json.loads(row) for row in guest_core(*host, "regs", "-json").splitlines()]
    assert {cpu["cpu"]: cpu["nested"]["vcpu"] for cpu in cpus if cpu["nested"]} == \
        {cpu: row["nested"]["vcpu"] for cpu, row in inside.items()}
    for row in inside.values():
        assert row["nested"]["number"] == 1 and row["nested"]["frames"] == inner[row["nested"]["vcpu"]]
        assert (row["comm"], row["frames"][0]["symbol"], row["end"]) == ("qemu", "__svm_vcpu_run", "user")
    # The record has a CPU in the nested kernel's random numbers.
    start, end = (int(line.split()[0], 16) for line in linux.said["random"])
    told = {i: values for i, values in enumerate(registers.by_name(linux.record.text("registers")))
            if start <= values.get("RIP", 0) < end}
    assert told
    for cpu, values in told.items():
        first, *_, last = inside[cpu]["nested"]["frames"]
        assert (int(first["pc"], 16), int(first["sp"], 16)) == (values["RIP"], values["RSP"])
        assert (first["symbol"], first["offset"], last["entry"]["name"]) == ("chacha_permute", values["RIP"] - start, "read")
    shown, = map(json.loads, guest_core(*host, "nested", "-json").splitlines())
    states = {cpu["cpu"]: cpu["state"] for cpu in linux.cpus()}
    entered = {row["nested"]["vcpu"] for row in inside.values()}
    assert len(inner) == len(states) == 2
    assert states == {vcpu["id"]: "stale" if vcpu["state"] == "on a CPU" and vcpu["id"] not in entered else "current"
                      for vcpu in shown["vcpus"]}


def log_of(*arguments):
    return [line for line in guest_core(*arguments, "klog").splitlines() if line.startswith("[")]


def first_lines(lines, log):
    """The lines of LINES that begin a record; the further lines of a record have its time too."""
    wanted, result = iter(log), []
    expected = next(wanted, None)
    for line in lines:
        if line == expected:
            result.append(line)
            expected = next(wanted, None)
    return result


def test_linux_log(linux):
    """A nested {linux}: its log has all records that its own /dev/kmsg had, in their order; its CPUs' page tables find the kernel"""
    log = linux.log()
    assert len(log) > 200 and first_lines(log_of(*linux.arguments), log) == log
    shown = json.loads(guest_core(*linux.arguments, "info", "-json"))
    assert shown["target"]["nested"] == "1" and shown["kernel"]["vmcoreinfo_by"] == "tables"
    assert shown["kernel"]["release"] == linux.said["uname"][0].split()[2]


def test_linux_symbols(linux):
    """A nested {linux}: its symbols have the addresses that its own /proc/kallsyms had"""
    for line in linux.said["symbols"]:
        address, _, name = line.split()
        assert guest_core(*linux.arguments, "x", "/1xb", name).startswith(f"0x{address} <{name}>")


def test_linux_tasks(linux):
    """A nested {linux}: its tasks are those of its own /proc, with the same names and parents; a CPU whose registers are
    a program's has a program's task"""
    shown = [json.loads(line) for line in guest_core(*linux.arguments, "ps", "-json").splitlines()]
    ours = {task["pid"]: (task["comm"], task["ppid"]) for task in shown}
    told = {}
    for line in linux.said["tasks"]:
        pid, comm, parent = re.match(r"(\d+) \((.*)\) \S (\d+) ", line).groups()
        told[int(pid)] = (comm, int(parent))
    # The processes of the script itself are gone.
    lasting = {pid: task for pid, task in told.items() if task[1] in (0, 2) and not task[0].startswith("kworker")}
    assert len(lasting) > 20 and {pid: ours.get(pid) for pid in lasting} == lasting
    programs = {task["pid"] for task in shown if 2 not in (task["pid"], task["ppid"]) and task["pid"]}
    assert all(cpu["privilege"] == "kernel" or cpu["task"]["pid"] in programs for cpu in linux.cpus())


def test_linux_stacks(linux):
    """A nested {linux}: the stacks of threads that did not run in between end as its own /proc/PID/stack said"""
    told, pid = {}, None
    for line in linux.said["stacks"]:
        if line.startswith("of "):
            pid = int(line[3:])
            told[pid] = []
        else:
            told[pid].append(line.removeprefix("[<0>] ").split("/")[0])
    threads = [pid for pid, frames in told.items() if any(frame.startswith("rescuer_thread") for frame in frames)]
    text = guest_core(*linux.arguments, "bt", "-pid", ",".join(map(str, threads)))
    stacks = dict(zip(map(int, re.findall(r"^PID: (\d+)", text, re.MULTILINE)), re.split(r"^PID: ", text, flags=re.MULTILINE)[1:]))
    assert len(threads) > 3
    for pid in threads:
        frames = re.findall(r"^#\d+ +\S+ (\S+)/", stacks[pid], re.MULTILINE)
        assert frames[-len(told[pid]):] == told[pid], pid


def test_linux_by_scan(linux):
    """A nested {linux}: without KVM's lists, by VMCBs and nested page tables alone, its log has all records of its own /dev/kmsg"""
    place = json.loads(guest_core(*linux.arguments[2:], "nested", "-scan", "-json"))["nested_tables"]
    log = linux.log()
    assert first_lines(log_of("-nested", place, *linux.arguments[2:]), log) == log


# The kernel's frames of a task that is on a CPU.
DRGN_STACK = """
import sys
import drgn
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
for frame in program.stack_trace(int(sys.argv[3])):
    if not frame.is_inline and frame.pc >> 63:
        print(hex(frame.pc))
"""


def test_linux_vmcore(linux):
    """A nested {linux}: its own vmcore has the same log and the same registers, and drgn finds the tasks of guest-ps in it, and the
    stack of the task in the nested kernel's random numbers as guest-bt does"""
    path = linux.folder / "vmcore"
    guest_core(*linux.arguments, "dump", "-format", "kdump-zlib", "-level", 31, "-absent", "skip", path)
    assert log_of(path) == log_of(*linux.arguments)
    assert [json.loads(line)["registers"]["rip"] for line in guest_core(path, "regs", "-json").splitlines()] == \
        [cpu["registers"]["rip"] for cpu in linux.cpus()]
    tasks = [json.loads(line) for line in guest_core(*linux.arguments, "ps", "-threads", "-json").splitlines()]
    names = [task["comm"] for task in tasks if task["pid"]]
    found = test_readers.run_python("drgn", "python3-drgn", test_readers.DRGN, path, lab.lab("vmlinux")).decode().splitlines()
    # guest-ps has the longer names that the kernel has of its own threads.
    assert len(found) > 20 and sorted(name[:8] for name in found) == sorted(name[:8] for name in names)
    stacks = [json.loads(line) for line in guest_core(*linux.arguments, "bt", "-json").splitlines()]
    stack, = [row for row in stacks if row["frames"] and row["frames"][0]["symbol"] == "chacha_permute"]
    # Bookworm's drgn takes the registers of the task's last sleep.
    python = lab.lab("program-suite", "python3", "trixie", "python3-drgn")
    found = test_readers.run_python("drgn", "python3-drgn", DRGN_STACK, path, lab.lab("vmlinux"), stack["pid"], python=python).split()
    assert len(found) > 5 and [int(frame["pc"], 16) for frame in stack["frames"]] == [int(pc, 16) for pc in found]


def test_linux_in_kdump(linux):
    """A nested {linux}: a kdump of the host has the log and the tasks at level 0; at level 31 the nested guest's memory is excluded,
    which is said, and its registers are there; whether a CPU was inside is not known, and its registers are not called current"""
    of_core = {cpu["cpu"]: cpu["registers"] for cpu in linux.cpus()}
    shown, = map(json.loads, guest_core(*linux.arguments[2:], "nested", "-json").splitlines())
    for level in (0, 31):
        path = linux.folder / f"level-{level}"
        guest_core(*linux.arguments[2:], "dump", "-format", "kdump-zlib", "-level", level, path)
        if level:
            text = guest_core("-nested", "1", path, "klog", status=FAILED)
            assert re.search("no VMCOREINFO in the guest's RAM, of which 0x[0-9a-f]+ bytes are missing", text)
            assert "they were left out when the vmcore was written (dump level 31)" in guest_core("-nested", "1", path, "info")
            rows = [json.loads(row) for row in guest_core("-nested", "1", path, "regs", "-json").splitlines()]
            assert {row["cpu"]: (row["state"], row["why"]) for row in rows} == \
                {vcpu["id"]: ("unknown", MAY_BE_INSIDE) if vcpu["state"] == "on a CPU" else ("current", "") for vcpu in shown["vcpus"]}
            # The vmcore does not have the registers of a CPU that was inside.
            for row in rows:
                if row["state"] == "current":
                    assert [row["registers"][name] for name in ("rax", "rip", "cr0")] == \
                        [of_core[row["cpu"]][name] for name in ("rax", "rip", "cr0")]
        else:
            assert log_of("-nested", "1", path) == log_of(*linux.arguments)
            assert guest_core("-nested", "1", path, "ps", "-json") == guest_core(*linux.arguments, "ps", "-json")
            found = json.loads(guest_core(path, "nested", "-scan", "-json"))
            assert {vcpu["state"] for vcpu in found["vcpus"]} == {None}
            rows = guest_core("-nested", found["nested_tables"], path, "regs", "-json").splitlines()
            assert {json.loads(row)["state"] for row in rows} == {"unknown"}
        path.unlink()


def test_linux_at_stub(linux):
    """At QEMU's gdbstub a nested {linux} has the registers, the tasks, the stacks and the log that it has in QEMU's core, and
    guest-bt of the host says that the CPU is inside"""
    commands = ["guest-bt -json", "guest-select -nested 1", "guest-regs -json", "guest-ps -json", "guest-bt -json", "guest-klog -tail 9"]
    told = {row["on_cpu"]: row["nested"] and row["nested"]["vcpu"]
            for row in map(json.loads, guest_core(*linux.arguments[2:], "bt", "-json").splitlines())}
    if None not in told.values():
        pytest.skip("all CPUs are in the nested guest, which the gdbstub does not show")
    with linux.record.resume() as guest:
        run = gdb.batch("-ex", f"target remote {guest.directory}/gdbstub",
                        commands=[word for command in commands for word in (r"echo @next\n", command)] + [r"echo @next\n", "disconnect"])
    host, _, cpus, tasks, stacks, log, _ = (text.strip("\n").splitlines() for text in run.output.split("@next\n")[1:])
    host, cpus, stacks = ([json.loads(line) for line in lines if line.startswith("{")] for lines in (host, cpus, stacks))
    assert {row["on_cpu"]: row["nested"] and row["nested"]["vcpu"] for row in host} == told
    names = ("rax", "rbx", "r15", "rip", "rsp", "cr3")
    assert [[cpu["state"], *(cpu["registers"][name] for name in names)] for cpu in cpus] == \
        [[cpu["state"], *(cpu["registers"][name] for name in names)] for cpu in linux.cpus()]
    assert tasks == guest_core(*linux.arguments, "ps", "-json").splitlines()
    assert [(row["pid"], row["frames"]) for row in stacks] == \
        [(row["pid"], row["frames"]) for row in map(json.loads, guest_core(*linux.arguments, "bt", "-json").splitlines())]
    assert log == guest_core(*linux.arguments, "klog", "-tail", 9).splitlines()
