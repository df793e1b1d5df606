# SPDX-License-Identifier: GPL-3.0-or-later
"""The kdumps of dump-guest-memory, of each format at level 0 and 31, in the readers of Debian 13 and sid."""

import hashlib
import json
import re
import shutil
import subprocess

import pytest

import crash
import gdb
import vmcore
from machines import lab
from test_guest_core import guest_core
from test_kdump import FORMATS, PAGE, Dumps, page_numbers, read

WITHOUT_MEMMAP = 31 + 32
LEVELS = {0: (), 31: ("-level", "31"), WITHOUT_MEMMAP: ("-level", "31", "-exclude", "memmap")}
STEP = 61  # each such page is compared

# A line for each of the pages: the bytes' sum, or nothing where the file has not the page.
# libkdumpfile 0.5.5 crashes where a page is excluded and its cache of 1024 pages is full.
DRGN = """
import hashlib
import sys
import drgn
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.sched import cpu_curr
vmlinux, numbers, *files = sys.argv[1:]
for file in files:
    program = drgn.Program()
    program.set_core_dump(file)
    program.load_debug_info([vmlinux])
    print("file", file)
    print("tasks", *(task.pid.value_() for task in for_each_task(program)))
    for cpu in for_each_online_cpu(program):
        print("pc", cpu, hex(program.stack_trace(cpu_curr(program, cpu))[0].pc))
    numbers_left = [int(number) for number in numbers.split(",")]
    while numbers_left:
        program = drgn.Program()
        program.set_core_dump(file)
        for number in numbers_left[:500]:
            try:
                print("page", number, hashlib.sha1(program.read(number * 4096, 4096, True)).hexdigest())
            except drgn.FaultError:
                pass
        del numbers_left[:500]
"""


@pytest.fixture(scope="module")
def kdumps(top_folder):
    result = Dumps(top_folder)
    result.vmlinux = result.folder / "vmlinux"
    result.ask("vmlinux", "-output", result.vmlinux)
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def files_of(kdumps):
    """{file: level} of all formats and levels."""
    return {kdumps.make("-format", f"kdump-{name}", *options): level for level, options in LEVELS.items() for name in FORMATS}


def samples(kdumps):
    """{page's number: bytes} of QEMU's own dump."""
    with vmcore.Vmcore(kdumps.record.dump) as truth:
        return {number: read(truth, number) for number in page_numbers(truth)[::STEP]}


def pids(kdumps):
    lines = guest_core("-qemu", kdumps.record.qemu, kdumps.record.core, "ps", "-threads", "-json").splitlines()
    return {task["pid"] for task in map(json.loads, lines)} - {0}


def registers(kdumps):
    return map(json.loads, guest_core("-qemu", kdumps.record.qemu, kdumps.record.core, "regs", "-json").splitlines())


@pytest.mark.expensive
@pytest.mark.parametrize("suite", ["trixie", "sid"])
def test_drgn(suite, kdumps):
    """{suite}'s drgn, with its libkdumpfile, reads of each format and level QEMU's bytes, the tasks of guest-ps and each CPU's
    pc"""
    python = lab.lab("program-suite", "python3", suite, "python3-drgn")
    files, truth = files_of(kdumps), samples(kdumps)
    run = subprocess.run([python, "-c", DRGN, kdumps.vmlinux, ",".join(map(str, truth)), *files], capture_output=True, text=True,
                         timeout=gdb.PATIENCE)
    assert run.returncode == 0, run.stderr
    found = {file: text.splitlines() for file, text in re.findall(r"^file (\S+)\n(.*?)(?=^file|\Z)", run.stdout, re.MULTILINE | re.DOTALL)}
    pcs = [f"pc {cpu['cpu']} {int(cpu['pc'], 16):#x}" for cpu in registers(kdumps)]
    expected, listed = {f"page {number} {hashlib.sha1(page).hexdigest()}" for number, page in truth.items()}, pids(kdumps)
    for file, level in files.items():
        tasks, *rest = found[str(file)]
        assert rest[:len(pcs)] == pcs, file
        pages = rest[len(pcs):]
        assert set(map(int, tasks.split()[1:])) == listed, (file, level)
        assert set(pages) <= expected and len(pages) > 50, (file, level)
        assert (len(pages) == len(truth)) == (level == 0), (file, level)


def words_of(text):
    """{address: word} of crash's rd."""
    return {int(address, 16) + 8 * index: int(word, 16)
            for address, words in re.findall(r"^ *([0-9a-f]+): +((?:[0-9a-f]{16} +)+)", text, re.MULTILINE)
            for index, word in enumerate(words.split())}


def expect_words(text, truth):
    words = words_of(text)
    assert len(words) > 1000
    for address, word in words.items():
        offset = address % PAGE
        assert word == int.from_bytes(truth[address // PAGE][offset:offset + 8], "little"), hex(address)


@pytest.mark.expensive
@pytest.mark.parametrize("suite", ["trixie", "sid"])
def test_crash(suite, kdumps):
    """{suite}'s crash reads of each format and level QEMU's bytes, and shows of kdump-zlib the tasks of guest-ps"""
    program, truth, listed = lab.lab("program-suite", "crash", suite), samples(kdumps), pids(kdumps)
    questions = "\n".join(f"rd -p -64 {number * PAGE:#x} 64" for number in list(truth)[::8])
    whole = [kdumps.make("-format", "kdump-zlib", *options) for options in LEVELS.values() if options]
    for file, level in files_of(kdumps).items():
        options = () if file in whole else ("--minimal",)
        text, status = crash.ask(file, f"{questions}\nps", *options, program=program, vmlinux=kdumps.vmlinux)
        text = text.decode(errors="replace")
        assert status == 0, (file, text)
        expect_words(text, truth)
        if file in whole:
            shown = re.findall(r"^>? +(\d+) +\d+ +\d+ +[0-9a-f]{16} ", text, re.MULTILINE)
            assert set(map(int, shown)) - {0} == listed, (file, level)
            assert ("page structures associated" in text) == (level == WITHOUT_MEMMAP)


@pytest.mark.expensive
def test_makedumpfile(kdumps, folder):
    """sid's makedumpfile reads the same log out of each level, and each format that it knows"""
    unknown = [kdumps.make("-format", "kdump-snappy", *options) for options in LEVELS.values()]
    logs = {}
    for file, level in files_of(kdumps).items():
        if file in unknown:
            continue
        out = folder / file.name
        subprocess.run([lab.lab("program-suite", "makedumpfile", "sid"), "--dump-dmesg", file, out], check=True, capture_output=True,
                       timeout=gdb.PATIENCE)
        logs[file, level] = out.read_bytes()
    assert len(set(logs.values())) == 1 and next(iter(logs.values())).count(b"\n") > 100
