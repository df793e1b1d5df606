# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors: one clear line, status 1 in batch mode, GDB alive, and no file."""

import os
import re
import shutil
import subprocess

import pytest

import gdb
import machines

ERROR = "dump-guest-memory: "
SYNTAX = {
    "an option that there is not": ("-nosuch {folder}/vmcore", r"no option -nosuch; it has -force, .*"),
    "no FILE": ("", r"it takes FILE; help dump-guest-memory"),
    "no FILE behind an option": ("-force", r"it takes FILE; help dump-guest-memory"),
    "two FILEs": ("{folder}/a b", r'it takes one FILE; "b" is one too many \(quote a name with spaces\)'),
    "- as FILE": ("-", r"-: standard output is GDB's; name a file, or a FIFO"),
    "an empty name as FILE": ('""', r"the file's name is empty"),
    "a folder that is not there": ("{folder}/none/vmcore",
                                   r"{folder}/none/vmcore: there is no folder {folder}/none: No such file or directory"),
    "a folder in one that is not there": ("{folder}/none/a/b/vmcore", r"{folder}/none/a/b/vmcore: there is no folder "
                                          r"{folder}/none: No such file or directory"),
    "a folder as FILE": ("{folder}", r"{folder}: it is a folder; name a file in it"),
    "a folder as FILE, with -force": ("-force {folder}", r"{folder}: it is a folder; name a file in it"),
    "a file in the folder's place": ("/dev/null/vmcore", r"/dev/null/vmcore: .*Not a directory"),
    # Root may write anywhere else.
    "a folder that takes no files": ("/sys/vmcore", r"/sys/vmcore: creating a file in /sys: Permission denied"),
}


def listing(folder):
    """All there is to notice about what is in a folder."""
    return {path: (status.st_ino, status.st_size, status.st_mtime_ns)
            for path in sorted(folder.rglob("*")) for status in [path.lstat()]}


def check_refused(arguments, command, pattern, folder, views=None):
    """The command says just what the pattern says, and leaves the folder as it was."""
    before = listing(folder)
    lines = views.lines(command) if views else gdb.attempt(arguments, command)
    assert len(lines) == 1, lines
    assert lines[0].startswith(ERROR), lines[0]
    assert re.fullmatch(pattern, lines[0].removeprefix(ERROR)), lines[0]
    assert listing(folder) == before


@pytest.mark.parametrize("case", SYNTAX)
def test_argument(case, views, folder):
    """dump-guest-memory refuses {case}"""
    argument, pattern = SYNTAX[case]
    check_refused([], f"dump-guest-memory {argument.format(folder=folder)}", pattern.format(folder=re.escape(str(folder))),
                  folder, views)


def test_existing(views, folder):
    """dump-guest-memory does not replace a file without -force, and says that there is -force"""
    vmcore = folder / "vmcore"
    vmcore.write_text("precious")
    check_refused([], f"dump-guest-memory {vmcore}", rf"{vmcore}: it exists; -force replaces it", folder, views)
    assert vmcore.read_text() == "precious"


@pytest.mark.parametrize("way", ["its name", "a hard link", "a symbolic link", "a relative name"])
def test_core_itself(way, small, folder):
    """dump-guest-memory -force does not replace the core that is being looked at, by {way}"""
    core = folder / "core"
    # Another name of the same file would serve as well, but for the damage that a wrong program does.
    subprocess.run(["cp", "--sparse=always", small[0], core], check=True)
    name = core
    if way == "a hard link":
        name = folder / "link"
        os.link(core, name)
    elif way == "a symbolic link":
        name = folder / "link"
        name.symlink_to(core)
    elif way == "a relative name":
        name = os.path.relpath(core)
    check_refused([small[1], core], f"dump-guest-memory -force {name}",
                  rf"{name}: it is {core}, which is being looked at; name another file", folder)


def test_qemu_itself(small, private_qemu, folder):
    """dump-guest-memory -force does not replace QEMU's binary"""
    check_refused([private_qemu, small[0]], f"dump-guest-memory -force {private_qemu}",
                  rf"{private_qemu}: it is {private_qemu}, which is being looked at; name another file", folder)


# ---- Numbers out of range ----

