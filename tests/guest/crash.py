# SPDX-License-Identifier: GPL-3.0-or-later
"""crash, which opens the vmcore of a Linux guest with its kernel's debuginfo. It takes some ten seconds to begin."""

import shutil
import subprocess

import pytest

import gdb
from machines import lab


def run(vmcore, command):
    """What crash prints for a command, as bytes; a test without crash is skipped."""
    if not shutil.which("crash"):
        pytest.skip("crash is missing: Debian has it in the package crash")
    return subprocess.run(["crash", "-s", lab.lab("vmlinux"), vmcore], input=f"{command}\nq\n".encode(),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=gdb.PATIENCE).stdout


def text(vmcore, command):
    return run(vmcore, command).decode(errors="replace")


def log(dumps):
    """The log in a guest's vmcore; crash is run once for all who ask."""
    if not hasattr(dumps, "crash_log"):
        dumps.crash_log = text(dumps.from_core, "log")
    return dumps.crash_log
