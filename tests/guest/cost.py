#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of a run of the tests on real guests, by file: guests booted and resumed, GDBs started, CPU seconds, time.

In:  pytest's items, and the counters of lab/guest.py and gdb.py.
Out: one file of JSON for each run and group, with what matrix.py has; cost.py FILE... prints a table of them.

What works in the background is counted for the file whose tests run meanwhile.
"""

import collections
import json
import resource
import sys
import time
from pathlib import Path

import pytest

import matrix

KINDS = ("tests", "failed", "skipped", "booted", "resumed", "bare", "gdbs", "cpu", "seconds")


def cpu_seconds():
    """Sums those of this process, and of the processes that it has waited for."""
    return sum(usage.ru_utime + usage.ru_stime
               for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


class Cost:
    """pytest's plugin."""

    def __init__(self, path):
        import gdb
        import machines

        self._path, self._gdb, self._lab = Path(path), gdb, machines.lab
        places = matrix.Places()
        gdb.observer = machines.lab.observer = places
        self._matrix = machines.Background.observer = matrix.Recorder(places)
        self._files = collections.defaultdict(collections.Counter)
        self._file, self._last = None, self._now()

    def _now(self):
        return collections.Counter(self._lab.started, gdbs=self._gdb.started, cpu=cpu_seconds(), seconds=time.monotonic())

    def _settle(self, file):
        """Counts what has come since the last call for the file that was at work."""
        now = self._now()
        if self._file:
            self._files[self._file].update({kind: now[kind] - self._last[kind] for kind in now})
        self._file, self._last = file, now

    def pytest_runtest_logstart(self, nodeid):
        self._settle(Path(nodeid.split("::")[0]).stem)

    def pytest_runtest_logreport(self, report):
        count = self._files[self._file]
        count["tests"] += report.when == "call" or report.skipped or report.failed
        count["failed"] += report.failed
        count["skipped"] += report.skipped

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        if call.when == "setup":
            self._matrix.set_up(item)
        elif call.when == "call" and not report.skipped:
            self._matrix.called(item, report.passed)

    def pytest_sessionfinish(self):
        self._settle(None)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({"cost": self._files, "places": self._matrix.rows()}, indent=1) + "\n")


def table(files):
    """Lines: a row for each file of tests, the most CPU seconds first, and the sum."""
    rows = collections.defaultdict(collections.Counter)
    for path in files:
        for name, counts in json.loads(Path(path).read_text())["cost"].items():
            rows[name].update(counts)
    total = sum(rows.values(), collections.Counter())
    yield "".join([f"{'cost':<20}", *(f"{kind:>9}" for kind in KINDS)])
    for name, counts in [*sorted(rows.items(), key=lambda row: -row[1]["cpu"]), ("all", total)]:
        yield "".join([f"{name:<20}", *(f"{counts[kind]:>9.0f}" for kind in KINDS)])


if __name__ == "__main__":
    print("\n".join(table(sys.argv[1:])))
