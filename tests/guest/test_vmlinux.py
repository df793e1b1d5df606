# SPDX-License-Identifier: GPL-3.0-or-later
"""The vmlinux that guest-vmlinux makes: GDB's own commands with it at the gdbstub, its types against those of the real vmlinux,
drgn with it."""

import contextlib
import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest

import crash
import gdb
import selection
import vmcore
from living import Living
from machines import lab, records
from test_guest_core import FAILED, GUEST_CORE, guest_core
from test_readers import PYTHON, run_python
from test_tasks import fixture_of

SERIES = ["6.1", "6.12", "sid"]
STUB = ["-gdb", "unix:gdbstub,server=on,wait=off"]
TYPES = ["task_struct", "page", "module", "list_head", "rq", "file", "super_block", "sk_buff", "inode", "thread_struct",
         "dentry", "uts_namespace", "cred", "signal_struct"]
# What else to ask GDB of a structure that ends in an array without a size: of such a one in the real vmlinux GDB 16 shows no offsets.
OPEN = ["ptype struct mm_struct", "print sizeof(struct mm_struct)",
        *(f"print (long)&((struct mm_struct *)0)->{member}" for member in ("mm_mt", "pgd", "mmap_lock", "context", "owner", "lru_gen", "cpu_bitmap"))]
TASKS = """
import sys
import drgn
from drgn.helpers.linux.block import disk_name, for_each_disk
from drgn.helpers.linux.cpumask import for_each_online_cpu
from drgn.helpers.linux.fs import for_each_mount, mount_dst, mount_fstype, mount_src
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import cmdline, for_each_page
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_printk_records
from drgn.helpers.linux.sched import task_state_to_char
from drgn.helpers.linux.slab import find_slab_cache
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
for task in for_each_task(program):
    try:
        # drgn reads the stack that a zombie had.
        frames = [frame for frame in program.stack_trace(task) if not frame.is_inline] if task.stack else []
    except LookupError:
        # Newer drgns know no registers of a task on a CPU, with either vmlinux.
        frames = []
    print("task", task.pid.value_(), task.tgid.value_(), task_state_to_char(task), cmdline(task) if task.mm else None, sep="|", end="|")
    print(*(hex(frame.pc) for frame in frames if frame.pc >> 63))
for mount in for_each_mount(program):
    print("mount", mount_src(mount), mount_dst(mount), mount_fstype(mount))
for module in list_for_each_entry("struct module", program["modules"].address_of_(), "list"):
    print("module", module.name.string_(), hex(module))
for cpu in for_each_online_cpu(program):
    print("CPU", cpu, per_cpu(program["runqueues"], cpu).nr_running.value_())
print("disks", *map(disk_name, for_each_disk(program)))
print("records", len(get_printk_records(program)))
print("page", hex(next(for_each_page(program))), hex(find_slab_cache(program, "task_struct")))
print("release", program["init_uts_ns"].name.release.string_().decode())
"""

# Commands of crash that need no lines of source.
QUESTIONS = ["sys", "ps", "bt -a", "mod", "log", "struct task_struct", "kmem -i", "kmem -s", "kmem -z", "kmem -V", "irq", "timer", "dev",
             "net", "mount", "runq", "foreach bt", "foreach files", "foreach vm"]
# Variables whose types BTF lacks.
VARIABLES = ["init_task", "init_mm", "init_uts_ns", "init_pid_ns", "init_net", "modules", "jiffies", "jiffies_64", "__per_cpu_offset",
             "linux_banner", "saved_command_line", "node_states", "vm_zone_stat", "vm_node_stat", "hstates", "swap_info", "mem_section",
             "mt_slots", "mt_pivots", "task_state_array", "taint_flags", "irq_desc_tree", "super_blocks", "slab_caches", "block_class",
             "tcp_hashinfo", "prb", "cgrp_dfl_root", "nr_cpu_ids", "__cpu_online_mask", "workqueues", "iomem_resource", "softirq_vec",
             "vmap_area_root", "file_systems", "pci_root_buses", "vmcoreinfo_data", "log_buf", "tick_nsec", "_totalram_pages",
             "avenrun", "hrtimer_resolution", "platform_bus", "clk_root_list"]

