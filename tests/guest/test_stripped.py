# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU without debuginfo: what is found in it by structure, against QEMU's own dump of the same stopped guest.

Whatever is not found must be an error; a vmcore that is not the truth is the worst that can be.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import gdb
import machines
import selection
import stripped
import vmcore
from machines import Machine, lab
from stripped import NO_DEBUGINFO

ERROR = "dump-guest-memory: "


def registers(path):
    """The CPUs' notes."""
    with vmcore.Vmcore(path) as core:
        return [note for note in core.notes() if note[0] in ("CORE", "QEMU")]


# ---- x86 ----

def test_core(of_stripped):
    """{of_stripped}: from the core, our vmcore holds the memory that QEMU's own dump does, and the CPUs' notes"""
    assert of_stripped.core_run.status == 0, of_stripped.core_run
    assert vmcore.difference(of_stripped.from_core, of_stripped.truth) is None
    assert registers(of_stripped.from_core) == registers(of_stripped.truth)


@pytest.mark.attach
def test_attached(of_stripped):
    """{of_stripped}: from the process, our vmcore is the same file as from the core"""
    assert of_stripped.attached_run.status == 0, of_stripped.attached_run
    assert vmcore.files_differ(of_stripped.attached, of_stripped.from_core) is None


def test_no_debuginfo(of_stripped):
    """{of_stripped}: GDB knows no type of QEMU's"""
    assert "No struct type named MemoryRegion" in of_stripped.views.text("ptype struct MemoryRegion")


@pytest.mark.machines(*stripped.LINUX)
def test_kernel(of_stripped):
    """{of_stripped}: the guest's kernel is found, its VMCOREINFO is in the vmcore"""
    release = (Path(lab.lab("kernel")) / "release").read_text().strip()
    with vmcore.Vmcore(of_stripped.from_core) as core:
        vmcoreinfo, = [desc.decode() for name, _, desc in core.notes() if name == "VMCOREINFO"]
    assert f"OSRELEASE={release}\n" in vmcoreinfo


def test_info(of_stripped):
    """{of_stripped}: guest-info tells what it does of a QEMU with debuginfo, and how the layout was found"""
    text = of_stripped.views.text("guest-info")
    version = of_stripped.version["qemu"]
    machine = of_stripped.machine_type.removesuffix("-machine")
    number = f"{version['major']}.{version['minor']}.{version['micro']}"
    assert re.search(rf"^QEMU +{number}.*,\s+machine {machine}, paused, tcg$", text, re.MULTILINE), text
    assert re.search(r"^layout +found by structure", text, re.MULTILINE), text
    cpus = ",".join(map(str, range(of_stripped.machine.smp)))
    assert re.search(rf"^CPUs +{of_stripped.machine.smp}: current {cpus}$", text, re.MULTILINE), text
    with vmcore.Vmcore(of_stripped.truth) as truth:
        for load in truth.loads[:10]:
            assert f"0x{load.address:016x}-0x{load.end - 1:016x}" in text


@pytest.mark.machines(stripped.RICH_BOOKWORM)
def test_rich_map(of_stripped):
    """{of_stripped}: all of these are in the map, and of virtio-mem the 3 runs of blocks that are plugged in"""
    blocks = [line.split("/")[-1].split()[-1] for line in of_stripped.core_run.output.split("\n") if line[:2] == "0x"]
    for block in ("node0", "node1", "vga.vram", "shared", "hotplugged", "nonvolatile", "pc.bios"):
        assert block in blocks
    assert blocks.count("growing") == 3


@pytest.mark.machines(*stripped.LINUX[:2], *stripped.I386[-1:])
def test_core_alone(of_stripped, folder):
    """{of_stripped}: with the core alone, GDB not being told of QEMU's binary, the vmcore is the same file"""
    run = of_stripped.run("--core", of_stripped.core, commands=[f"dump-guest-memory {folder}/vmcore"])
    assert run.status == 0, run
    assert vmcore.files_differ(of_stripped.from_core, folder / "vmcore") is None


