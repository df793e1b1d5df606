# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kernel a guest runs, and which others are in its RAM."""

import re
import time
from pathlib import Path

import gdb
from machines import lab

STUB = ["-gdb", "unix:gdbstub,server=on,wait=off"]


def kernel_of(series):
    folder = Path(lab.lab("kernel", series))
    return folder / "vmlinuz", (folder / "release").read_text().strip()


# ---- Roots ----

def roots_of(guest):
    """The CPUs' CR3, by QEMU's monitor."""
    return [int(value, 16) for value in re.findall(r"CR3=([0-9a-f]+)", guest.hmp("info registers -a"))]


def test_roots_of_one_page(folder):
    """The stub finds a kernel of 2026, without PTI, whether bit 12 of CR3 is set or not: at all of 20 stops"""
    image, release = kernel_of("sid")
    seen = {0: 0, 1: 0}
    with lab.Guest(kernel=image, smp=1, append="lab.spin=8", directory=folder, extra=STUB) as guest, gdb.Session() as session:
        deadline = time.monotonic() + 60
        while sum(seen.values()) < 20 or not all(seen.values()):
            assert time.monotonic() < deadline, seen
            session.command(f"target remote {guest.directory}/gdbstub")
            root, = roots_of(guest)
            lines = session.command("guest-klog")
            assert f"Linux version {release}" in lines[0] and not any(line.startswith("note:") for line in lines), lines
            seen[root >> 12 & 1] += 1
            session.command("detach")
