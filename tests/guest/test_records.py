# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's recorded guests: what all other tests stand on."""

import pytest

import registers
import vmcore
from machines import lab, records, states


def folder_of(directory, **options):
    """Returns the place of a guest's state in the cache."""
    with lab.Guest(directory=directory, start=False, **options) as guest:
        return states.of_guest(guest).folder


OTHERS = {"command line": lambda: dict(append="lab.procs=1"), "memory": lambda: dict(memory=128),
          "number of CPUs": lambda: dict(smp=1), "machine": lambda: dict(machine="q35"),
          "device": lambda: dict(extra=["-device", "VGA"]),
          "kernel": lambda: dict(kernel=lab.lab("kernel", "6.12") + "/vmlinuz")}


@pytest.mark.parametrize("other", OTHERS)
def test_other_guest(other, folder):
    """A guest with another {other} does not go on from this guest's state"""
    assert folder_of(folder, **OTHERS[other]()) != folder_of(folder)


def test_same_guest(folder):
    """A gdbstub, at whatever address, makes no other guest"""
    assert folder_of(folder, extra=["-gdb", "tcp:127.0.0.1:1"]) == folder_of(folder)


def test_resumed(folder):
    """A record's guest, gone on to its stop, has the memory, the registers and the console that were recorded"""
    record = records.Opened("idle", folder)
    with record.resume() as guest:
        assert guest.qmp("query-status")["status"] == "paused" == record.facts["status"]
        assert registers.of_monitor(guest) == record.text("registers")
        assert guest.serial.read_text() == record.text("serial.log")
        guest.dump(folder / "truth")
    assert vmcore.files_differ(folder / "truth", record.dump) is None
