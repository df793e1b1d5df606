# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects tests: `make check` runs the cheap ones, `make check-expensive` the others, `make check-gdb` all that GDB has a part in.

A test is not cheap for one of two reasons. It is expensive: it does one thing very often, say. Or it proves a sentence on a
further guest or QEMU: the library reads these, GDB only fetches the bytes, so that one GDB suffices.
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


WHICH = {
    "all": lambda further, expensive: True,
    "cheap": lambda further, expensive: not further and not expensive,
    "expensive": lambda further, expensive: further or expensive,
    "gdb": lambda further, expensive: not further,
}


def is_wanted(item, which):
    return WHICH[which](bool(item.get_closest_marker("further")), bool(item.get_closest_marker("expensive")))


def wanted(request, name):
    """The values of a parameter that the tests of this run have, each once."""
    return list(dict.fromkeys(item.callspec.params[name] for item in request.session.items
                              if name in getattr(item, "fixturenames", ())))
