# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's modules and their symbols, against the guest's own /proc and /sys."""

import json
import random
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import gdb
import selection
import test_symbols
from machines import records, truth
from test_guest_core import guest_core

RANDOM_ADDRESSES = 2_000
NOTE_HEADER = 16  # of a build ID's: sizes, type, "GNU"


class Modules:
    """A guest's core with modules, its /proc/modules, and the modules' symbols of its /proc/kallsyms."""

    def __init__(self, series, folder):
        self.record = record = records.Opened(f"modules-{series}", tempfile.mkdtemp(dir=folder))
        self.texts = truth.parse(record.bytes("truth"))
        self.qemu, self.core = record.qemu, record.core
        self.views = gdb.Views(self.qemu, self.core)
        self.listed = [line.split(" ", 6) for line in self.texts["/proc/modules"].decode().splitlines()]
        self.kernel, self.symbols = set(), {}
        for line in self.texts["/proc/kallsyms"].decode().splitlines():
            address, kind, name, *module = line.split()
            if not module:
                self.kernel.add(name)
            elif module[0] in {f"[{fields[0]}]" for fields in self.listed}:
                self.symbols.setdefault(module[0][1:-1], []).append((int(address, 16), kind.lower(), name))

    def shown(self, options=""):
        return [json.loads(line) for line in self.views.lines(f"guest-mod -json {options}")]

    def build_id(self, name):
        return self.texts[f"/sys/module/{name}/notes/.note.gnu.build-id"][NOTE_HEADER:].hex()


@pytest.fixture(scope="session", params=selection.mostly_further(["6.1", "6.12", "sid"], ["6.1", "6.12"]))
def modules(request, background, top_folder):
    for series in selection.wanted(request, "modules"):
        background.start(("modules", series), Modules, series, top_folder)
    result = background.start(("modules", request.param), Modules).result()
    yield result
    result.views.close()
    shutil.rmtree(Path(result.core).parent, ignore_errors=True)


def test_list(modules):
    """{modules}: guest-mod has /proc/modules' names, sizes, uses, users, states, addresses and taints, in its order"""
    assert len(modules.listed) >= 5
    truths = [(name, int(size), int(uses), sorted(users.strip(",-").split(",")) if users != "-" else [], state, address,
               re.sub(r"\W", "", "".join(taints))) for name, size, uses, users, state, address, *taints in modules.listed]
    assert [(each["name"], each["size"], each["references"], sorted(each["users"]), each["state"], each["address"], each["taints"])
            for each in modules.shown()] == truths
    # Proofs that the truth has a bit of everything.
    assert any(users for _, _, _, users, *_ in truths) and any(taints == "E" for *_, taints in truths)


def test_build_ids(modules):
    """{modules}: guest-mod has the build IDs of /sys/module/*/notes"""
    assert {each["name"]: each["build_id"] for each in modules.shown()} == \
        {name: modules.build_id(name) for name, *_ in modules.listed}


def test_text(modules):
    """{modules}: guest-mod's lines have what its JSON has, and a module that is not there is an error"""
    lines = modules.views.lines("guest-mod")
    for each, line in zip(modules.shown(), lines[1:], strict=True):
        users = "  " + ",".join(each["users"]) if each["users"] else ""
        taints = f"  ({each['taints']})" if each["taints"] else ""
        assert re.sub(" +", " ", line) == \
            re.sub(" +", " ", f"{each['name']} {each['address']} {each['size']} {each['references']}{users}{taints}")
    (build_id,) = [line for line in modules.views.lines("guest-mod -v tun") if "build ID" in line]
    assert build_id.split()[-1] == modules.build_id("tun")
    assert modules.views.error("guest-mod fuse") == \
        f"guest-mod: the kernel has no module fuse among its {len(modules.listed)} modules"


def test_symbols_of_modules(modules):
    """{modules}: guest-mod -symbols has all symbols that /proc/kallsyms has of a module"""
    for name, symbols in modules.symbols.items():
        shown = modules.shown(f"-symbols {name}")
        assert sorted((int(each["address"], 16), each["type"].lower(), each["name"]) for each in shown) == sorted(symbols), name
        assert {each["module"] for each in shown} == {name}


def ranges_of(modules):
    return {each["name"]: [(int(part["start"], 16), part["size"]) for part in each["ranges"]] for each in modules.shown()}


def expected_at(modules, ranges, name, address):
    """The name that the kernel would give: of the symbols at the last address not behind this one, the first in its table.
    Local labels do not count (is_mapping_symbol())."""
    start = next(start for start, size in ranges[name] if start <= address < start + size)
    below = [symbol for symbol in modules.symbols[name] if start <= symbol[0] <= address and not symbol[2].startswith(".L")]
    last = max((symbol[0] for symbol in below), default=None)
    return next((symbol[2] for symbol in below if symbol[0] == last), None)


