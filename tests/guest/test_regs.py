# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-regs, against QEMU's monitor at the same stop."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import bare
import gdb
import machines
import patch
import registers
import selection
import stripped
from machines import lab

# Guests by name: how each is made.
LINUX = {"1 vCPU": dict(smp=1), "2 vCPUs": dict(smp=2), "8 vCPUs": dict(machine="q35", smp=8),
         "2 vCPUs that execute programs": dict(smp=2, append="lab.spin=4"),
         "2 vCPUs with 5-level page tables and AVX": dict(smp=2, extra=["-cpu", "max"])}
BARE = {"protected mode of 16 bits": 16, "protected mode of 32 bits": 32, "page tables of i386": 33,
        "page tables of i386 with PAE": 36, "long mode with AVX, and all else that Linux does not use": 64}
FIRMWARE = {"a CPU that has just been reset": ["-S"], "the BIOS at work": []}


class Stopped:
    """A stopped guest: what QEMU says of its registers, and what we do of its process and of its core."""

    def __init__(self, name, folder):
        self.name = name
        folder = Path(tempfile.mkdtemp(dir=folder))
        with self._boot(name, folder) as guest:
            guest.stop()
            # Ours first: the monitor brings registers up to date that TCG keeps in pieces.
            self.attached = gdb.batch("-p", guest.pid, commands=["guest-regs -all"]) if machines.may_attach() else None
            self.truth = registers.of_monitor(guest)
            with gdb.Session() as session:
                session.command(f"target remote {guest.directory}/gdbstub")
                self.all_by_stub, self.short_by_stub = session.command("guest-regs -all"), session.command("guest-regs -task")
            self.console = guest.serial.read_text(errors="replace")
            self.qemu = guest.qemu
            self.core = guest.core(folder / "core")
        self.of_core = self.run(r"echo @short\n", "guest-regs", r"echo @json\n", "guest-regs -json",
                                r"echo @all\n", "guest-regs -all")
        self.views = gdb.Views(self.qemu, self.core)

    def short(self):
        """The lines of the default view."""
        text = self.of_core.output
        return gdb.lines_of(text[text.index("@short\n") + len("@short\n"):text.index("@json\n")])

    def run(self, *commands):
        run = gdb.batch(self.qemu, self.core, commands=commands)
        assert run.status == 0, run
        return run

    @staticmethod
    def _boot(name, folder):
        stub = ["-gdb", "unix:gdbstub,server=on,wait=off"]
        if name in LINUX:
            options = dict(LINUX[name])
            return lab.Guest(memory=256, directory=folder, extra=[*stub, *options.pop("extra", [])], **options)
        if name in BARE:
            return bare.boot(bare.build(BARE[name], folder), folder, extra=[*stub, "-cpu", "max"])
        guest = lab.Guest(memory=64, smp=1, kernel=False, extra=[*stub, *FIRMWARE[name]], directory=folder)
        if not FIRMWARE[name]:
            # Without anything to boot it ends halted.
            lab.wait_until(lambda: "HLT=1" in guest.hmp("info registers"), gdb.PATIENCE, "the BIOS gives up")
        return guest


CHEAP = ["2 vCPUs that execute programs", "2 vCPUs with 5-level page tables and AVX", "protected mode of 16 bits",
         "page tables of i386 with PAE", "long mode with AVX, and all else that Linux does not use",
         "a CPU that has just been reset"]


@pytest.fixture(scope="session", params=selection.mostly_further([*LINUX, *BARE, *FIRMWARE], CHEAP))
def stopped(request, background, top_folder):
    for name in selection.wanted(request, "stopped"):
        background.start(("stopped", name), Stopped, name, top_folder)
    result = background.start(("stopped", request.param), Stopped).result()
    yield result
    result.views.close()
    shutil.rmtree(Path(result.core).parent, ignore_errors=True)


# ---- All registers ----

def test_core(stopped):
    """{stopped}: what guest-regs -all shows of the core is what QEMU's info registers showed"""
    assert registers.of_run(stopped.of_core) == "\n" + stopped.truth.strip("\n") + "\n"


@pytest.mark.attach
def test_attached(stopped):
    """{stopped}: what guest-regs -all shows of the process is what QEMU's info registers shows"""
    assert registers.of_run(stopped.attached) == "\n" + stopped.truth.strip("\n") + "\n"


