#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots real Linux guests under QEMU, stops them, takes QEMU's core.

In:  a QEMU, a kernel, an initramfs; those of the lab where none is named.
Out: a Guest that answers QMP, and cores of its QEMU.

Guests run under TCG, so that they behave alike on every machine. A guest that was booted once goes on from its state in
the cache (states.py), in a tenth of the time; LAB_BOOT=1 boots all guests. Nothing here waits for a time to pass: each wait
has a condition and a deadline, and a guest that goes wrong says how in one exception.
"""

import argparse
import collections
import ctypes
import glob
import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import states

LAB = Path(__file__).resolve().parent
# Beside a QEMU's bin; the system's own serves a QEMU that has none.
FIRMWARE = ("share/qemu", "share/seabios", "lib/ipxe/qemu")
MODULES = "lib/x86_64-linux-gnu/qemu"
READY = "lab: ready"
FAILED = "lab: failed"
PANIC = "Kernel panic"
# Of lab/arch.sh, and the kernel's own: kernel/smp.c, smp_init().
CPU_MISSING = "lab: a CPU is missing"
CPUS = re.compile(r"smp: Brought up \d+ nodes?, (\d+) CPU")
# Under TCG a kernel hangs or panics once in some hundred boots.
BOOTS = 3
PR_SET_PDEATHSIG = 1

# QEMUs started by this process: "booted", "resumed" from a state, "bare" without a kernel.
started = collections.Counter()
# Gets add_guest(guest) and add_core(guest, path), or None.
observer = None

# Loaded before any fork: the child may do little more than call it.
libc = ctypes.CDLL(None, use_errno=True)


class GuestError(Exception):
    """Something about the guest went wrong; the text has what there is to know."""


class NotReady(GuestError):
    """The guest did not come as far as it should: it hangs, or its kernel has panicked."""


class QMPError(GuestError):
    """QEMU refused a QMP command."""


def lab(script, *arguments):
    """The path that one of the lab's scripts prints; it builds or downloads what is missing."""
    result = subprocess.run([LAB / script, *arguments], stdout=subprocess.PIPE, text=True)
    if result.returncode:
        raise GuestError(f"lab/{script} failed; what it said is above")
    return result.stdout.strip()


def wait_until(condition, seconds, what):
    """The first true value of condition(); GuestError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise NotReady(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return value


def tail(path, lines=25):
    """The end of a log, for an error message."""
    try:
        text = Path(path).read_text(errors="replace")
    except FileNotFoundError:
        return "(nothing)"
    return "\n".join(text.splitlines()[-lines:]) or "(nothing)"


def connect(folder, name):
    """A socket that is connected to the folder's socket of that name."""
    # A socket's path has room for 107 bytes only; by way of the folder's descriptor every path is short enough.
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    result = socket.socket(socket.AF_UNIX)
    try:
        result.connect(f"/proc/self/fd/{descriptor}/{name}")
    except BaseException:
        result.close()
        raise
    finally:
        os.close(descriptor)
    return result


class QMP:
    """As much of the QEMU Machine Protocol as the tests need: one command, one answer."""

    def __init__(self, folder, name, seconds=120):
        self.buffer = b""
        self.deadline = time.monotonic() + seconds
        self.socket = connect(folder, name)
        self._receive()
        self.execute("qmp_capabilities", {}, seconds)

    def execute(self, command, arguments, seconds):
        self.deadline = time.monotonic() + seconds
        request = {"execute": command}
        if arguments:
            request["arguments"] = arguments
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = self._receive()
            if "error" in answer:
                raise QMPError(f"QMP {command}: {answer['error'].get('desc', answer['error'])}")
            if "return" in answer:
                return answer["return"]
            # Anything else is an event, which may come at any time.

    def close(self):
        self.socket.close()

    def _receive(self):
        while b"\n" not in self.buffer:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise GuestError("QMP: no answer before the deadline")
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                raise GuestError("QMP: no answer before the deadline") from None
            except ConnectionError as error:
                raise GuestError(f"QMP: {error}") from None
            if not data:
                raise GuestError("QMP: QEMU closed the connection")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)


