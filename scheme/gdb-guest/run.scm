;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; The guest lives for a moment: GDB lets what it has in front of it run, and stops it again.

(define-module (gdb-guest run)
  #:use-module (gdb-guest command)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb host)
  #:use-module (gdb-guest gdb selection)
  #:use-module (gdb-guest gdb stub)
  #:use-module (gdb-guest gdb target)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (gdb-guest run-state)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 receive)
  #:use-module (ice-9 regex)
  #:use-module (srfi srfi-1)
  #:export (call-with-guest-that-runs
            check-runnable))

;;; Targets that can run.

(define (succeeds? command)
  (catch #t
    (lambda ()
      (execute-to-string command)
      #t)
    (const #f)))

;; GDB has no registers of a thread that runs, or that is gone.
(define (standing?)
  (succeeds? "output/r $pc"))

;; In these QEMU does not let the guest go on, and says nothing: GDB would wait for ever.
(define reset-needed (make-regexp "\\((shutdown|internal-error)\\)"))

(define (check-run-state target)
  (let ((status (call-with-monitor target (lambda () (monitor "info status")))))
    (match (regexp-exec reset-needed status)
      (#f #t)
      (state
       (throw 'gdb-guest-error 'unsupported
              (format #f "the guest cannot run: QEMU says ~a, and wants it to be reset first \
(monitor system_reset)" (match:substring state 1)))))))

(define (check-runnable target)
  (when (eq? (target-kind target) 'core)
    (throw 'gdb-guest-error 'unsupported
           "a core cannot run: attach to QEMU (attach PID) or connect to its gdbstub (target remote \
ADDRESS)"))
  (when (setting "non-stop")
    (throw 'gdb-guest-error 'unsupported
           "in GDB's non-stop mode the guest cannot be stopped as a whole: set non-stop off, and \
connect again"))
  (unless (standing?)
    (throw 'gdb-guest-error 'unsupported
           "the guest is running already: stop it first (interrupt)"))
  (when (eq? (target-kind target) 'stub)
    (check-run-state target)))

;; A process's QEMU runs then, and its guest does not.
(define (note-paused guest)
  (let ((state (%guest-run-state guest)))
    (when (and (string? state) (not (string=? state "running")))
      (note "QEMU has the guest ~a: it does not run until QEMU's monitor is told \"cont\"" state))))

;;; Reasons for which it stands.

(define (fail-to-run text)
  (throw 'gdb-guest-error 'system (string-append "the guest does not run: " text)))

(define (stop-reason)
  "The place and the reason of the target's stop, as GDB prints them."
  (catch #t
    (lambda () (execute-to-string "info program"))
    (lambda _ (fail-to-run "it is gone"))))

(define (interrupt? reason)
  (string-contains reason "signal SIGINT"))

;; GDB does not give it to the target, as it has been told; nor does it tell it again as the reason.
(define (forget-stop reason)
  (when (interrupt? reason)
    (succeeds? "queue-signal 0")))

;;; GDB's settings that would be in the way.

(define signal-line
  (make-regexp "^SIGINT[ \t]+(Yes|No)\t(Yes|No)\t(Yes|No)" regexp/newline))

(define (signal-words)
  "GDB's handling of SIGINT, as its command handle has it."
  (match (regexp-exec signal-line (execute-to-string "info signals SIGINT"))
    (#f '("stop" "print" "nopass"))
    (match
     (map (lambda (group word)
            (if (string=? (match:substring match group) "Yes")
                word
                (string-append "no" word)))
          '(1 2 3) '("stop" "print" "pass")))))

;; GDB asks whether that is meant.
(define (handle-signal words)
  (let ((confirm? (setting "confirm")))
    (dynamic-wind
      (lambda () (when confirm? (execute-to-string "set confirm off")))
      (lambda () (execute-to-string (string-append "handle SIGINT " (string-join words))))
      (lambda () (when confirm? (execute-to-string "set confirm on"))))))

(define (selected-thread)
  (catch #t
    (lambda () (string->number (execute-to-string "output/r $_thread")))
    (const #f)))

(define (call-with-run-settings thunk)
  (let ((signal (signal-words))
        (ours '("stop" "print" "nopass"))
        (locking (setting "scheduler-locking"))
        (paged? (setting "pagination"))
        (thread (selected-thread)))
    (define (lock how)
      (unless (member locking '("off" "replay"))
        (execute-to-string (string-append "set scheduler-locking " how))))
    (dynamic-wind
      (lambda ()
        (lock "off")
        ;; Nobody waits for a key while the guest runs.
        (when paged? (execute-to-string "set pagination off"))
        (unless (equal? signal ours) (handle-signal ours)))
      (lambda ()
        (forget-stop (stop-reason))
        (thunk))
      (lambda ()
        (unless (equal? signal ours) (handle-signal signal))
        (lock locking)
        (when paged? (execute-to-string "set pagination on"))
        (unless (memv (selected-thread) (list thread #f))
          (succeeds? (format #f "thread ~a" thread)))))))

;;; Running.

(define noise (make-regexp "^(Continuing|\\[(New|Switching|Thread)|warning: )"))

(define (first-line text)
  "The first line of what GDB printed that tells why the target stopped."
  (or (find (lambda (line)
              (not (or (string-null? line) (regexp-exec noise line))))
            (map string-trim-both (string-split text #\newline)))
      "GDB does not say why"))

(define reason-line (make-regexp "^It stopped .*$" regexp/newline))

(define (reason-of-stop reason text)
  "A line that tells why the target stopped, where GDB was done with printing TEXT, or was not."
  (first-line (or text
                  (let ((line (regexp-exec reason-line reason)))
                    (and line (match:substring line)))
                  "")))

(define (run-target process milliseconds)
  (let ((before (stop-reason)))
    (receive (elapsed? key text) (execute-for milliseconds process "continue")
      (unless (standing?)
        (fail-to-run (if (succeeds? "thread") "it cannot be stopped" (first-line text))))
      (when key
        ;; Not as any Ctrl-C, which may be no error: without one GDB would not prompt.
        (catch 'gdb-guest-error
          %check-interrupt
          (lambda _ (throw 'signal))))
      (let ((reason (stop-reason)))
        (cond
         ;; GDB threw before the target ran, or when it told of its stop.
         ((and key (string=? reason before)) (fail-to-run text))
         (else (explain-stop process elapsed? reason (and (not key) text))))))))

;; QEMU would get it at GDB's detach, and end.
(define (take-pending-interrupt process)
  "Has PROCESS stop at a SIGINT that was sent when it was about to stop."
  (let loop ((tries 3))
    (when (and (> tries 0) (%interrupt-pending? process))
      (execute-for longest-stop process "continue")
      (forget-stop (stop-reason))
      (loop (- tries 1)))))

(define longest-stop 1000)              ; milliseconds

(define (explain-stop process elapsed? reason text)
  (cond
   ((not (interrupt? reason))
    (%forget-interrupt)
    (reason-of-stop reason text))
   (else
    (forget-stop reason)
    (when process
      (take-pending-interrupt process))
    (%check-interrupt)
    (or elapsed? "by a SIGINT, or at QEMU's monitor"))))

;;; A guest that runs now and then.

(define (call-with-guest-that-runs procedure)
  "Calls PROCEDURE with two procedures.  The first, LOOK, calls a procedure with the guest.  The second,
RUN, lets it run for at most so many milliseconds: it returns #t when they have passed, else a line
that says why the guest stopped; that it is no longer there, or that the user pressed Ctrl-C, is an
error.  The guest is stopped at the beginning and at the end; one that cannot run, or runs, is an
error."
  ;; A Ctrl-C is remembered from the first moment on.
  (interruptible
   (lambda ()
     (let ((target (current-target)))
       (define (live run-procedure)
         (check-runnable target)
         (explaining-end target
           (lambda () (call-with-run-settings run-procedure))))
       ;; A look passes over what cannot be read, as in a guest that is being started.
       (define (look-at guest procedure)
         (let ((result (procedure guest)))
           (when (target-end target)
             (fail-to-run "it is gone"))
           result))
       (if (eq? (target-kind target) 'stub)
           ;; The monitor's texts are not kept over a run, nor is the stub's physical mode.
           (live (lambda ()
                   (call-with-own-run
                    (lambda ()
                      (procedure (lambda (look)
                                   (call-with-host target (lambda (guest) (look-at guest look))))
                                 (lambda (milliseconds) (run-target #f milliseconds)))))))
           (call-with-guest
            (lambda (guest)
              (define (run milliseconds)
                (dynamic-wind
                  (const #t)
                  (lambda () (run-target (target-pid target) milliseconds))
                  (lambda () (%guest-ran guest))))
              (live (lambda ()
                      (note-paused guest)
                      (procedure (lambda (look) (look-at guest look)) run))))))))))
