#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the SIGINTs that do not end guest-klog -follow: interrupts.py WAY [TRIES], for a GDB at a "process" or "stub".

In:  the GDB under test (GDB_GUEST, GDB), as the tests have it; moments at random from the command's echo on.
Out: each lost SIGINT as it happens, with its moment; at the end the tries, the lost ones, the longest wait for a prompt.
"""

import argparse
import random
import sys
import tempfile
import time

import gdb
from living import Living

COMMAND = "guest-klog -follow -tail 1"
# From SIGINT to the prompt. A busy machine takes seconds; a lost SIGINT, for ever.
LOST_AFTER = 30
# The moments: at once, within the first run, within the first looks and runs.
SPANS = (0, 0.05, 0.6)


def moment(numbers):
    return numbers.choice(SPANS) * numbers.random()


def lose(session, delay, typed):
    """One try: None, or the error of a lost SIGINT, which is followed by another that ends the command."""
    session.start(COMMAND)
    # Random moments: no condition stands for these.
    time.sleep(delay)
    session.interrupt(typed)
    try:
        session.wait_prompt(LOST_AFTER)
        return None
    except gdb.Silence as silence:
        session.interrupt(typed)
        session.wait_prompt()
        return silence


def hunt(living, tries, numbers, per_session=50, report=print):
    """The number of lost SIGINTs, and the longest wait for a prompt. The first command of a session is a try of its own."""
    lost, longest = 0, 0
    for i in range(tries):
        if i % per_session == 0:
            living.connect_anew()
        session = living.session
        delay, typed = moment(numbers), numbers.random() < 0.5
        began = time.monotonic()
        if silence := lose(session, delay, typed):
            lost += 1
            report(f"try {i}: {'Ctrl-C' if typed else 'SIGINT'} after {delay:.6f} s was lost: {silence}")
        else:
            longest = max(longest, time.monotonic() - began - delay)
        # A late one, or what is left of it, belongs to this try.
        session.settle()
        session.log = session.log[-10000:]
    return lost, longest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("way", choices=["process", "stub"])
    parser.add_argument("tries", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--per-session", type=int, default=50, help="the tries of each GDB (%(default)s)")
    arguments = parser.parse_args()
    print(f"{gdb.tested()} by a {arguments.way}, seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="interrupts-") as folder, Living(arguments.way, folder) as living:
        lost, longest = hunt(living, arguments.tries, random.Random(arguments.seed), arguments.per_session,
                             lambda text: print(text, flush=True))
    print(f"{arguments.tries} tries, {lost} lost, the longest wait {longest:.1f} s")
    sys.exit(bool(lost))


if __name__ == "__main__":
    main()
