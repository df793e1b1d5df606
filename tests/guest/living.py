# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that runs, and a GDB at its QEMU's process or gdbstub."""

import json
import os
import re
import select
import signal
import socket

import gdb
from machines import lab

STUB = "unix:gdbstub,server=on,wait=off"
# The questions of GDB when its target seems not to answer: in batch mode it takes yes for an answer.
QUERIES = re.compile(r"Give up waiting|Stop debugging it|not responding")


def sees_pause(guest):
    """Tests whether GDB sees, as it connects to the gdbstub, that the guest was paused: its Python does, until QEMU 8,
    whose stub does not tell that the monitor paused the guest."""
    return gdb.loads_by_python() and guest.qmp("query-version")["qemu"]["major"] < 8


class Living:
    """A guest that writes records when it is asked to, and a GDB at its QEMU's process or gdbstub."""

    def __init__(self, way, folder, append="", extra=(), **options):
        self.way = way
        self.guest = lab.Guest(directory=folder, append=f"printk.devkmsg=on loglevel=1 lab.ticks=1 {append}",
                               extra=["-serial", "unix:ticks,server=on,wait=off", "-gdb", STUB, *extra], **options)
        try:
            self.ticks = self.connect("ticks")
            self.session = gdb.Session(*self.arguments())
        except BaseException:
            self.guest.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()
        self.ticks.close()
        self.guest.kill()

    def connect_anew(self):
        """By another GDB. The first one leaves a process as it should: of a GDB that is killed the signals may be left by
        which it stops the process's threads."""
        if self.way == "process":
            self.session.command("detach")
        self.session.close()
        self.session = gdb.Session(*self.arguments())

    def arguments(self):
        if self.way == "process":
            return ["-p", self.guest.pid]
        return ["-ex", f"target remote {self.guest.directory}/gdbstub"]

    def json(self, command):
        """The objects that a command prints."""
        return [json.loads(line) for line in self.session.command(command) if line.startswith("{")]

    def write_ticks(self, count):
        self.ticks.sendall(b"%d\n" % count)

    def follow(self, options=""):
        """Until something of the log is there."""
        self.session.start(f"guest-klog -follow -tail 1 {options}")
        self.session.wait(r"\n")

    def reset(self, pattern):
        """What is followed from a reset of the guest to the pattern. A boot that hangs, as one in the lab may, is begun
        again."""
        for left in reversed(range(lab.BOOTS)):
            boots = self.guest.times_ready()
            self.guest.qmp("system_reset")
            try:
                return self.session.wait(pattern, 100)
            except gdb.Silence:
                # Not where the guest has booted, and was not followed.
                if not left or self.guest.times_ready() > boots:
                    raise
                self.session.unread = ""

    def stop(self, typed=True):
        """GDB's output at the user's Ctrl-C."""
        return self.session.stop(typed)

    def is_stopped(self):
        if self.way == "stub":
            return self.guest.qmp("query-status")["status"] in ("paused", "debug")
        return self._state(self.guest.pid) in "tT"

    def kill_guest(self, runs=True):
        """Kills QEMU while its guest runs, or stands still. GDB is stopped meanwhile, so that it is not in a change between both."""
        gdb_process = self.session.process

        def is_so():
            gdb_process.send_signal(signal.SIGSTOP)
            lab.wait_until(lambda: self._state(gdb_process.pid) == "T", 60, "a GDB that is stopped")
            # QEMU's second answer comes after what GDB has sent before has had its effect.
            if self.way == "stub":
                self.is_stopped()
            if self.is_stopped() != runs:
                return True
            gdb_process.send_signal(signal.SIGCONT)
            # A GDB that waits for its terminal keeps the guest at a breakpoint.
            if select.select([self.session.terminal], [], [], 0)[0]:
                self.session.read("a guest that runs")
            return False

        lab.wait_until(is_so, 60, "a guest that runs" if runs else "a guest that stands still")
        self.guest.process.kill()
        gdb_process.send_signal(signal.SIGCONT)

    def check(self):
        """GDB is alive, was not in doubt about its target, and that is stopped."""
        assert self.session.is_alive() and self.is_stopped()
        assert not QUERIES.search(self.session.log), self.session.log[-2000:]

    @staticmethod
    def _state(pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0]

    def connect(self, name):
        """A socket of the guest's serial port."""
        connection = socket.socket(socket.AF_UNIX)
        descriptor = os.open(self.guest.directory, os.O_PATH | os.O_DIRECTORY)
        try:
            connection.connect(f"/proc/self/fd/{descriptor}/{name}")
        finally:
            os.close(descriptor)
        return connection
