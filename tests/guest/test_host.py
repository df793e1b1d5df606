# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads through GDB where GDB itself would give a wrong answer or end."""

import pytest

import gdb

pytestmark = pytest.mark.gdb

SCHEME = r"""
(use-modules (gdb-guest gdb host) (gdb-guest gdb selection) (gdb-guest native) (ice-9 match))

(define (try-read guest address size)
  (catch 'gdb-guest-error
    (lambda ()
      (%guest-read guest address size)
      (format #t "@read 0x~x~%" address))
    (lambda (key kind message)
      (format #t "@failed ~a: ~a~%" kind message)))
  (force-output))

;; The first bytes of every range of the guest's RAM.
(define (read-ranges)
  (call-with-host (current-target)
    (lambda (guest)
      (for-each (match-lambda
                  (#(_ _ hva _) (try-read guest hva 4096)))
                (%guest-ram guest)))))

;; Over the end of the first range.
(define (read-across)
  (call-with-host (current-target)
    (lambda (guest)
      (match (%guest-ram guest)
        ((#(_ size hva _) . _)
         (try-read guest (+ hva size -4096) 8192)
         (format #t "@end 0x~x~%" (+ hva size -4096))))))
  (force-output))
"""


def define_procedures(session, folder):
    script = folder / "procedures.scm"
    script.write_text(SCHEME)
    assert session.command(f'guile (primitive-load "{script}")') == []


def test_hollow(hollow, folder):
    """A read of memory that the core does not hold is an error of the kind `absent`, not zeros"""
    core, program = hollow
    with gdb.Session(program, core) as session:
        define_procedures(session, folder)
        lines = session.command("guile (read-ranges)")
        assert len(lines) == 2, lines
        for line in lines:
            assert line.startswith("@failed absent: the core file does not hold the memory at 0x"), line
        assert session.is_alive()


def test_partly_hollow(hollow, folder):
    """A read that ends beyond what the core lacks is an error, and names the first address that it lacks"""
    core, program = hollow
    with gdb.Session(program, core) as session:
        define_procedures(session, folder)
        failed, end = session.command("guile (read-across)")
        assert failed.startswith("@failed absent: ") and end.startswith("@end "), (failed, end)
        assert failed.endswith(end.removeprefix("@end")), (failed, end)
