# SPDX-License-Identifier: GPL-3.0-or-later
"""The vmcores of guests with KASLR and without a vmcoreinfo device, as other programs read them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import crash
import gdb
import machines
import vmcore
from machines import lab

PYTHON = "/usr/bin/python3"

DRGN = """
import sys
import drgn
from drgn.helpers.linux.pid import for_each_task
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
for task in for_each_task(program):
    print(task.comm.string_().decode())
"""

# init_uts_ns by its virtual address, which libkdumpfile has to translate.
KDUMPFILE = r"""
import re
import sys
import kdumpfile
# Another interface since libkdumpfile 0.5.5.
if hasattr(kdumpfile, "Context"):
    dump, space = kdumpfile.Context(), kdumpfile.KVADDR
    file = open(sys.argv[1], "rb")
    dump.attr["file.fd"] = file.fileno()
else:
    dump, space = kdumpfile.kdumpfile(sys.argv[1]), kdumpfile.KDUMP_KVADDR
dump.attr["addrxlat.ostype"] = "linux"
address = int(re.search(r"SYMBOL\(init_uts_ns\)=([0-9a-f]+)", sys.argv[2]).group(1), 16)
sys.stdout.buffer.write(bytes(dump.read(space, address, 400)))
"""


def release():
    return (Path(lab.lab("kernel")) / "release").read_text().strip()


def run_python(module, package, script, *arguments, python=PYTHON):
    if subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip(f"{module} is missing: Debian has it in {package}")
    run = subprocess.run([python, "-c", script, *map(str, arguments)], capture_output=True, timeout=gdb.PATIENCE)
    assert run.returncode == 0, run.stderr.decode(errors="replace")
    return run.stdout


def vmcoreinfo_of(path):
    with vmcore.Vmcore(path) as core:
        return [desc.decode() for name, _, desc in core.notes() if name == "VMCOREINFO"]


@pytest.mark.machines(*machines.SOME)
def test_drgn(dumps):
    """{dumps}: drgn lists the tasks"""
    tasks = run_python("drgn", "python3-drgn", DRGN, dumps.from_core, lab.lab("vmlinux")).decode().split("\n")
    assert tasks.count("lab-sleeper") == machines.SLEEPERS
    assert "kthreadd" in tasks


@pytest.mark.machines(*machines.SOME)
def test_libkdumpfile(dumps):
    """{dumps}: libkdumpfile reads the kernel's name by its virtual address"""
    text, = vmcoreinfo_of(dumps.from_core)
    names = run_python("kdumpfile", "python3-libkdumpfile", KDUMPFILE, dumps.from_core, text)
    assert b"Linux\0" in names and release().encode() + b"\0" in names


@pytest.mark.expensive
@pytest.mark.machines(*machines.SOME)
def test_makedumpfile(dumps, folder):
    """{dumps}: makedumpfile -d 31 -c completes, and crash opens what it wrote"""
    if not shutil.which("makedumpfile"):
        pytest.skip("makedumpfile is missing: Debian has it in makedumpfile")
    out = folder / "kdump"
    run = subprocess.run(["makedumpfile", "-d", "31", "-c", dumps.from_core, out], capture_output=True, text=True,
                         timeout=gdb.PATIENCE)
    assert run.returncode == 0, run.stdout + run.stderr
    assert out.stat().st_size < dumps.truth.stat().st_size / 4
    shown = crash.text(out, "sys", dumps.truth)
    assert re.search(rf"RELEASE: {re.escape(release())}", shown), shown


def test_vmcoreinfo(dumps):
    """{dumps}: the vmcore has one VMCOREINFO note, of the kernel that runs"""
    text, = vmcoreinfo_of(dumps.from_core)
    assert text.startswith(f"OSRELEASE={release()}\n")
    levels = "1" if dumps.machine is machines.LA57 else "0"
    assert f"NUMBER(pgtable_l5_enabled)={levels}\n" in text


def test_virtual_addresses(dumps):
    """{dumps}: a segment has the kernel's image, _stext in it, and RAM's have the direct map's addresses"""
    text, = vmcoreinfo_of(dumps.from_core)
    stext = int(re.search(r"SYMBOL\(_stext\)=([0-9a-f]+)", text).group(1), 16)
    phys_base = int(re.search(r"NUMBER\(phys_base\)=(-?[0-9]+)", text).group(1))
    headers = subprocess.run(["readelf", "-lW", dumps.from_core], capture_output=True, text=True).stdout
    loads = [[int(word, 16) for word in line.split()[2:5]] for line in headers.split("\n") if " LOAD " in line]
    (address, physical, size), = [load for load in loads if load[0] <= stext < load[0] + load[2]]
    assert [address, physical, size] == loads[0]
    assert address - physical == 0xffffffff80000000 - phys_base
    low = next(address for address, physical, _ in loads if physical == 0)
    assert 0xff11000000000000 <= low < 0xffffea0000000000 and low % (1 << 30) == 0
