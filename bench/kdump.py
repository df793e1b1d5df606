#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a compressed kdump takes, against QEMU's own and makedumpfile, in one run on one machine.

In:  a guest of 1 GiB with about half of its pages in use; its QEMU's core, and the vmcores, in memory. A guest of 64 GiB that has
     touched little.
Out: a table of times, the smallest of each, and of sizes; the ratios that matter. Times are those of guest-core, its start
     included, and of one dump by GDB, less GDB's start. makedumpfile reads the ELF vmcore that guest-core made, and guest-core
     both this vmcore and QEMU's core.
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

MEMORY, FILL = 1024, 420  # MiB; what the kernel itself uses comes on top
OF_VMCORE = "-level 31, of the ELF vmcore"
IN_GDB = "the same in GDB, less its start"


def smallest(repeat, out, work):
    """The smallest time of work() of the REPEAT, and the size of the file OUT that it makes."""
    times = []
    for _ in range(repeat):
        out.unlink(missing_ok=True)
        start = time.monotonic()
        work()
        times.append(time.monotonic() - start)
    return min(times), out.stat().st_size


# The build tree's guest-core is a script of libtool's, whose shell takes as long as the program.
GUEST_CORE = TOP / ".libs/guest-core"
ENVIRONMENT = os.environ | {"LD_LIBRARY_PATH": str(TOP / "gdb-ext/.libs")}


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT)


def in_gdb(vmcore, out, repeat):
    """The time by which GDB is slower with a dump of the vmcore to OUT than without, the smallest of each; OUT's size."""
    start = [TOP / "gdb-guest", "-batch", "-ex", f"core-file {vmcore}"]
    dump = [*start, "-ex", f"dump-guest-memory -format kdump-zlib -level 31 {out}"]
    times = [(smallest(1, out, lambda: (run(*start), out.touch()))[0], *smallest(1, out, lambda: run(*dump)))
             for _ in range(2 * repeat)]
    return min(time for _, time, _ in times) - min(time for time, *_ in times), times[0][2]


def measure(folder, repeat, quick):
    """{name: (seconds, bytes)}; QUICK leaves out the formats that no ratio needs."""
    out, elf, core = folder / "out", folder / "elf", folder / "core"
    rows = {}
    with lab.Guest(memory=MEMORY, append=f"lab.fill={FILL}", directory=folder) as guest:
        guest.stop()
        rows["QMP kdump-zlib"] = smallest(max(1, repeat // 2), out, lambda: guest.dump(out, format="kdump-zlib"))
        guest.core(core)
        qemu = guest.qemu

    def ours(*options):
        return smallest(repeat, out, lambda: run(GUEST_CORE, "-qemu", qemu, core, "dump", *options, out))

    run(GUEST_CORE, "-qemu", qemu, core, "dump", elf)
    for name in ("kdump-zlib",) if quick else ("kdump-zlib", "kdump-lzo", "kdump-snappy", "kdump-zstd"):
        rows[f"-format {name}"] = ours("-format", name)
    if not quick:
        rows["-format kdump-zlib -small"] = ours("-format", "kdump-zlib", "-small")
        rows["-format kdump-zlib -threads 1"] = ours("-format", "kdump-zlib", "-threads", 1)
    rows["-format kdump-zlib -level 31"] = ours("-format", "kdump-zlib", "-level", 31)
    rows[OF_VMCORE] = smallest(repeat, out, lambda: run(GUEST_CORE, elf, "dump", "-format", "kdump-zlib", "-level", 31, out))
    rows[IN_GDB] = in_gdb(elf, out, repeat)
    rows["info"] = smallest(repeat, out, lambda: (run(GUEST_CORE, "-qemu", qemu, core, "info"), out.touch()))
    rows["elf"] = ours()
    if not quick:
        rows["elf -level 31"] = ours("-level", 31)
    rows["makedumpfile -c -d 31"] = smallest(repeat, out, lambda: run("makedumpfile", "-c", "-d", "31", elf, out))
    if not quick:
        rows["makedumpfile -l -d 31"] = smallest(repeat, out, lambda: run("makedumpfile", "-l", "-d", "31", elf, out))
    return rows


def measure_sparse(folder, repeat):
    """The same of a guest of 64 GiB that is mostly free."""
    out, core = folder / "out", folder / "core"
    extra = ["-object", "memory-backend-ram,id=ram,size=64G,reserve=off", "-machine", "memory-backend=ram"]
    with lab.Guest(memory=65536, extra=extra, directory=folder) as guest:
        guest.stop()
        guest.core(core)
        qemu = guest.qemu
    level = ("dump", "-format", "kdump-zlib", "-level", 31)
    commands = {"64 GiB, -level 31": [*level, out], "64 GiB, -level 31 -exclude memmap": [*level, "-exclude", "memmap", out],
                "64 GiB, elf": ["dump", out]}
    rows = {name: smallest(repeat, out, lambda words=words: run(GUEST_CORE, "-qemu", qemu, core, *words))
            for name, words in commands.items()}
    rows["64 GiB, info"] = smallest(repeat, out, lambda: (run(GUEST_CORE, "-qemu", qemu, core, "info"), out.touch()))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="times of each [5]")
    parser.add_argument("--folder", default="/dev/shm", help="where the files are [/dev/shm]")
    parser.add_argument("--quick", action="store_true", help="only what the ratios need, and no guest of 64 GiB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rows = measure(Path(folder), arguments.repeat, arguments.quick)
    if not arguments.quick:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            rows |= measure_sparse(Path(folder), arguments.repeat)
    for name, (seconds, size) in rows.items():
        print(f"{name:36}{seconds:8.3f} s{size / 2 ** 20:10.1f} MiB")
    zlib, filtered = rows["-format kdump-zlib"], rows["-format kdump-zlib -level 31"]
    print(f"kdump-zlib / QMP's: time {zlib[0] / rows['QMP kdump-zlib'][0]:.3f}, size {zlib[1] / rows['QMP kdump-zlib'][1]:.3f}")
    for name in (OF_VMCORE, IN_GDB, "-format kdump-zlib -level 31"):
        print(f"{name} / makedumpfile -c -d 31: time {rows[name][0] / rows['makedumpfile -c -d 31'][0]:.3f}, "
              f"size {rows[name][1] / rows['makedumpfile -c -d 31'][1]:.3f}")
    print(f"-level 31 / elf: time {filtered[0] / rows['elf'][0]:.3f}")


if __name__ == "__main__":
    sys.exit(main())
