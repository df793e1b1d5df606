;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; Samples at the gdbstub.

(define-module (gdb-guest guest-profile)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest stub-run))

(define (guest-profile options)
  (let ((target (current-target)))
    (case (target-kind target)
      ((stub) (print-at-stub "guest-profile" target options))
      ((process)
       (throw 'gdb-guest-error 'unsupported
              "samples are taken at QEMU's gdbstub: connect to it (target remote ADDRESS; the monitor's \
\"gdbserver ADDRESS\" opens it).  On a host with KVM, perf kvm takes samples too, with the files of guest-vmlinux \
-kallsyms FILE -modules FILE"))
      (else (print-command "guest-profile" options)))))

(register-guest-command "guest-profile" guest-profile)
