# SPDX-License-Identifier: GPL-3.0-or-later
"""A CPU whose registers are another's than the guest's: of a nested guest, which the guest, a hypervisor, runs, or of the
firmware in System Management Mode.

The guest's own registers are those that nested.S had when it entered the nested guest; QEMU's monitor shows the nested
guest's, at the same stop. Of Linux with KVM, where the registers must lead is known by its /proc/kallsyms, and by what
l2run.c says of its own memory.
"""

import gzip
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

import bare
import crash
import gdb
import machines
import registers
import selection
import stripped
import vmcore
from machines import lab
from test_guest_core import FAILED, guest_core

# QEMU, by its name, and the nested guest's mode.
GUESTS = {"the lab's QEMU, long mode": (lambda: None, 64), "the lab's QEMU, protected mode": (lambda: None, 32)}
for name, find in stripped.QEMUS.items():
    for bits, mode in ((64, "long mode"), (32, "protected mode")):
        GUESTS[f"{name}, {mode}"] = (find, bits)
CHEAP = ["the lab's QEMU, long mode", "Debian 12's QEMU, protected mode"]

COMMANDS = {"short": "guest-regs", "all": "guest-regs -all", "json": "guest-regs -json", "info": "guest-info",
            "variables": "guest-regs -cpu 0", "x": "guest-x {marker:#x} s -cpu 0", "vtop": "guest-vtop {marker:#x} -cpu 0",
            "any": "guest-vtop {marker:#x}", "nested": "guest-nested -vcpus", "dump": "dump-guest-memory {folder}/vmcore"}
NESTED = "CPU 0 executes a nested guest: "


class Nested:
    """A stopped guest whose CPU is in a nested guest: what is shown of its core and at its gdbstub, QEMU's own words."""

    def __init__(self, name, folder):
        find, self.bits = GUESTS[name]
        self.name = name
        self.folder = folder = Path(tempfile.mkdtemp(dir=folder))
        program = bare.build(self.bits, folder, "nested")
        self.symbols = bare.symbols(program)
        with bare.boot(program, folder, qemu=find(), extra=["-cpu", "EPYC,+svm", "-gdb", "unix:gdbstub,server=on,wait=off"]) as guest:
            guest.stop()
            self.attached = None
            if machines.may_attach():
                self.attached = self.look("-p", guest.pid, names=["all"])["all"]
            self.at_stub = self.look("-ex", f"target remote {guest.directory}/gdbstub",
                                     names=["short", "json", "info", "vtop"])
            self.truth = registers.of_monitor(guest)
            self.qemu, core = guest.qemu, guest.core(folder / "core")
        self.of_core = self.look(self.qemu, core, names=COMMANDS)

    def look(self, *arguments, names):
        """The output of each of COMMANDS that has one of the names."""
        commands = []
        for name in names:
            commands += [f"echo @{name}\\n", COMMANDS[name].format(folder=self.folder, **self.symbols)]
        run = gdb.batch(*stripped.NO_DEBUGINFO if "lab's" not in self.name else (), *arguments,
                        commands=[*commands, r"echo @end\n"])
        texts = re.split(r"^@(\w+)\n", run.output, flags=re.MULTILINE)
        assert texts[-2] == "end", run
        return dict(zip(texts[1:-2:2], texts[2:-2:2]))

    def own(self):
        """The registers that the guest had when it entered the nested guest."""
        place = self.symbols
        return {"rip": place["after_vmrun"], "rsp": place["stack_end"] - 0x40, "rax": place["vmcb"],
                "cr0": 0x80000011, "cr3": place["level4"], "cr4": 0x20, "efer": 0x1500, "rflags": 0x46,
                "es": 0x10, "cs": 0x08, "ss": 0x10, "ds": 0x10, "gdt_base": place["gdt"], "gdt_limit": 0x17,
                "idt_base": 0x5000, "idt_limit": 0x7ff}


@pytest.fixture(scope="session", params=selection.mostly_further(GUESTS, CHEAP))
def nested(request, background, top_folder):
    for name in selection.wanted(request, "nested"):
        background.start(("nested", name), Nested, name, top_folder)
    try:
        result = background.start(("nested", request.param), Nested).result()
    except stripped.NoSuchQEMU as error:
        pytest.skip(str(error))
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def json_of(text):
    line, = [line for line in text.split("\n") if line.startswith("{")]
    return registers.json_lines(gdb.Run([], 0, line))[0]


# Registers that are no memory of the guest's own, but follow from the others, or are the machine's.
DERIVED = {f"{name}_{part}" for name in ("es", "cs", "ss", "ds") for part in ("base", "limit", "flags")} | {"a20"}


