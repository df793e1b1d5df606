# SPDX-License-Identifier: GPL-3.0-or-later
"""An image of a kernel that runs its nested guests by VMX, which no QEMU without KVM has.

It is a real dump of a real kernel that runs a guest by SVM. The module kvm_amd's types are replaced by those of the same kernel's
kvm_intel, as the file kvm-intel.ko has them; each vCPU becomes a struct vcpu_vmx, with a VMCS, all members and fields of which are
where these types have them. The general registers and the memory stay the real guest's. KVM has no copy of RIP, RSP, RFLAGS, CR3
and segments, and its members for them have other values.

Of the kind "unknown" the VMCS has a format of its own, without a name, and the machine has two further vCPUs, of whose VMCSs KVM has
copies: no format is known, but the vCPUs show it.
"""

import itertools
import json
import random
import struct
import subprocess

from btf import Btf

PAGE = 4096
STALE = 0xdeaddeaddeaddead
# The fields of the VMCS, by their names in struct vmcs12.
FIELDS = {"guest_rip": 0x1109, "guest_rsp": 0xc0de000000000106, "guest_rflags": 0x10246, "guest_cr0": 0x80010031, "guest_cr3": 0x2000,
          "guest_cr4": 0x20a0, "guest_dr7": 0x400, "guest_sysenter_eip": 0x1234567, "guest_gdtr_base": 0x7000, "guest_gdtr_limit": 0x7f,
          "guest_idtr_base": 0x8000, "guest_idtr_limit": 0xfff, "guest_cs_selector": 0x10, "guest_cs_base": 0, "guest_cs_limit": 0xffffffff,
          "guest_cs_ar_bytes": 0xa09b, "guest_ss_selector": 0x18, "guest_ss_limit": 0xffffffff, "guest_ss_ar_bytes": 0xc093,
          "guest_fs_base": 0x11223344, "guest_gs_base": 0x55667788, "guest_tr_selector": 0x40, "guest_tr_base": 0x9000,
          "guest_tr_limit": 0x67, "guest_tr_ar_bytes": 0x8b, "guest_ldtr_ar_bytes": 0x10000, "vmcs_link_pointer": (1 << 64) - 1,
          "host_cr0": 0x80050033, "host_cr3": 0x7654000, "host_cr4": 0x3526e0, "host_rsp": 0xffffc90000123000,
          "host_gs_base": 0xffff888012340000, "host_rip": 0xffffffffc0123456}
REVISIONS = {"vmcs12": ("hdr", 0x11e57ed0), "hv_enlightened_vmcs": ("revision_id", 1)}
UNKNOWN, UNKNOWN_REVISION = "unknown", 0x77
PEERS = 2
# What KVM has copies of, by the bits of regs_avail in v6.1: all registers, CR3, RFLAGS, segments.
ALL_AVAILABLE = 0x1ffff | 1 << 19 | 1 << 21 | 1 << 22
HOST = ("host_cr3", "host_cr4", "host_rsp", "host_gs_base")
# KVM's order of segments, and the parts of each.
SEGMENTS, PARTS = ("es", "cs", "ss", "ds", "fs", "gs", "tr", "ldtr"), ("selector", "base", "limit", "ar_bytes")
# The fields of a vCPU that are the vCPU's own; what no copy shows is alike.
OWN = ("guest_rip", "guest_rsp", "guest_rflags", "guest_cr3", "guest_cs_selector", "guest_ss_selector", "guest_tr_base", "guest_gs_base",
       "guest_fs_base", "guest_tr_selector", "host_cr3", "host_rsp", "host_gs_base")


def fields_of(number):
    """The fields of the further vCPU NUMBER, from 1, or of the others, 0."""
    return {name: value + (number << 4 if name in OWN else 0) for name, value in FIELDS.items()}


