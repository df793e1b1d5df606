# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-bt, against the stacks that the guest's own kernel shows: /proc/PID/task/TID/stack of sleeping tasks, Alt-SysRq-l and a
panic of running CPUs."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

import crash
import registers
from machines import lab, records
from test_guest_core import GUEST_CORE, guest_core
from test_readers import run_python
from test_tasks import fixture_of, tasks_of

tasks = fixture_of("tasks", ["6.1", "6.12"])
traced = fixture_of("traced", ["6.1"])
thunks = fixture_of("thunks", [], ["6.12"])
backtrace = fixture_of("backtrace", ["6.1"])
panic = fixture_of("panic", ["6.1"], ["6.1", "sid"])
oops = fixture_of("oops", ["6.1"], ["6.1"])


def frames_of(stopped):
    """The stacks that guest-bt -all -json shows, by PID."""
    if not hasattr(stopped, "stacks"):
        stopped.stacks = {stack["pid"]: stack for stack in stopped.json("bt", "-all", "-json") if stack["pid"]}
    return stopped.stacks


def line_of(frame):
    """A frame as the kernel prints it (%pB)."""
    module = f" [{frame['module']}]" if frame["module"] else ""
    return f"{frame['symbol']}+{frame['offset']:#x}/{frame['size']:#x}{module}"


def without_scheduler(stopped, frames):
    """The frames that /proc/PID/stack has: those of the scheduler's own functions are left out."""
    begin, end = (int(re.search(rf"^(\w+) . __sched_text_{name}$", stopped.texts["/sleepers/symbols"].decode(), re.MULTILINE)[1], 16)
                  for name in ("start", "end"))
    return [frame for frame in frames if not begin <= int(frame["pc"], 16) < end]


def stack_of(task):
    """The lines of /proc/PID/task/TID/stack."""
    return re.findall(r"^\[<0>\] (.*)$", task.texts[task.folder + "stack"].decode(), re.MULTILINE)


def differing(stopped, truth=stack_of):
    """The tasks that have not run since the truth, and whose stack is not the guest's own, line by line."""
    stacks = frames_of(stopped)
    shown = {task: [line_of(frame) for frame in without_scheduler(stopped, stacks[task.tid]["frames"])]
             for task in stopped.unchanged}
    return [(task, shown[task], truth(task)) for task in stopped.unchanged if shown[task] != truth(task)]


def test_all(tasks):
    """{tasks}: the stack of each task that sleeps is /proc's line by line, modules, exceptions and 32-bit system calls too"""
    assert len(tasks.asleep) >= 100 and set(tasks.asleep) <= set(tasks.unchanged)
    assert not differing(tasks)
    # Modules, faults, other system calls, tasks that end or are stopped.
    lines = "\n".join(line for task in tasks.asleep for line in stack_of(task))
    for name in (r"tun_do_read\S+ \[tun\]", r"vsock_accept\S+ \[vsock\]", "handle_userfault", "asm_exc_page_fault", "fuse_",
                 r"int80_(emulation|compat)|do_int80", "ptrace_stop", "do_exit|do_signal_stop"):
        assert re.search(name, lines), name


def test_exact(tasks):
    """{tasks}: no frame of a sleeping task is a guess, and each stack ends in a program or where the kernel's thread began"""
    stacks = frames_of(tasks)
    for task in tasks.unchanged:
        stack = stacks[task.tid]
        if task.state == "Z":
            continue
        assert not any(frame["guess"] for frame in stack["frames"]) and not stack["broken"], (task, stack)
        # A thread of io_uring's is a program's, and has begun in the kernel.
        in_kernel = task.is_kernel or task.name.startswith(b"iou-")
        assert (stack["end"] == "user") != in_kernel, (task, stack)


def test_thunks(thunks):
    """{thunks}: the stack of each task that sleeps is /proc's, without a guess, where calls go through thunks that count them"""
    assert "callthunks: Setting up call depth tracking" in thunks.show("klog")
    assert len(thunks.asleep) >= 100 and set(thunks.asleep) <= set(thunks.unchanged)
    assert not differing(thunks)
    stacks = frames_of(thunks)
    assert not any(frame["guess"] for task in thunks.unchanged for frame in stacks[task.tid]["frames"])


