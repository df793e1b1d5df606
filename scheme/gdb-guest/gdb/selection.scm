;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The guest that all commands look at: GDB's target, or the file that guest-select chose.

(define-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:export (check-not-nested
            current-target
            inferiors
            outer-target
            select-file!
            select-nested!
            selected-file
            selected-nested))

;; (FILE NESTED . MARK): a vmcore or #f, the number and the place of a nested guest or #f, and the mark of GDB's target
;; at that time; #f for GDB's target.
(define selection #f)

(define (inferiors-text)
  (execute-to-string "info inferiors"))

(define (target-mark)
  "The marks of GDB's target: the inferior, its connection, its core.  The target itself is not compared,
since `gdb-target' needs a stub that is stopped."
  (list (and=> (regexp-exec current-inferior-line (inferiors-text)) match:substring)
        (core-file)))

;; Up to the connection; the program behind it may come later.
(define current-inferior-line
  (make-regexp "^\\* *[0-9]+ +[^(\n]*(\\([^)\n]*\\))?" regexp/newline))

(define (select-file! file)
  "Makes FILE the `current-target', until GDB's target changes; for #f, GDB's target."
  (set! selection (and file (cons* file #f (target-mark)))))

(define (select-nested! number place)
  "Makes the nested guest NUMBER, whose place is PLACE, the guest of the `current-target', until GDB's target changes."
  (set! selection (cons* (selected-file) (cons number place) (target-mark))))

(define (selected)
  "The file and the nested guest that were selected.  GDB's target is selected again when it has changed."
  (match selection
    (#f '(#f . #f))
    ((file nested . mark)
     (cond
      ((equal? mark (target-mark)) (cons file nested))
      (else
       (set! selection #f)
       (say "note: GDB's target has changed since guest-select ~a: the target is looked at\n"
            (if file
                (string-append "-file " file)
                (string-append "-nested " (car nested))))
       '(#f . #f))))))

(define (selected-file)
  "The file that was selected, or #f."
  (car (selected)))

(define (selected-nested)
  "The number of the nested guest that was selected, or #f."
  (and=> (cdr (selected)) car))

(define (outer-target)
  "The selected file, or GDB's target."
  (match (selected-file)
    (#f (gdb-target))
    (file (file-target file))))

(define (current-target)
  "The selected file, or GDB's target, with the nested guest that was selected.  Commands call this inside of
`interruptible': here GDB may lose a Ctrl-C, and GDB's output about it is not shown."
  (match (selected)
    ((file . nested)
     (let ((target (if file (file-target file) (gdb-target))))
       (if nested (with-nested target (cdr nested)) target)))))

(define (check-not-nested what)
  "Throws an error that WHAT is not for the nested guest that was selected, if there is such a guest."
  (let ((number (selected-nested)))
    (when number
      (throw 'gdb-guest-error 'unsupported
             (format #f "~a, and guest-select chose its nested guest ~a: guest-select -target returns to the \
guest itself" what number)))))

;;; GDB's inferiors, for guest-select.

;; A line for each inferior: `* 1    process 4711  1 (native)  /usr/bin/qemu-system-x86_64'.
(define any-inferior-line
  (make-regexp "^([* ]) *([0-9]+) +(<null>|process ([0-9]+)|[^ ]+.*[^ ])( +[0-9]+ \\(([a-z-]+) ?([^)]*)\\))?(  +(/.*[^ ]))? *$"
               regexp/newline))

(define (inferior-facts found)
  (define (part number)
    (match:substring found number))
  (let ((current? (string=? (part 1) "*")))
    (call-with-values
        (lambda ()
          (match (part 6)
            ("core" (values 'core (and current? (core-file))))
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
