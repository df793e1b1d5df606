#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places where the tests on real guests looked: a row for each QEMU, kernel, architecture, source, a column for each GDB.

In:  what lab/guest.py started, and each start of a GDB or guest-core with its arguments.
Out: for each test its places, (QEMU, kernel, architecture, source, GDB); matrix.py FILE... prints a table of cost.py's files.
     guest-core has a column beside the GDBs'.

A vmcore is of the guest whose memory guest-core wrote to it. A test's places are those of the GDBs that it started, and of the GDBs that made its fixtures. Of a fixture that was looked at
in several ways, a test marked `attach` gets the process, a test with "stub" in its name the gdbstub, another one the rest.
"""

import collections
import functools
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import gdb

COLUMNS = ("QEMU", "kernel", "architecture", "source")


@functools.cache
def qemu_version(path):
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True)
    except OSError:
        return "not known"
    match = re.search(r"version ([0-9.]+)", run.stdout)
    return match[1] if match else "not known"


def kernel_name(guest):
    """The kernel and the guest's architecture."""
    machine = re.search(r"qemu-system-(\w+)", guest.qemu)
    architecture = machine[1] if machine else "x86_64"
    if not guest.kernel:
        return "none", architecture
    release = Path(guest.kernel).parent / "release"
    if not release.exists():
        return f"none ({Path(guest.kernel).name})", architecture
    text = release.read_text().strip()
    return f"Linux {text}", "i386" if "-686" in text else architecture


class Places:
    """The places where this process has looked."""

    def __init__(self):
        self._guests = []
        self._looks = collections.defaultdict(list)
        self._lock = threading.Lock()

    def add_guest(self, guest):
        # The program may be gone when a GDB looks.
        qemu_version(guest.qemu)
        with self._lock:
            self._guests.append((guest, guest.process.pid))

    def add_core(self, guest, path, source="core"):
        """Adds a core or vmcore of a guest or a record: both have a qemu and a kernel."""
        with self._lock:
            self._guests.append((guest, (source, str(path))))

    def look(self, words, gdb):
        """Notes a GDB's start, for the thread that starts it."""
        text = f" {' '.join(map(str, words))} "
        with self._lock:
            guest, source = self._guest_of(text)
            if guest:
                place = (qemu_version(guest.qemu), *kernel_name(guest), source, gdb)
                self._looks[threading.get_ident()].append(place)
            if guest and "dump" in words:
                self._guests.append((guest, ("vmcore", str(words[-1]))))

    def taken(self):
        """The places of this thread since the last call."""
        with self._lock:
            return self._looks.pop(threading.get_ident(), [])

    def _guest_of(self, text):
        """The guest, or None, and the source."""
        for guest, mark in reversed(self._guests):
            if isinstance(mark, int):
                if f" -p {mark} " in text:
                    return guest, "process"
                if "target remote" in text and f"{guest.directory}/" in text:
                    return guest, "gdbstub"
            elif f" {mark[1]} " in text:
                return guest, mark[0]
        return None, None


class Recorder:
    """pytest's side: whose places are whose, and which tests passed there."""

    def __init__(self, places):
        self._places = places
        # By identity; the values are kept, so that no other gets the same.
        self._of_fixture = {}
        self._results = collections.Counter()

    def made(self, value):
        """Gives the places of this thread to a fixture's value that was made in it."""
        self._of_fixture[id(value)] = value, self._places.taken()

    def set_up(self, item):
        """Gives those of a test's setup to the fixtures that are new."""
        taken = self._places.taken()
        for value in getattr(item, "funcargs", {}).values():
            self._of_fixture.setdefault(id(value), (value, list(taken)))

    def called(self, item, passed):
        """Counts a test for its places: those that it looked at itself, or those of its fixtures."""
        values = list(getattr(item, "funcargs", {}).values())
        places = set(self._places.taken())
        for value in values:
            # Its GDB was started by the first test that asked.
            if isinstance(getattr(value, "views", value), gdb.Views):
                self._of_fixture[id(value)][1].extend(places)
        if not places:
            of_fixtures = {place for value in values for place in self._of_fixture.get(id(value), (None, []))[1]}
            wanted = "process" if item.get_closest_marker("attach") else "gdbstub" if "stub" in item.name else "core"
            places = {place for place in of_fixtures if place[3] == wanted} or of_fixtures
        self._results.update((place, passed) for place in places)

    def rows(self):
        places = sorted({place for place, _ in self._results})
        return [[*place, self._results[place, True], self._results[place, False]] for place in places]


def table(files):
    rows = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    for path in files:
        for *place, gdb, passed, failed in json.loads(Path(path).read_text())["places"]:
            rows[tuple(place)][gdb].update(passed=passed, failed=failed)
    gdbs = sorted({gdb for row in rows.values() for gdb in row})
    lines = [(*COLUMNS, *gdbs)]
    for place, row in sorted(rows.items()):
        cells = (f"{row[gdb]['passed']} passed" + (f", {row[gdb]['failed']} FAILED" if row[gdb]["failed"] else "")
                 if gdb in row else "-" for gdb in gdbs)
        lines.append((*place, *cells))
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


if __name__ == "__main__":
    print("\n".join(table(sys.argv[1:])))
