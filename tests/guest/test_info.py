# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-info, against what QEMU and the guest say of themselves."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import crash
import gdb
import machines
import vmcore
from machines import lab


def info(dumps):
    shown = "\n" + dumps.views.text("guest-info")
    wide = [line for line in shown.splitlines() if len(line) > 79 and not line.startswith(("note:", "core "))]
    assert not wide, wide
    return gdb.unwrapped(shown)


def test_core(dumps):
    """{dumps}: guest-info tells QEMU's version, machine and run state, the CPUs, the RAM and the kernel"""
    text = info(dumps)
    own = re.search(r"AC_INIT\(\[gdb-guest\], \[(.*?)\]\)", (gdb.TOP / "configure.ac").read_text())[1]
    assert text.startswith(f"\ngdb-guest {own}\ncore "), text
    version = dumps.version["qemu"]
    machine = dumps.machine_type.removesuffix("-machine")
    assert (f"QEMU      {version['major']}.{version['minor']}.{version['micro']}{dumps.version['package']}, "
            f"machine {machine}, paused, tcg\n") in text
    cpus = ",".join(map(str, range(dumps.machine.smp)))
    assert f"CPUs      {dumps.machine.smp}: current {cpus}\n" in text
    release = (Path(lab.lab("kernel")) / "release").read_text().strip()
    assert f"Linux {release}, host name not set\n" in text
    with vmcore.Vmcore(dumps.truth) as truth:
        for load in truth.loads:
            assert f"0x{load.address:016x}-0x{load.end - 1:016x}" in text
    assert "note:" not in text


@pytest.mark.machines(*machines.SOME)
def test_json(dumps):
    """{dumps}: guest-info -json is one object, alone, with what QEMU's own dump and QMP have"""
    run = gdb.batch(dumps.qemu, dumps.core, commands=[r"echo @here\n", "guest-info -json"])
    assert run.status == 0, run
    line, = gdb.lines_of(run.output.split("@here\n")[1])
    shown = json.loads(line)
    version = dumps.version["qemu"]
    assert shown["target"] == {"kind": "core", "name": str(dumps.core), "state_before": None, "vmcore": None, "nested": None}
    assert shown["qemu"]["version"] == f"{version['major']}.{version['minor']}.{version['micro']}{dumps.version['package']}"
    assert (shown["qemu"]["run_state"], shown["qemu"]["accelerator"]) == ("paused", "tcg")
    assert shown["cpus"] == [{"cpu": i, "state": "current", "nested": False} for i in range(dumps.machine.smp)]
    with vmcore.Vmcore(dumps.truth) as truth:
        ranges = [(int(piece["start"], 16), piece["size"]) for piece in shown["ram"]["ranges"]]
        assert ranges == [(load.address, load.end - load.address) for load in truth.loads]
    with vmcore.Vmcore(dumps.from_core) as core:
        vmcoreinfo, = [desc.decode() for name, _, desc in core.notes() if name == "VMCOREINFO"]
    kernel = shown["kernel"]
    assert int(kernel["kaslr_offset"], 16) == int(re.search(r"KERNELOFFSET=(\w+)", vmcoreinfo).group(1), 16)
    assert kernel["release"] == re.search(r"OSRELEASE=(.*)", vmcoreinfo).group(1) and kernel["nodename"] == "(none)"
    assert (shown["absent"]["count"], shown["notices"]) == (0, [])


@pytest.mark.machines(*machines.CHEAP)
def test_hidden(dumps):
    """{dumps}: guest-info shows the RAM that QEMU's own dump lacks, because the VGA's memory is mapped over it"""
    with vmcore.Vmcore(dumps.truth) as truth:
        gaps = [(load.end, after.address) for load, after in zip(truth.loads, truth.loads[1:]) if load.end < 1 << 20]
    hidden = re.findall(r"^hidden .*\n +0x(\w+)-0x(\w+) +128 KiB  ", info(dumps), re.MULTILINE)
    assert bool(gaps) == ("VGA" in dumps.machine.name)
    assert [(int(start, 16), int(last, 16) + 1) for start, last in hidden] == gaps


def test_build_time(dumps):
    """{dumps}: the kernel's version, KASLR offset and addresses are those that its log shows"""
    text = info(dumps)
    banner = re.search(r"Linux version \S+ .*(#1 .*\S)", dumps.console).group(1)
    assert banner in text
    with vmcore.Vmcore(dumps.from_core) as core:
        vmcoreinfo, = [desc.decode() for name, _, desc in core.notes() if name == "VMCOREINFO"]
    offset = re.search(r"KERNELOFFSET=(\w+)", vmcoreinfo).group(1)
    assert f"KASLR offset 0x{offset}\n" in text


