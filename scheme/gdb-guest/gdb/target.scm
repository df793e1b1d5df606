;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; GDB's target: a core, a process, QEMU's gdbstub.

(define-module (gdb-guest gdb target)
  #:use-module ((gdb) #:prefix gdb:)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb stub)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 regex)
  #:export (call-with-monitor
            call-with-stub
            core-file
            file-target
            gdb-target
            target-connection
            target-core
            target-end
            target-is-here?
            target-kind
            target-nested
            target-pid
            target-program
            with-nested))

(define <target> (make-record-type 'target '(kind core program pid connection nested)))
(define make-target-with-nested (record-constructor <target>))
(define (make-target . facts) (apply make-target-with-nested (append facts '(#f))))
(define target-kind (record-accessor <target> 'kind)) ; core, process, stub, other or none
(define target-core (record-accessor <target> 'core))
(define target-program (record-accessor <target> 'program))
(define target-pid (record-accessor <target> 'pid))
(define target-connection (record-accessor <target> 'connection)) ; a stub's address

;; The number or the place of the nested guest in the target's guest that is looked at, or #f.
(define target-nested (record-accessor <target> 'nested))

(define (with-nested target nested)
  "TARGET, with the nested guest NESTED of its guest to be looked at."
  (make-target-with-nested (target-kind target) (target-core target) (target-program target) (target-pid target)
                           (target-connection target) nested))

(define (file-target file)
  "The vmcore FILE, as a target."
  (make-target 'core file #f #f #f))

;; The line of the current inferior: `* 1    process 4711  1 (native)  /usr/bin/qemu-system-x86_64'.
(define inferior-line
  (make-regexp "^\\* *[0-9]+ +(process ([0-9]+)|[^ ]+.*[^ ]) +[0-9]+ \\(([a-z-]+) ?([^ )]*)[^)]*\\)"
               regexp/newline))

(define core-line
  (make-regexp "^Local core dump file:\n[\t ]*`(.*)', file type [^\n]*$" regexp/newline))

;; Thousands of lines follow, the sections of all files: the regexp gets none of them.
(define (core-lines text)
  (and=> (string-contains text "Local core dump file:")
         (lambda (start)
           (let* ((end (string-index text #\newline start))
                  (next (and end (string-index text #\newline (+ end 1)))))
             (substring text start (or next (string-length text)))))))

(define (core-file)
  "The name of GDB's core, or #f."
  (let* ((lines (core-lines (execute-to-string "info files")))
         (found (and lines (regexp-exec core-line lines))))
    (and found (match:substring found 1))))

(define (current-inferior)
  (regexp-exec inferior-line (execute-to-string "info inferiors")))

(define (gdb-target)
  "GDB's target."
  (let* ((inferior (current-inferior))
         (connection (and inferior (match:substring inferior 3)))
         (pid (and inferior (match:substring inferior 2)))
         (program (gdb:progspace-filename (gdb:current-progspace))))
    (cond
     ((or (not connection) (and (string=? connection "native") (not pid)))
      (make-target 'none #f program #f #f))
     ((string=? connection "core")
      (make-target 'core (core-file) program #f #f))
     ((string=? connection "native")
      (make-target 'process #f program (string->number pid) #f))
     ((and (member connection '("remote" "extended-remote")) (qemu-stub?))
      (make-target 'stub #f #f #f (match:substring inferior 4)))
     (else (make-target 'other #f program #f #f)))))

(define (target-end target)
  "A line that says that TARGET is there no more, or #f.  Neither GDB nor a read of memory need have said so:
GDB hears of a process's end only when it would let it run."
  (case (target-kind target)
    ((process)
     (and (%process-ended? (target-pid target))
          (format #f "QEMU's process ~a has ended" (target-pid target))))
    ((stub)
     (and (not (current-inferior))
          "the gdbstub has closed the connection"))
    (else #f)))

;;; A target that is QEMU's gdbstub.

(define (call-with-stub target procedure)
  "Calls PROCEDURE with the open stub if TARGET is a stub, else with #f."
  (if (eq? (target-kind target) 'stub)
      (let ((stub (answering 'system open-stub)))
        (dynamic-wind
          (const #t)
          (lambda () (procedure stub))
          (lambda () (close-stub stub))))
      (procedure #f)))

(define (call-with-monitor target procedure)
  "Calls PROCEDURE, in which `monitor' may be used; TARGET is QEMU's gdbstub, or an error says so."
  (interruptible
   (lambda ()
     (call-with-stub target (lambda (stub) (procedure))))))

(define here
  (make-regexp "^((tcp[46]?:)?(localhost|127\\.[0-9.]+|\\[?::1\\]?)?:[0-9]+|[^:]*/.*|[^:]*)$"))

(define (target-is-here? target)
  "Tests whether the stub's address is a socket's file or an address of this machine: QEMU runs here."
  (->bool (regexp-exec here (target-connection target))))
