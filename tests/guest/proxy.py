# SPDX-License-Identifier: GPL-3.0-or-later
"""A man in the middle of GDB and a gdbstub: counts what is read, is as slow as a bad line, answers in the stub's place."""

import re
import select
import socket
import threading
import time

from rsp import connect_in

READ = re.compile(rb"\$m[0-9a-f]+,([0-9a-f]+)#")
PHYSICAL = re.compile(rb"\$Qqemu\.PhyMemMode:([01])#")


def packet(text):
    data = text.encode() if isinstance(text, str) else text
    return b"$" + data + b"#%02x" % (sum(data) & 0xff)


class Proxy:
    """Listens at an address of its own, and passes on what comes to the gdbstub at a socket in a folder.

    answers  by a pattern of packets the answers, a list, that these get in place of the stub's
    rate     bytes of memory a second, at most

    bytes_read   of memory, that GDB asked for
    reads        requests for memory, a round trip each
    physical     whether the stub is in physical mode
    """

    def __init__(self, folder, name, answers={}, rate=None):
        self.bytes_read = self.reads = 0
        self.physical = False
        self._rate = rate
        self._answers = [(re.compile(rb"\$(?:" + pattern.encode() + rb")[^#]*#..", re.DOTALL),
                          b"+" + b"".join(map(packet, texts)))
                         for pattern, texts in answers.items()]
        self._place = folder, name
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # The thread may wait in accept() or in select(), and both end with that.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _serve(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        with client, connect_in(*self._place) as stub:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._pass_on(client, stub)
            except OSError:
                pass  # one of the two is gone

    def _pass_on(self, client, stub):
        while True:
            for end in select.select([client, stub, self._listener], [], [])[0]:
                data = b"" if end is self._listener else end.recv(1 << 16)
                if not data:
                    return
                if end is stub:
                    client.sendall(data)
                else:
                    stub.sendall(self._look_at(data, client))

    def _look_at(self, data, client):
        """Returns the part that the stub gets. GDB sends a packet in one piece, and waits for its answer."""
        for pattern, answer in self._answers:
            if match := pattern.search(data):
                client.sendall(answer)
                return data[:match.start()]
        sizes = [int(match[1], 16) for match in READ.finditer(data)]
        size = sum(sizes)
        self.bytes_read += size
        self.reads += len(sizes)
        if self._rate:
            time.sleep(size / self._rate)
        for match in PHYSICAL.finditer(data):
            self.physical = match[1] == b"1"
        return data
