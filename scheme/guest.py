# SPDX-License-Identifier: GPL-3.0-or-later
"""The file to source where GDB has Python and no Guile. The commands are in Scheme, as everywhere: stock/debugger.py
starts Guile for them in GDB's process. A GDB that has Guile of its own is told to load guest.scm.
"""


def _load():
    import importlib.util
    import os

    if hasattr(gdb, "_gdb_guest"):
        return
    folder = os.path.dirname(os.path.realpath(_load.__code__.co_filename))  # __file__ may be that of who sources this
    try:
        gdb.execute("guile (if #f #f)", False, True)
    except gdb.error:
        pass
    else:
        gdb.execute(f'guile (primitive-load "{folder}/guest.scm")')
        return
    spec = importlib.util.spec_from_file_location("gdb_guest_debugger", os.path.join(folder, "stock", "debugger.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load(folder)


_load()
del _load
