# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that have booted, as QEMU's migration streams in the cache: a test's guest goes on from there.

In:  a Guest of guest.py that is ready.
Out: a folder for each: state (a stream that zstd compressed), and what its serial ports had written.

The key is a hash of all that decides on the guest: QEMU, kernel, initramfs and firmware by their contents, and the command
line. The state that has not been used for the longest time goes first when the states take more than LIMIT: a state of
another key than today's is never used again.
"""

import functools
import hashlib
import os
import shlex
import shutil
import tempfile
import time
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gdb-guest" / "guests"
LIMIT = 4 << 30
# QEMU looks at each page of RAM when it writes a state.
LARGEST = 8192
FIRMWARE = ("bios-256k.bin", "bios.bin")
STATE = "state.zst"
# In place of a state: why QEMU does not write or take it.
REFUSED = "refused"
# Two arguments that make no difference to the guest.
ASIDE = {"-gdb", "-qmp", "-L"}


@functools.cache
def _digest(path, size, modified):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(path):
    """Hashes a file's contents, once in a process."""
    status = os.stat(path)
    return _digest(str(path), status.st_size, status.st_mtime_ns)


def age_and_size(folder):
    """When the folder was used last, and its files' size; zeros for a folder that another run has just removed."""
    try:
        return folder.stat().st_mtime, sum(file.stat().st_size for file in folder.iterdir())
    except FileNotFoundError:
        return 0, 0


def of_guest(guest):
    """The guest's State, or None of a guest that has nothing to gain or that is not the same in the next run."""
    words = list(guest.command)
    # Programs of the tests' own boot in no time. Random bytes do not shrink.
    if not Path(guest.kernel or "").name.startswith("vmlinuz") or guest.memory > LARGEST or "lab.fill=" in guest.append:
        return None
    if not shutil.which("zstd"):
        return None
    kept = [word for before, word in zip(["", *words], words) if before not in ASIDE and word not in ASIDE]
    if any(str(guest.directory.parent) in word for word in kept if word not in (guest.qemu, guest.initrd, guest.kernel)):
        return None
    firmware = [folder for before, folder in zip(words, words[1:]) if before == "-L"]
    files = [Path(folder) / name for folder in firmware for name in FIRMWARE]
    contents = [digest(path) for path in (guest.qemu, guest.kernel, guest.initrd, *filter(Path.exists, files))]
    words = [word for word in kept if word not in (guest.qemu, guest.kernel, guest.initrd)]
    return State(CACHE / hashlib.sha256("\0".join([*words, *contents]).encode()).hexdigest()[:16], words)


class State:
    """The state of one guest, in a folder of the cache or not yet."""

    def __init__(self, folder, words=()):
        self.folder, self._words = Path(folder), words

    def exists(self):
        return (self.folder / STATE).exists()

    def source(self):
        """QEMU's -incoming."""
        os.utime(self.folder)
        return f"exec:zstd -dqc {shlex.quote(str(self.folder / STATE))}"

    def restore_files(self, directory, names):
        for name in names:
            shutil.copy(self.folder / name, directory / name)

    def save(self, guest):
        """Tests whether the guest's state is in the cache now; the guest stands still then."""
        if (self.folder / REFUSED).exists():
            return False
        CACHE.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix="tmp.", dir=CACHE))
        try:
            guest.stop()
            reason = guest.write_state(work / STATE)
            if reason:
                (work / STATE).unlink(missing_ok=True)
                (work / REFUSED).write_text(reason + "\n")
                guest.cont()
            for name in guest.files:
                shutil.copy(guest.directory / name, work / name)
            (work / "command").write_text(shlex.join(self._words) + "\n")
            self._publish(work)
            return not reason
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def refuse(self, reason):
        """Removes the state, and leaves the reason: the guest boots from now on."""
        (self.folder / STATE).unlink(missing_ok=True)
        (self.folder / REFUSED).write_text(reason + "\n")

    def _publish(self, work):
        """A rename, so that a state is whole or not there; another run may have been faster."""
        try:
            work.rename(self.folder)
        except OSError:
            pass
        self._make_room()

    @staticmethod
    def _make_room():
        for path in CACHE.glob("tmp.*"):
            if age_and_size(path)[0] < time.time() - 3600:
                shutil.rmtree(path, ignore_errors=True)
        total = 0
        states = sorted(((*age_and_size(path), path) for path in CACHE.glob("[0-9a-f]" * 16)), reverse=True)
        for _, size, path in states:
            total += size
            if total > LIMIT:
                shutil.rmtree(path, ignore_errors=True)