def test_stub(stopped):
    """{stopped}: over the gdbstub guest-regs -task shows what guest-regs shows of the core, -all what QEMU's info registers shows"""
    ours = [line for line in stopped.all_by_stub if not line.startswith(registers.EXTRA)]
    assert ours == gdb.lines_of(stopped.truth)
    assert stopped.short_by_stub == stopped.short()


def test_json(stopped):
    """{stopped}: guest-regs -json has QEMU's values, a line for each CPU, all current"""
    shown = registers.json_lines(stopped.of_core)
    truth = registers.by_name(stopped.truth)
    assert [cpu["cpu"] for cpu in shown] == list(range(len(truth)))
    for cpu, values in zip(shown, truth):
        assert cpu["state"] == "current" and cpu["why"] == ""
        prefix = "R" if "RIP" in values else "E"
        ours = {name: int(value, 16) for name, value in cpu["registers"].items()}
        for name in ("ip", "sp", "ax", "di"):
            assert ours["r" + name] == values[prefix + name.upper()]
        assert ours["rflags"] == values["RFL" if prefix == "R" else "EFL"]
        for name in ("CR0", "CR2", "CR3", "CR4", "EFER", "DR6", "DR7", "FCW", "FSW", "FTW", "MXCSR"):
            assert ours[name.lower()] == values[name], name
        for name in ("ES", "CS", "SS", "DS", "FS", "GS", "LDT", "TR"):
            assert ours[name.lower()] == values[name]
            assert ours[f"{name.lower()}_base"] == values[f"{name}_base"], name
        assert ours["gdt_base"] == values["GDT"] and ours["idt_base"] == values["IDT"]
        assert ours["halted"] == values["HLT"] and ours["a20"] == values["A20"]


@pytest.mark.machines("long mode with AVX, and all else that Linux does not use")
def test_beyond_monitor(stopped):
    """The registers that QEMU's monitor does not show are those that the guest has set"""
    cpu, = registers.json_lines(stopped.of_core)
    for name, value in bare.LONG_MODE_REGISTERS.items():
        assert int(cpu["registers"][name], 16) == value, name
    assert re.search(r"^CR8=5 MP=runnable RFLAGS=\[ZF AF PF\] IOPL=0$", stopped.of_core.output, re.MULTILINE)


@pytest.mark.machines("2 vCPUs")
def test_syscall_entry(stopped):
    """LSTAR leads to the kernel's entry for system calls"""
    run = stopped.run("guest-regs -cpu 1", "guest-x $guest_lstar 1x")
    assert "<entry_SYSCALL_64>:" in run.output, run


def test_task(stopped):
    """{stopped}: a CPU's task is idle where QEMU has the CPU halted, and a program's in user mode; no other task has the stack"""
    if stopped.name not in LINUX:
        assert all(cpu["task"] is None for cpu in registers.json_lines(stopped.of_core))
        return
    run = stopped.run("guest-ps -json -threads")
    tasks = {task["task"]: task for task in registers.json_lines(run)}
    running = {task["task"] for task in tasks.values() if task["running"]}
    cpus = registers.json_lines(stopped.of_core)
    assert {cpu["task"]["task"] for cpu in cpus} == running and len(running) == len(cpus)
    for cpu, values in zip(cpus, registers.by_name(stopped.truth)):
        task = tasks[cpu["task"]["task"]]
        assert cpu["task"]["confirmed"] and (cpu["task"]["pid"], cpu["task"]["comm"]) == (task["pid"], task["comm"])
        assert task["pid"] == 0 or not values["HLT"]
        assert not (values["CPL"] == 3 and task["kernel"])
        owners = [other for other in tasks.values() if 0 <= values["RSP"] - int(other["stack"], 16) < 16384]
        assert owners in ([], [task])


# ---- Without debuginfo ----

def comparable(text):
    """Without what differs: MXCSR's exceptions cannot be known; before 7.2 XMM registers were printed in one piece."""
    text = re.sub(r"(MXCSR=0000[0-9a-f]{2})(..)", r"\1??", text)
    return re.sub(r"(XMM\d\d=[0-9a-f]{16}) ", r"\1", text).strip("\n")


