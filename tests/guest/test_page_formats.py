# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-vtop's walk in the page tables of aarch64 and riscv64 that Debian's kernels do not use, against QEMU's own walk.

The guests are no operating systems: each CPU turns on its own tables and stays in a loop.
"""

import random
import re
import struct

import pytest

import gdb
from machines import lab

MEMORY = 64 << 20
COUNT = 60

# Each CPU takes four words behind the code, and enters the loop at the end; the first CPU starts the others by PSCI.
ARM64 = [
    0xd53800a9,  # mrs x9, mpidr_el1
    0x92401d29,  # and x9, x9, #0xff
    0xb5000149,  # cbnz x9, setup
    0xd2800033,  # mov x19, #1
    0xd2800060,  # next: mov x0, #3
    0xf2b88000,  # movk x0, #0xc400, lsl #16
    0xaa1303e1,  # mov x1, x19
    0x10ffff22,  # adr x2, start
    0xd4000002,  # hvc #0
    0x91000673,  # add x19, x19, #1
    0xf100127f,  # cmp x19, #4
    0x54ffff21,  # b.ne next
    0x10000181,  # setup: adr x1, words
    0x8b091421,  # add x1, x1, x9, lsl #5
    0xa9400c22,  # ldp x2, x3, [x1]
    0xa9411424,  # ldp x4, x5, [x1, #16]
    0xd5182002,  # msr ttbr0_el1, x2
    0xd5182023,  # msr ttbr1_el1, x3
    0xd5182044,  # msr tcr_el1, x4
    0xd5033fdf,  # isb
    0xd5181005,  # msr sctlr_el1, x5
    0xd5033fdf,  # isb
    0x14000000,  # loop: b loop
    0xd503201f,  # nop
]
# Each hart takes a word behind the code for satp, and goes on in supervisor mode.
RISCV = [
    0x00000297,  # auipc t0, 0
    0x00351313,  # slli t1, a0, 3
    0x00530333,  # add t1, t1, t0
    0x04033303,  # ld t1, 64(t1)
    0x18031073,  # csrw satp, t1
    0xfff00313,  # li t1, -1
    0x3b031073,  # csrw pmpaddr0, t1
    0x01f00313,  # li t1, 0x1f
    0x3a031073,  # csrw pmpcfg0, t1
    0x00100313,  # li t1, 1
    0x00b31313,  # slli t1, t1, 11
    0x30031073,  # csrw mstatus, t1
    0x03c28313,  # addi t1, t0, 60
    0x34131073,  # csrw mepc, t1
    0x30200073,  # mret
    0x0000006f,  # loop: j loop
]


class Tables:
    """Page tables in a guest's first bytes of RAM, behind its program."""

    def __init__(self, start):
        self.start = start
        self.bytes = bytearray(1 << 16)

    def allocate(self, size):
        """A table at a multiple of its size."""
        self.bytes += bytes(-len(self.bytes) % size + size)
        return self.start + len(self.bytes) - size

    def set(self, address, value):
        struct.pack_into("<Q", self.bytes, address - self.start, value)