def test_by_address(modules, folder):
    """{modules}: each symbol of a module is found at its address, and is that of addresses behind it"""
    ranges = ranges_of(modules)
    chance = random.Random(7)
    wanted = [(name, symbol[0]) for name, symbols in modules.symbols.items() for symbol in symbols
              if any(start <= symbol[0] < start + size for start, size in ranges[name])]
    names = sorted(modules.symbols)
    for _ in range(RANDOM_ADDRESSES):
        name = chance.choice(names)
        start, size = ranges[name][0]
        wanted.append((name, chance.randrange(start, start + size)))
    answers = test_symbols.ask(modules, modules.core, folder, [f"{address:x}" for _, address in wanted])
    for (name, address), answer in zip(wanted, answers, strict=True):
        expected = expected_at(modules, ranges, name, address)
        if expected:
            assert answer.split()[0] == expected, (name, hex(address))
        else:
            assert "has no symbol before" in answer


def test_by_name(modules, folder):
    """{modules}: each symbol of a module is found by its name, where the kernel has none of it, and by MODULE:NAME"""
    lowest, own = {}, {}
    for module, symbols in modules.symbols.items():
        for address, _, name in symbols:
            own[f"{module}:{name}"] = min(address, own.get(f"{module}:{name}", address))
            if name not in modules.kernel:
                lowest[name] = min(address, lowest.get(name, address))
    wanted = {**lowest, **own}
    answers = test_symbols.ask(modules, modules.core, folder, [f"={name}" for name in wanted])
    assert dict(zip(wanted, answers)) == {name: f"{address:x}" for name, address in wanted.items()}


def test_shown(modules):
    """{modules}: guest-x names a module's symbol with the module, and takes it in each form; Tab completes both"""
    address = next(address for address, _, name in modules.symbols["tun"] if name == "tun_chr_open")
    text = modules.views.text("guest-x tun_chr_open+1", "guest-x tun:tun_chr_open", f"guest-x/a {address + 4:#x}",
                              f"guest-x -json {address:#x}", "complete guest-x tun_chr_o", "complete guest-mod vsock_")
    assert re.findall(r"<(.*?)>:", text) == ["tun_chr_open+0x1 [tun]", "tun_chr_open [tun]", "tun_chr_open+0x4 [tun]"]
    assert '"symbol":"tun_chr_open [tun]"' in text
    assert "guest-x tun_chr_open\n" in text and "guest-mod vsock_loopback\n" in text
    assert "no symbol tun:no_such)" in modules.views.error("guest-x tun:no_such")


def test_per_cpu(modules):
    """{modules}: a per-CPU variable of a module is that of the CPU that -cpu names, and an error without -cpu"""
    # A module's per-CPU variables lie behind the kernel's own. Before 6.12 nf_tables has none.
    ranges = ranges_of(modules)["nf_tables"]
    found = [(address, name) for address, _, name in modules.symbols["nf_tables"]
             if not any(start <= address < start + size for start, size in ranges)]
    assert bool(found) == (modules.record.name != "modules-6.1")
    for offset, name in found[:1]:
        assert modules.views.error(f"guest-x {name}") == f"guest-x: {name} is a per-CPU variable: -cpu N has that of CPU N"
        text = modules.views.text("guest-x/2gx __per_cpu_offset", f"guest-x/gx {name} -cpu 0", f"guest-x/gx {name} -cpu 1")
        cpus = re.search(r"<__per_cpu_offset>:\t(0x\w+)\t(0x\w+)", text).groups()
        assert re.findall(r"^(0x\w+) <(.*?)>:", text, re.MULTILINE)[1:] == \
            [(hex((int(cpu, 16) + offset) % (1 << 64)), f"{name} [nf_tables]") for cpu in cpus], text


def test_not_read(modules):
    """{modules}: no module is read for a symbol of the kernel's, nor for the addresses of a stack in the kernel"""
    # A CPU may be in a program, or in a module. kthreadd waits for work.
    stack, = map(json.loads, guest_core("-qemu", modules.qemu, modules.core, "bt", "-pid", "2", "-json").splitlines())
    text = modules.views.text("set guest-debug on", "guest-x jiffies", "guest-x/8a sys_call_table", "guest-vtop schedule",
                              f"guest-x/8a {stack['frames'][0]['sp']}", "set guest-debug off")
    assert "debug: symbol jiffies: kallsyms has it" in text or "debug: symbol jiffies: VMCOREINFO has it" in text
    assert "modules" not in text and "BTF" not in text


def test_proc_files(modules, folder):
    """{modules}: guest-vmlinux -kallsyms and -modules write /proc/kallsyms and /proc/modules, line by line, but for what no module has"""
    kallsyms, listed = folder / "kallsyms", folder / "modules"
    lines = modules.views.lines(f"guest-vmlinux -kallsyms {kallsyms} -modules {listed}")
    names = {f"[{fields[0]}]" for fields in modules.listed}
    truths = [line for line in modules.texts["/proc/kallsyms"].decode().splitlines() if "\t" not in line or line.rpartition("\t")[2] in names]
    assert kallsyms.read_text().splitlines() == truths
    assert listed.read_text() == modules.texts["/proc/modules"].decode()
    assert lines == [f"{kallsyms}: {len(truths)} symbols", f"{listed}: {len(modules.listed)} modules"]
    assert "exists" in modules.views.error(f"guest-vmlinux -modules {listed}")
    # Proof that the truth has symbols that a module exports.
    assert any(re.search(r" T \w+\t\[", line) for line in truths)