tasks = fixture_of("tasks", ["6.1"], ["6.1"])


def unnumbered(name):
    """A function's name without the number at the end of a clone's, which GDB takes for Ada's; GDB shows another end in brackets."""
    return re.sub(r"\.\d+$", "", re.sub(r"\[(\w+)\]$", r".\1", name))


def names_of(lines):
    """The functions of GDB's frames, up to the first that is a program's."""
    names = []
    for line in lines:
        if not (frame := re.match(r"#\d+ +(?:0x[0-9a-f]+ in )?(<signal handler called>|[^ ]+)", line)):
            continue
        if frame[1] == "??":
            break
        names.append(unnumbered(frame[1]))
    return names


@pytest.fixture
def cache(monkeypatch, folder):
    """The folder of the made files of a user whose cache is empty; its name has a space and quotes."""
    home, of_gdb = folder / 'a "cache"', gdb.environment
    monkeypatch.setattr(gdb, "environment", lambda *arguments: dict(of_gdb(*arguments), XDG_CACHE_HOME=str(home)))
    return home / "gdb-guest" / "vmlinux"


@pytest.fixture(params=selection.mostly_further(SERIES, ["6.1"]))
def session(request, folder, cache):
    """A GDB at the stub of a guest with a busy CPU, with the made vmlinux."""
    kernel = lab.lab("kernel", request.param)
    with lab.Guest(kernel=f"{kernel}/vmlinuz", smp=2, append="lab.spin=1", directory=folder, extra=STUB) as guest, gdb.Session() as session:
        session.command(f"target remote {guest.directory}/gdbstub")
        assert not gdb.errors(session.command("guest-vmlinux"))
        session.guest = guest
        yield session


def stop_in_program(session):
    """Lets the guest run until a CPU, which GDB selects, is in a program; returns the number of its thread."""
    while True:
        for thread in (1, 2):
            session.command(f"thread {thread}")
            if session.command("print $cs & 3")[-1].endswith(" = 3"):
                return thread
        session.start("continue")
        session.guest.wait_for_execution()
        session.stop(typed=True)


def stacks(session):
    """Each CPU's stack as GDB's own bt shows it and as guest-bt does, from the outermost function on. GDB hides the function of an
    interrupt's entry."""
    for cpu in range(2):
        session.command(f"thread {cpu + 1}")
        shown = json.loads(session.command(f"guest-bt -cpu {cpu} -json")[-1])
        ours = [unnumbered(frame["symbol"]) for frame in shown["frames"]]
        theirs = names_of(session.command("backtrace"))
        hidden = [ours[i] if name.startswith("<") and i < len(ours) else name for i, name in enumerate(theirs)]
        yield hidden, ours


@pytest.mark.gdb
def test_stacks(session):
    """At the stub GDB's own bt of each CPU, idle, in an interrupt, an NMI, a program and its exception, has guest-bt's functions"""
    idle = list(stacks(session))
    session.command("hbreak hrtimer_interrupt")
    session.command("continue")
    interrupted = list(stacks(session))
    session.command("delete")
    session.command("hbreak default_do_nmi")
    session.command("monitor nmi")
    session.command("continue")
    in_nmi = list(stacks(session))
    session.command("delete")
    thread = stop_in_program(session)
    in_program = list(stacks(session))
    assert in_program[thread - 1] == ([], [])
    session.command(f"thread {thread}")
    assert all("?? ()" in line for line in session.command("backtrace"))
    # No program has memory there.
    session.command("set $rip = 16")
    session.command("hbreak force_sig_fault")
    session.command("continue")
    excepted = list(stacks(session))
    for theirs, ours in [*idle, *interrupted, *in_nmi, *in_program, *excepted]:
        assert theirs == ours
    assert any(ours and ours[0] == "hrtimer_interrupt" for _, ours in interrupted)
    assert any(ours and ours[0] == "default_do_nmi" for _, ours in in_nmi)
    assert any(ours and ours[0] == "force_sig_fault" and ours[-2:] == ["exc_page_fault", "asm_exc_page_fault"] for _, ours in excepted)


