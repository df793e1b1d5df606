# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-klog, against what the guest's own /dev/kmsg held and what other programs read out of the same memory."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import gdb
import machines
from machines import lab

LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
FACILITIES = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
              12, 13, 14, 15, *(f"local{i}" for i in range(8))]


class Kind:
    """A guest whose log is known: what it writes into its log, and what it shows of that."""

    def __init__(self, name, series, log, append="", extra=()):
        self.name, self.series, self.log, self.append, self.extra = name, series, log, append, extra

    def __str__(self):
        return self.name

    def boot(self, folder):
        # Linux 6.12 panics where the emulated timer is late, as it is on a busy machine.
        append = f"no_timer_check printk.devkmsg=on loglevel=1 lab.log={self.log} lab.kmsg=1 {self.append}"
        return lab.Guest(kernel=Path(lab.lab("kernel", self.series)) / "vmlinuz", append=append, directory=folder,
                         extra=["-serial", "file:kmsg.log", *self.extra])


KINDS = [kind for series in ("6.1", "6.12") for kind in (
    Kind(f"Linux {series}", series, "odd,long"),
    Kind(f"Linux {series}, the log wrapped several times", series, "odd,many=9000,odd,long"),
    Kind(f"Linux {series}, log_buf_len=16M, 5-level page tables", series, "odd,many=9000,long",
         "log_buf_len=16M", ["-cpu", "max"]))]


class Log:
    """Such a guest's log, as it says itself, and its QEMU's core."""

    def __init__(self, kind, folder):
        self.kind, self.folder = kind, Path(folder)
        self.folder.mkdir()
        self.core = self.folder / "core"
        with kind.boot(self.folder) as guest:
            guest.stop()
            self.qemu = guest.qemu
            self.kmsg = parse_kmsg((guest.directory / "kmsg.log").read_bytes())
            guest.core(self.core)

    def run(self, command):
        run = gdb.batch(self.qemu, self.core, commands=[command])
        assert run.status == 0, run
        return run.output

    def save(self, options=""):
        """The log as guest-klog writes it into a file."""
        path = self.folder / "log"
        self.run(f"guest-klog {options} -force -output {path}")
        return path.read_bytes()

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


@pytest.fixture(scope="session", params=KINDS, ids=str)
def log(request, background, top_folder):
    for kind in KINDS:
        background.start(kind, Log, kind, top_folder / f"log-{KINDS.index(kind)}")
    result = background.start(request.param, Log).result()
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def with_what_came_later(log, ours):
    """What /dev/kmsg held of the records, and how many the kernel wrote since, which may have taken the place of the
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
    assert any(record["dict"] for record in ours) or "wrapped" in str(log.kind)
    assert any(len(record["text"]) > 960 for record in ours)
    assert sum(b"\n" in record["text"] for record in ours) >= 1


def test_text(log):
    """{log}: its text is, line for line, what dmesg makes of /dev/kmsg; lost records are said to be so"""
    lines = log.save().decode().split("\n")
    assert lines.pop() == ""
    notes = [line for line in lines if line.startswith("note:")]
    first = log.records()[0]["seq"]
    assert notes == ([f"note: the log starts at {first}, what came before is no longer there"] if first else [])
    lines = [line for line in lines if not line.startswith("note:")]
    truth = list(expected_lines(record for record in log.kmsg if record["seq"] >= first))
    assert lines[:len(truth)] == truth
    if "wrapped" in str(log.kind):
        assert first > 4096
