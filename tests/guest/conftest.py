# SPDX-License-Identifier: GPL-3.0-or-later
"""Real guests, end to end.

GDB_GUEST names the launcher under test; where it is unset, that of the build in the source tree.
`--tap` prints TAP. TMPDIR is where the guests' memory goes: 10 GB at most, gone at the end.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

# Before what imports it.
pytest.register_assert_rewrite("vmcore")

import archs
import cost
import gdb
import machines
import selection
import stripped
import tap
from machines import lab


def pytest_addoption(parser):
    parser.addoption("--tap", action="store_true", help="print TAP")
    parser.addoption("--cost", metavar="FILE", help="writes what the run cost to FILE")
    parser.addoption("--which", choices=[*selection.WHICH], default="all", help="which of the tests")


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.getoption("tap"):
        # Not without a terminal's reporter: since pytest 8 assertions are explained by way of that.
        config.pluginmanager.unregister(name="terminalreporter")
        config.pluginmanager.register(TerminalReporter(config, open(os.devnull, "w")), "terminalreporter")
        config.pluginmanager.register(tap.TapReporter(sys.stdout), "tap")
    if config.getoption("cost"):
        config.pluginmanager.register(cost.Cost(config.getoption("cost")), "cost")
    config.addinivalue_line("markers", "attach: needs the right to attach to a process")
    # Also when asked to end, what is large goes first.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: pytest.exit("asked to end"))
    config.addinivalue_line("markers", "machines(...): only for these of the machines that the fixture has")
    for marker, meaning in selection.MARKERS.items():
        config.addinivalue_line("markers", f"{marker}: {meaning}")


def pytest_collection_modifyitems(config, items):
    def is_meant(item):
        marker = item.get_closest_marker("machines")
        exists = not marker or any(value in marker.args for value in item.callspec.params.values())
        return exists and selection.is_wanted(item, config.getoption("which"))

    # Not by parametrizing anew: pytest groups tests by the index of a parameter, and a machine's files are there once.
    config.hook.pytest_deselected(items=[item for item in items if not is_meant(item)])
    items[:] = [item for item in items if is_meant(item)]


def pytest_runtest_setup(item):
    if item.get_closest_marker("attach") and not machines.may_attach():
        pytest.skip("this user may not attach to processes (kernel.yama.ptrace_scope)")


# ---- Where things are ----

@pytest.fixture(scope="session")
def top_folder():
    """Not pytest's own, which keeps what the last three runs left."""
    folder = Path(tempfile.mkdtemp(prefix="gdb-guest-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(top_folder):
    """An empty folder."""
    path = Path(tempfile.mkdtemp(dir=top_folder))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def background(top_folder):
    work = machines.Background()
    yield work
    work.close()


# ---- Guests ----

def dumps_fixture(name, all_machines, cheap, kind):
    """A fixture for the dumps of machines, one at a time. The first test that asks for one has all made in background."""
    @pytest.fixture(scope="session", params=selection.mostly_further(all_machines, cheap), ids=str, name=name)
    def fixture(request, background, top_folder):
        for machine in selection.wanted(request, name):
            background.start(machine, kind, machine, top_folder / f"{name}-{all_machines.index(machine)}")
        try:
            result = background.start(request.param, kind).result()
        except stripped.NoSuchQEMU as error:
            pytest.skip(str(error))
        yield result
        # Large.
        result.remove()

    return fixture


dumps = dumps_fixture("dumps", machines.ALL, machines.CHEAP, machines.Dumps)
of_stripped = dumps_fixture("of_stripped", stripped.ALL, stripped.CHEAP, stripped.Dumps)
of_arm = dumps_fixture("of_arm", stripped.ARM, stripped.CHEAP_ARM, stripped.DumpsOfMemory)


@pytest.fixture(scope="session", params=selection.mostly_further(archs.SERIES, archs.CHEAP))
def guest(request, background, top_folder):
    """A guest of another architecture."""
    for series in selection.wanted(request, "guest"):
        background.start(("arch", series), archs.Guest, series, top_folder)
    result = background.start(("arch", request.param), archs.Guest).result()
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def core_fixture(take, *arguments):
    """A fixture for the core of a guest's QEMU: (core, QEMU's binary)."""
    @pytest.fixture(scope="session")
    def fixture(background, top_folder):
        path = Path(tempfile.mkdtemp(dir=top_folder))
        yield background.start((take, arguments), take, path, *arguments).result()
        shutil.rmtree(path)

    return fixture


small = core_fixture(machines.open_core, "idle")
hollow = core_fixture(machines.take_core, "pc,dump-guest-core=off", 256)
middling = core_fixture(machines.take_core, "pc", 1024)
large = core_fixture(machines.take_filled_core)


@pytest.fixture(scope="session")
def views(small):
    """One GDB at the small guest's core."""
    views = gdb.Views(small[1], small[0])
    yield views
    views.close()


@pytest.fixture(scope="session")
def large_process(background, top_folder):
    """A stopped QEMU whose guest has 5 GiB."""
    guest = background.start("large process", machines.boot_filled, top_folder).result()
    yield guest
    guest.kill()


@pytest.fixture
def served(folder, background):
    """A guest that waits for a debugger at the socket `gdbstub` in its folder."""
    extra = ["-gdb", "unix:gdbstub,server=on,wait=off"]
    guest = background.executor.submit(lab.Guest, directory=folder, extra=extra).result()
    yield guest
    guest.kill()


@pytest.fixture
def quiet(background):
    """Nothing else at work: for tests that measure time."""
    background.settle()


@pytest.fixture(scope="session")
def sleeper_core(top_folder):
    """The core of a program that is not QEMU: (core, its binary)."""
    path = Path(tempfile.mkdtemp(dir=top_folder))
    program = shutil.which("sleep")
    process = subprocess.Popen([program, "1000"], cwd=path, preexec_fn=machines.unlimit_core)
    yield machines.core_of(process, path), program
    shutil.rmtree(path)


@pytest.fixture
def private_qemu(small, folder):
    """A copy of QEMU's binary, which a wrong program may damage."""
    path = folder / "qemu"
    shutil.copy(small[1], path)
    return path