class Tree:
    """The tables of one half of a CPU's addresses; what an architecture has of its own is in the classes below."""

    def __init__(self, tables, page_bits, input_bits):
        self.tables, self.page_bits, self.input_bits = tables, page_bits, input_bits
        self.index_bits = page_bits - 3
        self.levels = -(-(input_bits - page_bits) // self.index_bits)
        self.root = tables.allocate(1 << page_bits)
        # The places of entries: of tables, with the table's address, and of pages.
        self.children, self.leaves = {}, set()

    def open_bits(self, level):
        return self.page_bits + (level - 1) * self.index_bits

    def map(self, address, level, leaf):
        """Has the entry of that level be the leaf, but where a larger page is in the way."""
        table = self.root
        for step in range(self.levels, 0, -1):
            index = (address & (1 << self.input_bits) - 1) >> self.open_bits(step) & (1 << self.index_bits) - 1
            place = table + 8 * index
            if step == level:
                if place not in self.children:
                    self.tables.set(place, leaf)
                    self.leaves.add(place)
                return
            if place not in self.children:
                if place in self.leaves:
                    return
                self.children[place] = self.tables.allocate(1 << self.page_bits)
                self.tables.set(place, self.to_table(self.children[place]))
            table = self.children[place]

    def fill(self, chance, upper):
        """Maps pages of all sizes; returns addresses in the pages, and beside them."""
        addresses = []
        ones = (1 << 64) - (1 << self.input_bits) if upper else 0
        for _ in range(COUNT):
            level = chance.choice(self.leaf_levels())
            # Addresses of a few tables, so that the entries have neighbours.
            address = chance.randrange(1 << self.input_bits)
            if addresses and chance.random() < 0.8:
                shared = chance.randrange(self.page_bits, self.input_bits)
                address = chance.choice(addresses) >> shared << shared | address & (1 << shared) - 1
            address &= (1 << self.input_bits) - 1
            # The program's own page stays.
            if not upper and address >> 32 == 0:
                address |= 1 << 33
            self.map(address, level, self.leaf(chance, level))
            addresses.append(address)
        beside = [address ^ 1 << chance.randrange(self.page_bits, self.input_bits) for address in addresses]
        outside = [address ^ 1 << chance.randrange(self.input_bits, 55) for address in addresses[:COUNT // 4] if self.input_bits < 55]
        return [ones | address for address in addresses + beside] + [(ones | address) & (1 << 64) - 1 for address in outside]


class Arm64(Tree):
    """Descriptors of VMSAv8-64, with 52 bits of an address where the granule or LPA2 has them."""

    AF, PAGE, BLOCK = 1 << 10, 3, 1

    def __init__(self, tables, page_bits, input_bits, lpa2=False):
        super().__init__(tables, page_bits, input_bits)
        self.lpa2 = lpa2

    def to_table(self, address):
        return address | self.PAGE

    def leaf_levels(self):
        largest = {12: 4 if self.lpa2 else 3, 14: 3 if self.lpa2 else 2, 16: 3}[self.page_bits]
        return range(1, min(self.levels, largest) + 1)

    def address(self, value):
        """The bits of a descriptor that have an address."""
        if self.page_bits == 16:
            return value & (1 << 48) - (1 << 16) | (value >> 48 & 15) << 12
        if self.lpa2:
            return value & (1 << 50) - (1 << self.page_bits) | (value >> 50 & 3) << 8
        return value & (1 << 48) - (1 << self.page_bits)

    def leaf(self, chance, level):
        opened = self.open_bits(level)
        value = self.address(chance.randrange(1 << 52) >> opened << opened) | self.AF
        kind = self.PAGE if level == 1 else self.BLOCK
        # One in eight is no descriptor; a block of the last level is reserved.
        bad = [0, value, value | 2, value | self.BLOCK if level == 1 else value]
        return chance.choice(bad) if chance.random() < 1 / 8 else value | kind


class Riscv(Tree):
    """Entries of Sv39, Sv48 and Sv57."""

    V, R, W, X, U, G, A, D, N = (1 << bit for bit in (0, 1, 2, 3, 4, 5, 6, 7, 63))

    def __init__(self, tables, input_bits):
        super().__init__(tables, 12, input_bits)

    def to_table(self, address):
        return address >> 12 << 10 | self.V

    def leaf_levels(self):
        return range(1, self.levels + 1)

    def leaf(self, chance, level):
        number = chance.randrange(1 << 44) >> (level - 1) * 9 << (level - 1) * 9
        good = number << 10 | self.V | self.R | self.A | self.D | chance.choice([0, self.W, self.X, self.G])
        napot = (number >> 4 << 4 | 8) << 10 | good & 0x3ff | self.N
        if chance.random() < 2 / 3:
            return napot if level == 1 and chance.random() < 1 / 4 else good
        # Not valid; what is reserved: W without R, pages in disorder, N of other sizes or other levels, a table of the last level,
        # a table with a page's bits.
        return chance.choice([good & ~self.V, good & ~self.R | self.W, good | 1 << 10 + chance.randrange(max(1, (level - 1) * 9)),
                              (number >> 4 << 4 | 4) << 10 | good & 0x3ff | self.N, self.V, self.V | chance.choice([self.A, self.D, self.U])])


# TCR_EL1: no tables of the upper half; the size of guest-physical addresses.
EPD1, IPS_52 = 1 << 23, 6


def arm64_cpus(tables, chance):
    """The words of the CPUs, and addresses of each. The last CPU has no tables of the upper half, as under firmware."""
    upper_granule, lower_granule = {12: 2, 14: 1, 16: 3}, {12: 0, 14: 2, 16: 1}
    words, addresses = [], []
    for lpa2, lower, upper in ((False, (14, 47), (12, 48)), (False, (12, 39), (16, 52)), (True, (12, 52), (14, 52)),
                               (False, (16, 42), None)):
        tree = Arm64(tables, *lower, lpa2)
        tree.map(tables.start, 1, tables.start | Arm64.AF | Arm64.PAGE)
        tcr = 64 - lower[1] | lower_granule[lower[0]] << 14 | IPS_52 << 32 | lpa2 << 59
        addresses.append(tree.fill(chance, False))
        words += [tree.root, 0, tcr | EPD1, 1]
        if upper:
            tree = Arm64(tables, *upper, lpa2)
            addresses[-1] += tree.fill(chance, True)
            words[-3:-1] = tree.root, tcr | 64 - upper[1] << 16 | upper_granule[upper[0]] << 30
    return words, addresses


def riscv_cpus(tables, chance):
    words, addresses = [], []
    for mode, bits in ((8, 39), (9, 48), (10, 57)):
        tree = Riscv(tables, bits)
        tree.map(tables.start, 1, tables.start >> 12 << 10 | 0xcf)
        words.append(mode << 60 | tree.root >> 12)
        half = 1 << bits - 1
        # The highest bit is the others' too.
        addresses.append([(address | (1 << 64) - (1 << bits)) if address & half and address >> bits == 0 else address
                          for address in tree.fill(chance, False)])
    return words, addresses


# The CPU's type, the place of the program (QEMU has a device tree at the start of aarch64's RAM), the program, its last instruction, the tables.
GUESTS = {"aarch64": ("max", 0x40200000, ARM64, 22, arm64_cpus), "riscv64": ("rv64,svnapot=on", 0x80000000, RISCV, 15, riscv_cpus)}

WALK = r"""
(use-modules (gdb-guest command) (gdb-guest native) (ice-9 match))
(define (walk guest cpu address)
  (catch 'gdb-guest-error
    (lambda ()
      (match (%guest-walk guest cpu address (const #t))
        ((entries . #(gpa _ _ _ _)) (number->string gpa 16))
        ((entries . #f) "none")))
    (lambda (key kind message) (format #f "~a" kind))))
(call-with-guest
 (lambda (guest)
   (for-each (match-lambda ((cpu address) (format #t "@~a~%" (walk guest cpu address)))) '(ADDRESSES))))
(force-output)
"""


def ask_monitor(guest, cpu, address):
    """The guest-physical address, by QEMU's own walk, in hexadecimal digits, or None."""
    answer = guest.qmp("human-monitor-command", **{"command-line": f"gva2gpa {address:#x}", "cpu-index": cpu})
    match = re.match(r"gpa: (0x[0-9a-f]+|0)\r?$", answer, re.MULTILINE)
    assert match or answer.strip() == "Unmapped", answer
    return f"{int(match[1], 16):x}" if match else None


@pytest.mark.parametrize("target", GUESTS)
def test_walks(target, folder):
    """{target}: addresses of CPUs whose tables have other sizes of pages and addresses lead where QEMU's own walk does"""
    cpu, start, program, last, make = GUESTS[target]
    tables = Tables(start)
    words, addresses = make(tables, random.Random(5))
    code = struct.pack(f"<{len(program)}I{len(words)}Q", *program, *words)
    tables.bytes[:len(code)] = code
    (folder / "program").write_bytes(tables.bytes)
    extra = ["-cpu", cpu, "-device", f"loader,file={folder}/program,addr={start:#x},force-raw=on",
             *(["-bios", "none"] if target == "riscv64" else ["-device", f"loader,addr={start:#x},cpu-num=0"])]
    qemu = lab.lab("qemu-suite", "bookworm", target)
    with lab.Guest(qemu=qemu, machine="virt", memory=MEMORY >> 20, smp=len(addresses), kernel=False, directory=folder, extra=extra) as guest:
        pcs = [f"{start + 4 * last:016x}"] * len(addresses)
        lab.wait_until(lambda: re.findall(r"\b[Pp][Cc] *[ =]([0-9a-f]{16})", guest.hmp("info registers -a")) == pcs, 60,
                       "all CPUs in the loop")
        guest.stop()
        asked = [(cpu, address, ask_monitor(guest, cpu, address)) for cpu, some in enumerate(addresses) for address in some]
        core = guest.core(folder / "core")
    (folder / "walk.scm").write_text(WALK.replace("ADDRESSES", " ".join(f"({cpu} #x{address:x})" for cpu, address, _ in asked)))
    run = gdb.batch(qemu, core, commands=[f'guile (primitive-load "{folder}/walk.scm")'])
    answers = re.findall(r"^@(.*)$", run.output, re.MULTILINE)
    assert len(answers) == len(asked), run
    differing = [(cpu, hex(address), theirs, ours) for (cpu, address, theirs), ours in zip(asked, answers)
                 if ours != theirs if theirs or ours not in ("none", "bad-data", "fault")]
    assert differing == []
    found = [sum(theirs is not None for number, _, theirs in asked if number == cpu) for cpu in range(len(addresses))]
    assert all(20 < count < len(some) - 20 for count, some in zip(found, addresses)), found
