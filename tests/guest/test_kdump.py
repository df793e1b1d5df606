# SPDX-License-Identifier: GPL-3.0-or-later
"""dump-guest-memory -format kdump-*, and the levels: against QEMU's own dump of the same stop, by all readers."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

import crash
import gdb
import machines
import selection
import vmcore
from machines import MIB, lab, records
from proxy import Proxy
from test_guest_core import GUEST_CORE, guest_core

FORMATS = ["zlib", "lzo", "snappy", "zstd", "raw"]
RAM = 256 * MIB
PAGE = 4096


class Dumps:
    """A record's core, QEMU's own dump, and our kdumps by their options."""

    def __init__(self, top_folder):
        self.folder = top_folder / "kdump"
        self.folder.mkdir()
        self.record = records.Opened("tasks-6.12", self.folder)
        self.made = {}
        self.output = {}

    def make(self, *options):
        """The path of a dump."""
        if options not in self.made:
            path = self.folder / f"dump-{len(self.made)}"
            self.output[path] = self.ask("dump", *options, path)
            self.made[options] = path
        return self.made[options]

    def ask(self, *arguments, **more):
        return guest_core("-qemu", self.record.qemu, self.record.core, *arguments, **more)


@pytest.fixture(scope="module")
def kdumps(top_folder):
    result = Dumps(top_folder)
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def program(name):
    if not shutil.which(name):
        pytest.skip(f"{name} is missing: Debian has it in its packages")
    return name


def pages_of(path):
    """The bytes of each page of RAM in a kdump, as libkdumpfile reads the file; None for a page that the file has not."""
    kdumpfile = pytest.importorskip("kdumpfile", reason="Debian has it in python3-libkdumpfile")
    file = kdumpfile.kdumpfile(str(path))
    pages = []
    for address in range(0, RAM, PAGE):
        try:
            pages.append(file.read(kdumpfile.KDUMP_MACHPHYSADDR, address, PAGE))
        except Exception:  # libkdumpfile's own, of several names
            pages.append(None)
    return file, pages


def page_numbers(truth):
    """The pages that QEMU's own dump has, up to the end of RAM."""
    return [number for start, end in truth.ranges() for number in range(start // PAGE, min(end, RAM) // PAGE)]


def read(truth, number):
    offset, _ = truth.offset_of(number * PAGE)
    return os.pread(truth.fd, PAGE, offset)


def wrong_pages(path, truth):
    """The numbers of the pages that differ from QEMU's dump, and of the pages that are missing."""
    _, pages = pages_of(path)
    numbers = page_numbers(truth)
    missing = [number for number in numbers if pages[number] is None]
    return [number for number in numbers if pages[number] not in (None, read(truth, number))], missing


# ---- All pages ----

@pytest.mark.parametrize("name", selection.mostly_expensive(FORMATS, ["zlib", "zstd"]))
def test_libkdumpfile(name, kdumps):
    """kdump-{name}: libkdumpfile reads every page of RAM as QEMU's own dump has it, and finds the kernel's name"""
    path = kdumps.make("-format", f"kdump-{name}")
    with vmcore.Vmcore(kdumps.record.dump) as truth:
        assert wrong_pages(path, truth) == ([], [])
    file, _ = pages_of(path)
    assert file.attr["linux.uts.sysname"] == "Linux" and file.attr["arch.name"] == "x86_64"
    assert file.attr["linux.uts.release"] in kdumps.ask("info")


@pytest.mark.parametrize("options", [("-format", f"kdump-{name}") for name in FORMATS]
                         + [("-format", "kdump-zlib", "-small"), ("-format", "kdump-zstd", "-small"),
                            ("-format", "kdump-lzo", "-flattened")], ids=" ".join)
def test_own_reader(options, kdumps, folder):
    """{options}: the kdump, made an ELF vmcore again, has RAM as QEMU's own dump, and the notes of our ELF vmcore"""
    out = folder / "elf"
    guest_core(kdumps.make(*options), "dump", out)
    with vmcore.Vmcore(out) as ours, vmcore.Vmcore(kdumps.record.dump) as truth:
        assert ours.ranges() == [(start, min(end, RAM)) for start, end in truth.ranges() if start < RAM]
        for start, end in ours.ranges():
            for number in range(start // PAGE, end // PAGE):
                assert read(ours, number) == read(truth, number), hex(number * PAGE)
    with vmcore.Vmcore(out) as ours, vmcore.Vmcore(kdumps.make()) as elf:
        assert ours.notes() == elf.notes()


def test_threads(kdumps, folder):
    """One, two and eight threads write the same pages, and leave out the same pages"""
    made, filtered = [], []
    for threads in (1, 2, 8):
        out = folder / f"elf-{threads}"
        guest_core(kdumps.make("-format", "kdump-zlib", "-threads", threads), "dump", out)
        made.append(out)
        filtered.append(kdumps.make("-level", 31, "-threads", threads))
    for files in (made, filtered):
        assert vmcore.files_differ(files[0], files[1]) is None
        assert vmcore.files_differ(files[0], files[2]) is None


def test_above_the_memmap(kdumps):
    """Memory that the kernel has no struct pages for is left out of a kdump, and a note names it"""
    path = kdumps.make("-format", "kdump-zlib")
    assert re.search(r"^note: left out, because the kernel has no whole pages there: .*0xfffc0000-0xffffffff \(pc.bios\)$",
                     kdumps.output[path], re.MULTILINE)
    guest_core(path, "x", "-physical", "0xfffc0000", status=1)


# ---- Levels ----

@pytest.mark.parametrize("level", selection.mostly_expensive([2, 4, 8, 16, 31], [31]))
def test_level(level, kdumps):
    """-level {level}: the pages that the file has are QEMU's, and the others are the pages that guest-mem -pages counts"""
    path = kdumps.make("-format", "kdump-zlib", "-level", level)
    with vmcore.Vmcore(kdumps.record.dump) as truth:
        wrong, missing = wrong_pages(path, truth)
        assert wrong == [] and missing
    left_out = re.search(r", ([\d.]+) MiB left out$", kdumps.output[path], re.MULTILINE)
    assert abs(float(left_out[1]) * MIB - len(missing) * PAGE) < MIB / 10


def test_level_by_name(kdumps):
    """-exclude cache,private,user,free leaves out what -level 30 leaves out"""
    assert kdumps.make("-format", "kdump-raw", "-exclude", "cache,private,user,free").stat().st_size == kdumps.make(
        "-format", "kdump-raw", "-level", 30).stat().st_size


@pytest.mark.parametrize("options", [("-format", "kdump-zlib", "-level", 31), ("-level", 31)], ids=["kdump", "ELF"])
@pytest.mark.parametrize("question", ["ps", "bt -all", "klog", "mod", "regs"])
def test_same_answers(options, question, kdumps):
    """-level 31, {options}: {question} shows what it shows of the whole vmcore"""
    whole, filtered = (guest_core(kdumps.make(*some), *question.split()) for some in ((), options))
    assert filtered == whole


def test_memmap(kdumps):
    """-level 31 -exclude memmap: beside what -level 31 leaves out, only struct pages of such pages are missing, as their pointers to
    themselves show in QEMU's dump; the others are QEMU's, and tasks and stacks are those of the whole"""
    whole, some, least = (kdumps.make("-format", "kdump-zlib", *options)
                          for options in ((), ("-level", 31), ("-level", 31, "-exclude", "memmap")))
    with vmcore.Vmcore(kdumps.record.dump) as truth:
        (_, without), (wrong, missing) = wrong_pages(some, truth), wrong_pages(least, truth)
        memmap = {number: struct.unpack("<512Q", read(truth, number)) for number in set(missing) - set(without)}
    assert wrong == [] and set(without) < set(missing) and len(memmap) > len(without) / 64 / 2
    start = int(kdumps.ask("x/1xg", "vmemmap_base").split()[-1], 16)
    shown, words = 0, 64 // 8
    for page in memmap.values():
        # A page that was never allocated has its list of itself alone: page.lru at 8, both of whose pointers lead there.
        lists = [page[index * words + 1:index * words + 3] for index in range(64)]
        firsts = {(following - 8 - start) / 64 - index for index, (following, before) in enumerate(lists) if following == before}
        described = {int(first) for first in firsts if first in range(0, RAM // PAGE, 64)}
        shown += bool(described)
        for first in described:
            assert set(range(first, first + 64)) <= set(without)
    assert shown > len(memmap) / 2
    for question in ("ps", "bt -all"):
        assert guest_core(least, *question.split()) == guest_core(whole, *question.split())


def test_excluded_elf(kdumps):
    """-level 31 as ELF: the segments have QEMU's bytes, and memory that is left out is in no segment, so that no reader shows zeros"""
    path = kdumps.make("-level", 31)
    with vmcore.Vmcore(path) as ours, vmcore.Vmcore(kdumps.record.dump) as truth:
        ours.check()
        numbers = page_numbers(ours)
        assert numbers and len(numbers) < len(page_numbers(truth)) / 2
        for number in numbers:
            assert read(ours, number) == read(truth, number), hex(number * PAGE)


def test_excluded_stays(kdumps, folder):
    """A kdump of a filtered vmcore lacks what the vmcore lacks"""
    filtered = kdumps.make("-format", "kdump-zlib", "-level", 31)
    again = folder / "again"
    guest_core(filtered, "dump", "-format", "kdump-zstd", folder / "no", status=1)
    assert os.listdir(folder) == []
    guest_core(filtered, "dump", "-absent", "skip", "-format", "kdump-zstd", again)
    assert [page is None for page in pages_of(again)[1]] == [page is None for page in pages_of(filtered)[1]]


def free_in_memmap(path, page):
    """Has the memmap of a vmcore of Linux 6.12 call a page free."""
    def answer(*question):
        return json.loads(guest_core(path, *question).splitlines()[0])
    with open(path, "rb") as file:
        info = dict(re.findall(r"\n(\w+\([\w.]+\))=(-?\d+)", file.read(MIB).decode("latin-1")))  # the notes are at its start
    memmap = int(answer("x", "-json", "/1gx", "vmemmap_base")["values"][0], 16)
    place = int(answer("vtop", "-json", hex(memmap + page * int(info["SIZE(page)"])))["gpa"], 16)
    with vmcore.Vmcore(path) as file:
        offset, _ = file.offset_of(place)
    with open(path, "r+b") as file:
        for member, value in (("private", struct.pack("<Q", 0)),
                              ("_mapcount", struct.pack("<I", int(info["NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)"]) & 0xffffffff))):
            file.seek(offset + int(info[f"OFFSET(page.{member})"]))
            file.write(value)


@pytest.mark.parametrize("threads", [1, 2])
def test_kernel_that_is_free(threads, kdumps, folder):
    """{threads} threads: a page of the kernel's code stays in, and a line says so, where the memmap has the page as free"""
    whole, out = folder / "whole", folder / "out"
    shutil.copyfile(kdumps.make("-format", "elf"), whole)
    page = int(json.loads(guest_core(whole, "vtop", "-json", "_text").splitlines()[0])["gpa"], 16) // PAGE
    free_in_memmap(whole, page)
    said = guest_core(whole, "dump", "-format", "kdump-zlib", "-level", 31, "-threads", threads, out)
    assert said.count("1 pages of the kernel's own stay in, which its memmap has as free") == 1
    made, before = pages_of(out)[1], pages_of(kdumps.make("-format", "kdump-zlib", "-level", 31))[1]
    assert made[page] == before[page] is not None
    assert [each is None for each in made] == [each is None for each in before]


# ---- The other readers ----

def test_crash_names(kdumps):
    """crash finds the kernel's name by VMCOREINFO's place in the headers"""
    run = subprocess.run([program("crash"), "--osrelease", kdumps.make("-format", "kdump-zlib", "-level", 31)],
                         capture_output=True, text=True, timeout=gdb.PATIENCE)
    assert run.stdout.strip() in kdumps.ask("info") and "6.12" in run.stdout


def dmesg(path, folder):
    out = folder / f"dmesg-of-{path.name}"
    subprocess.run([program("makedumpfile"), "--dump-dmesg", path, out], check=True, capture_output=True, timeout=gdb.PATIENCE)
    return out.read_bytes()


def test_makedumpfile_log(kdumps, folder):
    """makedumpfile reads the log out of a kdump as out of the ELF vmcore"""
    expected = dmesg(kdumps.make(), folder)
    assert expected.count(b"\n") > 100
    for options in (("-format", "kdump-zlib"), ("-format", "kdump-zlib", "-level", 31)):
        assert dmesg(kdumps.make(*options), folder) == expected


def report(path, folder):
    """makedumpfile's counts when it filters a vmcore."""
    out = folder / f"filtered-{path.name}"
    run = subprocess.run([program("makedumpfile"), "-d", "31", "-c", "--message-level", "16", path, out], capture_output=True,
                         text=True, check=True, timeout=gdb.PATIENCE)
    return re.findall(r"^ *(Non-private cache|Private cache|User process data|Free) pages *: (\w+)",
                      run.stdout + run.stderr, re.MULTILINE)


def test_makedumpfile_filters(kdumps, folder):
    """makedumpfile filters a kdump as it filters the ELF vmcore"""
    expected = report(kdumps.make(), folder)
    assert len(expected) == 4
    assert report(kdumps.make("-format", "kdump-zlib"), folder) == expected


def test_makedumpfile_rearranges(kdumps, folder):
    """A FIFO takes a flattened kdump, which makedumpfile -R makes plain: libkdumpfile reads all pages of it"""
    fifo, flat, plain = folder / "fifo", folder / "flat", folder / "plain"
    os.mkfifo(fifo)
    with subprocess.Popen(f"cat {fifo} > {flat}", shell=True) as cat:
        kdumps.ask("dump", "-format", "kdump-zlib", "-flattened", fifo)
        assert cat.wait(gdb.PATIENCE) == 0
    with open(flat, "rb") as source:
        subprocess.run([program("makedumpfile"), "-R", plain], stdin=source, check=True, capture_output=True, timeout=gdb.PATIENCE)
    with vmcore.Vmcore(kdumps.record.dump) as truth:
        assert wrong_pages(plain, truth) == ([], [])


def test_drgn(kdumps):
    """drgn opens a kdump, and reads the kernel's banner where guest-x has it"""
    script = ("import drgn, sys; p = drgn.Program(); p.set_core_dump(sys.argv[1]); "
              "print(p.read(int(sys.argv[2], 0), 13).decode())")
    where = re.match(r"0x\w+", kdumps.ask("x/1xb", "linux_banner"))[0]
    run = subprocess.run(["/usr/bin/python3", "-c", script, kdumps.make("-format", "kdump-zlib", "-level", "31"), where],
                         capture_output=True, text=True, timeout=gdb.PATIENCE)
    if "No module named 'drgn'" in run.stderr:
        pytest.skip("drgn is missing: Debian has it in python3-drgn")
    assert run.stdout == "Linux version\n", run.stderr


# ---- Requests that cannot be met ----

@pytest.mark.parametrize("options, message", [
    (["-format", "kdump-lzo", "-small"], "-small is for kdump-zlib and kdump-zstd, not for kdump-lzo"),
    (["-format", "elf", "-flattened"], "-flattened is for a kdump; a stream takes elf as it is"),
    (["-format", "kdump"], "-format is "),
    (["-level", "32"], "32"),
    (["-small"], "-format"),
    (["-exclude", "zero,memmap"], "name such pages too"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_refused(options, message, kdumps, folder):
    """{options}: one line says what is wrong, and there is no file"""
    run = subprocess.run([GUEST_CORE, "-qemu", kdumps.record.qemu, kdumps.record.core, "dump", *options, folder / "x"],
                         capture_output=True, text=True, timeout=gdb.PATIENCE)
    assert run.returncode in (1, 2) and message in run.stderr and run.stderr.count("\n") == 1, run
    assert os.listdir(folder) == []


def test_plain_to_fifo(kdumps, folder):
    """A plain kdump to a FIFO is refused with the word to add"""
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.DEVNULL) as cat:
        assert "is a stream, which a kdump is written to with -flattened only" in kdumps.ask(
            "dump", "-format", "kdump-zlib", fifo, status=1)
        assert cat.wait(gdb.PATIENCE) == 0


# ---- Ctrl-C ----

def cpu_seconds(pid):
    """The time that a process has spent on CPUs: utime and stime of proc_pid_stat(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def seconds_of_ended(process):
    """Waits for the process; its CPU time."""
    lab.wait_until(lambda: os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG), gdb.PATIENCE, "the program ends")
    seconds = cpu_seconds(process.pid)
    process.wait()
    return seconds


@pytest.mark.parametrize("times", selection.mostly_expensive([10, 100], [10]))
def test_interrupt(times, kdumps, folder):
    """SIGINT at {times} moments of a kdump: the program ends long before its work would, and leaves no file"""
    interrupted = 0
    command = [GUEST_CORE, "-qemu", kdumps.record.qemu, kdumps.record.core, "dump", "-format", "kdump-zlib", "-small", folder / "x"]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        work = seconds_of_ended(process)
    whole = time.monotonic() - began
    assert process.returncode == 0
    (folder / "x").unlink()
    for moment in range(times):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            # The moments are spread over a run, and so there is no state to wait for.
            try:
                process.wait(whole * moment / times)
            except subprocess.TimeoutExpired:
                done = cpu_seconds(process.pid)
                process.send_signal(signal.SIGINT)
                late = seconds_of_ended(process) - done
        if process.returncode == 0:
            (folder / "x").unlink()
            continue
        interrupted += 1
        # By its own time: a busy machine runs something else meanwhile.
        assert process.returncode in (130, -signal.SIGINT) and late < max(0.2, work / 4)
        assert os.listdir(folder) == []
    assert interrupted


# ---- Scheme ----

@pytest.mark.gdb
def test_scheme(kdumps, folder):
    """(dump-guest-memory FILE #:format "kdump-zlib" #:level 31) writes the pages that the command writes with -format and -level"""
    out = folder / "of-scheme"
    gdb.batch(kdumps.record.qemu, kdumps.record.core,
              commands=[f'guile (dump-guest-memory "{out}" #:format "kdump-zlib" #:level 31)'])
    assert pages_of(out)[1] == pages_of(kdumps.make("-format", "kdump-zlib", "-level", 31))[1]


# ---- The other sources ----

@pytest.mark.expensive
def test_sources(kdumps, folder):
    """-level 31 from QEMU's process and through its gdbstub: libkdumpfile reads QEMU's bytes; over the wire go fewer bytes than half of RAM"""
    with kdumps.record.resume() as guest, vmcore.Vmcore(kdumps.record.dump) as truth:
        if machines.may_attach():
            out = folder / "of-process"
            guest_core("-p", guest.pid, "dump", "-format", "kdump-zlib", "-level", 31, out)
            wrong, missing = wrong_pages(out, truth)
            assert wrong == [] and missing
        with Proxy(guest.directory, "gdbstub") as proxy, gdb.Session() as session:
            out = folder / "of-stub"
            session.command(f"target remote {proxy.address}")
            text = session.command(f"dump-guest-memory -format kdump-zlib -level 31 {out}")
            assert not gdb.errors(text), text
            session.command("disconnect")
            assert proxy.bytes_read < RAM / 2
        wrong, missing = wrong_pages(out, truth)
        assert wrong == [] and missing


@pytest.mark.expensive
def test_crash_tasks(folder):
    """crash with its vmlinux shows the same tasks, stacks and log in a kdump of level 31 as in the ELF vmcore, and as in QEMU's dump"""
    record = records.Opened("tasks-6.1", folder)
    texts = [crash.text(record.dump, "ps\nbt -a\nlog")]
    for options in ([], ["-format", "kdump-zlib", "-level", 31]):
        out = folder / f"dump-{len(texts)}"
        guest_core("-qemu", record.qemu, record.core, "dump", *options, out)
        texts.append(crash.text(out, "ps\nbt -a\nlog"))
    # crash's list of tasks is empty now and then, with QEMU's dump too.
    assert "Linux version" in texts[0]
    assert texts[1] == texts[0] and texts[2] == texts[0]