@pytest.mark.machines(*machines.SOME)
def test_last_line(dumps):
    """{dumps}: the last log line's time is that of the last line of crash's log, and the machine stopped after it"""
    shown = re.search(r"last log line at ([0-9.]+) s, at most ([0-9.]+) s before the machine stopped\n", info(dumps))
    times = re.findall(r"^\[ *([0-9]+\.[0-9]{6})\] ", crash.log(dumps), re.MULTILINE)
    assert shown.group(1) == times[-1]
    assert float(shown.group(2)) < 600


def test_missing(hollow):
    """A core of dump-guest-core=off: guest-info tells what is missing, and what else it can"""
    run = gdb.batch(hollow[1], hollow[0], commands=["guest-info"])
    assert run.status == 0, run
    assert re.search(r"missing +256.2 MiB in 2 ranges", run.output)
    assert re.search(r"CPUs +2: current 0,1", run.output)
    assert re.search(r"kernel +none found\n", run.output)
    assert re.search(r"note: no VMCOREINFO in the guest's RAM, of which 0x10040000 bytes are missing",
                     run.output)


@pytest.mark.gdb
def test_index(small, private_qemu, folder):
    """An index in QEMU's debuginfo, as some distributions make, changes nothing in what the commands find"""
    def found(qemu, name):
        run = gdb.batch(qemu, small[0], commands=[r"echo @here\n", "guest-info", "guest-regs -all", "guest-klog",
                                                  f"dump-guest-memory {folder}/{name}"])
        assert run.status == 0, run
        # The last line tells how long it took.
        return gdb.lines_of(run.output.split("@here\n")[1])[:-1]

    subprocess.run(["gdb-add-index", private_qemu], env=dict(os.environ, GDB=gdb.tested()), check=True)
    assert ".gdb_index" in subprocess.check_output(["readelf", "-SW", private_qemu], text=True)
    expected = found(small[1], "reference")
    assert "Linux version" in "\n".join(expected)
    indexed = found(private_qemu, "dump")
    # GDB 16.3 loses types of some programs behind its own index: they are found by structure then.
    if "No struct type" in gdb.batch(private_qemu, launcher=gdb.tested(), commands=["ptype struct AddressSpace"]).output:
        layout = next(i for i, line in enumerate(expected) if line.startswith("layout "))
        assert indexed[layout].startswith("layout    found by structure")
        indexed[layout] = expected[layout]
    assert indexed == expected
    assert vmcore.files_differ(folder / "dump", folder / "reference") is None


@pytest.mark.gdb
def test_not_qemu(sleeper_core):
    """A core of another program: guest-info says that it is none of QEMU's"""
    core, program = sleeper_core
    lines = gdb.attempt([program, core], "guest-info")
    assert len(lines) == 1 and f"{core}: its program is {program}, not a QEMU system emulator" in lines[0]


@pytest.mark.expensive
def test_executing(folder):
    """A core of a guest that was not stopped first: the registers of CPUs that were executing are not called current"""
    # More than there are CPUs, so that none has a moment without one.
    with lab.Guest(memory=256, append="lab.spin=4", directory=folder) as guest:
        guest.wait_for_execution()
        qemu, core = guest.qemu, guest.core(folder / "core")
    run = gdb.batch(qemu, core, commands=["guest-info", f"dump-guest-memory {folder}/vmcore"])
    assert run.status == 0, run
    assert re.search(r"^CPUs +2: .*unknown [01]", run.output, re.MULTILINE), run
    assert re.search(r"^note: CPU [01].*: whether the registers are current is not known", run.output, re.MULTILINE), run


# QEMU's binary is where nobody else can see it.
CONTAINED = """
mount -t tmpfs none "$1" && cp "$2" "$1/qemu-system-x86_64" || exit
exec "$1/qemu-system-x86_64" -accel tcg -m 64 -display none -nodefaults -L /usr/share/seabios -S -pidfile "$3"
"""


@pytest.mark.gdb
@pytest.mark.attach
def test_container(folder):
    """A QEMU in another mount namespace, where its binary is not to be seen from outside: guest-info has its version and RAM"""
    hidden, pid_file = folder / "hidden", folder / "pid"
    hidden.mkdir()
    unshare = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", hidden]).returncode:
        pytest.skip("mounting is not permitted here, not even in a namespace (kernel.unprivileged_userns_clone)")
    with subprocess.Popen([*unshare, "sh", "-c", CONTAINED, "sh", hidden, lab.lab("qemu"), pid_file]) as process:
        try:
            lab.wait_until(lambda: process.poll() is not None or pid_file.exists(), gdb.PATIENCE, "QEMU's start")
            run = gdb.batch("-p", process.pid, commands=["guest-info"])
        finally:
            process.kill()
    assert not list(hidden.iterdir())
    assert re.search(r"^QEMU +\d+\.\d+\.\d+", run.output, re.MULTILINE), run
    assert re.search(r"^RAM +64.2 MiB in \d+ ranges, read from the process$", run.output, re.MULTILINE), run
