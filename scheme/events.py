# SPDX-License-Identifier: GPL-3.0-or-later
"""GDB's events, which only its Python gets: that it lets a target run, is about to prompt, or to leave."""

import gdb

RUN_STATE = "guile ((@ (gdb-guest run-state) {}))"


class Events:
    def __init__(self):
        self.is_ours = False  # a command of the library's lets the target run, not the user
        self.resumed = set()  # the connections whose target the user let run
        gdb.events.gdb_exiting.connect(self.exiting)
        gdb.events.cont.connect(self.cont)

    def exiting(self, _):
        gdb.execute(RUN_STATE.format("before-exit"))

    def cont(self, _):
        if not self.is_ours:
            self.resumed.add(gdb.selected_inferior().connection_num)

    def write_to_log(self):
        gdb.write("\n", gdb.STDLOG)
        gdb.flush(gdb.STDLOG)

    def watch_prompt(self):
        gdb.events.before_prompt.connect(self.before_prompt)

    def before_prompt(self):
        gdb.events.before_prompt.disconnect(self.before_prompt)
        gdb.execute(RUN_STATE.format("stop-watching"))


gdb._gdb_guest_events = Events()
