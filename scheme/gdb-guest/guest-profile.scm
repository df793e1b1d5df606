;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; Samples at the gdbstub, and of a process, which GDB lets run meanwhile.

(define-module (gdb-guest guest-profile)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest run)
  #:use-module (gdb-guest stub-run))

(define (profile-process target options)
  (call-with-guest-that-runs
   (lambda (look run)
     (look
      (lambda (guest)
        (run-command "guest-profile" options guest
                     (front-end #:target (list "process" (number->string (target-pid target)))
                                #:run run)))))))

(define (guest-profile options)
  (let ((target (current-target)))
    (case (target-kind target)
      ((stub) (print-at-stub "guest-profile" target options))
      ((process) (profile-process target options))
      (else (print-command "guest-profile" options)))))

(register-guest-command "guest-profile" guest-profile)
