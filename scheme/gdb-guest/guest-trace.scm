;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-trace)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest stub-run))

(define (guest-trace options)
  (let ((target (current-target)))
    (case (target-kind target)
      ((stub) (print-at-stub "guest-trace" target options))
      ((process)
       (throw 'gdb-guest-error 'unsupported
              "calls are traced at QEMU's gdbstub: connect to it (target remote ADDRESS; the monitor's \
\"gdbserver ADDRESS\" opens it)"))
      (else (print-command "guest-trace" options)))))

(register-guest-command "guest-trace" guest-trace)
