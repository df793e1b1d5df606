# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guest's memory is used for, against the guest's own /proc/meminfo, /proc/zoneinfo and /proc/slabinfo.

The guest read these files right before it was stopped, by a program that was still there then: what has come and gone with the
program and the shell is tolerated, and nothing of what does not move.
"""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import selection
from machines import records, truth
from test_guest_core import guest_core

KIB, PAGE = 1024, 4096
# /proc/meminfo's name, and by how many kB it may have moved.
ITEMS = {"total": ("MemTotal", 0), "free": ("MemFree", 1500), "available": ("MemAvailable", 1500), "buffers": ("Buffers", 0),
         "cached": ("Cached", 128), "shmem": ("Shmem", 128), "anon": ("AnonPages", 256), "mapped": ("Mapped", 1024),
         "dirty": ("Dirty", 64), "writeback": ("Writeback", 64), "unevictable": ("Unevictable", 0), "mlocked": ("Mlocked", 0),
         "slab_reclaimable": ("SReclaimable", 512), "slab_unreclaimable": ("SUnreclaim", 512),
         "kernel_stacks": ("KernelStack", 128), "page_tables": ("PageTables", 512), "swap_total": ("SwapTotal", 0),
         "swap_free": ("SwapFree", 0), "swap_cached": ("SwapCached", 0), "committed": ("Committed_AS", 1500),
         "commit_limit": ("CommitLimit", 0)}
NOT_ZERO = {"total", "free", "available", "buffers", "cached", "shmem", "anon", "mapped", "slab_reclaimable",
            "slab_unreclaimable", "kernel_stacks", "page_tables", "huge_total", "huge_free", "swap_total", "swap_free",
            "committed", "commit_limit"}


class Memory:
    def __init__(self, name, folder):
        record = records.Opened(name, tempfile.mkdtemp(dir=folder))
        self.core = record.core
        self.texts = {name: text.decode() for name, text in truth.parse(record.bytes("memory")).items()}
        self.meminfo = {name: int(value) for name, value in
                        re.findall(r"^(\S+): +(\d+)", self.texts["/proc/meminfo"], re.MULTILINE)}

    def lines(self, *options):
        return guest_core(self.core, "mem", *options).splitlines()

    def shown(self, *options):
        return [json.loads(line) for line in self.lines("-json", *options)]


@pytest.fixture(scope="session", params=selection.mostly_further(["6.1", "6.12", "sid"], ["6.12"]))
def memory(request, background, top_folder):
    for series in selection.wanted(request, "memory"):
        background.start(("memory", series), Memory, f"modules-{series}", top_folder)
    result = background.start(("memory", request.param), Memory).result()
    yield result
    shutil.rmtree(Path(result.core).parent, ignore_errors=True)


def test_values(memory):
    """{memory}: guest-mem has /proc/meminfo's values: those that do not move to the byte, the others nearly"""
    (shown,) = memory.shown()
    for key, (name, tolerance) in ITEMS.items():
        assert abs(shown[key] - memory.meminfo[name] * KIB) <= tolerance * KIB, (key, shown[key] // KIB, memory.meminfo[name])
    huge = memory.meminfo["Hugepagesize"] * KIB
    assert (shown["huge_total"], shown["huge_free"]) == \
        (memory.meminfo["HugePages_Total"] * huge, memory.meminfo["HugePages_Free"] * huge)
    assert {key for key, value in shown.items() if value} >= NOT_ZERO
    assert set(shown) == {*ITEMS, "huge_total", "huge_free"}


def test_text(memory):
    """{memory}: guest-mem's lines have the values in kB"""
    (shown,) = memory.shown()
    lines = [re.fullmatch(r"(\w+(?: \w+)*) +(\d+)(?: +\d+%)?", line) for line in memory.lines()[1:]]
    assert {line[1].replace(" ", "_"): int(line[2]) for line in lines} == {key: value // KIB for key, value in shown.items()}


def compare_zones(memory):
    """Compares guest-mem -zones with /proc/zoneinfo, zone by zone, and returns it."""
    zones = re.split(r"^(?=Node )", memory.texts["/proc/zoneinfo"], flags=re.MULTILINE)[1:]
    truths = []
    for zone in zones:
        node, name = re.match(r"Node (\d+), zone +(\S+)", zone).groups()
        values = dict(re.findall(r"^ +(min|low|high|spanned|present|managed) +(\d+)$", zone, re.MULTILINE))
        if int(values["present"]):
            free = int(re.search(r"pages free +(\d+)", zone)[1]) * PAGE
            truths.append(({"node": int(node), "zone": name, **{key: int(value) * PAGE for key, value in values.items()}}, free))
    shown = memory.shown("-zones")
    assert len(shown) == len(truths) > 1
    for each, (values, free) in zip(shown, truths):
        assert {key: each[key] for key in values} == values
        assert abs(each["free"] - free) < 1500 * KIB
    assert len(memory.lines("-zones")) == len(truths) + 1
    return shown


def test_zones(memory):
    """{memory}: guest-mem -zones has /proc/zoneinfo's pages of each zone that has memory"""
    compare_zones(memory)


@pytest.mark.expensive
def test_nodes(top_folder):
    """guest-mem -zones has the zones of two NUMA nodes, and guest-mem and guest-info have the memory of both nodes"""
    memory = Memory("nodes-6.12", top_folder)
    zones = compare_zones(memory)
    assert [zone["node"] for zone in zones] == [0, 0, 1]
    (values,) = memory.shown()
    assert values["total"] == memory.meminfo["MemTotal"] * KIB == sum(zone["managed"] for zone in zones)
    info = json.loads(guest_core(memory.core, "info", "-json"))
    assert [(each["block"], each["size"] >> 20) for each in info["ram"]["ranges"]][:2] == [("node0", 128), ("node1", 128)]
    shutil.rmtree(Path(memory.core).parent)


def test_slabs(memory):
    """{memory}: guest-mem -slabs has /proc/slabinfo's caches, their sizes, and the objects and pages of nearly all"""
    truths = {}
    for line in memory.texts["/proc/slabinfo"].splitlines()[2:]:
        name, _, objects, size, _, pages, *rest = line.split()
        truths[name] = (int(size), int(objects), int(pages) * PAGE * int(rest[-2]))
    shown = memory.shown("-slabs", "-top", "0")
    assert [each["bytes"] for each in shown] == sorted((each["bytes"] for each in shown), reverse=True)
    assert {each["name"]: each["size"] for each in shown} == {name: size for name, (size, *_) in truths.items()}
    same = [each["name"] for each in shown if truths[each["name"]][1:] == (each["objects"], each["bytes"])]
    assert len(same) > 0.8 * len(truths), set(truths) - set(same)
    assert len(memory.lines("-slabs")) == 11 and len(memory.lines("-slabs", "-top", "3")) == 4


def test_tasks(memory):
    """{memory}: guest-mem -tasks has the processes with the most resident memory first, and wrong options are told"""
    shown = memory.shown("-tasks", "-top", "2")
    assert len(shown) == 2 and shown[0]["rss"] >= shown[1]["rss"] > 0
    assert guest_core(memory.core, "mem", "-zones", "-slabs", status=1) == \
        "guest-core: mem: -zones, -slabs, -tasks and -pages exclude each other\n"
