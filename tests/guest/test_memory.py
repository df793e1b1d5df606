# SPDX-License-Identifier: GPL-3.0-or-later
"""GDB's memory: it keeps the values that a command makes until the command ends, and its own leaks last longer."""

import itertools
import re

import pytest

import gdb
import selection

pytestmark = pytest.mark.gdb

MIB = 1 << 20

SHOW_SIZE = "shell grep VmRSS /proc/$PPID/status"


def sizes(output):
    """GDB's resident memory, in bytes, as often as it was shown."""
    return [int(size) << 10 for size in re.findall(r"VmRSS:\s+(\d+) kB", output)]


@pytest.mark.gdb(expensive=True)
@pytest.mark.parametrize("via", selection.mostly_expensive(["gdb", "fastest"], ["fastest"]))
def test_ten_dumps(via, middling, folder):
    """Ten dumps of 1 GiB -via {via} in one session: from the second on GDB's memory does not grow"""
    core, program = middling
    commands = []
    for _ in range(10):
        commands += [f"dump-guest-memory -via {via} -force {folder}/vmcore", SHOW_SIZE]
    run = gdb.batch(program, core, commands=commands)
    shown = sizes(run.output)
    assert len(shown) == 10 and run.output.count("of guest memory in") == 10, run
    assert shown[-1] - shown[1] < 4 * MIB, shown


@pytest.mark.gdb(expensive=True)
@pytest.mark.expensive
def test_many_questions(small, folder):
    """Three times 6,000 questions about members and symbols in one command take no memory"""
    script = folder / "ask.scm"
    script.write_text(ASK)
    core, program = small
    run = gdb.batch(program, core, commands=[f'guile (primitive-load "{script}")'])
    shown = sizes(run.output)
    assert len(shown) == 4 and run.status == 0, run
    # What a round takes for good, it takes in every round: 100 bytes for each of its turns are 300,000.
    assert min(after - before for before, after in itertools.pairwise(shown)) < MIB // 8, shown


# The first ones load symbols; that is not what is measured. Guile's heap counts by what is in use in it: it grows by steps.
ASK = r"""
(use-modules (gdb-guest gdb host) (gdb-guest gdb selection) (gdb-guest native) (ice-9 rdelim))

(define (show-size)
  (call-with-input-file "/proc/self/status"
    (lambda (port)
      (let loop ((line (read-line port)))
        (if (string-prefix? "VmRSS" line)
            (begin
              (gc)
              (format #t "VmRSS: ~a kB~%"
                      (- (string->number (cadr (string-tokenize line)))
                         (quotient (assq-ref (gc-stats) 'heap-free-size) 1024))))
            (loop (read-line port)))))))

(call-with-host (current-target)
  (lambda (guest)
    (define (ask times)
      (do ((i 0 (+ i 1))) ((= i times))
        (%guest-member guest "FlatRange" "addr.start")
        (%guest-symbol guest "address_space_memory")))
    (ask 1000)
    (show-size)
    (do ((round 0 (+ round 1))) ((= round 3))
      (ask 3000)
      (show-size))))
(force-output)
"""
