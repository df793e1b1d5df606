;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; All units, in one GDB, which ends with their status.

(use-modules (srfi srfi-64) ((gdb) #:prefix gdb:))

(define folder (getenv "GDB_GUEST_FOLDER"))

(define (load-tests name)
  (primitive-load (string-append (getenv "GDB_GUEST_TESTS") "/" name)))

(load-tests "tap.scm")
(define runner (make-tap-runner))
(test-runner-current runner)

(test-begin "gdb-guest")
(load-tests "command.scm")
(load-tests "host.scm")
(test-end "gdb-guest")

(gdb:execute (if (and (zero? (test-runner-fail-count runner))
                      (zero? (test-runner-xpass-count runner)))
                 "quit 0"
                 "quit 1"))
