;;; SPDX-License-Identifier: GPL-3.0-or-later
;;;
;;; QEMU's gdbstub.  Its memory is seen through the selected CPU's page tables, but in its physical mode
;;; as guest-physical memory.  GDB must not look at a frame in that mode.

(define-module (gdb-guest gdb stub)
  #:use-module (gdb-guest gdb execute)
  #:use-module (gdb-guest gdb terminal)
  #:use-module (gdb-guest native)
  #:use-module (ice-9 format)
  #:use-module (ice-9 match)
  #:use-module (ice-9 regex)
  #:export (close-stub
            monitor
            monitor-texts
            open-stub
            qemu-stub?
            stub-thread
            use-physical!))

;; The state of one call: whether the stub is in physical mode, and whether it was before.
(define <stub> (make-record-type 'stub '(physical? before?)))
(define make-stub (record-constructor <stub>))
(define stub-physical? (record-accessor <stub> 'physical?))
(define set-stub-physical! (record-modifier <stub> 'physical?))
(define stub-before? (record-accessor <stub> 'before?))

(define reply-line (make-regexp "^received: \"(.*)\"$" regexp/newline))

(define (packet text)
  "The stub's reply to the packet TEXT."
  (match (regexp-exec reply-line (execute-to-string (string-append "maintenance packet " text)))
    (#f "")
    (reply (match:substring reply 1))))

;; GDB counts threads as they come and go.
(define (stub-thread number)
  "GDB's number for the thread that the stub numbers NUMBER."
  (let* ((answer (execute-to-string (format #f "thread find ^Thread [0-9]*\\.~a$" number)))
         (match (string-match "^Thread ([0-9]+) has target id" answer)))
    (unless match
      (throw-answer 'not-found "the gdbstub has no thread ~a" number))
    (string->number (match:substring match 1))))

(define (monitor command)
  "The output of QEMU's monitor for COMMAND, by way of the stub."
  (string-delete #\return (execute-to-string (string-append "monitor " command))))

(define (use-physical! stub physical?)
  (unless (eq? physical? (stub-physical? stub))
    (unless (string=? (packet (if physical? "Qqemu.PhyMemMode:1" "Qqemu.PhyMemMode:0")) "OK")
      (throw-answer 'unsupported "this QEMU's gdbstub has no physical mode, which QEMU has since \
4.1: the guest's memory cannot be read through it; attach to QEMU, or take its core"))
    (set-stub-physical! stub physical?)))

;; A packet would stop a guest that runs, behind GDB's back.  Not by newest-frame: a Ctrl-C while GDB
;; unwinds for that goes through libguile, and ends GDB.
(define (check-stopped)
  (catch #t
    (lambda () (execute-to-string "output/r $pc"))
    (lambda (key . arguments)
      (when (eq? key 'signal)
        (apply throw key arguments))
      (let ((text (exception-text key arguments)))
        (when (string-contains text "running")
          (throw-answer 'invalid "the guest is running: stop it first (interrupt)"))))))

;; QEMU's stub alone has ever answered this packet, about its single steps.
(define (qemu-stub?)
  (check-stopped)
  (string-prefix? "ENABLE=" (packet "qqemu.sstepbits")))

(define (open-stub)
  (let ((physical? (string=? (packet "qqemu.PhyMemMode") "1")))
    (make-stub physical? physical?)))

(define (close-stub stub)
  (define (put-back)
    (catch #t
      (lambda ()
        (use-physical! stub (stub-before? stub))
        #t)
      (const #f)))
  ;; Ctrl-C may come out of the first attempt.  Where the connection is gone there is nothing to put
  ;; back.
  (unless (or (put-back) (put-back) (not (connected?)))
    (say "note: the gdbstub is left in its physical mode, in which GDB shows the guest's physical \
memory: maintenance packet Qqemu.PhyMemMode:0\n")))

(define (connected?)
  (catch #t
    (lambda ()
      (execute-to-string "output/r $pc")  ; for newest-frame, see `check-stopped'
      #t)
    (const #f)))

(define (monitor-texts)
  "QEMU's monitor's texts about the guest; an empty text for a command that the monitor refuses."
  (map (lambda (command)
         (answering 'system (lambda () (monitor command))))
       (%monitor-commands)))
