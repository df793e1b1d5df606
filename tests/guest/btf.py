# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads BTF (Linux Documentation/bpf/btf.rst), for truths that gdb-guest's own reader has no part in."""

import struct

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC = range(1, 16)
ENUM64 = 19
# The bytes behind a type's head: of an element, and of the whole.
PER_ELEMENT = {STRUCT: 12, UNION: 12, ENUM: 8, FUNC_PROTO: 8, DATASEC: 12, ENUM64: 12}
FIXED = {INT: 4, ARRAY: 12, VAR: 4, 17: 4}
WRAPPERS = (TYPEDEF, VOLATILE, CONST, RESTRICT, 18)


class Btf:
    """Types by number; those of BASE, of which these are a continuation, too."""

    def __init__(self, data, base=None):
        head, types, types_size, strings, strings_size = struct.unpack_from("<4xI4I", data)
        self.base, self.names = base, data[head + strings:head + strings + strings_size]
        self.first = base.end if base else 1
        self.name_start = base.name_end if base else 0
        self.name_end = self.name_start + strings_size
        self.types, self.by_name = [], {}
        at, end = head + types, head + types + types_size
        while at < end:
            name, info, size = struct.unpack_from("<III", data, at)
            kind, count = info >> 24 & 31, info & 0xffff
            length = PER_ELEMENT[kind] * count if kind in PER_ELEMENT else FIXED.get(kind, 0)
            self.types.append((kind, size, info >> 31, data[at + 12:at + 12 + length]))
            if kind in (STRUCT, UNION):
                self.by_name.setdefault(self.name(name), self.first + len(self.types) - 1)
            at += 12 + length
        self.end = self.first + len(self.types)

    def name(self, offset):
        if offset < self.name_start:
            return self.base.name(offset)
        start = offset - self.name_start
        return self.names[start:self.names.index(b"\0", start)].decode()

    def type(self, number):
        return self.base.type(number) if number < self.first else self.types[number - self.first]

    def find(self, name):
        return self.by_name[name] if name in self.by_name or not self.base else self.base.find(name)

    def resolve(self, number):
        while self.type(number)[0] in WRAPPERS:
            number = self.type(number)[1]
        return number

    def size(self, number):
        kind, size, _, rest = self.type(self.resolve(number))
        if kind == ARRAY:
            element, _, count = struct.unpack("<III", rest)
            return self.size(element) * count
        return 8 if kind == PTR else size

    def member(self, struct_name, path):
        """The offset and the size of a member."""
        number, offset = self.find(struct_name), 0
        for word in path.split("."):
            found, number = self._member(self.resolve(number), word)
            offset += found
        return offset, self.size(number)

    def _member(self, number, word):
        kind, _, is_bits, rest = self.type(number)
        for at in range(0, len(rest) if kind in (STRUCT, UNION) else 0, 12):
            name, inner, bit = struct.unpack_from("<III", rest, at)
            offset = (bit & 0xffffff if is_bits else bit) // 8
            if self.name(name) == word:
                return offset, inner
            if not name:
                try:
                    found, inner = self._member(self.resolve(inner), word)
                    return offset + found, inner
                except KeyError:
                    pass
        raise KeyError(word)
