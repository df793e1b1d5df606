# SPDX-License-Identifier: GPL-3.0-or-later
"""Which page is what, in guests with pages of all kinds (lab/pages.c), against makedumpfile and the guest's /proc/meminfo."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import selection
import vmcore
from machines import lab, records, truth
from test_guest_core import guest_core

KIB, PAGE, MIB = 1024, 4096, 1 << 20
LEVELS = [1, 2, 4, 8, 16, 31]
# makedumpfile's name of a count, and ours.
COUNTS = {"Pages filled with zero": "zero", "Non-private cache pages": "cache", "Private cache pages": "cache_private",
          "User process data pages": "user", "Free pages": "free", "Hwpoison pages": "hwpoison", "Offline pages": "offline"}
# Up to this version a tail of a compound page of Linux 7.1 or newer counts by itself.
KNOWS_NO_TAILS = (1, 7, 8)
BALLOON = 24 * MIB


class Pages:
    def __init__(self, series, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        record = records.Opened(f"pages-{series}", self.folder)
        self.series, self.core = series, record.core
        self.vmcore = self.folder / "vmcore"
        guest_core(self.core, "dump", "-absent", "skip", self.vmcore)
        texts = truth.parse(record.bytes("truth"))
        self.meminfo = {name: int(value) * KIB for name, value in
                        re.findall(r"^(\S+): +(\d+)", texts["/proc/meminfo"].decode(), re.MULTILINE)}
        self.counts = json.loads(guest_core(self.vmcore, "mem", "-pages", "-zeros", "-json"))
        self.left = {level["level"]: level["pages"] for level in self.counts["levels"]}
        self.makedumpfile = lab.lab("program-suite", "makedumpfile", "sid")
        version = subprocess.run([self.makedumpfile, "-v"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        self.version = tuple(map(int, re.search(r"version (\d+)\.(\d+)\.(\d+)", version).groups()))

    def by_makedumpfile(self, level):
        """What makedumpfile leaves out at LEVEL, in pages."""
        out = self.folder / f"level-{level}"
        run = subprocess.run([self.makedumpfile, "-l", "-d", str(level), "--message-level", "31", self.vmcore, out],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
        out.unlink()
        shown = dict(re.findall(r"^ *(.*?) *: 0x([0-9a-f]+)$", run.stdout, re.MULTILINE))
        return {ours: int(shown[name], 16) for name, ours in COUNTS.items()}

    def is_right(self, level):
        return self.series != "sid" or not level & 8 or self.version > KNOWS_NO_TAILS


@pytest.fixture(scope="session", params=selection.mostly_further(["6.1", "6.12", "sid"], ["6.12"]))
def pages(request, background, top_folder):
    for series in selection.wanted(request, "pages"):
        background.start(("pages", series), Pages, series, top_folder)
    result = background.start(("pages", request.param), Pages).result()
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def test_levels(pages):
    """{pages}: each level leaves out as many pages as makedumpfile's, and of each kind as many"""
    for level in filter(pages.is_right, LEVELS):
        theirs = pages.by_makedumpfile(level)
        assert pages.counts["all"] - pages.left[level] == sum(theirs.values()), (level, theirs)
        if level == 31:
            assert theirs == {key: pages.counts[key] for key in theirs}
        elif level > 1:
            assert {key: count for key, count in theirs.items() if count and count != pages.counts[key]} == {}, level


def test_kinds(pages):
    """{pages}: user pages are the guest's own anonymous memory and hugetlb, offline pages its balloon at least"""
    meminfo, counts = pages.meminfo, pages.counts
    user = meminfo["AnonPages"] + meminfo["Hugetlb"]
    # Whether the kernel found room for a transparent huge page is chance.
    assert meminfo["Hugetlb"]
    assert abs(counts["user"] * PAGE - user) < MIB
    assert counts["offline"] * PAGE >= BALLOON
    cached = meminfo["Cached"] + meminfo["Buffers"]
    # The files of the initramfs are in no list of the kernel's until they are used.
    assert 0 < (counts["cache"] + counts["cache_private"]) * PAGE <= cached + MIB
    assert all(counts[key] for key in ("free", "cache", "cache_private", "user", "offline", "zero", "other"))
    kinds = [*COUNTS.values(), "other"]
    assert sum(counts[key] for key in kinds) == counts["all"]
    assert counts["unreadable"] == 0


def test_without_zeros(pages):
    """{pages}: without -zeros levels with pages of zeros show the most that they leave, and no other level changes"""
    counts = json.loads(guest_core(pages.core, "mem", "-pages", "-json"))
    assert counts["zero"] is None
    for level in counts["levels"]:
        number = level["level"]
        assert level["at_most"] == bool(number & 1)
        if number & 1:
            assert level["pages"] == pages.left[number - 1] or number == 1
            assert level["pages"] >= pages.left[number]
        else:
            assert level["pages"] == pages.left[number]


def test_text(pages):
    """{pages}: the text has JSON's counts, a question mark for pages of zeros that are not counted"""
    lines = guest_core(pages.vmcore, "mem", "-pages", "-zeros").splitlines()
    shown = {line[1].replace(" ", "_"): int(line[2]) for line in
             (re.match(r"([a-z]+(?: [a-z]+)*) +(\d+) +\d+ ", line) for line in lines) if line}
    assert shown == {key: pages.counts[key] for key in shown} and {"free", "cache_private", "all"} <= set(shown)
    levels = {int(line[1]): int(line[2]) for line in (re.match(r" +(\d+) +(\d+) +\d+  [a-z]", line) for line in lines) if line}
    assert levels == {level: pages.left[level] for level in levels} and set(LEVELS) < set(levels)
    assert re.search(r"^zero +\? +\?$", guest_core(pages.core, "mem", "-pages"), re.MULTILINE)


def test_options(pages):
    """{pages}: -zeros without -pages, and two kinds of output at once, are refused in one line"""
    assert guest_core(pages.core, "mem", "-zeros", status=2).startswith("guest-core: mem: -zeros")
    assert guest_core(pages.core, "mem", "-pages", "-slabs", status=1) == \
        "guest-core: mem: -zones, -slabs, -tasks and -pages exclude each other\n"


@pytest.mark.expensive
def test_gigantic_page(folder):
    """A hugetlb page of 1 GiB is left out as a whole by any number of threads, which scan the memmap in parts"""
    core, counts, vmcores = folder / "core", [], []
    with lab.Guest(memory=2560, append="hugepagesz=1G hugepages=1", extra=["-cpu", "max"], directory=folder) as guest:
        guest.stop()
        guest.core(core)
        counts = json.loads(guest_core("-qemu", guest.qemu, core, "mem", "-pages", "-json"))
        for threads in (1, 2, 3, 5, 16):
            vmcores.append(folder / f"vmcore-{threads}")
            guest_core("-qemu", guest.qemu, core, "dump", "-level", 31, "-threads", threads, vmcores[-1])
    assert counts["user"] * PAGE >= 1 << 30
    for path in vmcores[1:]:
        assert vmcore.files_differ(vmcores[0], path) is None