@pytest.mark.parametrize("qemu", selection.mostly_further(stripped.QEMUS, stripped.CHEAP_QEMUS))
def test_executing(qemu, folder):
    """{qemu}: of a CPU that was executing when the core was taken, it is not said that its registers are current"""
    binary = stripped.qemu_or_skip(qemu)
    with lab.Guest(qemu=binary, memory=256, append="lab.spin=4", directory=folder) as guest:
        guest.wait_for_execution()
        core = guest.core(folder / "core")
    run = gdb.batch(*NO_DEBUGINFO, binary, core, commands=["guest-info"])
    assert run.status == 0, run
    assert re.search(r"^CPUs +2: .*unknown [01]", run.output, re.MULTILINE), run


# ---- Another architecture ----

def test_arm_core(of_arm):
    """{of_arm}: from the core, our vmcore holds the memory that QEMU's own dump does"""
    assert of_arm.core_run.status == 0, of_arm.core_run
    assert vmcore.difference(of_arm.from_core, of_arm.truth) is None


@pytest.mark.attach
def test_arm_attached(of_arm):
    """{of_arm}: from the process, our vmcore is the same file as from the core"""
    assert of_arm.attached_run.status == 0, of_arm.attached_run
    assert vmcore.files_differ(of_arm.attached, of_arm.from_core) is None


def test_arm_physical(of_arm):
    """{of_arm}: guest-x -physical shows the bytes that a device wrote"""
    where = stripped.filled_at(of_arm.machine.machine)
    run = of_arm.look(f"guest-x/4bx {where:#x} -physical", f"guest-x/hx {where:#x} -physical")
    assert re.findall("^(0x[0-9a-f]+):\t(.*)$", run.output, re.MULTILINE) == [
        (f"{where:#x}", "\t".join(["0xa1"] * 4)), (f"{where:#x}", "0xa1a1")], run


def test_arm_registers(of_arm, folder):
    """{of_arm}: the general registers in our vmcore's notes are those in QEMU's own"""
    of_arm.views.text(f"dump-guest-memory {folder}/vmcore")
    found = []
    for path in (folder / "vmcore", of_arm.truth):
        with vmcore.Vmcore(path) as core:
            found.append([desc for name, kind, desc in core.notes() if (name, kind) == ("CORE", 1)])
    assert found[0] == found[1] and len(found[0]) >= 1


# ---- By structure and by types ----

@pytest.mark.gdb
def test_layouts(small):
    """A QEMU with debuginfo has by structure the places that its types have"""
    run = gdb.batch(small[1], small[0], commands=["guest-info -layout"])
    assert run.status == 0, run
    members = re.findall(r"^([A-Za-z0-9_]+(?:\.\S+)?): (both agree|by structure only|DIFFER|NOT FOUND)", run.output,
                         re.MULTILINE)
    assert [member for member, verdict in members if verdict == "DIFFER"] == [], run
    assert len([member for member, verdict in members if verdict == "both agree"]) >= 25, run


# ---- A QEMU that exports nothing ----

def strip_lab_qemu(folder, option):
    """A copy of the lab's QEMU, which is built without modules and so exports none of its variables."""
    path = folder / "bin" / "qemu-system-x86_64"
    path.parent.mkdir()
    shutil.copy(lab.lab("qemu"), path)
    subprocess.run(["strip", option, path], check=True)
    return str(path)


@pytest.mark.gdb
def test_no_types(small, folder):
    """A QEMU with symbols but no types gives the same vmcore as with debuginfo"""
    qemu = strip_lab_qemu(folder, "--strip-debug")
    for program, name in ((small[1], "with"), (qemu, "without")):
        run = gdb.batch(program, small[0], commands=[f"dump-guest-memory {folder}/{name}"])
        assert run.status == 0, run
    assert vmcore.files_differ(folder / "with", folder / "without") is None


NO_REGISTERS = r"^note: the vmcore has no notes of the CPUs: .*CPUState"


def test_no_symbols(folder):
    """A QEMU that exports none of its variables gives a right vmcore; where it lacks the registers, a note says so"""
    machine = Machine("stripped", "q35", 256, qemu=lambda: strip_lab_qemu(folder, "--strip-all"))
    dumps = stripped.Dumps(machine, folder / "machine")
    for run, ours in ((dumps.core_run, dumps.from_core), (dumps.attached_run, dumps.attached)):
        if run.status != 0:
            assert re.search(rf"^{ERROR}.*address_space_memory", run.output, re.MULTILINE), run
            assert not ours.exists()
            continue
        assert vmcore.difference(ours, dumps.truth) is None
        if re.search(NO_REGISTERS, run.output, re.MULTILINE):
            assert registers(ours) == []
        else:
            assert registers(ours) == registers(dumps.truth)


