# SPDX-License-Identifier: GPL-3.0-or-later
"""A vmcore as input, against the core of QEMU of the same stop."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import gdb
import selection
import stripped
import vmcore
import vmcores
from machines import lab
from test_guest_core import guest_core
from vmcores import ALL, EXCLUDING

every = pytest.mark.parametrize("name", selection.mostly_further(ALL, vmcores.CHEAP))


@pytest.fixture(scope="module")
def stop(top_folder, background):
    """The core and the vmcores of one stop."""
    result = background.start("vmcores", vmcores.Vmcores, top_folder / "vmcores-guest").result()
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def without_notes(text):
    return [line for line in text.split("\n") if not line.startswith("note: ")]


# ---- The same as from the core ----

@every
def test_same(stop, name):
    """{name}: the log, the memory, the symbols and the page tables are the core's"""
    answers = stop.ask(name)
    for command in ("guest-klog", "guest-x/64xg sys_call_table", "guest-x/8i _stext", "guest-x linux_banner 1s"):
        assert without_notes(answers[command]) == without_notes(stop.truth[command]), command
    # There is no block of QEMU's behind an address.
    assert answers["guest-vtop jiffies"] == stop.truth["guest-vtop jiffies"].replace("pc.ram + ", "memory + ")
    assert without_notes(answers["guest-x -cpu 1 jiffies"]) == without_notes(stop.truth["guest-x -cpu 1 jiffies"])


@every
def test_registers(stop, name):
    """{name}: the registers are those of QEMU's monitor, and what the notes do not have is unknown"""
    def places(text):
        return re.findall(r"64-bit .*?(0x\w{16}(?:  \S+)?)\n +rsp (0x\w+)  cr3 (0x\w+)", text)

    answers = stop.ask(name)
    assert len(places(answers["guest-regs"])) == 2
    assert places(answers["guest-regs"]) == places(stop.truth["guest-regs"])
    assert answers["guest-regs"].count("noted: as the vmcore's notes have them") == 2
    lines = answers["guest-regs -all"].split("\n")
    for line in stop.registers.split("\n"):
        if re.match(r"(RAX|RSI|R8 |R12|[CDEFGS]S |LDT|TR |GDT|IDT|CR0)", line):
            assert line.rstrip() in lines, line
    # Neither is in a note.
    assert lines.count("EFER=????????????????") == 2 and sum(line.startswith("DR0=????") for line in lines) == 2


@every
def test_info(stop, name):
    """{name}: guest-info says what the file is, and who wrote it"""
    text = gdb.unwrapped(stop.ask(name)["guest-info"])
    origin = {"ours": "ELF, written by QEMU or gdb-guest", "QEMU's ELF": "ELF, written by QEMU or gdb-guest",
              "QEMU's kdump-zlib": "flattened kdump, written by QEMU", "ELF -d 31": "ELF, written by QEMU or gdb-guest"}
    made = f"{'flattened' if 'flattened' in name else 'compressed'} kdump, written by makedumpfile or gdb-guest"
    level = re.search(r"-d (\d+)", name)
    expected = origin.get(name) or made + (f", dump level {level[1]}" if level[1] != "0" else "")
    assert f"vmcore    {stop.paths[name]}\n          {expected}\n" in text
    assert "CPUs      2: as the vmcore's notes have them 0,1\n" in text and "QEMU      " not in text
    truth = gdb.unwrapped(stop.truth["guest-info"])
    for line in re.findall(r"^(kernel .*|  +.*(?:Debian|level page tables|direct map|last log line at [0-9.]+ s).*)$", truth, re.M):
        assert line.split(", at most")[0] in text, line
    if name not in vmcores.WRITTEN[1:]:
        assert "VMCOREINFO as the vmcore's notes have it, KASLR offset" in text


@every
def test_kernels(stop, name):
    """{name}: guest-kernel lists the one kernel, which both CPUs run"""
    text = stop.ask(name)["guest-kernel"]
    assert re.match(r"\*1  Linux \S+, x86_64, running on CPUs 0,1\n", text)
    assert text.count("  Linux ") == 1


@pytest.mark.parametrize("name", ["ours", "QEMU's kdump-zlib", "zlib -d 31"])
def test_without_a_debugger(stop, name):
    """{name}: guest-core prints what GDB prints, byte for byte"""
    program = Path(gdb.LAUNCHER).with_name("guest-core")
    for command, shown in stop.ask(name).items():
        run = subprocess.run([program, stop.paths[name], *command[len("guest-"):].split()], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=gdb.environment(),
                             timeout=gdb.PATIENCE)
        assert run.stdout == shown, command


