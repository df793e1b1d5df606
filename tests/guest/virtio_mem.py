# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives QEMU from outside, by its qtest socket, in place of a guest's driver for virtio-mem.

The guest is stopped and never goes on, so that all its memory is ours to use. With no driver involved the blocks that
are plugged are exactly those that a test asks for, and it needs no kernel module.

The formats: Virtual I/O Device (VIRTIO), version 1.2, sections 2.7 (split virtqueues), 4.1.4 (PCI), 5.15 (memory).
"""

import os
import socket
import struct

# In the guest's memory: the queue's three parts, one request, one response.
DESCRIPTORS, AVAILABLE, USED, REQUEST, RESPONSE = 0x10000, 0x11000, 0x12000, 0x13000, 0x13800

# Offsets in the common configuration, and the bits of the status.
FEATURE_SELECT, FEATURE, DRIVER_SELECT, DRIVER_FEATURE, STATUS = 0, 4, 8, 12, 20
QUEUE_SELECT, QUEUE_SIZE, QUEUE_ENABLE, QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE = 22, 24, 28, 32, 40, 48
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK = 1, 2, 4, 8
VERSION_1 = 1 << 32
DESC_NEXT, DESC_WRITE = 1, 2
PLUG = 0


class QTest:
    """As much of QEMU's qtest protocol (softmmu/qtest.c) as is needed here."""

    def __init__(self, folder, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        # By way of the folder's descriptor: a socket's path must be short.
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        try:
            self.socket.connect(f"/proc/self/fd/{descriptor}/{name}")
        finally:
            os.close(descriptor)
        self.answers = self.socket.makefile("r")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.close()
        self.socket.close()

    def command(self, line):
        self.socket.sendall(line.encode() + b"\n")
        answer = self.answers.readline().split()
        if not answer or answer[0] != "OK":
            raise RuntimeError(f"qtest: {line}: {' '.join(answer) or 'no answer'}")
        return answer[1:]

    def write(self, address, data):
        self.command(f"write 0x{address:x} 0x{len(data):x} 0x{data.hex()}")

    def read(self, address, size):
        return bytes.fromhex(self.command(f"read 0x{address:x} 0x{size:x}")[0][2:])

    def fill(self, address, size, byte):
        self.command(f"memset 0x{address:x} 0x{size:x} 0x{byte:02x}")

    # The width is that of a device's register: 1, 2, 4, 8 bytes.
    def put(self, address, width, value):
        self.command(f"write{'bwlq'[width.bit_length() - 1]} 0x{address:x} 0x{value:x}")

    def get(self, address, width):
        return int(self.command(f"read{'bwlq'[width.bit_length() - 1]} 0x{address:x}")[0], 16)

    def write_pci_config(self, device, register, value):
        self.command(f"outl 0xcf8 0x{0x80000000 | device << 11 | register:x}")
        self.command(f"outl 0xcfc 0x{value:x}")


class VirtioMem:
    """The virtio-mem-pci device of a stopped guest, by its id."""

    def __init__(self, guest, qtest, name):
        self.qtest = qtest
        devices = [device for bus in guest.qmp("query-pci") for device in bus["devices"]]
        device = next(device for device in devices if device["qdev_id"] == name)
        # QEMU has all four configurations in BAR 4, a page each.
        base = next(region["address"] for region in device["regions"] if region["bar"] == 4)
        self.common, self.config, self.notify = base, base + 0x2000, base + 0x3000
        # Memory and bus master.
        qtest.write_pci_config(device["slot"], 4, 6)
        self.requests = 0
        self._start()
        self.block_size, _, self.address = struct.unpack("<QQQ", qtest.read(self.config, 24))

    def _start(self):
        put, get = self.qtest.put, self.qtest.get
        common = self.common
        put(common + STATUS, 1, 0)
        put(common + STATUS, 1, ACKNOWLEDGE | DRIVER)
        features = 0
        for half in (0, 1):
            put(common + FEATURE_SELECT, 4, half)
            features |= get(common + FEATURE, 4) << 32 * half
        # All that virtio-mem itself offers is below bit 24.
        features &= VERSION_1 | (1 << 24) - 1
        for half in (0, 1):
            put(common + DRIVER_SELECT, 4, half)
            put(common + DRIVER_FEATURE, 4, features >> 32 * half & 0xffffffff)
        put(common + STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK)
        if not get(common + STATUS, 1) & FEATURES_OK:
            raise RuntimeError(f"virtio-mem refuses the features 0x{features:x}")

        self.qtest.fill(DESCRIPTORS, 0x4000, 0)
        put(common + QUEUE_SELECT, 2, 0)
        self.queue_size = get(common + QUEUE_SIZE, 2)
        for register, address in ((QUEUE_DESC, DESCRIPTORS), (QUEUE_DRIVER, AVAILABLE), (QUEUE_DEVICE, USED)):
            put(common + register, 4, address)
            put(common + register + 4, 4, 0)
        put(common + QUEUE_ENABLE, 2, 1)
        put(common + STATUS, 1, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK)

    def plug(self, block, count=1):
        """Plugs blocks, by their index in the device; the device must have been asked to grow by so much."""
        address = self.address + block * self.block_size
        self.qtest.write(REQUEST, struct.pack("<H6xQH6x", PLUG, address, count))
        self.qtest.write(DESCRIPTORS, struct.pack("<QIHH", REQUEST, 24, DESC_NEXT, 1)
                         + struct.pack("<QIHH", RESPONSE, 16, DESC_WRITE, 0))
        self.qtest.fill(RESPONSE, 16, 0xff)
        self.qtest.write(AVAILABLE + 4 + 2 * (self.requests % self.queue_size), struct.pack("<H", 0))
        self.requests += 1
        self.qtest.write(AVAILABLE + 2, struct.pack("<H", self.requests))
        self.qtest.put(self.notify, 2, 0)
        # The device answers while it is being notified.
        used, = struct.unpack("<H", self.qtest.read(USED + 2, 2))
        answer, = struct.unpack("<H", self.qtest.read(RESPONSE, 2))
        if used != self.requests or answer != 0:
            raise RuntimeError(f"virtio-mem: plugging block {block}: used index {used}, response {answer}")
        return address
