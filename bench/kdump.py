#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a compressed kdump takes, against QEMU's own and makedumpfile, in one run on one machine.

In:  a guest of 1 GiB with about half of its pages in use; its QEMU's core, and the vmcores, in memory.
Out: a table of times, the smallest of each, and of sizes; the ratios that matter. guest-core needs no GDB, whose start would
     come on top.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "lab"))
import guest as lab  # noqa: E402

MEMORY, FILL = 1024, 420  # MiB; what the kernel itself uses comes on top


def smallest(repeat, out, work):
    """The smallest time of work() of the REPEAT, and the size of the file OUT that it makes."""
    times = []
    for _ in range(repeat):
        out.unlink(missing_ok=True)
        start = time.monotonic()
        work()
        times.append(time.monotonic() - start)
    return min(times), out.stat().st_size


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, capture_output=True)


def measure(folder, repeat):
    """{name: (seconds, bytes)}"""
    out, elf, core = folder / "out", folder / "elf", folder / "core"
    rows = {}
    with lab.Guest(memory=MEMORY, append=f"lab.fill={FILL}", directory=folder) as guest:
        guest.stop()
        rows["QMP kdump-zlib"] = smallest(max(1, repeat // 2), out, lambda: guest.dump(out, format="kdump-zlib"))
        guest.core(core)
        qemu = guest.qemu

    def ours(*options):
        return smallest(repeat, out, lambda: run(TOP / "guest-core", "-qemu", qemu, core, "dump", *options, out))

    run(TOP / "guest-core", "-qemu", qemu, core, "dump", elf)
    for name in ("kdump-zlib", "kdump-lzo", "kdump-snappy", "kdump-zstd"):
        rows[f"-format {name}"] = ours("-format", name)
    rows["-format kdump-zlib -small"] = ours("-format", "kdump-zlib", "-small")
    rows["-format kdump-zlib -threads 1"] = ours("-format", "kdump-zlib", "-threads", 1)
    rows["-format kdump-zlib -level 31"] = ours("-format", "kdump-zlib", "-level", 31)
    rows["elf"] = ours()
    rows["elf -level 31"] = ours("-level", 31)
    rows["makedumpfile -c -d 31"] = smallest(repeat, out, lambda: run("makedumpfile", "-c", "-d", "31", elf, out))
    rows["makedumpfile -l -d 31"] = smallest(repeat, out, lambda: run("makedumpfile", "-l", "-d", "31", elf, out))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="times of each [5]")
    parser.add_argument("--folder", default="/dev/shm", help="where the files are [/dev/shm]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        rows = measure(Path(folder), arguments.repeat)
    for name, (seconds, size) in rows.items():
        print(f"{name:32}{seconds:8.3f} s{size / 2 ** 20:10.1f} MiB")
    zlib, filtered = rows["-format kdump-zlib"], rows["-format kdump-zlib -level 31"]
    print(f"kdump-zlib / QMP's: time {zlib[0] / rows['QMP kdump-zlib'][0]:.3f}, size {zlib[1] / rows['QMP kdump-zlib'][1]:.3f}")
    print(f"-level 31 / makedumpfile -c -d 31: time {filtered[0] / rows['makedumpfile -c -d 31'][0]:.3f}, "
          f"size {filtered[1] / rows['makedumpfile -c -d 31'][1]:.3f}")
    print(f"-level 31 / elf: time {filtered[0] / rows['elf'][0]:.3f}")


if __name__ == "__main__":
    sys.exit(main())
