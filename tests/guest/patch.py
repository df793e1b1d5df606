# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes bytes in the core of a QEMU, by the names that QEMU has for them."""

import mmap
import re
import struct
from pathlib import Path

import gdb

PT_LOAD = 1


class Core:
    """A core file by address, or a vmcore by guest-physical address."""

    def __init__(self, path, physical=False):
        self.file = open(path, "r+b")
        header = self.file.read(64)
        phoff, = struct.unpack_from("<Q", header, 32)
        phentsize, phnum = struct.unpack_from("<HH", header, 54)
        self.loads = []
        for i in range(phnum):
            self.file.seek(phoff + i * phentsize)
            kind, _, offset, address, gpa, size, _, _ = struct.unpack("<IIQQQQQQ", self.file.read(56))
            if kind == PT_LOAD:
                self.loads.append((gpa if physical else address, size, offset))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, address, data):
        for start, size, offset in self.loads:
            if start <= address and address + len(data) <= start + size:
                self.file.seek(offset + address - start)
                self.file.write(data)
                return
        raise ValueError(f"the core has no 0x{address:x}")


def addresses(qemu, core, *expressions):
    """Returns the addresses of variables and members, in which {cpus} is the list of the CPUs.

    It is "cpus_queue" since QEMU 8.2, and "cpus" before.
    """
    cpus = "cpus_queue" if b"\0cpus_queue\0" in Path(qemu).read_bytes() else "cpus"
    commands = [f'printf "@%lx\\n", (unsigned long) &({expression.format(cpus=cpus)})' for expression in expressions]
    run = gdb.batch(qemu, core, commands=commands)
    found = [int(text, 16) for text in re.findall(r"^@([0-9a-f]+)$", run.output, re.MULTILINE)]
    assert len(found) == len(expressions), run
    return found


def cpu(index, member):
    return "{cpus}.tqh_first" + "->node.tqe_next" * index + f"->{member}"


def make_kvm(qemu, path, dirty):
    """As if KVM had been the accelerator: for each CPU, whether its registers are QEMU's."""
    where = addresses(qemu, path, "tcg_allowed", "kvm_allowed", *[cpu(i, "vcpu_dirty") for i in range(len(dirty))])
    with Core(path) as core:
        for address, value in zip(where, [False, True, *dirty]):
            core.write(address, bytes([value]))


def set_cpu_index(qemu, path):
    where, = addresses(qemu, path, cpu(1, "cpu_index"))
    with Core(path) as core:
        core.write(where, struct.pack("<I", 1 << 31))


def make_circle(qemu, path):
    first, link = addresses(qemu, path, "*" + cpu(0, "")[:-2], cpu(1, "node.tqe_next"))
    with Core(path) as core:
        core.write(link, struct.pack("<Q", first))


def replace(path, old, new):
    """Each occurrence of OLD, anywhere; how many there were."""
    assert len(old) == len(new)
    count = at = 0
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        while (at := memory.find(old, at)) >= 0:
            memory[at:at + len(old)] = new
            count += 1
    return count