@pytest.mark.gdb
def test_session(session):
    """At the stub GDB breaks at a function by its name, shows its code, its caller, its argument only while that is there, finishes it
    and prints types"""
    session.command("break update_process_times")
    assert any("update_process_times (user_tick=" in line for line in session.command("continue"))
    assert re.match(r"user_tick = [01]$", session.command("info args")[-1])
    assert re.match(r"=> 0x[0-9a-f]+ <update_process_times(\+\d+)?>:\t", session.command("x/i $pc")[-1])
    assert re.match(r"#1 +0x[0-9a-f]+ in tick_", session.command("up")[-1])
    session.command("down")
    # Else the other CPU runs on meanwhile, and may come to the breakpoint.
    session.command("set scheduler-locking step")
    session.command("stepi 3")
    assert session.command("info args")[-1] == "user_tick = <optimized out>"
    session.command("delete")
    assert any("tick_" in line or "in " in line for line in session.command("finish"))
    assert session.command("print init_task.comm")[-1].endswith('"swapper/0\\000\\000\\000\\000\\000\\000"')
    assert session.command("print ((struct task_struct *)init_task.tasks.prev)->stack_refcount.refs.counter")[-1].startswith("$")
    assert "struct list_head *next;" in " ".join(session.command("ptype struct list_head"))
    assert "schedule in section .text" in session.command("info symbol schedule")[-1]


@pytest.fixture
def resume(folder, cache):
    """Starts a GDB at the stub of a record's guest, with the made vmlinux."""
    with contextlib.ExitStack() as stack:
        def start(name):
            guest = stack.enter_context(records.Opened(name, folder).resume())
            session = stack.enter_context(gdb.Session())
            session.command(f"target remote {guest.directory}/gdbstub")
            assert not gdb.errors(session.command("guest-vmlinux"))
            return guest, session
        yield start


def hit_by_key(guest, session, function, key):
    """Breaks at the module's function; returns what GDB prints when the guest, which got the key, is there."""
    session.command(f"break {function}")
    session.start("continue")
    # A guest that stands still gets no keys.
    guest.wait_for_execution()
    guest.hmp(f"sendkey {key}")
    return session.wait_prompt()


@pytest.mark.gdb
def test_modules(resume):
    """At the stub GDB breaks at a module's function, and shows its arguments, its callers in the kernel and a structure of the module's"""
    guest, session = resume("tasks-6.1")
    assert re.search(r"fuse_sync_fs \(sb=0x[0-9a-f]+, wait=[01]\)", hit_by_key(guest, session, "fuse_sync_fs", "alt-sysrq-s"))
    assert session.command("print sb->s_type->name")[-1].endswith(' "fuse"')
    assert session.command("print ((struct fuse_mount *)sb->s_fs_info)->sb == sb")[-1].endswith(" = 1")
    assert {"do_sync_work", "worker_thread"} <= set(names_of(session.command("backtrace")))
    assert "fuse_sync_fs in section fuse.text" in session.command("info symbol fuse_sync_fs")[-1]


