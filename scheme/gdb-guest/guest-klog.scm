;;; SPDX-License-Identifier: GPL-3.0-or-later

(define-module (gdb-guest guest-klog)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (gdb-guest run)
  #:use-module (ice-9 match)
  #:export (guest-log))

(define (call-with-log-guest hexdump procedure)
  "Calls PROCEDURE with the guest, or with #f if the log is in the transcript HEXDUMP."
  (if hexdump
      (procedure #f)
      (call-with-guest procedure)))

(define* (guest-log #:key (levels '()) (facilities '()) (grep #f) (since-clear? #f) (tail #f)
                    (since #f) (until #f) (before #f) (after #f) (hexdump #f)
                    (notice (const #t)))
  "The records of the guest kernel's log, oldest first: a list of association lists.  Their keys are
seq (0 is the first since boot), time (nanoseconds of the kernel's clock), level and facility
(symbols, or numbers without a name), caller (\"T1\" for the task 1, \"C0\" for the CPU 0), flags (some
of newline, cont, cleared), lost (how many records before this one are no longer there), text (a
string, escaped as guest-klog prints it), bytes (the text as it is, a bytevector) and dict (of a
device, an association list of strings).  What is not known of a record is not in it.

LEVELS and FACILITIES are lists of strings, empty for all; GREP is a regular expression, BEFORE and
AFTER how many records come with each that it finds; SINCE and UNTIL are nanoseconds of the kernel's
clock, or (wall . NANOSECONDS) since 1970; TAIL is how many of the last records are wanted; HEXDUMP is the file of a transcript of QEMU's monitor, in which
the log is looked for instead.  NOTICE is called with each line that the user should know."
  (call-with-log-guest
   hexdump
   (lambda (guest)
     (%guest-log guest (vector hexdump levels facilities grep since-clear? tail since until before
                               after)
                 notice))))

(define (selected-query options)
  (vector (option options 'hexdump)
          (or (option options 'level) '())
          (or (option options 'facility) '())
          (option options 'grep)
          (option options 'since-clear)
          (option options 'tail)
          (option options 'since)
          (option options 'until)
          (or (option options 'before) (option options 'context))
          (or (option options 'after) (option options 'context))))

(define (selected-style options)
  (append (if (option options 'T) '(wall) '())
          (filter (lambda (name) (option options name)) '(raw decode caller json))))

(define (screen-style options)
  (append (if (styled-output?) '(colour) '()) (selected-style options)))

;;; Following.

;; While GDB is at work the guest stands still: little of the time that passes.
(define shortest-run 150)               ; milliseconds
(define longest-run 2000)
(define runs-per-look 10)

(define (milliseconds-since start)
  (quotient (* 1000 (- (get-internal-real-time) start)) internal-time-units-per-second))

(define (length-of-run look)
  "The time for which the guest may run after a look that took LOOK milliseconds."
  (max shortest-run (min longest-run (* runs-per-look look))))

(define no-kernel "no kernel with a readable log runs in the guest now; waiting for a kernel")

(define (look-at-log look follow options said)
  "Prints what is new, with the notices that are not among those SAID the last time.  Returns the
notices."
  (define notices '())
  (define (notice text)
    (set! notices (cons text notices)))
  (match (look (lambda (guest) (%log-follow-look follow guest notice)))
    ((log? . text)
     (unless log? (notice no-kernel))
     (for-each (lambda (text)
                 (unless (member text said)
                   ((note-beside options) text)))
               (reverse notices))
     (for-each say-bytes text)
     (say-now)
     notices)))

(define (follow-guest look run follow options)
  "Prints what comes until the guest stops for a reason of its own: a line that says which."
  (let loop ((said '()))
    (let* ((start (get-internal-real-time))
           (notices (look-at-log look follow options said)))
      (match (run (length-of-run (milliseconds-since start)))
        (#t (loop notices))
        (reason
         ;; Show the lines that led to it.
         (look-at-log look follow options notices)
         reason)))))

(define (until-interrupted thunk tell)
  "Ctrl-C is the end of THUNK, and no error; TELL is called then."
  (catch 'gdb-guest-error
    thunk
    (lambda (key kind message)
      (unless (eq? kind 'interrupted)
        (throw key kind message))
      (tell))))

(define (follow-log options)
  (for-each (lambda (name)
              (when (option options name)
                (throw 'gdb-guest-error 'invalid
                       (format #f "-follow shows the log as it grows; it does not go with -~a" name))))
            '(output force hexdump))
  (call-with-guest-that-runs
   (lambda (look run)
     (let ((follow (%log-follow (selected-query options) (screen-style options))))
       (dynamic-wind
         (const #t)
         (lambda ()
           (until-interrupted
            (lambda ()
              (let ((reason (follow-guest look run follow options)))
                ((note-beside options) (string-append "the guest stopped: " reason))))
            (lambda ()
              ((note-beside options) "the guest stands still now; \"continue\" lets it run on"))))
         (lambda () (%log-follow-end follow)))))))

(register-guest-command
 "guest-klog"
 (lambda (options)
   (if (option options 'follow)
       (follow-log options)
       (print-command "guest-klog" options))))
