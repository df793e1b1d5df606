# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-struct: the types of the guest's kernel and values of them, against what drgn says with the kernel's debuginfo."""

import json
import re
import subprocess

import pytest

import gdb
import guest as lab
import records
from test_guest_core import FAILED, NOTHING_FOUND, guest_core

TYPES = ["task_struct", "page", "super_block", "list_head", "module", "mm_struct", "vm_area_struct", "sched_entity", "rq", "file",
         "inode", "dentry", "sk_buff", "net_device", "orc_entry", "desc_struct", "rw_semaphore", "mutex", "cred", "kmem_cache",
         "pglist_data", "tcphdr"]
LAYOUTS = """
import drgn, json, sys
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
def members(type, path, start):
    for member in type.members:
        offset, own = start + member.bit_offset, member.type
        name = ".".join(filter(None, [path, member.name]))
        nested = own.kind in (drgn.TypeKind.STRUCT, drgn.TypeKind.UNION) and own.tag is None
        if member.name or not nested:
            hidden = own.kind == drgn.TypeKind.ARRAY and own.length is None
            yield name, offset, 0 if hidden else drgn.sizeof(own), member.bit_field_size or 0
        if nested:
            yield from members(own, name, offset)
for name in sys.argv[3:]:
    print(json.dumps([*members(program.type("struct " + name), "", 0)]))
"""
VALUES = """
import drgn, json, sys
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.percpu import per_cpu
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
task = program["init_task"]
print(json.dumps({
    "comm": task.comm.string_().decode(), "next": task.tasks.next.value_(), "policy": task.policy.value_(),
    "uid": task.cred.uid.val.value_(), "weight": task.se.load.weight.value_(), "reset": task.sched_reset_on_fork.value_(),
    "migrated": task.sched_migrated.value_(), "prio": task.prio.value_(),
    "release": program["init_uts_ns"].name.release.string_().decode(), "jiffies": program["jiffies_64"].value_(),
    "switches": [per_cpu(program["runqueues"], cpu).nr_switches.value_() for cpu in (0, 1)],
    "blocks": [[block.value_(), block.s_id.string_().decode(), block.s_magic.value_(), block.s_type.name.string_().decode()]
               for block in list_for_each_entry("struct super_block", program["super_blocks"].address_of_(), "s_list")]}))
"""