@pytest.mark.further
@pytest.mark.parametrize("series", ["6.12", "sid"])
def test_further_modules(series, resume):
    """At the stub of {series}, GDB breaks at a module's function, and shows its arguments and its callers in the kernel"""
    guest, session = resume(f"tasks-{series}")
    assert re.search(r"tun_chr_close \(inode=0x[0-9a-f]+, file=0x[0-9a-f]+\)", hit_by_key(guest, session, "tun_chr_close", "alt-sysrq-e"))
    assert session.command("print ((struct tun_file *)file->private_data)->tun->tfiles[0] == file->private_data")[-1].endswith(" = 1")
    assert {"__fput", "task_work_run"} <= set(names_of(session.command("backtrace")))
    assert "tun_chr_close in section tun.text" in session.command("info symbol tun_chr_close")[-1]


def answers(program, *expressions, vmcore=None):
    """Returns GDB's answer to each expression, with a made vmlinux and perhaps a vmcore."""
    commands = [argument for text in expressions for argument in ("-ex", "echo @\\n", "-ex", text)]
    run = subprocess.run([os.environ.get("GDB", "gdb"), "-nx", "-batch", "-ex", "set width 0", program, *filter(None, [vmcore]), *commands],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=gdb.PATIENCE)
    return [text.strip() for text in run.stdout.split("@\n")[1:]]


def test_absent_memory(tasks, folder):
    """{tasks}: with the made vmlinux alone, or on a vmcore that lacks the page, GDB has an error for a variable, never zeros"""
    made, linked, whole, part = (folder / name for name in ("made", "linked", "whole", "part"))
    tasks.show("vmlinux", "-guest-addresses", "-output", made)
    tasks.show("vmlinux", "-output", linked)
    tasks.show("dump", whole)
    tasks.show("dump", part, "-begin", "0", "-length", "0x100000")
    variables = ["print init_task.comm", "print jiffies", "print runqueues.nr_running", "x/gx &init_task", "x/i start_kernel"]
    for text in [*answers(made, *variables), *answers(made, *variables, vmcore=part)]:
        assert "Cannot access memory at address" in text
    there = answers(made, *variables[:2], "x/i schedule", vmcore=whole)
    assert "swapper/0" in there[0] and int(there[1].split()[-1]) and re.search("endbr64|nop|push", there[2])
    assert "swapper/0" in answers(linked, variables[0])[0]
    assert "Cannot access memory" in answers(linked, variables[-1])[0]
    for text in answers(made, "x/i schedule", "print &fair_sched_class"):
        assert re.search("<schedule>:\tendbr64|<schedule>:\t(nop|push)|<fair_sched_class>$", text)


@pytest.fixture
def firmware(folder):
    """A program that is no kernel."""
    source, program = folder / "firmware.s", folder / "firmware"
    source.write_text(".globl firmware_entry\n.type firmware_entry, @function\nfirmware_entry: ret\n")
    subprocess.run(["gcc", "-nostdlib", "-static", "-Wl,-Ttext=0xf0000,-e,firmware_entry", "-o", program, source], check=True)
    return program


@pytest.mark.gdb
def test_loading(tasks, folder, cache, firmware):
    """{tasks}: on a vmcore guest-vmlinux loads the kernel's symbols, from its file in the cache the next time, beside the user's own"""
    whole, part = folder / "whole", folder / "part"
    tasks.show("dump", whole)
    tasks.show("dump", part, "-begin", "0", "-length", "0x100000")
    with gdb.Session("-c", whole) as session:
        session.command(f"add-symbol-file {firmware}")
        line, = session.command("guest-vmlinux")
        path = Path(re.fullmatch(r"loading (.*): [0-9.]+ MiB, [0-9]+ symbols, [0-9]+ functions with their arguments", line)[1])
        assert path.parent == cache and path.stat().st_mode & 0o777 == 0o600 and [*cache.iterdir()] == [path]
        assert session.command("print init_task.comm")[-1].endswith('"swapper/0\\000\\000\\000\\000\\000\\000"')
        made = path.stat().st_ino
        assert session.command("guest-vmlinux") == [re.sub(", [0-9]+ symbols.*", ", made before", line)]
        assert session.command("guest-vmlinux -force") == [line] and path.stat().st_ino != made
        of_modules = "info symbol fuse_sync_fs"
        assert session.command(of_modules) == [f"fuse_sync_fs in section fuse.text of {path}"]
        shown, = map(json.loads, session.command("guest-vmlinux -no-modules -json"))
        assert shown["new"] and shown["loaded"] and Path(shown["file"]) in cache.iterdir() and shown["symbols"] < int(line.split()[-7])
        assert session.command(of_modules) == ['No symbol "fuse_sync_fs" in current context.']
        assert session.command("info symbol schedule") == [f"schedule in section .text of {shown['file']}"]
        assert "firmware_entry in section .text" in session.command("info symbol firmware_entry")[-1]
        session.command(f"guest-select -file {part}")
        assert session.command("guest-vmlinux")[-1].startswith(f"guest-vmlinux: guest-select -file chose {part}, which is not GDB's")
    assert not list(cache.glob("*.part*"))


