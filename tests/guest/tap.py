# SPDX-License-Identifier: GPL-3.0-or-later
"""pytest's results as TAP, on standard output, for automake's driver.

A test is called by the sentence that it proves: the first line of its docstring, in which {name} stands for the test's
parameter of that name. What a failure has to say goes out in lines that start with "# ".
"""

import pytest


def sentence(item):
    """Returns the sentence that a test proves."""
    text = (getattr(item.obj, "__doc__", None) or item.originalname.replace("_", " ")).strip().split("\n")[0]
    callspec = getattr(item, "callspec", None)
    if callspec:
        text = text.format_map(callspec.params)
    # "#" would start a directive.
    return text.rstrip(".").replace("#", "no. ")


class TapReporter:
    def __init__(self, stream):
        self.stream = stream
        self.count = 0
        self.names = {}

    def _say(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()

    def _say_aside(self, text):
        for line in text.rstrip("\n").split("\n"):
            self._say(f"# {line}".rstrip())

    def _result(self, passed, name, directive=""):
        self.count += 1
        self._say(f"{'ok' if passed else 'not ok'} {self.count} - {name}{directive}")

    def pytest_collection_modifyitems(self, items):
        for item in items:
            self.names[item.nodeid] = sentence(item)

    def pytest_collectreport(self, report):
        if report.failed:
            self._result(False, f"{report.nodeid} can be read")
            self._say_aside(report.longreprtext)

    def pytest_runtest_logreport(self, report):
        name = self.names[report.nodeid]
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._result(True, name, f" # SKIP {reason.removeprefix('Skipped: ')}")
        elif report.failed:
            # A failure after the test has passed is a result of its own.
            self._result(False, name if report.when != "teardown" else f"{name}: nothing is left behind")
            # First in short: who reads many failures gets the first lines of each.
            crash = getattr(report.longrepr, "reprcrash", None)
            if crash:
                self._say_aside(f"{crash.path}:{crash.lineno}: {crash.message[:1000]}")
            self._say_aside(report.longreprtext)
            for title, content in report.sections:
                self._say_aside(f"--- {title}\n{content}")
        elif report.when == "call":
            self._result(True, name)
        if report.duration > 1:
            self._say_aside(f"{report.when} took {report.duration:.1f} s")

    def pytest_internalerror(self, excrepr):
        self._say_aside(str(excrepr))
        self._say("Bail out! pytest failed")
        return True  # else pytest prints it all once more

    def pytest_keyboard_interrupt(self):
        self._say("Bail out! interrupted")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self):
        # At the end, for only now it is known what failed besides the tests themselves.
        self._say(f"1..{self.count}")