LAST = "2^64 - 1"
NUMBERS = {
    "dump-guest-memory -begin -4096 -length 8192 {file}": f"-begin is -4096, not 0 to {LAST}",
    "dump-guest-memory -begin 0x10000000000000000 -length 1 {file}": f"-begin is 18446744073709551616, not 0 to {LAST}",
    "dump-guest-memory -begin 0 -length 0 {file}": f"-length is 0, not 1 to {LAST}",
    "dump-guest-memory -begin 0 -length -1 {file}": f"-length is -1, not 1 to {LAST}",
    "dump-guest-memory -begin 0xfffffffffffff000 -length 0x2000 {file}":
        "0x2000 bytes from 0xfffffffffffff000 on go beyond the last address, 0xffffffffffffffff",
    "dump-guest-memory -begin 1.5 -length 1 {file}": '-begin: "1.5" is not a whole number',
    "guest-klog -tail -3": f"-tail is -3, not 1 to {LAST}",
    "guest-klog -tail 0": f"-tail is 0, not 1 to {LAST}",
    "guest-klog -tail -9223372036854775808": f"-tail is -9223372036854775808, not 1 to {LAST}",
    "guest-klog -tail 18446744073709551616": f"-tail is 18446744073709551616, not 1 to {LAST}",
    "guest-regs -cpu -1": '-cpu: "-1" is not N, N-M or a list of these',
    "guest-regs -cpu 1-0": '-cpu: "1-0" is not N, N-M or a list of these',
    "guest-regs -cpu 0/1": '-cpu: "0/1" is not N, N-M or a list of these',
    "guest-regs -cpu 0-99": "-cpu: there is no CPU 99; there are 0-1",
    "guest-regs -cpu 18446744073709551616": "-cpu: there is no CPU 18446744073709551616; there are 0-1",
    "guest-sysrq -wait -1 h": "-wait is -1, not 1 to 3600",
    "guest-sysrq -wait 3601 h": "-wait is 3601, not 1 to 3600",
    "guest-vtop -cpu -1 _stext": "-cpu is -1, not 0 to 4294967295",
    "guest-vtop -cpu 2 _stext": "there is no CPU 2; there are 2 from 0 to 1",
    "guest-vtop 0x10000000000000000": f"0x10000000000000000 is not an address: it is 18446744073709551616, not 0 to {LAST}",
    "guest-vtop _stext+0x100000000": r"_stext\+0x100000000 is not an address: it is 0x1[0-9a-f]{16}, not 0 to 2.64 - 1",
    "guest-vtop _stext-0xffffffffffffffff": r"_stext-0xffffffffffffffff is not an address: it is -0x[0-9a-f]+, not 0 to .*",
    "guest-x _stext 0x": 'COUNT of "0x" is 0, not 1 to 262144',
    "guest-x _stext -4x": 'COUNT of "-4x" is -4, not 1 to 262144',
    "guest-x _stext 262145x": 'COUNT of "262145x" is 262145, not 1 to 262144',
    "guest-x _stext 99999999999999999999s": 'COUNT of "99999999999999999999s" is 99999999999999999999, not 1 to 1048576',
    "guest-x 0xfffffffffffffff8 4x": "16 bytes from 0xfffffffffffffff8 on go beyond the last address, 0xffffffffffffffff",
}
# Guile's own conversion ends GDB where it refuses an integer.
CALLS = {
    "(guest-log #:tail -1)": f"the tail is -1, not 1 to {LAST}",
    '(guest-log #:levels (list "bad"))': "there is no level bad",
    "(guest-read -1 4)": f"the address is -1, not 0 to {LAST}",
    "(guest-read 0 (expt 2 62))": "the size is 4611686018427387904, not 0 to 1073741824",
    "(guest-read 0 4 #:cpu -1)": "the CPU is -1, not 0 to 4294967295",
    "(guest-walk (expt 2 64))": f"the address is 18446744073709551616, not 0 to {LAST}",
    '(dump-guest-memory "{file}" #:filter (cons -1 5))': f"begin is -1, not 0 to {LAST}",
    '(dump-guest-memory "{file}" #:level 32)': "level is 32, not 0 to 31",
    '(dump-guest-memory "{file}" #:format "kdump")': 'there is no format \\"kdump\\"; kdump-zlib is one',
    '(dump-guest-memory "{file}" #:format 1)': "format is 1, not a string",
    '(dump-guest-memory "{file}" #:via (quote quick))': "via is quick, not #f, gdb or monitor",
}


def as_pattern(text):
    return text if "\\" in text or ".*" in text else re.escape(text)