# ---- QEMU started by the loader ----

# QEMU looks for its modules beside its program, which is ld.so then.
LOADER = """#!/bin/sh
export QEMU_MODULE_DIR={libraries}/qemu
exec {libraries}/ld-linux-x86-64.so.2 --library-path {libraries} {qemu} "$@"
"""


def test_by_loader(folder):
    """A QEMU that was started as an argument of ld.so gives a right vmcore"""
    qemu = stripped.BOOKWORM()
    script = folder / "bin" / "qemu"
    script.parent.mkdir()
    script.write_text(LOADER.format(qemu=qemu, libraries=Path(qemu).parents[1] / "lib/x86_64-linux-gnu"))
    script.chmod(0o755)
    truth, ours = folder / "truth", folder / "ours"
    with lab.Guest(qemu=script, directory=folder, fresh=True) as guest:
        guest.stop()
        guest.dump(truth)
        core = guest.core(folder / "core")
    run = gdb.batch(*NO_DEBUGINFO, qemu, core, commands=[f"dump-guest-memory {ours}"])
    assert run.status == 0, run
    assert vmcore.difference(ours, truth) is None
    assert registers(ours) == registers(truth)


# ---- The core of another machine's QEMU ----

@pytest.fixture(scope="module")
def travelled(top_folder):
    """A core whose QEMU was at a path of its own: (that path, the core, QEMU's own dump)."""
    folder = Path(tempfile.mkdtemp(dir=top_folder))
    qemu, modules = folder / "bin" / "qemu-system-x86_64", folder / stripped.MODULES
    qemu.parent.mkdir()
    shutil.copy(stripped.BOOKWORM(), qemu)
    modules.parent.mkdir(parents=True)
    modules.symlink_to(Path(stripped.BOOKWORM()).parents[1] / stripped.MODULES)
    with lab.Guest(qemu=qemu, directory=folder) as guest:
        guest.stop()
        guest.dump(folder / "truth")
        core = guest.core(folder / "core")
    yield qemu, core, folder / "truth"
    shutil.rmtree(folder)


@pytest.mark.gdb
def test_gone(travelled, folder):
    """A core whose QEMU is not at the path that the core names gives a right vmcore with a copy of that QEMU"""
    qemu, core, truth = travelled
    qemu.unlink(missing_ok=True)
    run = gdb.batch(*NO_DEBUGINFO, stripped.BOOKWORM(), core, commands=[f"dump-guest-memory {folder}/vmcore"])
    assert run.status == 0, run
    assert vmcore.difference(folder / "vmcore", truth) is None
    assert registers(folder / "vmcore") == registers(truth)


@pytest.mark.gdb
@pytest.mark.parametrize("loaded", ["right", "wrong"])
def test_replaced(loaded, travelled, folder):
    """A core at whose QEMU's path is another QEMU by now gives no wrong vmcore with the {loaded} one in GDB"""
    qemu, core, truth = travelled
    shutil.copy(stripped.of_suite("trixie")(), qemu)
    program = stripped.BOOKWORM() if loaded == "right" else qemu
    run = gdb.batch(*NO_DEBUGINFO, program, core, commands=[f"dump-guest-memory {folder}/vmcore"])
    if loaded == "right" or run.status == 0:
        assert run.status == 0, run
        assert vmcore.difference(folder / "vmcore", truth) is None
        assert registers(folder / "vmcore") == registers(truth)
    else:
        assert re.search(rf"^{ERROR}", run.output, re.MULTILINE), run
        assert list(folder.iterdir()) == []


# ---- QEMUs without a machine ----

def test_no_machine(folder):
    """A QEMU whose machine is "none", memory without a CPU, gives a vmcore of that memory"""
    machine = Machine("none", "none", 128, smp=1, qemu=stripped.BOOKWORM, kernel=False)
    dumps = stripped.DumpsOfMemory(machine, folder / "machine")
    assert dumps.core_run.status == 0, dumps.core_run
    assert vmcore.difference(dumps.from_core, dumps.truth) is None