@pytest.mark.parametrize("qemu", selection.mostly_further(stripped.QEMUS, stripped.CHEAP_QEMUS))
@pytest.mark.parametrize("mode", [36, 64])
def test_without_debuginfo(qemu, mode, folder):
    """{qemu} without debuginfo, bare.S {mode}: all but MXCSR's exceptions is QEMU's, of the process and of the core"""
    binary = stripped.qemu_or_skip(qemu)
    with bare.boot(bare.build(mode, folder), folder, qemu=binary, extra=["-cpu", "max"]) as guest:
        guest.stop()
        runs = []
        if machines.may_attach():
            runs.append(gdb.batch(*stripped.NO_DEBUGINFO, "-p", guest.pid, commands=["guest-regs -all"]))
        truth = registers.of_monitor(guest)
        core = guest.core(folder / "core")
    runs.append(gdb.batch(*stripped.NO_DEBUGINFO, binary, core, commands=["guest-regs -all"]))
    for run in runs:
        assert comparable(registers.of_run(run)) == comparable(truth), run


# ---- At a glance ----

MODES = {"protected mode of 16 bits": "16-bit kernel", "protected mode of 32 bits": "32-bit kernel",
         "page tables of i386": "32-bit kernel", "page tables of i386 with PAE": "32-bit kernel",
         "long mode with AVX, and all else that Linux does not use": "64-bit kernel",
         "a CPU that has just been reset": "16-bit real"}


def test_mode(stopped):
    """{stopped}: the default view has mode, privilege, rip, rsp and cr3 of each CPU, in two lines; Linux has a task there"""
    values = registers.by_name(stopped.truth)
    tasks = [line for line in stopped.short() if line.startswith(8 * " " + "task ")]
    assert len(tasks) == (len(values) if stopped.name in LINUX else 0)
    lines = [line for line in stopped.short() if line not in tasks]
    assert len(lines) == 2 * len(values)
    for cpu, (first, second) in enumerate(zip(lines[::2], lines[1::2])):
        truth = values[cpu]
        bits, privilege = mode_of(stopped.truth, cpu, truth)
        assert re.match(rf"CPU {cpu} +{'halted' if truth['HLT'] else 'running'} +{bits}-bit +{privilege} +0x", first)
        pc = truth["RIP"] if bits == 64 else truth["CS_base"] + truth["EIP"] & 0xffffffff
        assert f"0x{pc:016x}" in first and f"cr3 0x{truth['CR3']:016x}  current" in second


def mode_of(text, cpu, values):
    """Bits and privilege, by QEMU's text."""
    part = re.split(r"^CPU#\d+\n", text, flags=re.MULTILINE)[cpu + 1]
    if values["SMM"]:
        privilege = "SMM"
    elif not values["CR0"] & 1:
        privilege = "real"
    else:
        privilege = "user" if values["CPL"] == 3 else "kernel"
    code = re.search(r"^CS .* CS(\d\d) ", part, re.MULTILINE)
    if code:
        return int(code.group(1)), privilege
    flags = int(re.search(r"^CS =\w+ \w+ \w+ (\w+)", part, re.MULTILINE).group(1), 16)
    return 32 if flags & 1 << 22 else 16, privilege


@pytest.mark.machines(*MODES)
def test_known_mode(stopped):
    """{stopped}: the mode is the one that the guest was made to be in"""
    text = " ".join(" ".join(stopped.short()).split())
    assert MODES[stopped.name] in text


@pytest.mark.machines("1 vCPU", "8 vCPUs")
def test_choice(stopped):
    """{stopped}: -cpu shows just the CPUs that are asked for, and refuses others"""
    count = len(registers.by_name(stopped.truth))
    shown = registers.json_lines(stopped.run(f"guest-regs -json -cpu {count - 1},0-0"))
    assert [cpu["cpu"] for cpu in shown] == list(dict.fromkeys([count - 1, 0]))
    for wanted in (count, f"0-{count}"):
        assert re.fullmatch(rf"guest-regs: -cpu: there is no CPU {count}; there are 0(-{count - 1})?",
                            stopped.views.error(f"guest-regs -cpu {wanted}"))


@pytest.mark.machines("2 vCPUs")
def test_bad_choice(stopped):
    """A text that is no list of CPUs is refused"""
    texts = ("x", "1-", "2-1", "-1", "1,,0", "4294967296", "0x1")
    for text in texts:
        assert stopped.views.error(f"guest-regs -cpu {text}").startswith("guest-regs: ")


@pytest.mark.machines("8 vCPUs")
def test_variables(stopped):
    """-cpu N sets convenience variables to that CPU's registers, and another N replaces them"""
    values = registers.by_name(stopped.truth)
    commands = []
    for cpu in (3, 6):
        commands += [f"guest-regs -cpu {cpu}", 'printf "@%d %d %lx %lx %lx %lx %x\\n", $guest_cpu, $guest_current, '
                     '$guest_rip, $guest_rsp, $guest_cr3, $guest_gs_base, $guest_rflags']
    shown = re.findall(r"^@(.*)$", stopped.run(*commands).output, re.MULTILINE)
    assert shown == ["%d 1 %x %x %x %x %x" % (cpu, values[cpu]["RIP"], values[cpu]["RSP"], values[cpu]["CR3"],
                                            values[cpu]["GS_base"], values[cpu]["RFL"]) for cpu in (3, 6)]


