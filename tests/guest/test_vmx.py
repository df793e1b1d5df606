# SPDX-License-Identifier: GPL-3.0-or-later
"""The nested guests of a kernel on Intel. The images are made of real dumps by vmx_image.py, which says what is real; the truth is
what it writes, at the places that the types of the kernel's own kvm-intel.ko have.
"""

import json
import re
import shutil
import tempfile
from pathlib import Path

import pytest

import records
import selection
import vmx_image
from machines import lab
from test_guest_core import guest_core
from vmx_image import FIELDS

CASES = [(series, kind) for series in ("6.1", "6.12", "sid") for kind in vmx_image.REVISIONS] + [("6.1", vmx_image.UNKNOWN)]


class Vmx:
    def __init__(self, series, kind, folder):
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        record = records.Opened(f"nested-{series}", self.folder)
        self.dump = record.dump
        modules = Path(lab.lab("modules", series, "irqbypass", "kvm", "kvm-intel"))
        module, = modules.glob("*-kvm-intel.ko")
        self.is_unknown = kind == vmx_image.UNKNOWN
        self.image = vmx_image.Image(self.dump, module, kind, lambda *words: guest_core(self.dump, *words))

    def ask(self, *words):
        return [json.loads(line) for line in guest_core("-nested", 1, self.dump, *words, "-json").splitlines()]


@pytest.fixture(scope="session", params=selection.mostly_further(CASES, CASES[:1]), ids=" ".join)
def vmx(request, top_folder):
    result = Vmx(*request.param, top_folder)
    yield result
    shutil.rmtree(result.folder, ignore_errors=True)


def number(text):
    return int(text, 16)


def test_registers(vmx):
    """{vmx}: a vCPU's registers are KVM's copies that are available, and else those at the places of the VMCS's own type"""
    for cpu in vmx.ask("regs")[:2]:
        values = {name: text and number(text) for name, text in cpu["registers"].items() if text is None or "?" not in text}
        known = ("rip", "rsp", "cr3") if vmx.is_unknown else ("rip", "rsp", "cr3", "dr7")
        for name in known:
            assert values[name] == FIELDS[f"guest_{name}"], name
        assert values["rflags"] == FIELDS["guest_rflags"]
        # KVM's bits, and the guest's own of CR0 and CR4, which no copy shows.
        assert vmx.is_unknown or (values["cr0"], values["cr4"]) == (0x80010011, 0xa0)
        assert values["efer"] == 0x500
        for segment in ("cs", "ss", "tr"):
            assert values[segment] == FIELDS[f"guest_{segment}_selector"], segment
        for base in ("fs_base", "gs_base"):
            assert values[base] == FIELDS[f"guest_{base}"], base
        # The real guest's.
        assert values["rbx"] >> 12 == 0xc0de000000000
        assert vmx_image.STALE not in values.values()
        # The access rights of CS are alike in all vCPUs, so that nothing shows their place.
        assert (cpu["bits"], cpu["privilege"], cpu["state"]) == (None if vmx.is_unknown else 64, "kernel", "current")
        assert re.fullmatch(r"KVM's copies: general registers; of the VMCS \(.*\): RSP, RIP, RFLAGS, CR3, segments", cpu["origin"])


def test_memory(vmx):
    """{vmx}: the nested guest's memory is read through its own page tables, which the VMCS's CR3 leads to"""
    code, = vmx.ask("x", "-cpu", "1", f"{FIELDS['guest_rip'] - 1:#x}", "1xb")
    assert code["bytes"] == "f4", "no hlt before the instruction of vCPU 1"


def test_exits(vmx):
    """{vmx}: the reason of the last exit has Intel's name"""
    machine, = map(json.loads, guest_core(vmx.dump, "nested", "-json").splitlines())
    assert {vcpu["exit"] for vcpu in machine["vcpus"]} == {"HLT"}