def test_not_yet(folder):
    """A QEMU that has not made its machine yet is said to have no memory"""
    with lab.Guest(qemu=stripped.BOOKWORM(), kernel=False, extra=["-preconfig"], directory=folder) as guest:
        qemu, core = guest.qemu, guest.core(folder / "core")
    check_refused(qemu, core, folder, r"address_space_memory|AddressSpace|FlatView|memory")


# ---- What is no QEMU ----

def core_of(command, folder, word="ready"):
    """The core of a program that has said the word and waits for its input."""
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, preexec_fn=machines.unlimit_core) as process:
        while (line := process.stdout.readline()) and word not in line:
            pass
        assert line, f"{command} ended before it was ready"
        return machines.core_of(process, folder)


def check_refused(program, core, folder, pattern):
    """An error is one line, and no file is left, whether the CPUs are asked for or not."""
    before = set(folder.iterdir())
    commands = [f"dump-guest-memory {options}{folder}/vmcore" for options in ("", "-no-notes ")]
    for lines in gdb.attempts([*NO_DEBUGINFO, program, core], commands):
        assert len(lines) == 1 and lines[0].startswith(ERROR), lines
        assert re.search(pattern, lines[0]), lines[0]
    assert set(folder.iterdir()) == before


PYTHON = "/usr/bin/python3"
STORAGE_DAEMON = "/usr/bin/qemu-storage-daemon"
# Name: what to start, the word that it says when it is ready.
PROGRAMS = {
    "GDB": ([gdb.LAUNCHER, "-nx", "-q", "-ex", r"echo ready\n", PYTHON], "ready"),
    "Debian's GDB": (["/usr/bin/gdb", "-nx", "-q", "-ex", r"echo ready\n", PYTHON], "ready"),
    "a shell": (["/bin/bash", "-c", "echo ready; read -r line"], "ready"),
    "Python": ([PYTHON, "-c", "import asyncio, decimal, email, http.client, json, sqlite3, ssl, unittest\n"
                              "print('ready', flush=True); input()"], "ready"),
    # QEMU's objects, and no machine.
    "QEMU's storage daemon": ([STORAGE_DAEMON, "--chardev", "stdio,id=m", "--monitor", "chardev=m"], "QMP"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_other_program(name, folder):
    """The core of {name}: dump-guest-memory says that this is no QEMU"""
    command, word = PROGRAMS[name]
    core = core_of(command, folder, word)
    program = gdb.tested() if name == "GDB" else command[0]
    check_refused(program, core, folder, r"not a QEMU|no QEMU")


def build_decoy(name, folder):
    program = folder / name
    subprocess.run(["gcc", "-O1", "-rdynamic", "-s", "-o", program, f"{stripped.HERE}/decoys/{name}.c"], check=True)
    return program, core_of([program], folder)


def test_sound_decoy(folder):
    """A program with sound structures of QEMU's: its RAM is found, so that the others are refused for what they lack"""
    program, core = build_decoy("sound", folder)
    run = gdb.batch(*NO_DEBUGINFO, program, core, commands=[f"dump-guest-memory -no-notes {folder}/vmcore"])
    assert run.status == 0, run
    with vmcore.Vmcore(folder / "vmcore") as ours:
        assert ours.ranges() == [(0, 16 << 20), (0xfffc0000, 1 << 32)]


DECOYS = {
    "only-symbol": r"address_space_memory|AddressSpace",
    "no-ram-blocks": r"RAMBlock|ram_block|MemoryRegion",
    "no-back-pointers": r"RAMBlock|ram_block|MemoryRegion",
    "two-candidates": r"two|ambiguous|both|more than one",
    "overlapping-ranges": r"FlatView|FlatRange|ranges",
    "endless-count": r"FlatView|FlatRange|ranges",
    "unmapped-blocks": r"RAMBlock|host|mapped|ram_block",
}


@pytest.mark.parametrize("name", DECOYS)
def test_decoy(name, folder):
    """The core of a program with a decoy, {name}: dump-guest-memory says what is wrong with it"""
    check_refused(*build_decoy(name, folder), folder, DECOYS[name])
