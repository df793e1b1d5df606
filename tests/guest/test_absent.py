# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that is not there, although something is mapped in its place: it is never shown as zeros."""

import random
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import gdb
import selection
import stripped
import vmcore
from machines import MIB, lab

PAGE = 4096

# ---- A guest that is being received ----

# Random bytes in the guest's RAM: no page of them is zeros.
RANDOM_FROM, RANDOM_SIZE = 32 * MIB, 64 * MIB
MEMORY = 128
# Bytes in a second: slow enough to be caught half way.
BANDWIDTH = 8 * MIB

QEMUS = {"QEMU with debuginfo": lambda: None, **stripped.QEMUS}


class Receiving:
    """The core of the destination of a post-copy migration; the truth is what its source dumped before.

    attached  what GDB printed for a dump from the destination's process
    run       what GDB printed for all of COMMANDS, on the core
    """

    COMMANDS = ["guest-info", "dump-guest-memory {folder}/refused", "guest-x 0x{random:x} xg",
                "guest-vtop 0x{last:x}", "guest-x 0x{last:x}", "dump-guest-memory -absent skip {folder}/ours",
                "dump-guest-memory -absent skip -via gdb {folder}/through-gdb"]

    def __init__(self, name, folder):
        self.folder = folder
        qemu = QEMUS[name]()
        self.options = [] if name == "QEMU with debuginfo" else stripped.NO_DEBUGINFO
        (folder / "random").write_bytes(b"".join(random.Random(i).randbytes(MIB) for i in range(RANDOM_SIZE // MIB)))
        loader = ["-device", f"loader,file={folder}/random,addr={RANDOM_FROM},force-raw=on"]
        with self.boot(qemu, loader) as source, self.boot(qemu, ["-incoming", "unix:incoming"]) as destination:
            self.qemu = destination.qemu
            self.migrate(source, destination)
            self.attached = self.gdb(["-p", destination.pid], [f"dump-guest-memory -via gdb {folder}/attached"])
            core = destination.core(folder / "core")
        last = RANDOM_FROM + RANDOM_SIZE - PAGE
        commands = [line.format(folder=folder, random=RANDOM_FROM, last=last) for line in self.COMMANDS]
        self.run = self.gdb([self.qemu, core], [line for command in commands for line in (r"echo @next\n", command)])
        _, *self.printed = self.run.output.split("@next\n")
        self.core = core

    def boot(self, qemu, extra):
        return lab.Guest(qemu=qemu, memory=MEMORY, smp=1, kernel=False, extra=[*extra, "-S"], directory=self.folder)

    def gdb(self, arguments, commands):
        return gdb.batch(*self.options, *arguments, commands=commands)

    def migrate(self, source, destination):
        """Some of the random bytes arrive before the switch to post-copy, some after it."""
        def transferred():
            return source.qmp("query-migrate").get("ram", {}).get("transferred", 0)

        source.dump(self.folder / "truth")
        for guest in (source, destination):
            guest.qmp("migrate-set-capabilities", capabilities=[{"capability": "postcopy-ram", "state": True}])
        source.qmp("migrate-set-parameters", **{"max-bandwidth": BANDWIDTH, "max-postcopy-bandwidth": BANDWIDTH})
        source.qmp("migrate", uri=f"unix:{destination.directory}/incoming")
        lab.wait_until(lambda: transferred() > RANDOM_SIZE // 8, gdb.PATIENCE, "a part of the guest")
        source.qmp("migrate-start-postcopy")
        lab.wait_until(lambda: source.qmp("query-migrate")["status"] == "postcopy-active", gdb.PATIENCE, "post-copy")
        before = transferred()
        lab.wait_until(lambda: transferred() > before + RANDOM_SIZE // 8, gdb.PATIENCE, "a part of the guest, by post-copy")


CHEAP = ["QEMU with debuginfo", "Debian 12's QEMU"]


@pytest.fixture(scope="session", params=selection.mostly_further(QEMUS, CHEAP))
def receiving(request, background, top_folder):
    for name in selection.wanted(request, "receiving"):
        if name in stripped.QEMUS:
            stripped.qemu_or_skip(name)
        background.start(("receiving", name), Receiving, name, Path(tempfile.mkdtemp(dir=top_folder)))
    result = background.start(("receiving", request.param), Receiving).result()
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def test_arrived(receiving):
    """{receiving}: of a guest that is being received, the pages that have arrived are the source's, the others left out"""
    with vmcore.Vmcore(receiving.folder / "ours") as ours, vmcore.Vmcore(receiving.folder / "truth") as truth:
        ours.check()
        arrived = 0
        for start, end in ours.ranges():
            for address in range(max(start, RANDOM_FROM), min(end, RANDOM_FROM + RANDOM_SIZE), PAGE):
                offset, truth_offset = ours.offset_of(address)[0], truth.offset_of(address)[0]
                assert vmcore.first_difference(ours.fd, offset, truth.fd, truth_offset, PAGE) is None, hex(address)
                arrived += PAGE
    assert RANDOM_SIZE // 8 < arrived < RANDOM_SIZE - PAGE, arrived
    assert vmcore.files_differ(receiving.folder / "ours", receiving.folder / "through-gdb") is None


ARRIVING = "QEMU was receiving the guest by migration"


def test_arriving_shown(receiving):
    """{receiving}: guest-info tells that the guest is being received, and how much is missing: what the dump leaves out"""
    text = receiving.printed[0]
    shown = re.search(r"^missing +([0-9.]+) MiB in \d+ ranges?$", text, re.MULTILINE)
    assert shown and re.search(rf"^note: missing: {ARRIVING}", text, re.MULTILINE), receiving.run
    with vmcore.Vmcore(receiving.folder / "ours") as ours, vmcore.Vmcore(receiving.folder / "truth") as truth:
        missing, = [sum(end - start for start, end in truth.ranges()) - sum(end - start for start, end in ours.ranges())]
    assert float(shown[1]) == pytest.approx(missing / MIB, abs=0.06)


def test_arriving_refused(receiving):
    """{receiving}: without -absent skip a dump fails, and lists what had not arrived"""
    assert re.search(rf"dump-guest-memory: \d+ ranges? of the guest's memory .* missing: .*0x[0-9a-f]+-0x[0-9a-f]+ "
                     rf"\(pc\.ram\).*; {ARRIVING}.*; -absent skip leaves", receiving.printed[1]), receiving.run
    assert not (receiving.folder / "refused").exists()


def test_arriving_read(receiving):
    """{receiving}: guest-x shows a page that has arrived; guest-x and guest-vtop say of one that has not that it is absent"""
    _, _, arrived, walk, absent, *_ = receiving.printed
    first = int.from_bytes(random.Random(0).randbytes(8), "little")
    assert f"0x{first:016x}" in arrived, receiving.run
    assert re.search(r"^guest-physical 0x5fff000, .*, absent$", walk, re.MULTILINE), receiving.run
    assert re.search(r"guest-x: .*guest-physical 0x5fff000 \(pc\.ram\): it is absent: QEMU was receiving", absent)


def missing_lines(text):
    return [line for line in text.split("\n") if "missing" in line]


@pytest.mark.parametrize("receiving", ["QEMU with debuginfo"], indirect=True)
def test_arriving_unnamed(receiving):
    """A QEMU of which there are neither debuginfo nor exported functions: by the data alone the same pages are missing"""
    # GDB's own types are not used with another program than the core's.
    run = gdb.batch(shutil.which("sleep"), receiving.core, commands=["guest-info"])
    assert "found by structure" in run.output, run
    assert missing_lines(run.output) == missing_lines(receiving.printed[0]), run


@pytest.mark.attach
def test_arriving_attached(receiving):
    """{receiving}: the process is refused, through GDB too: reading what has not arrived would wait for it"""
    assert re.search(r"dump-guest-memory: process \d+ has a userfaultfd", receiving.attached.output), receiving.attached


# ---- A core without the guest's RAM ----

@pytest.fixture(scope="session", params=selection.mostly_further(QEMUS, CHEAP))
def by_gcore(request, top_folder):
    """GDB's output on the core that its gcore took of a QEMU whose RAM is not to be dumped: (run, a text a command)."""
    folder = Path(tempfile.mkdtemp(dir=top_folder))
    if request.param in stripped.QEMUS:
        stripped.qemu_or_skip(request.param)
    options = [] if request.param == "QEMU with debuginfo" else stripped.NO_DEBUGINFO
    # Without much room for TCG's code, which would be in the core.
    with lab.Guest(qemu=QEMUS[request.param](), machine="pc,dump-guest-core=off", memory=MEMORY, kernel=False,
                   extra=["-accel", "tcg,tb-size=8"], directory=folder) as guest:
        guest.stop()
        gdb.batch("-p", guest.pid, commands=[f"generate-core-file {folder}/core"])
        qemu = guest.qemu
    commands = ["guest-info", "guest-regs", "guest-x 0x1000", "guest-klog", f"dump-guest-memory {folder}/vmcore"]
    run = gdb.batch(*options, qemu, folder / "core",
                    commands=[line for command in commands for line in (r"echo @next\n", command)])
    yield run, run.output.split("@next\n")[1:]
    shutil.rmtree(folder)


@pytest.mark.gdb
@pytest.mark.attach
def test_gcore(by_gcore):
    """{by_gcore}: gcore's core of dump-guest-core=off: guest-info and guest-regs tell what there is, others what is missing"""
    run, (info, registers, *others) = by_gcore
    assert re.search(r"^QEMU +\d+\.\d+\.\d+.*,\s+machine pc-i440fx-[0-9.]+, paused, tcg$", info, re.MULTILINE), run
    assert re.search(rf"^RAM +{MEMORY}.2 MiB in \d+ ranges", info, re.MULTILINE), run
    assert re.search(rf"^missing +{MEMORY}.2 MiB in \d+ ranges", info, re.MULTILINE), run
    assert re.search(r"^note: missing: GDB's gcore left out .*gcore -a", info, re.MULTILINE), run
    assert len(re.findall(r"^CPU [01] .*\n +rsp 0x[0-9a-f]+ ", registers, re.MULTILINE)) == 2, run
    for text in others:
        assert len(gdb.lines_of(text)) == 1 and "GDB's gcore left out" in text, run


# ---- Memory that cannot be read ----

# The guest's RAM is two files, one mapped privately and one shared; both are cut at their ends while QEMU stands still.
HALF, CUT = MEMORY // 2 * MIB, MIB
LOST = [(HALF - CUT, HALF), (2 * HALF - CUT, 2 * HALF)]


@pytest.fixture(scope="session")
def cut(top_folder):
    """(folder, run, a text for each command) of a GDB that is attached to such a QEMU; its dump of before is `truth`."""
    folder = Path(tempfile.mkdtemp(dir=top_folder))
    (folder / "random").write_bytes(random.Random(1).randbytes(8 * MIB))
    extra = ["-S", "-device", f"loader,file={folder}/random,addr={HALF - 4 * MIB},force-raw=on"]
    for i, share in enumerate(("off", "on")):
        extra += ["-object", f"memory-backend-file,id=node{i},size={HALF},mem-path={folder}/node{i},share={share}",
                  "-numa", f"node,nodeid={i},cpus={i},memdev=node{i}"]
    with lab.Guest(memory=MEMORY, kernel=False, extra=extra, directory=folder) as guest:
        guest.dump(folder / "truth")
        for i in range(2):
            with open(folder / f"node{i}", "r+b") as file:
                file.truncate(HALF - CUT)
        commands = ["guest-info", f"dump-guest-memory {folder}/refused", f"guest-x 0x{HALF - PAGE:x}",
                    f"dump-guest-memory -absent skip {folder}/ours",
                    f"dump-guest-memory -absent skip -via gdb {folder}/through-gdb"]
        run = gdb.batch("-p", guest.pid, commands=[line for command in commands for line in (r"echo @next\n", command)])
    yield folder, run, run.output.split("@next\n")[1:]
    shutil.rmtree(folder)


@pytest.mark.gdb
@pytest.mark.attach
def test_unreadable_left_out(cut):
    """A process whose memory's files were cut: with -absent skip the dump has all else, as QEMU's own had it"""
    folder, run, _ = cut
    with vmcore.Vmcore(folder / "ours") as ours, vmcore.Vmcore(folder / "truth") as truth:
        ours.check()
        for start, end in ours.ranges():
            for address in range(start, end, MIB):
                size = min(MIB, end - address)
                offset, truth_offset = ours.offset_of(address)[0], truth.offset_of(address)[0]
                assert vmcore.first_difference(ours.fd, offset, truth.fd, truth_offset, size) is None, hex(address)
        held = sum(end - start for start, end in ours.ranges())
        assert held == sum(end - start for start, end in truth.ranges()) - 2 * CUT, run
    assert vmcore.files_differ(folder / "ours", folder / "through-gdb") is None, run


@pytest.mark.gdb
@pytest.mark.attach
def test_unreadable_listed(cut):
    """A process whose memory's files were cut: guest-info counts what is gone, a dump lists it, guest-x calls it absent"""
    _, run, (info, refused, shown, *_) = cut
    assert re.search(r"^missing +2 MiB in 2 ranges$", info, re.MULTILINE), run
    for start, end in LOST:
        assert f"0x{start:016x}-0x{end - 1:016x}" in info, run
        assert f"0x{start:x}-0x{end - 1:x} (node" in refused, run
    assert "; the files behind them are shorter than they are mapped; -absent skip leaves them out" in refused, run
    assert re.search(r"guest-physical 0x3fff000 \(node0\): it is absent: reading process \d+: 0x[0-9a-f]+ cannot be read", shown)
