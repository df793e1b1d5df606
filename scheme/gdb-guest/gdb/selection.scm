;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The guest that all commands look at: GDB's target, or the file that guest-select chose.

(define-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:export (current-target
            inferiors
            select-file!
            selected-file))

;; (FILE . MARK), the mark being that of GDB's target at that time, or #f.
(define selection #f)

(define (inferiors-text)
  (execute-to-string "info inferiors"))

(define (target-mark)
  "The marks of GDB's target: the inferior, its connection, its core.  The target itself is not compared,
since `gdb-target' needs a stub that is stopped."
  (define (part regexp text)
    (and=> (regexp-exec regexp text) match:substring))
  (list (part current-inferior-line (inferiors-text))
        (part core-line (execute-to-string "info files"))))

;; Up to the connection; the program behind it may come later.
(define current-inferior-line
  (make-regexp "^\\* *[0-9]+ +[^(\n]*(\\([^)\n]*\\))?" regexp/newline))

(define (select-file! file)
  "Makes FILE the `current-target', until GDB's target changes; for #f, GDB's target."
  (set! selection (and file (cons file (target-mark)))))

(define (selected-file)
  "The file that was selected, or #f.  GDB's target is selected again when it has changed."
  (match selection
    (#f #f)
    ((file . mark)
     (cond
      ((equal? mark (target-mark)) file)
      (else
       (set! selection #f)
       (say "note: GDB's target has changed since guest-select -file ~a: the target is looked at\n" file)
       #f)))))

(define (current-target)
  "The selected file, or GDB's target.  Commands call this inside of `interruptible': here GDB may lose a
Ctrl-C, and GDB's output about it is not shown."
  (match (selected-file)
    (#f (gdb-target))
    (file (file-target file))))

;;; GDB's inferiors, for guest-select.

;; A line for each inferior: `* 1    process 4711  1 (native)  /usr/bin/qemu-system-x86_64'.
(define any-inferior-line
  (make-regexp "^([* ]) *([0-9]+) +(<null>|process ([0-9]+)|[^ ]+.*[^ ])( +[0-9]+ \\(([a-z-]+) ?([^)]*)\\))?(  +(/.*[^ ]))? *$"
               regexp/newline))

(define (inferior-facts found)
  (define (part number)
    (match:substring found number))
  (let* ((current? (string=? (part 1) "*"))
         (core (and current? (regexp-exec core-line (execute-to-string "info files")))))
    (call-with-values
        (lambda ()
          (match (part 6)
            ("core" (values 'core (and core (match:substring core 1))))
            ("native" (values 'process (part 4)))
            ((or "remote" "extended-remote") (values 'gdbstub (part 7)))
            (#f (values 'none #f))
            (_ (values 'other (part 7)))))
      (lambda (kind name)
        `((current . ,current?) (number . ,(string->number (part 2))) (kind . ,kind) (name . ,name)
          (about . ,(part 9)))))))

(define (inferiors)
  "GDB's inferiors, a list of association lists: current, number, kind (core, process, gdbstub, other or none),
name (the current one's core, a process's number, an address, or #f) and about, the program or #f."
  (let ((text (inferiors-text)))
    (map inferior-facts (list-matches any-inferior-line text))))