def test_json(nested):
    """{nested}: guest-regs -json has the registers that the guest saved, null for all others, and the nested guest's"""
    shown = json_of(nested.of_core["json"])
    assert (shown["activity"], shown["state"], shown["bits"], shown["privilege"]) == ("nested", "current", 64, "kernel")
    known = {name: value for name, value in shown["registers"].items() if value is not None}
    assert {name: int(value, 16) for name, value in known.items() if name not in DERIVED} == nested.own()
    truth, = registers.by_name(nested.truth)
    inner = shown["nested"]
    assert inner["bits"] == nested.bits and inner["activity"] == "halted"
    prefix = "R" if nested.bits == 64 else "E"
    for name in ("ip", "sp", "ax", "bx"):
        assert int(inner["registers"]["r" + name], 16) == truth[prefix + name.upper()], name
    assert int(inner["registers"]["rax"], 16) == (0xc0de0000c0de0001 if nested.bits == 64 else 0xc0de0001)
    assert int(inner["registers"]["cr3"], 16) == truth["CR3"] == nested.symbols["NESTED_CR3"]


def test_short(nested):
    """{nested}: guest-regs shows where the guest itself is, and then where the nested guest is"""
    own, (truth,) = nested.own(), registers.by_name(nested.truth)
    prefix = "R" if nested.bits == 64 else "E"
    assert nested.of_core["short"].split("\n") == [
        f"CPU 0   nested   64-bit kernel  0x{own['rip']:016x}",
        f"        rsp 0x{own['rsp']:016x}  cr3 0x{own['cr3']:016x}  current",
        "        in a nested guest:",
        f"        halted   {nested.bits}-bit kernel  0x{truth[prefix + 'IP']:016x}",
        f"        rsp 0x{truth[prefix + 'SP']:016x}  cr3 0x{truth['CR3']:016x}",
        ""]


def comparable(text):
    """Without what a QEMU without debuginfo cannot tell, or prints otherwise."""
    text = re.sub(r"(MXCSR=0000[0-9a-f]{2})(..)", r"\1??", text)
    text = re.sub(r"(XMM\d\d=[0-9a-f]{16}) ", r"\1", text)
    return [line.rstrip() for line in text.split("\n") if line.strip() and not line.startswith(registers.EXTRA)]


def check_all(nested, text):
    _, own, inner = re.split(r"^CPU#0 in a nested guest; the (?:guest's own|nested guest's) registers:\n", text,
                             flags=re.MULTILINE)
    inner = re.split(r"^(?:\[Inferior |warning: )", inner, flags=re.MULTILINE)[0]
    assert comparable(inner) == comparable(nested.truth)[1:]
    lines = own.split("\n")
    assert f"RAX={nested.symbols['vmcb']:016x} RBX={'?' * 16} RCX={'?' * 16} RDX={'?' * 16}" in lines
    assert f"R12={'?' * 16} R13={'?' * 16} R14={'?' * 16} R15={'?' * 16}" in lines
    assert "CS =0008 0000000000000000 ffffffff 00af9a00 DPL=0 CS64 [-R-]" in lines
    assert f"GS =???? {'?' * 16} {'?' * 8} 00????00" in lines
    assert f"CR0=80000011 CR2={'?' * 16} CR3={nested.symbols['level4']:016x} CR4=00000020" in lines


def test_all(nested):
    """{nested}: guest-regs -all has both sets, the nested guest's being what QEMU's info registers showed"""
    check_all(nested, nested.of_core["all"])


@pytest.mark.attach
def test_attached(nested):
    """{nested}: so it has of the process"""
    check_all(nested, nested.attached)


def test_memory(nested):
    """{nested}: guest-x and guest-vtop go through the guest's own page tables, and say so"""
    marker = nested.symbols["marker"]
    note = f"note: {NESTED}these are the guest's own page tables, to which the CPU returns"
    assert gdb.lines_of(nested.of_core["x"]) == [note, f"0x{marker:x}:\t\"the guest's own\""]
    lines = gdb.lines_of(nested.of_core["vtop"])
    assert lines[0] == note and lines[1].startswith(f"PML4E at 0x{nested.symbols['level4']:016x}")
    assert lines[-1] == f"guest-physical {marker:#x} in a page of 2 MiB, pc.ram + {marker:#x}"
    assert gdb.lines_of(nested.of_core["any"])[-1] == lines[-1]


