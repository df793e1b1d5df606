# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects tests: `make check` runs the cheap ones, `make check-expensive` the others, `make check-gdb` those of other GDBs.

A test is not cheap for one of two reasons. It is expensive: it does one thing very often, say. Or it proves a sentence on a
further guest or QEMU.

Another GDB runs what GDB itself has a part in, marked `gdb`: loading, the terminal, signals, live guests, what Guile and
Python do to memory. All else is C that GDB fetches bytes for: test_transcripts.py has the first GDB and the other one print
the same for all commands.
"""

import pytest


def mostly_expensive(values, cheap):
    """Returns the values as parameters; tests with others than the cheap ones are expensive."""
    return _marked(values, cheap, pytest.mark.expensive)


def mostly_further(values, cheap):
    """Returns the values, guests or QEMUs, as parameters; others than the cheap ones are further ones."""
    return _marked(values, cheap, pytest.mark.further)


def _marked(values, cheap, mark):
    assert all(value in list(values) for value in cheap), cheap
    return [value if value in cheap else pytest.param(value, marks=mark) for value in values]


MARKERS = {
    "expensive": "`make check` does without it",
    "further": "`make check` and other GDBs do without it",
    "gdb(expensive=False)": "other GDBs run it, an expensive one too where that is True",
    "others": "only other GDBs run it",
}


def _is_for_others(item):
    marker = item.get_closest_marker("gdb")
    expensive = item.get_closest_marker("expensive")
    return marker and not item.get_closest_marker("further") and (not expensive or marker.kwargs.get("expensive", False))


def _is_cheap(item):
    return not item.get_closest_marker("further") and not item.get_closest_marker("expensive")


def _is_for_first(item):
    return not item.get_closest_marker("others")


WHICH = {
    "all": lambda item: True,
    "cheap": lambda item: _is_for_first(item) and _is_cheap(item),
    "expensive": lambda item: _is_for_first(item) and not _is_cheap(item),
    "gdb": _is_for_others,
}


def is_wanted(item, which):
    return bool(WHICH[which](item))


def wanted(request, name):
    """The values of a parameter that the tests of this run have, each once."""
    return list(dict.fromkeys(item.callspec.params[name] for item in request.session.items
                              if name in getattr(item, "fixturenames", ())))
