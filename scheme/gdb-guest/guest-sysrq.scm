;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; Keys are typed by way of the keyboard controller: the monitor's own sendkey does nothing while
;;; the guest is stopped, which it always is when the stub listens.

(define-module (gdb-guest guest-sysrq)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb stub)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (gdb-guest run)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:use-module (srfi srfi-1))

;;; The keys.

(define (list-keys)
  (for-each (match-lambda
              (#(key does destroys? _ _)
               (say "~a  ~a~a\n" key (if destroys? "asks first; " "") does)))
            (%sysrq-keys)))

(define (find-key name)
  (or (find (lambda (row) (string=? (vector-ref row 0) name)) (%sysrq-keys))
      (throw 'gdb-guest-error 'invalid
             (format #f "~s is not a SysRq key; guest-sysrq -list shows the keys" name))))

(define (confirm-key key does)
  (unless (ask (format #f "At this key the kernel ~a.  Send ~a to the guest?" does key))
    (throw 'gdb-guest-error 'invalid "not confirmed")))

;;; The keyboard controller, an i8042.  Its command 0xd2 puts a byte where those of the keyboard are
;;; (QEMU's hw/input/pckbd.c, KBD_CCMD_WRITE_OBUF), and interrupts the guest.

(define port-value (make-regexp "= 0x([0-9a-f]+)"))
(define no-device #xff)

(define (keyboard-status)
  (match (regexp-exec port-value (monitor "i /b 0x64"))
    (#f (throw 'gdb-guest-error 'unsupported "QEMU's monitor does not show the guest's ports"))
    (value (string->number (match:substring value 1) 16))))

(define (keyboard-full?)
  "Tests whether the guest has not read the last byte yet."
  (odd? (keyboard-status)))

(define (put-code code)
  (monitor "o /b 0x64 0xd2")
  (monitor (format #f "o /b 0x60 ~a" code)))

(define (check-architecture look)
  (let ((way (look %sysrq-way)))
    (when way
      (throw 'gdb-guest-error 'unsupported
             (format #f "guests of this architecture have no PS/2 keyboard to type SysRq at; ~a" way)))))

(define (check-keyboard target)
  (when (= no-device (call-with-monitor target keyboard-status))
    (throw 'gdb-guest-error 'unsupported
           "the guest has no PS/2 keyboard (i8042) to type SysRq at; in the guest, /proc/sysrq-trigger \
does without")))

;;; Typing, as fast as the guest reads.

(define (type-some target codes)
  "Types the first of CODES if the guest has read what was typed before.  Returns what is left."
  (call-with-monitor
   target
   (lambda ()
     (if (or (null? codes) (keyboard-full?))
         codes
         (begin
           (put-code (car codes))
           (cdr codes))))))

(define typing-run 10)                  ; milliseconds
(define runs-for-typing 200)
(define patience-with-release 250)      ; milliseconds

(define (type-all target run codes again?)
  "Types CODES while the guest runs, as long as AGAIN? says so, or until it stops for a reason of its
own.  Returns what is left."
  (let loop ((codes codes))
    (let ((rest (type-some target codes)))
      (if (or (null? rest) (not (again?)) (not (eq? #t (run typing-run))))
          rest
          (loop rest)))))

(define (times count)
  "A procedure that returns true so many times."
  (lambda ()
    (set! count (- count 1))
    (>= count 0)))

(define (for-milliseconds count)
  "A procedure that returns true for so long."
  (let ((end (+ (get-internal-real-time)
                (quotient (* count internal-time-units-per-second) 1000))))
    (lambda ()
      (< (get-internal-real-time) end))))

(define (press target run codes)
  (unless (null? (type-all target run codes (times runs-for-typing)))
    (throw 'gdb-guest-error 'unsupported
           "the guest does not read its keyboard: its kernel has no driver for it (i8042, atkbd), or \
does not handle interrupts any more")))

(define (call-with-pressed-keys target run codes release procedure)
  "Calls PROCEDURE with a procedure that lets the guest run, as RUN, and lets go of the keys little by
little.  Whatever happens they are let go at the end: Ctrl-C can wait for that.  A guest that stopped
for a reason of its own is not let run again."
  (define stopped? #f)
  (define pressed? #f)
  (define (run-on milliseconds)
    (let ((result (catch 'gdb-guest-error
                    (lambda () (run milliseconds))
                    (lambda (key kind message)
                      (set! stopped? (not (eq? kind 'interrupted)))
                      (throw key kind message)))))
      (set! stopped? (not (eq? result #t)))
      result))
  (define (run-and-release milliseconds)
    (set! release (type-some target release))
    (run-on milliseconds))
  (define (release-all)
    (unless (or stopped? (null? release))
      (%forget-interrupt)
      (catch #t
        (lambda ()
          (when (and (pair? (type-all target run-on release
                                      (for-milliseconds patience-with-release)))
                     pressed?)
            (note "the guest was too busy to see the release of the keys; the next guest-sysrq \
releases them")))
        (const #f))))
  (catch #t
    (lambda ()
      (press target run-on codes)
      (set! pressed? #t)
      (let ((result (procedure run-and-release)))
        (release-all)
        result))
    (lambda exception
      (release-all)
      (apply throw exception))))

;;; The answer.

(define waiting-run 50)
(define answer-run 20)        ; so short that the kernel does not overwrite what has not been seen
(define quiet-enough 1000)
(define default-wait 10)

(define (print-new look follow write)
  "Has WRITE take the kernel's new records; returns whether there were any."
  (let* ((notices '())
         (text (look (lambda (guest)
                       (cdr (%log-follow-look follow guest
                                              (lambda (text) (set! notices (cons text notices)))))))))
    (for-each (lambda (text) (note "~a" text)) (reverse notices))
    (for-each write text)
    (say-now)
    (pair? text)))

(define (call-with-writer file force? procedure)
  "Calls PROCEDURE with a procedure that takes bytes of the answer: for FILE, which is there at the end
whatever ended it, if there was an answer; or where FILE is #f for the screen."
  (if file
      (let ((output (%output file force?))
            (written? #f))
        (dynamic-wind
          (const #t)
          (lambda ()
            (procedure (lambda (bytes)
                         (%output-write output bytes)
                         (set! written? #t))))
          (lambda () (%output-end output written?))))
      (procedure say-bytes)))

(define (print-answer look run follow write milliseconds)
  "Lets the guest run until its kernel has been quiet for a while after an answer, or for so many
MILLISECONDS.  Tells what came of it: quiet, nothing, more, or a line that says why the guest stopped."
  (let loop ((left milliseconds) (quiet #f))
    (cond
     ((and quiet (>= quiet quiet-enough)) 'quiet)
     ((<= left 0) (if quiet 'more 'nothing))
     (else
      (let* ((time (min left (if (eqv? quiet 0) answer-run waiting-run)))
             (reason (run time))
             (new? (print-new look follow write)))
        (if (eq? reason #t)
            (loop (- left time) (if new? 0 (and quiet (+ quiet time))))
            reason))))))

(define (explain result seconds)
  (match result
    ('quiet #t)
    ('nothing
     (note "the kernel logged nothing within ~a s: SysRq may be off in the guest (kernel.sysrq), or \
nothing reads its PS/2 keyboard" seconds))
    ('more
     (note "the ~a s are over, and the kernel still logs: -wait ~a has it run longer" seconds
           (* 3 seconds)))
    (reason (note "the guest stopped: ~a" reason))))

;; The end must be an error: without an error GDB, whose target broke off while it ran, does not prompt.
(define (explain-end destroys? procedure)
  "Calls PROCEDURE with a procedure that it calls when it has sent the key.  After a key that DESTROYS? it is
no wonder if the guest is gone."
  (define sent? #f)
  (catch 'gdb-guest-error
    (lambda () (procedure (lambda () (set! sent? #t))))
    (lambda (key kind message)
      (throw key kind (if (and sent? destroys? (eq? kind 'system))
                          (string-append "the key was sent, and the guest is gone: " message)
                          message)))))

(define (send-key target look run row write seconds sent!)
  (match row
    (#(_ _ _ press release)
     (let ((follow (%log-follow (vector #f '() '() #f #f 1 #f #f #f #f) '())))
       (dynamic-wind
         (const #t)
         (lambda ()
           ;; Lines that are there already are no answer.
           (look (lambda (guest) (%log-follow-look follow guest (const #t))))
           (call-with-pressed-keys
            target run press release
            (lambda (run)
              (sent!)
              (explain (print-answer look run follow write (* 1000 seconds)) seconds))))
         (lambda () (%log-follow-end follow)))))))

(define (guest-sysrq name options)
  (let ((row (find-key name))
        (seconds (or (option options 'wait) default-wait)))
    (interruptible
     (lambda ()
       (call-with-writer
        (option options 'output) (option options 'force)
        (lambda (write)
          (send-row (current-target) row write seconds (option options 'force))))))))

(define (send-row target row write seconds force?)
  (check-not-nested "keys are typed at the keyboard of GDB's guest")
  (when (eq? (target-kind target) 'process)
    (throw 'gdb-guest-error 'unsupported
           "keys are typed through QEMU's monitor, which is at its gdbstub: connect to that (target \
remote ADDRESS) instead of to the process"))
  (match row
    (#(key does destroys? _ _)
     (explain-end
      destroys?
      (lambda (sent!)
        (call-with-guest-that-runs
         (lambda (look run)
           (check-architecture look)
           (check-keyboard target)
           (when (and destroys? (not force?))
             (confirm-key key does))
           (send-key target look run row write seconds sent!))))))))

(register-guest-command
 "guest-sysrq"
 (lambda (options)
   (cond
    ((option options 'list) (list-keys))
    ((option options 'key) => (lambda (key) (guest-sysrq key options)))
    (else (throw 'gdb-guest-error 'invalid "it takes a KEY; -list shows the keys")))))
