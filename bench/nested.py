#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long guest-nested takes on the vmcore of a large host with many virtual machines, against a read of the page tables.

In:  the record nested-6.1, a guest with one machine of KVM's. The host is made of it by replication: --memory GiB of RAM behind
     the record's, in a sparse file, with --machines machines in the kernel's list. Each has its own struct kvm, memory slot,
     mm_struct and page tables, all of small pages.
Out: seconds and ratios. Only the ratios mean something elsewhere.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "lab"))
sys.path.insert(0, str(TOP / "tests/guest"))
import guest as lab  # noqa: E402

GIB, PAGE, ENTRIES = 1 << 30, 4096, 512
FIRST = 4 * GIB  # the place of the host's further RAM
PRESENT, LARGE = 0x67, 0xe7
PT_LOAD, PT_NOTE = 1, 4


def program_headers(core):
    core.seek(0)
    header = core.read(64)
    place, count = struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<H", header, 56)[0]
    if count == 0xffff:
        sections = struct.unpack_from("<Q", header, 40)[0]
        core.seek(sections + 44)
        count, = struct.unpack("<I", core.read(4))
    core.seek(place)
    return header, [struct.unpack("<IIQQQQQQ", core.read(56)) for _ in range(count)]


class Host:
    """The vmcore of the host, as it is made."""

    def __init__(self, small, path, memory):
        self.size = memory * GIB
        with open(small, "rb") as source:
            header, found = program_headers(source)
            note, = [row for row in found if row[0] == PT_NOTE]
            # Physical ranges alone: the same bytes have further headers, by virtual addresses.
            ram = [row for row in found if row[0] == PT_LOAD and row[4] in (0, 0xfffc0000)][:2]
            source.seek(note[2])
            self.out = open(path, "w+b")
            rows, at = [], PAGE
            for kind, flags, offset, virtual, physical, size, _, _ in [note, *ram]:
                source.seek(offset)
                self.out.seek(at)
                self.out.write(source.read(size))
                rows.append((kind, flags, at, 0, physical, size, size if kind == PT_LOAD else 0, 0))
                at = -(-(at + size) // PAGE) * PAGE
            rows.append((PT_LOAD, 0, at, 0, FIRST, self.size, self.size, 0))
        self.places = [(row[4], row[2], row[5]) for row in rows[1:]]
        self.out.truncate(at + self.size)
        self.out.seek(0)
        self.out.write(header[:32] + struct.pack("<QQIHHHHHH", 64, 0, 0, 64, 56, len(rows), 0, 0, 0))
        for row in rows:
            self.out.write(struct.pack("<IIQQQQQQ", *row))
        self.next = FIRST

    def seek(self, gpa):
        start, offset, _ = next(place for place in self.places if place[0] <= gpa < place[0] + place[2])
        self.out.seek(offset + gpa - start)

    def put(self, gpa, data):
        self.seek(gpa)
        self.out.write(data)

    def put_word(self, gpa, value):
        self.put(gpa, struct.pack("<Q", value))

    def get(self, gpa, size):
        self.seek(gpa)
        return self.out.read(size)

    def take(self, size):
        """The place of SIZE free bytes, by pages."""
        place = self.next
        self.next += -(-size // PAGE) * PAGE
        return place


class Record:
    """The kernel of the record, as guest-core shows it."""

    def __init__(self, core, guest_core):
        self.command = [guest_core, core]

    def ask(self, *words):
        return subprocess.run([str(word) for word in (*self.command, *words)], check=True, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True).stdout

    def offset(self, member):
        return json.loads(self.ask("struct", member, "-json").splitlines()[0])["offset"]

    def size(self, kind):
        return max(member["offset"] + member["size"] for member in map(json.loads, self.ask("struct", kind, "-json").splitlines()))

    def physical(self, address):
        return int(json.loads(self.ask("vtop", address, "-json"))["gpa"], 16)

    def word(self, address):
        return int(json.loads(self.ask("x", "/1xg", address, "-json").splitlines()[0])["values"][0], 0)


class Machines:
    """The machines of the host: copies of the record's."""

    def __init__(self, record, host):
        self.record, self.host = record, host
        self.machine = json.loads(record.ask("nested", "-json").splitlines()[0])
        self.direct = record.word("page_offset_base")
        offsets = ("kvm.vm_list", "kvm.mm", "kvm.memslots", "kvm_memslots.gfn_tree", "kvm_memslots.node_idx", "mm_struct.pgd",
                   "kvm_memory_slot.gfn_node", "kvm_memory_slot.base_gfn", "kvm_memory_slot.npages", "kvm_memory_slot.userspace_addr")
        self.offsets = {name: record.offset(name) for name in offsets}
        self.bytes_of_kvm = self.copy(int(self.machine["kvm"], 16), record.size("kvm"))
        self.mm = record.word(hex(int(self.machine["kvm"], 16) + self.offsets["kvm.mm"]))
        self.bytes_of_mm = self.copy(self.mm, record.size("mm_struct"))
        self.map_directly()

    def copy(self, address, size):
        data = b""
        while len(data) < size:
            at = address + len(data)
            data += self.host.get(self.record.physical(hex(at)), min(size - len(data), PAGE - at % PAGE))
        return data

    def map_directly(self):
        """Maps the further RAM in the direct map, by pages of 1 GiB."""
        entries = json.loads(self.record.ask("vtop", hex(self.direct), "-json"))["entries"]
        table = int(entries[0]["value"], 16) & 0xffffffffff000
        index = self.direct >> 30 & 511
        for gpa in range(FIRST, FIRST + self.host.size, GIB):
            self.host.put_word(table + (index + gpa // GIB) * 8, gpa | LARGE)

    def tables(self, size):
        """The root of page tables that map SIZE bytes at SIZE GiB of a process to RAM of the host, by small pages, none of which
        follows its neighbour."""
        first = self.host.take(size)
        level = []
        for at in range(0, size, PAGE * ENTRIES):
            table = self.host.take(PAGE)
            self.host.put(table, struct.pack("<512Q", *range(first + at + PAGE * (ENTRIES - 1) | PRESENT, first + at, -PAGE)))
            level.append(table)
        for _ in range(3):
            places = []
            for i in range(0, len(level), ENTRIES):
                places.append(self.host.take(PAGE))
                part = level[i:i + ENTRIES]
                self.host.put(places[-1], struct.pack(f"<{len(part)}Q", *(table | PRESENT for table in part)))
            level = places
        return level[0]

    def add(self, size):
        """Adds a machine with SIZE bytes of memory; returns the place of its list's node."""
        offsets, host = self.offsets, self.host
        kvm, slots, slot, mm = (host.take(size) for size in (len(self.bytes_of_kvm), PAGE, PAGE, len(self.bytes_of_mm)))
        host.put(kvm, self.bytes_of_kvm)
        host.put(mm, self.bytes_of_mm)
        host.put_word(mm + offsets["mm_struct.pgd"], self.direct + self.tables(size))
        host.put_word(kvm + offsets["kvm.mm"], self.direct + mm)
        host.put_word(kvm + offsets["kvm.memslots"], self.direct + slots)
        host.put_word(slots + offsets["kvm_memslots.gfn_tree"], self.direct + slot + offsets["kvm_memory_slot.gfn_node"])
        host.put_word(slot + offsets["kvm_memory_slot.npages"], size // PAGE)
        return kvm + offsets["kvm.vm_list"]

    def replicate(self, count, size):
        head = self.record.physical("vm_list")
        next_node = self.host.get(head, 8)
        for _ in range(count - 1):
            node = self.add(size)
            self.host.put(node, next_node)
            next_node = struct.pack("<Q", self.direct + node)
        self.host.put(head, next_node)


def smallest(command, repeat):
    times = []
    for _ in range(repeat):
        began = time.monotonic()
        subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - began)
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--guest-core", default=str(TOP / "guest-core"), help="the program (%(default)s)")
    parser.add_argument("--memory", type=int, default=64, help="GiB of RAM (%(default)s)")
    parser.add_argument("--machines", type=int, default=20, help="virtual machines (%(default)s)")
    parser.add_argument("--keep", help="a folder for the vmcore, which stays there")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each, of which the smallest counts (%(default)s)")
    arguments = parser.parse_args()
    import records
    with tempfile.TemporaryDirectory(prefix="gdb-guest-bench-") as name:
        folder = Path(name)
        opened = records.Opened("nested-6.1", folder)
        small, large = folder / "small", Path(arguments.keep or name) / "host"
        subprocess.run([arguments.guest_core, "-qemu", str(opened.qemu), str(opened.core), "dump", str(small)], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)
        host = Host(small, large, arguments.memory)
        size = arguments.memory * 9 // 10 * GIB // arguments.machines // (2 << 20) * (2 << 20)
        Machines(Record(small, arguments.guest_core), host).replicate(arguments.machines, size)
        host.out.close()
        tables = arguments.machines * size // ENTRIES
        print(f"a host with {arguments.memory} GiB and {arguments.machines} machines of {size >> 20} MiB each; "
              f"page tables of {tables >> 20} MiB")
        with open(folder / "tables", "wb") as out:
            out.write(os.urandom(1 << 20) * (tables >> 20))
        reading = smallest(["cat", folder / "tables"], arguments.repeat)
        for command in (["info"], ["nested"]):
            seconds = smallest([arguments.guest_core, large, *command], arguments.repeat)
            print(f"{'guest-' + command[0]:20} {seconds:6.2f} s  {seconds / reading:6.1f} times a read of so many bytes")


if __name__ == "__main__":
    main()
