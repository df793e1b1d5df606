# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's symbols, against the guest's own /proc/kallsyms."""

import bisect
import gzip
import json
import random
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import gdb
import patch
import registers
import selection
from machines import records

RANDOM_ADDRESSES = 10_000


class Symbols:
    """A guest's core, and its /proc/kallsyms without what modules have."""

    def __init__(self, series, folder):
        record = records.Opened(f"kallsyms-{series}", tempfile.mkdtemp(dir=folder))
        text = gzip.decompress(record.bytes("kallsyms")).decode()
        self.rips = [cpu["RIP"] for cpu in registers.by_name(record.text("registers"))]
        self.qemu, self.core = record.qemu, record.core
        self.views = gdb.Views(self.qemu, self.core)
        lines = [line.split() for line in text.split("\n") if line and "\t[" not in line]
        self.all = [(int(address, 16), kind, name) for address, kind, name in lines]
        self.starts = [address for address, _, _ in self.all]

    def at(self, address):
        """The first of the symbols at the last address that is not behind this one."""
        start = self.starts[bisect.bisect_right(self.starts, address) - 1]
        return self.all[bisect.bisect_left(self.starts, start)]

    def place(self, address):
        """As guest-regs names it: None outside the kernel, as in a program."""
        if address < self.address("_text"):
            return None
        start, _, name = self.at(address)
        return f"{name}+0x{address - start:x}" if address > start else name

    def address(self, name):
        return next(address for address, _, other in self.all if other == name)


# Per-CPU variables are in the image of sid's.
@pytest.fixture(scope="session", params=selection.mostly_further(["6.1", "6.12", "sid"], ["6.1", "6.12"]))
def symbols(request, background, top_folder):
    for series in selection.wanted(request, "symbols"):
        background.start(("symbols", series), Symbols, series, top_folder)
    result = background.start(("symbols", request.param), Symbols).result()
    yield result
    result.views.close()
    shutil.rmtree(Path(result.core).parent, ignore_errors=True)


# Reads what is asked for from a file: "=NAME" for a name's address, an address for its symbol.
ASK = r"""
(use-modules (gdb-guest command) (gdb-guest native) (ice-9 match) (ice-9 rdelim))

(define (hex number) (number->string number 16))

(define (answer guest line)
  (if (string-prefix? "=" line)
      (hex (%guest-kernel-symbol guest (substring line 1)))
      (match (%guest-kernel-symbol-at guest (string->number line 16))
        (#(name type start size) (string-append name " " type " " (hex start) " " (hex size))))))

(define (ask-all)
  (call-with-guest
   (lambda (guest)
     (call-with-input-file "QUESTIONS"
       (lambda (questions)
         (call-with-output-file "ANSWERS"
           (lambda (answers)
             (let loop ((line (read-line questions)))
               (unless (eof-object? line)
                 (write-line (catch 'gdb-guest-error
                               (lambda () (answer guest line))
                               (lambda (key kind message) message))
                             answers)
                 (loop (read-line questions)))))))))))
(ask-all)
"""


def ask(symbols, core, folder, questions):
    (folder / "questions").write_text("".join(f"{question}\n" for question in questions))
    (folder / "ask.scm").write_text(ASK.replace("QUESTIONS", str(folder / "questions"))
                                    .replace("ANSWERS", str(folder / "answers")))
    run = gdb.batch(symbols.qemu, core, commands=[f'guile (primitive-load "{folder}/ask.scm")'])
    assert run.status == 0, run
    return (folder / "answers").read_text().split("\n")[:-1]


def check_all(symbols, core, folder):
    """10,000 addresses in the kernel's text, and each name there is."""
    stext, etext = symbols.address("_stext"), symbols.address("_etext")
    chance = random.Random(6)
    addresses = [chance.randrange(stext, etext) for _ in range(RANDOM_ADDRESSES)]
    names = sorted({name for _, _, name in symbols.all})
    answers = ask(symbols, core, folder, [*map("{:x}".format, addresses), *map("={}".format, names)])
    for address, answer in zip(addresses, answers):
        start, kind, name = symbols.at(address)
        assert answer.startswith(f"{name} {kind} {start:x} "), (hex(address), answer)
    where = {}
    for address, _, name in symbols.all:
        where.setdefault(name, address)
    for name, answer in zip(names, answers[RANDOM_ADDRESSES:]):
        assert answer == f"{where[name]:x}", name


def test_all(symbols, folder):
    """{symbols}: names of 10,000 random text addresses, and the addresses of all names, are those of /proc/kallsyms"""
    check_all(symbols, symbols.core, folder)


def test_by_structure(symbols, folder):
    """{symbols}: they are the same where VMCOREINFO does not say where kallsyms is"""
    core = folder / "core"
    subprocess.run(["cp", "--sparse=always", symbols.core, core], check=True)
    assert patch.replace(core, b"SYMBOL(kallsyms_", b"SYMBOX(kallsyms_") > 0
    check_all(symbols, core, folder)


