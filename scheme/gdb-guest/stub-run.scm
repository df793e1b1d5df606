;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The C library lets the guest run, by packets of its own on GDB's connection; GDB takes the guest to have stood
;;; still, and forgets the registers afterwards.

(define-module (gdb-guest stub-run)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest run)
  #:use-module (gdb-guest run-state)
  #:use-module (ice-9 regex)
  #:export (print-at-stub))

(define thread-line (make-regexp "\\(Thread ([0-9]+\\.)?([0-9]+)[ )]"))

;; GDB has told the gdbstub of this thread, for it has just read a register of it.
(define (selected-stub-thread)
  "Returns the gdbstub's number of the thread that GDB has selected."
  (execute-to-string "output/r $pc")
  (let ((line (regexp-exec thread-line (execute-to-string "thread"))))
    (if line
        (string->number (match:substring line 2))
        (throw-answer 'unsupported "GDB has no thread of the gdbstub selected"))))

;; The command's name before GDB 11 is the last.
(define (forget-registers)
  (let loop ((commands '("maintenance flush register-cache" "flushregs")))
    (unless (null? commands)
      (catch #t
        (lambda () (execute-to-string (car commands)))
        (lambda _ (loop (cdr commands)))))))

(define (call-with-unpaged-output thunk)
  (let ((paged? (setting "pagination")))
    (dynamic-wind
      (lambda () (when paged? (execute-to-string "set pagination off")))
      thunk
      (lambda () (when paged? (execute-to-string "set pagination on"))))))

(define (print-at-stub name target options)
  "Prints what the command NAME, which lets the guest run, shows at the gdbstub TARGET."
  (check-not-nested "GDB's guest is let run")
  (check-runnable target)
  (forget-registers)
  (let ((thread (answering 'system selected-stub-thread)))
    (dynamic-wind
      (const #t)
      (lambda ()
        (call-with-unpaged-output
         (lambda ()
           (print-command name options
                          (lambda ()
                            (front-end #:target (list "gdbstub" (target-connection target))
                                       #:state (and=> (state-before) symbol->string)
                                       #:stub-thread thread))))))
      forget-registers)))
