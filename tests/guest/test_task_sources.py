# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-ps and guest-bt by each source, against the core of the same stop, and their costs over the gdbstub's wire."""

import shutil
import tempfile
from pathlib import Path

import pytest

import gdb
import machines
from machines import MIB, records
from proxy import Proxy
from test_guest_core import guest_core
from test_tasks import Sleepers

COMMANDS = ("ps -threads -json -args -paths", "bt -all -json")
# Bytes of memory that the first command of a connection reads, and the second, and requests for these. Most of the first
# command's bytes are the kernel's types, and for stacks all of its symbols, which are kept.
LIMITS = {"ps": (2 * MIB, 0.8 * MIB, 3500), "bt -all": (6.2 * MIB, MIB, 8500), "regs": (0.2 * MIB, 0.1 * MIB, 150)}
# Of the first guest-ps and guest-regs with other kernels. sid has types sorted by name; 6.1 has types in no order, and
# kallsyms_seqs_of_names in front of the tokens.
OTHER_LIMITS = {"sid": (1.3 * MIB, 0.2 * MIB), "6.1": (1.6 * MIB, 0.2 * MIB)}


class Sources:
    """A record's guest, resumed: the commands' output by each source, and their costs at the stub."""

    def __init__(self, folder):
        self.stop = Sleepers("tasks-6.12", folder)
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.of_core = [self.stop.show(*command.split()) for command in COMMANDS]
        self.stop.show("dump", self.folder / "vmcore")
        self.of_vmcore = [guest_core(self.folder / "vmcore", *command.split()) for command in COMMANDS]
        with self.stop.record.resume() as guest:
            self.of_process = machines.may_attach() and [guest_core("-p", guest.pid, *command.split()) for command in COMMANDS]
            with gdb.Session() as session:
                session.command(f"target remote {guest.directory}/gdbstub")
                self.at_stub = ["".join(f"{line}\n" for line in session.command(f"guest-{command}")) for command in COMMANDS]
                session.command("disconnect")
            self.costs = {command: self.cost(guest, command) for command in LIMITS}

    @staticmethod
    def cost(guest, command):
        """The bytes that GDB reads for a command once it has found the kernel, and the requests for that; then the same of the same
        command once more."""
        costs = []
        with Proxy(guest.directory, "gdbstub") as proxy, gdb.Session() as session:
            session.command(f"target remote {proxy.address}")
            session.command("guest-info")
            for _ in range(2):
                before, reads = proxy.bytes_read, proxy.reads
                assert not gdb.errors(session.command(f"guest-{command}"))
                costs.append((proxy.bytes_read - before, proxy.reads - reads))
            session.command("disconnect")
            return costs


@pytest.fixture(scope="module")
def sources(background, top_folder):
    result = background.start("task sources", Sources, top_folder).result()
    yield result
    for folder in (result.folder, result.stop.folder):
        shutil.rmtree(folder, ignore_errors=True)


def without_notes(text):
    return [line for line in text.splitlines() if not line.startswith("note: ")]


@pytest.mark.parametrize("source", ["of_vmcore", "of_process", "at_stub"])
def test_equal(sources, source):
    """{source}: tasks and stacks are those of the core, byte for byte"""
    shown = getattr(sources, source)
    if shown is False:
        pytest.skip("this user may not attach to processes (kernel.yama.ptrace_scope)")
    for command, text, of_core in zip(COMMANDS, shown, sources.of_core):
        assert without_notes(text) == without_notes(of_core), command


@pytest.mark.parametrize("command", LIMITS)
def test_wire(sources, command):
    """guest-{command} of 170 tasks is little to read over the wire, in few requests; the kernel's tables are read once a connection"""
    first, second, most = LIMITS[command]
    for (size, reads), limit in zip(sources.costs[command], (first, second)):
        print(f"guest-{command}: {size / MIB:.2f} MiB in {reads} reads")
        assert size < limit and reads < most, (size, reads)


@pytest.mark.expensive
@pytest.mark.parametrize("series", OTHER_LIMITS)
def test_other_kernels(top_folder, series):
    """guest-ps and guest-regs of {series} find names without a look at all symbols, and types without a look at all types"""
    folder = Path(tempfile.mkdtemp(dir=top_folder))
    with records.Opened(f"tasks-{series}", folder).resume() as guest:
        costs = [Sources.cost(guest, command)[0] for command in ("ps", "regs")]
    shutil.rmtree(folder)
    print(", ".join(f"{size / MIB:.2f} MiB in {reads} reads" for size, reads in costs))
    for (size, _), limit in zip(costs, OTHER_LIMITS[series]):
        assert size < limit, costs