@pytest.mark.parametrize("suite", selection.mostly_further(["sid", "trixie"], ["sid"]))
def test_unnamed_machine(suite, folder):
    """{suite}: a kdump by QEMU, whose header names no machine, shows the registers, the log and the kernel of QEMU's ELF dump"""
    elf, kdump = folder / "elf", folder / "kdump"
    try:
        qemu = stripped.of_suite(suite)()
    except stripped.NoSuchQEMU as missing:
        pytest.skip(str(missing))
    with lab.Guest(qemu=qemu, directory=folder) as guest:
        guest.stop()
        guest.dump(elf)
        guest.dump(kdump, format="kdump-zlib")
    with open(kdump, "rb") as file:
        assert b"Unknown\0" in file.read(8192)
    for command in ("regs -all", "klog", "kernel"):
        text = guest_core(kdump, *command.split())
        assert text == guest_core(elf, *command.split()) and text.count("\n") > 1, command
    guest_core(kdump, "dump", folder / "vmcore")
    assert vmcore.difference(folder / "vmcore", elf) is None


# ---- What was left out ----

@pytest.mark.parametrize("name", selection.mostly_further(EXCLUDING, ["zlib -d 31", "ELF -d 31"]))
def test_excluded(stop, name):
    """{name}: what makedumpfile left out is absent, named so, and never zeros"""
    text = gdb.unwrapped(stop.ask(name)["guest-info"])
    level = "" if "ELF" in name else " (dump level 31)"
    assert re.search(r"^missing   [0-9.]+ MiB in \d+ ranges$", text, re.M)
    assert f"note: missing: they were left out when the vmcore was written{level}" in text.replace("\n          ", " ")
    start, end = re.search(r"^ +(0x\w+)-(0x\w+) .*, missing$", text, re.M).groups()
    offset = re.search(r"direct map at (0x\w+)", text)[1]
    select = f"guest-select -file {gdb.quote(stop.paths[name])}"
    command = f"guest-x/1xg {offset}+{start}"
    lines, = gdb.attempts(["-ex", select], [command])
    assert len(lines) == 1 and lines[0].endswith(f"the vmcore does not hold {hex(int(start, 16))}: left out when "
                                                 f"the vmcore was written{level}"), lines
    shown = vmcores.ask(before=[select], commands=[f"guest-vtop {offset}+{start}"])
    assert "absent" in list(shown.values())[0] or "missing" in list(shown.values())[0], shown


# ---- A crashed kernel's notes ----

def test_kernel_notes(stop, folder):
    """Without QEMU's notes, as kdump writes a vmcore, the page tables of a CPU are unknown, and all else is the same"""
    path = folder / "vmcore"
    shutil.copy(stop.make("ours"), path)
    with vmcore.Vmcore(path) as core:
        note = next(segment for segment in core.segments if segment.kind == vmcore.PT_NOTE)
    with open(path, "r+b") as file:
        file.seek(note.offset)
        data = file.read(note.file_size)
        file.seek(note.offset)
        file.write(data.replace(b"QEMU\0", b"????\0"))
    shown = vmcores.ask(before=[f"guest-select -file {path}"], commands=vmcores.COMMANDS)
    for command in ("guest-klog", "guest-x/64xg sys_call_table", "guest-x/8i _stext"):
        assert without_notes(shown[command]) == without_notes(stop.truth[command]), command
    assert re.findall(r"0x\w{16}  \S+\n +rsp 0x\w+", shown["guest-regs"]) == re.findall(
        r"0x\w{16}  \S+\n +rsp 0x\w+", stop.truth["guest-regs"])
    assert shown["guest-regs"].count("cr3 unknown") == 2
    assert "CR0=???????? CR2=???????????????? CR3=????????????????" in shown["guest-regs -all"]
    assert "guest-x: CPU 1's page tables are not known: " in shown["guest-x -cpu 1 jiffies"]
    assert "the CPUs that run it are not known" in shown["guest-kernel"]


# ---- Conversion ----

@pytest.mark.parametrize("name", ["zlib -d 0", "QEMU's kdump-zlib"])
def test_convert(stop, name, folder):
    """{name}: dump-guest-memory makes an ELF vmcore with the same memory and the same notes"""
    out = folder / "out"
    run = gdb.batch(commands=[f"guest-select -file {gdb.quote(stop.make(name))}", f"dump-guest-memory {out}"])
    assert run.status == 0, run
    truth = stop.paths["ours"]
    if name.startswith("QEMU"):
        assert vmcore.difference(out, truth) is None
    with vmcore.Vmcore(out) as ours, vmcore.Vmcore(truth) as theirs:
        assert ours.notes() == theirs.notes()


