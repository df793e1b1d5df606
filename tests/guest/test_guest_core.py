# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-core: the same commands without a debugger; the truth is GDB's output."""

import filecmp
import os
import random
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

import gdb
import vmcore
from machines import lab, records
from selection import mostly_further

GUEST_CORE = Path(gdb.LAUNCHER).with_name("guest-core")

DONE, FAILED, WRONG_USAGE, NOTHING_FOUND = 0, 1, 2, 3

# guest-core's commands, with the names that GDB has for them.
NAMES = {"dump": "dump-guest-memory"}

QUESTIONS = [
    "info", "info -json", "info -all -json",
    "klog", "klog -json", "klog -decode -caller -level err+", "klog -T -since 1.5",
    "klog -grep ACPI -context 1 -facility kern", "klog -grep '(' -json",
    "klog -grep xyzzy", "klog -before 1", "klog -tail 0", "klog -level loud", "klog -since 2026-02-30",
    "klog 'one too many'",
    "regs", "regs -all", "regs -json", "regs -cpu 1", "regs -cpu 7", "regs -cpu a",
    "ps", "ps -json", "ps -state S -user", "ps -threads -pid 1,2", "ps -state X", "ps -state q", "ps -pid 1,,2", "ps -pid 999999",
    "ps -kernel -user", "ps -args -paths -tree", "ps -args -json -user", "ps -memory",
    "x linux_banner", "x/4gx jiffies", "x -json /2wx jiffies", "x/2s linux_banner", "x/2i -cpu 0 _text", "x/2i -json _text+0x40",
    "x/20i 0xffffffff81000000", "x/6a sys_call_table", "x/4dw jiffies", 
    "x/9c linux_banner", "x -cpu 1 current_task", "x current_task", "x/0 jiffies", "x/2z jiffies",
    "x -1", "x/4gx 0xfffffffffffffff8",
    "x/4gx -physical 0x1000", "kernel", "kernel -json", "mod", "mod fuse", "mod -symbols fuse", "mem", "mem -json", "mem -zones", "profile", "profile -hz 0", "trace vfs_read", "trace vfs_read -count 0",
    "mem -slabs -top 3", "mem -pages", "mem -pages -zeros -json", "mem -zeros", "mem -tasks -top 3", "mem -top 3", "dump -begin 0 vmcore",
    "vmlinux -output /nonexistent/vmlinux", "vmlinux -guest-addresses",
    "bt", "bt -json", "bt -cpu 1", "bt -pid 1,2 -raw", "bt -pid 1 -raw -json", "bt -state S -group", "bt -all -group -json",
    "bt -pid 99999", "bt -pid 1,", "bt -state Q", "bt -cpu 7", "bt -all -pid 1",
    "struct list_head", "struct page -json", "struct pid_type", "struct task_struct init_task", "struct task_struct.comm,cred->uid init_task -json",
    "struct super_block.s_id super_blocks -head -list s_list", "struct rq.curr runqueues -cpu 1", "struct task_struct.comm -pid 1",
    "struct task_struc", "struct task_struct.x", "struct list_head 0x10",
    "report /dev/null", "report -text -no-log /dev/null", "report /nonexistent/report.html",
    "blocked", "blocked -json", "blocked -all", "blocked -all -json", "blocked 1",
    "nested", "nested -json", "nested -scan", "nested -scan -json",
    "vtop jiffies", "vtop -json jiffies", "vtop -cpu 1 jiffies", "vtop 0", "vtop -json 0x10", "vtop 0x800000000000",
]