@pytest.mark.gdb
def test_numbers(small, folder):
    """A number that is out of range, of any option, argument or call, is an error that has the number and the range"""
    file = folder / "vmcore"
    calls = {f"guile {call}".format(file=file): text for call, text in CALLS.items()}
    commands = {command.format(file=file): text for command, text in NUMBERS.items()}
    printed = gdb.attempts([small[1], small[0]], [*calls, *commands])
    assert not file.exists()
    for (command, text), lines in zip(calls.items(), printed):
        assert f"(invalid {chr(34)}{text}{chr(34)})" in "\n".join(lines), (command, lines)
    for (command, text), lines in zip(commands.items(), printed[len(calls):]):
        assert len(lines) == 1 and re.fullmatch(rf"{command.split()[0]}: {as_pattern(text)}", lines[0]), (command, lines)


# ---- What GDB has in front of it ----

NO_TARGET = (r"no core, no process and no gdbstub: load a core of QEMU \(core-file FILE\), attach to QEMU \(attach PID\), "
             r"connect to its gdbstub \(target remote ADDRESS\) or name a vmcore \(guest-select -file FILE\)")
NO_QEMU = r"no symbol address_space_memory: this is not a QEMU system emulator, .*\(try: file .*\)"


@pytest.mark.gdb
def test_nothing_loaded(folder):
    """With nothing loaded, and where processes are GDB's target but none is there, dump-guest-memory says what to load"""
    for arguments in ([], ["-ex", "target native"]):
        check_refused(arguments, f"dump-guest-memory {folder}/vmcore", NO_TARGET, folder)


@pytest.mark.gdb
def test_no_core(small, folder):
    """With QEMU's binary alone, dump-guest-memory says what to load"""
    check_refused([small[1]], f"dump-guest-memory {folder}/vmcore", NO_TARGET, folder)


OTHER_CORE = r"/.*/core: its program is /.*/sleep, not a QEMU system emulator"


def test_other_core(sleeper_core, folder):
    """With a core of another program, dump-guest-memory names that program"""
    check_refused([sleeper_core[1], sleeper_core[0]], f"dump-guest-memory {folder}/vmcore", OTHER_CORE, folder)


@pytest.mark.gdb
def test_mixed_up(small, sleeper_core, folder):
    """With QEMU's binary and a core of another program, dump-guest-memory names the core's program"""
    check_refused([small[1], sleeper_core[0]], f"dump-guest-memory {folder}/vmcore", OTHER_CORE, folder)


@pytest.mark.gdb
def test_other_program(small, sleeper_core, folder):
    """With another program than QEMU's binary, and with none, the core's own is taken where it was; a note tells"""
    core, qemu = small
    for program in ([], [sleeper_core[1]]):
        run = gdb.batch(*program, commands=[f"core-file {core}", "guest-info", f"dump-guest-memory {folder}/vmcore"])
        assert run.status == 0 and (folder / "vmcore").exists(), run
        assert re.search(r"^QEMU +\d", run.output, re.MULTILINE), run
        # Without a program a newer GDB takes the core's itself.
        assert "found by structure" in run.output or not program, run
        assert (f"is not the core's program, {qemu}: its debuginfo is not used" in run.output) == bool(program), run
        (folder / "vmcore").unlink()


@pytest.mark.gdb
def test_no_program(sleeper_core, folder):
    """Where the core's QEMU is gone, the error names it, and the command that has it"""
    program = folder / "qemu-system-x86_64"
    shutil.copy(machines.lab.lab("qemu"), program)
    with machines.lab.Guest(qemu=program, memory=32, kernel=False, extra=["-L", "/usr/share/seabios"],
                            directory=folder) as guest:
        core = guest.core(folder / "core")
    program.unlink()
    for given, name in ([], "given"), ([sleeper_core[1]], sleeper_core[1]):
        lines = gdb.attempt([*given, "-ex", f"core-file {core}"], "guest-info")
        assert len(lines) == 1 and f"{core}: its program is {program}, which is not {name}: gdb {program} {core}" in lines[0]


def without_notes(vmcore, owners):
    """Gives the notes of these owners to another."""
    data = vmcore.read_bytes()
    for owner in owners:
        data = data.replace(owner + b"\0", b"x" * len(owner) + b"\0")
    vmcore.write_bytes(data)


@pytest.mark.gdb
@pytest.mark.parametrize("owners", [[], [b"QEMU"], [b"QEMU", b"VMCOREINFO"]],
                         ids=["all", "no QEMU", "no QEMU and no VMCOREINFO"])
