# SPDX-License-Identifier: GPL-3.0-or-later
"""Convenience functions for GDB's expressions; the answers are Scheme's, from gdb-guest/guest-functions.scm."""

import gdb


def _ask(call):
    """The address that a call in Scheme returns; an error is one line."""
    text = gdb.execute(f"guile ((@ (gdb-guest guest-functions) answer) (lambda () ({call})))", False, True).strip()
    if not text.startswith("0x"):
        raise gdb.GdbError(text)
    return gdb.Value(int(text, 16)).cast(gdb.lookup_type("unsigned long"))


def _literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class PerCpu(gdb.Function):
    """$guest_per_cpu ("NAME", CPU): CPU's own copy of the per-CPU variable NAME of the guest's kernel.

The value has the variable's type after guest-vmlinux; else it is the address.
Example: print $guest_per_cpu("runqueues", 1).nr_running"""

    def __init__(self):
        super().__init__("guest_per_cpu")

    def invoke(self, name, cpu):
        name = name.string()
        address = _ask(f"(@ (gdb-guest guest-functions) guest-per-cpu) {_literal(name)} {int(cpu)}")
        symbol = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
        return address.cast(symbol.type.pointer()).dereference() if symbol and symbol.type else address


class CurrentTask(gdb.Function):
    """$guest_current_task (CPU): the task on CPU.

The value is a struct task_struct * after guest-vmlinux; else it is the address.
Example: print $guest_current_task(0)->comm"""

    def __init__(self):
        super().__init__("guest_current_task")

    def invoke(self, cpu):
        address = _ask(f"(@ (gdb-guest guest-functions) guest-current-task) {int(cpu)}")
        try:
            return address.cast(gdb.lookup_type("struct task_struct").pointer())
        except gdb.error:
            return address


PerCpu()
CurrentTask()
