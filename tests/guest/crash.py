# SPDX-License-Identifier: GPL-3.0-or-later
"""crash, which opens the vmcore of a Linux guest with its kernel's debuginfo. It takes some ten seconds to begin."""

import shutil
import subprocess

import pytest

import gdb
from machines import lab


def ask(vmcore, command, *options, program="crash", vmlinux=None):
    """Returns what crash prints for a command, as bytes, and its exit status, 0 where it opened the vmcore."""
    run = subprocess.run([program, "-s", *options, vmlinux or lab.lab("vmlinux"), vmcore], input=f"{command}\nq\n".encode(),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=gdb.PATIENCE)
    return run.stdout, run.returncode


def run(vmcore, command, truth=None):
    """Returns what crash prints for a command, as bytes; a test without crash is skipped.

    Some do not open QEMU's own dump of a guest either (truth, where there is one): 8.0.6 looks for a stack of size 0. Such
    a crash still reads the log.
    """
    if not shutil.which("crash"):
        pytest.skip("crash is missing: Debian has it in the package crash")
    output, status = ask(vmcore, command)
    if status and (truth is None or ask(truth, "sys")[1]):
        if command != "log":
            pytest.skip("this crash does not open QEMU's own dump of the guest either")
        output, _ = ask(vmcore, command, "--minimal")
    return output


def text(vmcore, command, truth=None):
    return run(vmcore, command, truth).decode(errors="replace")


def log(dumps):
    """The log in a guest's vmcore; crash is run once for all who ask."""
    if not hasattr(dumps, "crash_log"):
        dumps.crash_log = text(dumps.from_core, "log", dumps.truth)
    return dumps.crash_log
