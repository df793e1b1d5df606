# SPDX-License-Identifier: GPL-3.0-or-later
"""Has GDB's prompt say, once for each core or process that is a QEMU, that the commands for its guest are there."""

import gdb


class Hint:
    def __init__(self):
        self.target = None
        gdb.events.before_prompt.connect(self.before_prompt)

    def before_prompt(self, *_):
        inferior = gdb.selected_inferior()
        kind = getattr(getattr(inferior, "connection", None), "type", None)
        target = gdb.current_progspace().filename, inferior.pid, kind
        if target != self.target:
            self.target = target
            # A gdbstub is asked nothing unasked.
            if kind in ("core", "native"):
                gdb.execute("guile ((@ (gdb-guest hint) say-hint))")


gdb._gdb_guest_hint = Hint()