def test_vmcore(nested):
    """{nested}: the vmcore is of the guest itself: its architecture, its registers, 0 for others, and a note that says so"""
    assert f"note: {NESTED[:5]}: executes a nested guest: the vmcore has the guest's own registers" in nested.of_core["dump"]
    own = nested.own()
    with vmcore.Vmcore(nested.folder / "vmcore") as file:
        (_, _, status), (_, _, qemu) = file.notes()
        assert file.machine == 62
    values = struct.unpack("<27Q", status[112:112 + 27 * 8])
    names = "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags rsp ss".split()
    assert dict(zip(names, values)) == {name: own.get(name, 0) for name in names}
    names = "rax rbx rcx rdx rsi rdi rsp rbp r8 r9 r10 r11 r12 r13 r14 r15 rip rflags".split()
    assert dict(zip(names, struct.unpack("<18Q", qemu[8:152]))) == {name: own.get(name, 0) for name in names}
    assert struct.unpack("<5Q", qemu[-48:-8]) == (own["cr0"], 0, 0, own["cr3"], own["cr4"])


def inside(nested, *words, status=0):
    """guest-core's output about the nested guest."""
    return guest_core("-nested", "1", "-qemu", nested.qemu, nested.folder / "core", *words, status=status)


def test_found(nested):
    """{nested}: guest-nested finds the nested guest of a hypervisor that is no Linux, by its VMCB, and shows its nested tables"""
    lines = gdb.lines_of(nested.of_core["nested"])
    assert lines[0].startswith("note: found by VMCBs in the guest's RAM, since KVM's lists are not known: no VMCOREINFO")
    tables = f"0x{nested.symbols['nested_level4']:016x}"
    assert [line.split() for line in lines[-3:]] == [
        ["NR", "NESTED", "TABLES", "AT", "MAPPED", "VCPUS"], ["1", tables, "2", "MiB", "1:", "1", "on", "a", "CPU"],
        ["vCPU", "0", "on", "CPU", "0,", "last", "exit", lines[-1].split()[7], "VMCB", "at", f"{nested.symbols['vmcb']:#x}"]]


def test_inside(nested):
    """{nested}: the nested guest's memory is read by its nested page tables, and its registers are what QEMU's monitor showed"""
    (truth,) = registers.by_name(nested.truth)
    shown, = registers.by_name(inside(nested, "regs", "-all"))
    # SVM's bit in EFER is the hypervisor's, and the nested guest's is not known.
    names = {name for name in shown if name in truth and name not in ("EFER", "MXCSR")}
    assert {"CR3", "CR0"} <= names and len(names) > 15
    assert {name: shown[name] for name in names} == {name: truth[name] for name in names}
    code = nested.symbols["NESTED_CODE"]
    found = bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})\b", inside(nested, "x", "-physical", "/96xb", hex(code)).
                                                       replace(":", " :")))
    assert b"lab: ready\n\0" in found
    assert "is not RAM" in inside(nested, "x", "-physical", "/1xb", "0x200000", status=FAILED)


def test_info(nested):
    """{nested}: guest-info says which CPUs are in a nested guest"""
    assert "CPUs      1: current 0; in a nested guest 0\n" in nested.of_core["info"]


def test_stub(nested):
    """{nested}: the gdbstub does not tell, so that all who show the CPU say that it may be in a nested guest"""
    assert "CPUs      1: current 0; perhaps in a nested guest 0\n" in nested.at_stub["info"]
    assert "CPUs may execute a nested guest now: let the guest go on" in " ".join(nested.at_stub["info"].split())
    assert gdb.lines_of(nested.at_stub["short"])[-1] == "        perhaps in a nested guest, whose registers these are then"
    assert json_of(nested.at_stub["json"])["nested"] == "unknown"
    assert nested.at_stub["vtop"].startswith("note: CPU 0 may execute a nested guest")


# ---- System Management Mode ----

def test_smm(folder):
    """With a CPU in System Management Mode guest-vtop and the vmcore say that addresses and registers are the firmware's"""
    with bare.boot(bare.build(32, folder, "smm"), folder) as guest:
        guest.stop()
        truth, = registers.by_name(registers.of_monitor(guest))
        qemu, core = guest.qemu, guest.core(folder / "core")
    run = gdb.batch(qemu, core, commands=["guest-regs", "guest-vtop 0x101000 -cpu 0", "guest-vtop 0x101000",
                                          f"dump-guest-memory {folder}/vmcore"])
    assert truth["SMM"] == 1
    assert f"  16-bit SMM     0x{truth['CS_base'] + truth['EIP']:016x}" in run.output, run
    note = "note: CPU 0 is in System Management Mode: addresses are the firmware's, not those of the kernel that it interrupted"
    assert gdb.lines_of(run.output).count(note) == 2, run
    assert "note: no kernel of Linux is found: through CPU 0, whose paging is off: addresses are guest-physical" in run.output
    assert "note: CPU 0: is in System Management Mode: the vmcore has the firmware's registers" in run.output


