# SPDX-License-Identifier: GPL-3.0-or-later
"""The guests that the tests look into, and all that is taken of each before it is gone.

Each is booted once. Two are at work at a time, in the background, from the first test that needs one.
"""

import concurrent.futures
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import gdb
from gdb import TOP
from virtio_mem import QTest, VirtioMem

sys.path.insert(0, str(TOP / "lab"))
import guest as lab  # noqa: E402
import records  # noqa: E402
import states  # noqa: E402,F401
import truth  # noqa: E402,F401

MIB = 1 << 20


# Processes of a guest that are known by their name.
SLEEPERS = 40


class Machine:
    """A guest to boot, and its preparation.

    prepare  called with the guest, which may have been stopped by then
    qemu     a function that tells another QEMU's path than the lab's
    kernel   as lab.Guest has it
    """

    def __init__(self, name, machine, memory, extra=(), prepare=None, smp=2, qemu=None, kernel=None):
        self.name = name
        self.machine = machine
        self.memory = memory
        self.smp = smp
        self.extra = extra
        self.prepare = prepare or (lambda guest: None)
        self.qemu = qemu or (lambda: None)
        self.kernel = kernel

    def __str__(self):
        return self.name

    def boot(self, folder, extra=()):
        return lab.Guest(qemu=self.qemu(), machine=self.machine, memory=self.memory, smp=self.smp,
                         extra=[*self.extra, *extra], kernel=self.kernel, append=f"lab.procs={SLEEPERS}",
                         directory=folder)


def plug_dimm(guest):
    guest.qmp("object-add", **{"qom-type": "memory-backend-ram", "id": "hotplugged", "size": 128 * MIB})
    guest.qmp("device_add", driver="pc-dimm", id="dimm", memdev="hotplugged")


def fill_dimms(guest, qtest):
    for info in guest.qmp("query-memory-devices"):
        if info["type"] in ("dimm", "nvdimm"):
            qtest.fill(info["data"]["addr"] + 0x1000, 0x1800, 0xd1)


def plug_memory(guest):
    """A DIMM; of 256 MiB of virtio-mem the blocks 1, 3 to 5, 31; bytes in all of them, and in the non-volatile DIMM."""
    plug_dimm(guest)
    guest.stop()
    with QTest(guest.directory, "qtest") as qtest:
        guest.qmp("qom-set", path="/machine/peripheral/vmem", property="requested-size", value=128 * MIB)
        device = VirtioMem(guest, qtest, "vmem")
        for block, count in ((1, 1), (3, 3), (31, 1)):
            address = device.plug(block, count)
            for i in range(count):
                qtest.fill(address + i * device.block_size, device.block_size, block + i)
        plugged = guest.qmp("qom-get", path="/machine/peripheral/vmem", property="size")
        if plugged != 5 * device.block_size:
            raise lab.GuestError(f"virtio-mem has {plugged} bytes plugged in, not {5 * device.block_size}")
        fill_dimms(guest, qtest)


# Bytes other than zeros from here on: a guest that has just been booted is done in no time.
FILLED_FROM, FILLED_SIZE = 256 * MIB, 1024 * MIB
QTEST = ["-qtest", "unix:qtest,server=on,wait=off", "-qtest-log", "none"]


def boot_filled(folder):
    """A stopped guest with 5 GiB, some of them full."""
    guest = lab.Guest(machine="q35", memory=5120, directory=folder, extra=QTEST)
    guest.stop()
    with QTest(guest.directory, "qtest") as qtest:
        qtest.fill(FILLED_FROM, FILLED_SIZE, 0xf1)
    return guest


# RAM below the PCI hole only, and on both sides of it.
MACHINES = [Machine(f"{machine} with {size}", machine, memory)
            for machine, memory, size in (("pc", 256, "256 MiB"), ("q35", 256, "256 MiB"), ("pc", 1024, "1 GiB"),
                                          ("q35", 5120, "5 GiB"))]

# All that makes the memory map more than RAM and a BIOS.
RICH_EXTRA = [
    "-m", "512M,slots=4,maxmem=8G",
    "-object", "memory-backend-memfd,id=node0,size=256M,share=on", "-object", "memory-backend-ram,id=node1,size=256M",
    "-numa", "node,nodeid=0,cpus=0,memdev=node0", "-numa", "node,nodeid=1,cpus=1,memdev=node1",
    "-device", "VGA",
    "-object", "memory-backend-ram,id=nonvolatile,size=64M", "-device", "nvdimm,memdev=nonvolatile",
    "-object", "memory-backend-memfd,id=shared,size=16M,share=on",
    # The state of a guest that is not the memory's master is not written.
    "-device", "ivshmem-plain,memdev=shared,master=on",
    "-object", "memory-backend-ram,id=growing,size=256M",
    "-device", "virtio-mem-pci,id=vmem,memdev=growing,node=0,requested-size=0",
    *QTEST]
RICH = Machine("q35 with NUMA, VGA, DIMMs, virtio-mem, shared memory", "q35,nvdimm=on", 512, RICH_EXTRA, plug_memory)

