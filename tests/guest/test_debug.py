# SPDX-License-Identifier: GPL-3.0-or-later
"""The debug log: `set guest-debug on`."""

import re

import pytest

import gdb

pytestmark = pytest.mark.gdb

COMMANDS = ["guest-x/1gx linux_banner", "guest-info", "guest-klog -tail 1"]


def run(small, *commands):
    """GDB's output: the debug log's lines, and the others."""
    done = gdb.batch(small[1], small[0], commands=list(commands))
    assert done.status == 0, done
    lines = done.output.split("\n")
    return ([line for line in lines if line.startswith("debug: ")],
            [line for line in lines if not line.startswith("debug: ")])


def test_debug_log(small):
    """`set guest-debug on` shows who found the kernel, a symbol, the log; the rest is printed as without, and off is off"""
    none, silent = run(small, *COMMANDS)
    assert not none
    assert run(small, "set guest-debug on", "set guest-debug off", *COMMANDS) == ([], silent)

    log, others = run(small, "set guest-debug on", *COMMANDS)
    assert others == silent
    note = re.search(r"VMCOREINFO at guest-physical (0x[0-9a-f]+)", "\n".join(silent))[1]
    assert any(line.startswith(f"debug: VMCOREINFO at {note}: Linux ") for line in log), log
    banner = next(line for line in silent if "<linux_banner>" in line).split()[0]
    assert f"debug: symbol linux_banner: kallsyms has it at {banner}" in log, log
    assert any(re.match("debug: RAM: 0x0-.* read from the core file$", line) for line in log), log
    assert any(line.startswith("debug: log of a ring buffer: found, ") for line in log), log


def test_show(small):
    """`show guest-debug` says whether the log is on"""
    _, printed = run(small, "show guest-debug", "set guest-debug on", "show guest-debug")
    assert re.findall("log .* is (on|off)\\.", "\n".join(printed)) == ["off", "on"], printed