class CorePattern:
    """The place where the kernel puts the core of a process, as core(5) has it."""

    def __init__(self, pattern=None, uses_pid=None):
        if pattern is None:
            pattern = Path("/proc/sys/kernel/core_pattern").read_text().rstrip("\n")
        if uses_pid is None:
            uses_pid = Path("/proc/sys/kernel/core_uses_pid").read_text().strip() != "0"
        self.pattern = pattern
        self.uses_pid = uses_pid

    @property
    def is_file(self):
        """Tests whether cores become files, rather than another program's input."""
        return bool(self.pattern) and not self.pattern.startswith("|")

    def find(self, pid, folder, since):
        """The newest core of the process, which ran in the folder, not older than since; or None."""
        found = [Path(name) for name in glob.glob(os.path.join(glob.escape(str(folder)), self._glob(pid)))]
        found = [path for path in found if path.is_file() and path.stat().st_mtime >= since]
        return max(found, key=lambda path: path.stat().st_mtime, default=None)

    def _glob(self, pid):
        def specifier(match):
            letter = match.group(1)
            if letter == "%":
                return "%"
            return str(pid) if letter in "pP" else "*"

        pattern = re.sub(r"%(.)", specifier, glob.escape(self.pattern))
        if self.uses_pid and "%p" not in self.pattern:
            pattern += f".{pid}"
        return pattern