def system_calls():
    """The names of x86-64's system calls by their numbers, as the C library's headers have them."""
    text = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
    return {int(number): name for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.MULTILINE)}


def test_system_call(tasks):
    """{tasks}: the number and the name of the system call, the program's pc and sp are those of /proc/PID/syscall"""
    stacks, names, checked = frames_of(tasks), system_calls(), 0
    for task in tasks.asleep:
        words = task.texts[task.folder + "syscall"].decode().split()
        entries = [frame["entry"] for frame in stacks[task.tid]["frames"] if frame["entry"]]
        if task.state == "Z" or len(words) < 3 or not entries:
            continue
        entry = entries[-1]
        assert (int(entry["pc"], 16), int(entry["sp"], 16)) == (int(words[-1], 16), int(words[-2], 16)), task
        if task.name == b"s-int80":
            # Another table of numbers; many kernels have it in code only.
            assert (entry["number"], entry["name"]) in ((29, "pause"), (29, None)), entry
        elif entry["kind"] == "syscall":
            assert (entry["number"], entry["name"]) == (int(words[0]), names[int(words[0])]), (task, entry)
            checked += 1
        else:
            assert words[0] == "-1", (task, entry, words)
    assert checked > 80
    restarted = stacks[tasks.named("s-restarted").tid]["frames"][-1]["entry"]
    assert restarted["name"] == "restart_syscall"


def test_user_mode(tasks):
    """{tasks}: a CPU that executes a program has no frames; the program's pc and sp are the CPU's"""
    cpu = registers.by_name(tasks.record.text("registers"))[0]
    stack = tasks.json("bt", "-cpu", "0", "-json")[0]
    assert stack["frames"] == [] and stack["on_cpu"] == 0
    assert (int(stack["user_pc"], 16), int(stack["user_sp"], 16)) == (cpu["RIP"], cpu["RSP"])


DRGN = """
import json
import sys
import drgn
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.sched import task_state_to_char
program = drgn.Program()
program.set_core_dump(sys.argv[1])
program.load_debug_info([sys.argv[2]])
for task in for_each_task(program):
    try:
        frames = [frame.pc for frame in program.stack_trace(task) if not frame.is_inline]
    except (LookupError, ValueError, drgn.FaultError):
        frames = None
    print(json.dumps({"pid": task.pid.value_(), "state": task_state_to_char(task), "frames": frames}))
"""


# The kernel whose debuginfo the lab has.
@pytest.mark.machines("6.1")
def test_drgn(tasks, folder):
    """{tasks}: drgn with the kernel's debuginfo finds the same frames and states in the vmcore. Where drgn is wrong, by /proc: it
    goes astray behind a module's frame and behind a fault in the kernel, takes a frozen task for a task that runs, and a CPU's
    registers for those of PID 1 or 2"""
    tasks.show("dump", folder / "vmcore")
    text = run_python("drgn", "python3-drgn", DRGN, folder / "vmcore", lab.lab("vmlinux")).decode()
    of_drgn = {task["pid"]: task for task in map(json.loads, text.splitlines())}
    stacks, compared = frames_of(tasks), 0
    for task in tasks.unchanged:
        theirs, ours = of_drgn[task.tid], stacks[task.tid]["frames"]
        assert theirs["state"] == task.state or task.name == b"s-frozen-1", task
        # Where a task's PID is that which QEMU gives to the registers of the task's CPU, drgn takes these for the task's.
        if task.state == "Z" or task.tid == tasks.rows[task.tid]["cpu"] + 1:
            continue
        # Behind the system call there are addresses of the program.
        frames = [pc for pc in theirs["frames"] if pc >> 63]
        modules = [i for i, frame in enumerate(ours) if frame["module"]]
        pcs = [int(frame["pc"], 16) for frame in ours]
        if task.name == b"s-fault-kernel":
            assert len(frames) > 8 and frames == pcs[:len(frames)]
            continue
        known = modules[0] + 1 if modules else len(pcs)
        assert frames[:known] == pcs[:known] and (modules or len(frames) == known), task
        compared += not modules
    assert compared > 120


# The states of crash's ps in the letters of /proc; crash knows no frozen task.
CRASH_STATES = {"??": "D", "RU": "R", "IN": "S", "UN": "D", "ID": "I", "ZO": "Z", "ST": "T", "TR": "t"}