@pytest.mark.gdb
def test_functions(tasks, folder, cache):
    """{tasks}: $guest_per_cpu and $guest_current_task, in a GDB without Python their procedures, find a CPU's variable and task"""
    tasks.show("dump", folder / "whole")
    with gdb.Session("-c", folder / "whole") as session:
        truth = json.loads(session.command("guest-bt -cpu 1 -json")[-1])["task"]
        offset = json.loads(session.command("guest-x -cpu 1 -json runqueues")[-1])["address"]
        if not gdb.loads_by_python():
            assert session.command("guile (guest-current-task 1)")[-1] == str(int(truth, 16))
            assert session.command('guile (guest-per-cpu "runqueues" 1)')[-1] == str(int(offset, 16))
            return
        assert session.command("print/x $guest_current_task(1)")[-1].split()[-1] == truth
        session.command("guest-vmlinux")
        assert session.command('print $guest_per_cpu("runqueues", 1).cpu')[-1].endswith(" = 1")
        assert session.command('print/x &$guest_per_cpu("runqueues", 1)')[-1].split()[-1] == offset
        assert session.command("print $guest_current_task(1)->__state")[-1].endswith(" = 0")
        assert session.command("guest-x $guest_current_task(1) 1gx")[-1].startswith(f"{truth}:")
        assert "there is no CPU 7" in session.command("print $guest_current_task(7)")[-1]
        assert '"no such" is no variable' in session.command('print $guest_per_cpu("no such", 0)')[-1]


@pytest.mark.expensive
def test_start_kernel(folder, cache):
    """At the stub without KASLR a hardware breakpoint at start_kernel stops the next boot, and bt goes back to the entry"""
    kernel = lab.lab("kernel", "6.1")
    with lab.Guest(kernel=f"{kernel}/vmlinuz", append="nokaslr", directory=folder, extra=STUB) as guest, gdb.Session() as session:
        guest.qmp("set-action", reboot="reset")
        session.command(f"target remote {guest.directory}/gdbstub")
        session.command("guest-vmlinux")
        session.command("hbreak start_kernel")
        session.command("monitor system_reset")
        assert "hit Breakpoint 1, " in session.command("continue")[-1]
        assert names_of(session.command("bt"))[:2] == ["start_kernel", "secondary_startup_64_no_verify"]
        assert "swapper" in session.command("print init_task.comm")[-1]
        session.command("delete")
        session.command("hbreak rest_init")
        session.command("continue")
        assert names_of(session.command("bt")) == ["rest_init", "arch_call_rest_init", "start_kernel", "secondary_startup_64_no_verify"]


