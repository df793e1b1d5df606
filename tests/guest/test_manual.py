# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual says what the commands do; the truth is what the commands print."""

import json
import re
import runpy
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import gdb
from gdb import TOP
from machines import records

DOC = TOP / "doc"
BUILT = Path(gdb.LAUNCHER).parent / "doc"
EXAMPLES = runpy.run_path(str(DOC / "make-examples"))


def normalized(text):
    """The text without what another run of the same guest has otherwise: addresses, numbers, times, columns, a package's release."""
    text = re.sub(r"\b(0x)?[0-9a-f]{8,}\b", "N", text)
    text = re.sub(r"\b0x[0-9a-f]+\b", "N", text)
    text = re.sub(r"\d+(\.\d+)*([~+]deb\d+(u\d+)?)?", "N", text)
    text = re.sub(r"\bN ?(s|ms|min|h|KiB|MiB|GiB|TiB|kB)\b", "N", text)
    return re.sub(r"[ \t]+", " ", text)


@pytest.fixture(scope="module")
def remade(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    EXAMPLES["make"](Path(gdb.LAUNCHER), folder)
    return folder


def plain_words(text):
    """The words that are no part of a symbol's, task's or register's name."""
    return set(re.findall(r"(?<![\w-])[A-Za-z]{3,}(?![\w+-])", text))


@pytest.fixture(scope="module")
def program_words():
    """The words in the string literals of the program."""
    paths = (path for folder in ("include", "gdb-ext", "tools", "scheme") for path in (TOP / folder).rglob("*.*") if path.suffix in (".c", ".h", ".scm"))
    literals = (literal for path in paths for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', path.read_text()))
    return {word for literal in literals for word in re.findall(r"[A-Za-z]{3,}", literal)}


def test_every_example_of_the_manual_is_what_the_command_prints(remade, program_words):
    """Every example of the manual is what the command prints of another stop of the guest; doc/make-examples makes them anew."""
    names = {path.name for path in remade.iterdir()}
    assert names == {path.name for path in (DOC / "examples").iterdir()}
    for name in sorted(names):
        now, shown = (normalized((folder / name).read_text()) for folder in (remade, DOC / "examples"))
        # A stop has its own tasks, states of tasks and functions of CPUs: other lines, but the program's own words, and most lines.
        assert not plain_words(shown) - plain_words(now) - program_words, name
        assert re.findall(r'"\w+":', now) == re.findall(r'"\w+":', shown), name
        lines = [Counter(text.splitlines()) for text in (now, shown)]
        most = max(count.total() for count in lines)
        assert (lines[0] & lines[1]).total() >= most - max(2, most // 4), (name, lines[0] - lines[1], lines[1] - lines[0])


def test_no_example_is_an_error_that_the_manual_does_not_mean_to_show(remade):
    """No example is an error, but for those that show an error."""
    meant = {"x-absent.texi", "struct-wrong.texi", "dump-again.texi", "shell-usage.texi"}
    failing = {path.name for path in remade.iterdir()
               if re.search(r"^(guest-core|guest-[a-z]+|dump-guest-memory): |rror:|Traceback", path.read_text(), re.MULTILINE)}
    assert failing == meant


def typed():
    """The commands that the situations' pages have the reader type, without the file or process and GDB's "guest-"."""
    text = (DOC / "situations.texi").read_text()
    lines = "\n".join(re.findall(r"^@example\n(.*?)^@end example", text, re.MULTILINE | re.DOTALL))
    commands = re.findall(r"guest-core (?:-qemu \S+ )?(?:-p (?:\$\(.*?\)|\$?\w+)|core|try\.PID) ([^;}\n]+)", f"{lines}\n{text}")
    return {*commands, *re.findall(r"^\(gdb\) guest-(.*)", lines, re.MULTILINE), *re.findall(r"@code{guest-(?!core)([a-z]+ -[^}]*)}", text)}


def test_what_the_situations_have_the_reader_type_is_taken_by_the_commands(folder):
    """Each command that a situation's page has the reader type shows something of a hung guest; a profile takes a guest that runs."""
    core = records.Opened("waits-6.12", folder).core
    commands = typed() - {"select -file vmcore"}
    assert len(commands) >= 11 and {"info", "info -json", "bt -pid 153", "dump vmcore", "klog -level warn+ -tail 50"} <= commands
    guest_core = Path(gdb.LAUNCHER).with_name("guest-core")
    tasks = subprocess.run([guest_core, core, "ps", "-state", "D", "-json"], stdout=subprocess.PIPE, text=True, check=True)
    pid = json.loads(tasks.stdout.splitlines()[0])["pid"]
    for command in commands:
        run = subprocess.run([guest_core, core, *command.replace("153", str(pid)).split()],
                             cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if command.startswith("profile"):
            assert run.returncode == 1 and "process" in run.stderr, (command, run)
        else:
            assert run.returncode == 0 and run.stdout + run.stderr, (command, run)


def test_the_manual_has_every_example_and_every_command():
    """The manual shows every example of the list, and has a section for each of GDB's commands with each of its options."""
    sources = "".join(path.read_text() for path in [*DOC.glob("*.texi"), *DOC.glob("commands/*.texi")])
    unused = [example.name for example in EXAMPLES["examples"]() if f"@include examples/{example.name}.texi" not in sources]
    assert not unused
    reference = (BUILT / "reference.texi").read_text()
    run = gdb.batch(commands=["help guest-klog", "apropos ^guest-"])
    for name in re.findall(r"^(guest-[a-z]+) --", run.output, re.MULTILINE):
        if name not in ("guest-debug",):
            assert f"@section @code{{{name}}}" in reference
    for option in re.findall(r"^  (-[a-zA-Z-]+)", run.output, re.MULTILINE):
        assert f"@findex guest-klog {option}\n" in reference


def test_each_message_that_the_manual_explains_is_one_of_the_programs():
    """Each note and error that the manual explains is a text of the program."""
    chapter = (DOC / "outside.texi").read_text().split("@node Messages")[1].split("@end table")[0]
    items = re.findall(r"^@item (.*)$", chapter, re.MULTILINE)
    sources = [path.read_text() for folder in ("gdb-ext", "tools", "scheme") for path in (TOP / folder).rglob("*.[cs]*")
               if path.suffix in (".c", ".scm")]
    # A text may be broken over several literals of C.
    joined = re.sub(r'"\s*\n\s*"', "", "\n".join(sources)).replace('\\"', '"')
    assert items and [item for item in items if item not in joined] == []


def test_the_man_pages_have_no_warning():
    """man finds nothing to warn about in the man pages."""
    for name in ("gdb-guest.1", "guest-core.1"):
        run = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", BUILT / name], env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert (run.returncode, run.stderr) == (0, ""), name
        assert "guest" in run.stdout


def test_each_link_of_the_manual_leads_somewhere():
    """Each link of the manual's HTML leads to one place of it, and makeinfo has nothing to warn about."""
    run = subprocess.run(["makeinfo", "--html", "--no-split", "-I", BUILT, "-I", DOC, "-o", "-", DOC / "gdb-guest.texi"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    text = run.stdout.replace("'", '"')
    places = re.findall(r'\bid="([^"]*)"', text)
    assert len(places) == len(set(places))
    links = set(re.findall(r'\bhref="([^"]*)"', text))
    assert links and sorted(links - {"#" + place for place in places}) == []


def test_the_manual_is_valid_html():
    """tidy finds nothing in the manual's HTML but makeinfo's tables without a summary."""
    if not shutil.which("tidy"):
        pytest.skip("tidy is not installed")
    run = subprocess.run(["tidy", "-qe", "-utf8", BUILT / "gdb-guest.html"], stderr=subprocess.PIPE, text=True)
    assert [line for line in run.stderr.splitlines() if 'lacks "summary" attribute' not in line] == []