def frames_of_crash(text):
    """The addresses of the kernel's frames that crash's "foreach bt" shows, by PID; those of exceptions too."""
    stacks = {}
    for part in re.split(r"^PID: ", text, flags=re.MULTILINE)[1:]:
        addresses = re.findall(r"^ *#\d+ \[\w+\] .* at (\w{16})|^ +RIP: (\w{16}) ", part, re.MULTILINE)
        stacks[int(part.split()[0])] = [pc for pc in (int(first or second, 16) for first, second in addresses) if pc >> 63]
    return stacks


@pytest.mark.expensive
@pytest.mark.machines("6.1")
def test_crash(tasks, folder):
    """{tasks}: sid's crash with the kernel's debuginfo finds the same tasks, parents, states and frames in the vmcore; the crash of
    Debian 12 finds two of the tasks"""
    tasks.show("dump", folder / "vmcore")
    text = crash.ask(folder / "vmcore", "ps\nforeach bt", program=lab.lab("program-suite", "crash", "sid"))[0].decode(errors="replace")
    rows = re.findall(r"^>? +(\d+) +(\d+) +(\d+) +(\w{16}) +(\w\w|\?\?) ", text, re.MULTILINE)
    theirs = {int(pid): (int(ppid), int(cpu), int(task, 16), CRASH_STATES[state]) for pid, ppid, cpu, task, state in rows}
    assert set(tasks.rows) == set(theirs) - {0}
    ours = {pid: (row["ppid"], row["cpu"], int(row["task"], 16), row["state"]) for pid, row in tasks.rows.items()}
    stacks, frames = frames_of(tasks), frames_of_crash(text)
    for task in tasks.unchanged:
        assert ours[task.tid] == theirs[task.tid], task
        if task.state != "Z":
            assert [int(frame["pc"], 16) for frame in stacks[task.tid]["frames"]] == frames[task.tid], task


def test_traced(traced):
    """{traced}: the same where function_graph and return probes have taken the place of return addresses; where the kernel itself
    loses its way, with both in one function, the stack is the stack without them"""
    name = traced.record.name.replace("traced", "tasks")
    plain = {task.name: stack_of(task) for task in tasks_of(records.truth.parse(records.Opened(name, traced.folder).bytes("truth")))}

    def truth(task):
        lines = stack_of(task)
        # The trampoline, which begins where another symbol ends.
        return plain[task.name] if any(re.search(r"\+(0x\w+)/\1$", line) for line in lines) else lines

    assert set(traced.asleep) <= set(traced.unchanged)
    assert not differing(traced, truth)


def trace_in(log, begin):
    """The frames that the kernel has logged behind a line: without the frames that it marks as guesses."""
    start = next(i for i, line in enumerate(log) if re.match(begin, line))
    end = next(i for i in range(start, len(log)) if log[i] == " </TASK>")
    trace = [re.match(r"(?:RIP: 0010:| )(\w\S*\+0x\S*( \[\w+\])?)$", line) for line in log[start:end]]
    return [match[1] for match in trace if match]


def log_of(stopped):
    return [record["text"] for record in stopped.json("klog", "-json")]


def behind(lines, name):
    """The lines behind the first line that starts with a name."""
    return lines[next(i for i, line in enumerate(lines) if line.startswith(name)) + 1:]


def cpus_of(stopped):
    """The stacks that guest-bt -json shows, of the CPUs."""
    return {stack["on_cpu"]: stack for stack in stopped.json("bt", "-json")}


def test_in_interrupt(backtrace):
    """{backtrace}: the stack of a CPU in the keyboard's interrupt is the stack that its kernel logged, across the IRQ stack"""
    caller = "nmi_trigger_cpumask_backtrace+"
    stack = cpus_of(backtrace)[0]
    truth = trace_in(log_of(backtrace), "NMI backtrace for cpu 0$")
    assert len(truth) > 15
    assert behind([line_of(frame) for frame in stack["frames"]], caller) == behind(truth, caller)
    assert any(frame["entry"] and frame["entry"]["kind"] == "irq" for frame in stack["frames"])
    assert not any(frame["guess"] for frame in stack["frames"])