class Guest:
    """A QEMU with a Linux guest inside, ready when the constructor returns.

    qemu       its binary, in place of the lab's; it gets the firmware and the modules that it came with
    machine    what -machine gets: "pc", "q35,dump-guest-core=off"
    memory     MiB
    extra      more arguments for QEMU
    kernel     a kernel in place of the lab's; False is none, and the guest is ready as soon as QEMU answers
    append     more words for the kernel's command line; lab/init has the list of those that it knows
    console    the kernel's name of the first serial port
    directory  where the guest's own private folder is made; it is removed with the guest
    coredump_filter  what of QEMU's memory goes into its core, as in core(5)
    seconds    how long the guest may take to be ready; one that hangs or panics before is started anew
    fresh      boots the kernel, and leaves the cache alone
    at         a states.State in which the guest stays stopped
    typed      has the first serial port take what open_console() sends, too
    start      False makes the command line alone
    """

    def __init__(self, qemu=None, machine="pc", memory=256, smp=2, extra=(), kernel=None, initrd=None,
                 append="", console="ttyS0", directory=None, coredump_filter=None, seconds=120, fresh=False,
                 at=None, start=True, typed=False):
        self.qemu = str(qemu or lab("qemu"))
        self.machine = machine
        self.memory = memory
        self.smp = smp
        self.kernel = kernel is not False and str(kernel or Path(lab("kernel")) / "vmlinuz")
        self.initrd = self.kernel and str(initrd or lab("initramfs"))
        # On a busy host the kernel's look at its timer finds it dead, and it panics; and where it changes its mind about
        # the TSC it patches code that the other CPUs execute all the time, of which TCG may hold what was there before.
        self.append = f"console={console} panic=-1 no_timer_check tsc=unstable {append}".strip()
        self.directory = Path(tempfile.mkdtemp(prefix="guest-", dir=directory))
        self.serial = self.directory / "serial.log"
        self.stderr = self.directory / "qemu.log"
        self.process = None
        self._qmp = None
        self._typed = typed
        self._command, self._files = self._arguments(extra)
        self._coredump_filter = coredump_filter
        try:
            if at:
                self._go_on(at)
            elif start:
                self._boot_once(seconds, fresh)
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def pid(self):
        return self.process.pid

    def wait_for_execution(self):
        """Waits until the CPUs have executed: a guest that goes on from its state does so a moment later."""
        def executed():
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) / os.sysconf("SC_CLK_TCK")  # utime, proc_pid_stat(5)
        before = executed()
        wait_until(lambda: executed() > before + 0.2, 60, "CPUs that execute")

    @property
    def command(self):
        """QEMU's command line, but for the state that the guest goes on from."""
        return self._command

    @property
    def files(self):
        """The files in the guest's folder that its serial ports write to."""
        return self._files

    def qmp(self, command, /, *, within=120, **arguments):
        """Returns what QEMU returns for a QMP command: guest.qmp("qom-get", path="/machine", property="type")."""
        try:
            return self._qmp.execute(command, arguments, within)
        except QMPError:
            raise
        except (GuestError, OSError) as error:
            raise self._broken(f"{command}: {error}") from error

    def hmp(self, line, within=120):
        """Returns what QEMU's human monitor prints for a line."""
        return self.qmp("human-monitor-command", within=within, **{"command-line": line})

    def stop(self):
        self.qmp("stop")

    def cont(self):
        self.qmp("cont")

    def open_console(self):
        """A socket to the first serial port of a guest that is typed at; the log has the port's output nonetheless."""
        return connect(self.directory, "console")

    def reboot(self, seconds=120):
        """Resets the guest, and waits until it is ready again."""
        self.qmp("set-action", reboot="reset")
        before = self.times_ready()
        for left in reversed(range(BOOTS)):
            self.qmp("system_reset")
            try:
                wait_until(lambda: self.times_ready() > before, seconds, f"'{READY}' on the guest's console, again")
                return
            except NotReady as error:
                if not left:
                    raise self._broken(str(error)) from None

    def core(self, path, gdb=None, seconds=300):
        """QEMU's core, as path. QEMU has died when this returns.

        The kernel writes it where it writes files; where cores go to another program instead, a GDB takes it.
        """
        path = Path(path).absolute()
        if observer:
            observer.add_core(self, path)
        pattern = CorePattern()
        if pattern.is_file and self._core_unlimited:
            self._core_by_kernel(path, pattern, seconds)
        else:
            self._core_by_gdb(path, str(gdb or lab("gdb", "stock")), seconds)
        return path

    def dump(self, path, within=300, **options):
        """QEMU's own dump of the guest's memory, as path; the options are QMP's. Zeros take no room there."""
        fifo = self.directory / "dump"
        os.mkfifo(fifo)
        try:
            with subprocess.Popen(["cp", "--sparse=always", fifo, path]) as copy:
                try:
                    self.qmp("dump-guest-memory", paging=False, protocol=f"file:{fifo}", within=within, **options)
                except BaseException:
                    copy.kill()
                    raise
        finally:
            fifo.unlink()
        if copy.returncode:
            raise GuestError(f"cp ended with status {copy.returncode}: QEMU's dump is not in {path}")

    def write_state(self, path):
        """Writes the stopped guest's state, compressed; the reason where QEMU does not, or None."""
        try:
            # More than any disk takes.
            self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
            self.qmp("migrate", uri=f"exec:zstd -1qo {shlex.quote(str(path))}")
            info = wait_until(self._has_left, 300, "the guest's state")
        except QMPError as error:
            return str(error)
        return None if info["status"] == "completed" else info.get("error-desc", "QEMU does not write the guest's state")

    def _has_left(self):
        info = self.qmp("query-migrate")
        return info if info.get("status") in ("completed", "failed") else None

    def kill(self):
        """Ends QEMU, and removes the guest's folder."""
        self._end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _boot_once(self, seconds, fresh):
        """Boots the guest where the cache has no state of it."""
        state = None if fresh or os.environ.get("LAB_BOOT") else states.of_guest(self)
        if state and self._resume(state):
            return
        self._boot(seconds)
        if state and state.save(self):
            # The first run gets the guest that later ones get.
            self._end()
            self._resume(state) or self._boot(seconds)

    def _boot(self, seconds):
        for left in reversed(range(BOOTS)):
            for name in self._files:
                (self.directory / name).unlink(missing_ok=True)
            started["booted" if self.kernel else "bare"] += 1
            self._start(self._command)
            try:
                if self.kernel:
                    self._wait_ready(seconds)
                return
            except NotReady as error:
                if not left:
                    raise
                print(f"guest.py: the guest is started anew: {error}", file=sys.stderr)
                self._end()

    def _resume(self, state):
        """Tests whether the guest goes on from its state; QEMU refuses some."""
        if not state.exists():
            return False
        try:
            self._go_on(state)
            self.cont()
            return True
        except (GuestError, OSError) as error:
            print(f"guest.py: the guest is booted: {error}", file=sys.stderr)
            if not self._is_alive():
                state.refuse(str(error))
            self._end()
            return False

    def _go_on(self, state):
        state.restore_files(self.directory, self._files)
        started["resumed"] += 1
        self._start([*self._command, "-S", "-incoming", state.source()])
        wait_until(self._has_arrived, 120, "the guest's state")

    def _has_arrived(self):
        return self.qmp("query-status")["status"] != "inmigrate"

    def _arguments(self, extra):
        """QEMU's command line, and the files in its folder that serial ports write to.

        Serial ports append: a guest that goes on from a state finds there what it wrote before.
        """
        command = [self.qemu, "-accel", "tcg", "-machine", self.machine, "-m", f"{self.memory}M", "-smp", str(self.smp),
                   "-display", "none", "-nodefaults", "-no-reboot", "-qmp", "unix:qmp,server=on,wait=off"]
        if self.kernel:
            command += ["-kernel", self.kernel, "-initrd", self.initrd, "-append", self.append]
        for folder in self._firmware():
            command += ["-L", str(folder)]
        files = []
        for word in ["-serial", "file:serial.log", *map(str, extra)]:
            if command[-1] == "-serial" and word.startswith("file:"):
                files.append(word.removeprefix("file:"))
                # QEMU itself has a serial0 and so on.
                word = f"chardev:port{len(files)}"
                backend = f"file,id=port{len(files)},path={files[-1]},append=on"
                if self._typed and len(files) == 1:
                    backend = f"socket,id=port1,path=console,server=on,wait=off,logfile={files[-1]},logappend=on"
                command[-1:] = ["-chardev", backend, "-serial"]
            command.append(word)
        return command, files

    def _start(self, command):
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        self._core_unlimited = hard == resource.RLIM_INFINITY or os.geteuid() == 0
        parent = os.getpid()

        def prepare():
            # No QEMU outlives the tests, whatever they die of; even if that was just now.
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            if self._core_unlimited:
                resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

        # Relative names everywhere: the folder is QEMU's own, and that is where its core will be.
        with open(self.stderr, "wb") as log:
            self.process = subprocess.Popen(command, cwd=self.directory, preexec_fn=prepare, env=self._environment(),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if self._coredump_filter is not None:
            Path(f"/proc/{self.pid}/coredump_filter").write_text(hex(self._coredump_filter))
        if observer:
            observer.add_guest(self)
        self._qmp = self._connect()

    def _prefix(self):
        return Path(self.qemu).resolve().parents[1]

    def _firmware(self):
        own = [folder for name in FIRMWARE if (folder := self._prefix() / name).is_dir()]
        return own or [Path("/usr") / name for name in FIRMWARE]

    def _environment(self):
        # A QEMU that was not built for its place would take the modules of another QEMU.
        modules = self._prefix() / MODULES
        return dict(os.environ, QEMU_MODULE_DIR=str(modules)) if modules.is_dir() else None

    def _connect(self):
        def attempt():
            self._check_alive()
            try:
                return QMP(self.directory, "qmp")
            except (FileNotFoundError, ConnectionRefusedError):
                return None
            except GuestError:
                # QEMU went away while it answered: let its own words tell.
                self._check_alive(grace=1)
                raise

        return wait_until(attempt, 120, "QEMU's QMP socket")

    def times_ready(self):
        """Counts the guest's words that it is ready: one for each boot."""
        return self.serial.read_text(errors="replace").count(READY)

    def _wait_ready(self, seconds):
        def ready():
            ended = not self._is_alive()
            text = self.serial.read_text(errors="replace") if self.serial.exists() else ""
            # On a busy host a kernel may give up on a CPU that starts slowly.
            if CPU_MISSING in text or any(int(count) < self.smp for count in CPUS.findall(text)):
                raise NotReady("a CPU of the guest has not started")
            if READY in text:
                return True
            if FAILED in text:
                raise self._broken(f"the guest says '{FAILED}'")
            if PANIC in text:
                raise NotReady(f"the guest says '{PANIC}'")
            if ended:
                self._check_alive()
            return False

        try:
            wait_until(ready, seconds, f"'{READY}' on the guest's console")
        except NotReady as error:
            raise NotReady(str(self._broken(str(error)))) from None

    def _is_alive(self):
        return self.process.poll() is None

    def _check_alive(self, grace=0):
        try:
            status = self.process.wait(grace)
        except subprocess.TimeoutExpired:
            return
        raise self._broken(f"QEMU ended with status {status}")

    def _broken(self, what):
        return GuestError(f"{what}\n--- QEMU ({self.qemu}) said:\n{tail(self.stderr)}"
                          f"\n--- the guest's console ends:\n{tail(self.serial)}")

    def _core_by_kernel(self, path, pattern, seconds):
        # File times come from a coarser clock than time(): some milliseconds behind.
        since = time.time() - 1
        self.process.send_signal(signal.SIGABRT)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise GuestError(f"QEMU's core: not written within {seconds} s") from None
        found = pattern.find(self.pid, self.directory, since)
        self._end()
        if not found:
            raise GuestError(f"QEMU (pid {self.pid}) left no core where core_pattern '{pattern.pattern}' puts it: "
                             f"is there room in {self.directory}?")
        shutil.move(found, path)

    def _core_by_gdb(self, path, gdb, seconds):
        command = [gdb, "-nx", "-batch", "-p", str(self.pid), "-ex", f"generate-core-file {path}"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        self._end()
        if not path.exists():
            raise GuestError(f"{gdb} took no core of QEMU:\n{result.stdout}{result.stderr}")

    def _end(self):
        if self._qmp:
            self._qmp.close()
            self._qmp = None
        if self.process and self._is_alive():
            self.process.kill()
        if self.process:
            self.process.wait()


def take_core(arguments):
    """Boots a guest, stops it, and leaves its QEMU's core."""
    out = Path(arguments.out).absolute()
    if not out.parent.is_dir():
        raise GuestError(f"no folder {out.parent} for the core")
    # Beside the core: it is moved in an instant there, and /tmp may be too small.
    with Guest(qemu=arguments.qemu, machine=arguments.machine, memory=arguments.memory, smp=arguments.smp,
               kernel=arguments.kernel, append=arguments.append, extra=arguments.extra, directory=out.parent,
               fresh=True) as guest:
        guest.stop()
        guest.core(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    core = commands.add_parser("core", help="boot a guest, stop it, take the core of its QEMU")
    core.add_argument("out", help="where the core goes")
    core.add_argument("--qemu", help="QEMU's binary (the lab's, which has debuginfo)")
    core.add_argument("--kernel", help="the guest's kernel (the lab's)")
    core.add_argument("--machine", default="pc", help="pc, q35, with QEMU's options (%(default)s)")
    core.add_argument("--memory", type=int, default=256, help="MiB (%(default)s)")
    core.add_argument("--smp", type=int, default=2, help="number of vCPUs (%(default)s)")
    core.add_argument("--append", default="", help="more words for the kernel's command line")
    core.add_argument("extra", nargs="*", help="more arguments for QEMU, after --")
    core.set_defaults(run=take_core)
    arguments = parser.parse_args()
    # Also when asked to end, the guest and its folder go first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        arguments.run(arguments)
    except GuestError as error:
        sys.exit(f"guest.py: error: {error}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