def guest_core(*arguments, status=DONE, cwd=None):
    """The output, both streams as one text, but for the notes beside JSON; the exit status must be as said."""
    if gdb.observer:
        gdb.observer.look(["guest-core", *arguments], "guest-core")
    notes = subprocess.DEVNULL if "-json" in arguments and status == DONE else subprocess.STDOUT
    run = subprocess.run([GUEST_CORE, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=notes, cwd=cwd, env=gdb.environment(), timeout=gdb.PATIENCE)
    text = run.stdout.decode(errors="replace")
    assert run.returncode == status, f"{arguments}: status {run.returncode}\n{text}"
    return text


def in_gdb(question):
    return re.sub("[a-z]+", lambda match: NAMES.get(match[0], "guest-" + match[0]), question, count=1)


def of_gdb(arguments, questions):
    """GDB's output for each question."""
    marked = [line for question in questions for line in (r"echo @next\n", in_gdb(question))]
    run = gdb.batch(*arguments, commands=[*marked, r"echo @next\n"])
    _, *texts, _ = run.output.split("@next\n")
    assert len(texts) == len(questions), run
    return texts


def without_name(text, question):
    """An error's name is the front end's, and the reason why an expression is none."""
    name = re.match("[a-z]+", question)[0]
    text = re.sub("(nor a number: ).*", r"\1", text)
    return re.sub(rf"^(guest-core: {name}|{NAMES.get(name, 'guest-' + name)}): ", "", text, flags=re.MULTILINE)


def without_debuginfo(program, folder):
    """QEMU's binary without debuginfo: guest-core knows no types."""
    path = folder / "qemu-without-debuginfo"
    subprocess.run(["strip", "-o", path, program], check=True)
    return path


@pytest.fixture(scope="module")
def stripped_core(small, top_folder):
    core, program = small
    path = without_debuginfo(program, top_folder)
    yield core, path
    path.unlink()


def assert_equal(program, core):
    for question, text in zip(QUESTIONS, of_gdb([program, core], QUESTIONS)):
        run = subprocess.run([GUEST_CORE, "-qemu", program, core, *shlex.split(question)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=gdb.environment())
        assert without_name(run.stdout.decode(), question) == without_name(text, question), question
        assert text, question


def test_equal(stripped_core):
    """Each command shows on a core what the command shows in GDB, byte for byte, notes and errors too"""
    core, program = stripped_core
    assert_equal(program, core)


# Each takes half a minute: guests that differ in what the commands have to say.
DIFFERENT = ["programs", "log-wrapped-6.12", "kallsyms-sid", "tasks-6.12", "waits-sid", "panic-6.1", "arm64-sid", "s390x-sid"]


@pytest.mark.parametrize("name", mostly_further(DIFFERENT, []))
def test_equal_record(name, folder):
    """The record {name}: each command shows what the command shows in GDB, byte for byte"""
    record = records.Opened(name, folder)
    assert_equal(without_debuginfo(record.qemu, folder), record.core)


def test_status(small, folder):
    """The exit status tells what was found, that nothing was, an error, and wrong usage"""
    core, _ = small
    assert guest_core(core, "klog", "-grep", "Linux version") != ""
    assert guest_core(core, "klog", "-grep", "xyzzy", status=NOTHING_FOUND).startswith("note: none of the log's ")
    assert guest_core(core, "klog", "-grep", "(", status=FAILED).startswith("guest-core: klog: ")
    assert guest_core(folder / "none", "klog", status=FAILED) == \
        f"guest-core: klog: core file {folder}/none: open: No such file or directory\n"
    assert guest_core(core, "klog", "-tail", "0", status=WRONG_USAGE) == \
        "guest-core: klog: -tail is 0, not 1 to 2^64 - 1\n"
    assert guest_core(core, "x", status=WRONG_USAGE) == \
        "guest-core: x: it takes ADDR [COUNT][FORMAT]; guest-core x -help\n"
    assert guest_core(core, "x", "no_such_symbol", status=FAILED).endswith("nor a number: without GDB that is a number, or "
                                                                            "numbers with + and - between them\n")
    for words, text in (([core], "there is no COMMAND"), ([core, "log"], "no command log"), ([core, "sysrq"], "no command sysrq"),
                        (["-bogus", core], "no option -bogus"), (["-qemu"], "-qemu takes a value"), (["-p"], "-p takes a value")):
        assert guest_core(*words, status=WRONG_USAGE) == f"guest-core: {text}; guest-core -help\n"
    assert guest_core(core, "kernel", "1", status=WRONG_USAGE) == \
        'guest-core: kernel: it takes no argument; "1" was given\n'
    assert guest_core("klog", status=WRONG_USAGE) == "guest-core: klog: FILE is missing: guest-core FILE klog\n"
    assert guest_core("-p", "0", "klog", status=FAILED) == 'guest-core: klog: -p is "0", not a number from 1\n'


def test_program(small, stripped_core, folder):
    """QEMU's binary is the one that the core names, or the one that -qemu names; a note tells of another program"""
    core, program = small
    (folder / "core").symlink_to(core)
    assert guest_core(core, "info").replace(str(core), "CORE") == \
        guest_core("-qemu", program, "core", "info", cwd=folder).replace(f"{folder}/core", "CORE")
    text = guest_core("-qemu", "/bin/true", core, "info")
    assert "\nnote: /bin/true is not the core's program, " in text


def test_dump(stripped_core, folder):
    """dump writes the vmcore that GDB writes, and says the same beside the time"""
    core, program = stripped_core
    expected = gdb.batch(program, core, commands=[f"cd {folder}", "dump-guest-memory vmcore"])
    os.rename(folder / "vmcore", folder / "truth")
    text = guest_core("-qemu", program, core, "dump", "vmcore", cwd=folder)
    assert vmcore.difference(folder / "vmcore", folder / "truth") is None
    assert filecmp.cmp(folder / "vmcore", folder / "truth", shallow=False)
    assert re.sub(" in .*", "", text) in re.sub(" in .*", "", expected.output)
    assert guest_core(core, "dump", "vmcore", status=FAILED, cwd=folder) == \
        "guest-core: dump: vmcore: it exists; -force replaces it\n"


# Every word that a sanitizer says.
BAD = re.compile("Sanitizer|runtime error")


def damages(size):
    """Places to damage a core: (offset, bytes) for its headers and notes, at random; then ends to cut it off at."""
    choose = random.Random(1)
    for _ in range(12):
        yield choose.randrange(16, 4096 if choose.random() < 0.5 else 65536), bytes([choose.randrange(256)] * choose.choice([1, 4, 8]))
    for end in (size - 1, size // 2, size // 16, 4096, 100, 0):
        yield end, None


def test_damage(small, folder):
    """With damaged headers and notes, or cut off, a core gives what is whole or one clear line; sanitizers find nothing"""
    sanitized = Path(gdb.LAUNCHER).with_name("tests") / "guest-core"
    program = sanitized if sanitized.exists() else GUEST_CORE
    core = folder / "core"
    subprocess.run(["cp", "--sparse=always", small[0], core], check=True)
    for offset, data in damages(core.stat().st_size):
        with open(core, "r+b") as file:
            before = file.seek(offset) and file.read(len(data or b""))
            if data is None:
                file.truncate(offset)
            else:
                file.seek(offset)
                file.write(data)
        for question in ("info", "klog"):
            run = subprocess.run([program, core, question], capture_output=True, text=True, env=gdb.environment())
            text = f"{question} with {data} at {offset}: status {run.returncode}\n{run.stderr}"
            assert run.returncode in (DONE, FAILED, NOTHING_FOUND) and not BAD.search(run.stderr), text
            assert all(re.match("note: |guest-core: ", line) for line in run.stderr.splitlines()), text
            assert (run.returncode == FAILED) == (run.stderr.count("guest-core: ") == 1), text
        if data is not None:
            with open(core, "r+b") as file:
                file.seek(offset)
                file.write(before)


def test_vmcore(small, folder):
    """A vmcore shows the log and the symbols of the core that the vmcore was made of"""
    core, _ = small
    guest_core(core, "dump", folder / "vmcore")
    for question in ("klog", "klog -json", "x/4gx linux_banner", "x -json /3i _text+0x40"):
        assert guest_core(folder / "vmcore", *question.split()) == guest_core(core, *question.split())
    assert f"vmcore    {folder}/vmcore\n" in guest_core(folder / "vmcore", "info")


def test_debug(small):
    """-debug adds lines on standard error alone"""
    core, _ = small
    run = subprocess.run([GUEST_CORE, "-debug", core, "klog"], capture_output=True, text=True, check=True)
    assert run.stdout == guest_core(core, "klog")
    assert "\ndebug: source: QEMU process: open\n" in "\n" + run.stderr
    assert all(line.startswith("debug: ") for line in run.stderr.splitlines())


def test_kernel(small):
    """-kernel shows a kernel of the list, and names one that is not there"""
    core, _ = small
    assert guest_core("-kernel", "1", core, "klog", "-tail", "3") == guest_core(core, "klog", "-tail", "3")
    assert guest_core("-kernel", "1", core, "info").count("as chosen by guest-kernel") == 1
    assert guest_core("-kernel", "2", core, "klog", status=FAILED) == \
        "guest-core: klog: there is no kernel 2; the command kernel lists them\n"


def test_help():
    """-help lists the commands, and COMMAND -help shows the options that a core has a use for"""
    text = guest_core("-help")
    assert "\n  klog    Print the log of the guest's Linux kernel" in text and "sysrq" not in text
    for words in (["klog", "-help"], ["FILE", "klog", "-help"], ["FILE", "klog", "--help"]):
        text = guest_core(*words)
        assert "Usage: guest-core FILE klog [OPTION]...\n" in text and "\n  -level emerg|" in text
        assert "-follow" not in text and "gdbstub" not in text
    assert guest_core("-version").startswith("guest-core ")
    assert guest_core(status=WRONG_USAGE).startswith("Usage: guest-core ")


def test_complete(small, folder):
    """Commands, options, words and a guest's CPUs complete"""
    core, _ = small
    assert guest_core("-complete", "-q") == "-qemu\n"
    assert guest_core("-complete", core, "kl") == "klog\n"
    assert guest_core("-complete", core, "klog", "-le") == "-level\n"
    assert guest_core("-complete", core, "klog", "-level", "err,w") == "err,warn\nerr,warn+\n"
    assert guest_core("-complete", core, "klog", "-hexdump", folder.parent / folder.name[:-1]) == f"{folder}/\n"
    assert guest_core("-complete", core, "klog", "-fol") == ""


@pytest.mark.attach
def test_process(folder, served):
    """A process stands still while it is looked at, and is as it was afterwards: running, or stopped, as a note says then"""
    pid = served.pid
    stopped = f"note: process {pid} is stopped by a signal, and its guest stands still: \"kill -CONT {pid}\" lets it go on\n"
    assert stopped not in guest_core("-p", pid, "kernel")
    assert f"\nprocess   {pid}\n" in guest_core("-p", pid, "info")
    assert "Linux version" in guest_core("-p", pid, "klog")
    served.qmp("query-status")
    # A signal that comes as the process is attached to is not lost; a process that is let go of stops anew a moment later.
    for _ in range(5):
        os.kill(pid, signal.SIGSTOP)
        try:
            assert "Linux version" in guest_core("-p", pid, "klog")
            lab.wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", 60, "QEMU stopped")
            assert guest_core("-p", pid, "kernel").startswith(stopped)
        finally:
            os.kill(pid, signal.SIGCONT)
    served.qmp("query-status")
