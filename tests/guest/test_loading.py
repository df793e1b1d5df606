# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways into a GDB: by its Guile or its Python, from the launcher, by hand, or with QEMU."""

import os
import re
import subprocess

import pytest

import gdb

pytestmark = pytest.mark.gdb

STAGE = gdb.TOP / "stage"


def test_right_one():
    """The GDB under test is the one that was asked for"""
    wanted = os.environ.get("TESTED_GDB")
    assert not wanted or os.path.samefile(gdb.tested(), wanted), (gdb.tested(), wanted)


def gdb_path():
    return gdb.tested()


def run_gdb(*arguments, commands=()):
    """The GDB under test, without the launcher."""
    return gdb.batch(*arguments, launcher=gdb_path(), commands=commands)


def fake_gdb(folder, configuration):
    path = folder / "gdb"
    path.write_text(f"#!/bin/sh\n[ \"$1\" = --configuration ] && echo '{configuration}' && exit\necho \"$@\"\n")
    path.chmod(0o755)
    return path


def launch(path, *arguments):
    return subprocess.run([gdb.LAUNCHER, *arguments], env=dict(os.environ, GDB=str(path)), capture_output=True,
                          text=True, timeout=gdb.PATIENCE)


@pytest.mark.parametrize("configuration, file", [("--with-guile --with-python=/usr", "guest.scm"),
                                                 ("--with-python=/usr --without-guile", "guest.py")])
def test_choice(configuration, file, folder):
    """For a GDB configured {configuration} the launcher takes {file}, and says so with -v"""
    path = fake_gdb(folder, configuration)
    assert f"/{file}" in launch(path, "core").stdout
    assert re.match(rf"gdb-guest \S+ in {re.escape(str(path))}, loaded from \S+/{file}, ", launch(path, "-v").stdout)


def test_neither(folder):
    """For a GDB with neither Guile nor Python the launcher says what is missing and which package has it"""
    run = launch(fake_gdb(folder, "--without-guile --without-python"), "core")
    assert run.returncode == 1 and run.stdout == ""
    assert re.match(r"gdb-guest: error: \S+/gdb has neither Guile nor Python, .* Debian's package gdb has Python", run.stderr)


def test_no_gdb(folder):
    """Where there is no GDB, the launcher names the package that has one"""
    run = launch(folder / "nothing", "core")
    assert run.returncode == 1
    assert re.match(r"gdb-guest: error: there is no \S+/nothing; Debian has a GDB in the package gdb", run.stderr)


def source_command():
    return f"source {STAGE}/guest.py" if gdb.loads_by_python() else f'guile (primitive-load "{STAGE}/guest.scm")'


def test_source():
    """guest.py and guest.scm print nothing, and may be sourced again"""
    run = run_gdb(commands=[source_command(), source_command(), "guest-klog -tail 0"])
    assert gdb.lines_of(run.output) == ["guest-klog: -tail is 0, not 1 to 2^64 - 1"] and run.status == 1, run


def test_auto_load(small, private_qemu, folder):
    """A file in GDB's auto-load folder loads the extension with QEMU, prints nothing, and does no harm to one that is loaded"""
    kind = "py" if gdb.loads_by_python() else "gdb"
    program = private_qemu.resolve()
    script = folder / f"auto-load/{program.relative_to('/')}-gdb.{kind}"
    script.parent.mkdir(parents=True)
    text = (gdb.TOP / f"scheme/auto-load.{kind}").read_text()
    script.write_text(text.replace("@EXTENSION_DIRECTORY@", str(STAGE)))
    settings = [word for setting in ("scripts-directory", "safe-path")
                for word in ("-iex", f"set auto-load {setting} {folder}/auto-load")]
    plain = run_gdb(program, commands=["print 6 * 7"])
    for launcher in (gdb_path(), gdb.LAUNCHER):
        run = gdb.batch(*settings, program, launcher=launcher, commands=["print 6 * 7"])
        assert run.output == plain.output, run
        run = gdb.batch(*settings, program, small[0], launcher=launcher, commands=["guest-info"])
        assert "kernel    Linux " in run.output and run.status == 0, run
    # GDB does not load a file that it does not trust.
    run = gdb.batch(*settings[:2], program, launcher=gdb_path(), commands=["guest-info"])
    assert "auto-loading has been declined" in run.output and run.status == 1, run


def test_help():
    """The help of each command says what it works on"""
    names = ["dump-guest-memory", "guest-info", "guest-klog", "guest-regs", "guest-sysrq", "guest-vtop", "guest-x"]
    run = gdb.batch(commands=[line for name in names for line in (r"echo @\n", f"help {name}")])
    for name, text in zip(names, run.output.split("@\n")[1:]):
        assert f"Usage: {name}" in text
        assert re.search(r"\bIt works on (a core of QEMU, a QEMU process, )?QEMU's gdbstub", text), (name, text)


def test_topic_of_help():
    """help guest lists each command that there is, and so does the command guest"""
    run = gdb.batch(commands=["help guest", r"echo @\n", "guest", r"echo @\n", "apropos ^\\(guest-\\|dump-guest\\)"])
    topic, command, apropos = run.output.split("@\n")
    assert topic == command and re.findall("^guest-info  +Show ", topic, re.MULTILINE)
    listed = set(re.findall("^((?:guest-|dump-guest-)[a-z]+(?:-memory)?)  *[A-Z]", topic, re.MULTILINE))
    known = set(re.findall("^([a-z-]+) -- ", apropos, re.MULTILINE))
    assert listed == {name for name in known if not name.startswith("set ")} - {"guest-debug"}


HINT = 'gdb-guest: "guest-info" shows the guest of this QEMU, "help guest" lists the commands'


def test_hint_at_the_prompt(small):
    """GDB says once, at its prompt, that the commands for the guest of a QEMU are there, unless $guest_hint is 0, and never of
    another program or with -batch"""
    def hints(*arguments, early=()):
        run = subprocess.run([gdb.LAUNCHER, "-nx", "-q", *early, *arguments], input="print 6 * 7\nprint 43\n", env=gdb.environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=gdb.PATIENCE)
        assert "$2 = 43" in run.stdout
        return run.stdout.count(HINT)

    core, qemu = small
    assert hints(qemu, core) == 1
    assert hints(qemu, core, early=["-iex", "set $guest_hint = 0"]) == 0
    assert hints("/bin/cat") == 0
    assert HINT not in gdb.batch(qemu, core, commands=["print 6 * 7"]).output


def test_help_of_the_launcher():
    """gdb-guest --help says what gdb-guest adds, and then what GDB says"""
    run = launch(gdb_path(), "--help")
    first, rest = run.stdout.split("\n\n", 1)
    assert "the guest inside a QEMU" in first and "guest-info" in rest and "This is the GNU debugger" in rest
    assert run.returncode == 0


def test_commands_are_there(folder):
    """The commands are there for the arguments of GDB, which may be files of commands"""
    script = folder / "script.gdb"
    script.write_text("guest-klog -tail 0\n")
    run = gdb.batch("-x", script)
    assert "guest-klog: -tail is 0, not 1 to 2^64 - 1" in run.output, run
