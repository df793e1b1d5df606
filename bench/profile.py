#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of guest-profile for the guest, and of a sample, against GDB's own continue and interrupt, in one run on one machine.

In:  a guest of two CPUs, one of which a process of the guest's keeps busy.
Out: the work of that process while it is sampled, as a part of its work in as much time without samples: by the guest's own
     count of the time that the process was on a CPU, the best of each. The time of a sample by GDB's own commands. It fails
     where 99 samples a second cost the guest a tenth or more.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TOP / "lab"), str(TOP / "tests/guest")]
import guest as lab  # noqa: E402

STUB = "unix:gdbstub,server=on,wait=off"
GDB_SAMPLES = 60
MOST = 0.1  # of the guest's work


def gdb(arguments, commands):
    run = subprocess.run([arguments.gdb_guest, "-nx", "-batch", *(word for command in commands for word in ("-ex", command))],
                         check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return run.stdout


def work(guest):
    """The nanoseconds that the busiest process has been on a CPU; the guest is stopped."""
    text = subprocess.run([TOP / "guest-core", "-p", str(guest.pid), "ps", "-user", "-json"], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return max(json.loads(line)["time_ns"] for line in text.splitlines())


def rate(guest, seconds, during):
    """The work a second of wall time while DURING runs, which takes SECONDS at least."""
    guest.stop()
    before, start = work(guest), time.monotonic()
    guest.qmp("cont")
    during()
    time.sleep(max(0, start + seconds - time.monotonic()))
    guest.stop()
    elapsed, after = time.monotonic() - start, work(guest)
    guest.qmp("cont")
    return (after - before) / elapsed / 1e9


def sample_by_gdb(folder, guest, arguments):
    """The seconds of a sample by GDB's continue, its interrupt, and the registers of both CPUs."""
    script = folder / "samples.py"
    script.write_text(f"""
import gdb, os, signal, threading, time
took = 0
for _ in range({GDB_SAMPLES}):
    threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
    start = time.monotonic()
    gdb.execute("continue", to_string=True)
    gdb.execute("thread apply all output/x $pc", to_string=True)
    took += time.monotonic() - start - 0.01
print("took", took / {GDB_SAMPLES})
""")
    command = ["/usr/bin/gdb", "-nx", "-batch", "-ex", f"target remote {guest.directory}/gdbstub", "-x", str(script)]
    text = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True).stdout
    return float(text.split("took ")[1].split()[0])


def profile(guest, arguments, hz):
    """The profile at the gdbstub that guest-profile's last object has."""
    text = gdb(arguments, [f"target remote {guest.directory}/gdbstub",
                           f"guest-profile -json -hz {hz} -seconds {arguments.seconds}"])
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--gdb-guest", default=str(TOP / "gdb-guest"), help="the launcher (%(default)s)")
    parser.add_argument("--seconds", type=int, default=5, help="of a profile (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the best counts (%(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gdb-guest-bench-") as name, \
            lab.Guest(directory=name, append="lab.spin=1", extra=["-gdb", STUB]) as guest:
        profile(guest, arguments, 1)
        rows, alone = [], []
        for _ in range(arguments.repeat):
            rows.append(profile(guest, arguments, 99))
            alone.append(sample_by_gdb(Path(name), guest, arguments))
            guest.qmp("cont")
        ours = min(row["stopped"] * row["seconds"] / row["rounds"] for row in rows)
        best = min(rows, key=lambda row: row["stopped"])
        process = [str(TOP / "guest-core"), "-p", str(guest.pid), "profile", "-hz", "99", "-seconds", str(arguments.seconds)]
        quiet = max(rate(guest, arguments.seconds, lambda: None) for _ in range(arguments.repeat))
        read = max(rate(guest, arguments.seconds,
                        lambda: subprocess.run(process, check=True, stdout=subprocess.DEVNULL)) for _ in range(arguments.repeat))
    print(f"the gdbstub, {best['hz']:.0f} samples a second: the guest stood still for {100 * best['stopped']:.1f} % of the time")
    print(f"a sample of 2 CPUs: {1000 * ours:.2f} ms of the guest's time, by GDB's continue and interrupt "
          f"{1000 * min(alone):.2f} ms: {min(alone) / ours:.1f} times as much")
    print(f"a process, 99 samples a second: {100 * (1 - read / quiet):.1f} % less work of the guest's, GDB's or guest-core's start too")
    if best["stopped"] >= MOST:
        sys.exit(f"99 samples a second cost the guest {100 * best['stopped']:.1f} %, more than {100 * MOST:.0f} %: or the machine is busy")


if __name__ == "__main__":
    main()