def test_in_nmi(backtrace):
    """{backtrace}: the stack of a CPU in an NMI is the stack that its kernel logged, across the NMI's stack"""
    stack = cpus_of(backtrace)[1]
    entry, = [i for i, frame in enumerate(stack["frames"]) if frame["entry"] and frame["entry"]["kind"] == "nmi"]
    truth = trace_in(log_of(backtrace), "NMI backtrace for cpu 1$")
    assert truth
    assert [line_of(frame) for frame in stack["frames"][entry + 1:]] == truth


def test_panic(panic):
    """{panic}: the stack of the CPU that panics is the stack that its kernel logged; the other CPU is where it was stopped"""
    stacks = cpus_of(panic)
    truth = trace_in(log_of(panic), "Kernel panic - not syncing: sysrq triggered crash")
    assert "panic+" in " ".join(truth)
    cpu, = [cpu for cpu, stack in stacks.items() if any(frame["symbol"] == "panic" for frame in stack["frames"])]
    shown = [line_of(frame) for frame in stacks[cpu]["frames"]]
    assert behind(shown, "sysrq_handle_crash") == behind(truth, "sysrq_handle_crash") != []
    other = [frame["symbol"] for frame in stacks[1 - cpu]["frames"]]
    assert any("stop" in name or name.startswith(("crash_nmi", "nmi")) for name in other), other


def test_oops(oops):
    """{oops}: the task that called address 0 is gone from its CPU, the others are as they were"""
    log = log_of(oops)
    assert any("BUG: kernel NULL pointer dereference, address: 0000000000000000" in line for line in log)
    assert not differing(oops)
    gone = {int(match[1]) for line in log if (match := re.match(r"CPU: \d+ PID: (\d+) Comm: ", line))}
    assert gone and not gone & {row["pid"] for row in oops.rows.values() if row["state"] not in "ZX"}


def test_executing(tasks):
    """{tasks}: of a CPU whose registers are not current the stack is searched, which is said, and all of its frames are guesses; no
    frame of a CPU that is current, or of a sleeping task, is"""
    def look():
        """The stacks of a guest that runs, once TCG was executing on a CPU."""
        run = subprocess.run([GUEST_CORE, "-p", str(guest.pid), "bt", "-all", "-json"], stdout=subprocess.PIPE, check=True)
        stacks = [json.loads(line) for line in run.stdout.splitlines()]
        return stacks if any(stack["start"] == "memory" for stack in stacks) else None

    with tasks.record.resume() as guest:
        guest.cont()
        guest.wait_for_execution()
        stacks = lab.wait_until(look, 60, "a CPU in the code that TCG has made")
    for stack in stacks:
        searched = stack["start"] == "memory"
        assert searched == ("registers are unknown: TCG was executing" in stack["why"]), stack
        assert stack["broken"] or all(frame["guess"] == searched for frame in stack["frames"]), stack
    assert len([stack for stack in stacks if stack["on_cpu"] is not None]) == 2


def test_bpf(top_folder):
    """a BPF program and a trampoline have their names of /proc/kallsyms, and the stack through both is /proc's"""
    record = records.Opened("bpf-6.12", Path(tempfile.mkdtemp(dir=top_folder)))
    texts = {path: text.decode() for path, text in records.truth.parse(record.bytes("truth")).items()}
    stack, = map(json.loads, guest_core("-qemu", record.qemu, record.core, "bt", "-pid", texts["/bpf/pid"].strip(), "-json").splitlines())
    frames = [frame for frame in stack["frames"] if frame["symbol"] not in ("__schedule", "schedule")]
    # The kernel names the module in the list of symbols alone.
    assert [line_of(frame).removesuffix(" [bpf]") for frame in frames] == re.findall(r"^\[<0>\] (.*)$", texts["/bpf/stack"], re.MULTILINE)
    shown = {(int(frame["pc"], 16) - frame["offset"], frame["symbol"]) for frame in frames if frame["module"] == "bpf"}
    assert shown == {(int(address, 16), name)
                     for address, name in re.findall(r"^([0-9a-f]+) t (\S+)\t\[bpf\]$", texts["/bpf/kallsyms"], re.MULTILINE)}
    assert len(shown) == 2