@pytest.mark.expensive
def test_reboot(folder, cache, firmware):
    """At the stub guest-vmlinux loads another file after a reboot with KASLR, in which breakpoints go on, and the firmware's symbols stay"""
    kernel = lab.lab("kernel", "6.1")
    with lab.Guest(kernel=f"{kernel}/vmlinuz", directory=folder, extra=STUB) as guest, gdb.Session() as session:
        guest.qmp("set-action", reboot="reset")
        session.command(f"target remote {guest.directory}/gdbstub")
        session.command(f"add-symbol-file {firmware}")
        session.command("guest-vmlinux")
        before = session.command("info symbol schedule"), session.command("print &schedule")
        session.command("hbreak schedule")
        session.command("disable")
        boots = guest.times_ready()
        session.start("continue")
        guest.qmp("system_reset")
        lab.wait_until(lambda: guest.times_ready() > boots, 100, "the second boot")
        session.stop(typed=True)
        session.command("guest-vmlinux")
        after = session.command("info symbol schedule"), session.command("print &schedule")
        assert len(after[0]) == 1 and after[0] != before[0] and after[1][-1].split("0x")[1] != before[1][-1].split("0x")[1]
        assert "firmware_entry in section .text" in session.command("info symbol firmware_entry")[-1]
        session.command("enable")
        assert any("schedule (" in line for line in session.command("continue"))


@pytest.mark.expensive
def test_followed_reboot(folder, cache):
    """At the stub guest-klog -follow goes on through a reboot while a made vmlinux is loaded; then guest-vmlinux loads the new kernel's"""
    with Living("stub", folder, extra=["-action", "reboot=reset"]) as living:
        living.session.command("guest-vmlinux")
        before = living.session.command("print &schedule")
        living.follow()
        living.reset(r"Run /init as init process\r?\n")
        living.stop()
        assert living.session.command("guest-vmlinux")[-1].startswith("loading ")
        after = living.session.command("print &schedule")
        assert "<schedule>" in after[-1] and after[-1].split("0x")[1] != before[-1].split("0x")[1]
        living.check()


def test_no_loading(tasks, cache):
    """{tasks}: where GDB's memory is QEMU's, and without GDB, guest-vmlinux says what to do instead, and makes no file"""
    line, = gdb.attempt([tasks.record.qemu, tasks.record.core], "guest-vmlinux")
    assert line.startswith("guest-vmlinux: GDB's memory is QEMU's here") and "-output FILE" in line
    text = guest_core("-qemu", tasks.record.qemu, tasks.record.core, "vmlinux", status=FAILED)
    assert text == ("guest-core: vmlinux: -output FILE is missing; only in GDB can the command do without, and load what it makes\n")
    assert not cache.exists()


def layouts_of(program):
    """Returns GDB's answers, by the command. BTF has no difference between an array of nothing and one without a size."""
    commands = [*(f"ptype /o struct {name}" for name in [*TYPES, "mm_struct"]), *OPEN]
    marks = [argument for command in commands for argument in ("-ex", f"echo @{command}@\\n", "-ex", command)]
    run = subprocess.run([os.environ.get("GDB", "gdb"), "-nx", "-batch", "-ex", "set width 0", program, *marks], capture_output=True, text=True,
                         timeout=gdb.PATIENCE)
    pieces = re.split(r"^@(.*)@\n", run.stdout.replace("[0]", "[]"), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2]))


def test_types(tasks, folder):
    """{tasks}: with the made vmlinux GDB shows the members, offsets and sizes of 14 structures, and of one that ends in an array without a size,
    that it shows with the real vmlinux"""
    tasks.show("vmlinux", "-output", folder / "made")
    made, real = layouts_of(folder / "made"), layouts_of(lab.lab("vmlinux"))
    ending_open = "ptype /o struct mm_struct"
    assert "offset" in made[ending_open] and "cpu_bitmap[];" in made[ending_open]
    assert set(made) == set(real) and len(real) == len(TYPES) + 1 + len(OPEN)
    for command in set(real) - {ending_open}:
        assert ("offset" in real[command] or command in OPEN) and made[command] == real[command], command