# virtio-mem of which nothing is plugged in.
EMPTY_VIRTIO_MEM = Machine(
    "pc with virtio-mem, nothing of it plugged in", "pc", 256,
    ["-m", "256M,maxmem=4G", "-object", "memory-backend-ram,id=growing,size=256M",
     "-device", "virtio-mem-pci,memdev=growing,requested-size=0"])

ONE_CPU = Machine("pc with 1 vCPU", "pc", 256, smp=1)
EIGHT_CPUS = Machine("q35 with 8 vCPUs", "q35", 256, smp=8)
# The kernel turns 5-level paging on where the CPU has it.
LA57 = Machine("pc with 5-level page tables", "pc", 256, ["-cpu", "max"])

ALL = [*MACHINES, RICH, EMPTY_VIRTIO_MEM, ONE_CPU, EIGHT_CPUS, LA57]
# For what costs seconds on each.
SOME = [MACHINES[0], RICH, LA57]
# The machines of make check.
CHEAP = SOME[:2]


class Dumps:
    """A guest's memory: as QEMU wrote it, as we did from the process, and from its core.

    options  GDB's
    command  what dumps, but for the file's name
    """

    options = ()
    command = "dump-guest-memory"

    def __init__(self, machine, folder):
        self.machine = machine
        self.folder = Path(folder)
        self.truth, self.attached, self.core, self.from_core = (
            self.folder / name for name in ("truth", "attached", "core", "from-core"))
        self.folder.mkdir()
        with machine.boot(self.folder) as guest:
            self.qemu = guest.qemu
            machine.prepare(guest)
            guest.stop()
            self.console = guest.serial.read_text(errors="replace")
            self.version = guest.qmp("query-version")
            self.machine_type = guest.qmp("qom-get", path="/machine", property="type")
            guest.dump(self.truth)
            self.attached_run = self.run("-p", guest.pid, commands=[f"{self.command} {gdb.quote(self.attached)}"])
            self.status_after = guest.qmp("query-status")["status"]
            guest.core(self.core)
        self.core_run = self.look(f"{self.command} {gdb.quote(self.from_core)}")
        self.views = gdb.Views(*self.options, self.qemu, self.core)

    def run(self, *arguments, commands):
        return gdb.batch(*self.options, *arguments, commands=commands)

    def look(self, *commands):
        """Runs GDB on the core."""
        return self.run(self.qemu, self.core, commands=commands)

    def remove(self):
        self.views.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def open_core(folder, name):
    """The core of a record, and QEMU's binary."""
    record = records.Opened(name, folder)
    return record.core, record.qemu


def take_core(folder, machine, memory):
    """The core of a stopped guest, and QEMU's binary."""
    with lab.Guest(machine=machine, memory=memory, directory=folder) as guest:
        guest.stop()
        return guest.core(Path(folder) / "core"), guest.qemu


def take_filled_core(folder):
    with boot_filled(folder) as guest:
        return guest.core(Path(folder) / "core"), guest.qemu


def unlimit_core():
    """For a new process: core files as large as they may be."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def core_of(process, folder):
    """The core of any process that was started in the folder, with unlimit_core(); it has died then."""
    path = Path(folder) / "core"
    pattern = lab.CorePattern()
    if pattern.is_file:
        since = time.time() - 1
        process.send_signal(signal.SIGABRT)
        process.wait(gdb.PATIENCE)
        shutil.move(pattern.find(process.pid, folder, since), path)
    else:
        gdb.batch("-p", process.pid, commands=[f"generate-core-file {path}"])
        process.kill()
        process.wait()
    return path


class Background:
    """Makes things, two at a time, in threads. QEMU dies with the thread that started it, so these end last of all."""

    # With made(thing), or None.
    observer = None

    def __init__(self):
        self.executor = concurrent.futures.ThreadPoolExecutor(2)
        self.futures = {}

    def start(self, key, function, *arguments, **options):
        if key not in self.futures:
            self.futures[key] = self.executor.submit(self._make, function, arguments, options)
        return self.futures[key]

    def _make(self, function, arguments, options):
        made = function(*arguments, **options)
        if self.observer:
            self.observer.made(made)
        return made

    def settle(self):
        """Waits until nothing is at work: for tests that measure time."""
        concurrent.futures.wait(self.futures.values())

    def close(self):
        self.executor.shutdown(cancel_futures=True)


def may_attach():
    """Tests whether this user may attach to a process that is not the debugger's own child."""
    with subprocess.Popen(["sleep", "1000"]) as sleeper:
        try:
            run = subprocess.run([sys.executable, "-c", PTRACE_PROBE, str(sleeper.pid)], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
            return run.returncode == 0
        finally:
            sleeper.kill()


# PTRACE_SEIZE, from a process that is not the parent, as GDB is not QEMU's.
PTRACE_PROBE = """
import ctypes, sys
libc = ctypes.CDLL(None)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
sys.exit(libc.ptrace(0x4206, int(sys.argv[1]), None, None) != 0)
"""
