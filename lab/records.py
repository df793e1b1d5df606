#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops of guests, recorded once: the cores that tests and people look at, and the truth about them.

In:  a name in TABLE.
Out: a folder in the cache, whose path `lab/record NAME` prints: core.zst, QEMU's core; dump.zst, QEMU's own dump-guest-memory;
     registers, mtree and tlb, as the monitor prints them; serial.log, the console, and what other serial ports wrote (/dev/kmsg,
     /proc/kallsyms; truth, as truth.py reads it); facts.json; state.zst, from which QEMU goes on at the very stop (states.py).

The key in the folder's name is a hash of QEMU, kernel, initramfs, firmware and command line, and of what prepared the stop.
Another key's folder of the same name is removed. A record is made beside its final place and moved there whole.
"""

import argparse
import hashlib
import inspect
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import guest as lab
import states
import truth

CACHE = states.CACHE.parent
TEXTS = {"registers": "info registers -a", "mtree": "info mtree -f", "tlb": "info tlb"}


def stop(guest):
    guest.stop()


def stop_in_program(guest):
    """Stops the guest where its first CPU runs a program, so that there are the program's pages too."""
    def in_program():
        guest.stop()
        if "CPL=3" in guest.hmp("info registers"):
            return True
        guest.cont()
        return False

    lab.wait_until(in_program, 60, "the first CPU in a program")


def stop_busy(guest):
    """Stops the guest where its first CPU runs a program, and its second CPU the kernel."""
    def is_busy():
        guest.stop()
        if re.findall(r"CPL=(\d)", guest.hmp("info registers -a")) == ["3", "0"]:
            return True
        guest.cont()
        return False

    # The shell that said that it was ready goes to sleep.
    guest.wait_for_execution()
    lab.wait_until(is_busy, 60, "one CPU in a program, one in the kernel")


def symbol(guest, name):
    """The address of a symbol that lab/sleepers.sh looks for."""
    texts = truth.parse((guest.directory / "truth").read_bytes())
    return int(re.search(rf"^([0-9a-f]+) . {name}$", texts["/sleepers/symbols"].decode(), re.MULTILINE)[1], 16)


