# SPDX-License-Identifier: GPL-3.0-or-later
"""Registers as QEMU's monitor and guest-regs print them, as data."""

import json
import re

# Lines of guest-regs -all behind those that QEMU prints.
EXTRA = ("KGS=", "CSTAR=", "SYSENTER_CS=", "CR8=", "task ")


def of_monitor(guest):
    """QEMU's text for all CPUs."""
    return guest.hmp("info registers -a").replace("\r", "")


def of_run(run):
    """The text of the guest-regs -all that was the last to run in a GDB, without what QEMU's has not."""
    text = run.output[run.output.rindex("\nCPU#0"):]
    # GDB's own words about letting a process go.
    text = re.split(r"^(?:\[Inferior |warning: )", text, flags=re.MULTILINE)[0]
    lines = [line for line in text.split("\n") if not line.startswith(EXTRA)]
    return "\n".join(lines).rstrip("\n") + "\n"


def by_name(text):
    """The values in QEMU's text, a dict for each CPU: {"RIP": 0x..., "CPL": 0, "GDT": base}."""
    result = []
    for part in re.split(r"^CPU#\d+\n", text, flags=re.MULTILINE)[1:]:
        values = {name: int(value, 16) for name, value in re.findall(r"\b([A-Z][A-Z0-9]*) *= *([0-9a-f]+)", part)}
        segments = re.findall(r"^([A-Z]{2,3}) *=([0-9a-f]{4}) ([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", part, re.MULTILINE)
        for name, selector, base, limit, flags in segments:
            values[name] = int(selector, 16)
            values[f"{name}_base"], values[f"{name}_limit"] = int(base, 16), int(limit, 16)
        result.append(values)
    return result


def json_lines(run):
    """The objects that guest-regs -json printed."""
    return [json.loads(line) for line in run.output.split("\n") if line.startswith("{")]