def test_beside(symbols, folder):
    """{symbols}: below the kernel's image there are no symbols, nor behind it, nor are names made up"""
    stext = symbols.address("_stext")
    answers = ask(symbols, symbols.core, folder, ["10", f"{stext - (1 << 30):x}", "ffffffffffffffff", "=no_such_name",
                                                  "=", "=_stex", "=_stextt"])
    for answer in answers[:3]:
        assert "is not in the kernel's image" in answer
    for answer in answers[3:]:
        assert "has no symbol" in answer


def test_where_cpus_are(symbols):
    """{symbols}: guest-regs has the kernel's symbol of each rip, and none of a program's"""
    shown = [json.loads(line) for line in symbols.views.lines("guest-regs -json")]
    assert len(symbols.rips) == 2
    assert [cpu["symbol"] for cpu in shown] == [symbols.place(rip) for rip in symbols.rips], shown


def test_named(symbols):
    """{symbols}: guest-x calls an address by the name that was asked for, of the several that it has"""
    names = {}
    for address, kind, name in symbols.all:
        if kind in "tT" and address >= symbols.address("_text"):
            names.setdefault(address, []).append(name)
    several = [each for each in names.values() if len(each) > 1 and len(set(each)) == len(each)
               and all(symbols.address(name) == symbols.address(each[0]) for name in each)]
    asked = [*(name for each in several[:5] for name in each), "_stext"]
    text = symbols.views.text(*(line for name in asked for line in (f"guest-x/2gx {name}", f"guest-x/i {name}+1")))
    labels = re.findall(r"^ *0x[0-9a-f]+ <(.*?)>:", text, re.MULTILINE)
    assert labels == [label for name in asked for label in (name, f"{name}+0x1")], text


def test_per_cpu(symbols):
    """{symbols}: guest-x -cpu N reads that CPU's own variables, and without -cpu a per-CPU variable is an error"""
    number = next(name for name in ("cpu_number", "pcpu_hot") if any(name == other for _, _, other in symbols.all))
    text = symbols.views.text("guest-x/2gx __per_cpu_offset", "guest-x/gx this_cpu_off -cpu 0",
                              "guest-x/gx this_cpu_off -cpu 1", f"guest-vtop {number} -cpu 1")
    first, second = re.search(r"<__per_cpu_offset>:\t(0x\w+)\t(0x\w+)", text).groups()
    variable = symbols.address("this_cpu_off")
    assert re.findall(r"^(0x\w+) <this_cpu_off>:\t(0x\w+)", text, re.MULTILINE) == [
        (hex((int(offset, 16) + variable) % (1 << 64)), offset) for offset in (first, second)], text
    assert "guest-physical 0x" in text
    error = "guest-x: this_cpu_off is a per-CPU variable: -cpu N has that of CPU N"
    assert error in symbols.views.error("guest-x this_cpu_off")


def completed(symbols, *texts):
    """GDB's completions of each of the texts at Tab: the last words."""
    symbols.views.text("set max-completions unlimited")
    return [[line.rsplit(" ", 1)[-1] for line in symbols.views.lines(f"complete {text}")] for text in texts]


def test_completion(symbols):
    """{symbols}: the kernel's symbols complete, those that are too many with the same beginning, and CPUs' numbers"""
    def starting(prefix):
        return sorted({name for _, _, name in symbols.all if name.startswith(prefix)})

    few, many, behind, second, cpu, cpus = completed(
        symbols, "guest-x/2gx __per_cpu_", "guest-vtop s", "guest-x -cpu 1 linux_ban", "guest-x schedule 2", "guest-x -cpu ",
        "guest-regs -cpu 1,")
    assert few == starting("__per_cpu_")
    every = starting("s")
    assert len(every) > len(many) >= 200 and set(many) <= set(every)
    assert (min(many), max(many)) == (every[0], every[-1])
    assert (behind, second, cpu, cpus) == (starting("linux_ban"), [], ["0", "1"], ["1,0", "1,1"])


def test_nonsense(symbols, folder):
    """{symbols}: kallsyms of nonsense is noted, the registers are shown all the same, and a name is an error"""
    core = folder / "core"
    subprocess.run(["cp", "--sparse=always", symbols.core, core], check=True)
    # The texts of the tokens "0" to "9": the table is of no use then.
    digits = b"".join(b"%d\0" % i for i in range(10))
    assert patch.replace(core, digits, b"\xff" * len(digits)) > 0
    run = gdb.batch(symbols.qemu, core, commands=["guest-regs", "guest-x tainted_mask 1x"])
    notes = re.findall(r"^note: (.*)$", run.output, re.MULTILINE)
    # CPUs that all execute programs need no symbol.
    assert len(notes) == (1 if any(map(symbols.place, symbols.rips)) else 0), run
    assert all(note.startswith("the kernel's kallsyms: kallsyms_token_table has the byte 0xff") for note in notes), run
    assert "CPU 1 " in run.output, run
    assert run.status == 1