def test_convert_excluded(stop, folder):
    """A filtered kdump is converted with -absent skip alone, and without it the error says what is missing"""
    out = folder / "out"
    select = f"guest-select -file {gdb.quote(stop.make('zlib -d 31'))}"
    lines, = gdb.attempts(["-ex", select], [f"dump-guest-memory {out}"])
    assert len(lines) == 1 and re.search(r"ranges of the guest's memory are missing: 0x.* left out when the vmcore was "
                                         r"written \(dump level 31\); -absent skip leaves them out$", lines[0]), lines
    assert not out.exists()
    run = gdb.batch(commands=[select, f"dump-guest-memory -absent skip {out}"])
    assert run.status == 0 and "left out, because they are missing" in run.output, run
    again = vmcores.ask(before=[f"guest-select -file {out}"], commands=["guest-klog"])
    assert without_notes(again["guest-klog"]) == without_notes(stop.truth["guest-klog"])


# ---- Damage ----

@pytest.mark.parametrize("name", ["ours", "QEMU's kdump-zlib", "zlib -d 0", "zlib -d 31"])
def test_cut_off(stop, name, folder):
    """{name}: of a file that is cut off it is said that memory is lost, in each place, and nothing is shown as zeros"""
    path = folder / "vmcore"
    shutil.copy(stop.make(name), path)
    os.truncate(path, os.path.getsize(path) * 2 // 3)
    run = gdb.batch(commands=[f"guest-select -file {path}", "guest-info"])
    assert run.status == 0, run
    assert "cut off" in run.output and re.search(r"^missing   [0-9.]+ [KM]iB in \d+ range", run.output, re.M), run
    assert "the file is cut off" in gdb.unwrapped(run.output).replace("\n          ", " "), run


def test_headers_cut_off(stop, folder):
    """A kdump that ends within its headers is an error in one line"""
    path = folder / "vmcore"
    for size in (1, 4000, 5000, 9000):
        path.write_bytes(stop.make("zlib -d 0").read_bytes()[:size])
        lines, = gdb.attempts([], [f"guest-select -file {path}"])
        assert len(lines) == 1 and re.match(rf"guest-select: vmcore {path}: .*the file ends ", lines[0]), lines


# ---- guest-select ----

def test_select(stop):
    """guest-select marks what is looked at; a file is looked at until -target or another target of GDB's"""
    path = stop.make("zlib -d 0")
    commands = ["guest-select", f"guest-select -file {gdb.quote(path)}", "guest-regs", "guest-select -target",
                f"guest-select -file  {gdb.quote(path)}", f"core-file {stop.paths['ours']}", "guest-info"]
    shown = list(vmcores.ask(stop.qemu, stop.core, commands=commands).values())
    core = f"* 1  core     {stop.core}  {stop.qemu}\n"
    assert shown[0] == core and shown[3] == core
    for text in (shown[1], shown[4]):
        assert text == core.replace("*", " ") + f"*    vmcore   {path}  compressed kdump, written by makedumpfile or gdb-guest\n"
    assert "noted: " in shown[2]
    assert f"note: GDB's target has changed since guest-select -file {path}: the target is looked at" in shown[6]
    assert f"vmcore    {stop.paths['ours']}\n" in shown[6]


def test_select_refuses(stop, folder):
    """guest-select -file takes no core of a process, no other file, and no folder"""
    (folder / "text").write_text("not a vmcore\n" * 10)
    expected = {stop.core: f"{stop.core} is the core of a process, not a vmcore: core-file FILE loads it",
                folder / "text": f"vmcore {folder}/text: neither an ELF file nor a compressed kdump",
                folder: f"vmcore {folder}: not a regular file",
                folder / "none": f"vmcore {folder}/none: open: No such file or directory"}
    commands = [f"guest-select -file {path}" for path in expected]
    for lines, message in zip(gdb.attempts([], commands), expected.values()):
        assert lines == [f"guest-select: {message}"]


def test_core_file(stop):
    """GDB's core-file with a vmcore, and a vmcore on GDB's command line, are looked at without guest-select"""
    for arguments in (["-c", stop.paths["ours"]], ["-ex", f"core-file {stop.paths['ours']}"]):
        shown = vmcores.ask(*arguments, commands=["guest-klog", "guest-select"])
        assert without_notes(shown["guest-klog"]) == without_notes(stop.truth["guest-klog"])
        assert shown["guest-select"].startswith(f"* 1  core     {stop.paths['ours']}")