def places(btf):
    """Places of the fields in the format without a name: each on 8 bytes of its own."""
    slots = random.Random(21).sample(range(2, PAGE // 8), len(FIELDS))
    return {name: (8 * slot, btf.member("vmcs12", name)[1]) for name, slot in zip(FIELDS, slots)}


class Dump:
    """Guest-physical memory of QEMU's ELF dump, in a file that is changed."""

    def __init__(self, path, ask):
        self.ask, self.file = ask, open(path, "r+b")
        start, count = struct.unpack_from("<32xQ16xH", self.file.read(64))[0], 0
        self.file.seek(56)
        count, = struct.unpack("<H", self.file.read(2))
        self.file.seek(start)
        heads = [struct.unpack("<IIQQQQQQ", self.file.read(56)) for _ in range(count)]
        self.pieces = [(gpa, size, offset) for kind, _, offset, _, gpa, size, _, _ in heads if kind == 1]

    def _seek(self, gpa):
        offset, = (offset + gpa - start for start, size, offset in self.pieces if start <= gpa < start + size)
        self.file.seek(offset)

    def gpa(self, address):
        return int(json.loads(self.ask("vtop", str(address), "-json"))["gpa"], 16)

    def read(self, address, size):
        self._seek(self.gpa(address))
        return self.file.read(size)

    def write_gpa(self, gpa, data):
        self._seek(gpa)
        self.file.write(data)

    def free(self, size):
        """The place of so many bytes of pages that are zeros, above 64 MiB."""
        run = 0
        for start, length, offset in self.pieces:
            for gpa in range(max(start, 64 << 20), start + length, PAGE):
                self.file.seek(offset + gpa - start)
                run = run + PAGE if not any(self.file.read(PAGE)) else 0
                if run >= size:
                    return gpa + PAGE - run
        raise LookupError(f"no {size} bytes of zeros")


class Image:
    """Makes the image in place. KIND is the struct of the VMCS."""

    def __init__(self, path, kernel_object, kind, ask):
        self.dump, self.kind, self.ask = Dump(path, ask), kind, ask
        addresses = [int(json.loads(ask("vtop", name, "-json"))["address"], 16) for name in ("__start_BTF", "__stop_BTF")]
        self.base = Btf(self.dump.read("__start_BTF", addresses[1] - addresses[0]))
        types = subprocess.run(["objcopy", "-O", "binary", "-j", ".BTF", "--set-section-flags", ".BTF=alloc", kernel_object, "/dev/stdout"],
                               stdout=subprocess.PIPE, check=True).stdout
        self.btf = Btf(types, self.base)
        machine, = map(json.loads, ask("nested", "-json").splitlines())
        self.vcpus = [int(vcpu["kvm_vcpu"], 16) for vcpu in machine["vcpus"]]
        self.direct_map = self.vcpus[0] - self.dump.gpa(self.vcpus[0])
        self.size = self.btf.size(self.btf.find("vcpu_vmx"))
        room = (self.size + 2 * PAGE) // PAGE * PAGE + PAGE
        peers = PEERS if kind == UNKNOWN else 0
        self.place = self.dump.free(len(types) + PAGE + room * (len(self.vcpus) + peers))
        self.replace_types(types)
        first = self.place + (len(types) + PAGE) // PAGE * PAGE
        kvm = int(machine["kvm"], 16)
        for i in range(peers):
            self.add_peer(kvm, i + 1, first + (len(self.vcpus) + i) * room)
        for i, vcpu in enumerate(self.vcpus):
            self.replace_vcpu(kvm, vcpu, first + i * room)
        self.dump.file.close()

    def put(self, gpa, type_name, path, value):
        offset, size = self.btf.member(type_name, path)
        self.dump.write_gpa(gpa + offset, (value & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def value(self, address, type_name, path):
        offset, size = self.btf.member(type_name, path)
        return int.from_bytes(self.dump.read(address + offset, size), "little")

    def replace_types(self, types):
        head = int(json.loads(self.ask("vtop", "btf_modules", "-json"))["address"], 16)
        node = self.value(head, "list_head", "next")
        offset, _ = self.base.member("btf_module", "list")
        while node != head:
            btf = self.value(node - offset, "btf_module", "btf")
            at, size = self.base.member("btf", "name")
            if self.dump.read(btf + at, size).split(b"\0")[0] == b"kvm_amd":
                break
            node = self.value(node, "list_head", "next")
        assert node != head, "kvm_amd's types are not in the list"
        self.dump.write_gpa(self.place, types)
        self.put(self.dump.gpa(btf), "btf", "data", self.direct_map + self.place)
        self.put(self.dump.gpa(btf), "btf", "data_size", len(types))

    def slot(self, kvm, vcpu):
        """The address of the slot of VCPU in the machine's array; of the first empty one for 0."""
        offset, _ = self.btf.member("kvm", "vcpu_array.xa_head")
        node = int.from_bytes(self.dump.read(kvm + offset, 8), "little") - 2
        slots, size = self.btf.member("xa_node", "slots")
        bytes_ = self.dump.read(node + slots, size)
        index = next(i for i in itertools.count() if int.from_bytes(bytes_[8 * i:8 * i + 8], "little") == vcpu)
        return node + slots + 8 * index

    def put_vcpu(self, kvm, old, vcpu, place):
        """Puts a copy of the kvm_vcpu at VCPU to PLACE, as a vcpu_vmx, into the slot of OLD."""
        common = self.base.size(self.base.find("kvm_vcpu"))
        self.dump.write_gpa(place, self.dump.read(vcpu, common))
        self.dump.write_gpa(self.dump.gpa(self.slot(kvm, old)), (self.direct_map + place).to_bytes(8, "little"))

    def page(self, place):
        """The place of the VMCS of the vcpu_vmx at PLACE."""
        return place + self.size // PAGE * PAGE + PAGE

    def replace_vcpu(self, kvm, vcpu, place):
        self.put_vcpu(kvm, vcpu, vcpu, place)
        self.set_copies(place)
        self.set_vmcs(place, FIELDS)

    def add_peer(self, kvm, number, place):
        """Adds a vCPU of whose VMCS KVM has copies."""
        fields = fields_of(number)
        self.put_vcpu(kvm, 0, self.vcpus[0], place)
        online = self.value(kvm, "kvm", "online_vcpus.counter")
        offset, size = self.btf.member("kvm", "online_vcpus.counter")
        self.dump.write_gpa(self.dump.gpa(kvm + offset), (online + 1).to_bytes(size, "little"))
        self.put(place, "kvm_vcpu", "vcpu_id", online)
        self.set_copies(place)
        offset, _ = self.btf.member("kvm_vcpu", "arch.regs")
        for index, name in ((4, "guest_rsp"), (16, "guest_rip")):
            self.dump.write_gpa(place + offset + 8 * index, fields[name].to_bytes(8, "little"))
        self.put(place, "kvm_vcpu", "arch.regs_avail", ALL_AVAILABLE)
        self.put(place, "kvm_vcpu", "arch.cr3", fields["guest_cr3"])
        self.set_vmcs(place, fields)
        self.put(place, "vcpu_vmx", "rflags", fields["guest_rflags"])
        self.put(place, "vcpu_vmx", "segment_cache.bitmask", (1 << 32) - 1)
        start, size = self.btf.member("vcpu_vmx", "segment_cache.seg")
        for i, segment in enumerate(SEGMENTS):
            for part in PARTS:
                self.put(place + start + i * size // len(SEGMENTS), "kvm_save_segment", part.removesuffix("_bytes"),
                         fields.get(f"guest_{segment}_{part}", 0))

    def set_copies(self, place):
        offset, _ = self.btf.member("kvm_vcpu", "arch.regs")
        stale = STALE.to_bytes(8, "little")
        self.dump.write_gpa(place + offset + 4 * 8, stale)
        try:
            self.put(place, "kvm_vcpu", "arch.rip", STALE)
        except KeyError:
            self.dump.write_gpa(place + offset + 16 * 8, stale)
        for path, value in {"mode": 0, "arch.regs_avail": 0xffef, "arch.regs_dirty": 0, "arch.cr0": 0x80010019,
                            "arch.cr0_guest_owned_bits": 8, "arch.cr3": STALE, "arch.cr4": 0x20, "arch.cr4_guest_owned_bits": 0x80,
                            "arch.efer": 0x500}.items():
            self.put(place, "kvm_vcpu", path, value)

    def set_vmcs(self, place, fields):
        loaded, _ = self.btf.member("vcpu_vmx", "vmcs01")
        for path, value in {"loaded_vmcs": self.direct_map + place + loaded, "rflags": STALE, "rmode.vm86_active": 0}.items():
            self.put(place, "vcpu_vmx", path, value)
        try:
            self.put(place, "vcpu_vmx", "exit_reason.full", 12)
        except KeyError:
            self.put(place, "vcpu_vmx", "vt.exit_reason.full", 12)
        for path, value in {"vmcs": self.direct_map + self.page(place), "cpu": -1}.items():
            self.put(place + loaded, "loaded_vmcs", path, value)
        for name in HOST:
            self.put(place + loaded, "loaded_vmcs", f"host_state.{name.removeprefix('host_')}", fields[name])
        self.set_page(self.page(place), fields)

    def set_page(self, page, fields):
        if self.kind == UNKNOWN:
            self.dump.write_gpa(page, UNKNOWN_REVISION.to_bytes(4, "little"))
            for name, (offset, size) in places(self.btf).items():
                self.dump.write_gpa(page + offset, fields[name].to_bytes(size, "little"))
            return
        revision, number = REVISIONS[self.kind]
        self.put(page, self.kind, revision, number)
        for name, value in fields.items():
            self.put(page, self.kind, name, value)