@pytest.mark.expensive
@pytest.mark.parametrize("suite", ["the machine", "trixie", "sid"])
def test_drgn(suite, tasks, folder):
    """{tasks}: {suite}'s drgn with the made vmlinux finds the tasks that guest-ps lists, and what it finds with the real vmlinux: all stacks, command
    lines, mounts, modules, per-CPU variables, disks, the log"""
    made, vmcore = folder / "made", folder / "vmcore"
    tasks.show("vmlinux", "-output", made)
    tasks.show("dump", vmcore)
    python = lab.lab("program-suite", "python3", suite, "python3-drgn") if suite != "the machine" else PYTHON
    shown, told = (run_python("drgn", "python3-drgn", TASKS, vmcore, vmlinux, python=python).decode().splitlines()
                   for vmlinux in (made, lab.lab("vmlinux")))
    listed = {(task["pid"], task["tgid"]) for task in tasks.json("ps", "-threads", "-json") if task["pid"]}
    rows = [line.rpartition("|") for line in shown if line.startswith("task|")]
    truths = [line.rpartition("|") for line in told if line.startswith("task|")]
    assert {tuple(map(int, row[0].split("|")[1:3])) for row in rows} == listed
    assert [row[0] for row in rows] == [truth[0] for truth in truths]
    # Without a module's debuginfo drgn loses the way in a module, and with it may take a word of the stack for a frame.
    for (_, _, frames), (_, _, truth) in zip(rows, truths):
        assert frames.startswith(truth.rpartition(" ")[0])
    assert sum(frames == truth for (_, _, frames), (_, _, truth) in zip(rows, truths)) > len(rows) - 10
    assert [line for line in shown if not line.startswith("task|")] == [line for line in told if not line.startswith("task|")]


def variables_of(program):
    """The types of variables as GDB shows them; BTF has no const of a variable."""
    marks = [argument for name in VARIABLES for argument in ("-ex", f"echo {name}\\ ", "-ex", f"whatis {name}")]
    run = subprocess.run([os.environ.get("GDB", "gdb"), "-nx", "-batch", "-ex", "set width 0", program, *marks], capture_output=True, text=True,
                         timeout=gdb.PATIENCE)
    return [re.sub(r"(const|volatile) |(?<=\*) (const|volatile)", "", line) for line in run.stdout.splitlines()]


def test_variables(tasks, folder):
    """{tasks}: the made vmlinux has the types that the real vmlinux has of 41 variables that are not in BTF"""
    tasks.show("vmlinux", "-output", folder / "made")
    made, real = variables_of(folder / "made"), variables_of(lab.lab("vmlinux"))
    assert len(real) == len(VARIABLES)
    assert made == real


@pytest.mark.parametrize("suite", selection.mostly_further(["sid", "trixie"], ["sid"]))
def test_crash(suite, tasks, folder):
    """{tasks}: {suite}'s crash prints with the made vmlinux what it prints with the real vmlinux"""
    made, vmcore = folder / "made", folder / "vmcore"
    tasks.show("vmlinux", "-output", made)
    tasks.show("dump", vmcore)
    shown, told = (crash.ask(vmcore, "\n".join(QUESTIONS), program=lab.lab("program-suite", "crash", suite), vmlinux=vmlinux)[0].decode(errors="replace").splitlines()
                   for vmlinux in (made, lab.lab("vmlinux")))
    assert len(told) > 5000 and sum("PID:" in line for line in told) > 100
    assert [line for line in shown if "KERNEL:" not in line] == [line for line in told if "KERNEL:" not in line]


