;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The common part of all commands: options and their completion, help, errors, progress.

(define-module (gdb-guest command)
  #:use-module (gdb-guest gdb command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb host)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (gdb-guest run-state)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (rnrs bytevectors)
  #:use-module (srfi srfi-1)
  #:export (register-guest-command
            register-other-commands
            call-with-guest
            option
            call-with-options
            complete-command
            print-command
            run-command
            guest-data
            front-end
            call-with-progress
            note
            note-beside))

;;; Options are a pair: the C library's object, and what it has as an association list.  A flag is #t, a list
;;; with commas a list, a time nanoseconds of the guest's clock or (wall . NANOSECONDS) since 1970.

(define (option options name)
  "The value of the option or argument NAME, or #f."
  (assq-ref (cdr options) name))

;; The answers that the library asks of a debugger: see gdb-ext/guile/command.c.
(define* (front-end #:key (target '(#f #f)) (state #f) (state-text #f) (progress #f) (listed #f)
                    (threads #f) (load #f) (stub-thread #f) (run #f))
  (vector evaluate-integer set-convenience-variable (styled-output?)
          (equal? (setting "disassembly-flavor") "intel")
          (car target) (cadr target) state state-text progress listed threads load stub-thread run))

(define (call-with-options name text procedure)
  "Calls PROCEDURE with the options and arguments of the command NAME that TEXT has."
  (let ((options (%parse-options name text (front-end))))
    (dynamic-wind
      (const #t)
      (lambda () (procedure options))
      (lambda () (%options-end (car options))))))

;;; Completion.

(define (complete-in-guest name text)
  "The candidates where the guest has some; none where that fails."
  (catch #t
    (lambda () (call-with-guest (lambda (guest) (%complete name text guest))))
    (const '())))

(define (complete-command name text word)
  "The continuations of TEXT, the arguments so far, as replacements for WORD, the piece of it behind
GDB's last word break."
  (let* ((start (or (and=> (string-rindex text #\space) 1+) 0))
         (known (max 0 (- (string-length text) start (string-length word)))))
    (map (lambda (candidate) (substring candidate known))
         (if (%completes-guest? name text)
             (complete-in-guest name text)
             (%complete name text #f)))))

;;; Commands.

(define* (call-with-guest procedure #:key via-host? memory)
  "Calls PROCEDURE with the guest of what GDB has in front of it."
  (interruptible
   (lambda ()
     (let ((target (current-target)))
       (check-target target)
       (call-with-host target procedure #:via-host? via-host? #:memory memory)))))

(define (check-target target)
  (case (target-kind target)
    ((none) (throw 'gdb-guest-error 'not-found
                   "no core, no process and no gdbstub: load a core of QEMU (core-file FILE), attach \
to QEMU (attach PID), connect to its gdbstub (target remote ADDRESS) or name a vmcore (guest-select -file FILE)"))
    ((other) (throw 'gdb-guest-error 'unsupported
                    "the target is neither a core, nor a process of this machine, nor QEMU's \
gdbstub: load a core of QEMU (core-file FILE), attach to QEMU (attach PID) or connect to its gdbstub \
(target remote ADDRESS)"))))

(define (invoke name body text)
  (catch #t
    (lambda ()
      (stop-watching)
      (call-with-options name text body))
    (lambda (key . arguments)
      (match (cons key arguments)
        (('gdb-guest-error 'interrupted _) (fail "Quit"))
        (('gdb-guest-error _ message) (fail "~a: ~a" name message))
        (('signal . _) (fail "Quit"))
        (_ (apply throw key arguments))))))

(define* (run-command name options guest front #:optional (before (const #t)))
  "Runs the command NAME of the table on GUEST; BEFORE is called before each piece of its output."
  (define (say-next bytes)
    (before)
    (say-bytes bytes))
  (define (note-next text)
    (before)
    ((note-beside options) text))
  (%run-command name (car options) guest front say-next note-next))

(define* (print-command name options #:optional (make-front front-end) (before (const #t)))
  "Runs the command NAME of the table; MAKE-FRONT is called beside the guest, BEFORE before each piece of
the output."
  (define (run guest)
    (run-command name options guest (make-front) before))
  (if (%takes-guest? name (car options))
      (call-with-guest run)
      (run #f)))

(define* (guest-data name #:optional (text "") #:key (notice (const #t)))
  "Returns what the command NAME, with the options and arguments that TEXT has, shows with -json: a list
of its objects, each an association list with symbols for keys; an array is a list, null and false are #f,
an address is an integer.  NOTICE is called with each note."
  (define pieces '())
  (define (collect piece)
    (set! pieces (cons piece pieces)))
  (call-with-options
   name (string-append "-json " text)
   (lambda (options)
     (define (run guest)
       (%run-command name (car options) guest (front-end) collect notice))
     (if (%takes-guest? name (car options))
         (call-with-guest run)
         (run #f))
     (%json->data (join-bytevectors (reverse pieces))))))

(define (join-bytevectors pieces)
  (let ((whole (make-bytevector (fold + 0 (map bytevector-length pieces)))))
    (fold (lambda (piece position)
            (bytevector-copy! piece 0 whole position (bytevector-length piece))
            (+ position (bytevector-length piece)))
          0 pieces)
    whole))

(define registered '())

(define (register-guest-command name body)
  "Registers NAME, a command of the table; BODY is called with its options."
  (set! registered (cons name registered))
  (register-command name (assoc-ref (%commands) name)
                    (lambda (text) (invoke name body text))
                    (lambda (text word) (complete-command name text word))))

(define (register-other-commands)
  "Registers the commands of the table that need nothing of Scheme."
  (for-each (match-lambda
              ((name . _)
               (unless (member name registered)
                 (register-guest-command name (lambda (options) (print-command name options))))))
            (%commands)))

;;; Words.

(define (note format-string . arguments)
  "Shows one line about an assumption, a find by scanning, or stale data."
  (say "note: ~a\n" (apply format #f format-string arguments)))

(define (note-beside options)
  "A procedure that shows a note: with -json beside the result, where a script expects objects alone."
  (if (option options 'json)
      (lambda (text) (say-aside "note: ~a\n" text))
      (lambda (text) (note "~a" text))))

;;; Progress.

;; Off a terminal a line is for a log file: now and then is enough.
(define seconds-between-lines 10)

(define (call-with-progress procedure)
  "Calls PROCEDURE with a procedure that shows how far the work is, which takes a text and the seconds
since the beginning, and with a procedure that erases the text."
  (let* ((terminal? (isatty? (fdes->outport 2)))
         (last-shown 0)
         (width 0))
    (define (erase)
      (when (> width 0)
        (say-aside "\r~a\r" (make-string width #\space))
        (set! width 0)))
    (define (show text seconds)
      (cond
       (terminal?
        (when (> seconds 0.5)
          (erase)
          (say-aside "~a" text)
          (set! width (string-length text))))
       ((>= (- seconds last-shown) seconds-between-lines)
        (set! last-shown seconds)
        (say-aside "~a\n" text))))
    (dynamic-wind
      (const #t)
      (lambda () (procedure show erase))
      erase)))
