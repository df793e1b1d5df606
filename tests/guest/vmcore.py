# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads ELF vmcores and compares what they hold.

In:  files as QEMU and as gdb-guest write them. e_ehsize is not looked at: QEMU's is wrong.
Out: the guest-physical ranges, and the first difference between two files.

This is the judge of the project's own ELF code, and so shares none of it.
"""

import errno
import os
import struct

PT_LOAD, PT_NOTE = 1, 4
PN_XNUM = 0xffff
EM_386 = 3
EM_S390 = 22
CHUNK = 1 << 20


class Segment:
    def __init__(self, kind, offset, virtual, address, file_size, memory_size):
        self.kind = kind
        self.offset = offset
        self.virtual = virtual
        self.address = address
        self.file_size = file_size
        self.memory_size = memory_size

    @property
    def end(self):
        return self.address + self.memory_size


class Vmcore:
    """An ELF core, open as long as the object is in use."""

    def __init__(self, path):
        self.path = str(path)
        with open(path, "rb") as file:
            self.fd = os.dup(file.fileno())
        self.size = os.fstat(self.fd).st_size
        self._read_headers()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def _read(self, offset, size):
        data = os.pread(self.fd, size, offset)
        assert len(data) == size, f"{self.path} has no {size} bytes at offset {offset}"
        return data

    def _read_headers(self):
        ident = self._read(0, 16)
        assert ident[:4] == b"\x7fELF", f"{self.path} is not ELF"
        self.order = order = {1: "<", 2: ">"}[ident[5]]
        is_64 = ident[4] == 2
        header = struct.Struct(order + ("HHIQQQIHHHHHH" if is_64 else "HHIIIIIHHHHHH"))
        (self.type, self.machine, _, _, phoff, shoff, _, self.header_size, phentsize, phnum, _, _, _) = header.unpack(
            self._read(16, header.size))
        if phnum == PN_XNUM:
            # The section header's sh_info has the real number.
            phnum = struct.unpack(order + "I", self._read(shoff + (44 if is_64 else 28), 4))[0]
        self.segments = []
        for i in range(phnum):
            place = phoff + i * phentsize
            if is_64:
                kind, _, offset, virtual, address, file_size, memory_size, _ = struct.unpack(
                    order + "IIQQQQQQ", self._read(place, 56))
            else:
                kind, offset, virtual, address, file_size, memory_size, _, _ = struct.unpack(
                    order + "IIIIIIII", self._read(place, 32))
            self.segments.append(Segment(kind, offset, virtual, address, file_size, memory_size))
        self.loads = sorted((segment for segment in self.segments if segment.kind == PT_LOAD),
                            key=lambda segment: segment.address)

    def check(self):
        """Raises AssertionError where a segment lacks bytes or leaves the file, or where two contradict each other."""
        for load in self.loads:
            assert load.file_size == load.memory_size, f"{self.path}: not all of 0x{load.address:x} is in the file"
            assert load.offset + load.file_size <= self.size, f"{self.path}: 0x{load.address:x} leaves the file"
        # Segments may overlap: the same bytes with another virtual address.
        for i, load in enumerate(self.loads):
            for other in self.loads[i + 1:]:
                assert other.address >= load.end or other.offset - other.address == load.offset - load.address, (
                    f"{self.path}: two segments hold 0x{other.address:x}, at other offsets")

    def ranges(self):
        """[(start, end)] of guest-physical memory, neighbours joined."""
        joined = []
        for load in self.loads:
            if joined and load.address <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], load.end))
            else:
                joined.append((load.address, load.end))
        return joined

    def offset_of(self, address):
        """Returns the file offset of the byte at a guest-physical address, and how many bytes follow there."""
        for load in self.loads:
            if load.address <= address < load.end:
                return load.offset + (address - load.address), load.end - address
        raise KeyError(hex(address))

    def notes(self):
        """[(name, type, bytes)] of all notes."""
        found = []
        for segment in self.segments:
            data = self._read(segment.offset, segment.file_size) if segment.kind == PT_NOTE else b""
            while data:
                name_size, size, kind = struct.unpack(self.order + "III", data[:12])
                start = 12 + (name_size + 3) // 4 * 4
                end = start + (size + 3) // 4 * 4
                found.append((data[12:12 + name_size].rstrip(b"\0").decode(), kind, data[start:start + size]))
                data = data[end:]
        return found


def stretch(fd, offset, end):
    """Tests whether the disk has bytes at the offset, and returns the end of that. A hole's bytes are zeros."""
    try:
        data = os.lseek(fd, offset, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return False, end
    if data > offset:
        return False, min(data, end)
    return True, min(os.lseek(fd, offset, os.SEEK_HOLE), end)


def first_difference(fd, offset, other, other_offset, size):
    """Returns the distance from the offsets at which two files first differ, or None.

    Holes are not read: a guest's memory is full of them.
    """
    zeros = bytes(CHUNK)
    done = 0
    while done < size:
        data, end = stretch(fd, offset + done, offset + size)
        other_data, other_end = stretch(other, other_offset + done, other_offset + size)
        same = min(end - offset, other_end - other_offset) - done
        if not data and not other_data:
            done += same
            continue
        chunk = min(same, CHUNK)
        ours = os.pread(fd, chunk, offset + done) if data else zeros[:chunk]
        theirs = os.pread(other, chunk, other_offset + done) if other_data else zeros[:chunk]
        if ours != theirs:
            common = min(len(ours), len(theirs))
            return done + next((i for i in range(common) if ours[i] != theirs[i]), common)
        done += chunk
    return None


def describe(ranges):
    return ", ".join(f"0x{start:x}-0x{end - 1:x}" for start, end in ranges)


def difference(ours, truth):
    """Returns what is wrong with our vmcore, other ranges or other bytes than the truth's, or None."""
    with Vmcore(ours) as our, Vmcore(truth) as their:
        our.check()
        their.check()
        if our.ranges() != their.ranges():
            return f"ours holds {describe(our.ranges())}; the truth is {describe(their.ranges())}"
        for start, end in their.ranges():
            while start < end:
                offset, left = our.offset_of(start)
                their_offset, their_left = their.offset_of(start)
                size = min(left, their_left)
                at = first_difference(our.fd, offset, their.fd, their_offset, size)
                if at is not None:
                    byte, truth_byte = (os.pread(fd, 1, place + at)
                                        for fd, place in ((our.fd, offset), (their.fd, their_offset)))
                    return f"the byte at guest-physical 0x{start + at:x} is {byte.hex()}, the truth {truth_byte.hex()}"
                start += size
    return None


def files_differ(one, other):
    """Returns the difference of two files, or None."""
    with open(one, "rb") as left, open(other, "rb") as right:
        sizes = [os.fstat(file.fileno()).st_size for file in (left, right)]
        if sizes[0] != sizes[1]:
            return f"{one} has {sizes[0]} bytes, {other} {sizes[1]}"
        at = first_difference(left.fileno(), 0, right.fileno(), 0, sizes[0])
        return None if at is None else f"{one} and {other} differ at offset {at}"
