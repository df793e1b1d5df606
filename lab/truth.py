# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of /proc and /sys that lab/sleepers-truth.c, lab/modules.sh and lab/arch.sh write about their guests.

In:  the bytes of a serial port, compressed by gzip or not; or a console, with base64 of them between lab/arch.sh's lines.
Out: {path: bytes}; of a link, the path that it leads to.
"""

import base64
import gzip
import re


def parse(data):
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    texts, position = {}, 0
    while position < len(data):
        end = data.index(b"\n", position)
        mark, name, length = data[position:end].split(b" ")
        assert mark == b"@", data[position:position + 100]
        start = end + 1
        position = start + int(length) + 1
        texts[name.decode()] = data[start:position - 1]
    return texts


def parse_console(text):
    # The last line before may be cut off: the console of POWER drops text of the kernel's start.
    found = re.search("lab: truth\r?\n(.*?)^lab: end of truth", text, re.MULTILINE | re.DOTALL)
    assert found, text[-1000:]
    return parse(base64.b64decode(found[1]))
