#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long guest-vmlinux takes to make a vmlinux, and GDB to load it, against the kernel's own vmlinux, in one run.

In:  vmcores of a guest of each series, by gdb-guest, and the debuginfo packages' vmlinux.
Out: CPU seconds and peak memory of the maker; CPU seconds that GDB takes above its start to load each file, to show the first
     stack, and the first type; the ratios. Only the ratios mean something elsewhere. Debian's vmlinux has GDB's index here
     (lab/vmlinux), the made file needs none.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "lab"))
import guest as lab  # noqa: E402
from tasks import run  # noqa: E402

MOST_SECONDS, MOST_MEMORY = 1, 256  # of the maker: CPU seconds, MiB

# GDB's commands after a core, by what they are for.
STEPS = {"load": [], "load, first bt": ["backtrace"], "load, first ptype": ["ptype struct task_struct"]}


def smallest(words, repeat):
    """The smallest CPU seconds, and peak memory in MiB, of a command's runs."""
    runs = [run(words) for _ in range(repeat)]
    return min(cpu for _, cpu, _, _ in runs), min(memory for _, _, memory, _ in runs)


def bench(series, folder, arguments):
    guest_core = Path(arguments.gdb_guest).with_name("guest-core")
    kernel, core, vmcore, made = lab.lab("kernel", series), folder / "core", folder / "vmcore", folder / "made"
    with lab.Guest(kernel=f"{kernel}/vmlinuz", append="nokaslr", directory=folder) as guest:
        guest.stop()
        guest.core(core)
    subprocess.run([guest_core, core, "dump", "-force", vmcore], check=True, capture_output=True)
    making = [guest_core, vmcore, "vmlinux", "-guest-addresses", "-force", "-output", made]
    said = subprocess.run(making, check=True, capture_output=True, text=True)
    cpu, memory = smallest(making, arguments.repeat)
    print(f"\n{series}: {(said.stdout + said.stderr).strip().rpartition('made: ')[2]}")
    print(f"made in {cpu:.2f} s of CPU (limit {MOST_SECONDS}), at most {memory:.0f} MiB (limit {MOST_MEMORY})")
    session = [arguments.gdb, "-nx", "-batch", "-ex", f"core-file {vmcore}"]
    start = smallest(session, arguments.repeat)[0]
    for name, commands in STEPS.items():
        ours, theirs = (smallest([*session, *(word for text in [f"symbol-file {file}", *commands] for word in ("-ex", text))],
                                 arguments.repeat)[0] - start for file in (made, lab.lab("vmlinux", series)))
        print(f"{name:20} made {ours:5.2f} s, the kernel's own {theirs:5.2f} s: {ours / theirs:.2f}")
    return cpu < MOST_SECONDS and memory < MOST_MEMORY


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--gdb-guest", default=str(TOP / "gdb-guest"), help="the launcher, beside guest-core (%(default)s)")
    parser.add_argument("--gdb", default="/usr/bin/gdb", help="the GDB that loads the files (%(default)s)")
    parser.add_argument("--series", nargs="+", default=["6.1", "6.12"], help="kernels (%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, of which the smallest counts (%(default)s)")
    arguments = parser.parse_args()
    within = True
    for series in arguments.series:
        with tempfile.TemporaryDirectory(prefix="gdb-guest-bench-") as folder:
            within &= bench(series, Path(folder), arguments)
    sys.exit(not within)


if __name__ == "__main__":
    main()