@pytest.mark.machines("2 vCPUs")
def test_scheme(stopped):
    """(guest-cpus) gives a script the same as data"""
    script = ('(use-modules (gdb-guest guest-regs)) (for-each (lambda (cpu) (format #t "@~a ~a ~x ~a~%" '
              "(assq-ref cpu 'index) (assq-ref cpu 'state) (vector-ref (assoc-ref (assq-ref cpu 'registers) \"rip\") 1) "
              "(assq-ref cpu 'symbol))) (guest-cpus))")
    shown = re.findall(r"^@(.*)$", stopped.run(f"guile {script}").output, re.MULTILINE)
    # A CPU that executes a program has no symbol of the kernel's.
    assert shown == ["%d current %x %s" % (cpu["cpu"], int(cpu["registers"]["rip"], 16), cpu["symbol"] or "#f")
                     for cpu in registers.json_lines(stopped.of_core)]


# ---- What cannot be known ----

def test_executing(folder):
    """A core of a guest that was not stopped first: CPUs that executed are unknown, what seldom changes is right"""
    with lab.Guest(memory=256, append="lab.spin=4", directory=folder) as guest:
        truth = registers.by_name(registers.of_monitor(guest))
        guest.wait_for_execution()
        qemu, core = guest.qemu, guest.core(folder / "core")
    run = gdb.batch(qemu, core, commands=["guest-regs", "guest-regs -all", "guest-regs -json", "guest-regs -cpu 0"])
    assert run.status == 0, run
    cpus = registers.json_lines(run)
    assert "unknown" in {cpu["state"] for cpu in cpus}, run
    for cpu, before in zip(cpus, truth):
        assert cpu["state"] == "current" or "TCG was executing" in cpu["why"]
        for name in ("CR0", "CR4", "EFER"):
            assert int(cpu["registers"][name.lower()], 16) == before[name], name
        assert int(cpu["registers"]["idt_base"], 16) == before["IDT"]
        assert int(cpu["registers"]["tr_base"], 16) == before["TR_base"]
    index = next(cpu["cpu"] for cpu in cpus if cpu["state"] == "unknown")
    assert re.search(rf"^CPU#{index} unknown: TCG was executing", run.output, re.MULTILINE), run


@pytest.mark.machines("2 vCPUs")
def test_stale(stopped, folder):
    """With KVM, a CPU whose registers QEMU has not is stale, wherever it is shown"""
    core = folder / "core"
    subprocess.run(["cp", "--sparse=always", stopped.core, core], check=True)
    patch.make_kvm(stopped.qemu, core, dirty=[False, True])
    why = "KVM has run the CPU since QEMU last had them"
    run = gdb.batch(stopped.qemu, core, commands=["guest-regs", "guest-regs -all", "guest-regs -json",
                                                  "guest-x _stext 1x -cpu 0", "guest-regs -cpu 0", "print $guest_current",
                                                  "guest-regs -cpu 1", "print $guest_current", "guest-info"])
    assert run.output.count(f"  stale: {why}\n") == 2, run
    assert f"\nCPU#0 stale: {why}\n" in run.output and "\nCPU#1\n" in run.output, run
    first, second = registers.json_lines(run)
    assert (first["state"], first["why"], second["state"], second["why"]) == ("stale", why, "current", "")
    assert "$1 = 0\n" in run.output and "$2 = 1\n" in run.output, run
    assert re.search(r"^CPUs +2: current 1; stale 0$", run.output, re.MULTILINE), run
    assert re.search(rf"^note: through CPU 0's page tables, .*: {why}$", run.output, re.MULTILINE), run


# ---- Damage ----

def test_damaged_list(small, folder):
    """A cpu_index of 2^31, and a list of CPUs that is a circle, are errors"""
    for damage in (patch.set_cpu_index, patch.make_circle):
        core = folder / "core"
        subprocess.run(["cp", "--sparse=always", small[0], core], check=True)
        damage(small[1], core)
        lines = gdb.attempt([small[1], core], "guest-regs")
        assert len(lines) == 1 and lines[0].startswith("guest-regs: reading QEMU's list of CPUs: "), lines
