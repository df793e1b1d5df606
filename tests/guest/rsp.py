# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of GDB's remote protocol as it takes to read a guest's virtual memory through QEMU's gdbstub."""

import os
import socket


def connect_in(folder, name):
    """A connection to the Unix socket of that name in a folder.

    By way of the folder's descriptor: a socket's path has room for 107 bytes only.
    """
    connection = socket.socket(socket.AF_UNIX)
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{descriptor}/{name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(descriptor)
    return connection


class Stub:
    """A connection to the gdbstub at a socket in a folder; the first CPU's page tables count."""

    def __init__(self, folder, name, seconds=120):
        self.socket = connect_in(folder, name)
        self.socket.settimeout(seconds)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def select_cpu(self, index):
        assert self._ask(f"Hg{index + 1:x}") == "OK"

    def read(self, address, size):
        """The bytes, or None where one is not mapped."""
        answer = self._ask(f"m{address:x},{size:x}")
        return None if answer.startswith("E") else bytes.fromhex(answer)

    def _ask(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 255:02x}".encode())
        while b"#" not in self.buffer or len(self.buffer) < self.buffer.index(b"#") + 3:
            data = self.socket.recv(65536)
            assert data, "the gdbstub closed the connection"
            self.buffer += data
        end = self.buffer.index(b"#")
        answer, self.buffer = self.buffer[self.buffer.index(b"$") + 1:end].decode(), self.buffer[end + 3:]
        self.socket.sendall(b"+")
        return answer