def ask_gdb(guest, *commands, key=None):
    """Returns what GDB prints at the guest's gdbstub; the guest stands still then. A key is pressed when it first runs."""
    words = [word for command in ("set confirm off", f"target remote {guest.directory}/gdbstub", "echo @connected\\n", *commands,
                                  "delete", "disconnect") for word in ("-ex", command)]
    with subprocess.Popen([lab.lab("gdb", "stock"), "-nx", "-batch", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as gdb:
        try:
            if key:
                any(line == "@connected\n" for line in gdb.stdout)
                # A guest that stands still gets no key.
                lab.wait_until(lambda: guest.qmp("query-status")["running"], 60, "the guest that GDB lets run")
                guest.hmp(f"sendkey {key}")
            return gdb.communicate(timeout=120)[0]
        except BaseException:
            gdb.kill()
            raise


def stop_in_backtrace(guest):
    """Stops the guest where Alt-SysRq-l has shown all CPUs: the first CPU is in the keyboard's interrupt, and waits for the second,
    which is in an NMI that came when the CPU ran the kernel."""
    begin, end = (f"hbreak *{symbol(guest, name):#x}" for name in ("nmi_cpu_backtrace", "__printk_cpu_sync_put"))

    def in_kernel():
        shown = ask_gdb(guest, begin, "continue", "continue", "printf \"cs %x\\n\", *(long *)($rdi + 136)", end, "continue",
                        key="alt-sysrq-l")
        cs = re.search(r"^cs ([0-9a-f]+)$", shown, re.MULTILINE)
        if not cs:
            raise lab.GuestError(f"GDB did not get to nmi_cpu_backtrace: {shown}")
        if int(cs[1], 16) & 3 == 0:
            return True
        guest.cont()
        return False

    lab.wait_until(in_kernel, 120, "the second CPU in the kernel when the NMI comes")


def wait_for_words(guest, words):
    lab.wait_until(lambda: words in guest.serial.read_text(errors="replace"), 120, f"'{words}' on the console")


def stop_in_panic(guest):
    guest.hmp("sendkey alt-sysrq-c")
    wait_for_words(guest, "---[ end Kernel panic")
    guest.stop()


def stop_after_oops(guest):
    """Has the task in the kernel call address 0, and stops the guest when that task is dead, and another one on its CPU."""
    begin, end = (f"hbreak *{symbol(guest, name):#x}" for name in ("__x64_sys_getrandom", "do_task_dead"))
    # A task is known by its stack.
    shown = ask_gdb(guest, begin, "continue", "set $stack = (unsigned long) $rsp >> 14", "set $rip = 0", "delete",
                    f"{end} if (unsigned long) $rsp >> 14 == $stack", "continue", "printf \"stack %lx\\n\", $stack")
    stack = int(re.search(r"^stack ([0-9a-f]+)$", shown, re.MULTILINE)[1], 16)

    def is_gone():
        guest.stop()
        if all(int(rsp, 16) >> 14 != stack for rsp in re.findall(r"RSP=(\w+)", guest.hmp("info registers -a"))):
            return True
        guest.cont()
        return False

    lab.wait_until(is_gone, 60, "a CPU without the task")


def stop_with_devices(guest):
    """Stops the guest where its balloon has taken 24 MiB, and where of its virtio-mem's plugged memory some is unplugged again."""
    mib = 1 << 20
    guest.qmp("balloon", value=(guest.memory - 24) * mib)
    guest.qmp("qom-set", path="/machine/peripheral/vmem", property="requested-size", value=72 * mib)
    lab.wait_until(lambda: guest.qmp("query-balloon")["actual"] == (guest.memory - 24) * mib, 120, "a balloon of 24 MiB")
    lab.wait_until(lambda: guest.qmp("qom-get", path="/machine/peripheral/vmem", property="size") == 72 * mib, 120,
                   "72 MiB of virtio-mem that stay")
    guest.stop()


def write_stopped_state(guest):
    """Writes the state of a guest with a CPU in a nested guest to the record's folder, to be shown at QEMU's gdbstub.

    QEMU takes it only without the CPUs' flag HF_GUEST (QEMU 7.2: target/i386/machine.c, cpu_post_load), which the gdbstub does not
    show, and so does not go on from the state.
    """
    hf_guest = 1 << 21
    path = guest.directory.parent / states.STATE
    if reason := guest.write_state(path):
        raise lab.GuestError(f"QEMU does not write the guest's state: {reason}")
    state = bytearray(subprocess.run(["zstd", "-dqc", path], stdout=subprocess.PIPE, check=True).stdout)
    for words in re.findall(r"R15=(\w+)\s+RIP=(\w+)", guest.hmp("info registers -a")):
        # Big-endian: R15, RIP, RFLAGS, hflags.
        at = state.rindex(struct.pack(">QQ", *(int(word, 16) for word in words))) + 24
        flags, = struct.unpack_from(">I", state, at)
        struct.pack_into(">I", state, at, flags & ~hf_guest)
    subprocess.run(["zstd", "-1qfo", path], input=state, check=True)


def stop_in_nested(guest):
    """Stops the guest where exactly one CPU executes the loop of lab/nested.c's nested guest."""
    def in_nested():
        guest.stop()
        if len(re.findall(r"RIP=0000000000001008", guest.hmp("info registers -a"))) == 1:
            return True
        guest.cont()
        return False

    lab.wait_until(in_nested, 120, "a CPU in the nested guest")
    write_stopped_state(guest)


def stop_in_nested_kernel(guest):
    """Stops the guest where a CPU executes the kernel of the nested guest of lab/nested-linux.sh, in a program's system call."""
    said = truth.parse((guest.directory / "truth").read_bytes())["/nested/serial"].decode()
    random = re.findall(r"^([0-9a-f]{16}) \w ", said.partition("inner: random")[2], re.MULTILINE)
    start, end = (int(address, 16) for address in random[:2])

    def in_nested():
        guest.stop()
        if any(start <= int(rip, 16) < end for rip in re.findall(r"RIP=(\w+)", guest.hmp("info registers -a"))):
            return True
        guest.cont()
        return False

    lab.wait_until(in_nested, 120, "a CPU in the nested guest's random numbers")
    write_stopped_state(guest)


class Record:
    """A stop of a guest, to be made.

    series  of lab/kernel
    stop    called with the guest, which it leaves stopped
    initrd  the script of the lab's that prints another initramfs, called with the series
    state   whether QEMU goes on from the stop: not where a debugger has stopped the guest, or a CPU is in a nested guest
    qemu    arguments of lab/qemu-suite, where it is not the lab's QEMU
    guest   options of lab.Guest
    """

    def __init__(self, series="6.1", stop=stop, initrd=None, state=True, qemu=None, **guest):
        self.series, self.stop, self.initrd, self.state, self.qemu, self.guest = series, stop, initrd, state, qemu, guest

    def boot(self, folder, extra=(), **options):
        kernel = Path(lab.lab("kernel", self.series)) / "vmlinuz"
        initrd = lab.lab(self.initrd, self.series) if self.initrd else None
        guest = dict(self.guest, extra=[*self.guest.get("extra", ()), *extra])
        if self.qemu:
            guest["qemu"] = lab.lab("qemu-suite", *self.qemu)
        return lab.Guest(kernel=kernel, initrd=initrd, directory=folder, **guest, **options)


def serial(name):
    return ["-serial", f"file:{name}"]


# The first 256 MiB and two CPUs are of two nodes.
NODES = ["-object", "memory-backend-ram,id=node0,size=128M", "-object", "memory-backend-ram,id=node1,size=128M",
         "-numa", "node,nodeid=0,cpus=0,memdev=node0", "-numa", "node,nodeid=1,cpus=1,memdev=node1"]


def log_record(series, log, append="", extra=()):
    """A guest that writes these records into its log, and what /dev/kmsg held of them."""
    return Record(series, append=f"printk.devkmsg=on loglevel=1 lab.log={log} lab.kmsg=1 {append}".strip(),
                  extra=[*serial("kmsg.log"), *extra])


def sleepers_record(series, stop, append="", state=True, extra=()):
    """A guest with lab/sleepers.c, and the truth about the tasks. The guests of a series and of the same words boot once."""
    words = f"printk.devkmsg=on panic=0 sysrq_always_enabled lab.script=/sleepers/script {append}".strip()
    return Record(series, stop, "sleepers-initramfs", append=words,
                  extra=[*extra, "-gdb", "unix:gdbstub,server=on,wait=off", *serial("truth")], state=state)


def modules_record(series, extra=()):
    """A guest with modules, and what /proc and /sys said of modules, symbols and memory."""
    return Record(series, initrd="modules-initramfs", append="lab.script=/modules/script",
                  extra=[*serial("truth"), *serial("memory"), *extra])


def bpf_record(series):
    """A guest with lab/bpf.c, a task that sleeps in a BPF program."""
    return Record(series, initrd="bpf-initramfs", append="lsm=bpf lab.script=/bpf/script", extra=serial("truth"))


def waits_record(series):
    """A guest with lab/module, whose tasks wait for each other in all ways that lock up no CPU."""
    words = ("deadlock2,deadlock3,self,mutex,chain,gone,rwsem_write,rwsem_read,semaphore,rt_mutex,percpu_write,percpu_read,"
             "completion,page,buffer,disk,mmap,probed")
    return Record(series, initrd="module/initramfs", append=f"lab.script=/waits/script lab.waits={words}")


def arch_record(series, target, machine, console, memory=256, extra=(), append=""):
    """A guest of another architecture, and the truth about its tasks on its console."""
    return Record(series, initrd="arch-initramfs", qemu=("bookworm", target), machine=machine, console=console, memory=memory,
                  append=f"loglevel=1 printk.devkmsg=on lab.script=/arch/script {append}".strip(), extra=extra, seconds=600)


def nested_record(series, cpu="EPYC,+svm"):
    """A guest that runs lab/nested.c, a nested guest by KVM. QEMU does not go on from a state within a nested guest."""
    return Record(series, stop_in_nested, "nested-initramfs", append="lab.script=/nested/script", fresh=True, state=False,
                  memory=256, extra=["-cpu", cpu, "-gdb", "unix:gdbstub,server=on,wait=off", *serial("truth")])


def nested_linux_record(series):
    """A guest that runs a Linux in a QEMU, by KVM, and what that Linux says of itself."""
    return Record(series, stop_in_nested_kernel, "nested-linux-initramfs", append="lab.script=/nested/script", fresh=True,
                  state=False, memory=384, seconds=900,
                  extra=["-cpu", "EPYC,+svm", "-gdb", "unix:gdbstub,server=on,wait=off", *serial("truth")])


def pages_record(series, cpu):
    """A guest with pages of all kinds, on two nodes."""
    extra = ["-cpu", cpu, "-m", "256M,maxmem=2G", *NODES, "-object", "memory-backend-ram,id=growing,size=256M",
             "-device", "virtio-mem-pci,id=vmem,memdev=growing,node=0,requested-size=160M",
             "-device", "virtio-balloon-pci,id=balloon", *serial("truth")]
    return Record(series, stop_with_devices, "pages-initramfs", append="lab.script=/pages/script memhp_default_state=online_movable",
                  extra=extra, state=False)


def hostile_record(series):
    """A guest whose log, tasks, module, host name and QEMU's own name are markup and scripts."""
    return Record(series, initrd="hostile-initramfs", append="printk.devkmsg=on lab.script=/hostile/script",
                  extra=["-name", "</pre><script>alert(4)</script>\"'&"])


TABLE = {
    "idle": Record(smp=2),
    "programs": Record(smp=2, append="lab.spin=4", stop=stop_in_program),
}
for version in ("6.1", "6.12"):
    TABLE |= {
        f"log-{version}": log_record(version, "odd,clear,long"),
        f"log-wrapped-{version}": log_record(version, "odd,many=9000,odd,long"),
        f"log-large-{version}": log_record(version, "odd,many=9000,long", "log_buf_len=16M", ["-cpu", "max"]),
    }
for version in ("6.1", "6.12", "sid"):
    TABLE[f"kallsyms-{version}"] = Record(version, append="lab.kallsyms=1", extra=serial("kallsyms"))
    TABLE |= {
        f"tasks-{version}": sleepers_record(version, stop_busy),
        f"modules-{version}": modules_record(version),
        f"traced-{version}": sleepers_record(version, stop_busy, "lab.trace=1"),
        f"backtrace-{version}": sleepers_record(version, stop_in_backtrace, state=False),
        f"waits-{version}": waits_record(version),
    }
TABLE["waits-6.12-rt"] = waits_record("6.12-rt")
for version in ("6.1", "sid"):
    TABLE[f"panic-{version}"] = sleepers_record(version, stop_in_panic)
# A CPU on which the kernel counts the depth of calls, in thunks in front of its functions.
TABLE["thunks-6.12"] = sleepers_record("6.12", stop_busy, "retbleed=stuff spectre_v2=retpoline", extra=["-cpu", "Skylake-Client"])
TABLE["nodes-6.12"] = modules_record("6.12", NODES)
TABLE["bpf-6.12"] = bpf_record("6.12")
# The CPU "max" has five levels of page tables.
TABLE |= {f"pages-{version}": pages_record(version, cpu) for version, cpu in (("6.1", "qemu64"), ("6.12", "max"), ("sid", "qemu64"))}
TABLE |= {f"nested-{version}": nested_record(version) for version in ("5.10", "6.1", "sid")}
# Page tables of five levels, and so are those that KVM makes for its guests.
TABLE["nested-6.12"] = nested_record("6.12", "EPYC,+svm,+la57")
TABLE["nested-linux-6.1"] = nested_linux_record("6.1")
TABLE["hostile-6.1"] = hostile_record("6.1")
TABLE["oops-6.1"] = sleepers_record("6.1", stop_after_oops)
TABLE |= {
    "i386-6.1": arch_record("686-pae", "x86_64", "pc", "ttyS0"),
    "arm64-6.1": arch_record("arm64-6.1", "aarch64", "virt", "ttyAMA0", extra=["-cpu", "cortex-a72"]),
    "arm64-6.12": arch_record("arm64-6.12", "aarch64", "virt", "ttyAMA0", extra=["-cpu", "max,pauth-impdef=on"]),
    "arm64-sid": arch_record("arm64-sid", "aarch64", "virt", "ttyAMA0", 384, ["-cpu", "max,pauth-impdef=on"]),
    "arm64-16k": arch_record("arm64-16k", "aarch64", "virt", "ttyAMA0", 512, ["-cpu", "max,pauth-impdef=on"]),
    "riscv64-6.12": arch_record("riscv64-6.12", "riscv64", "virt", "ttyS0"),
    "riscv64-sid": arch_record("riscv64-sid", "riscv64", "virt", "ttyS0"),
    "s390x-6.1": arch_record("s390x-6.1", "s390x", "s390-ccw-virtio", "ttysclp0"),
    "s390x-6.12": arch_record("s390x-6.12", "s390x", "s390-ccw-virtio", "ttysclp0"),
    "s390x-sid": arch_record("s390x-sid", "s390x", "s390-ccw-virtio", "ttysclp0"),
    "ppc64el-6.1": arch_record("ppc64el-6.1", "ppc64", "pseries,x-vof=on", "hvc0", 512, extra=["-cpu", "power9"]),
    "ppc64el-6.12": arch_record("ppc64el-6.12", "ppc64", "pseries,x-vof=on", "hvc0", 512, extra=["-cpu", "power9"]),
    "ppc64el-sid": arch_record("ppc64el-sid", "ppc64", "pseries,x-vof=on", "hvc0", 512, extra=["-cpu", "power9"]),
    "ppc64el-hash": arch_record("ppc64el-sid", "ppc64", "pseries,x-vof=on", "hvc0", 512, ["-cpu", "power9"], "disable_radix"),
}


class Opened:
    """A record whose core and dump are files in a folder, at the first use of each."""

    def __init__(self, name, folder):
        self.name, self.record = name, TABLE[name]
        self._place, self._folder = Path(find(name)), Path(folder)
        self.facts = json.loads((self._place / "facts.json").read_text())
        self.qemu, self.kernel = self.facts["qemu"], self.facts["kernel"]

    @property
    def core(self):
        return self._unpacked("core")

    @property
    def dump(self):
        return self._unpacked("dump")

    def text(self, name):
        return (self._place / name).read_text(errors="replace")

    def bytes(self, name):
        return (self._place / name).read_bytes()

    def resume(self, **options):
        """The guest in a QEMU, stopped where it was recorded."""
        return self.record.boot(self._folder, at=states.State(self._place), **options)

    def _unpacked(self, name):
        path = self._folder / name
        if not path.exists():
            subprocess.run(["zstd", "-dq", "--sparse", self._place / f"{name}.zst", "-o", path], check=True)
            if lab.observer:
                lab.observer.add_core(self, path, "core" if name == "core" else "vmcore")
        return path


def key(record, guest):
    """Hashes all that decides on the record: the guest, and the code that prepares and takes it."""
    parts = [str(states.of_guest(guest).folder), inspect.getsource(record.stop), inspect.getsource(take), inspect.getsource(take_stop),
             str(TEXTS)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def take(record, work):
    """Fills the record's folder. All but the guest's way to the stop is done in a QEMU that went on from the state, if any."""
    with record.boot(work) as guest:
        record.stop(guest)
        for name in guest.files:
            shutil.copy(guest.directory / name, work / name)
        if not record.state:
            take_stop(guest, work)
        elif reason := guest.write_state(work / states.STATE):
            raise lab.GuestError(f"QEMU does not write the guest's state: {reason}")
    if record.state:
        with record.boot(work, at=states.State(work)) as guest:
            take_stop(guest, work)
    for name in ("core", "dump"):
        subprocess.run(["zstd", "-1q", "--rm", work / name], check=True)


def take_stop(guest, work):
    for name, command in TEXTS.items():
        (work / name).write_text(guest.hmp(command).replace("\r", ""))
    facts = {"qemu": guest.qemu, "kernel": guest.kernel, "command": guest.command, "version": guest.qmp("query-version"),
             "machine": guest.qmp("qom-get", path="/machine", property="type"),
             "status": guest.qmp("query-status")["status"]}
    (work / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    guest.dump(work / "dump")
    guest.core(work / "core")


def find(name):
    """The record's folder; it is made where there is none."""
    record = TABLE[name]
    if not shutil.which("zstd"):
        raise lab.GuestError("records are packed by zstd: lab/packages guest installs it")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tmp.record.", dir=CACHE) as work:
        final = CACHE / f"record-{name}-{key(record, record.boot(work, start=False))}"
        if not final.exists():
            print(f"recording {name}", file=sys.stderr)
            made = Path(work) / "made"
            made.mkdir()
            take(record, made)
            publish(name, made, final)
    return final


def publish(name, made, final):
    for path in CACHE.glob(f"record-{name}-" + "[0-9a-f]" * 16):
        if path != final:
            shutil.rmtree(path, ignore_errors=True)
    try:
        made.rename(final)
    except OSError:
        # Another run was faster.
        if not final.exists():
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", nargs="*", help="the records to make; without one, all their names are printed")
    names = parser.parse_args().name
    unknown = [name for name in names if name not in TABLE]
    if unknown:
        sys.exit(f"record: error: no record {', '.join(unknown)}; there are {', '.join(TABLE)}")
    try:
        print("\n".join(map(str, map(find, names))) if names else "\n".join(TABLE))
    except lab.GuestError as error:
        sys.exit(f"record: error: {error}")


if __name__ == "__main__":
    main()
