#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops of guests, recorded once: the cores that tests and people look at, and the truth about them.

In:  a name in TABLE.
Out: a folder in the cache, whose path `lab/record NAME` prints: core.zst, QEMU's core; dump.zst, QEMU's own dump-guest-memory;
     registers, mtree and tlb, as the monitor prints them; serial.log, the console, and what other serial ports wrote (/dev/kmsg,
     /proc/kallsyms); facts.json; state.zst, from which QEMU goes on at the very stop (states.py).

The key in the folder's name is a hash of QEMU, kernel, initramfs, firmware and command line, and of what prepared the stop.
Another key's folder of the same name is removed. A record is made beside its final place and moved there whole.
"""

import argparse
import hashlib
import inspect
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import guest as lab
import states

CACHE = states.CACHE.parent
TEXTS = {"registers": "info registers -a", "mtree": "info mtree -f", "tlb": "info tlb"}


def stop(guest):
    guest.stop()


def stop_in_program(guest):
    """Stops the guest where its first CPU runs a program, so that there are the program's pages too."""
    def in_program():
        guest.stop()
        if "CPL=3" in guest.hmp("info registers"):
            return True
        guest.cont()
        return False

    lab.wait_until(in_program, 60, "the first CPU in a program")


class Record:
    """A stop of a guest, to be made.

    series  of lab/kernel
    stop    called with the guest, which it leaves stopped
    guest   options of lab.Guest
    """

    def __init__(self, series="6.1", stop=stop, **guest):
        self.series, self.stop, self.guest = series, stop, guest

    def boot(self, folder, extra=(), **options):
        kernel = Path(lab.lab("kernel", self.series)) / "vmlinuz"
        guest = dict(self.guest, extra=[*self.guest.get("extra", ()), *extra])
        return lab.Guest(kernel=kernel, directory=folder, **guest, **options)


def serial(name):
    return ["-serial", f"file:{name}"]


def log_record(series, log, append="", extra=()):
    """A guest that writes these records into its log, and what /dev/kmsg held of them."""
    return Record(series, append=f"printk.devkmsg=on loglevel=1 lab.log={log} lab.kmsg=1 {append}".strip(),
                  extra=[*serial("kmsg.log"), *extra])


TABLE = {
    "idle": Record(smp=2),
    "programs": Record(smp=2, append="lab.spin=4", stop=stop_in_program),
}
for version in ("6.1", "6.12"):
    TABLE |= {
        f"log-{version}": log_record(version, "odd,clear,long"),
        f"log-wrapped-{version}": log_record(version, "odd,many=9000,odd,long"),
        f"log-large-{version}": log_record(version, "odd,many=9000,long", "log_buf_len=16M", ["-cpu", "max"]),
    }
for version in ("6.1", "6.12", "sid"):
    TABLE[f"kallsyms-{version}"] = Record(version, append="lab.kallsyms=1", extra=serial("kallsyms"))


class Opened:
    """A record whose core and dump are files in a folder, at the first use of each."""

    def __init__(self, name, folder):
        self.name, self.record = name, TABLE[name]
        self._place, self._folder = Path(find(name)), Path(folder)
        self.facts = json.loads((self._place / "facts.json").read_text())
        self.qemu, self.kernel = self.facts["qemu"], self.facts["kernel"]

    @property
    def core(self):
        return self._unpacked("core")

    @property
    def dump(self):
        return self._unpacked("dump")

    def text(self, name):
        return (self._place / name).read_text(errors="replace")

    def bytes(self, name):
        return (self._place / name).read_bytes()

    def resume(self, **options):
        """The guest in a QEMU, stopped where it was recorded."""
        return self.record.boot(self._folder, at=states.State(self._place), **options)

    def _unpacked(self, name):
        path = self._folder / name
        if not path.exists():
            subprocess.run(["zstd", "-dq", "--sparse", self._place / f"{name}.zst", "-o", path], check=True)
            if name == "core" and lab.observer:
                lab.observer.add_core(self, path)
        return path


def key(record, guest):
    """Hashes all that decides on the record: the guest, and the code that prepares and takes it."""
    parts = [str(states.of_guest(guest).folder), inspect.getsource(record.stop), inspect.getsource(take), str(TEXTS)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def take(record, work):
    """Fills the record's folder. All but the guest's way to the stop is done in a QEMU that went on from the state."""
    with record.boot(work) as guest:
        record.stop(guest)
        for name in guest.files:
            shutil.copy(guest.directory / name, work / name)
        if reason := guest.write_state(work / states.STATE):
            raise lab.GuestError(f"QEMU does not write the guest's state: {reason}")
    with record.boot(work, at=states.State(work)) as guest:
        for name, command in TEXTS.items():
            (work / name).write_text(guest.hmp(command).replace("\r", ""))
        facts = {"qemu": guest.qemu, "kernel": guest.kernel, "command": guest.command, "version": guest.qmp("query-version"),
                 "machine": guest.qmp("qom-get", path="/machine", property="type"),
                 "status": guest.qmp("query-status")["status"]}
        (work / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
        guest.dump(work / "dump")
        guest.core(work / "core")
    for name in ("core", "dump"):
        subprocess.run(["zstd", "-1q", "--rm", work / name], check=True)


def find(name):
    """The record's folder; it is made where there is none."""
    record = TABLE[name]
    if not shutil.which("zstd"):
        raise lab.GuestError("records are packed by zstd: lab/packages guest installs it")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tmp.record.", dir=CACHE) as work:
        final = CACHE / f"record-{name}-{key(record, record.boot(work, start=False))}"
        if not final.exists():
            print(f"recording {name}", file=sys.stderr)
            made = Path(work) / "made"
            made.mkdir()
            take(record, made)
            publish(name, made, final)
    return final


def publish(name, made, final):
    for path in CACHE.glob(f"record-{name}-" + "[0-9a-f]" * 16):
        if path != final:
            shutil.rmtree(path, ignore_errors=True)
    try:
        made.rename(final)
    except OSError:
        # Another run was faster.
        if not final.exists():
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="*", help="the records to make; without one, all their names are printed")
    names = parser.parse_args().name
    unknown = [name for name in names if name not in TABLE]
    if unknown:
        sys.exit(f"record: error: no record {', '.join(unknown)}; there are {', '.join(TABLE)}")
    try:
        print("\n".join(map(str, map(find, names))) if names else "\n".join(TABLE))
    except lab.GuestError as error:
        sys.exit(f"record: error: {error}")


if __name__ == "__main__":
    main()