# ---- Linux ----

HERE = Path(__file__).resolve().parent
SCRIPT = """
set -e
for module in /kvm/*; do insmod "$module"; done
/l2run >/said 2>&1 &
until grep marker /said; do kill -0 $!; usleep 10000; done
"""
# The address at which l2run.c's nested guests loop.
LOOP = 0x1003


def build_initrd(folder):
    """The lab's initramfs, KVM's modules, and l2run, which SCRIPT starts."""
    root = folder / "root"
    shutil.copytree(lab.lab("modules", "6.1", "irqbypass", "kvm", "kvm-amd"), root / "kvm")
    subprocess.run(["gcc", "-static", "-O1", "-o", root / "l2run", HERE / "l2run.c", "-lpthread"], check=True)
    (root / "script").write_text(SCRIPT)
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    run = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=names.encode(), cwd=root,
                         stdout=subprocess.PIPE, check=True)
    initrd = folder / "initrd"
    initrd.write_bytes(Path(lab.lab("initramfs")).read_bytes() + gzip.compress(run.stdout, 1))
    return initrd


def nested_cpus(guest):
    """The CPUs that execute a nested guest, by where they are in it."""
    cpus = registers.by_name(registers.of_monitor(guest))
    return [i for i, values in enumerate(cpus) if values.get("EIP") == LOOP and not values["CR0"] & 1]


def stop_where(guest, count, what):
    """Stops the guest where so many CPUs are in nested guests."""
    def stopped():
        guest.cont()
        guest.stop()
        return len(nested_cpus(guest)) == count

    lab.wait_until(stopped, gdb.PATIENCE, what)


class Hypervisor:
    """Linux with KVM, both of whose CPUs execute nested guests most of the time: at its gdbstub when one does not, and its
    core when both do."""

    def __init__(self, folder):
        self.folder = folder = Path(tempfile.mkdtemp(dir=folder))
        # QEMU does not go on from a state within a nested guest.
        with lab.Guest(initrd=build_initrd(folder), memory=512, directory=folder, append="lab.script=/script lab.kallsyms=1",
                       fresh=True, extra=["-cpu", "EPYC,+svm", "-serial", "file:kallsyms",
                              "-gdb", "unix:gdbstub,server=on,wait=off"]) as guest:
            self.marker = re.search(r"marker is at (0x\w+)", guest.serial.read_text())[1]
            self.kallsyms = gzip.decompress((guest.directory / "kallsyms").read_bytes()).decode()
            commands = ["guest-info", "guest-regs", *[f"guest-x {self.marker} s -cpu {cpu}" for cpu in range(2)]]
            inside = [r"echo @vcpus\n", "guest-nested -vcpus", r"echo @inside\n", "guest-select -nested 1", "guest-regs",
                      f"guest-x -physical /5xb {LOOP - 3:#x}", "guest-x -physical /2xb 0x2000", "guest-select -target",
                      r"echo @outer\n", "guest-regs -task", "guest-bt"]
            guest.stop()
            stop_where(guest, 1, "one CPU in a nested guest")
            self.nested, = nested_cpus(guest)
            # A GDB without Python would let the guest run as it leaves.
            connect = ["-ex", f"target remote {guest.directory}/gdbstub"]
            self.by_stub = gdb.batch(*connect, commands=[*commands, "disconnect"])
            self.inside_by_stub = gdb.batch(*connect, commands=[*inside, "disconnect"])
            self.inside_by_process = machines.may_attach() and gdb.batch("-p", guest.pid, commands=inside)
            stop_where(guest, 2, "all CPUs in nested guests")
            self.all_by_stub = gdb.batch(*connect, commands=["guest-klog", "disconnect"])
            qemu, core = guest.qemu, guest.core(folder / "core")
        self.of_core = gdb.batch(qemu, core, commands=[
            *commands, "guest-klog -tail 1", f"dump-guest-memory {folder}/vmcore"])

    def symbol_at(self, address):
        """The name in /proc/kallsyms, with the module's."""
        lines = [line.split() for line in self.kallsyms.split("\n") if line]
        at = max((line for line in lines if int(line[0], 16) <= address), key=lambda line: int(line[0], 16))
        return " ".join(at[2:])


@pytest.fixture(scope="session")
def hypervisor(background, top_folder):
    result = background.start("hypervisor", Hypervisor, top_folder).result()
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


