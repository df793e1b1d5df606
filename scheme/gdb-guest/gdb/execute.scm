;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; GDB's commands and settings, executed by name; its exceptions and its Ctrl-C, as the library's.

(define-module (gdb-guest gdb execute)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:export (answering
            exception-text
            execute
            execute-for
            execute-to-string
            interruptible
            setting
            throw-answer
            throw-pending-interrupt))

;;; Errors.

(define (throw-answer kind format-string . arguments)
  (throw 'gdb-guest-error kind (apply format #f format-string arguments)))

(define (exception-text key arguments)
  ;; (SUBR MESSAGE ARGS DATA), as GDB and Guile throw them.
  (match arguments
    ((_ (? string? message) (? list? values) . _)
     (apply simple-format #f message values))
    (_ (object->string (cons key arguments)))))

(define (answering kind thunk)
  "Calls THUNK; GDB's exceptions become our own, of KIND."
  (catch #t
    thunk
    (lambda (key . arguments)
      (if (eq? key 'gdb-guest-error)
          (apply throw key arguments)
          (throw-answer (if (eq? key 'signal) 'interrupted kind)
                        "~a" (exception-text key arguments))))))

;;; Commands and settings.

(define (execute command)
  (gdb:execute command))

(define (execute-to-string command)
  (gdb:execute command #:to-string #t))

(define (setting name)
  "The value of GDB's setting NAME."
  (gdb:parameter-value name))

;;; Ctrl-C.

;; A Ctrl-C just before the library's handler was in place is still on GDB's mind, and would come
;; out of the first memory port.  A command lets it out where it does no harm (an evaluation does
;; not look); a raw value, since GDB forgets a Ctrl-C that it finds while it looks for a
;; pretty-printer.
(define let-out "output/r 0")

(define (throw-pending-interrupt)
  "Throws the Ctrl-C that GDB remembers, if there is any."
  (answering 'interrupted (lambda () (execute-to-string let-out))))

(define (interruptible thunk)
  "Calls THUNK such that Ctrl-C makes the library's work in it throw, and GDB's own do nothing."
  (%interruptible
   (lambda ()
     (throw-pending-interrupt)
     (thunk))))

;; A Ctrl-C that came as the target stopped for another reason is still pending in GDB too.
(define (let-out-interrupt)
  (catch #t
    (lambda () (execute-to-string let-out))
    (const #f)))

(define (execute-for milliseconds process command)
  "Has GDB execute COMMAND, which lets the target run, a PROCESS or with #f a stub's, and stops the
target after so many MILLISECONDS as Ctrl-C does; a Ctrl-C of the user's stops it at once.  Returns three
values: whether the time had passed; the key of the exception that GDB threw, or #f; GDB's output, or the
exception's text.
Inside of `call-with-host' or `interruptible' only."
  (match (%interrupt-after
          milliseconds process
          (lambda ()
            (catch #t
              (lambda () (cons #f (execute-to-string command)))
              (lambda (key . arguments)
                (cons key (exception-text key arguments))))))
    ((elapsed? . (key . text))
     (let-out-interrupt)
     (values elapsed? key text))))
