# SPDX-License-Identifier: GPL-3.0-or-later
"""Where dump-guest-memory writes, and what the terminal sees of it."""

import os
import subprocess
import threading

import pytest

import gdb
import vmcore

pytestmark = pytest.mark.gdb


@pytest.fixture(scope="session")
def reference(views, top_folder):
    """The small guest's vmcore."""
    path = top_folder / "reference"
    dump(views, path)
    yield path
    path.unlink()


def dump(views, name, options=""):
    views.text(f"dump-guest-memory {options} {gdb.quote(name)}")


def test_force(views, reference, folder):
    """-force replaces a file, and nothing else is left in its folder"""
    path = folder / "vmcore"
    path.write_bytes(bytes(100))
    dump(views, path, "-force")
    assert vmcore.files_differ(path, reference) is None
    assert os.listdir(folder) == ["vmcore"]


def test_new_mode(reference):
    """A vmcore can be read by its owner alone"""
    assert reference.stat().st_mode & 0o777 == 0o600


def test_odd_name(views, reference, folder):
    """A quoted name may have spaces and whatever else names have"""
    path = folder / "a guest's 'vmcore' *%s \\ é"
    dump(views, path)
    assert os.listdir(folder) == [path.name]
    assert vmcore.files_differ(path, reference) is None


def test_symbolic_link(views, reference, folder):
    """Through a symbolic link, -force replaces the file that it names"""
    (folder / "elsewhere").mkdir()
    target, link = folder / "elsewhere" / "target", folder / "link"
    target.write_text("old")
    link.symlink_to(target)
    dump(views, link, "-force")
    assert link.is_symlink()
    assert vmcore.files_differ(target, reference) is None


def test_fifo(views, reference, folder):
    """A FIFO gives the bytes that the file would hold"""
    fifo, path = folder / "fifo", folder / "vmcore"
    os.mkfifo(fifo)
    with open(path, "wb") as file, subprocess.Popen(["cat", fifo], stdout=file) as reader:
        try:
            dump(views, fifo)
            reader.wait(gdb.PATIENCE)
        finally:
            reader.kill()
    assert vmcore.files_differ(path, reference) is None


class SlowReader:
    """Reads a FIFO so slowly that the dump into it shows progress, until told to hurry or to leave."""

    def __init__(self, fifo):
        self.told, self.leaves = threading.Event(), False
        self.thread = threading.Thread(target=self._read, args=(fifo,), daemon=True)
        self.thread.start()

    def _read(self, fifo):
        with open(fifo, "rb", buffering=0) as file:
            while file.read(65536) and not self.leaves:
                self.told.wait(0.05)

    def hurry(self):
        self.told.set()
        self.thread.join(gdb.PATIENCE)

    def leave(self):
        self.leaves = True
        self.hurry()


PROGRESS = r"\d [KM]iB of 256\.\d MiB, [^\n]*/s, [^\n]* left"


def test_progress(small, folder):
    """On a terminal a dump that takes long shows how far it is, in one line, of which nothing is left in the end"""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    with gdb.Session(small[1], small[0]) as session:
        reader = SlowReader(fifo)
        session.send(f"dump-guest-memory {fifo}")
        text = session.wait(PROGRESS) + session.wait(PROGRESS)
        reader.hurry()
        lines = gdb.lines_of(text + session.wait_prompt())
        assert "pc.ram" in lines[1] and "of guest memory in" in lines[-2], lines
        assert not any("/s, " in line for line in lines), lines


@pytest.mark.parametrize("when", ["at once", "while GDB shows progress"])
def test_fifo_reader_leaves(small, when, folder):
    """A FIFO whose reader goes away {when} is an error, and GDB lives on"""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    with gdb.Session(small[1], small[0]) as session:
        reader = SlowReader(fifo)
        session.send(f"dump-guest-memory {fifo}")
        text = session.wait(PROGRESS) if when != "at once" else ""
        reader.leave()
        lines = gdb.lines_of(text + session.wait_prompt())
        assert "Broken pipe" in lines[-2] and lines[-2].startswith("dump-guest-memory: "), lines
        assert session.is_alive()


def test_enter_does_not_repeat(small, folder):
    """An empty line does not repeat the command"""
    with gdb.Session(small[1], small[0]) as session:
        session.command(f"dump-guest-memory {folder}/vmcore")
        assert session.command("") == []
        assert session.command(f"dump-guest-memory {folder}/vmcore")[-1].endswith("-force replaces it")
        assert session.command("") == []


def test_loading_is_silent():
    """Loading prints nothing"""
    run = gdb.batch(commands=[])
    assert (run.status, run.output) == (0, "")


@pytest.mark.parametrize("typed, completed", [("-forc", "-force"), ("{folder}/vmc", "{folder}/vmcore"),
                                              ("-force {folder}/s", "-force {folder}/sub/"),
                                              ("{folder}/nothing", None)])
def test_completion(typed, completed, folder):
    """Tab completes `{typed}` to `{completed}`"""
    (folder / "vmcore").touch()
    (folder / "sub").mkdir()
    typed = typed.format(folder=folder)
    run = gdb.batch(commands=[f"complete dump-guest-memory {typed}"])
    expected = [f"dump-guest-memory {completed.format(folder=folder)}"] if completed else []
    assert gdb.lines_of(run.output) == expected
