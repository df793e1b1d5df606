;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; Addresses in the guest for GDB's expressions: procedures, and in a GDB with Python the convenience
;;; functions $guest_per_cpu and $guest_current_task (functions.py).

(define-module (gdb-guest guest-functions)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (gdb-guest gdb terminal)
  #:export (answer
            guest-per-cpu
            guest-current-task))

(define (fact command text key what)
  "Returns KEY of the first object that COMMAND shows with TEXT, or throws that WHAT is not known."
  (match (guest-data command text)
    ((object . _)
     (or (assq-ref object key)
         (throw 'gdb-guest-error 'not-found (format #f "~a is not known" what))))
    (_ (throw 'gdb-guest-error 'not-found (format #f "~a is not known" what)))))

(define (guest-per-cpu name cpu)
  "Returns the address of CPU's own copy of the kernel's per-CPU variable NAME."
  (unless (string-every (char-set-adjoin char-set:letter+digit #\_ #\. #\:) name)
    (throw 'gdb-guest-error 'invalid (format #f "~s is no variable's name" name)))
  (fact "guest-x" (format #f "-cpu ~a ~a" cpu name) 'address (format #f "~a of CPU ~a" name cpu)))

(define (guest-current-task cpu)
  "Returns the address of the struct task_struct of the task on CPU."
  (fact "guest-bt" (format #f "-cpu ~a" cpu) 'task (format #f "the task on CPU ~a" cpu)))

;;; Python's part.

(define (answer thunk)
  "Shows the address that THUNK returns, or the line of its error, for functions.py."
  (catch #t
    (lambda () (say "0x~x\n" (thunk)))
    (lambda (key . arguments)
      (say "~a\n" (match (cons key arguments)
                    (('gdb-guest-error 'interrupted _) "Quit")
                    (('gdb-guest-error _ message) message)
                    (('signal . _) "Quit")
                    (_ (exception-text key arguments)))))))

(define folder (dirname (dirname (%search-load-path "gdb-guest/guest-functions.scm"))))

;; A GDB without Python has the procedures alone.
(catch #t
  (lambda () (execute-to-string (string-append "source " folder "/functions.py")))
  (const #f))
