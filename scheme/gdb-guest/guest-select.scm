;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-select)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb host)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:export (guest-targets
            select-guest-file
            select-guest-nested
            select-guest-target))

(define (guest-targets)
  "The choices of a guest to look at, a list of association lists: selected (all commands look at it), number (of GDB's
inferior, or of a nested guest, else #f), kind (core, process, gdbstub, none, other, vmcore or nested), name (a file, a
process's number, an address, or #f) and about (the program; a vmcore's format and its writer; the process that runs the
nested guest; or #f)."
  (interruptible
   (lambda ()
     (let ((file (selected-file))
           (nested (selected-nested)))
       (append (map (lambda (inferior)
                      (acons 'selected (and (assq-ref inferior 'current) (not file) (not nested))
                             (alist-copy-without 'current inferior)))
                    (inferiors))
               (if file
                   `(((selected . ,(not nested)) (number . #f) (kind . vmcore) (name . ,file)
                      (about . ,(vmcore-text file))))
                   '())
               (if nested
                   `(((selected . #t) (number . ,nested) (kind . nested) (name . #f)
                      (about . ,(nested-text (current-target)))))
                   '()))))))

(define (nested-text target)
  "The process that runs the nested guest of TARGET, or why that is not known."
  (catch 'gdb-guest-error
    (lambda () (cadr (call-with-host target %guest-nested-name)))
    (lambda (key kind message) message)))

(define (alist-copy-without key list)
  (match list
    (() '())
    (((name . value) . rest)
     (if (eq? name key) rest (acons name value (alist-copy-without key rest))))))

(define (vmcore-text file)
  "The format of FILE and its writer, or why that is not known."
  (catch 'gdb-guest-error
    (lambda () (%vmcore-text file))
    (lambda (key kind message) message)))

(define (select-guest-file file)
  "Has all commands look at FILE, a vmcore, until GDB's target is another one."
  (interruptible
   (lambda ()
     (%vmcore-text file)
     (select-file! file))))

(define (select-guest-nested number)
  "Has all commands look at the nested guest NUMBER, a text: \"1\", or \"1.2\" for nested guest 2 of nested guest 1."
  (interruptible
   (lambda ()
     (match (call-with-host (with-nested (outer-target) number) %guest-nested-name)
       ((number process place) (select-nested! number place))))))

(define (select-guest-target)
  "Has all commands look at GDB's target."
  (select-file! #f))

;;; Text.

(define (print-target target)
  (define (value name) (assq-ref target name))
  (define (column text) (if text (string-append "  " text) ""))
  (say "~a ~2a ~a~a~a\n" (if (value 'selected) "*" " ") (or (value 'number) "")
       (string-pad-right (symbol->string (value 'kind)) (if (or (value 'name) (value 'about)) 7 4))
       (column (value 'name)) (column (value 'about))))

(define (select-and-list options)
  (let ((file (option options 'file))
        (nested (option options 'nested)))
    (when (and file (option options 'target))
      (throw 'gdb-guest-error 'invalid "-file and -target do not go together"))
    (when (option options 'target)
      (select-guest-target))
    (when file
      (select-guest-file file))
    (when nested
      (select-guest-nested nested)))
  (for-each print-target (guest-targets)))

(register-guest-command "guest-select" select-and-list)
