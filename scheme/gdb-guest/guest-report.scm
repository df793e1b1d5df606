;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-report)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest guest-info)
  #:use-module (gdb-guest gdb execute))

;; The innermost calls tell; a stack that GDB cannot walk to its end would fill the report.
(define threads-command "thread apply all backtrace 64")

(define (threads)
  "Returns the stacks of the target's threads, as GDB prints them."
  (answering 'system (lambda () (execute-to-string threads-command))))

(register-guest-command
 "guest-report"
 (lambda (options)
   (call-with-progress
    (lambda (show-progress erase-progress)
      (print-command "guest-report" options
                     (lambda () (front-end-of-info #:threads threads #:progress show-progress))
                     erase-progress)))))
