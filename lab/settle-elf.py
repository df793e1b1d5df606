#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a program of another system use that system's dynamic loader and libraries, in place.

In:  an ELF64 program (little endian, position independent or not), the loader's path, the libraries' folders.
Out: the same file, in which the two strings stand in the padding behind a segment, PT_INTERP and .interp lead to the one,
     a new DT_RPATH in a spare entry of .dynamic to the other. Nothing moves, and the file's size stays.

The formats: the System V ABI, chapters 4 and 5. DT_RPATH, and not DT_RUNPATH: the libraries' own libraries and what is
loaded later are looked for there too.
"""

import argparse
import struct
import sys

PAGE = 4096
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_STRTAB, DT_RPATH, DT_RUNPATH = 0, 5, 15, 29
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SEGMENT = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
ENTRY = struct.Struct("<qQ")


class Refused(Exception):
    """The file is not as it should be for this."""


class Program:
    def __init__(self, data):
        self.data = data
        ident, _, _, _, _, phoff, shoff, _, _, _, phnum, _, shnum, _ = HEADER.unpack_from(data)
        if ident[:6] != b"\x7fELF\x02\x01":
            raise Refused("it is no ELF64 file of little endian")
        self.segments = [phoff + i * SEGMENT.size for i in range(phnum)]
        self.sections = [shoff + i * SECTION.size for i in range(shnum)]

    def find_segment(self, kind):
        """Returns the file offset of the first program header of the kind, and its fields."""
        for place in self.segments:
            fields = SEGMENT.unpack_from(self.data, place)
            if fields[0] == kind:
                return place, list(fields)
        raise Refused(f"it has no program header of type {kind}")

    def append(self, data):
        """Puts bytes into the padding behind the first segment that has room; their offset in the file and their address."""
        for place in self.segments:
            segment = list(SEGMENT.unpack_from(self.data, place))
            kind, _, offset, address, _, size, memory_size, _ = segment
            end = offset + size
            if kind != PT_LOAD or size != memory_size or self.room_at(end) < len(data) or any(self.data[end:end + len(data)]):
                continue
            self.data[end:end + len(data)] = data
            segment[5] = segment[6] = size + len(data)
            SEGMENT.pack_into(self.data, place, *segment)
            return end, address + size
        raise Refused(f"there is no room for {len(data)} bytes behind a segment")

    def room_at(self, end):
        """Returns the bytes from the end of a segment to the end of its last page, or to the next segment."""
        # The kernel maps whole pages of the file: what is left of the last one is in memory as it is here.
        starts = [offset for kind, _, offset, *_ in (SEGMENT.unpack_from(self.data, place) for place in self.segments)
                  if kind == PT_LOAD and offset >= end]
        return min(-end % PAGE, *(start - end for start in starts), PAGE)

    def set_interpreter(self, path):
        text = path.encode() + b"\0"
        offset, address = self.append(text)
        place, segment = self.find_segment(PT_INTERP)
        old_address = segment[3]
        segment[2:7] = offset, address, address, len(text), len(text)
        SEGMENT.pack_into(self.data, place, *segment)
        for place in self.sections:
            section = list(SECTION.unpack_from(self.data, place))
            if section[3] == old_address and section[1] == 1:
                section[3:6] = address, offset, len(text)
                SECTION.pack_into(self.data, place, *section)

    def add_rpath(self, path):
        entries, spare = self.dynamic()
        if DT_RPATH in entries or DT_RUNPATH in entries:
            raise Refused("it has a path for its libraries")
        _, address = self.append(path.encode() + b"\0")
        # The value counts from the string table, wherever the string is.
        ENTRY.pack_into(self.data, spare, DT_RPATH, address - entries[DT_STRTAB])

    def dynamic(self):
        """The entries of .dynamic by their tags, and where in the file the first of at least two empty ones is."""
        _, segment = self.find_segment(PT_DYNAMIC)
        offset, size = segment[2], segment[5]
        entries = {}
        for place in range(offset, offset + size - ENTRY.size, ENTRY.size):
            tag, value = ENTRY.unpack_from(self.data, place)
            if tag == DT_NULL:
                if any(self.data[place:place + 2 * ENTRY.size]):
                    break
                return entries, place
            entries[tag] = value
        raise Refused("its .dynamic has no spare entry")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("loader", help="the path of the dynamic loader")
    parser.add_argument("libraries", help="the libraries' folders, with colons between them")
    arguments = parser.parse_args()
    try:
        with open(arguments.program, "r+b") as file:
            program = Program(bytearray(file.read()))
            program.set_interpreter(arguments.loader)
            program.add_rpath(arguments.libraries)
            file.seek(0)
            file.write(program.data)
    except (OSError, Refused, struct.error) as error:
        sys.exit(f"settle-elf.py: error: {arguments.program}: {error}")


if __name__ == "__main__":
    main()
