# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-klog, against what the guest's own /dev/kmsg held and what other programs read out of the same memory."""

import ast
import datetime
import json
import mmap
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import crash
import gdb
import selection
from machines import lab, records

LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
FACILITIES = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
              12, 13, 14, 15, *(f"local{i}" for i in range(8))]


class Kind:
    """A guest whose log is known: its record."""

    def __init__(self, name, record):
        self.name, self.record = name, record

    def __str__(self):
        return self.name


WRAPPED = "the log wrapped several times"
LARGE = "log_buf_len=16M, 5-level page tables"
KINDS = [kind for series in ("6.1", "6.12") for kind in (
    Kind(f"Linux {series}", f"log-{series}"),
    Kind(f"Linux {series}, {WRAPPED}", f"log-wrapped-{series}"),
    Kind(f"Linux {series}, {LARGE}", f"log-large-{series}"))]


class Log:
    """Such a guest's log, as it says itself, and its QEMU's core."""

    def __init__(self, kind, folder):
        self.kind, self.folder, self.saved = kind, Path(folder), {}
        self.folder.mkdir()
        self.record = records.Opened(kind.record, self.folder)
        self.qemu, self.core = self.record.qemu, self.record.core
        self.kmsg = parse_kmsg(self.record.bytes("kmsg.log"))
        self.views = gdb.Views(self.qemu, self.core)

    def run(self, *commands, core=None):
        if not core:
            return self.views.text(*commands)
        run = gdb.batch(self.qemu, core, commands=commands)
        assert run.status == 0, run
        return run.output

    def save(self, options="", core=None):
        """The log as guest-klog writes it into a file, once for all tests that want it."""
        if (options, core) not in self.saved:
            path = self.folder / "log"
            self.run(f"guest-klog {options} -force -output {path}", core=core)
            self.saved[options, core] = path.read_bytes()
        return self.saved[options, core]

    def records(self, options=""):
        return [json.loads(line) for line in self.save(f"-json {options}").splitlines()]


