# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-x and guest-vtop, against what QEMU's gdbstub reads and what its monitor says of the page tables."""

import json
import random
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

import bare
import gdb
import registers
import selection
from machines import lab, records
from rsp import Stub

# With a letter and a size, since GDB remembers the last of each.
GDB_FORMATS = ["4xw", "2xg", "4ow", "8ob", "2tw", "3tb", "8ub", "4dh", "8cb", "2ag", "1tg", "2og"]
STUB = ["-gdb", "unix:gdbstub,server=on,wait=off"]
COUNT = 1000
UNMAPPED = 300
SIZE = 16


def marked(commands):
    """Each of the commands with a line before what it prints: @ and its name."""
    return [line for name, command in commands for line in (rf"echo @{name}\n", command)]


class Mapped:
    """A stopped guest: addresses of its first CPU with what the gdbstub reads there, and its core."""

    def __init__(self, kind, folder):
        self.kind = kind
        folder = Path(tempfile.mkdtemp(dir=folder))
        record = records.Opened("programs", folder) if kind == "Linux" else None
        with (record.resume(extra=STUB) if record else
              bare.boot(bare.build(kind, folder), folder, extra=["-cpu", "max", *STUB])) as guest:
            guest.stop()
            self.pages = self._pages(guest)
            self.ram = guest.hmp("info mtree -f")
            chance = random.Random(4)
            self.addresses = self._choose(kind, chance) + self._unmapped(chance)
            with Stub(guest.directory, "gdbstub") as stub:
                stub.select_cpu(0)
                self.bytes = [stub.read(address, SIZE) for address in self.addresses]
            self.shown = self._show_in_gdb(guest) if kind == "Linux" else None
            self.rips = [cpu.get("RIP", cpu.get("EIP")) for cpu in registers.by_name(registers.of_monitor(guest))]
            self.qemu, self.core = guest.qemu, record.core if record else guest.core(folder / "core")
        self.views = gdb.Views(self.qemu, self.core)

    def _show_in_gdb(self, guest):
        """The output of GDB's own x at the stub, by format; the first CPU's $pc."""
        where, _ = self.readable()
        run = gdb.batch(commands=["set confirm off", f"target remote {guest.directory}/gdbstub", "print/x $pc",
                                  *marked((form, f"x/{form} {where:#x}") for form in GDB_FORMATS),
                                  *marked([("code", "x/20i $pc")]), r"echo @end\n", "disconnect"])
        texts = re.split(r"^@(\S+)\n", run.output, flags=re.MULTILINE)
        assert texts[-2] == "end", run
        shown = dict(zip(texts[1::2], texts[2::2]))
        return dict(shown, pc=re.search(r"\$1 = (0x[0-9a-f]+)", texts[0])[1])

    def cpus_at(self, address):
        """The CPUs that are there: another may execute the same program as the first one."""
        return [i for i, rip in enumerate(self.rips) if rip == address]

    def readable(self):
        """An address, and what is there: bytes with and without the highest bit."""
        return next((address, data) for address, data in zip(self.addresses, self.bytes)
                    if data and any(byte > 0x7f for byte in data))

    @staticmethod
    def _pages(guest):
        """The first CPU's {virtual: physical}, of pages of 4 KiB or larger."""
        pages = {}
        for line in guest.hmp("info tlb").split("\n"):
            match = re.match(r"([0-9a-f]+): ([0-9a-f]+) (\S+)", line)
            if match:
                pages[int(match.group(1), 16)] = int(match.group(2), 16), match.group(3)
        return pages

    def is_ram(self, gpa):
        return gpa + SIZE <= 64 << 20 or any(
            int(first, 16) <= gpa and gpa + SIZE - 1 <= int(last, 16)
            for first, last in re.findall(r"([0-9a-f]{16})-([0-9a-f]{16}) \(prio \S+ (?:ram|rom)\)", self.ram))

    def _choose(self, kind, chance):
        """As many of each kind of page. Reads do not cross into the next one, which may be elsewhere."""
        groups = {}
        for page, (gpa, _) in self.pages.items():
            if self.is_ram(gpa):
                groups.setdefault(group_of(page) if kind == "Linux" else page >> 28, []).append(page)
        if kind == "Linux":
            assert set(groups) == {"text", "direct map", "vmalloc", "program"}, set(groups)
        return [chance.choice(pages) + chance.randrange(4096 - SIZE)
                for pages in groups.values() for _ in range(COUNT // len(groups))]

    def _unmapped(self, chance):
        """Beside mapped pages, so that every level of the tables is where a walk ends."""
        found = []
        pages = list(self.pages)
        while len(found) < UNMAPPED:
            address = chance.choice(pages) ^ 1 << chance.randrange(12, 47 if pages[-1] >> 32 else 32)
            if not any(address & ~(size - 1) in self.pages for size in (4096, 2 << 20, 4 << 20, 1 << 30)):
                found.append(address)
        return found


def group_of(address):
    """Linux Documentation/arch/x86/x86_64/mm.rst, with KASLR."""
    if address < 1 << 47:
        return "program"
    if address >= 0xffffffff80000000:
        return "text"
    # The direct map starts the kernel's half, vmalloc comes at least 1 TiB behind it.
    return "direct map" if address < 0xffffa00000000000 else "vmalloc"


@pytest.fixture(scope="session", params=selection.mostly_further(["Linux", 33, 36, 64], ["Linux", 64]))
def mapped(request, background, top_folder):
    for kind in selection.wanted(request, "mapped"):
        background.start(("mapped", kind), Mapped, kind, top_folder)
    result = background.start(("mapped", request.param), Mapped).result()
    yield result
    result.views.close()
    shutil.rmtree(Path(result.core).parent, ignore_errors=True)


READ = r"""
(use-modules (gdb-guest command) (gdb-guest native) (ice-9 match) (ice-9 rdelim) (rnrs bytevectors) (srfi srfi-1))

(define (read guest address)
  (string-concatenate
   (map (lambda (byte) (string-pad (number->string byte 16) 2 #\0))
        (bytevector->u8-list (%guest-read-virtual guest 0 address SIZE (const #t))))))

(define (walk guest address)
  (match (%guest-walk guest 0 address (const #t))
    ((entries . #(gpa _ _ _ _)) (number->string gpa 16))
    ((entries . #f) (string-append "none at " (vector-ref (last entries) 0)))))

(define (try thunk)
  (catch 'gdb-guest-error thunk
    (lambda (key kind message) (format #f "~a: ~a" kind message))))

(call-with-guest
 (lambda (guest)
   (call-with-input-file "ADDRESSES"
     (lambda (port)
       (let loop ((line (read-line port)))
         (unless (eof-object? line)
           (let ((address (string->number line 16)))
             (format #t "@~a|~a~%" (try (lambda () (read guest address))) (try (lambda () (walk guest address)))))
           (loop (read-line port))))))))
(force-output)
"""


def test_random(mapped, folder):
    """{mapped}: 1,000 mapped addresses read as through the gdbstub, walk as the monitor says, and others fault"""
    (folder / "addresses").write_text("".join(f"{address:x}\n" for address in mapped.addresses))
    (folder / "read.scm").write_text(READ.replace("SIZE", str(SIZE)).replace("ADDRESSES", str(folder / "addresses")))
    run = gdb.batch(mapped.qemu, mapped.core, commands=[f'guile (primitive-load "{folder}/read.scm")'])
    answers = re.findall(r"^@(.*)\|(.*)$", run.output, re.MULTILINE)
    assert len(answers) == len(mapped.addresses), run
    faults = 0
    for address, truth, (data, gpa) in zip(mapped.addresses, mapped.bytes, answers):
        if truth is None:
            faults += 1
            assert data.startswith(("fault: ", "bad-data: ")), (hex(address), data)
            assert gpa.startswith(("none at ", "bad-data: ")), (hex(address), gpa)
        else:
            assert data == truth.hex(), hex(address)
            page = next(address & ~(size - 1) for size in (4096, 2 << 20, 4 << 20, 1 << 30)
                        if address & ~(size - 1) in mapped.pages)
            assert int(gpa, 16) == mapped.pages[page][0] + address - page, hex(address)
    assert faults >= UNMAPPED * 9 // 10


def command(mapped, line, status=0):
    """A command's output, as lines."""
    lines = mapped.views.lines(line)
    assert len(gdb.errors(lines)) == status, lines
    return lines


# The mappings of bare.S: page i of the window to page N - 1 - i, each second one not present.
WALKS = {33: (["PDE", "PTE"], "0x80002", 1024), 36: (["PDPTE", "PDE", "PTE"], "0x80002", 512),
         64: (["PML4E", "PDPTE", "PDE", "PTE"], "0x80002", 512)}


def test_walk(mapped):
    """{mapped}: guest-vtop shows each entry with its flags, the page, and where that is in QEMU's memory"""
    if mapped.kind == "Linux":
        page = next(page for page in mapped.pages if group_of(page) == "text")
        lines = command(mapped, f"guest-vtop {page:#x}")
        assert [line.split()[0] for line in lines[:-1]] == ["PML4E", "PDPTE", "PDE", "PTE"][:len(lines) - 1]
        assert lines[-1].startswith(f"guest-physical {mapped.pages[page][0]:#x} in a page of ")
        return
    levels, page, count = WALKS[mapped.kind]
    lines = command(mapped, f"guest-vtop {page}123")
    assert lines[0] == "note: no kernel of Linux is found: through CPU 0's page tables"
    assert [line.split()[0] for line in lines[1:-1]] == levels
    assert re.match(r"PTE +at 0x[0-9a-f]{16}  0x[0-9a-f]{16}  P( A)?( D)? ?", lines[-2]), lines
    target = (count - 2) * 4096 + 0x123
    assert lines[-1] == f"guest-physical {target:#x} in a page of 4 KiB, pc.ram + {target:#x}"
    lines = command(mapped, "guest-vtop 0x80001000 -cpu 0", status=1)
    assert [line.split()[0] for line in lines[:-1]] == levels
    assert lines[-2].endswith("  not present")
    assert re.fullmatch(r"guest-vtop: 0x80001000 is not mapped: its PTE at guest-physical 0x[0-9a-f]+ is "
                        r"0x62, not present", lines[-1]), lines


def test_large_page(mapped):
    """{mapped}: a large page ends the walk early"""
    if mapped.kind == "Linux":
        assert "  P A D PS G" in command(mapped, "guest-vtop _stext")[-2]
        return
    address, size = (0x400000, "4 MiB") if mapped.kind == 33 else (0x200000, "2 MiB")
    lines = command(mapped, f"guest-vtop {address + 0x12345:#x} -cpu 0")
    assert re.match(r"PDE +at 0x[0-9a-f]{16}  0x[0-9a-f]{16}  P RW US A D PS G$", lines[-2]), lines
    assert lines[-1] == (f"guest-physical {address + 0x12345:#x} in a page of {size}, "
                         f"pc.ram + {address + 0x12345:#x}")


FORMATS = {"4wx": "0x%08x\t0x%08x\t0x%08x\t0x%08x", "2gx": "0x%016x\t0x%016x", "4d": "%d\t%d\t%d\t%d",
           "8hu": "\t".join(["%d"] * 8), "8bx": "\t".join(["0x%02x"] * 8)}


def test_formats(mapped):
    """{mapped}: guest-x shows memory in GDB's formats"""
    address, data = mapped.readable()
    for form, text in FORMATS.items():
        line = command(mapped, f"guest-x {address:#x} {form} -cpu 0")[-1]
        size = {"w": 4, "g": 8, "h": 2, "b": 1}.get(form[1], 4)
        values = [int.from_bytes(data[i * size:(i + 1) * size], "little", signed="d" in form)
                  for i in range(int(form[0]))]
        assert line.split("\t", 1)[1] == text % tuple(values), (form, line)


def values_of(text):
    """Lines of x without their addresses, and without symbols."""
    return [re.sub(r" <[^>]*>", "", line.split("\t", 1)[1]) for line in gdb.lines_of(text) if "\t" in line]


def code_of(text):
    """Lines of x/i: addresses, and where branches lead."""
    lines = [line for line in text.split("\n") if ":\t" in line]
    return [(int(re.search(r"0x[0-9a-f]+", line)[0], 16), re.findall(r"\t(?:j|call)\S* +(0x[0-9a-f]+)", line))
            for line in lines]


def test_json(mapped, folder):
    """{mapped}: guest-x -json has the gdbstub's bytes, guest-vtop -json the monitor's page, and notes are not among them"""
    where, data = mapped.readable()
    page = next(where & ~(size - 1) for size in (4096, 2 << 20, 4 << 20, 1 << 30) if where & ~(size - 1) in mapped.pages)
    code = mapped.shown["pc"] if mapped.shown else hex(where)
    cpu = "-cpu 0" if mapped.shown else ""
    run = gdb.batch(mapped.qemu, mapped.core, prefix=("sh", "-c", f'exec "$@" 2>{folder}/aside', "sh"),
                    commands=[r"echo @begin\n", f"guest-x/8bx {where:#x} -json {cpu}", f"guest-x/2gu {where:#x} -json -cpu 0",
                              f"guest-vtop {where:#x} -json -cpu 0", f"guest-x/3i {code} -json -cpu 0",
                              f"guest-x/2gu {mapped.pages[page][0] + where - page:#x} -json -physical"])
    assert run.status == 0, run
    lines = gdb.lines_of(run.output[run.output.index("@begin\n") + len("@begin\n"):])
    by_bytes, by_words, walk, *instructions, physical = map(json.loads, lines)
    assert by_bytes["bytes"] == data[:8].hex()
    assert by_bytes["values"] == [f"{byte:#04x}" for byte in data[:8]]
    assert by_words["values"] == [*struct.unpack("<2Q", data)]
    assert physical["values"] == by_words["values"] and physical["address"] == walk["gpa"]
    assert by_words["address"] == walk["address"] == f"{where:#018x}"
    assert walk["mapped"] and int(walk["gpa"], 16) == mapped.pages[page][0] + where - page
    assert walk["entries"][-1]["flags"].startswith("P ") and not walk["absent"]
    assert len(instructions) == 3
    notes = gdb.notes((folder / "aside").read_text().split("\n"))
    if mapped.shown:
        truth = code_of(mapped.shown["code"])[:3]
        assert [int(one["address"], 16) for one in instructions] == [address for address, _ in truth]
        assert [one["cpus"] for one in instructions] == [mapped.cpus_at(address) for address, _ in truth]
        assert 0 in instructions[0]["cpus"]
    else:
        assert notes == ["note: no kernel of Linux is found: through CPU 0's page tables"]


@pytest.mark.machines("Linux")
def test_as_gdb(mapped):
    """{mapped}: guest-x/FORMAT prints what GDB's own x/FORMAT does at the gdbstub, and the same instructions"""
    where, _ = mapped.readable()
    run = gdb.batch(mapped.qemu, mapped.core,
                    commands=[*marked((form, f"guest-x/{form} {where:#x} -cpu 0") for form in GDB_FORMATS),
                              *marked([("code", f"guest-x/20i {mapped.shown['pc']} -cpu 0")])])
    texts = re.split(r"^@(\S+)\n", run.output, flags=re.MULTILINE)
    shown = dict(zip(texts[1::2], texts[2::2]))
    for form in GDB_FORMATS:
        assert values_of(shown[form]) == values_of(mapped.shown[form]) != [], form
    assert code_of(shown["code"]) == code_of(mapped.shown["code"])
    assert len(code_of(shown["code"])) == 20
    marks = []
    for line, (address, _) in zip((line for line in shown["code"].split("\n") if ":\t" in line), code_of(shown["code"])):
        cpus = mapped.cpus_at(address)
        marks.append(line.startswith("=> "))
        assert marks[-1] == bool(cpus) and line.endswith(f"  # CPU {','.join(map(str, cpus))}") == bool(cpus), line
    assert marks[0]


def test_code_by_mode(mapped):
    """{mapped}: guest-x/i shows instructions of as many bits as the CPU executes"""
    if mapped.kind == "Linux":
        line = command(mapped, "guest-x/i _stext")[-1]
        assert re.match(r"   0x[0-9a-f]{16} <_stext>:\t\w", line), line
        return
    image = Path(mapped.core).parent / f"bare-{mapped.kind}"
    symbols = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
    start = int(re.search(r"^(\w+) t said$", symbols, re.MULTILINE)[1], 16)
    machine = "i386:x86-64" if mapped.kind == 64 else "i386"
    truth = subprocess.run(["objdump", "-d", "-m", machine, f"--start-address={start}", image],
                           capture_output=True, text=True, check=True).stdout
    addresses = [int(address, 16) for address in re.findall(r"^ *([0-9a-f]+):\t.*\t", truth, re.MULTILINE)]
    ours = code_of("\n".join(command(mapped, f"guest-x/8i {start:#x} -cpu 0")))
    assert [address for address, _ in ours] == addresses[:8], truth


def test_string(mapped):
    """{mapped}: guest-x s shows a text"""
    if mapped.kind == "Linux":
        assert '<linux_banner>:\t"Linux version 6.' in command(mapped, "guest-x linux_banner s")[-1]
    else:
        image = Path(mapped.core).parent / f"bare-{mapped.kind}"
        symbols = subprocess.run(["nm", image], capture_output=True, text=True, check=True).stdout
        message = int(re.search(r"^(\w+) d message$", symbols, re.MULTILINE).group(1), 16)
        assert command(mapped, f"guest-x {message:#x} s -cpu 0")[-1] == f'0x{message:x}:\t"lab: ready\\012"'


BAD = {"-cpu 2 0x1000": "there is no CPU 2", "-cpu 4294967296 0x1000": "-cpu is 4294967296, not 0 to 4294967295",
       "0x1000 4q": '"q" is not [COUNT][FORMAT]', "0x1000 0x": 'COUNT of "0x" is 0, not 1 to 262144', "0x1000 99999999g": "is 99999999, not 1 to 131072",
       "0x1000 4x 5": "one too many", "": "it takes ADDR", "no_such_symbol": "is not a symbol of the guest's kernel"}


def test_refused(views):
    """guest-x refuses what makes no sense, and lives on"""
    for arguments, text in BAD.items():
        assert text in views.error(f"guest-x {arguments}".rstrip()), arguments
