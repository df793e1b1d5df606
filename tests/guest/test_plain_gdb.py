# SPDX-License-Identifier: GPL-3.0-or-later
"""The vmcore in a debugger that knows no page tables: GDB without gdb-guest, with the vmlinux that guest-vmlinux makes."""

import os
import re
import subprocess

import gdb
import vmcore
from test_tasks import fixture_of
from test_vmlinux import names_of, unnumbered

tasks = fixture_of("tasks", ["6.1"])


def plain_backtraces(dumped, made):
    """The functions of each CPU's stack as GDB without gdb-guest shows it, by the CPU's number, from the outermost on."""
    run = subprocess.run([os.environ.get("GDB", "gdb"), "-nx", "-batch", "-ex", "set width 0", "-ex", f"core-file {dumped}",
                          "-ex", f"symbol-file {made}", "-ex", "thread apply all backtrace"], capture_output=True, text=True,
                         timeout=gdb.PATIENCE)
    pieces = re.split(r"^Thread \d+ \(LWP (\d+)\):\n", run.stdout, flags=re.MULTILINE)
    assert "Cannot access memory" not in run.stdout + run.stderr
    return {int(number) - 1: names_of(lines.split("\n")) for number, lines in zip(pieces[1::2], pieces[2::2])}


def test_plain_gdb(tasks, folder):
    """{tasks}: in GDB without gdb-guest the vmcore and the made vmlinux give each CPU's stack, with the functions of guest-bt"""
    tasks.show("vmlinux", "-guest-addresses", "-output", folder / "made")
    tasks.show("dump", folder / "vmcore")
    theirs = plain_backtraces(folder / "vmcore", folder / "made")
    shown = tasks.json("bt", "-json")
    assert len(shown) == len(theirs) == 2 and any(stack["frames"] for stack in shown)
    for stack in shown:
        ours = [unnumbered(frame["symbol"]) for frame in stack["frames"]]
        names = theirs[stack["cpu"]]
        assert [ours[i] if name.startswith("<") and i < len(ours) else name for i, name in enumerate(names)] == ours


def test_mapped_memory(tasks, folder):
    """{tasks}: the vmcore's headers of virtual memory map each page of vmalloc, modules and the CPUs' entry areas as QEMU's
    "info tlb" does, and no other page"""
    tasks.show("dump", folder / "vmcore")
    mapped, found = {}, {}
    with vmcore.Vmcore(folder / "vmcore") as core:
        image, *loads = [load for load in core.segments if load.kind == vmcore.PT_LOAD]
        rams = [load for load in loads if not any(other.address <= load.address and load.end <= other.end
                                                  for other in loads if other is not load)]
        *aliases, direct = [load for load in loads if load not in rams]
        regions = [image, *[load for load in rams if load.virtual]]
        assert direct.virtual - direct.address == rams[0].virtual - rams[0].address and direct is loads[-1]
        for alias in aliases:
            for offset in range(0, alias.file_size, 4096):
                found[alias.virtual + offset] = alias.offset + offset
        for line in tasks.record.bytes("tlb").decode().split("\n"):
            if not (match := re.match(r"([0-9a-f]{16}): ([0-9a-f]{16}) (\S+)", line)):
                continue
            start, physical = int(match[1], 16), int(match[2], 16)
            if not start >> 63 or any(start - region.virtual < region.file_size and start >= region.virtual for region in regions):
                continue
            for page in range(0, 2 << 20 if "P" in match[3] else 4096, 4096):
                try:
                    mapped[start + page] = core.offset_of(physical + page)[0]
                except KeyError:
                    pass  # MMIO
    assert len(found) > 1000
    # Not asked for: fixed mappings, and what is between the areas.
    areas = {page for page in mapped if page < 0xfffffe8000000000 or 0xffffffffa0000000 <= page < 0xffffffffff000000}
    assert found == {page: mapped[page] for page in areas}


def test_one_thread(tasks, folder):
    """{tasks}: with one CPU, where the kernel is found after the copy, and with all, where it is found meanwhile, the vmcores are
    the same"""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    try:
        tasks.show("dump", folder / "one")
    finally:
        os.sched_setaffinity(0, everywhere)
    tasks.show("dump", folder / "all")
    assert vmcore.files_differ(folder / "one", folder / "all") is None