def parse_kmsg(data):
    """The records of /dev/kmsg, as Linux's Documentation/ABI/testing/dev-kmsg has them."""
    def unescape(text):
        return re.sub(rb"\\x([0-9a-f]{2})", lambda match: bytes([int(match[1], 16)]), text)

    records = []
    for line in data.splitlines():
        if line.startswith(b" "):
            key, value = unescape(line[1:]).split(b"=", 1)
            records[-1]["dict"][key.decode()] = value.decode()
            continue
        head, text = line.split(b";", 1)
        priority, seq, microseconds, flag = head.split(b",")[:4]
        records.append({"level": LEVELS[int(priority) % 8], "facility": FACILITIES[int(priority) // 8],
                        "seq": int(seq), "us": int(microseconds), "cont": flag == b"c", "text": unescape(text),
                        "dict": {}})
    return records


def comparable(record):
    """A record of guest-klog's JSON as parse_kmsg has it."""
    seconds, nanoseconds = f"{record['time']:.9f}".split(".")
    return {"level": record["level"], "facility": record["facility"], "seq": record["seq"],
            "us": int(seconds) * 10 ** 6 + int(nanoseconds) // 1000, "cont": record.get("cont", False),
            "text": record["text"].encode(errors="surrogateescape"), "dict": record.get("dict", {})}


def printed(text):
    """A text's lines as dmesg prints them."""
    def escape(match):
        return "".join(f"\\x{byte:02x}" for byte in match[0].encode(errors="surrogateescape"))

    lines = text.decode(errors="surrogateescape").split("\n")
    return [re.sub(r"[^\t -~\xa0-\xac\xae-\u05ff\u1e00-\u1fff\u2010-\u2027\u2030-\u205f\u20a0-\u20ff\U0001f000-\U0001faff]",
                   escape, line) for line in lines]


def expected_lines(records):
    for record in records:
        for line in printed(record["text"]):
            yield f"[{record['us'] // 10 ** 6:5}.{record['us'] % 10 ** 6:06}] {line}"


# A guest of each kind, and of each kernel.
CHEAP = [KINDS[0], KINDS[2], KINDS[4]]


@pytest.fixture(scope="session", params=selection.mostly_further(KINDS, CHEAP), ids=str)
def log(request, background, top_folder):
    for kind in selection.wanted(request, "log"):
        background.start(kind, Log, kind, top_folder / f"log-{KINDS.index(kind)}")
    result = background.start(request.param, Log).result()
    yield result
    result.views.close()
    shutil.rmtree(result.folder, ignore_errors=True)


def with_what_came_later(log, ours):
    """The records that /dev/kmsg held, and how many the kernel wrote since, which may have taken the place of the
    oldest ones."""
    later = sum(record["seq"] > log.kmsg[-1]["seq"] for record in ours)
    assert later < 20
    first = ours[0]["seq"]
    truth = [record for record in log.kmsg if record["seq"] >= first]
    assert first == log.kmsg[0]["seq"] or later
    return truth, later


def test_kmsg(log):
    """{log}: guest-klog has what /dev/kmsg held: numbers, microseconds, levels, texts, devices"""
    ours = [comparable(record) for record in log.records()]
    truth, later = with_what_came_later(log, ours)
    assert ours[:len(truth)] == truth
    assert len(ours) == len(truth) + later
    assert any(record["dict"] for record in ours) or WRAPPED in log.kind.name
    assert any(len(record["text"]) > 960 for record in ours)
    assert sum(b"\n" in record["text"] for record in ours) >= 1


def test_text(log):
    """{log}: its text is, line for line, what dmesg makes of /dev/kmsg; lost records are said to be so"""
    lines = log.save().decode().split("\n")
    assert lines.pop() == ""
    notes = [line for line in lines if line.startswith("note:")]
    first = log.records()[0]["seq"]
    assert notes == ([f"note: the log starts at {first}, earlier records are no longer there"] if first else [])
    lines = [line for line in lines if not line.startswith("note:")]
    truth = list(expected_lines(record for record in log.kmsg if record["seq"] >= first))
    assert lines[:len(truth)] == truth
    if WRAPPED in log.kind.name:
        assert first > 4096


@pytest.mark.machines(KINDS[0], KINDS[5])
@pytest.mark.attach
def test_attached(log):
    """{log}: the log of the QEMU that GDB is attached to is that of its core"""
    attached = log.folder / "attached"
    with log.record.resume() as guest:
        gdb.batch("-p", guest.pid, commands=[f"guest-klog -json -output {attached}"])
    assert attached.read_bytes() == log.save("-json")


@pytest.mark.machines(KINDS[1])
def test_scheme(log):
    """{log}: (guest-log) in GDB's Guile has as many records, and their times"""
    output = log.run("guile (for-each (lambda (r) (display (assq-ref r 'time)) (newline)) "
                     "(guest-log #:levels '(\"info\" \"notice\")))")
    times = [int(line) for line in output.split("\n") if line.isdigit()]
    assert times == [round(record["time"] * 10 ** 9) for record in log.records("-level info,notice")]


@pytest.mark.machines(KINDS[1], KINDS[5])
def test_options(log):
    """{log}: -level, -facility, -grep and -tail choose among the records that there are"""
    def numbers(options):
        return [record["seq"] for record in log.records(options)]

    every = log.records()
    assert numbers("-level err,crit,alert,emerg") == [record["seq"] for record in every
                                                      if record["level"] in ("err", "crit", "alert", "emerg")]
    assert numbers("-facility user -tail 3") == [record["seq"] for record in every if record["facility"] == "user"][-3:]
    assert numbers("-grep '^lab: (end|record [0-9]+5 )'") == \
        [record["seq"] for record in every if re.match(r"lab: (end|record [0-9]+5 )", record["text"])]


@pytest.mark.machines(KINDS[0], KINDS[3])
def test_since_clear(log):
    """{log}: -since-clear shows what came after the guest's own dmesg -c"""
    texts = [record["text"] for record in log.records()]
    assert [record["text"] for record in log.records("-since-clear")] == \
        texts[texts.index("lab: the newest odd record") + 1:]


def without_vmcoreinfo(core, folder):
    """A copy of the core in which the VMCOREINFO notes are none."""
    path = folder / "without"
    subprocess.run(["cp", "--sparse=always", core, path], check=True)
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        at = count = 0
        while (at := memory.find(b"VMCOREINFO\0", at)) >= 0:
            memory[at:at + 4] = b"NONE"
            count += 1
    assert count
    return path


@pytest.mark.machines(*KINDS[1:4], KINDS[5])
def test_structure(log, folder):
    """{log}: without VMCOREINFO the log is found by its structure, and said to be"""
    path = without_vmcoreinfo(log.core, folder)
    output = log.run(f"guest-klog -output {folder}/log", core=path)
    assert re.search(r"^note: without VMCOREINFO the log is found by its structure: what looks like a printk_ringbuffer ",
                     output, re.MULTILINE)
    assert (folder / "log").read_bytes() == log.save()


# ---- Other programs ----

# lab/vmlinux has the debuginfo of 6.1; neither reads a log differently for where it is.
WITH_DEBUGINFO = KINDS[:2]


@pytest.fixture
def vmcore(log):
    """The guest's vmcore, once for all tests that want it."""
    path = log.folder / "vmcore"
    if not path.exists():
        log.run(f"dump-guest-memory {path}")
    return path


def as_crash_prints(record):
    """Known of crash 8.0.2: only the first line of a text has the time, and what is not ASCII is a dot."""
    prefix = f"[{record['us'] // 10 ** 6:5}.{record['us'] % 10 ** 6:06}] ".encode()
    text = bytes(byte if 32 <= byte < 127 or byte in b"\t\n\v\f\r" else ord(".") for byte in record["text"])
    return prefix + text.replace(b"\n", b"\n" + b" " * len(prefix))


@pytest.mark.machines(*WITH_DEBUGINFO)
def test_crash(log, vmcore):
    """{log}: it is the log that crash prints, but for the lines of a text behind its first, and bytes that are not ASCII"""
    output = crash.run(vmcore, "log")
    output = output[re.search(rb"^\[ *[0-9]+\.[0-9]{6}\] ", output, re.MULTILINE).start():]
    ours = b"\n".join(as_crash_prints(comparable(record)) for record in log.records())
    assert output.rstrip(b"\n").split(b"\n") == ours.split(b"\n")


DRGN = """
import sys
import drgn
from drgn.helpers.linux.printk import get_printk_records
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
for record in get_printk_records(program):
    print((record.seq, record.timestamp, record.level, record.facility, record.caller_tid, record.caller_cpu,
           record.text, record.context))
"""


@pytest.mark.machines(*WITH_DEBUGINFO)
def test_drgn(log, vmcore):
    """{log}: it is what drgn reads, but for its mistake with the texts that wrap: the id in front, the end cut off"""
    if subprocess.run(["/usr/bin/python3", "-c", "import drgn"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("drgn is missing: Debian has it in python3-drgn")
    run = subprocess.run(["/usr/bin/python3", "-c", DRGN, vmcore, lab.lab("vmlinux")], capture_output=True, text=True,
                         timeout=gdb.PATIENCE)
    assert run.returncode == 0, run.stderr
    theirs = [ast.literal_eval(line) for line in run.stdout.splitlines()]
    ours = log.records()
    assert len(ours) == len(theirs)
    wrapped = 0
    for our, (seq, timestamp, level, facility, task, cpu, text, context) in zip(ours, theirs):
        our_text = our["text"].encode(errors="surrogateescape")
        assert (our["seq"], round(our["time"] * 10 ** 9), LEVELS.index(our["level"])) == (seq, timestamp, level)
        assert FACILITIES.index(our["facility"]) == facility
        assert our["caller"] == (f"T{task}" if cpu is None else f"C{cpu}")
        assert our.get("dict", {}) == {key.decode(): value.decode() for key, value in context.items()}
        if text != our_text:
            assert text[8:] == our_text[:-8]
            wrapped += 1
    assert wrapped <= 1


# ---- A transcript of the monitor ----

START_KERNEL_MAP = 0xffffffff80000000


class Monitor:
    """A user's words to the monitor of a guest that runs, and the monitor's answers, as one text."""

    def __init__(self, guest):
        self.guest, self.transcript = guest, "QEMU 7.2.22 monitor - type 'help' for more information\r\n"

    def read(self, command, count, unit, address):
        line = f"{command} /{count}{unit} {address:#x}"
        answer = self.guest.hmp(line)
        self.transcript += f"(qemu) {line}\r\n{answer}"
        return b"".join(int(word, 16).to_bytes(len(word) // 2 - 1, "little")
                        for word in re.findall(r"0x[0-9a-f]+", answer))


def transcribe(monitor, vmcoreinfo, command):
    """The ring that is in the kernel's image: its four parts, in as many formats."""
    def number(pattern, base=10):
        return int(re.search(pattern + r"=(-?\w+)", vmcoreinfo)[1], base)

    def address(virtual):
        return virtual - START_KERNEL_MAP + number(r"NUMBER\(phys_base\)") if command == "xp" else virtual

    pointer = int.from_bytes(monitor.read(command, 1, "xg", address(number(r"SYMBOL\(prb\)", 16))), "little")
    words = monitor.read(command, 11, "xg", address(pointer))
    count_bits, size_bits = words[0], words[48]
    descs, infos, data = (int.from_bytes(words[at:at + 8], "little") for at in (8, 16, 56))
    monitor.read(command, 3 << count_bits, "xg", address(descs))
    monitor.read(command, 44 << count_bits, "xh", address(infos))
    monitor.read(command, 1 << size_bits, "c", address(data))


def test_transcript(folder):
    """Out of a transcript of what a running guest's monitor says to x or xp comes the log that is in its memory"""
    with lab.Guest(append="printk.devkmsg=on loglevel=1 lab.log=odd,many=3000,odd", directory=folder) as guest:
        guest.dump(folder / "truth")
        vmcoreinfo = re.search(rb"VMCOREINFO\0\0(OSRELEASE=[ -~\n]+)", (folder / "truth").read_bytes())[1].decode()
        for command in ("x", "xp"):
            monitor = Monitor(guest)
            transcribe(monitor, vmcoreinfo, command)
            (folder / command).write_text(monitor.transcript)
        guest.stop()
        core, qemu = guest.core(folder / "core"), guest.qemu
    run = gdb.batch(qemu, core, commands=[f"guest-klog -output {folder}/log"])
    assert run.status == 0, run
    text = (folder / "log").read_text()
    assert "lab: record 2999 of many" in text
    for command in ("x", "xp"):
        # With nothing in front of GDB.
        run = gdb.batch(commands=[f"guest-klog -hexdump {folder}/{command} -output {folder}/log-{command}"])
        assert run.status == 0, run
        assert "note: the log is found by its structure: what looks like a printk_ringbuffer" in run.output
        assert (folder / f"log-{command}").read_text() == text


# ---- The command ----

def test_not_booted(folder):
    """A guest that has not started is said not to have booted"""
    with lab.Guest(memory=64, smp=1, kernel=False, extra=["-S"], directory=folder) as guest:
        core = guest.core(folder / "core")
    lines = gdb.attempt([lab.lab("qemu"), core], "guest-klog")
    assert len(lines) == 1 and "the guest has not booted" in lines[0], lines


def test_missing(hollow):
    """A core without the guest's memory: it is said what is missing"""
    lines = gdb.attempt([hollow[1], hollow[0]], "guest-klog")
    assert len(lines) == 1 and "none of the guest's RAM is there: the core was made without" in lines[0], lines


def test_nothing_loaded():
    """Without a core or a process it is said what to load"""
    lines = gdb.attempt([], "guest-klog")
    assert lines == ["guest-klog: no core, no process and no gdbstub: load a core of QEMU (core-file FILE), attach "
                     "to QEMU (attach PID), connect to its gdbstub (target remote ADDRESS) or name a vmcore (guest-select "
                     "-file FILE)"]


@pytest.mark.parametrize("options, message", [
    ("-level eror", "-level is some of emerg, alert, crit, err, warn, notice, info, debug, each alone or with + for it and "
                    "worse, with commas in between, not \"eror\""),
    ("-before 2", "-before goes with -grep"),
    ("-since soon", "-since is seconds (12.5) or a time in UTC (2026-11-26T15:03:39), not \"soon\""),
    ("-until 2026-02-30", "-until is seconds (12.5) or a time in UTC (2026-11-26T15:03:39), not \"2026-02-30\""),
    ("-grep '('", "( is not a regular expression: Unmatched ( or \\("),
    ("-tail 0", "-tail is 0, not 1 to 2^64 - 1"),
    ("-colour", "no option -colour; it has -level, -facility, -grep, -before, -after, -context, -since, -until, -since-clear, "
                "-tail, -follow, -T, -raw, -decode, -caller, -json, -output, -force, -hexdump"),
    ("-hexdump /nowhere/x", "/nowhere/x: No such file or directory"),
    ("-output /nowhere/x", "/nowhere/x: there is no folder /nowhere: No such file or directory"),
    ("-output /dev/shm", "/dev/shm: it is a folder; name a file in it"),
])
def test_wrong(options, message, views):
    """guest-klog {options} is an error that says what is right"""
    assert views.error(f"guest-klog {options}") == f"guest-klog: {message}"


def test_output(small, views, folder):
    """-output replaces nothing unless it is forced to, and not the core in any case"""
    path = folder / "log"
    path.write_text("precious")
    line = views.error(f"guest-klog -output {path}")
    assert line == f"guest-klog: {path}: it exists; -force replaces it" and path.read_text() == "precious"
    assert views.error(f"guest-klog -force -output {small[0]}").endswith("which is being looked at; name another file")
    views.text(f"guest-klog -force -output {path}")
    assert path.read_text().startswith("[    0.000000] Linux version ")
    assert [file.name for file in folder.iterdir()] == ["log"]


@pytest.mark.gdb
@pytest.mark.parametrize("typed, completed", [
    ("-le", ["-level"]), ("-level e", ["-level emerg", "-level emerg+", "-level err", "-level err+"]),
    ("-level err,w", ["-level err,warn", "-level err,warn+"]),
    ("-facility local7,auth", ["-facility local7,auth", "-facility local7,authpriv"]), ("-tail ", [])])
def test_completion(typed, completed):
    """Tab completes `{typed}` to {completed}"""
    run = gdb.batch(commands=[f"complete guest-klog {typed}"])
    assert gdb.lines_of(run.output) == [f"guest-klog {text}" for text in completed]


COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def escapes(text):
    """The bytes of a terminal's output that are neither text nor a colour."""
    return set(re.sub(r"[\t\r\n -~\x80-\U0010ffff]", "", COLOUR.sub("", text)))


@pytest.mark.gdb
@pytest.mark.machines(KINDS[0])
def test_terminal(log):
    """{log}: on a terminal levels have colours if the user wants them, and nothing that the guest wrote arrives raw"""
    with gdb.Session(log.qemu, log.core, term="xterm") as session:
        coloured = "\n".join(session.command("guest-klog"))
        session.command("set style enabled off")
        plain = "\n".join(session.command("guest-klog"))
        session.command("set style enabled on")
        filed = session.command(f"guest-klog -force -output {log.folder}/coloured")
    assert "\x1b[31mlab: level 3\x1b[0m" in coloured and "\x1b[32m[    0.000000]\x1b[0m Linux version" in coloured
    assert not COLOUR.search(plain) and "lab: level 3" in plain
    assert not escapes(coloured.replace("\x1b[?2004h", "").replace("\x1b[?2004l", "")), escapes(coloured)
    assert COLOUR.sub("", coloured) == plain
    assert (log.folder / "coloured").read_bytes() == log.save() and not COLOUR.search("".join(filed))


@pytest.mark.machines(KINDS[0])
def test_json_is_alone(log):
    """{log}: with -json no line of the output but the records' is GDB's answer"""
    assert [json.loads(line) for line in log.run("guest-klog -json").splitlines()] == log.records()


def test_wall_clock(log):
    """{log}: -T has the time at which the guest's kernel took its clock from the RTC, and -since and -until go by it"""
    text = log.run("guest-klog -grep 'rtc_cmos.*setting system clock'")
    if "setting system clock" not in text:
        assert "note: times in UTC are" in log.run("guest-klog -T -tail 1")
        return
    truth = re.search(r"to (\S+) UTC \((\d+)\)", text)
    shown = log.run("guest-klog -T -grep 'setting system clock'")
    times = re.findall(r"^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\] rtc_cmos", shown, re.MULTILINE)
    assert re.search("^note: times in UTC are the log's clock", shown, re.MULTILINE)
    seconds = datetime.datetime.fromisoformat(times[0].replace("Z", "+00:00")).timestamp()
    # The RTC has seconds, of which the kernel takes the middle; the log's clock starts a little before the kernel's.
    assert abs(seconds - int(truth[2])) <= 1, (shown, text)
    bounds = f"-since {times[0]} -until {times[0].removesuffix('Z')}"
    assert "setting system clock" in log.run(f"guest-klog {bounds}")
    assert "setting system clock" not in log.run("guest-klog -until 2020-01-01", "guest-klog -since 2200-01-01T00:00")


@pytest.mark.machines(KINDS[0])
def test_choice(log):
    """{log}: -level N+, times and context choose the records; that there is none, and what a file has, is told"""
    every = log.records()
    worse = [record["seq"] for record in log.records("-level err+")]
    assert worse == [record["seq"] for record in every if LEVELS.index(record["level"]) <= 3] and worse
    first, last = every[10], every[20]
    part = log.records(f"-since {first['time']:.9f} -until {last['time']:.9f}")
    assert [record["seq"] for record in part] == [record["seq"] for record in every
                                                  if first["time"] <= record["time"] <= last["time"] + 1e-6]
    output = log.run("guest-klog -grep '^no such text'", "guest-klog -grep 'Linux version' -after 1",
                     f"guest-klog -level err+ -force -output {log.folder}/worse")
    assert re.search(r"^note: none of the log's \d+ records matches the options$", output, re.MULTILINE), output
    assert re.search(r"Linux version .*\n\[ .*Command line: ", output), output
    assert f"\n{log.folder}/worse: {len(worse)} record{'s' if len(worse) > 1 else ''}\n" in output, output


@pytest.mark.machines(KINDS[0])
def test_ascii(log):
    """{log}: where GDB's character set is ASCII, so is the output"""
    command = [gdb.LAUNCHER, "-nx", "-batch", log.qemu, log.core, "-ex", "guest-klog -grep UTF-8:"]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=gdb.PATIENCE,
                         env=dict(gdb.environment(), LC_ALL="C"))
    assert rb"lab: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80, not UTF-8: \xff\xfe" in run.stdout
