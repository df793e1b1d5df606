# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to QEMU's fw_cfg by its qtest socket, as a guest's driver does (QEMU docs/specs/fw_cfg.rst).

The guest is stopped and never goes on, so that a page of its memory is ours to use.
"""

import struct

SELECTOR_PORT, DATA_PORT, DMA_PORT_HIGH, DMA_PORT_LOW = 0x510, 0x511, 0x514, 0x518
FILE_DIRECTORY = 0x19
SELECT, WRITE = 8, 16
REQUEST, DATA = 0x10000, 0x10100


def read(qtest, size):
    return bytes(int(qtest.command(f"inb {DATA_PORT:#x}")[0], 16) for _ in range(size))


def find_file(qtest, name):
    """The selector of a file."""
    qtest.command(f"outw {SELECTOR_PORT:#x} {FILE_DIRECTORY:#x}")
    count, = struct.unpack(">I", read(qtest, 4))
    for _ in range(count):
        _, selector, _, found = struct.unpack(">IHH56s", read(qtest, 64))
        if found.rstrip(b"\0").decode() == name:
            return selector
    raise RuntimeError(f"fw_cfg has no file {name}")


def write_file(qtest, name, data):
    selector = find_file(qtest, name)
    qtest.write(DATA, data)
    qtest.write(REQUEST, struct.pack(">IIQ", selector << 16 | SELECT | WRITE, len(data), DATA))
    for port, word in ((DMA_PORT_HIGH, 0), (DMA_PORT_LOW, REQUEST)):
        qtest.command(f"outl {port:#x} {struct.unpack('<I', struct.pack('>I', word))[0]:#x}")
    status, = struct.unpack(">I", qtest.read(REQUEST, 4))
    if status:
        raise RuntimeError(f"fw_cfg: writing {name}: status {status:#x}")
