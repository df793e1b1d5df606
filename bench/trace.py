#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of a call that guest-trace sees, against GDB's own breakpoint with commands and its dprintf, in one run on one machine.

In:  a guest whose program calls as often as it is asked to (lab/calls.c).
Out: the milliseconds of a call, by the program's answer after many calls; of each way the shortest, and its ratio to guest-trace's.
"""

import argparse
import re
import select
import socket
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP / "lab"), str(TOP / "tests/guest")]
import gdb  # noqa: E402
import guest as lab  # noqa: E402

FUNCTION = "do_sys_openat2"
TRACE = f"guest-trace -seconds 3600 -limit 1000000 {FUNCTION}"
# The commands before, and the command that lets the guest run. GDB's breakpoints are hardware's, as guest-trace's are.
WAYS = {
    "guest-trace": ([], TRACE),
    "guest-trace -summary": ([], f"{TRACE} -summary"),
    "guest-trace -args": ([], f"{TRACE} -args"),
    "guest-trace -args -return": ([], f"{TRACE} -args -return"),
    "GDB, hbreak and commands": (["hbreak *{at}", "python gdb.breakpoints()[-1].commands = 'silent\\nprintf \"dfd %d\\\\n\", $edi\\ncontinue'"],
                                 "continue"),
    "GDB, dprintf": (['dprintf *{at},"dfd %d\\n", $edi'], "continue"),
}


def finish(session, connection):
    """Reads what GDB prints until the guest's program answers."""
    text = b""
    while not text.endswith(b"\n"):
        ready = select.select([connection, session.terminal], [], [], gdb.PATIENCE)[0]
        assert ready, session.log[-2000:]
        if connection in ready:
            text += connection.recv(100)
        else:
            session.read("the guest's answer")


def measure(guest, connection, way, count):
    """The milliseconds of a call, of COUNT calls."""
    before, command = WAYS[way]
    with gdb.Session("-ex", f"target remote {guest.directory}/gdbstub") as session:
        at = re.search("0x[0-9a-f]+", session.command(f"guest-x {FUNCTION} 1a")[0])[0]
        # Symbols and types are read before the guest runs.
        session.command(f"guest-trace {FUNCTION} -if pid==0 -seconds 1")
        for line in before:
            session.command(line.format(at=at))
        connection.sendall(b"open %d 0\n" % count)
        began = time.monotonic()
        session.send(command)
        finish(session, connection)
        took = time.monotonic() - began
    guest.qmp("cont")
    return 1000 * took / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--calls", type=int, default=100, help="calls of a run (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the shortest counts (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gdb-guest-bench-") as name, \
            lab.Guest(directory=name, append="lab.script=/calls-lab/script", initrd=lab.lab("calls-initramfs"),
                      extra=["-serial", "null", "-serial", "unix:calls,server=on,wait=off",
                             "-gdb", "unix:gdbstub,server=on,wait=off"]) as guest, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{guest.directory}/calls")
        times = {way: [] for way in WAYS}
        for _ in range(arguments.repeat):
            for way, list_ in times.items():
                list_.append(measure(guest, connection, way, arguments.calls))
    for way, list_ in times.items():
        print(f"{way:26} {min(list_):7.2f} ms a call, {min(list_) / min(times['guest-trace']):4.1f} times guest-trace's")


if __name__ == "__main__":
    main()