def test_vmcore(small, folder, owners):
    """A vmcore for a core is taken for one, with {owners} of the notes"""
    path = folder / "vmcore"
    command = f"dump-guest-memory -begin 0x100000 -length 0x100000 {path}"
    assert gdb.batch(small[1], small[0], commands=[command]).status == 0
    without_notes(path, owners)
    run = gdb.batch("-ex", f"core-file {path}", commands=["guest-info"])
    assert run.status == 0 and re.search(rf"^vmcore    {path}\n          ELF", run.output, re.M), run


@pytest.mark.gdb
@pytest.mark.attach
def test_other_process(folder):
    """Attached to another program, dump-guest-memory says that it is not QEMU"""
    with subprocess.Popen(["sleep", "1000"]) as process:
        try:
            check_refused(["-p", process.pid], f"dump-guest-memory {folder}/vmcore", NO_QEMU, folder)
        finally:
            process.kill()


# ---- What the core does not hold ----

def test_hollow(hollow, folder):
    """A core of dump-guest-core=off: dump-guest-memory lists what the core lacks, and says what to do about it"""
    check_refused([hollow[1], hollow[0]], f"dump-guest-memory {folder}/vmcore",
                  r".*2 ranges of the guest's memory.*: 0x0-0xfffffff \(pc\.ram\), 0xfffc0000-0xffffffff "
                  r"\(pc\.bios\).*dump-guest-core=on.*coredump_filter.*", folder)


# The places of QEMU's own structures and of its guest's RAM in its memory differ from run to run: either the
# core lacks some of the RAM, or what tells where that is.
CUT_OFF = (r".*(\d+ ranges? of the guest's memory (is|are) missing: .*0x[0-9a-f]+-0x[0-9a-f]+ \(pc\.\w+\); the core file is "
           r"cut off: .*ulimit -c.*|the core file does not hold the memory at 0x[0-9a-f]+: it is cut off .*ulimit -c.*)")


@pytest.mark.parametrize("percent", [50, 10, 5, 1])
def test_cut_off(percent, small, folder):
    """A core cut off at {percent} %: dump-guest-memory says that it is cut off, and what it lacks"""
    core = cut(small[0], folder, percent)
    check_refused([small[1], core], f"dump-guest-memory {folder}/vmcore", CUT_OFF, folder)


def cut(core, folder, percent):
    copy = folder / "core"
    subprocess.run(["cp", "--sparse=always", core, copy], check=True)
    os.truncate(copy, copy.stat().st_size * percent // 100)
    return copy


# ---- What the system refuses ----

# In a mount namespace of its own, so that nothing is left mounted whatever happens.
FULL_DISK = """
mount -t tmpfs -o size=16m none "$1" || exit
folder=$1
shift
"$@"
status=$?
echo "left: $(ls -A "$folder")"
exit $status
"""


def test_full_disk(small, folder):
    """A full disk: dump-guest-memory says which file has no room, and leaves none of it"""
    unshare = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if not shutil.which("unshare") or subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", folder]).returncode:
        pytest.skip("mounting is not permitted here, not even in a namespace (kernel.unprivileged_userns_clone)")
    run = gdb.batch(small[1], small[0], commands=[f"dump-guest-memory {folder}/vmcore", "print 6 * 7",
                                                  f"dump-guest-memory {folder}/vmcore"],
                    prefix=[*unshare, "sh", "-c", FULL_DISK, "sh", folder])
    errors = gdb.errors(run.output.split("\n"))
    assert len(errors) == 2, run
    for error in errors:
        assert re.fullmatch(rf"{ERROR}.*writing {folder}/vmcore at offset \d+: No space left on device", error), error
    assert "$1 = 42" in run.output
    assert run.status == 1
    assert "left: \n" in run.output


@pytest.mark.gdb
def test_as_gdbs_own():
    """An error is its text in one line, as GDB's own commands' are, and no more"""
    run = gdb.batch(commands=["guest-klog -tail 0", "symbol-file /nowhere", "guest-sysrq"])
    lines = run.output.split("\n")
    assert lines[0] == "guest-klog: -tail is 0, not 1 to 2^64 - 1" and lines[1].startswith("/nowhere: "), run
    assert len(lines) == 4 and lines[2].startswith("guest-sysrq: ") and lines[3] == "", run