@pytest.mark.further
def test_linux(hypervisor):
    """Linux whose CPUs are all in nested guests has its kernel, its log, and each CPU's entry into its guest found"""
    run = hypervisor.of_core
    release = (Path(lab.lab("kernel")) / "release").read_text().strip()
    assert run.status == 0, run
    assert "CPUs      2: current 0,1; in a nested guest 0,1\n" in run.output
    assert f"kernel    Linux {release}" in run.output
    assert "no CPU" not in run.output
    rips = re.findall(r"^CPU \d   nested   64-bit kernel  (0x\w+)", run.output, re.MULTILINE)
    assert [hypervisor.symbol_at(int(rip, 16)) for rip in rips] == 2 * ["__svm_vcpu_run [kvm_amd]"], run
    assert run.output.count(f"        running  16-bit real    0x{LOOP:016x}\n") == 2
    # The program's own memory: CR3 is that of the process that entered the nested guest.
    assert run.output.count(f"{hypervisor.marker}:\t\"the hypervisor's own memory\"") == 2, run
    assert re.search(r"^\[ +\d+\.\d+\] kvm: ", run.output, re.MULTILINE), run
    assert "note: CPU 0, 1: executes a nested guest: " in run.output


def check_inside(run, cpu):
    """Checks what was shown where CPU alone is in the nested guest."""
    _, vcpus, inside, outer = re.split(r"^@\w+\n", run.output, flags=re.MULTILINE)
    line, *states = [line for line in vcpus.splitlines() if re.match(r" +(\d|vCPU)", line)]
    assert line.split()[0] == "1" and line.split()[2] == "l2run", run
    assert [re.match(rf" +vCPU {i}  on CPU {i}\b", state) is not None for i, state in enumerate(states)][cpu], run
    # All of the nested guest's memory is in a page cache, and the vCPUs' marks are there.
    assert f"{LOOP - 3:#x}:\t0xc6\t0x00\t0x01\t0xeb\t0xfe\n" in inside and "0x2000:\t0x01\t0x01\n" in inside, run
    assert re.search(rf"^CPU {cpu}   running  16-bit real    0x{LOOP:016x}", inside, re.MULTILINE), run
    assert f"        in nested guest 1, vCPU {cpu}:\n" in outer, run
    stack = re.search(rf"in nested guest 1, vCPU {cpu}, pc {LOOP:#x} .*\n(    note: .*\n)?    <VM entry>\n((?:.+\n)*)", outer)
    assert "kvm_vcpu_ioctl+" in stack[2], run
    return stack[2]


@pytest.mark.further
@pytest.mark.gdb
def test_inside_at_stub(hypervisor):
    """At the gdbstub guest-nested lists the nested guest, guest-select -nested shows its memory and registers, guest-regs and
    guest-bt of the guest itself say which CPU is inside"""
    assert hypervisor.inside_by_stub.status == 0, hypervisor.inside_by_stub
    check_inside(hypervisor.inside_by_stub, hypervisor.nested)


@pytest.mark.further
@pytest.mark.attach
def test_inside_process(hypervisor):
    """So they do at the process, where the stack behind the entry is walked by the registers that the CPU saved"""
    frames = check_inside(hypervisor.inside_by_process, hypervisor.nested)
    assert "__svm_vcpu_run+" in frames.splitlines()[0] and " ? " not in frames


@pytest.mark.further
def test_linux_vmcore(hypervisor):
    """The vmcore of Linux whose CPUs are all in nested guests is opened by crash"""
    assert hypervisor.of_core.status == 0
    shown = crash.text(hypervisor.folder / "vmcore", "sys\nps")
    assert re.search(r"CPUS: 2\b", shown) and re.search(r"^> .* l2run$", shown, re.MULTILINE), shown


@pytest.mark.further
def test_linux_stub(hypervisor):
    """At the gdbstub a CPU in a nested guest is known by its page tables where another CPU leads to the kernel"""
    output, cpu = hypervisor.by_stub.output, hypervisor.nested
    assert f"CPUs      2: current 0,1; in a nested guest {cpu}\n" in output, hypervisor.by_stub
    assert re.search(rf"^CPU {cpu}   nested\n        rip, rsp, cr3 unknown: ", output, re.MULTILINE), output
    assert re.search(rf"^CPU {1 - cpu}   (running|halted ) +64-bit", output, re.MULTILINE), output
    assert re.search(rf"^guest-x: CPU {cpu} executes a nested guest, and the guest's own page tables are not known",
                     output, re.MULTILINE), output
    assert "CPUs may execute a nested guest now: let the guest go on" in " ".join(hypervisor.all_by_stub.output.split())