def drgn(code, *arguments):
    if subprocess.run(["/usr/bin/python3", "-c", "import drgn"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("drgn is missing: Debian has it in python3-drgn")
    run = subprocess.run(["/usr/bin/python3", "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    return records.Opened("programs", tmp_path_factory.mktemp("struct"))


def ask(record, *words):
    """The objects of the lines."""
    text = guest_core(record.core, "struct", *words, "-json")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def value(record, *words):
    shown, = ask(record, *words)
    return shown["value"]


@pytest.fixture(scope="module")
def vmcore(record, tmp_path_factory):
    path = tmp_path_factory.mktemp("struct") / "vmcore"
    guest_core(record.core, "dump", path)
    return path


def test_layout(record, vmcore):
    """Each member of 22 structs, in bit fields and anonymous unions too, has the offset and the size that drgn has"""
    for name, truth in zip(TYPES, drgn(LAYOUTS, vmcore, lab.lab("vmlinux"), *TYPES)):
        shown = [[row["path"], 8 * row["offset"] + row.get("bit_offset", 0), row["size"], row.get("bits", 0)]
                 for row in ask(record, name)]
        assert shown == truth, name


def test_values(record, vmcore):
    """Values of the kernel's variables, of lists of them, behind pointers and of one CPU, are those that drgn has"""
    truth, = drgn(VALUES, vmcore, lab.lab("vmlinux"))
    task = value(record, "task_struct", "init_task")
    assert [task["comm"], int(task["tasks"]["next"], 16), task["policy"], task["se"]["load"]["weight"], task["sched_reset_on_fork"],
            task["sched_migrated"], task["prio"]] == \
        [truth[key] for key in ("comm", "next", "policy", "weight", "reset", "migrated", "prio")]
    assert value(record, "task_struct.cred->uid.val", "init_task") == {"cred->uid.val": truth["uid"]}
    assert value(record, "uts_namespace", "init_uts_ns")["name"]["release"] == truth["release"]
    assert value(record, "u64", "jiffies_64") == truth["jiffies"]
    assert [value(record, "rq.nr_switches", "runqueues", "-cpu", cpu)["nr_switches"] for cpu in (0, 1)] == truth["switches"]
    blocks = [[int(block["address"], 16), *block["value"].values()]
              for block in ask(record, "super_block.s_id,s_magic", "super_blocks", "-head", "-list", "s_list")]
    assert blocks == [block[:3] for block in truth["blocks"]] and len(blocks) > 5
    text = guest_core(record.core, "struct", "super_block.s_type->name", "super_blocks", "-head", "-list", "s_list")
    assert re.findall('s_type->name = 0x[0-9a-f]+ .*"(.*)"', text) == [block[3] for block in truth["blocks"]]
    assert "the list is empty" in guest_core(record.core, "struct", "module", "modules", "-head", "-list", "list", status=NOTHING_FOUND)


def test_errors(record):
    """A wrong name is an error of one line, with the names that are like it"""
    for words, text in (
            (["task_struc"], "the kernel has no type task_struc; there is task_struct"),
            (["task_struct.com"], "type task_struct: it has no member com; there is comm"),
            (["task_struct.pid->x"], "task_struct.pid->x: what is before -> is no pointer"),
            (["task_struct."], "a member's name is missing behind task_struct."),
            (["mm_struct", "-pid", "1"], "-pid leads to a task_struct, not to a mm_struct: task_struct.MEMBER->MEMBER leads on"),
            (["task_struct", "-pid", "9999999"], "no task has the PID 9999999"),
            (["task_struct.mm->pgd", "-pid", "2"], "task_struct.mm->pgd: the pointer at 0x"),
            (["list_head", "-list", "next"], "-list takes the address of the first value"),
            (["list_head", "init_task", "-head"], "-head goes with -list MEMBER"),
            (["list_head", "0x10"], "0x10 is not mapped"),
            (["task_struct", "init_task", "-list", "pid"], "-list: task_struct.pid is no list_head, hlist_node or pointer")):
        assert text in guest_core(record.core, "struct", *words, status=FAILED), words


def test_module(folder):
    """The type of a module's variable is found, and leads on to types of the kernel (Linux net/vmw_vsock/vsock_loopback.c)"""
    core = records.Opened("modules-6.1", folder).core
    text = guest_core(core, "struct", "vsock_loopback.workqueue->name", "the_vsock_loopback")
    assert text.splitlines()[1] == '  workqueue->name = "vsock-loopback"', text
    assert "there is vsock_loopback" in guest_core(core, "struct", "vsock_loopbac", status=FAILED)


# ---- A vmlinux in the place of BTF ----

def test_vmlinux(record):
    """With the kernel's vmlinux guest-ps takes all members from the vmlinux's DWARF, and lists what it lists by BTF"""
    vmlinux = lab.lab("vmlinux")
    text = guest_core("-debug", "-vmlinux", vmlinux, record.core, "ps", "-args", "-memory")
    *debug, = [line for line in text.splitlines() if line.startswith("debug: member task_struct.")]
    assert len(debug) > 15 and all(": vmlinux" in line for line in debug if " has it" in line), debug
    without = [line for line in text.splitlines() if not line.startswith("debug: ")]
    assert without == guest_core(record.core, "ps", "-args", "-memory").splitlines() and len(without) > 50


@pytest.mark.gdb
def test_vmlinux_in_gdb(record, folder):
    """guest-kernel -vmlinux FILE is for all commands after it, until another; a file that is no vmlinux changes nothing"""
    vmlinux = lab.lab("vmlinux")
    run = gdb.batch("-nx", record.qemu, record.core, commands=[
        f"guest-kernel -vmlinux {vmlinux}", "guest-kernel -vmlinux /bin/true", "set guest-debug on", r"echo @next\n",
        "guest-ps -pid 1", r"echo @next\n", 'guest-kernel -vmlinux ""', "guest-ps -pid 1"])
    before, named, after = run.output.split("@next\n")
    assert "vmlinux /bin/true: it has no DWARF debuginfo" in before, before
    assert "task_struct.tasks: vmlinux has it" in named and "vmlinux has it" not in after, run


def test_other_vmlinux(folder):
    """The vmlinux of another kernel is refused: the build IDs differ"""
    core = records.Opened("log-6.12", folder).core
    text = guest_core("-vmlinux", lab.lab("vmlinux"), core, "ps", status=FAILED)
    assert "it is of another kernel: its build ID is " in text and text.count("\n") == 1
