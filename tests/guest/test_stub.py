# SPDX-License-Identifier: GPL-3.0-or-later
"""QEMU's gdbstub: the guest over a wire. The truth is a core of the same stop, and QEMU's own dump."""

import os
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path

import pytest

import gdb
import registers
import selection
import stripped
import vmcore
from machines import MIB, lab
from proxy import Proxy

STUB = ["-gdb", "unix:gdbstub,server=on,wait=off"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def gigantic(memory):
    """QEMU's options for more memory than this machine has, of which the guest uses little."""
    return ["-object", f"memory-backend-ram,id=all,size={memory}M,reserve=off", "-machine", "memory-backend=all"]


def connect(session, address):
    session.command(f"target remote {address}")


# ---- The same as of a core ----

COMMANDS = ["guest-klog", "guest-klog -json -tail 20", "guest-regs -task", "guest-x linux_banner s", "guest-x jiffies_64 4xg",
            "guest-vtop jiffies_64", "guest-regs -all -task", "guest-regs -cpu 1 -task", "guest-ps -json -args", "guest-x -cpu 1 $guest_rsp 8xg",
            "guest-vtop -cpu 1 $guest_rip"]


class Stop:
    """One stop of a guest with two CPUs at work in programs: what is seen of it by its stub, on two ways, and by its core."""

    def __init__(self, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.truth, self.streamed, self.by_monitor, self.of_core = (
            self.folder / name for name in ("truth", "streamed", "by monitor", "of-core"))
        with lab.Guest(memory=128, directory=self.folder, append="lab.spin=4 pti=on", extra=STUB) as guest:
            self.qemu = guest.qemu
            guest.stop()
            # GDB is not let go of the guest, which would run then.
            self.unix = self._look(f"{guest.directory}/gdbstub", "dump-guest-memory", self.streamed)
            port = free_port()
            # QEMU does not replace the one by the other.
            guest.hmp("gdbserver none")
            assert "Waiting" in guest.hmp(f"gdbserver tcp:127.0.0.1:{port}")
            self.tcp = self._look(f":{port}", "dump-guest-memory -via monitor", self.by_monitor)
            self.status = guest.qmp("query-status")
            guest.dump(self.truth)
            self.left_over = sorted(path.name for path in self.folder.iterdir() if path.is_file())
            self.core = guest.core(self.folder / "core")
        with gdb.Session(self.qemu, self.core) as session:
            self.core_says = {command: session.command(command) for command in COMMANDS}

    @staticmethod
    def _look(address, dump, path):
        with gdb.Session() as session:
            connect(session, address)
            said = {command: session.command(command) for command in COMMANDS}
            said["dump"] = session.command(f"{dump} {gdb.quote(path)}")
            said["alive"] = session.is_alive()
            return said


@pytest.fixture(scope="session")
def stop(background, top_folder):
    result = background.start("stop", Stop, top_folder).result()
    yield result
    shutil.rmtree(result.folder)


def matches(ours, truth):
    """Tests whether a line is the truth, but for digits that it marks as unknown."""
    truth = re.sub(r"\bMP=\S+", "MP=?", truth)
    return len(ours) == len(truth) and all(our in (their, "?") for our, their in zip(ours, truth))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("way", ["unix", "tcp"])
def test_same_as_core(stop, way, command):
    """Over a {way} socket, {command} prints what it prints of a core of the same stop"""
    ours, truth = getattr(stop, way)[command], stop.core_says[command]
    assert len(truth) > 0 and not (gdb.errors(truth) or gdb.notes(truth)), truth
    if command == "guest-regs -all -task":
        # Values that neither the stub nor the monitor tells, and nothing else.
        unknown = {line.split("=")[0] for line in ours if "?" in line}
        assert unknown <= {"KGS", "CSTAR", "SYSENTER_CS", "CR8"}, unknown
        assert sum("KGS=????" in line for line in ours) == 0
        assert len(ours) == len(truth) and all(map(matches, ours, truth)), (ours, truth)
    else:
        assert ours == truth


@pytest.mark.parametrize("way, name", [("unix", "streamed"), ("tcp", "by_monitor")])
def test_dump(stop, way, name):
    """A dump over a {way} socket, {name}, has the ranges, the bytes and the CPUs' notes of QEMU's own, and VMCOREINFO"""
    said = getattr(stop, way)
    path = getattr(stop, name)
    assert path.exists() and said["alive"], said["dump"]
    assert vmcore.difference(path, stop.truth) is None
    with vmcore.Vmcore(path) as ours, vmcore.Vmcore(stop.truth) as truth:
        assert ours.header_size == 64
        notes = ours.notes()
        assert [note for note in notes if note[0] != "VMCOREINFO"] == truth.notes()
        info, = [note[2] for note in notes if note[0] == "VMCOREINFO"]
        assert info.startswith(b"OSRELEASE=")
    # A busy machine is a slow line.
    notes = [note for note in gdb.notes(said["dump"]) if "-via monitor is faster" not in note]
    assert not gdb.errors(said["dump"]) and not notes, said["dump"]


def test_left_alone(stop):
    """GDB leaves the guest stopped, and no file but the dumps"""
    assert stop.status["status"] == "paused"
    assert [name for name in stop.left_over if name not in ("streamed", "by monitor", "truth")] == []


def test_info(stop):
    """guest-info names the stub, QEMU's version, machine and accelerator, and what it found in the guest"""
    with lab.Guest(memory=64, kernel=False, directory=stop.folder, extra=[*STUB, "-S"]) as guest, gdb.Session() as session:
        connect(session, f"{guest.directory}/gdbstub")
        text = "\n".join(session.command("guest-info"))
        version = guest.qmp("query-version")["qemu"]
        number = ".".join(str(version[part]) for part in ("major", "minor", "micro"))
        assert re.search(rf"^gdbstub +{re.escape(str(guest.directory))}/gdbstub$", text, re.MULTILINE), text
        assert re.search(rf"^QEMU +{re.escape(number)}.*,\s+machine pc-i440fx-[0-9.]+, prelaunch, tcg$", text, re.MULTILINE), text
        assert re.search(r"^CPUs +2: current 0,1$", text, re.MULTILINE), text
        assert re.search(r"^kernel +none found$", text, re.MULTILINE), text
        assert "note: no kernel of Linux: no CPU has page tables that could map a kernel; guest-kernel -scan" in text


def test_dump_elsewhere(folder):
    """At a stub that is not known to be this machine's, QEMU writes its own dump under the name, and it is said so"""
    port = free_port()
    path, truth = folder / "dump", folder / "truth"
    with lab.Guest(memory=128, directory=folder, extra=["-gdb", f"tcp:127.0.0.1:{port}"]) as guest, gdb.Session() as session:
        # Linux connects to this machine by that address.
        connect(session, f"0.0.0.0:{port}")
        lines = session.command(f"dump-guest-memory -via monitor {path}")
        assert lines == [f"note: QEMU wrote {path} on its own machine: it is QEMU's dump, without VMCOREINFO and the "
                         "kernel's addresses"], lines
        guest.dump(truth)
        assert vmcore.files_differ(path, truth) is None
        lines = session.command("dump-guest-memory -via monitor /nonexistent/dump")
        assert len(lines) == 1 and re.match(
            "dump-guest-memory: QEMU does not write /nonexistent/dump: .*No such file", lines[0]), lines


# ---- Other QEMUs, without debuginfo ----

@pytest.mark.parametrize("name", selection.mostly_further(stripped.QEMUS, stripped.CHEAP_QEMUS))
def test_other_qemu(name, folder):
    """{name}: over its stub the log, the registers and a dump are the guest's"""
    qemu = stripped.qemu_or_skip(name)
    dump, truth = folder / "dump", folder / "truth"
    with lab.Guest(qemu=qemu, machine="q35", memory=128, directory=folder, extra=STUB) as guest, gdb.Session() as session:
        guest.stop()
        connect(session, f"{guest.directory}/gdbstub")
        log = session.command("guest-klog")
        shown = [line for line in session.command("guest-regs -all") if not line.startswith(registers.EXTRA)]
        info = session.command("guest-info")
        session.command(f"dump-guest-memory -via monitor {dump}")
        guest.dump(truth)
        assert vmcore.difference(dump, truth) is None
        with vmcore.Vmcore(dump) as ours, vmcore.Vmcore(truth) as theirs:
            assert [note for note in ours.notes() if note[0] != "VMCOREINFO"] == theirs.notes()
        assert "Linux version" in log[0] and len(log) > 200
        assert comparable(shown) == comparable(gdb.lines_of(registers.of_monitor(guest)))
        assert re.search(r"^QEMU .*,\s+machine pc-q35-.*, paused, tcg$", "\n".join(info), re.MULTILINE), info


def comparable(lines):
    """Before 7.2 XMM registers were printed in one piece."""
    return [re.sub(r"(XMM\d+=[0-9a-f]{16}) ?(?=[0-9a-f]{16})", r"\1 ", line) for line in lines]


# ---- Little over the wire ----

@pytest.mark.parametrize("memory", selection.mostly_further([1024, 65536], [65536]))
def test_bytes_read(memory, folder):
    """With {memory} MiB of RAM the first guest-klog reads less than 64 MiB over the wire, the second less than 4 MiB"""
    extra = gigantic(memory) if memory > 4096 else []
    with lab.Guest(memory=memory, directory=folder, extra=[*STUB, *extra]) as guest:
        with Proxy(guest.directory, "gdbstub") as proxy, gdb.Session() as session:
            connect(session, proxy.address)
            counts = []
            for command in ("guest-klog", "guest-klog", "guest-info"):
                before = proxy.bytes_read
                lines = session.command(command)
                assert len(lines) > 5 and not gdb.errors(lines), lines
                counts.append(proxy.bytes_read - before)
            assert counts[0] < 64 * MIB and counts[1] < 4 * MIB and counts[2] < 4 * MIB, counts
            assert not proxy.physical


# ---- What was seen before ----

@pytest.mark.gdb
def test_reboot(folder):
    """After a reboot of the guest its new kernel is found, and the new log is shown, by the same GDB"""
    with lab.Guest(memory=128, directory=folder, extra=STUB) as guest, gdb.Session() as session:
        address = f"{guest.directory}/gdbstub"
        connect(session, address)
        session.command("guest-info")
        log_before = session.command("guest-klog")
        session.command("detach")
        guest.reboot()
        connect(session, address)
        info, log = session.command("guest-info"), session.command("guest-klog")
        # The new kernel is elsewhere, but once in 500 boots.
        assert any("KASLR offset" in line for line in info), info
        assert log[0] == log_before[0] and log != log_before


def wait_for_more(guest, said):
    """The guest goes on, as its console shows; a boot that hangs, as the lab's may, is begun again."""
    try:
        lab.wait_until(lambda: guest.serial.stat().st_size > said + 2000, 120, "the guest goes on")
    except lab.NotReady:
        assert guest.qmp("query-status")["running"], "GDB left the guest stopped"
        guest.qmp("system_reset")


def test_boot_stages(folder):
    """Over the whole boot of a guest the log is the guest's, or it is said that there is no kernel yet"""
    with lab.Guest(memory=128, directory=folder, extra=STUB) as guest, gdb.Session() as session:
        address = f"{guest.directory}/gdbstub"
        guest.qmp("set-action", reboot="reset")
        guest.qmp("system_reset")
        seen = set()
        deadline = time.monotonic() + 3 * gdb.PATIENCE
        # Each look stops the guest for a moment; in between it runs until it has said more.
        while len(seen) < 2:
            assert time.monotonic() < deadline, seen
            if "log" in seen:
                # The guest was faster than the first look.
                guest.qmp("system_reset")
                seen.clear()
            said = guest.serial.stat().st_size
            connect(session, address)
            lines = session.command("guest-klog")
            session.command("detach")
            if "log" not in seen:
                wait_for_more(guest, said)
            if gdb.errors(lines[:1]):
                assert re.match(r"guest-klog: (no kernel of Linux: |no VMCOREINFO of the Linux kernel )", lines[0]), lines
                seen.add("none")
            else:
                assert "Linux version" in lines[0], lines[:3]
                seen.add("log")
        assert session.is_alive()


# ---- What goes wrong ----

@pytest.fixture
def running(folder, background):
    """A guest whose stub is at the socket `gdbstub` in its folder; it stands still once a GDB is connected."""
    guest = background.executor.submit(lab.Guest, directory=folder, memory=128, extra=STUB).result()
    yield guest
    guest.kill()


def wait_for(condition, what):
    deadline = time.monotonic() + gdb.PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.001)


READERS = ["guest-klog", "guest-info", "guest-x jiffies", "dump-guest-memory vmcore"]


@pytest.mark.gdb
@pytest.mark.parametrize("command", selection.mostly_expensive(READERS, [READERS[0], READERS[-1]]))
def test_qemu_dies(running, folder, command):
    """A QEMU that is killed in the middle of {command} is an error in one line; GDB lives, and no file is left"""
    out = Path(tempfile.mkdtemp(dir=folder))
    with Proxy(running.directory, "gdbstub", rate=2 * MIB) as proxy, gdb.Session() as session:
        session.command(f"cd {out}")
        connect(session, proxy.address)
        session.send(command)
        before = proxy.bytes_read
        wait_for(lambda: proxy.bytes_read > before + MIB, "GDB reads")
        running.process.kill()
        text = session.wait_prompt()
        name = command.split()[0]
        errors = gdb.errors(gdb.lines_of(text))
        assert len(errors) == 1 and errors[0].startswith(f"{name}: "), text
        assert re.search("Remote (connection closed|communication error|failure)|no longer answers", errors[0]), text
        assert session.is_alive()
        assert os.listdir(out) == []


@pytest.mark.gdb
@pytest.mark.parametrize("way", selection.mostly_expensive(["a typed Ctrl-C", "SIGINT"], ["a typed Ctrl-C"]))
def test_interrupt(running, folder, way):
    """{way} in each command: GDB is back within half a second, the stub in its own mode, the guest as it was"""
    out = Path(tempfile.mkdtemp(dir=folder))
    with Proxy(running.directory, "gdbstub", rate=MIB) as proxy, gdb.Session() as session:
        session.command(f"cd {out}")
        connect(session, proxy.address)
        for command in ("guest-klog", "guest-info", "guest-regs", "guest-x jiffies", "guest-vtop jiffies",
                        "dump-guest-memory vmcore"):
            before = proxy.bytes_read
            session.send(command)
            wait_for(lambda: proxy.bytes_read > before + MIB // 4, f"{command} reads")
            text = session.stop(typed=way != "SIGINT")
            assert gdb.quits(text), text
            assert not proxy.physical
            assert running.qmp("query-status")["status"] == "paused"
            assert os.listdir(out) == []
        assert session.is_alive()
        # The connection is as good as before.
        assert len(session.command("guest-klog -tail 3")) == 3


def test_slow(running, folder):
    """A dump that takes minutes by a slow line says so, and that -via monitor is faster"""
    with Proxy(running.directory, "gdbstub", rate=2 * MIB) as proxy, gdb.Session() as session:
        connect(session, proxy.address)
        session.start(f"dump-guest-memory {folder}/vmcore")
        session.wait("note: -via monitor is faster: it has QEMU write the memory itself")
        session.wait(r"[0-9]+ min [0-9]+ s left|[0-9]+ s left")
        assert "Quit" in session.stop()
        assert "note: -via" not in session.log.split("-via monitor is faster", 1)[1]


@pytest.mark.gdb
def test_interrupt_monitor(running, folder):
    """Ctrl-C while QEMU writes the dump: GDB is back within half a second, and no file is left"""
    out = Path(tempfile.mkdtemp(dir=folder))
    with Proxy(running.directory, "gdbstub") as proxy, gdb.Session() as session:
        connect(session, proxy.address)
        text = session.stop_dump(f"dump-guest-memory -via monitor {out}/vmcore", out / "vmcore",
                                 lambda: wait_for(lambda: os.listdir(out), "QEMU writes"))
        assert gdb.quits(text), text
        assert os.listdir(out) == []
        assert not proxy.physical and session.is_alive()


NO_MONITOR = "".join(f"{byte:02x}" for byte in b"nonsense \x1b[2J\r\n")

MEMORY_REFUSED = r"guest-klog: .*the gdbstub does not read it: .*"

# A stand-in for the stub's answers, a command, and the result.
DOUBLES = {
    "a stub that is not QEMU's": (
        {"[qQ]qemu": [""]}, "guest-info",
        r"guest-info: the target is neither a core, nor a process of this machine, nor QEMU's gdbstub: .*"),
    "a stub that answers nonsense": (
        {"[qQ]qemu": ["xyzzy"]}, "guest-klog", r"guest-klog: the target is neither .*"),
    "a QEMU before 4.1, and memory": (
        {r"[qQ]qemu\.PhyMemMode": [""]}, "guest-klog",
        r"guest-klog: .*no physical mode, which QEMU has since 4\.1.*"),
    "a QEMU before 4.1, and registers": (
        {r"[qQ]qemu\.PhyMemMode": [""]}, "guest-regs -all", r"CPU#0"),
    "a stub without a monitor": (
        {"qRcmd": [""]}, "guest-info", r"guest-info: .*(does not support|monitor).*"),
    "a monitor that prints nonsense": (
        {"qRcmd": ["O" + NO_MONITOR, "OK"]}, "guest-info",
        r"guest-info: the memory map of QEMU's monitor \(info mtree -f\): it has no address space \"memory\""),
    "a stub that refuses memory": ({"m[0-9a-f]+,": ["E01"]}, "guest-klog", MEMORY_REFUSED),
    # GDB itself may stumble over it first.
    "a stub whose memory is no bytes": ({"m[0-9a-f]+,": ["zz"]}, "guest-klog", rf"{MEMORY_REFUSED}|Invalid hex digit .*"),
}


@pytest.mark.gdb
@pytest.mark.parametrize("name", DOUBLES)
def test_double(running, name):
    """{name}: one line says so, and GDB lives"""
    answers, command, expected = DOUBLES[name]
    with gdb.Session() as session:
        # GDB itself reads memory when it connects: the answers are for what comes then.
        with Proxy(running.directory, "gdbstub", answers=answers) as proxy:
            connect(session, proxy.address)
            # A note may say what could not be had besides.
            lines = [line for line in session.command(command) if not line.startswith("note:")]
            assert re.fullmatch(expected, lines[0]), lines
            if gdb.errors(lines[:1]):
                assert len(lines) == 1, lines
            assert not any("\x1b" in line for line in lines)
            assert not proxy.physical
            assert session.is_alive()


@pytest.mark.gdb
def test_running(running):
    """While the guest runs in the background, a command says how to stop it, and the guest runs on"""
    with gdb.Session() as session:
        connect(session, f"{running.directory}/gdbstub")
        session.command("continue &")
        lab.wait_until(lambda: running.qmp("query-status")["running"], gdb.PATIENCE, "the guest runs")
        lines = session.command("guest-klog")
        assert lines == ["guest-klog: the guest is running: stop it first (interrupt)"], lines
        assert running.qmp("query-status")["running"]


@pytest.mark.gdb
def test_modes(folder):
    """Two inferiors of one GDB, a stub and a core: each command is about the current one"""
    core = folder / "core"
    with lab.Guest(memory=128, smp=1, directory=folder) as other:
        other.stop()
        qemu = other.qemu
        other.core(core)
    with lab.Guest(memory=128, smp=2, directory=folder, extra=STUB) as guest, gdb.Session() as session:
        connect(session, f"{guest.directory}/gdbstub")
        assert len([line for line in session.command("guest-regs") if line.startswith("CPU ")]) == 2
        session.command("add-inferior -no-connection")
        session.command("inferior 2")
        session.command(f"file {qemu}")
        session.command(f"core-file {core}")
        assert len([line for line in session.command("guest-regs") if line.startswith("CPU ")]) == 1
        session.command("inferior 1")
        assert len([line for line in session.command("guest-regs") if line.startswith("CPU ")]) == 2
