;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-select)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:export (guest-targets
            select-guest-file
            select-guest-target))

(define (guest-targets)
  "The choices of a guest to look at, a list of association lists: selected (all commands look at it), number (of GDB's
inferior, or #f for the file of guest-select -file), kind (core, process, gdbstub, none, other or vmcore), name
(a file, a process's number, an address, or #f) and about (the program, or a vmcore's format and its writer; or #f)."
  (interruptible
   (lambda ()
     (append (map (lambda (inferior)
                    (acons 'selected (and (assq-ref inferior 'current) (not (selected-file)))
                           (alist-copy-without 'current inferior)))
                  (inferiors))
             (match (selected-file)
               (#f '())
               (file `(((selected . #t) (number . #f) (kind . vmcore) (name . ,file)
                        (about . ,(vmcore-text file))))))))))

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
  (let ((file (option options 'file)))
    (cond
     ((and file (option options 'target))
      (throw 'gdb-guest-error 'invalid "-file and -target do not go together"))
     (file (select-guest-file file))
     ((option options 'target) (select-guest-target))))
  (for-each print-target (guest-targets)))

(register-guest-command "guest-select" select-and-list)
