# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge itself: small files of which the answer is known."""

import os
import struct

import pytest

import vmcore

PAGE = 4096


def write_core(path, segments, extended=False):
    """An ELF64 core with segments (address, bytes); extended: their number stands where more than 65,534 have it."""
    count = len(segments)
    shoff = 64 if extended else 0
    phoff = 128 if extended else 64
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, phoff, shoff, 0, 64, 56,
                                                             0xffff if extended else count, 64, int(extended), 0)
    section = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, count, 0, 0) if extended else b""
    offset = start = (phoff + 56 * count + PAGE - 1) // PAGE * PAGE
    headers = b""
    for address, data in segments:
        headers += struct.pack("<IIQQQQQQ", 1, 0, offset, 0, address, len(data), len(data), 0)
        offset += len(data)
    with open(path, "wb") as file:
        file.write(header + section + headers)
        file.seek(start)
        for _, data in segments:
            for i in range(0, len(data), PAGE):
                page = data[i:i + PAGE]
                # A hole where there is nothing but zeros.
                if any(page):
                    file.write(page)
                else:
                    file.seek(len(page), os.SEEK_CUR)
        file.truncate(offset)
    return path


def pages(*values):
    return b"".join(bytes([value]) * PAGE for value in values)


def test_equal(folder):
    """The judge finds no difference between files of equal memory in other segments, with holes in other places"""
    one = write_core(folder / "one", [(0, pages(1, 0, 0, 2)), (0x100000, pages(3))])
    with open(one, "r+b") as file:
        # Written zeros.
        with vmcore.Vmcore(one) as core:
            file.seek(core.offset_of(PAGE)[0])
        file.write(pages(0))
    other = write_core(folder / "other", [(0, pages(1, 0)), (2 * PAGE, pages(0, 2)), (0x100000, pages(3))])
    assert vmcore.difference(one, other) is None


@pytest.mark.parametrize("address", [0, PAGE + 1, 3 * PAGE, 0x100000 + PAGE - 1], ids=hex)
def test_one_byte(folder, address):
    """The judge finds the one byte that differs, at {address:#x}"""
    segments = [(0, pages(1, 0, 0, 2)), (0x100000, pages(3))]
    one = write_core(folder / "one", segments)
    changed = [(start, bytes(byte ^ (start + i == address) for i, byte in enumerate(data))) for start, data in segments]
    other = write_core(folder / "other", changed)
    assert f"0x{address:x} is" in vmcore.difference(one, other)
    assert f"0x{address:x} is" in vmcore.difference(other, one)


@pytest.mark.parametrize("what, segments", [
    ("is missing", [(0, pages(1))]),
    ("is longer", [(0, pages(1, 2)), (0x100000, pages(3))]),
    ("is elsewhere", [(PAGE, pages(1)), (0x100000, pages(3))]),
    ("is too many", [(0, pages(1)), (0x100000, pages(3)), (0x200000, pages(0))]),
])
def test_ranges(folder, what, segments):
    """The judge finds that one range {what}"""
    one = write_core(folder / "one", segments)
    other = write_core(folder / "other", [(0, pages(1)), (0x100000, pages(3))])
    assert "the truth is 0x0-0xfff, 0x100000-0x100fff" in vmcore.difference(one, other)


def test_many_segments(folder):
    """The judge reads a number of program headers that stands in the section header"""
    segments = [(i * 2 * PAGE, pages(i)) for i in range(1, 6)]
    extended = write_core(folder / "extended", segments, extended=True)
    assert vmcore.difference(extended, write_core(folder / "plain", segments)) is None


def test_cut_off(folder):
    """The judge finds that a segment leaves the file"""
    one = write_core(folder / "one", [(0, pages(1, 2))])
    os.truncate(one, os.path.getsize(one) - 1)
    with pytest.raises(AssertionError, match="leaves the file"):
        vmcore.difference(one, one)


def test_overlap(folder):
    """The judge takes two segments of the same bytes, and finds two of other bytes for one address"""
    truth = write_core(folder / "truth", [(0, pages(1, 2, 3))])
    one = write_core(folder / "one", [(0, pages(1, 2, 3)), (PAGE, pages(2))])
    with pytest.raises(AssertionError, match="two segments hold 0x1000, at other offsets"):
        vmcore.difference(one, truth)
    with open(one, "r+b") as file:
        # The second segment's p_offset: that of the first one's second page.
        file.seek(64 + 56 + 8)
        file.write(struct.pack("<Q", 2 * PAGE))
    assert vmcore.difference(one, truth) is None
