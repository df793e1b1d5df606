# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts bare.S, nested.S and smm.S, the guests that are no operating system."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import gdb
from machines import lab

HERE = Path(__file__).resolve().parent

# Values that it puts into registers that QEMU's monitor does not show, in long mode.
LONG_MODE_REGISTERS = {"star": 0x123456789abcdef0, "lstar": 0x123456789abcdef1, "cstar": 0x123456789abcdef2,
                       "fmask": 0x123456789abcdef3, "k_gs_base": 0x7fff9abcdef6, "cr8": 5,
                       "sysenter_cs": 8, "sysenter_esp": 0x11112222, "sysenter_eip": 0x33334444, "xcr0": 7}
# Windows of pages mapped in disorder: address and bytes, by mode.
WINDOW = {33: (0x80000000, 4 << 20), 36: (0x80000000, 2 << 20), 64: (0x80000000, 2 << 20)}


def build(mode, folder, source="bare"):
    """The program for -kernel, of the MODE that the source has."""
    for tool in ("as", "ld"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is missing: Debian has it in the package binutils")
    linked = Path(folder) / f"{source}-{mode}"
    subprocess.run(["as", "--32", "-I", HERE, "--defsym", f"MODE={mode}", "-o", f"{linked}.o",
                    HERE / f"{source}.S"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext=0x100000", "--no-warn-rwx-segments", "-o", linked, f"{linked}.o"],
                   check=True)
    return linked


def boot(program, folder, **options):
    """A guest that executes the program, once its CPU halts: it has said that it is ready before its last instructions."""
    guest = lab.Guest(memory=64, smp=1, kernel=program, directory=folder, **options)
    try:
        lab.wait_until(lambda: "HLT=1" in guest.hmp("info registers"), gdb.PATIENCE, "the CPU halts")
    except BaseException:
        guest.kill()
        raise
    return guest


def symbols(program):
    """{name: address} of a program's symbols."""
    text = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    return {name: int(address, 16) for address, name in re.findall(r"^(\w+) \w (\S+)$", text, re.MULTILINE)}