@pytest.mark.expensive
@pytest.mark.parametrize("options", [(), ("-guest-addresses",)], ids=["link-time", "guest"])
def test_readers(options, tasks, folder):
    """{tasks}, {options}: readelf, eu-elflint, llvm-dwarfdump and GDB, which is told to complain, find nothing to say of the made file"""
    made = folder / "vmlinux"
    tasks.show("vmlinux", *options, "-output", made)
    run = subprocess.run(["eu-elflint", made], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "No errors\n", "")
    run = subprocess.run(["llvm-dwarfdump", "--verify", made], capture_output=True, text=True)
    assert (run.returncode, run.stdout.splitlines()[-1], run.stderr) == (0, "No errors.", "") and "warning" not in run.stdout
    run = subprocess.run(["readelf", "-aW", "--debug-dump=info,abbrev,loc,frames", made], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr) == (0, b"")
    commands = ["set complaints 1000", f"file {made}", "ptype struct task_struct", "info scope schedule", "info line schedule"]
    run = subprocess.run([os.environ.get("GDB", "gdb"), "-nx", "-batch", *(word for text in commands for word in ("-ex", text))],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=gdb.PATIENCE)
    assert "struct list_head tasks;" in run.stdout and "During symbol reading" not in run.stdout and "warning" not in run.stdout, run


class Damage:
    """A vmcore of which bytes are damaged, and mended again."""

    def __init__(self, guest, path):
        self.path, self.random = path, random.Random(1)
        places = {}
        guest.show("dump", path)
        for name in ("__start_BTF", "__stop_BTF", "__start_orc_unwind_ip", "__stop_orc_unwind_ip", "__start_orc_unwind",
                     "__stop_orc_unwind", "kallsyms_names", "kallsyms_token_table", "kallsyms_token_index"):
            places[name] = int(guest.json("vtop", name, "-json")[0]["gpa"], 16)
        with vmcore.Vmcore(path) as file:
            self.places = {name: file.offset_of(gpa)[0] for name, gpa in places.items()}

    def change(self, first, last):
        """Damages some bytes from one symbol to another, most of them in its first part; returns what mends them."""
        start, size = self.places[first], self.places[last] - self.places[first]
        changed = []
        with open(self.path, "r+b", buffering=0) as file:
            for _ in range(self.random.choice((1, 4, 64))):
                offset = start + self.random.randrange(self.random.choice((64, 4096, size)))
                byte = os.pread(file.fileno(), 1, offset)
                changed.append((offset, byte))
                os.pwrite(file.fileno(), bytes([self.random.choice((0, 0xff, byte[0] ^ 1 << self.random.randrange(8)))]), offset)
        return reversed(changed)

    def mend(self, changed):
        with open(self.path, "r+b", buffering=0) as file:
            for offset, byte in changed:
                os.pwrite(file.fileno(), byte, offset)


@pytest.mark.expensive
@pytest.mark.gdb(expensive=True)
def test_damaged(tasks, folder):
    """{tasks}: no damage to types, ORC and names makes a file that GDB dies of, nor ends the maker"""
    damage, made = Damage(tasks, folder / "vmcore"), []
    parts = [("__start_BTF", "__stop_BTF"), ("__start_orc_unwind_ip", "__stop_orc_unwind_ip"), ("__start_orc_unwind", "__stop_orc_unwind"),
             ("kallsyms_names", "kallsyms_token_table"), ("kallsyms_token_table", "kallsyms_token_index")]
    for number in range(40):
        changed = damage.change(*parts[number % len(parts)])
        path = folder / f"vmlinux-{number}"
        run = subprocess.run([GUEST_CORE, damage.path, "vmlinux", "-no-modules", "-guest-addresses", "-output", path], capture_output=True)
        damage.mend(changed)
        assert run.returncode in (0, 1), (number, run)
        if run.returncode:
            assert not path.exists() and len(run.stderr) < 2000, run
            continue
        commands = [f"file {path}", "ptype struct list_head", "ptype struct page", "info scope schedule", "info symbol schedule",
                    "info functions ^do_nanosleep", "x/i schedule", "echo @alive\\n"]
        shown = subprocess.run([os.environ.get("GDB", "gdb"), "-nx", "-batch", *(word for text in commands for word in ("-ex", text))],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=gdb.PATIENCE)
        assert shown.returncode >= 0 and b"@alive" in shown.stdout, (number, shown.stdout[-1000:])
        made.append(number)
        path.unlink()
    assert len(made) >= 10
