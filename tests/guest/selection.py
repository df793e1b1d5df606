# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests `make check` runs, and which it leaves to `make check-expensive`: those that prove on further guests what is
proven on some, and those that do one thing very often."""

import pytest


def mostly_expensive(values, cheap):
    """The values as parameters: tests with others than the cheap ones are expensive."""
    assert all(value in list(values) for value in cheap), cheap
    return [value if value in cheap else pytest.param(value, marks=pytest.mark.expensive) for value in values]


def is_wanted(item, which):
    return which == "all" or (which == "expensive") == bool(item.get_closest_marker("expensive"))


def wanted(request, name):
    """The values of a parameter that the tests of this run have, each once."""
    return list(dict.fromkeys(item.callspec.params[name] for item in request.session.items
                              if name in getattr(item, "fixturenames", ())))
