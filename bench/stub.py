#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a guest's memory comes over QEMU's gdbstub, against GDB's own `dump binary memory`, in one run.

In:  a guest of 1 GiB (--memory) that stands still.
Out: MB/s and ratios, and the seconds of the first and the second guest-klog. Only the ratios mean something elsewhere.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "lab"))
import guest as lab  # noqa: E402

MB, MIB = 1e6, 1 << 20
PHYSICAL = "maintenance packet Qqemu.PhyMemMode:{}"


class Bench:
    def __init__(self, guest, arguments):
        self.connect = ["-ex", f"target remote {guest.directory}/gdbstub"]
        self.launcher = arguments.gdb_guest
    
        self.start = self._time(["print 1"])

    def _time(self, commands):
        words = [word for command in commands for word in ("-ex", command)]
        began = time.monotonic()
        subprocess.run([self.launcher, "-nx", "-batch", *self.connect, *words], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.monotonic() - began

    def seconds(self, *commands):
        return max(self._time(commands) - self.start, 1e-3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--gdb-guest", default=TOP / "gdb-guest", help="the launcher (%(default)s)")
    parser.add_argument("--memory", type=int, default=1024, help="MiB (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gdb-guest-bench-") as folder, lab.Guest(
            memory=arguments.memory, directory=Path(folder), extra=["-gdb", "unix:gdbstub,server=on,wait=off"]) as guest:
        bench = Bench(guest, arguments)
        size = arguments.memory * MIB
        out = Path(folder) / "out"
        gdbs = bench.seconds(PHYSICAL.format(1), f"dump binary memory {out} 0x100000 {size}", PHYSICAL.format(0))
        rows = [("dump binary memory", (size - MIB) / MB / gdbs)]
        for options in ("", "-via monitor"):
            seconds = bench.seconds(f"dump-guest-memory -force {options} {out}")
            rows.append((f"dump-guest-memory {options}".rstrip(), size / MB / seconds))
        for name, rate in rows:
            print(f"{name:32} {rate:8.1f} MB/s  {rate / rows[0][1]:6.2f} times GDB's own")
        first, both = bench.seconds("guest-klog"), bench.seconds("guest-klog", "guest-klog")
        print(f"{'guest-klog':32} {first:8.2f} s the first time, {both - first:.2f} s the second")
        os.unlink(out)


if __name__ == "__main__":
    main()
